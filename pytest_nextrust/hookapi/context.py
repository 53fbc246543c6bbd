"""What a handler is given beside its event: the project, its settings and phases, the time left, a way to record.

Boundary: finds and offers; decides nothing. Nothing here starts a process unless a handler asks for it.
"""

from __future__ import annotations

import os
import time

from pytest_nextrust.project.root import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.hookapi.settings import HookSettings
    from pytest_nextrust.hookapi.snapshot import PhaseFact, Snapshot

__all__ = ["Context", "commit_at", "flag", "project_root"]


def flag(environ: Mapping[str, str], *names: str) -> bool:
    """Whether one of these variables is set to something other than 0, no, false, off and nothing."""
    return any(environ.get(name, "").strip().lower() not in ("", "0", "no", "false", "off") for name in names)


def project_root(environ: Mapping[str, str], cwd: str = "") -> str:
    """CLAUDE_PROJECT_DIR, else the project around ``cwd``."""
    given = environ.get("CLAUDE_PROJECT_DIR", "")
    if given and os.path.isdir(given):  # noqa: PTH112
        return os.path.realpath(given)
    start = cwd if cwd and "\0" not in cwd and len(cwd) < 4096 and os.path.isdir(cwd) else os.getcwd()  # noqa: PTH109, PTH112
    return find_root(os.path.realpath(start))


def commit_at(root: str) -> str:
    """The full hash of the commit checked out at ``root``, read from git's files; empty where those do not say.

    Starting git would take longer than the rest of a decision.
    """
    try:
        git = f"{root}/.git"
        if os.path.isfile(git):  # noqa: PTH113
            git = os.path.join(root, _text(git).partition("gitdir:")[2].strip())  # noqa: PTH118
        common = f"{git}/commondir"
        shared = os.path.join(git, _text(common).strip()) if os.path.isfile(common) else git  # noqa: PTH113, PTH118
        head = _text(f"{git}/HEAD").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        for folder in (git, shared):
            if os.path.isfile(f"{folder}/{name}"):  # noqa: PTH113
                return _text(f"{folder}/{name}").strip()
        packed = _text(f"{shared}/packed-refs")
    except (OSError, ValueError):
        return ""
    return next((line.partition(" ")[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")


def _text(file: str) -> str:
    with open(file, encoding="utf-8") as stream:  # noqa: PTH123
        return stream.read()


class Context:
    """``deadline`` is on ``time.monotonic``'s scale; ``dry_run``: nothing may change outside a scratch folder."""

    def __init__(
        self,
        root: str,
        snapshot: Snapshot,
        environ: Mapping[str, str],
        *,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = root
        self.snapshot = snapshot
        self.environ = environ
        self.deadline = deadline
        self.dry_run = flag(environ, "DRY_RUN")
        self._clock = clock
        self._redactor: Redactor | None = None

    @property
    def root(self) -> Path:
        """The project's folder (``folder`` as a Path)."""
        from pathlib import Path

        return Path(self.folder)

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
        return next((phase for phase in self.phases if not self.is_done(phase.id)), None)

    def is_done(self, phase: str) -> bool:
        """Whether a phase has its marker."""
        return os.path.isfile(f"{self.folder}/artifacts/phase/{phase}.done")  # noqa: PTH113

    @property
    def status_dir(self) -> Path:
        """The folder of the status log."""
        return self.root / self.settings.status_dir

    @property
    def redactor(self) -> Redactor:
        """Takes secrets out of what is written: every writer uses it."""
        if self._redactor is None:
            from pytest_nextrust.base.redaction import Redactor

            rules = self.settings.secrets
            self._redactor = Redactor(self.environ, names=rules.variables, minimum=rules.minimum)
        return self._redactor

    def remaining(self) -> float:
        """Seconds left for this event; not below 0."""
        return max(0.0, self.deadline - self._clock())

    def commit(self) -> str:
        """The commit that is checked out; empty where there is none."""
        return commit_at(self.folder)

    def inside(self, path: str) -> Path | None:
        """The place of ``path`` relative to the root; None where it is outside, or no path."""
        from pathlib import Path

        try:
            return Path(os.path.normpath(self.root / path)).relative_to(self.root)
        except ValueError:
            return None

    def run(self, command: Sequence[str], *, limit: float = 10.0) -> subprocess.CompletedProcess[str]:
        """Run a program at the root, its output taken as text, within ``limit`` seconds and the event's own.

        Raises subprocess.TimeoutExpired and FileNotFoundError: let them pass, the record has a status for each.
        """
        import subprocess

        return subprocess.run(
            list(command),
            cwd=self.folder,
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
