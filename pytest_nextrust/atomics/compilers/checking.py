"""Checking a compiler: every batch of what it makes, one after another, and one answer for all of them.

Equal code is checked once, in the first program that holds it; what that shows holds in every cell with that code.

Boundary: plain values for the answer; the sandbox does the running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.compilers.makers import Maker
from pytest_nextrust.atomics.compilers.making import Batch, Built, batches
from pytest_nextrust.atomics.known import SeenCode
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.report import NOT_EXPLORED
from pytest_nextrust.explore.client import Caller, OnProgress

__all__ = ["Checked", "check_compiler"]

Place = dict[str, str]


@dataclass(slots=True)
class Checked:
    """What became of a compiler: ``cells``, ``findings`` and ``notes`` as the answer has them."""

    versions: list[str]
    missing: list[str]
    results: list[CampaignResult] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    cut: bool = False
    """Whether there are programs that were not begun."""

    @property
    def verdict(self) -> str:
        """``failed`` with any finding, ``budget`` where something was not seen to its end, else ``passed``."""
        if self.findings:
            return "failed"
        return "budget" if self.cut or any(result.verdict == "budget" for result in self.results) else "passed"

    def take(self, result: CampaignResult, batch: Batch) -> None:
        """Add what became of one program."""
        self.results.append(result)
        self.notes += result.notes
        assert batch.target is not None
        codes = {function.symbol: function.code for function in batch.target.functions}
        where = {"cpu": batch.cpu, "level": batch.level}
        self.findings += [{**found, **where, "code": _codes(found, codes)} for found in result.findings]


def check_compiler(
    made: Maker,
    cpu: str,
    levels: Sequence[str],
    plan: CampaignPlan,
    machine: Caller,
    on_progress: OnProgress = lambda _: None,
    folder: Path | None = None,
) -> Checked:
    """Compile and check everything. ``folder``: where failing programs are saved, see ``campaign.check``.

    Raises ToolchainMissing; BuildFailed where the compiler takes nothing; HarnessFault where the sandbox fails.
    """
    out = Checked([made.version], list(made.missing))
    known = SeenCode()
    built: list[Built] = []
    undone: set[str] = set()
    touched: dict[tuple[str, str], int] = {}
    for batch in batches(made, cpu, levels, on_progress, made.models):
        if plan.over:
            out.cut = True
            break
        built += batch.built
        out.notes += batch.notes
        out.findings += batch.findings
        target = batch.target
        # Who is wrong alone, or among its own kind, is not asked about with others: they would be blamed too.
        for some in (replace(plan, pairs=False), replace(plan, thread_counts=(), signals=0)):
            if target is None:
                break
            left = some.without(sum(each.seconds for each in out.results))
            result = check(target, left, machine, _titled(on_progress, batch), folder=folder, known=known)
            wrong = {found["routine"] for found in result.findings if len(found.get("routines", ())) < 2}
            known.condemn(function.key for function in target.functions if function.symbol in wrong)
            out.take(result, batch)
            touched |= {f.key: result.touched[f.symbol] for f in target.functions if not f.alone}
            if result.undone or any(e["verdict"] == "budget" for e in result.explorations):
                undone |= {function.code for function in target.functions}
    out.findings = _gathered(out.findings, built)
    out.cells = _cells(built, out.findings, undone, touched if plan.whole else {})
    return out


def _titled(on_progress: OnProgress, batch: Batch) -> OnProgress:
    return lambda line: on_progress(f"{batch.cpu} -O{batch.level}: {line}")


def _codes(found: dict[str, Any], codes: dict[str, str]) -> list[str]:
    """The code of every function that a finding is about."""
    return [codes[name] for name in (found["routine"], *found.get("routines", ())) if name in codes]


def _gathered(findings: list[dict[str, Any]], built: list[Built]) -> list[dict[str, Any]]:
    """The findings with all their ``places``: cells with the same code, or where a function has the same finding."""
    gathered: dict[tuple[str, ...], dict[str, Any]] = {}
    routines = {cell.operation.name: cell.operation.routine for cell in built}
    for found in findings:
        # Of a history the message has the values of one run, which differ with the code.
        key = (found["kind"], found["routine"], found.get("history") or found["message"])
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


def _cells(
    built: list[Built], findings: list[dict[str, Any]], undone: set[str], touched: dict[tuple[str, str], int]
) -> list[dict[str, Any]]:
    """One cell for each function, CPU and level: a function fails wherever its code does.

    ``touched``: (routine, code) to how many histories could show a fault, of a check that asks for everything.
    """
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
        key = cell.operation.routine, cell.code
        failed = cell.fault or key in bad
        rest = "budget" if cell.code in undone else NOT_EXPLORED if touched.get(key, 1) == 0 else "passed"
        cells.append(
            {
                "routine": cell.operation.name,
                "size": cell.operation.size or None,
                "cpu": cell.cpu,
                "level": cell.level,
                "verdict": "failed" if failed else rest,
                "histories": touched.get(key, 0),
                "calls": list(cell.calls),
                "inline": bool(cell.code) and not cell.calls,
            }
        )
    return cells
