"""What people and tools see of a run: progress while it goes on, the section at its end, the report file.

Boundary: reads the session; the status log and the verdicts are ``recording``'s.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import pytest

from pytest_nextrust.plugin.session import Session
from pytest_nextrust.report import ctrf
from pytest_nextrust.report.progress import Progress, Terminal
from pytest_nextrust.report.terminal import write_items

__all__ = ["Reporting"]


class Reporting:
    """The hooks that report, in one process; a worker has nothing to report."""

    def __init__(self, session: Session, config: pytest.Config) -> None:
        self.session = session
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.began = time.time()
        self._progress: Progress | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Progress goes on for exactly as long as tests run."""
        descriptor = _descriptor(self.config.pluginmanager.get_plugin("terminalreporter"))
        if self.is_worker or descriptor is None or self.config.option.collectonly:
            return (yield)
        terminal = Terminal(descriptor)
        self._progress = Progress(terminal.write)
        self._progress.start()
        try:
            return (yield)
        finally:
            self._progress.stop()
            terminal.close()

    @pytest.hookimpl
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._progress is not None:
            self._progress.begin(nodeid, len(self.session.expected))

    @pytest.hookimpl
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self._progress is not None:
            self._progress.end(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report; one that cannot be written fails the run."""
        report = self.session.settings.report
        if self.is_worker or self.config.option.collectonly or report is None:
            return
        try:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_bytes(self._ctrf())
        except OSError as error:
            self.session.fault(f"--nextrust-report {report}: {error.strerror}")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _ctrf(self) -> bytes:
        known = self.session.environment
        environment = {
            "commit": known.commit,
            "host": known.host,
            "run": known.run_id,
            "phase": self.session.settings.phase or "",
        }
        return ctrf.render(self.session.items(), start=self.began, stop=time.time(), environment=environment)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        session = self.session
        if self.is_worker or not (session.expected or session.faults):
            return
        if self.config.option.collectonly:
            self._show_dry_run(terminalreporter)
            return
        for line in session.notices:
            terminalreporter.write(line)
        write_items(
            terminalreporter,
            session.items(),
            order=[cell.id for cell in session.settings.cells],
            notes=[*session.notes, *(f"{phase} is done: artifacts/phase/{phase}.done" for phase in session.done)],
            faults=session.faults,
            title="nextrust",
        )

    def _show_dry_run(self, terminalreporter: Any) -> None:
        terminalreporter.section("nextrust: dry run, nothing was run or written", sep="=")
        for note in self.session.notes:
            terminalreporter.write_line(note)
        for item in self.session.expected.values():
            standin = " (for another host)" if item.stand_in else ""
            terminalreporter.write_line(f"would run {item.phase or 'no phase'} {item.scenario}[{item.cell}]{standin}")
        terminalreporter.write_line(f"{len(self.session.expected)} items")


def _descriptor(reporter: Any) -> int | None:
    """The descriptor the terminal reporter writes to; None where there is none (quiet tools, captured runs)."""
    try:
        descriptor: int = reporter._tw._file.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor
