"""The guards' store: one SQLite database in write-ahead mode, ``.nextrust/state.sqlite`` under the project's root.

Any number of processes use it; a writer waits at most five seconds for another. A database that is damaged is moved
aside (``state.sqlite.damaged-1``, ``-2`` ...) and a fresh one takes its place: the guards forget, nothing hangs, and
``set_aside`` says so. One that is locked, read-only or of a newer release is a GuardError.

A piece of work is a function of the connection, run inside one transaction; it may be run a second time (on a fresh
database), so it has no effect but on the connection. Commits are durable (``synchronous=FULL``): an answer that was
given is still known after a power failure.

Boundary: knows no table but by its text in ``SCHEMA``. Loads ``sqlite3`` and nothing heavier.
Sources: sqlite.org "Write-Ahead Logging", "Result and Error Codes", "PRAGMA user_version".
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pytest_nextrust.base.private_folders import state_folder
from pytest_nextrust.errors import GuardError

__all__ = ["BUSY_SECONDS", "FOLDER", "NAME", "Database", "state_path"]

T = TypeVar("T")

FOLDER = ".nextrust"
NAME = "state.sqlite"
BUSY_SECONDS = 5.0
"""Seconds to wait for another writer."""

VERSION = 1
"""Of the tables, in ``user_version``."""

SCHEMA = (
    """CREATE TABLE claims (
        key TEXT PRIMARY KEY, state TEXT NOT NULL, token TEXT NOT NULL, owner TEXT NOT NULL, claimed REAL NOT NULL,
        lease REAL NOT NULL, attempts INTEGER NOT NULL, decision TEXT, answer TEXT, finished REAL) WITHOUT ROWID""",
    "CREATE INDEX claims_finished ON claims (finished)",
    """CREATE TABLE commit_failures (
        "commit" TEXT NOT NULL, occasion TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL,
        PRIMARY KEY ("commit", occasion)) WITHOUT ROWID""",
    """CREATE TABLE command_runs (
        id INTEGER PRIMARY KEY, command TEXT NOT NULL, exit INTEGER NOT NULL, at REAL NOT NULL,
        "commit" TEXT NOT NULL, session TEXT NOT NULL)""",
    "CREATE INDEX command_runs_command ON command_runs (command, id)",
    "CREATE INDEX command_runs_at ON command_runs (at)",
    "CREATE TABLE counters (series TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE gauges (series TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE timers (series TEXT PRIMARY KEY, count INTEGER NOT NULL, total REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE samples (id INTEGER PRIMARY KEY, series TEXT NOT NULL, seconds REAL NOT NULL)",
    "CREATE INDEX samples_series ON samples (series, id)",
)

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_FULL = {sqlite3.SQLITE_FULL}


def state_path(root: Path) -> Path:
    """The database of the project at ``root``; it need not exist."""
    return root / FOLDER / NAME


class Database:
    """One process's (and one thread's) way to the database at ``path``. Opened when it is first needed.

    ``set_aside`` names the files that a damaged database was moved to by this object.
    """

    def __init__(self, path: Path, *, timeout: float = BUSY_SECONDS) -> None:
        self.path = path
        self.timeout = timeout
        self.set_aside: list[Path] = []
        self._connection: sqlite3.Connection | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; the object can be used again."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in one transaction that nobody else writes beside; durable when this returns.

        Raises GuardError: locked for ``timeout`` seconds, read-only, no space, of a newer release.
        """
        return self._guarded(lambda: self._transact(self._open(), "BEGIN IMMEDIATE", work))

    def read(self, work: Callable[[sqlite3.Connection], T], default: T) -> T:
        """What ``work`` reads, all of one moment; ``default`` where there is no database, and none is made.

        Raises GuardError.
        """

        def attempt() -> T:
            # A file in the folder's place is not "no database": that would pass every guard. Opening says what it is.
            if not self.path.exists() and (self.path.parent.is_dir() or not self.path.parent.exists()):
                return default
            return self._transact(self._open(), "BEGIN", work)

        return self._guarded(attempt)

    def _transact(self, connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        connection.execute(begin)
        try:
            answer = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return answer

    def _guarded(self, attempt: Callable[[], T]) -> T:
        try:
            before = self._identity()
            try:
                return attempt()
            except sqlite3.DatabaseError as error:
                # Another process moved the damaged file aside while this one had it open: reading it then fails.
                replaced = _code(error) == sqlite3.SQLITE_IOERR and self._identity() != before
                if not (replaced or _damaged(error)):
                    raise
                self._move_aside()
                return attempt()
        except sqlite3.Error as error:
            self.close()
            raise self._error(error) from error
        except OSError as error:
            self.close()
            raise GuardError(
                "guards", error.strerror or str(error), place=str(error.filename or self.path), remedy=_WRITABLE
            ) from error

    def _identity(self) -> tuple[int, int] | None:
        """Which file the path leads to now."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        if self.path.exists() and not self.path.is_file():
            raise GuardError("guards", "not a file", place=str(self.path), remedy="take it away")
        state_folder(os.fspath(self.path.parent))
        connection = sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._pid = connection, os.getpid()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version > VERSION:
            raise GuardError(
                "guards",
                f"written by a newer release (tables of version {version}, this one knows {VERSION})",
                place=str(self.path),
                remedy="use that release, or take the file away: the guards then start afresh",
            )
        self._enter_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        # The busy timeout does not cover the change of the journal mode where two processes make it at once.
        # A file system without shared memory keeps the mode it has: slower, and just as safe.
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as error:
                if _code(error) not in _LOCKED or time.monotonic() >= deadline:
                    raise
                time.sleep(0.005)
            else:
                return

    def _move_aside(self) -> None:
        """Give a damaged database another name, under a lock: whoever comes second finds a sound one."""
        from pytest_nextrust.base.files import Lock
        from pytest_nextrust.errors import StatusError

        self.close()
        try:
            with Lock(self.path.with_name(self.path.name + ".lock"), timeout=self.timeout):
                if not self._sound():
                    self._rename()
        except StatusError as error:
            raise GuardError("guards", error.fault, place=error.place, remedy=error.remedy) from error

    def _sound(self) -> bool:
        if not self.path.exists():
            return True
        try:
            probe = sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None)
            try:
                if probe.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                    return False
                (version,) = probe.execute("PRAGMA user_version").fetchone()
                tables = _tables(probe)
                # Empty: whoever came first is about to fill it. To move it then would lose what they write.
                return tables >= _TABLES if version else not tables
            finally:
                probe.close()
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise
            return False

    def _rename(self) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("-wal", "-shm"):
            # Left beside a fresh database they would be taken for its own.
            left = self.path.with_name(self.path.name + suffix)
            if left.exists():
                left.replace(aside.with_name(aside.name + suffix))
        if self.path.exists():
            self.path.replace(aside)
            self.set_aside.append(aside)

    def _error(self, error: sqlite3.Error) -> GuardError:
        code = _code(error)
        place = str(self.path)
        if code in _LOCKED:
            fault = f"held by another process for {self.timeout:g} s"
            return GuardError("guards", fault, place=place, remedy="end the process that holds it, and try again")
        if code in _READ_ONLY:
            return GuardError("guards", f"cannot be written: {error}", place=place, remedy=_WRITABLE)
        remedy = "make room on the device" if code in _FULL else "take the file away: the guards then start afresh"
        return GuardError("guards", str(error), place=place, remedy=remedy)


_WRITABLE = "let this user write to that folder and the files in it"
_TABLES = {statement.split()[2] for statement in SCHEMA if statement.startswith("CREATE TABLE")}


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 where the error is the module's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _damaged(error: sqlite3.DatabaseError) -> bool:
    if _code(error) in _DAMAGED:
        return True
    # Its version says that the tables are there, and they are not: somebody else's file, or pages of zeros.
    text = str(error)
    return text.startswith(("no such table", "no such column")) or (text.startswith("table") and "exists" in text)
