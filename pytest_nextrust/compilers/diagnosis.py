"""Which mend a failing program needs: the same program with none, with all, with each alone, and with all but each.

What passes with a mend and fails without it dies of the fault that the mend works around.

Boundary: sets of mends and results; what a trial is, is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_nextrust.compilers.search import Trial
from pytest_nextrust.project.mends import MENDS

__all__ = ["ALL_MENDS", "MendDiagnosis", "MendTrial", "Mends", "diagnose", "name_with"]

Mends = frozenset[str]
ALL_MENDS: Mends = frozenset(MENDS)


def name_with(base: str, twin: str, on: Mends) -> str:
    """The toolchain that has exactly these mends, by the shorter of its names."""
    if on in (frozenset(), ALL_MENDS):
        return twin if on else base
    off = ALL_MENDS - on
    sign, named = ("+", on) if len(on) <= len(off) else ("~", off)
    return twin + "".join(f"{sign}{mend}" for mend in sorted(named))


@dataclass(frozen=True, slots=True)
class MendTrial:
    """How the program did with the mends ``on``: ``passed``, or the kinds of failure; ``message`` says it at length."""

    on: Mends
    result: str
    message: str

    @property
    def passed(self) -> bool:
        return self.result == "passed"


@dataclass(frozen=True)
class MendDiagnosis:
    """What the trials came to.

    ``outcome``: ``passed``: it passes unmended; ``failed``: it fails with all mends; ``mends``: it needs ``mends``,
    which are enough together; ``any``: each of ``mends`` is enough alone; ``untried``: it needs a mend that was not
    among those tried. ``needed``: those without which it fails, all others being on.
    """

    outcome: Literal["passed", "failed", "mends", "any", "untried"]
    mends: tuple[str, ...]
    needed: tuple[str, ...]
    tried: tuple[str, ...]
    trials: tuple[MendTrial, ...]

    @property
    def line(self) -> str:
        """The answer in one line."""
        named = [f"`{mend}`" for mend in self.mends]
        match self.outcome:
            case "passed":
                return "passes unmended: no mend is needed"
            case "failed":
                return (
                    f"fails even mended ({self.trials[1].result}): no mend knows this fault, or it is the program's own"
                )
            case "untried":
                return f"passes mended, but needs a mend that was not tried (tried: {', '.join(self.tried)})"
            case "mends" if len(named) == 1:
                return f"passes with {named[0]} mended, and fails without"
            case "mends":
                return f"passes with {_and(named)} mended together, and with none of them alone"
        also = f", though not with the others and without {_and(self.needed)}" if self.needed else ""
        if len(named) == 1:
            return f"passes with {named[0]} mended{also or ', and with others in its place'}"
        return f"passes with any one of {', '.join(named)} mended{also}"


def diagnose(
    run: Callable[[Mends], Trial],
    tried: Sequence[str] = MENDS,
    *,
    on_trial: Callable[[MendTrial], None] = lambda _: None,
) -> MendDiagnosis:
    """Diagnose. ``run`` makes a trial of the mends that are on; each set is tried once. ``tried``: the mends that are
    switched one by one; the others are off where one is on alone, and on where one is off alone."""
    trials: dict[Mends, MendTrial] = {}

    def passes(on: Mends) -> bool:
        if on not in trials:
            trial = run(on)
            trials[on] = MendTrial(on, trial.result, trial.message)
            on_trial(trials[on])
        return trials[on].passed

    def answer(
        outcome: Literal["passed", "failed", "mends", "any", "untried"],
        mends: Sequence[str] = (),
        needed: Sequence[str] = (),
    ) -> MendDiagnosis:
        return MendDiagnosis(outcome, tuple(mends), tuple(needed), tuple(tried), tuple(trials.values()))

    if passes(frozenset()):
        return answer("passed")
    if not passes(ALL_MENDS):
        return answer("failed")
    enough = [mend for mend in tried if passes(frozenset({mend}))]
    needed = [mend for mend in tried if not passes(ALL_MENDS - {mend})]
    if enough:
        return answer("mends" if enough == needed else "any", enough, needed)
    together = _fewest(passes, frozenset(tried), needed)
    return answer("mends", sorted(together), needed) if together else answer("untried", (), needed)


def _fewest(passes: Callable[[Mends], bool], tried: Mends, needed: Sequence[str]) -> Mends:
    """Mends that are enough together, of which none can be left out; none where all that were tried are not enough."""
    if passes(frozenset(needed)):
        return frozenset(needed)
    if not passes(tried):
        return frozenset()
    left = tried
    for mend in sorted(tried - set(needed)):
        if passes(left - {mend}):
            left -= {mend}
    return left


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
