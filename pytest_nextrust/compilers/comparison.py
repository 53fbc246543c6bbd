"""Results of several compilers side by side: what is the same, and a row for each thing that is not.

A result is ``passed``, or the kinds of what failed. Places (cells, or CPUs and levels) where a thing has the same
results from every compiler are one row, so that a fix or a regression is one.

Boundary: values; who made the results is ``comparing``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ABSENT", "Comparison", "Measured", "Part", "Row", "compare"]

Part = Literal["scenarios", "shapes", "routines"]
Change = Literal["mended", "broken", "changed"]
Key = tuple[Part, str, str]

PASSED = "passed"
ABSENT = "-"
"""The result of a compiler that has none: it does not compile the language, or not this function."""


@dataclass
class Measured:
    """The results of one compiler: ``results`` by part, name and place; ``messages`` of those that did not pass."""

    name: str
    version: str
    results: dict[Key, str] = field(default_factory=dict)
    messages: dict[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that differs: the results of the compilers in their order, and all places where they are these."""

    part: Part
    name: str
    results: tuple[str, ...]
    places: tuple[str, ...]
    messages: tuple[str, ...] = ()

    @property
    def change(self) -> Change:
        """From the first compiler to the last: ``mended``, ``broken``, or ``changed`` where neither or both pass."""
        first, last = self.results[0], self.results[-1]
        if PASSED in (first, last) and first != last:
            return "mended" if last == PASSED else "broken"
        return "changed"


@dataclass(frozen=True)
class Comparison:
    """``rows``: what differs. ``same``: by part, how many results are the same from all and ``passed``, and how many
    are the same and not. ``apart``: by part, how many only some of the compilers have."""

    rows: tuple[Row, ...]
    same: Mapping[Part, tuple[int, int]]
    apart: Mapping[Part, int]


def compare(measured: Sequence[Measured]) -> Comparison:
    """Put results side by side. What only some compilers have is counted, and is no difference."""
    keys = list(dict.fromkeys(key for each in measured for key in each.results))
    passed: Counter[Part] = Counter()
    failed: Counter[Part] = Counter()
    apart: Counter[Part] = Counter()
    gathered: dict[tuple[Part, str, tuple[str, ...]], list[Key]] = {}
    for key in keys:
        part, name, _ = key
        results = tuple(each.results.get(key, ABSENT) for each in measured)
        if ABSENT in results:
            apart[part] += 1
        elif len(set(results)) > 1:
            gathered.setdefault((part, name, results), []).append(key)
        else:
            (passed if results[0] == PASSED else failed)[part] += 1
    rows = tuple(
        Row(part, name, results, tuple(place for _, _, place in places), _messages(measured, places[0]))
        for (part, name, results), places in gathered.items()
    )
    parts = dict.fromkeys(part for part, _, _ in keys)
    return Comparison(rows, {part: (passed[part], failed[part]) for part in parts}, {p: apart[p] for p in parts})


def _messages(measured: Iterable[Measured], key: Key) -> tuple[str, ...]:
    return tuple(each.messages.get(key, "") for each in measured)
