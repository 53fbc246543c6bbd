"""What a handler is given beside its event: the project, its settings and phases, the time left, a way to record.

Boundary: finds and offers; decides nothing. Nothing here starts a process unless a handler asks for it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nextrust.control.settings import HookSettings
from pytest_nextrust.control.snapshot import PhaseFact, Snapshot
from pytest_nextrust.redaction import Redactor

__all__ = ["Context", "commit_at", "flag", "project_root"]

_ROOT_MARKS = ("nextrust.toml", ".git", "pyproject.toml")


def flag(environ: Mapping[str, str], *names: str) -> bool:
    """Whether one of these variables is set to something other than 0, no, false, off and nothing."""
    return any(environ.get(name, "").strip().lower() not in ("", "0", "no", "false", "off") for name in names)


def project_root(environ: Mapping[str, str], cwd: str = "") -> Path:
    """CLAUDE_PROJECT_DIR, else the nearest folder above ``cwd`` that is a project, else ``cwd`` itself."""
    given = environ.get("CLAUDE_PROJECT_DIR", "")
    if given and Path(given).is_dir():
        return Path(given).resolve()
    start = Path(cwd) if cwd and "\0" not in cwd and os.path.isdir(cwd) else Path.cwd()  # noqa: PTH112
    start = start.resolve()
    for mark in _ROOT_MARKS:
        for folder in (start, *start.parents):
            if (folder / mark).exists():
                return folder
    return start


def commit_at(root: Path) -> str:
    """The full hash of the commit checked out at ``root``, read from git's files; empty where that does not tell.

    Starting git would take longer than the rest of a decision.
    """
    try:
        git = root / ".git"
        if git.is_file():
            git = root / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        common = git / "commondir"
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        for folder in (git, shared):
            if (folder / name).is_file():
                return (folder / name).read_text(encoding="utf-8").strip()
        packed = (shared / "packed-refs").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return next((line.partition(" ")[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")


class Context:
    """``deadline`` is on ``time.monotonic``'s scale; ``dry_run``: nothing may change outside a scratch folder."""

    def __init__(
        self,
        root: Path,
        snapshot: Snapshot,
        environ: Mapping[str, str],
        *,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self.snapshot = snapshot
        self.environ = environ
        self.deadline = deadline
        self.dry_run = flag(environ, "DRY_RUN")
        self._clock = clock
        self._redactor: Redactor | None = None

    @property
    def settings(self) -> HookSettings:
        return self.snapshot.settings

    @property
    def phases(self) -> tuple[PhaseFact, ...]:
        """The project's phases in dependency order."""
        return self.snapshot.phases

    @property
    def current_phase(self) -> PhaseFact | None:
        """The first phase without its marker ``artifacts/phase/ID.done``; None where all are done."""
        markers = self.root / "artifacts" / "phase"
        return next((phase for phase in self.phases if not (markers / f"{phase.id}.done").is_file()), None)

    @property
    def status_dir(self) -> Path:
        """The folder of the status log."""
        return self.root / self.settings.status_dir

    @property
    def redactor(self) -> Redactor:
        """Takes secrets out of what is written: every writer uses it."""
        if self._redactor is None:
            rules = self.settings.secrets
            self._redactor = Redactor(self.environ, names=rules.variables, minimum=rules.minimum)
        return self._redactor

    def remaining(self) -> float:
        """Seconds left for this event; not below 0."""
        return max(0.0, self.deadline - self._clock())

    def commit(self) -> str:
        """The commit that is checked out; empty where there is none."""
        return commit_at(self.root)

    def inside(self, path: str) -> Path | None:
        """The place of ``path`` relative to the root; None where it is outside, or no path."""
        try:
            place = Path(os.path.normpath(self.root / path))
            return place.relative_to(self.root)
        except ValueError:
            return None

    def run(self, command: Sequence[str], *, limit: float = 10.0) -> subprocess.CompletedProcess[str]:
        """Run a program at the root, its output taken as text, within ``limit`` seconds and the event's own.

        Raises subprocess.TimeoutExpired and FileNotFoundError: let them pass, the record tells them apart (124, 127).
        """
        return subprocess.run(
            list(command),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=max(0.01, min(limit, self.remaining())),
            env=dict(self.environ),
        )

    def record(self, type: str, details: Mapping[str, Any]) -> None:
        """Append an entry to the status log, without secrets; it is durable when this returns. Raises StatusError.

        In a dry run nothing is written.
        """
        if self.dry_run:
            return
        from pytest_nextrust.status.journal import Journal

        Journal(self.status_dir).append(type, self.redactor.plain(dict(details)))
