"""What to ask of a linked runtime: which histories there are for its functions, and which of their failures count.

Where accesses of different sizes overlap, or objects that the runtime calls lock-free and objects that it does not, a
failure is a note: neither C nor Rust promises anything about them (``overlap="mixed"`` makes the former findings).

Boundary: values; nothing is built or run here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.calls import Call, Extent, History
from pytest_nextrust.atomics.coverage import NO_PRINTS, Members, covering, means_the_same
from pytest_nextrust.atomics.footprints import Prints
from pytest_nextrust.atomics.program import Function, Target
from pytest_nextrust.atomics.table import ROUTINES, SIZES
from pytest_nextrust.explore.request import Fairness

__all__ = ["THREAD_COUNTS", "CampaignPlan", "PlannedHistory", "WallLimit", "histories", "same_calls"]

UPDATES = ("__atomic_fetch_OP", "__sync_val_compare_and_swap", "__atomic_exchange", "__sync_fetch_and_OP")
"""Families that are explored with more threads and more calls."""
THREAD_COUNTS = ((2, 3), (3, 2))
"""(threads, calls of each) of the larger explorations."""
KINDS = ("same", "overlap", "straddle", "shared-lock")
INTERRUPTED = (
    "__sync_fetch_and_OP",
    "__sync_val_compare_and_swap",
    "__atomic_load",
    "__atomic_store",
    "__atomic_exchange",
    "__atomic_compare_exchange",
    "generic swap",
)
"""Families whose calls are interrupted by a handler."""


@dataclass(frozen=True, slots=True)
class WallLimit:
    """So many ``seconds`` on the clock from ``began`` on, as ``time.monotonic`` counts."""

    seconds: float
    began: float

    @property
    def left(self) -> float:
        """Seconds until it is over; below zero afterwards."""
        return self.seconds - (time.monotonic() - self.began)

    @property
    def note(self) -> str:
        """That it is over."""
        return f"the wall time of {self.seconds:g} s is over"


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What to do. ``thread_counts``: (threads, calls each); ``signals`` per thread (0: no handlers); limits per
    history.

    ``kinds``: of all pairs, those whose objects lie to each other so; ``sizes``: of pairs and interrupted calls, those
    whose objects are all of one of these sizes in bytes (empty: any). ``seconds``, of CPU time, and ``wall`` are for
    all of it; ``fairness``: under which scheduler calls must return; ``first`` stops soon after the first finding.
    ``interrupted`` says why nothing more is to be done, once that is so; the sandbox is told so too.
    """

    overlap: str = "same-size"
    thread_counts: tuple[tuple[int, int], ...] = THREAD_COUNTS
    signals: int = 0
    fairness: Fairness = "strong"
    pairs: bool = True
    kinds: tuple[str, ...] = KINDS
    sizes: tuple[int, ...] = ()
    conformance: bool = True
    states: int = 2_000_000
    seconds: float = 600.0
    wall: WallLimit | None = None
    interrupted: Callable[[], str] = str
    seed: int = 1
    reduce: bool = True
    first: bool = False

    @property
    def whole(self) -> bool:
        """Whether it asks for everything: what is then not explored leaves the run without a verdict."""
        return self.pairs and set(self.kinds) >= set(KINDS) and (not self.sizes or set(self.sizes) >= set(SIZES))

    @property
    def over(self) -> bool:
        """Whether the time on the clock is over, or somebody has interrupted it."""
        return bool(self.interrupted()) or (self.wall is not None and self.wall.left <= 0)

    def without(self, seconds: float) -> CampaignPlan:
        """What is left of the plan after so many seconds of CPU time."""
        return replace(self, seconds=max(self.seconds - seconds, 0.001))

    def spent(self, seconds: float) -> str:
        """Why no more is done after so many seconds of CPU time; empty where nothing is in the way."""
        if self.interrupted():
            return self.interrupted()
        if self.wall is not None and self.over:
            return self.wall.note
        return f"the CPU time of {self.seconds:g} s is over" if seconds >= self.seconds else ""


@dataclass(frozen=True, slots=True)
class PlannedHistory:
    """A history to explore and whether its failure is a finding or, ``note`` saying why, none."""

    history: History
    note: str = ""


def histories(
    target: Target,
    plan: CampaignPlan,
    lock_free: Mapping[str, int] | None = None,
    broken: Iterable[str] = (),
    prints: Prints = NO_PRINTS,
) -> Iterator[PlannedHistory]:
    """Every history of the plan whose routines the target has. ``lock_free``: object size (as text) to 1 or 0.

    Functions in ``broken`` are left out. ``prints``: what calls alone have shown.
    """
    by_routine: dict[str, Function] = {}
    bad = {*broken, *(function.symbol for function in target.functions if function.alone)}
    for function in target.functions:
        if function.symbol not in bad:
            by_routine.setdefault(function.routine, function)
    if plan.signals:
        yield from (PlannedHistory(history) for history in _interrupted(by_routine, plan))
    for threads, count in plan.thread_counts:
        yield from (PlannedHistory(history) for history in _larger(by_routine, threads, count))
    yield from (PlannedHistory(history) for history in _own_kind(target, bad) if plan.thread_counts)
    if plan.pairs:
        once = {means_the_same(f): f for f in reversed(target.functions) if f.symbol not in bad}
        for found in covering(Members(tuple(reversed(once.values())), prints)):
            if _wanted(found, plan):
                yield PlannedHistory(found, _note(found, plan, lock_free or {}))


def _wanted(found: History, plan: CampaignPlan) -> bool:
    sizes = {call.size for call in found.calls if call.size}
    return found.kind in plan.kinds and (not plan.sizes or sizes <= set(plan.sizes))


def _note(found: History, plan: CampaignPlan, lock_free: Mapping[str, int]) -> str:
    if not found.mixed:
        return ""
    sizes = {str(call.size) for call in found.calls}
    classes = {lock_free[size] for size in sizes if size in lock_free}
    if len(classes) > 1:
        return (
            "the runtime says that one of these sizes is lock-free and another is not: they do not exclude each other"
        )
    if plan.overlap != "mixed":
        return "accesses that overlap differ in size, which neither C nor Rust promises to order (see --overlap mixed)"
    return ""


def _by_function(function: Function, call: Call) -> Call:
    return replace(call, function=function.symbol, plain=function.plain)


def _larger(functions: Mapping[str, Function], threads: int, count: int) -> Iterator[History]:
    """Several calls of each of several threads on one object of 4 bytes (of the first size that there is, else)."""
    for stem in UPDATES:
        for size in (4, 2, 1, 8):
            function = functions.get(families.routine_of(stem, size, 0).name)
            if function is not None:
                yield same_calls(function, size, threads, count)
                break


def _own_kind(target: Target, bad: set[str]) -> Iterator[History]:
    """Each function that has code of its own to look at, for a memory order say, beside itself."""
    for function in target.functions:
        size = ROUTINES[function.routine].size
        if function.code and size and function.symbol not in bad:
            yield same_calls(function, size, 2, 1)


def same_calls(function: Function, size: int, threads: int, count: int) -> History:
    """Each thread calls the function so many times, with an operand of its own."""
    arena = families.initial(size)
    made = [families.make_call(ROUTINES[function.routine], Extent(0, size), arena, thread) for thread in range(threads)]
    calls = tuple((_by_function(function, call),) * count for call in made)
    return History(f"{function.symbol}, {threads} threads x {count}", calls, ((0, arena),))


def _interrupted(functions: Mapping[str, Function], plan: CampaignPlan) -> Iterator[History]:
    """One call, interrupted anywhere by a handler that makes another on the same object."""
    for size in plan.sizes or SIZES:
        for stem in INTERRUPTED:
            name = families.routine_of(stem, size, 0).name
            handler = families.routine_of("__atomic_fetch_OP", size, 0).name
            handler = handler if handler in functions else name
            if name not in functions:
                continue
            extent, arena = Extent(0, size), families.initial(size)
            made = [families.make_call(ROUTINES[n], extent, arena, thread) for thread, n in enumerate((name, handler))]
            outside, inside = (_by_function(functions[call.routine], call) for call in made)
            title = f"{name}({size}), interrupted by {handler}"
            yield History(title, ((outside,),), ((0, arena),), (inside,), plan.signals)
