"""What has been read of the transcripts so far, so that the next prompt reads only what was added.

One SQLite file in ``.nextrust/cache``: each transcript with the offset up to which it was read, each message once (as
``unique_messages`` would keep it). A transcript that was replaced or cut is read again from its start. What was spent
stays when the assistant deletes old transcripts. The file may be deleted; then all transcripts are read again.

Boundary: remembers; ``budgets`` judges. Several processes may use it at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pytest_nextrust.errors import StatusError
from pytest_nextrust.usage.transcripts import Scan, Tokens, UsageMessage, lines, rank, read_line, transcripts

__all__ = ["NAME", "UsageLedger"]

NAME = ".nextrust/cache/usage.sqlite"

_FORM = 1
_HEAD = 1024
"""Bytes at the start of a transcript by which it is known to be the same."""

_BATCH = 2000
_WAIT = 5.0
"""Seconds to wait for another process."""

_TABLES = """
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, place TEXT, head TEXT, offset INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (key TEXT PRIMARY KEY, day TEXT, account TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS days ON messages (day);
CREATE TABLE IF NOT EXISTS told (what TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class UsageLedger:
    """A context manager. ``file`` None: nothing is kept. Raises StatusError where the file cannot be used."""

    def __init__(self, file: Path | None) -> None:
        self._place = str(file or "(memory)")
        with self._faults():
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(str(file or ":memory:"), timeout=_WAIT, isolation_level=None)
            if self._base.execute("PRAGMA user_version").fetchone()[0] not in (0, _FORM):
                self._base.executescript("DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS messages;")
            self._base.executescript(f"{_TABLES} PRAGMA user_version = {_FORM}; PRAGMA synchronous = OFF;")

    def __enter__(self) -> UsageLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StatusError(
                "usage ledger",
                f"cannot be used: {error}",
                place=self._place,
                remedy="delete the file: it is made again",
            ) from error

    def catch_up(self, folders: Iterable[Path], scan: Scan, *, time_left: Callable[[], bool] = lambda: True) -> bool:
        """Read what was added to the transcripts; False where the time ran out first (what was read is kept)."""
        for path in transcripts(folders, scan):
            if not time_left():
                return False
            try:
                with path.open("rb") as stream:
                    scan.files += 1
                    if not self._file(path, stream, scan, time_left):
                        return False
            except OSError as error:
                scan.unreadable.append(f"{path}: {error.strerror or error}")
        return True

    def _file(self, path: Path, stream: BinaryIO, scan: Scan, time_left: Callable[[], bool]) -> bool:
        found = os.fstat(stream.fileno())
        place = f"{found.st_dev}:{found.st_ino}"
        start = self._start(str(path), place, stream, found.st_size)
        stream.seek(start)
        batch: list[UsageMessage] = []
        over, number = start, 0
        for number, (line, end) in enumerate(lines(stream, found.st_size, scan), 1):
            message = read_line(line, path.stem, scan)
            if message is not None:
                batch.append(message)
            over = end
            if number % _BATCH == 0:
                self._keep(batch, str(path), place, self._head(stream, over), over)
                batch = []
                if not time_left():
                    return False
        if number % _BATCH or over != start:
            self._keep(batch, str(path), place, self._head(stream, over), over)
        return True

    def _start(self, path: str, place: str, stream: BinaryIO, size: int) -> int:
        with self._faults():
            row = self._base.execute("SELECT place, head, offset FROM files WHERE path = ?", (path,)).fetchone()
        if row is None or row[0] != place or row[2] > size or row[1] != self._head(stream, row[2]):
            return 0
        return int(row[2])

    @staticmethod
    def _head(stream: BinaryIO, offset: int) -> str:
        return hashlib.sha256(os.pread(stream.fileno(), min(_HEAD, offset), 0)).hexdigest()

    def _keep(self, messages: list[UsageMessage], path: str, place: str, head: str, offset: int) -> None:
        """Messages and offset in one transaction: what is interrupted is read again, and counted once."""
        with self._faults():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                for message in messages:
                    self._take(message)
                self._base.execute("REPLACE INTO files VALUES (?, ?, ?, ?)", (path, place, head, offset))
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def _take(self, message: UsageMessage) -> None:
        row = self._base.execute("SELECT account FROM messages WHERE key = ?", (message.key,)).fetchone()
        if row is None or rank(message) < rank(_loaded(message.key, row[0])):
            values = (message.key, message.day, _dumped(message))
            self._base.execute("REPLACE INTO messages VALUES (?, ?, ?)", values)

    def messages(self, day: str | None = None) -> list[UsageMessage]:
        """Those of a day (UTC, ``YYYY-MM-DD``), or all."""
        with self._faults():
            where, values = ("", ()) if day is None else (" WHERE day = ?", (day,))
            rows = self._base.execute(f"SELECT key, account FROM messages{where}", values).fetchall()
        return [_loaded(key, account) for key, account in rows]

    def first(self, what: str) -> bool:
        """Whether this is asked for the first time of ``what``."""
        with self._faults():
            return self._base.execute("INSERT OR IGNORE INTO told VALUES (?)", (what,)).rowcount == 1


def _dumped(message: UsageMessage) -> str:
    t = message.tokens
    tokens = (t.input, t.output, t.write5m, t.write1h, t.read)
    return json.dumps([message.session, message.time, message.model, message.sidechain, tokens, message.recorded])


def _loaded(key: str, account: str) -> UsageMessage:
    plain: Any = json.loads(account)
    session, time, model, sidechain, tokens, recorded = plain
    return UsageMessage(key, session, time, model, sidechain, Tokens(*tokens), recorded)
