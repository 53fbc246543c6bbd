"""The search for the pass since which a program fails: bisection over a limit, and a look at limits beside its way.

A trial says how the program did with the first N passes. What is looked for is a boundary: with N - 1 passes the
program is right, with N it is not. Where it is wrong in another way without any pass, the boundary is that between the
two ways. Bisection finds one boundary; whether there are others, further trials tell as far as they go.

Boundary: numbers and results; what a trial is, is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pytest_nextrust.compilers.limits import ALL, Pass, PassCounter

__all__ = ["PassSearch", "Trial", "search"]


@dataclass(frozen=True, slots=True)
class Trial:
    """The program as made with the first ``limit`` passes (``ALL``: all of them).

    ``kinds``: the kinds of what is not as expected, sorted (none: it is right); ``message`` says it at length.
    ``passes``: those that the compiler told of. ``program``: the Mach-O, empty where there is none.
    """

    limit: int
    kinds: tuple[str, ...]
    message: str = field(default="", compare=False)
    passes: tuple[Pass, ...] = field(default=(), compare=False, repr=False)
    program: bytes = field(default=b"", compare=False, repr=False)
    command: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def result(self) -> str:
        """``passed``, or the kinds of failure."""
        return "+".join(self.kinds) or "passed"


@dataclass(frozen=True)
class PassSearch:
    """What a search came to.

    ``outcome``: ``pass``: ``good`` and ``bad`` are the trials with one pass less and with it; ``codegen``: the program
    fails in the same way without any pass, so that what cannot be left out, or is not compiled with the program, makes
    it fail; ``passed``: it does not fail at all.
    ``against``: trials that contradict a single boundary.
    """

    counter: PassCounter
    outcome: Literal["pass", "codegen", "passed"]
    full: Trial
    total: int
    trials: tuple[Trial, ...]
    good: Trial | None = None
    bad: Trial | None = None
    against: tuple[Trial, ...] = ()

    @property
    def found(self) -> tuple[Pass, ...]:
        """The pass that the boundary is at: more than one where several sources have a pass of its number."""
        if self.bad is None:
            return ()
        return tuple(each for each in self.full.passes if each.number == self.bad.limit)

    @property
    def otherwise(self) -> bool:
        """Whether the program is wrong before the boundary too, in another way."""
        return self.good is not None and bool(self.good.kinds)

    @property
    def compilations(self) -> int:
        """How often the program was compiled."""
        return len(self.trials)


def search(counter: PassCounter, run: Callable[[int], Trial], *, checks: int = 6) -> PassSearch:
    """Search. ``run`` makes a trial of a limit; ``checks``: further limits that are tried once a boundary is found."""
    full = run(ALL)
    total = max((each.number for each in full.passes), default=0)
    if not full.kinds:
        return PassSearch(counter, "passed", full, total, (full,))
    nothing = run(0)
    trials = [full, nothing]
    if nothing.kinds == full.kinds or not total:
        return PassSearch(counter, "codegen", full, total, tuple(trials))

    def fails(trial: Trial) -> bool:
        return trial.kinds == full.kinds if nothing.kinds else bool(trial.kinds)

    good, bad, upper = nothing, full, total
    while upper - good.limit > 1 or bad is full:
        # Where every trial was right, the last pass of all is left: it is tried by its number.
        trial = run((good.limit + upper) // 2 if upper - good.limit > 1 else upper)
        trials.append(trial)
        if fails(trial) or trial.limit == upper:
            bad, upper = trial, trial.limit
        else:
            good = trial
    trials += [run(limit) for limit in _beside(good.limit, total, checks, {trial.limit for trial in trials})]
    against = tuple(trial for trial in trials if trial is not full and fails(trial) != (trial.limit > good.limit))
    return PassSearch(counter, "pass", full, total, tuple(trials), good, bad, against)


def _beside(boundary: int, total: int, count: int, tried: set[int]) -> list[int]:
    """Limits that were not tried, spread evenly below and above the boundary, as many on each side where there are."""
    chosen: list[int] = []
    for low, high, many in ((0, boundary, count - count // 2), (boundary + 1, total, count // 2)):
        free = [limit for limit in range(low + 1, high) if limit not in tried]
        step = max(1, len(free) // max(1, many))
        chosen += free[step // 2 :: step][:many]
    return chosen
