"""Verifying one scenario in one cell: build or take the program, check its Mach-O, run it, compare.

``verify`` never raises for what the scenario, its program, a toolchain or the machine does: each of these is a verdict.
It raises UsageFault where the user named something that does not exist.

Boundary: pure of pytest. What a verdict means for a report is decided by who calls.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_nextrust.base.contained import copy_contained, read_contained, write_contained
from pytest_nextrust.emu.records import DEFAULT_BUDGET, DEFAULT_STACK, DEFAULT_WALL, RunRecord, RunRequest
from pytest_nextrust.errors import (
    BuildFailed,
    HarnessFault,
    NextrustError,
    NotRunnable,
    ToolchainError,
    ToolchainMissing,
    UsageFault,
)
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.scenario.model import ExpectedFailure, Scenario
from pytest_nextrust.status.records import Verdict
from pytest_nextrust.toolchain.cache import watched
from pytest_nextrust.toolchain.interface import BuildResult
from pytest_nextrust.verify.atomics import check_atomics, judge_routines, maker
from pytest_nextrust.verify.checks import macho_faults, run_check
from pytest_nextrust.verify.compare import compare, end_of
from pytest_nextrust.verify.concurrent import explore
from pytest_nextrust.verify.events import run_events
from pytest_nextrust.verify.outcome import CheckResult, Mismatch, ScenarioOutcome, describe
from pytest_nextrust.verify.services import Services

__all__ = ["build_program", "make_request", "verdict_of", "verify"]


def verify(
    scenario: Scenario, cell: Cell, services: Services, *, clock: Callable[[], float] = time.perf_counter
) -> ScenarioOutcome:
    """Verify ``scenario`` in ``cell``. Raises UsageFault for a toolchain that does not exist."""
    began = clock()
    work = services.work(f"{scenario.name}-{cell.id}")
    try:
        outcome = _Verification(scenario, cell, services, work).outcome()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return dataclasses.replace(_explained(outcome, scenario, cell, services), seconds=clock() - began)


def _explained(outcome: ScenarioOutcome, scenario: Scenario, cell: Cell, services: Services) -> ScenarioOutcome:
    """A failure's message names the known issue that it looks like; the verdict is the same."""
    if outcome.known_issue or outcome.verdict not in ("failed", "crashed", "budget"):
        return outcome
    from pytest_nextrust.failures.issues.match import FailureFacts, name_issues

    facts = FailureFacts(
        outcome.message,
        phase=scenario.phase,
        os=cell.os,
        profile=cell.profile,
        cpu=cell.cpu,
        toolchain=f"{outcome.toolchain} {outcome.version}".strip(),
        scenario=scenario.name,
    )
    explanation = name_issues(services.issues.issues, facts)
    return dataclasses.replace(outcome, message=f"{outcome.message}\n{explanation}") if explanation else outcome


class _Verification:
    """One scenario in one cell, step by step; each step may end it with mismatches."""

    def __init__(self, scenario: Scenario, cell: Cell, services: Services, work: Path) -> None:
        self.scenario = scenario
        self.cell = cell
        self.services = services
        self.work = work
        self.build: BuildResult | None = None
        self.record: RunRecord | None = None
        self.message = ""
        self.figures: dict[str, float] = {}

    def outcome(self) -> ScenarioOutcome:
        try:
            mismatches = self._mismatches()
        except UsageFault:
            raise
        except HarnessFault as error:
            mismatches = [Mismatch("crashed", str(error))]
        except BuildFailed as error:
            mismatches = [Mismatch("build", str(error))]
        except ToolchainError as error:
            # A cache that cannot be written, or prebuilt bytes that are not the recorded ones, is nothing to skip over.
            optional = not self.services.required and self.services.settings.toolchain is None
            missing = optional and isinstance(error, ToolchainMissing)
            mismatches = [Mismatch("skipped" if missing else "infra", str(error))]
        except NextrustError as error:
            mismatches = [Mismatch("check", str(error))]
        except OSError as error:
            mismatches = [Mismatch("infra", f"{error.filename or 'this machine'}: {error.strerror or error}")]
        return self._judge(mismatches)

    def _mismatches(self) -> list[Mismatch]:
        found: list[Mismatch] = []
        program = self.scenario.program
        runs = (
            self.scenario.stage != "object" or self.scenario.expect is not None or self.scenario.concurrent is not None
        )
        if program is not None and runs:
            self.build = self._built()
            data = self.build.path.read_bytes()
            found = [Mismatch("macho", text) for text in macho_faults(data, self.cell.cpu)]
            refusal = self.scenario.expect is not None and self.scenario.expect.refused is not None
            if self.scenario.concurrent is not None or self.scenario.atomics is not None:
                if not found:
                    check = explore if self.scenario.atomics is None else check_atomics
                    found += self._take(check(self.scenario, self.cell, self.services, data))
            elif not found or refusal:
                found += self._run(data)
        if self.scenario.events is not None and self.services.settings.untrusted:
            found.append(Mismatch("skipped", "untrusted run: a scenario of events runs commands, so it is left out"))
        elif self.scenario.events is not None:
            found += self._take(run_events(self.scenario, self.cell, self.services, self.work))
        for named in self.scenario.checks:
            found += run_check(named, self.scenario, self.cell, self.services, self.work)
        return found

    def _take(self, result: CheckResult) -> tuple[Mismatch, ...]:
        self.message = result.message
        self.figures |= result.figures
        return result.mismatches

    def _built(self) -> BuildResult:
        with watched() as lookups:
            try:
                return build_program(self.scenario, self.cell, self.services, self.work)
            finally:
                for kind, hit in lookups:
                    name = f"{'hit' if hit else 'miss'} {kind}"
                    self.figures[name] = self.figures.get(name, 0) + 1

    def _run(self, program: bytes) -> list[Mismatch]:
        root = self.work / "root"
        root.mkdir()
        fill_root(self.scenario, root)
        expect = self.scenario.expect
        assert expect is not None
        try:
            request = make_request(self.scenario, self.cell, self.services, program, root)
            self.record = self.services.machine.run(request)
        except NotRunnable as error:
            if expect.refused is None:
                return [Mismatch("refused", str(error))]
            if expect.refused in str(error):
                return []
            return [Mismatch("refused", f"expected a refusal that says {expect.refused!r}; it says: {error}")]
        return list(compare(self.scenario, self.record, root))

    def _judge(self, mismatches: Sequence[Mismatch]) -> ScenarioOutcome:
        kinds = [mismatch.kind for mismatch in mismatches]
        verdict = verdict_of(kinds)
        message = describe(mismatches) if mismatches else self._passed_message()
        name, version = (self.build.toolchain, self.build.version) if self.build else self._failed_build()
        known = () if verdict in ("skipped", "infra-error") else self._known_issues(name, version)
        issue = known[0] if known else None
        if any(each.routines for each in known):
            verdict, message = judge_routines(known, version, verdict, mismatches, message)
        elif issue is not None:
            verdict, message = judge_known(issue, version, verdict, kinds, message)
        build = self.build
        return ScenarioOutcome(
            verdict,
            message,
            program_sha256=build.sha256 if build else "",
            toolchain=build.toolchain if build else "",
            version=build.version if build else "",
            provenance=build.provenance if build else "",
            record=self.record,
            known_issue=issue.id if issue and verdict != "passed" else "",
            mismatches=tuple(mismatches),
            figures=self.figures,
        )

    def _known_issues(self, name: str, version: str) -> tuple[ExpectedFailure, ...]:
        return tuple(issue for issue in self.scenario.known_issues if issue.covers(self.cell, name, version))

    def _failed_build(self) -> tuple[str, str]:
        """Which toolchain it was, where it left nothing behind."""
        program = self.scenario.program
        if program is None or program.language is None:
            return "", ""
        try:
            name = self.services.toolchain_for(self.scenario).name
        except NextrustError:
            return "", ""
        return name, self.services.probe(name).version

    def _passed_message(self) -> str:
        if self.record is None:
            return self.message
        return f"{end_of(self.record)} after {self.record.instructions:_} instructions"


def verdict_of(kinds: Sequence[str]) -> Verdict:
    """The verdict of these kinds of mismatch together. What could not be looked at hides no failure beside it."""
    rest = set(kinds) - {"skipped"}
    if not rest:
        return "skipped" if kinds else "passed"
    if "crashed" in rest:
        return "crashed"
    if "budget" in rest:
        return "budget"
    return "infra-error" if rest == {"infra"} else "failed"


def judge_known(
    issue: ExpectedFailure, version: str, verdict: Verdict, kinds: Sequence[str], message: str
) -> tuple[Verdict, str]:
    """A strict expected failure: it must fail, and in the way the entry says.

    In a version of the toolchain that the entry does not name it may pass as well; either is said with the result.
    """
    known = f"known issue {issue.id}" + (f": {issue.summary}" if issue.summary else "")
    if not issue.seen_in(version):
        if verdict == "passed":
            return verdict, f"{message}\n({known}: does not show in {version}; seen in {', '.join(issue.versions)})"
        known += f"\n(not yet known of {version}; seen in {', '.join(issue.versions)})"
    elif verdict == "passed":
        return "unexpected-pass", f"{known}: it passed here; take the entry away, or narrow the cells it names"
    if issue.failure in kinds:
        return "expected-failure", f"{known}\n{message}"
    return verdict, f"{message}\n({known} expects a failure of {issue.failure}, which did not fail)"


def build_program(scenario: Scenario, cell: Cell, services: Services, work: Path) -> BuildResult:
    """Build the scenario's program for a cell, or take it ready-made. Raises ToolchainError, UsageFault, OSError."""
    program = scenario.program
    assert program is not None
    if program.file is not None:
        folder, name = program.place(scenario.folder)
        data = read_contained(folder, name)
        path = work / "program.macho"
        path.write_bytes(data)
        return BuildResult(path, hashlib.sha256(data).hexdigest(), "", "", provenance="prebuilt")
    toolchain = services.toolchain_for(scenario)
    out = work / f"{scenario.name}.macho"
    request = services.build_request(scenario, cell, toolchain.name, out, link="executable")
    return maker(scenario, toolchain).build(request)


def fill_root(scenario: Scenario, root: Path) -> None:
    """Put into the guest's root what the scenario says. Raises ConfigError for a link out of it, OSError."""
    if "folder" in scenario.root:
        copy_contained(scenario.folder, scenario.root["folder"], root)
    for path, content in scenario.root_files.items():
        write_contained(root, path.strip("/"), content.encode())


def make_request(scenario: Scenario, cell: Cell, services: Services, program: bytes, root: Path) -> RunRequest:
    """The run that the scenario describes; ``--nextrust-budget`` replaces its limits."""
    described, limits, budget = scenario.program, scenario.limits, services.settings.budget
    assert described is not None
    stdin = (described.stdin or "").encode()
    if described.stdin_file is not None:
        stdin = read_contained(scenario.folder, described.stdin_file)
    return RunRequest(
        program=program,
        cpu=cell.cpu,
        argv=tuple(text.encode() for text in (scenario.name, *described.args)),
        env=tuple(f"{name}={value}".encode() for name, value in described.env.items()),
        stdin=stdin,
        root=str(root),
        budget=(budget.number if budget else None) or limits.budget or DEFAULT_BUDGET,
        wall=(budget.seconds if budget else None) or limits.wall or DEFAULT_WALL,
        stack=limits.stack or DEFAULT_STACK,
        schedule_seed=scenario.run.schedule_seed,
        choose_seed=scenario.run.choose_seed,
    )
