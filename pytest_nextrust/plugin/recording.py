"""From pytest's reports to recorded items, and what the run comes to.

Where the test runs (a worker, or the only process) the three reports of an item become one ``status.Item``; it is
recorded there, and crosses to the controller in the last report. The controller then compares what was announced with
what came back and with what the journal has: anything lost is ``crashed`` and fails the run.
"""

from __future__ import annotations

import dataclasses
import errno
import time
from collections.abc import Generator
from typing import Any

import pytest

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.errors import GuardError, HarnessFault, StatusError, ToolchainMissing
from pytest_nextrust.plugin.collection import BLANK, NotVerified, VerifiedItem
from pytest_nextrust.plugin.plan import REFUSED
from pytest_nextrust.plugin.serializable import redact, repair
from pytest_nextrust.plugin.session import Session, filled
from pytest_nextrust.report import ctrf
from pytest_nextrust.report.progress import Progress, Terminal
from pytest_nextrust.report.terminal import write_items
from pytest_nextrust.status.records import BAD, Item, ItemKey, Verdict
from pytest_nextrust.verify.scenario import ScenarioOutcome

__all__ = ["FIGURES", "PROGRAMS", "Results"]

PROGRAMS: pytest.StashKey[list[str]] = pytest.StashKey()
"""SHA-256 of every program that a test ran through the fixtures, in ``item.stash``."""

_PROGRESS = pytest.StashKey[Item]()
_FORCED = pytest.StashKey[str]()
_CARRIER = "nextrust"
_FIGURES = "nextrust_figures"

FIGURES: pytest.StashKey[dict[str, float]] = pytest.StashKey()
"""What a test's explorations measured, in ``item.stash``; see ``verify.outcome``."""


class Results:
    """The reporting hooks of one process."""

    def __init__(self, session: Session, config: pytest.Config) -> None:
        self.session = session
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.distributed = (
            not config.option.collectonly
            and config.getoption("dist", "no") != "no"
            and bool(config.getoption("tx", None))
        )
        self.began = time.time()
        self.faults: list[str] = []
        self.done: tuple[str, ...] = ()
        self.collection_errors = 0
        self._progress: Progress | None = None
        self._terminal: Terminal | None = None

    # Where the test runs.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Refuse what depends on something that failed in this cell; before any fixture is set up."""
        blank = item.stash.get(BLANK, None)
        reason = self.session.refusal(blank.phase, blank.cell) if blank is not None else ""
        if blank is None or not reason:
            return
        if self.session.settings.force:
            item.stash[_FORCED] = f"(forced: {reason.removeprefix(REFUSED)})"
            return
        line = self.session.phase_reproduction(blank.phase, blank.cell)
        item.stash[BLANK] = dataclasses.replace(blank, reproduction=line)
        raise NotVerified(ScenarioOutcome("failed", reason))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if BLANK not in item.stash:
            return report
        if report.when == "setup":
            item.stash[_PROGRESS] = dataclasses.replace(item.stash[BLANK], verdict="skipped", message="")
        self._strict(report)
        if call.excinfo is not None and isinstance(call.excinfo.value, NotVerified) and report.when == "setup":
            report.longrepr = f"{call.excinfo.value.outcome.message}\n--nextrust-force runs it all the same"
        redact(report, self.session.redactor)
        current = absorb(item, item.stash[_PROGRESS], call, report)
        item.stash[_PROGRESS] = current = self._carriable(report, current)
        if report.when == "teardown":
            figures: dict[str, float] = item.stash.get(FIGURES, {})
            if isinstance(item, VerifiedItem) and item.outcome is not None:
                figures = {**figures, **item.outcome.figures}
            setattr(report, _FIGURES, figures)
            forced = item.stash.get(_FORCED, "")
            self._settle(report, dataclasses.replace(current, message=f"{current.message}\n{forced}".strip()))
        return report

    def _strict(self, report: pytest.TestReport) -> None:
        """A marked test that passes although it is marked xfail fails the run, strict or not."""
        if report.when == "call" and report.passed and hasattr(report, "wasxfail"):
            report.outcome = "failed"
            report.longrepr = f"unexpected pass: {report.wasxfail}"
            del report.wasxfail

    def _carriable(self, report: pytest.TestReport, current: Item) -> Item:
        """A report that could not cross to the controller becomes a failing one that can."""
        message = repair(self.config, report) if self.is_worker else ""
        if not message:
            return current
        report.outcome = "failed"
        report.longrepr = f"crashed: {message}"
        return dataclasses.replace(current, verdict="crashed", message=message)

    def _settle(self, report: pytest.TestReport, item: Item) -> None:
        try:
            item = self.session.settle(item)
        except StatusError as error:
            report.outcome = "failed"
            report.longrepr = f"infra-error: the record could not be written: {error}"
            failed = dataclasses.replace(item, verdict="infra-error", message=str(error))
            self.session.results[item.nodeid] = item = self.session.clean(failed)
        setattr(report, _CARRIER, to_plain(item))
        report.user_properties += [
            ("nextrust_verdict", item.verdict),
            ("nextrust_cell", item.cell),
            ("nextrust_reproduction", item.reproduction),
        ]

    # Where the run is watched.

    @pytest.hookimpl
    def pytest_runtestloop(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        descriptor = _descriptor(reporter)
        if self.is_worker or descriptor is None or self.config.option.collectonly:
            return
        self._terminal = Terminal(descriptor)
        self._progress = Progress(self._terminal.write)
        self._progress.start()

    @pytest.hookimpl
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._progress is not None:
            self._progress.begin(nodeid, len(self.session.expected))

    @pytest.hookimpl
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self._progress is not None:
            self._progress.end(nodeid)

    def _end_progress(self) -> None:
        if self._progress is not None and self._terminal is not None:
            self._progress.stop()
            self._terminal.close()
            self._progress = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        blank = self.session.expected.get(report.nodeid)
        if blank is not None and self.session.measure is not None:
            self.session.measure.span(blank.phase, report.start, report.stop)
        carried = getattr(report, _CARRIER, None)
        if carried is not None:
            self.session.results[report.nodeid] = from_plain(Item, carried)
            if self.session.measure is not None:
                self.session.measure.figures(report.nodeid, getattr(report, _FIGURES, {}))
            if self.session.recorder is not None and not self.is_worker:
                try:
                    self.session.recorder.refresh()
                except StatusError as error:
                    # A full disk: the run goes on, says so at its end, and fails.
                    self._fault(str(error))

    def _fault(self, message: str) -> None:
        """Note what fails the run itself, once however often it happens."""
        if message not in self.faults:
            self.faults.append(message)

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.collection_errors += report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        if not self.is_worker and not self.distributed and self.session.expected:
            self.announce()

    def announce(self) -> None:
        """Record the start, once it is known what is going to report. Raises UsageError where that cannot be done."""
        session, plan = self.session, self.session.plan
        if session.recorder is None or plan is None or self.config.option.collectonly:
            return
        keys = [ItemKey(item.phase, item.scenario, item.cell) for item in session.expected.values()]
        argv = ["pytest", *map(str, self.config.invocation_params.args)]
        try:
            session.recorder.start(
                session.environment, phase=plan.wanted, items=keys, argv=argv, forced=session.settings.force
            )
        except StatusError as error:
            raise pytest.UsageError(f"--nextrust-status-dir: {error}") from None

    def lost(self, nodeid: str, message: str) -> None:
        """An item that is not going to report."""
        blank = self.session.expected.get(nodeid)
        if blank is None:
            self.faults.append(f"{nodeid}: {message}")
            return
        try:
            self.session.settle(dataclasses.replace(blank, verdict="crashed", message=message))
        except StatusError as error:
            self.faults.append(str(error))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._end_progress()
        if self.is_worker:
            self.config.workeroutput[_CARRIER] = {"results": len(self.session.results)}  # type: ignore[attr-defined]
            return
        if self.config.option.collectonly:
            return
        self._find_lost(session)
        verdicts = [item.verdict for item in self.session.results.values()]
        if (self.faults or any(verdict in BAD for verdict in verdicts)) and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._close(session)

    def _find_lost(self, session: pytest.Session) -> None:
        why = session.shouldfail or session.shouldstop
        early = f": the run ended early ({why})" if why else ""
        for nodeid in self.session.expected:
            if nodeid not in self.session.results:
                self.lost(nodeid, f"it never reported{early}")
        recorder = self.session.recorder
        if recorder is None or not self.session.expected:
            return
        try:
            recorded = recorder.store().verdicts(run=recorder.run)
        except StatusError as error:
            self.faults.append(str(error))
            return
        for nodeid, item in self.session.expected.items():
            if self.session.clean(item).key not in recorded:
                self.lost(nodeid, "its record is not in the journal")

    def _close(self, session: pytest.Session) -> None:
        recorder, plan = self.session.recorder, self.session.plan
        items = self.session.items()
        try:
            if recorder is not None and plan is not None and self.session.expected:
                ran = {item.phase for item in items} if not self.collection_errors else set()
                self.done = recorder.mark(ran, plan.commit, self._names(), standins=self.session.settings.standins)
                recorder.end(exit=int(session.exitstatus), items=items)
                self._count_failure(session, items)
        except (StatusError, GuardError, OSError) as error:
            self._fault(str(error))
        self._measure(session, items)
        report = self.session.settings.report
        if report is not None:
            try:
                report.parent.mkdir(parents=True, exist_ok=True)
                report.write_bytes(self._ctrf(items))
            except OSError as error:
                self.faults.append(f"--nextrust-report {report}: {error.strerror}")
        if self.faults and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _count_failure(self, session: pytest.Session, items: list[Item]) -> None:
        guard = self.session.guard
        if guard is None or session.exitstatus != pytest.ExitCode.TESTS_FAILED:
            return  # an interrupted run says nothing of its commit
        self.session.notes += guard.finish([item.verdict for item in items])

    def _measure(self, session: pytest.Session, items: list[Item]) -> None:
        measure, plan = self.session.measure, self.session.plan
        if measure is None or plan is None or not self.session.expected:
            return
        # What a sink met is told, and fails nothing.
        self.session.notes += measure.finish(items, phase=plan.wanted, exit=int(session.exitstatus))

    def _names(self) -> dict[str, dict[str, set[str]]]:
        """Phase to cell to the scenarios and marked tests there are, whether or not they ran."""
        from pytest_nextrust.project.matrix import Matrix

        tests = self.session.tests.items()
        names = {phase: {cell: set(known) for cell, known in cells.items()} for phase, cells in tests}
        for scenario in self.session.catalogue.load():
            for cell in scenario.cells(Matrix().cells):
                names.setdefault(scenario.phase, {}).setdefault(cell.id, set()).add(scenario.name)
        return names

    def _ctrf(self, items: list[Item]) -> bytes:
        environment = {
            "commit": self.session.environment.commit,
            "host": self.session.environment.host,
            "run": self.session.environment.run_id,
            "phase": self.session.settings.phase or "",
        }
        return ctrf.render(items, start=self.began, stop=time.time(), environment=environment)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        session = self.session
        if self.is_worker or not (session.expected or self.faults):
            return
        if self.config.option.collectonly:
            self._show_dry(terminalreporter)
            return
        for line in session.notices:
            terminalreporter.write(line)
        notes = [*session.notes, *(f"{phase} is done: artifacts/phase/{phase}.done" for phase in self.done)]
        write_items(
            terminalreporter,
            session.items(),
            order=[cell.id for cell in session.settings.cells],
            notes=notes,
            faults=self.faults,
            title="nextrust",
        )

    def _show_dry(self, terminalreporter: Any) -> None:
        terminalreporter.section("nextrust: dry run, nothing was run or written", sep="=")
        for note in self.session.notes:
            terminalreporter.write_line(note)
        for item in self.session.expected.values():
            standin = " (for another host)" if item.stand_in else ""
            terminalreporter.write_line(f"would run {item.phase or 'no phase'} {item.scenario}[{item.cell}]{standin}")
        terminalreporter.write_line(f"{len(self.session.expected)} items")


def absorb(item: pytest.Item, current: Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Item:
    """The item after one more of its reports; the first bad thing that happened stays."""
    seconds = round(current.seconds + call.duration, 6)
    current = dataclasses.replace(current, seconds=seconds)
    if report.when == "teardown" and PROGRAMS in item.stash:
        programs: list[str] = item.stash[PROGRAMS]
        current = dataclasses.replace(current, program_sha256=",".join(dict.fromkeys(programs)))
    if report.when == "call" and isinstance(item, VerifiedItem) and item.outcome is not None:
        # The reproduction line may have become another one: what was refused is repeated by its phase.
        line = item.stash[BLANK].reproduction
        return dataclasses.replace(filled(current, item.outcome), seconds=seconds, reproduction=line)
    if current.verdict in BAD:
        return current
    if report.failed:
        verdict, message = _failure(call, report)
        return dataclasses.replace(current, verdict=verdict, message=message)
    if report.when == "call" and report.passed:
        return dataclasses.replace(current, verdict="passed")
    if report.skipped and hasattr(report, "wasxfail"):
        reason = str(report.wasxfail).removeprefix("reason: ")
        if not reason:
            message = "an expected failure needs the id of a known issue as its reason"
            report.outcome = "failed"
            report.longrepr = message
            del report.wasxfail
            return dataclasses.replace(current, verdict="failed", message=message)
        return dataclasses.replace(current, verdict="expected-failure", message=reason, known_issue=reason.split()[0])
    if report.skipped:
        return dataclasses.replace(current, verdict="skipped", message=_skip_reason(report))
    return current


def _failure(call: pytest.CallInfo[None], report: pytest.TestReport) -> tuple[Verdict, str]:
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, NotVerified):
        return error.outcome.verdict, error.outcome.message
    message = f"{type(error).__name__}: {error}" if error is not None else str(report.longrepr)
    if report.when != "call":
        message = f"in {report.when}: {message}"
    if isinstance(error, HarnessFault):
        return "crashed", message
    missing = isinstance(error, ToolchainMissing)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if missing or full:
        return "infra-error", message
    if message.startswith("unexpected pass") or "XPASS(strict)" in str(report.longrepr):
        return "unexpected-pass", str(report.longrepr)
    return "failed", message


def _skip_reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)


def _descriptor(reporter: Any) -> int | None:
    """The descriptor the terminal reporter writes to; None where there is none (quiet tools, captured runs)."""
    try:
        descriptor: int = reporter._tw._file.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor
