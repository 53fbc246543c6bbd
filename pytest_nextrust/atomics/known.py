"""What a campaign over several programs has already seen, by the code of functions: equal code is checked once.

Boundary: plain values; nothing is run here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pytest_nextrust.atomics.calls import Call, History

__all__ = ["Meaning", "SeenCode"]

Meaning = tuple[object, ...]


@dataclass(slots=True)
class SeenCode:
    """``alone``: (routine, code) to whether it was found right. ``together``: histories, with code for names.

    By what functions mean and are made of (``coverage.means_the_same``): ``touched``, in how many histories that could
    show a fault they took part; ``failed``, who took part in a finding; ``cut``, in what was not seen to its end.

    Functions without code (""), a runtime's own routines, are never known.
    """

    alone: dict[tuple[str, str], bool] = field(default_factory=dict)
    together: set[History] = field(default_factory=set)
    touched: Counter[Meaning] = field(default_factory=Counter)
    failed: set[Meaning] = field(default_factory=set)
    cut: set[Meaning] = field(default_factory=set)

    def learn(self, functions: Iterable[tuple[str, str]]) -> None:
        """Remember (routine, code) of functions that were called alone, right until ``condemn`` says otherwise."""
        self.alone |= {key: True for key in functions if key[1] and key not in self.alone}

    def condemn(self, functions: Iterable[tuple[str, str]]) -> None:
        """Remember (routine, code) of functions that are wrong: nothing more is asked about them."""
        self.alone |= {key: False for key in functions if key[1]}

    def fresh(self, history: History, codes: Mapping[str, str]) -> bool:
        """Whether a history of functions, by symbol in ``codes``, has not been seen; from now on it has been."""
        if not all(codes.get(call.function) for call in (*history.calls, *history.before)):
            return True

        def named(calls: tuple[Call, ...]) -> tuple[Call, ...]:
            return tuple(replace(call, function=codes[call.function]) for call in calls)

        threads = tuple(named(calls) for calls in history.threads)
        before, handler = named(history.before), named(history.handler)
        key = replace(history, name="", kind="", threads=threads, handler=handler, before=before)
        if key in self.together:
            return False
        self.together.add(key)
        return True
