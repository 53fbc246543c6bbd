"""The backoff guard around a run of phases: whether it may start, and what its end means for the commit.

Boundary: pure of pytest. The controller alone asks; a worker and a dry run do not.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import GuardError, UsageFault
from pytest_nextrust.guards.backoff import Backoff, BackoffSettings, counts_as_failure, in_ci, occasion_of
from pytest_nextrust.guards.override import record_override
from pytest_nextrust.guards.restore import record_failure

__all__ = ["RunGuard", "admit", "is_clean"]

_GIT_LIMIT = 10.0


@dataclass(frozen=True)
class RunGuard:
    """A run that was let in. ``notes`` are for the user; ``database`` is not kept open while it runs."""

    database: Database
    settings: BackoffSettings
    commit: str
    occasion: str
    counting: bool
    forced: bool = False
    notes: tuple[str, ...] = ()
    run: str = ""
    status_dir: Path | None = None
    redactor: Redactor | None = None

    def finish(self, verdicts: Collection[str]) -> list[str]:
        """The run is over, with these verdicts: count it where it counts; messages. Raises GuardError, StatusError."""
        if not self.counting or not counts_as_failure(verdicts):
            return []
        bad = sum(1 for verdict in verdicts if counts_as_failure([verdict]))
        what = f"{bad} of {counted(len(verdicts), 'item')} failed"
        if self.status_dir is not None:
            # The log first: it is what other runners learn it from.
            record_failure(
                self.status_dir, self.commit, occasion=self.occasion, what=what, run=self.run, redactor=self.redactor
            )
        with self.database as database:
            failures = Backoff(database).fail(self.commit, occasion=self.occasion, what=what)
        return [f"this commit has now failed {failures} times (limit {self.settings.limit})"]


def admit(
    root: Path,
    status_dir: Path,
    *,
    table: Mapping[str, object],
    place: str,
    commit: str,
    run: str,
    force: bool,
    environ: Mapping[str, str] | None = None,
    redactor: Redactor | None = None,
) -> RunGuard:
    """Let a run of phases in, or raise UsageFault: its commit has failed too often, or that is unknown.

    ``table`` is ``[backoff]`` as written in ``place``. With ``force`` it is let in, and what was passed is recorded in
    the journal. Raises ConfigError for the table, StatusError where the record cannot be written.
    """
    environ = os.environ if environ is None else environ
    settings = BackoffSettings.read(table, place=place)
    occasion = occasion_of(environ, run)
    counting = bool(commit) and settings.counts(ci=in_ci(environ), clean=lambda: is_clean(root))
    database = Database(state_path(root))
    if not counting:
        return RunGuard(database, settings, commit, occasion, counting)
    try:
        with database:
            standing = Backoff(database, limit=settings.limit).standing(commit, occasion=occasion)
        reason, remedy = (standing.reason(), standing.remedy()) if standing.refused else ("", "")
    except GuardError as error:
        reason = f"whether this commit may run cannot be told: {error.fault} ({error.place})"
        remedy = f"{error.remedy}; --nextrust-force runs it all the same, and is recorded"
    notes = [f"a damaged guard database was moved to {path}; its counts are forgotten" for path in database.set_aside]
    if reason and not force:
        raise UsageFault("--nextrust-phase", reason, remedy=remedy)
    if reason:
        record_override(
            status_dir,
            "backoff",
            "--nextrust-force",
            environ=environ,
            run=run,
            commit=commit,
            reason=reason,
            redactor=redactor,
        )
        notes.append(f"forced: {reason}")
    return RunGuard(
        database,
        settings,
        commit,
        occasion,
        counting,
        bool(reason),
        tuple(notes),
        run=run,
        status_dir=status_dir,
        redactor=redactor,
    )


def is_clean(root: Path) -> bool:
    """Whether no tracked file at ``root`` differs from the commit; False where git does not say."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            timeout=_GIT_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and not done.stdout.strip()
