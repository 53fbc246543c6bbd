"""Asking the sandbox to explore many small histories of one program: which of them show nothing, and which are suspect.

Histories with the same objects and the same calls before them share one image, and the memo of what threads do from a
state: that makes thousands cheap. What is suspect, or too large, ``explore`` looks at by itself: only there are
symmetric threads taken together, findings confirmed and tokens made.

Boundary: the parent's side; the work is ``child.sweep``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_nextrust.atomics.build import Runtime
from pytest_nextrust.atomics.calls import Call, History
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.client import BUSY, GRACE, Caller
from pytest_nextrust.explore.request import Fairness

__all__ = ["TOO_LARGE", "SweepAnswer", "SweepGroup", "SweepRequest", "Swept", "in_groups", "sweep"]

CHILD = "pytest_nextrust.atomics.child.sweep:sweep"

STATES = 30_000
"""States after which a history is left to ``explore``."""

GROUP = 400
"""Histories that share an image at most: their memo is given up after them."""

TOO_LARGE = "large"
"""What is said of a history that was not seen to its end, in place of a kind of finding."""

_Key = tuple[tuple[tuple[int, bytes], ...], tuple[Call, ...]]


@dataclass(frozen=True, slots=True)
class SweepGroup:
    """Histories over one image; calls by their numbers. ``histories``: for each its threads, for each thread its calls.

    ``initial`` and ``before`` as in ``History``.
    """

    initial: tuple[tuple[int, bytes], ...]
    before: tuple[int, ...]
    histories: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Groups to explore one after another until ``max_seconds`` of CPU time are over, or, ``first``, until one history
    is suspect. ``functions``: (symbol, address) of what is called; ``objects``: where the room is."""

    program: bytes
    cpu: str
    objects: Address
    functions: tuple[tuple[str, int], ...]
    calls: tuple[Call, ...]
    groups: tuple[SweepGroup, ...]
    max_seconds: float
    first: bool = False
    max_states: int = STATES
    fairness: Fairness = "strong"


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of a history: the ``kind`` of finding that it seems to have, "" where every state was seen and none
    is wrong, ``TOO_LARGE``."""

    kind: str
    states: int
    transitions: int
    instructions: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SweepAnswer:
    """What became of the first histories, in the groups' order; of all, unless the time was over."""

    histories: tuple[Swept, ...]
    seconds: float = 0.0


def in_groups(histories: Sequence[History]) -> Iterator[list[int]]:
    """The numbers of histories that can share an image, at most ``GROUP`` together, in the order of the first."""
    groups: dict[_Key, list[int]] = {}
    for number, history in enumerate(histories):
        groups.setdefault((history.initial, history.before), []).append(number)
    for found in groups.values():
        for start in range(0, len(found), GROUP):
            yield found[start : start + GROUP]


def sweep(
    machine: Caller,
    runtime: Runtime,
    program: bytes,
    functions: Mapping[str, Address],
    groups: Sequence[Sequence[History]],
    seconds: float,
    *,
    first: bool = False,
    states: int = STATES,
    fairness: Fairness = "strong",
) -> SweepAnswer:
    """Explore the histories of each group, none with a handler, each up to so many ``states``. ``functions``: what is
    called. Raises HarnessFault."""
    numbers: dict[Call, int] = {}

    def numbered(calls: tuple[Call, ...]) -> tuple[int, ...]:
        return tuple(numbers.setdefault(call, len(numbers)) for call in calls)

    made = tuple(
        SweepGroup(
            group[0].initial,
            numbered(group[0].before),
            tuple(tuple(numbered(calls) for calls in history.threads) for history in group),
        )
        for group in groups
    )
    called = {call.name for call in numbers}
    request = SweepRequest(
        program,
        runtime.cpu,
        runtime.objects,
        tuple((name, int(address)) for name, address in functions.items() if name in called),
        tuple(numbers),
        made,
        seconds,
        first,
        min(states, STATES),
        fairness,
    )
    plain = machine.call(CHILD, to_plain(request), BUSY * seconds + GRACE)
    return from_plain(SweepAnswer, plain)
