"""One auto-fix from beginning to end: plan, scratch, the command fails there, fix, it passes there, land; else undo.

Every step is an entry ``auto_fix`` of the status log, under the fix's own id, written when the step is done; a fix
whose last entry is not its outcome was interrupted. All that commands print goes, without secrets, to one log under
``.nextrust/logs``. Two fixes of one project never run at once.

Boundary: keeps the order; each step is another module's.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.base.files import Lock
from pytest_nextrust.base.private_folders import state_folder
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import FixRefused, LockTimeout
from pytest_nextrust.failures.fixes import scratch as scratches
from pytest_nextrust.failures.fixes.kinds import FixPlan, outside, plan
from pytest_nextrust.failures.fixes.landing import Recovered, land, pending, recover
from pytest_nextrust.failures.fixes.project import SUBJECT, Project, quiet
from pytest_nextrust.failures.issues.table import IssuePattern, IssueTable

__all__ = ["SECONDS", "STATES", "FixOutcome", "fix", "preview", "recover_quietly"]

SECONDS = 1800.0
"""Time for a whole fix, where the caller does not say."""

STATES = ("fixed", "not-fixed", "refused", "diagnosed", "planned")
_TAIL = 4000

AppendEntry = Callable[[str, Mapping[str, Any]], None]
"""Appends an entry to the status log; durable when it returns."""


@dataclass(frozen=True)
class FixOutcome:
    """``state`` is one of STATES. ``diff`` is what was (or would be) changed, ``files`` the files that it names.

    ``log`` is the file with all that was printed, relative to the root; empty where nothing ran.
    """

    state: str
    message: str
    steps: tuple[str, ...] = ()
    diff: str = ""
    files: tuple[str, ...] = ()
    log: str = ""


@dataclass
class _Fix:
    """One fix at work."""

    issue: IssuePattern
    command: str
    folder: str
    project: Project
    record: AppendEntry
    redactor: Redactor
    environ: Mapping[str, str]
    deadline: float
    id: str = field(default_factory=lambda: f"fix-{secrets.token_hex(4)}")
    steps: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.project.root / ".nextrust" / "logs" / f"{self.id}.log"

    def record_step(self, step: str, message: str, **more: Any) -> None:
        self.steps.append(f"{step}: {message}")
        self.record("auto_fix", {"fix": self.id, "issue": self.issue.id, "step": step, "message": message, **more})

    def run(self, command: Sequence[str], folder: Path, what: str) -> str:
        """Run a program of the fix. Raises FixRefused where it fails."""
        status, text = self.execute(command, folder)
        if status != 0:
            raise FixRefused(
                SUBJECT, f"{what} failed ({_status(status)}): {text[-500:].strip()}", remedy=f"see {self.log}"
            )
        return text

    def execute(self, command: Sequence[str], folder: Path) -> tuple[int, str]:
        """Exit status (124: out of time, 127: not found, 128+n: killed) and the end of what it printed, redacted."""
        state_folder(str(self.project.root / ".nextrust"))
        self.log.parent.mkdir(exist_ok=True)
        environ = quiet(self.environ) | {"CLAUDE_PROJECT_DIR": str(folder), "NEXTRUST_AUTOFIX": "1", "PWD": str(folder)}
        status, data = _executed(command, folder, environ, self.deadline - time.monotonic())
        text = self.redactor.data(data).decode("utf-8", "replace")
        with self.log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            line = self.redactor.text(" ".join(command))
            stream.write(f"$ {line}\n{text}\n(status {status})\n")
        return status, text[-_TAIL:]


def _executed(command: Sequence[str], folder: Path, environ: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return (127 if isinstance(error, FileNotFoundError) else 126), f"{command[0]}: {error.strerror}".encode()
    try:
        data, _ = process.communicate(timeout=max(0.1, seconds))
    except subprocess.TimeoutExpired:
        _kill(process)
        return 124, process.communicate()[0] + b"\nstopped: out of time"
    except BaseException:
        _kill(process)
        process.communicate()
        raise
    return (process.returncode if process.returncode >= 0 else 128 - process.returncode), data


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _status(status: int) -> str:
    words = {124: "out of time", 127: "not found"}
    return words.get(status, f"status {status}")


def preview(issue: IssuePattern, table: IssueTable, root: Path, command: str) -> FixPlan:
    """What the fix of ``issue`` would do; changes nothing. Raises FixRefused where it may not be done."""
    return _plan(issue, table, Project(root), command)


def _plan(issue: IssuePattern, table: IssueTable, project: Project, command: str) -> FixPlan:
    if issue.auto_fix is None:
        raise FixRefused(
            SUBJECT, "this issue has no auto-fix", place=issue.id, remedy=issue.advice or "mend it by hand"
        )
    source = table.sources.get(issue.id, "")
    if source:
        # Who may write the table says what is run: so it, too, has to be what HEAD has.
        try:
            project.trusted(Path(source).resolve().relative_to(project.root).as_posix())
        except ValueError as error:
            raise FixRefused(SUBJECT, "outside the project", place=source, remedy="keep it in the project") from error
    return plan(issue.auto_fix, project, command)


def fix(
    issue: IssuePattern,
    table: IssueTable,
    root: Path,
    command: str,
    *,
    record: AppendEntry,
    redactor: Redactor,
    environ: Mapping[str, str],
    folder: str = ".",
    seconds: float = SECONDS,
) -> FixOutcome:
    """Mend ``issue``, shown by ``command`` (a shell's, run in ``folder`` of the project): it fails before and has to
    pass after.

    Never raises for what the fix, its files or the command do: that is the FixOutcome. Raises StatusError where a step
    cannot be recorded: then no further one is done. Raises OSError for the scratch.
    """
    try:
        project = Project(root)
    except FixRefused as error:
        return FixOutcome("refused", str(error))
    work = _Fix(issue, command, folder, project, record, redactor, environ, time.monotonic() + seconds)
    try:
        with _alone(project.root):
            return _fixed(work, table)
    except FixRefused as error:
        message = redactor.text(str(error))
        work.record_step("refused", message)
        return _outcome(work, "refused", message)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock; clean up after a fix that was interrupted; leave no scratch. Raises FixRefused."""
    folder = Path(state_folder(str(root / ".nextrust"))) / "autofix"
    folder.mkdir(exist_ok=True)
    try:
        with Lock(folder / "lock", timeout=1.0):
            recover(root)
            scratches.clean(root)
            try:
                yield
            finally:
                scratches.clean(root)
    except LockTimeout as error:
        raise FixRefused(SUBJECT, f"another fix is at work: {error.fault}", remedy="wait for it") from error


def _fixed(work: _Fix, table: IssueTable) -> FixOutcome:
    planned = _plan(work.issue, table, work.project, work.command)
    work.record_step("planned", "; ".join(planned.steps), files=list(planned.files))
    if planned.apply is None:
        message = work.redactor.text("; ".join(planned.findings))
        work.record_step("diagnosed", message)
        return _outcome(work, "diagnosed", message)
    if not work.command.strip():
        raise FixRefused(SUBJECT, "no command that shows the failure", remedy="give it after --")
    scratch = scratches.make(work.project)
    work.record_step("scratch", "the project was cloned, uncommitted work included")
    command = ["sh", "-c", outside(work.command, work.project, scratch)]
    where = scratch.root / (work.project.relative(work.folder) if work.folder not in ("", ".") else ".")
    if not where.is_dir():
        raise FixRefused(SUBJECT, "the folder of the command is not in the repository", place=work.folder)
    status, _ = work.execute(command, where)
    if status == 0:
        raise FixRefused(
            SUBJECT, "the command passes in a clean clone without the fix", remedy="look at what git ignores here"
        )
    work.record_step("reproduced", f"the command fails in the scratch ({_status(status)})", status=status)
    scratch.back()
    planned.apply(scratch, work.run)
    changes, diff = scratch.changes(), scratch.diff()
    files = tuple(change.path for change in changes)
    if not changes:
        raise FixRefused(SUBJECT, "it changes nothing", remedy=f"see {work.log}")
    dirty = work.project.changed(files)
    if dirty:
        raise FixRefused(
            SUBJECT, f"it would overwrite uncommitted changes: {', '.join(dirty)}", remedy="commit or undo them first"
        )
    work.record_step("applied", f"in the scratch: {', '.join(files)}", files=list(files))
    status, text = work.execute(command, where)
    if status != 0:
        message = f"the command still fails ({_status(status)}); undone"
        work.record_step("undone", message, status=status, excerpt=text[-1000:])
        return _outcome(work, "not-fixed", message, work.redactor.text(diff), files)
    work.record_step("passed", "the command passes in the scratch")
    land(work.project.root, work.project.top, changes)
    work.record_step("fixed", f"changed in the work tree: {', '.join(files)}", files=list(files))
    return _outcome(work, "fixed", f"changed {', '.join(files)}", work.redactor.text(diff), files)


def _outcome(work: _Fix, state: str, message: str, diff: str = "", files: tuple[str, ...] = ()) -> FixOutcome:
    log = str(work.log.relative_to(work.project.root)) if work.log.exists() else ""
    return FixOutcome(state, message, tuple(work.steps), diff, files, log)


def recover_quietly(root: Path) -> Recovered | None:
    """Undo a fix that was killed while it landed, if there is one and no process is at work on it. Raises OSError."""
    if not pending(root):
        return None
    try:
        with Lock(root / scratches.FOLDER / "lock", timeout=0.0):
            scratches.clean(root)
            return recover(root)
    except LockTimeout:
        return None
