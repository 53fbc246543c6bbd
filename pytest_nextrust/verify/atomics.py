"""An atomics scenario: the same check as ``nextrust atomics``, and its result compared with what is expected.

Cells that differ in their operating system alone have the same program, so a check is done once per program, CPU and
settings in a process, and a cell that takes over another's result says so.

Boundary: pure of pytest. The check is ``atomics``'s; building the program was the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.making import RuntimeMaker
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target, target_of
from pytest_nextrust.atomics.report import totals
from pytest_nextrust.atomics.table import ROUTINES, lookup
from pytest_nextrust.errors import MachoError, NotRunnable, UsageFault
from pytest_nextrust.explore.store import FOLDER
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.mends import unmended
from pytest_nextrust.project.releases import is_of
from pytest_nextrust.scenario.model import Atomics, ExpectedFailure, Scenario
from pytest_nextrust.status.records import Verdict
from pytest_nextrust.toolchain.interface import Toolchain
from pytest_nextrust.verify.outcome import CheckResult, Mismatch
from pytest_nextrust.verify.services import PREBUILT, Services

__all__ = ["check_atomics", "judge_routines", "maker", "plan_of"]

TRACED = 3
"""Findings whose traces are in a message; the others are named."""


def maker(scenario: Scenario, toolchain: Toolchain) -> Toolchain:
    """What builds a scenario's program: the toolchain, or for a check of atomics what links runtimes with it.

    A check of what a compiler makes is one of the release of it, or of its mended twin, that was asked for.
    """
    if scenario.atomics is None or toolchain.name == PREBUILT:
        return toolchain
    compiler = scenario.atomics.compiler
    if compiler is not None and is_of(unmended(toolchain.name), compiler):
        compiler = toolchain.name
    return RuntimeMaker(toolchain, compiler)


def plan_of(atomics: Atomics, services: Services) -> CampaignPlan:
    """The plan that a scenario describes; ``--nextrust-budget`` replaces its limits."""
    budget = services.settings.budget
    plan = CampaignPlan(
        overlap=atomics.overlap,
        thread_counts=atomics.parties,
        signals=atomics.signals,
        fairness=atomics.fairness,
        pairs=bool(atomics.pairs),
        kinds=atomics.pairs,
        sizes=atomics.sizes,
        conformance=atomics.conformance,
        seed=atomics.seed,
        first=atomics.first,
    )
    return replace(
        plan,
        states=(budget.number if budget else None) or atomics.states or plan.states,
        seconds=(budget.seconds if budget else None) or atomics.seconds or plan.seconds,
    )


def check_atomics(scenario: Scenario, cell: Cell, services: Services, program: bytes) -> CheckResult:
    """Check a scenario's routines. Raises UsageFault for a routine that does not exist, HarnessFault."""
    atomics = scenario.atomics
    assert atomics is not None
    try:
        target = target_of(program, cell.cpu)
    except (MachoError, NotRunnable) as error:
        return CheckResult(mismatches=(Mismatch("refused", str(error)),))
    missing = _missing(atomics, target)
    if missing:
        fault = f"{len(missing)} required routines are missing: {', '.join(missing)}"
        return CheckResult(mismatches=(Mismatch("refused", fault),))
    result, origin = _result(plan_of(atomics, services), cell, services, program, target)
    # What was counted in another cell of this process must not read as if it was seen here.
    summary = _summary(result) + (f" (from cache: checked in {origin}, same program and CPU)" if origin else "")
    return _judged(atomics.expect, target, result, summary)


def _missing(atomics: Atomics, target: Target) -> list[str]:
    wanted = list(ROUTINES) if "all" in atomics.require else list(atomics.require)
    unknown = [name for name in wanted if lookup(name) is None]
    if unknown:
        remedy = "all, or names such as __sync_fetch_and_add_4"
        raise UsageFault("atomics.require", "no such routine", place=", ".join(unknown), remedy=remedy)
    have = {function.routine for function in target.functions}
    return [name for name in wanted if (routine := lookup(name)) is not None and routine.name not in have]


def _result(
    plan: CampaignPlan, cell: Cell, services: Services, program: bytes, target: Target
) -> tuple[CampaignResult, str]:
    """The result of the check, and the cell that it was checked in, where that is another one."""
    key = f"{hashlib.sha256(program).hexdigest()} {cell.cpu} {plan!r}"
    if key in services.checked:
        origin, found = services.checked[key]
        return found, origin
    result = check(target, plan, services.machine, folder=services.settings.root / FOLDER)
    if result.verdict != "budget":
        # A verdict that time cut short may come out otherwise the next time.
        services.checked[key] = (cell.id, result)
    return result, ""


def _summary(result: CampaignResult) -> str:
    sums = totals([result])
    undone = f", {sums['undone']} not explored" if sums["undone"] else ""
    return (
        f"{sums['calls']:_} calls alone, {sums['proofs']} of {sums['histories']} histories seen to their end{undone}, "
        f"{len(result.findings)} findings, {len(result.notes)} notes ({sums['states']:_} states)"
    )


def _judged(expect: str, target: Target, result: CampaignResult, summary: str) -> CheckResult:
    kinds = [finding["kind"] for finding in result.findings]
    if expect != "passed" and expect in kinds:
        first = result.findings[kinds.index(expect)]
        return CheckResult(f"as expected, failed ({expect}): {first['message']}; {summary}")
    if expect == "passed" and result.verdict == "passed":
        return CheckResult(f"passed: {summary}")
    if result.verdict == "budget":
        return CheckResult(mismatches=(Mismatch("budget", f"no verdict: {summary}{_guarantees(result)}"),))
    if not result.findings:
        return CheckResult(mismatches=(Mismatch("finding", f"expected a finding of kind {expect}; passed: {summary}"),))
    routines = {function.symbol: function.routine for function in target.functions}
    wrong = [_mismatch(finding, routines, trace=n < TRACED) for n, finding in enumerate(result.findings)]
    head = summary if expect == "passed" else f"expected a finding of kind {expect}; {summary}"
    wrong[0] = replace(wrong[0], message=f"{head}\n{wrong[0].message}")
    return CheckResult(mismatches=tuple(wrong))


def _guarantees(result: CampaignResult) -> str:
    found = [e for e in result.explorations if e.get("guarantee")]
    return "".join(f"\n  {e['name']}: {e['schedules']} schedules drawn: {e['guarantee']}" for e in found[:TRACED])


def _mismatch(finding: dict[str, Any], routines: dict[str, str], *, trace: bool) -> Mismatch:
    lines = [f"{finding['kind']}: {finding['routine']}: {finding['message']}"]
    if trace:
        lines += [f"  {line}" for line in finding.get("lines", ())]
    if finding["command"]:
        lines.append(f"run it again: {finding['command']}")
    called = dict.fromkeys((finding["routine"], *finding.get("routines", ())))
    return Mismatch("finding", "\n".join(lines), tuple(routines.get(name, name) for name in called))


def judge_routines(
    issues: Sequence[ExpectedFailure], version: str, verdict: Verdict, mismatches: Sequence[Mismatch], message: str
) -> tuple[Verdict, str]:
    """Strict expected failures by routine: each finding is about an entry's routines, and something of each fails.

    An entry that does not name this version of the toolchain may have no finding; that is said with the result.
    """

    def about(issue: ExpectedFailure, mismatch: Mismatch) -> bool:
        names = mismatch.routines or ("",)
        patterns = issue.routines or ("*",)
        return mismatch.kind == issue.failure and any(fnmatchcase(n, p) for n in names for p in patterns)

    idle = [issue for issue in issues if not any(about(issue, mismatch) for mismatch in mismatches)]
    strange = [mismatch for mismatch in mismatches if not any(about(issue, mismatch) for issue in issues)]
    known = "\n".join(f"known issue {i.id}" + (f": {i.summary}" if i.summary else "") for i in issues)
    if strange:
        return verdict, f"{message}\n({len(strange)} of {len(mismatches)} findings are of no known issue)\n{known}"
    unseen = [issue for issue in idle if not issue.seen_in(version)]
    if unseen:
        message += f"\n(does not show in {version}: {', '.join(issue.id for issue in unseen)})"
    idle = [issue for issue in idle if issue not in unseen]
    if not mismatches and not idle:
        return verdict, message
    if idle:
        named = "; ".join(f"{issue.id} ({', '.join(issue.routines)})" for issue in idle)
        return "unexpected-pass", f"did not fail here: {named}: take the entry away, or narrow it\n{message}"
    return "expected-failure", f"{known}\n{message}"
