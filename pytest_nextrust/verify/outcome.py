"""The result of verifying: mismatches, the result of one check, and the outcome that they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_nextrust.emu.records import RunRecord
from pytest_nextrust.status.records import Verdict

__all__ = ["CheckResult", "Mismatch", "ScenarioOutcome", "describe"]

_VERDICTS = ("budget", "crashed", "infra", "skipped")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected: its kind (one of ``scenario.model.FAILURES``) and what to show for it.

    ``routines``: the atomic routines that it is about.
    """

    kind: str
    message: str
    routines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of exploring a program, checking its atomics, or carrying out events.

    ``message`` is one line that sums it up; ``mismatches`` are empty where all is as expected; ``figures`` as in
    ScenarioOutcome.
    """

    message: str = ""
    mismatches: tuple[Mismatch, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioOutcome:
    """The result of one scenario in one cell.

    ``message`` is one line for a passed outcome (or empty) and everything there is to say for any other.
    ``seconds`` is wall time. ``record`` is None where no program was run. ``figures`` are what there is to measure, by
    name: ``states``, ``schedules`` and ``explored`` (seconds) of an exploration, ``hit KIND`` and ``miss KIND`` of the
    build cache.
    """

    verdict: Verdict
    message: str = ""
    program_sha256: str = ""
    toolchain: str = ""
    version: str = ""
    provenance: str = ""
    record: RunRecord | None = None
    seconds: float = 0.0
    reproduction: str = ""
    known_issue: str = ""
    mismatches: tuple[Mismatch, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


def describe(mismatches: Sequence[Mismatch]) -> str:
    """All mismatches as text, each under its kind where the verdict does not say it already."""
    return "\n".join(m.message if m.kind in _VERDICTS else f"{m.kind}: {m.message}" for m in mismatches)
