"""A limit of failures per commit: the run after the third is refused, until a new commit or somebody clears it.

What counts: a *finished* run whose code failed, once per occasion. An occasion is one attempt of a CI run (its jobs and
steps together are one failure, not one each), or one run of pytest elsewhere. A run that was interrupted, refused,
or failed by its surroundings alone (``infra-error``) does not count: trying again is the right answer to those.

Where it counts: in CI (``CI`` or ``GITHUB_ACTIONS`` set) by default. A developer runs the same commit with changes that
are not committed, again and again, and must not be locked out. ``where`` in ``[backoff]`` of the project's settings is
``ci``, ``clean`` (elsewhere too, where the work tree has no changes: what ran is the commit) or ``off``.

A pass clears nothing: a commit that passes one time in two is what the limit is for.

Boundary: the caller says which commit, which occasion and what failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.state_database import Database
from pytest_nextrust.errors import ConfigError, Fault

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "COUNTED",
    "LIMIT",
    "WHERE",
    "Backoff",
    "BackoffSettings",
    "CommitFailure",
    "Standing",
    "counts_as_failure",
    "in_ci",
    "occasion_of",
]

LIMIT = 3
WHERE = ("ci", "clean", "off")

COUNTED = frozenset({"failed", "crashed", "budget", "unexpected-pass"})
"""Verdicts that make a run a failure of its commit. ``infra-error`` is a failure of the surroundings."""

KEEP_SECONDS = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class BackoffSettings:
    """``[backoff]`` of the project's settings: how many failures of a commit, and where they count."""

    limit: int = LIMIT
    where: str = "ci"

    @classmethod
    def read(cls, table: Mapping[str, Any], *, place: str = "") -> BackoffSettings:
        """From the table as written. Raises ConfigError with every fault."""
        faults = []
        limit, where = table.get("limit", LIMIT), table.get("where", "ci")
        if type(limit) is not int or not 1 <= limit <= 1000:
            faults.append(Fault("backoff.limit", f"{limit!r} is no number of failures", "an integer from 1 to 1000"))
        if where not in WHERE:
            faults.append(Fault("backoff.where", f"no such value {where!r}", f"one of {', '.join(WHERE)}"))
        known = {"limit", "where"}
        faults += [Fault(f"backoff.{key}", "no such key", "limit or where") for key in table if key not in known]
        if faults:
            raise ConfigError("project settings", faults, place=place)
        return cls(limit, where)

    def counts(self, *, ci: bool, clean: Callable[[], bool]) -> bool:
        """Whether a run made here counts. ``clean`` (no uncommitted changes) is asked only where it matters."""
        if self.where == "off":
            return False
        return ci or (self.where == "clean" and clean())


@dataclass(frozen=True, slots=True)
class CommitFailure:
    """One failure of a commit; ``at`` in seconds since the epoch, ``what`` failed, in words."""

    commit: str
    occasion: str
    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a commit stands: its failures, oldest first, and the limit. No commit (no git): nothing ever stands."""

    commit: str
    failures: tuple[CommitFailure, ...]
    limit: int

    @property
    def refused(self) -> bool:
        return len(self.failures) >= self.limit

    def reason(self) -> str:
        """Why a run is refused, and what clears it. One paragraph, for people."""
        last = self.failures[-1]
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last.at))
        return (
            f"commit {self.commit[:12]} has failed {len(self.failures)} times (limit {self.limit}); "
            f"the last at {when}: {last.what}"
        )

    def remedy(self) -> str:
        """What clears it."""
        return (
            f"push a new commit, or clear it: nextrust status clear-backoff --commit {self.commit[:12]} --why TEXT; "
            "--nextrust-force runs it all the same, and is recorded"
        )


class Backoff:
    """The failures in a database. ``clock`` is wall time in seconds."""

    def __init__(self, database: Database, *, limit: int = LIMIT, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.limit = limit
        self._clock = clock

    def fail(self, commit: str, *, occasion: str, what: str) -> int:
        """Record that ``commit`` failed on ``occasion`` (again: once); returns how many failures it has now.

        Durable. An empty commit is no commit, and 0. Raises GuardError.
        """
        if not commit:
            return 0
        row = (commit, occasion, self._clock(), what[:500])

        def record(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM commit_failures WHERE at < ?", (row[2] - KEEP_SECONDS,))
            connection.execute("INSERT OR IGNORE INTO commit_failures VALUES (?, ?, ?, ?)", row)
            (count,) = connection.execute(
                'SELECT count(*) FROM commit_failures WHERE "commit" = ?', (commit,)
            ).fetchone()
            return int(count)

        return self.database.write(record)

    def replace(self, failures: Iterable[CommitFailure], cleared: Iterable[tuple[str, str]]) -> tuple[int, int]:
        """Add failures that are not known, and forget those of a commit and an occasion; how many of each.

        Durable. Raises GuardError. What the log says, put back: see ``guards.restore``.
        """
        oldest = self._clock() - KEEP_SECONDS
        rows = [(f.commit, f.occasion, f.at, f.what) for f in failures if f.at >= oldest]
        gone = list(cleared)

        def change(connection: sqlite3.Connection) -> tuple[int, int]:
            taken = connection.executemany('DELETE FROM commit_failures WHERE "commit" = ? AND occasion = ?', gone)
            put = connection.executemany("INSERT OR IGNORE INTO commit_failures VALUES (?, ?, ?, ?)", rows)
            return max(put.rowcount, 0), max(taken.rowcount, 0)

        return self.database.write(change)

    def standing(self, commit: str, *, occasion: str = "") -> Standing:
        """How ``commit`` stands. Failures of this ``occasion`` are left out: a job must not stop its own siblings.

        Raises GuardError.
        """

        def look(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            statement = (
                'SELECT "commit", occasion, at, what FROM commit_failures WHERE "commit" = ? AND occasion != ? '
                "ORDER BY at, occasion"
            )
            return connection.execute(statement, (commit, occasion)).fetchall()

        empty: list[tuple[Any, ...]] = []
        rows = self.database.read(look, empty) if commit else empty
        return Standing(commit, tuple(CommitFailure(*row) for row in rows), self.limit)

    def commits(self) -> dict[str, int]:
        """Every commit with failures, and how many. Raises GuardError."""
        statement = 'SELECT "commit", count(*) FROM commit_failures GROUP BY "commit" ORDER BY max(at)'
        return dict(self.database.read(lambda connection: connection.execute(statement).fetchall(), []))

    def clear(self, commit: str) -> int:
        """Forget the failures of ``commit``; returns how many there were. Raises GuardError.

        Who did it and why belongs in the journal: ``override.record_clear`` writes it, before this is called.
        """
        if not self.database.path.exists():
            return 0
        statement = 'DELETE FROM commit_failures WHERE "commit" = ?'
        return self.database.write(lambda connection: connection.execute(statement, (commit,)).rowcount)


def counts_as_failure(verdicts: Iterable[str]) -> bool:
    """Whether a finished run with these verdicts is a failure of its commit."""
    return any(verdict in COUNTED for verdict in verdicts)


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is a CI machine: ``CI`` or ``GITHUB_ACTIONS`` is set, and not to 0 or false."""
    return any(environ.get(name, "").lower() not in ("", "0", "false", "no") for name in ("CI", "GITHUB_ACTIONS"))


def occasion_of(environ: Mapping[str, str], run: str) -> str:
    """The attempt of the CI run this is part of, else ``run``."""
    ci_run = environ.get("GITHUB_RUN_ID", "")
    return f"{ci_run}.{environ.get('GITHUB_RUN_ATTEMPT') or '1'}" if ci_run else run
