"""Checking a compiler: every batch of what it makes, one after another, and one answer for all of them.

Equal code is checked once, in the first program that holds it; what that shows holds in every cell with that code.

Boundary: plain values for the answer; the sandbox does the running.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_nextrust.atomics.campaign import Caller, Explain, Outcome, Plan, Sampler, check
from pytest_nextrust.atomics.compilers.makers import Maker
from pytest_nextrust.atomics.compilers.making import Batch, Built, batches
from pytest_nextrust.atomics.known import Known

__all__ = ["Checked", "check_compiler"]

Place = dict[str, str]


@dataclass(slots=True)
class Checked:
    """What became of a compiler: ``cells``, ``findings`` and ``notes`` as the answer has them."""

    versions: list[str]
    missing: list[str]
    outcomes: list[Outcome] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``failed`` with any finding, ``budget`` where something was not seen to its end, else ``passed``."""
        if self.findings:
            return "failed"
        return "budget" if any(outcome.verdict == "budget" for outcome in self.outcomes) else "passed"

    def take(self, outcome: Outcome, batch: Batch) -> None:
        """Add what became of one program."""
        self.outcomes.append(outcome)
        self.notes += outcome.notes
        assert batch.target is not None
        codes = {function.symbol: function.code for function in batch.target.functions}
        where = {"cpu": batch.cpu, "level": batch.level}
        self.findings += [{**found, **where, "code": _codes(found, codes)} for found in outcome.findings]


def check_compiler(
    made: Maker,
    cpu: str,
    levels: Sequence[str],
    plan: Plan,
    sandbox: Caller,
    hear: Callable[[str], None] = lambda _: None,
    explain: Callable[[], Explain | None] = lambda: None,
    sampler: Sampler | None = None,
) -> Checked:
    """Compile and check everything. ``explain`` makes what explains the findings of one program.

    Raises ToolchainMissing; BuildFailed where the compiler takes nothing; HarnessFault where the sandbox fails.
    """
    out = Checked([made.version], list(made.missing))
    known = Known()
    began = time.monotonic()
    built: list[Built] = []
    undone: set[str] = set()
    for batch in batches(made, cpu, levels, hear):
        built += batch.built
        out.notes += batch.notes
        out.findings += batch.findings
        target = batch.target
        # Who is wrong alone, or among its own kind, is not asked about with others: they would be blamed too.
        for part in (replace(plan, pairs=False), replace(plan, crowds=(), signals=0)):
            if target is None:
                break
            left = replace(part, seconds=max(plan.seconds - (time.monotonic() - began), 0.001))
            outcome = check(target, left, sandbox, _titled(hear, batch), explain(), sampler, known)
            wrong = {found["routine"] for found in outcome.findings if len(found.get("routines", ())) < 2}
            known.condemn(function.key for function in target.functions if function.symbol in wrong)
            out.take(outcome, batch)
            if outcome.verdict == "budget":
                undone |= {function.code for function in target.functions}
    out.findings = _gathered(out.findings, built)
    out.cells = _cells(built, out.findings, undone)
    return out


def _titled(hear: Callable[[str], None], batch: Batch) -> Callable[[str], None]:
    return lambda line: hear(f"{batch.cpu} -O{batch.level}: {line}")


def _codes(found: dict[str, Any], codes: dict[str, str]) -> list[str]:
    """The code of every function that a finding is about."""
    return [codes[name] for name in (found["routine"], *found.get("routines", ())) if name in codes]


def _gathered(findings: list[dict[str, Any]], built: list[Built]) -> list[dict[str, Any]]:
    """The findings with all their ``places``: the cells with the same code, or where the same is said of a function."""
    gathered: dict[tuple[str, ...], dict[str, Any]] = {}
    routines = {cell.operation.name: cell.operation.routine for cell in built}
    for found in findings:
        key = (found["kind"], found["routine"], found["message"])
        first = gathered.setdefault(key, {**found, "places": []})
        codes = set(found.get("code", ()))
        same = [cell for cell in built if cell.code in codes and cell.operation.routine == routines[found["routine"]]]
        places: list[Place] = [{"cpu": cell.cpu, "level": cell.level} for cell in same]
        for place in [{"cpu": found["cpu"], "level": found["level"]}, *places]:
            if place not in first["places"]:
                first["places"].append(place)
    for found in gathered.values():
        found.pop("code", None)
    return list(gathered.values())


def _cells(built: list[Built], findings: list[dict[str, Any]], undone: set[str]) -> list[dict[str, Any]]:
    """One cell for each function, CPU and level: a function fails wherever its code does."""
    named = {
        (name, place["cpu"], place["level"])
        for found in findings
        for place in found["places"]
        for name in (found["routine"], *found.get("routines", ()))
    }
    bad = {
        (cell.operation.routine, cell.code)
        for cell in built
        if cell.code and (cell.operation.name, cell.cpu, cell.level) in named and not cell.fault
    }
    cells = []
    for cell in built:
        failed = cell.fault or (cell.operation.routine, cell.code) in bad
        cells.append(
            {
                "routine": cell.operation.name,
                "size": cell.operation.size or None,
                "cpu": cell.cpu,
                "level": cell.level,
                "verdict": "failed" if failed else "budget" if cell.code in undone else "passed",
                "calls": list(cell.calls),
                "inline": bool(cell.code) and not cell.calls,
            }
        )
    return cells
