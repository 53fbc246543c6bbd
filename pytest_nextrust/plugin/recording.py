"""From pytest's reports to recorded items, and from these to the record of the run.

Where the test runs (a worker, or the only process) the three reports of an item become one ``status.Item``; it is
recorded there, and crosses to the controller in the last report. The controller then compares what was announced with
what came back and with what the journal has: anything lost is ``crashed`` and fails the run.

Boundary: writes the status log and decides the exit status; what people see of a run is ``reporting``.
"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Generator

import pytest

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.errors import GuardError, HarnessFault, StatusError, ToolchainMissing
from pytest_nextrust.plugin.bounds import bound_of
from pytest_nextrust.plugin.collection import PENDING, NotVerified, ScenarioItem, VerifiedItem
from pytest_nextrust.plugin.heartbeat import Heartbeat
from pytest_nextrust.plugin.plan import REFUSED
from pytest_nextrust.plugin.serializable import redact, repair
from pytest_nextrust.plugin.session import Session
from pytest_nextrust.status.records import BAD, Item, ItemKey, Verdict
from pytest_nextrust.verify.outcome import ScenarioOutcome

__all__ = ["FIGURES", "PROGRAMS", "Recording"]

PROGRAMS: pytest.StashKey[list[str]] = pytest.StashKey()
"""SHA-256 of every program that a test ran through the fixtures, in ``item.stash``."""

_PROGRESS = pytest.StashKey[Item]()
_FORCED = pytest.StashKey[str]()
_ITEM = "nextrust"
_FIGURES = "nextrust_figures"
"""Attributes of the last report of an item: the item as plain types, and its figures."""

FIGURES: pytest.StashKey[dict[str, float]] = pytest.StashKey()
"""What a test's explorations measured, in ``item.stash``; see ``verify.outcome``."""


class Recording:
    """The hooks that record, in one process."""

    def __init__(self, session: Session, config: pytest.Config) -> None:
        self.session = session
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.distributed = (
            not config.option.collectonly
            and config.getoption("dist", "no") != "no"
            and bool(config.getoption("tx", None))
        )
        self.collection_errors = 0
        self.heartbeat: Heartbeat | None = None
        """Of a worker: it is told what runs."""

    # Where the test runs.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Say which item runs, and how long it may take."""
        if self.heartbeat is None or PENDING not in item.stash:
            return (yield)
        scenario = item.scenario if isinstance(item, ScenarioItem) else None
        self.heartbeat.begin(item.nodeid, bound_of(scenario, self.session.settings))
        try:
            return (yield)
        finally:
            self.heartbeat.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Refuse what depends on something that failed in this cell; before any fixture is set up."""
        pending = item.stash.get(PENDING, None)
        reason = self.session.refusal(pending.phase, pending.cell) if pending is not None else ""
        if pending is None or not reason:
            return
        if self.session.settings.force:
            item.stash[_FORCED] = f"(forced: {reason.removeprefix(REFUSED)})"
            return
        line = self.session.phase_reproduction(pending.phase, pending.cell)
        item.stash[PENDING] = dataclasses.replace(pending, reproduction=line)
        raise NotVerified(ScenarioOutcome("failed", reason))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if PENDING not in item.stash:
            return report
        if report.when == "setup":
            item.stash[_PROGRESS] = dataclasses.replace(item.stash[PENDING], verdict="skipped", message="")
        self._strict(report)
        if call.excinfo is not None and isinstance(call.excinfo.value, NotVerified) and report.when == "setup":
            report.longrepr = f"{call.excinfo.value.outcome.message}\n--nextrust-force runs it all the same"
        redact(report, self.session.redactor)
        current = accumulate(item, item.stash[_PROGRESS], call, report)
        item.stash[_PROGRESS] = current = self._make_serializable(report, current)
        if report.when == "teardown":
            figures: dict[str, float] = item.stash.get(FIGURES, {})
            if isinstance(item, VerifiedItem) and item.outcome is not None:
                figures = {**figures, **item.outcome.figures}
            setattr(report, _FIGURES, figures)
            forced = item.stash.get(_FORCED, "")
            self._record(report, dataclasses.replace(current, message=f"{current.message}\n{forced}".strip()))
        return report

    def _strict(self, report: pytest.TestReport) -> None:
        """A marked test that passes although it is marked xfail fails the run, strict or not."""
        if report.when == "call" and report.passed and hasattr(report, "wasxfail"):
            report.outcome = "failed"
            report.longrepr = f"unexpected pass: {report.wasxfail}"
            del report.wasxfail

    def _make_serializable(self, report: pytest.TestReport, current: Item) -> Item:
        """A report that could not cross to the controller becomes a failing one that can."""
        message = repair(self.config, report) if self.is_worker else ""
        if not message:
            return current
        report.outcome = "failed"
        report.longrepr = f"crashed: {message}"
        return dataclasses.replace(current, verdict="crashed", message=message)

    def _record(self, report: pytest.TestReport, item: Item) -> None:
        try:
            item = self.session.record(item)
        except StatusError as error:
            report.outcome = "failed"
            report.longrepr = f"infra-error: the record could not be written: {error}"
            failed = dataclasses.replace(item, verdict="infra-error", message=str(error))
            self.session.results[item.nodeid] = item = self.session.clean(failed)
        setattr(report, _ITEM, to_plain(item))
        report.user_properties += [
            ("nextrust_verdict", item.verdict),
            ("nextrust_cell", item.cell),
            ("nextrust_reproduction", item.reproduction),
        ]

    # Where the run is watched.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        pending = self.session.expected.get(report.nodeid)
        if pending is not None and self.session.measure is not None:
            self.session.measure.span(pending.phase, report.start, report.stop)
        plain = getattr(report, _ITEM, None)
        if plain is not None:
            self.session.results[report.nodeid] = from_plain(Item, plain)
            if self.session.measure is not None:
                self.session.measure.figures(report.nodeid, getattr(report, _FIGURES, {}))
            if self.session.recorder is not None and not self.is_worker:
                try:
                    self.session.recorder.refresh()
                except StatusError as error:
                    # A full disk: the run goes on, says so at its end, and fails.
                    self.session.fault(str(error))

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
                session.environment,
                phase=plan.wanted,
                items=keys,
                argv=argv,
                forced=session.settings.force,
                shard=session.shard,
            )
        except StatusError as error:
            raise pytest.UsageError(f"--nextrust-status-dir: {error}") from None

    def lost(self, nodeid: str, message: str) -> None:
        """An item of whose report nothing is going to come, since its worker or the run has ended.

        What a worker recorded before it ended it had earned, and there is no second record beside it.
        """
        pending = self.session.expected.get(nodeid)
        if pending is None:
            self.session.fault(f"{nodeid}: {message}")
            return
        recorded = self._recorded(pending)
        if recorded is not None:
            self.session.results[nodeid] = recorded
            return
        self._crashed(pending, message)

    def _recorded(self, pending: Item) -> Item | None:
        """What this run's journal has of an item."""
        recorder = self.session.recorder
        if recorder is None:
            return None
        try:
            return recorder.store().verdicts(run=recorder.run).get(self.session.clean(pending).key)
        except StatusError as error:
            self.session.fault(str(error))
            return None

    def _crashed(self, pending: Item, message: str) -> None:
        try:
            self.session.record(dataclasses.replace(pending, verdict="crashed", message=message))
        except StatusError as error:
            self.session.fault(str(error))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            self.config.workeroutput[_ITEM] = {"results": len(self.session.results)}  # type: ignore[attr-defined]
            return
        if self.config.option.collectonly:
            return
        if not self._announced():
            self.session.expected.clear()  # Ctrl-C before the run was announced: nothing ran, so nothing is lost
        self._find_lost(session)
        verdicts = [item.verdict for item in self.session.results.values()]
        if (self.session.faults or any(verdict in BAD for verdict in verdicts)) and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._close(session)

    def _announced(self) -> bool:
        """Whether the journal has the start of this run; true where it keeps no record, or cannot be read."""
        recorder = self.session.recorder
        if recorder is None:
            return True
        try:
            run = recorder.store().run(recorder.run)
        except StatusError as error:
            self.session.fault(str(error))
            return True
        return run is not None and run.start is not None

    def _find_lost(self, session: pytest.Session) -> None:
        why = session.shouldfail or session.shouldstop
        early = f": the run ended early ({why})" if why else ""
        for nodeid, pending in self.session.expected.items():
            if nodeid in self.session.results:
                continue
            if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not self.session.faults:
                # Everything ended as it should, and yet the report is not here: what is recorded cannot be relied on.
                self._crashed(pending, f"it never reported{early}")
            else:
                self.lost(nodeid, f"it never reported{early}")
        recorder = self.session.recorder
        if recorder is None or not self.session.expected:
            return
        try:
            recorded = recorder.store().verdicts(run=recorder.run)
        except StatusError as error:
            self.session.fault(str(error))
            return
        for item in self.session.expected.values():
            if self.session.clean(item).key not in recorded:
                self._crashed(item, "its record is not in the journal")

    def _close(self, session: pytest.Session) -> None:
        recorder, plan, settings = self.session.recorder, self.session.plan, self.session.settings
        items = self.session.items()
        try:
            if recorder is not None and plan is not None and self.session.expected:
                ran = {item.phase for item in items} if not self.collection_errors else set()
                self.session.done = recorder.mark(ran, plan.commit, self._names(), standins=settings.standins)
                self._count_failure(session, items)
                recorder.end(exit=int(session.exitstatus), items=items)
        except (StatusError, GuardError, OSError) as error:
            self.session.fault(str(error))
        self._measure(session, items)
        if self.session.faults and session.exitstatus == pytest.ExitCode.OK:
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
        # A fault of a sink is noted, and fails nothing.
        self.session.notes += measure.finish(items, phase=plan.wanted, exit=int(session.exitstatus))

    def _names(self) -> dict[str, dict[str, set[str]]]:
        """Phase to cell to the scenarios and marked tests there are, whether or not they ran."""
        names = self.session.catalogue.names()
        for phase, cells in self.session.tests.items():
            for cell, known in cells.items():
                names.setdefault(phase, {}).setdefault(cell, set()).update(known)
        return names


def accumulate(item: pytest.Item, current: Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Item:
    """The item after one more of its reports; the first bad thing that happened stays."""
    seconds = round(current.seconds + call.duration, 6)
    current = dataclasses.replace(current, seconds=seconds)
    if report.when == "teardown" and PROGRAMS in item.stash:
        programs: list[str] = item.stash[PROGRAMS]
        current = dataclasses.replace(current, program_sha256=",".join(dict.fromkeys(programs)))
    if report.when == "call" and isinstance(item, VerifiedItem) and item.outcome is not None:
        # The reproduction line may have become another one: what was refused is repeated by its phase.
        line = item.stash[PENDING].reproduction
        return dataclasses.replace(_with_outcome(current, item.outcome), seconds=seconds, reproduction=line)
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


def _with_outcome(item: Item, outcome: ScenarioOutcome) -> Item:
    """The item with the outcome of its scenario."""
    return dataclasses.replace(
        item,
        verdict=outcome.verdict,
        message=outcome.message,
        seconds=outcome.seconds,
        program_sha256=outcome.program_sha256,
        toolchain=outcome.toolchain,
        version=outcome.version,
        provenance=outcome.provenance,
        known_issue=outcome.known_issue,
    )


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
