"""How often each command failed, over all runs and sessions that share the project's state folder.

Commands are counted by their normalised form (``commands.normalise``), and only that form is stored: a command line as
typed may hold a secret. Runs older than 90 days are forgotten.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.state_database import Database
from pytest_nextrust.guards.commands import normalise

if TYPE_CHECKING:
    import sqlite3

__all__ = ["KEEP_SECONDS", "CommandCount", "Failures"]

KEEP_SECONDS = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class CommandCount:
    """A normalised command: how often it ran and failed, failures since it last passed, and its newest run.

    ``last_at`` is in seconds since the epoch.
    """

    command: str
    runs: int = 0
    failures: int = 0
    consecutive: int = 0
    last_exit: int = 0
    last_at: float = 0.0


class Failures:
    """The runs of commands in a database. ``clock`` is wall time in seconds. Every method raises GuardError."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._clock = clock

    def record(self, command: str, exit: int, *, commit: str = "", session: str = "", event: str = "") -> CommandCount:
        """Add one run of a command line as typed; durable. Returns how its command stands now.

        ``event``, where given, identifies the run: the same event adds nothing when it is delivered again.
        """
        name, now = normalise(command), self._clock()

        def add(connection: sqlite3.Connection) -> CommandCount:
            connection.execute("DELETE FROM command_runs WHERE at < ?", (now - KEEP_SECONDS,))
            if not event or _is_new(connection, event, now):
                connection.execute(
                    'INSERT INTO command_runs (command, exit, at, "commit", session) VALUES (?, ?, ?, ?, ?)',
                    (name, exit, now, commit, session),
                )
            return _count(connection, name, "", "", 0.0)

        return self.database.write(add)

    def count(self, command: str, *, commit: str = "", session: str = "", since: float = 0.0) -> CommandCount:
        """How a command line stands: of one commit or session where given, since a time in seconds since the epoch."""
        name = normalise(command)
        return self.database.read(
            lambda connection: _count(connection, name, commit, session, since), CommandCount(name)
        )

    def worst(self, limit: int = 10, *, since: float = 0.0) -> list[CommandCount]:
        """The commands that failed most often, most failures first, then by name."""
        statement = (
            "SELECT command FROM command_runs WHERE exit != 0 AND at >= ? "
            "GROUP BY command ORDER BY count(*) DESC, command LIMIT ?"
        )

        def look(connection: sqlite3.Connection) -> list[CommandCount]:
            names = [name for (name,) in connection.execute(statement, (since, limit)).fetchall()]
            return [_count(connection, name, "", "", since) for name in names]

        return self.database.read(look, [])


def _is_new(connection: sqlite3.Connection, event: str, now: float) -> bool:
    """Note an event as counted, in the transaction that counts it; False where it was counted before."""
    # Beside the claims, which are forgotten in time: a claimant that was killed leaves its claim open, this is done.
    key = f"counted:{hashlib.sha256(event.encode('utf-8', 'surrogatepass')).hexdigest()}"
    done = connection.execute(
        "INSERT OR IGNORE INTO claims (key, state, token, owner, claimed, lease, attempts, answer, finished) "
        "VALUES (?, 'done', '', '', ?, 0, 1, 'null', ?)",
        (key, now, now),
    )
    return done.rowcount == 1


def _count(connection: sqlite3.Connection, name: str, commit: str, session: str, since: float) -> CommandCount:
    where = "command = :name AND at >= :since"
    where += ' AND "commit" = :commit' if commit else ""
    where += " AND session = :session" if session else ""
    values: dict[str, Any] = {"name": name, "commit": commit, "session": session, "since": since}
    runs, failures = connection.execute(
        f"SELECT count(*), coalesce(sum(exit != 0), 0) FROM command_runs WHERE {where}", values
    ).fetchone()
    (consecutive,) = connection.execute(
        f"SELECT count(*) FROM command_runs WHERE {where} AND id > "
        f"(SELECT coalesce(max(id), 0) FROM command_runs WHERE {where} AND exit = 0)",
        values,
    ).fetchone()
    last = connection.execute(
        f"SELECT exit, at FROM command_runs WHERE {where} ORDER BY id DESC LIMIT 1", values
    ).fetchone()
    last_exit, last_at = last or (0, 0.0)
    return CommandCount(name, runs, failures, consecutive, last_exit, last_at)
