"""The whole log: the journal and the archives that rotation moved its old entries to, read as one.

An archive is ``archive/YYYY-MM.jsonl`` beside the journal: lines of the journal, byte for byte, of the month that their
time is in. A rotation that was killed leaves an entry in both places; it is one entry, known by its log, sequence
number and checksum. ``Log`` reads everything once and afterwards only what was added: following a long log is cheap.

Entries come in an order that does not depend on which file they are in: within one log by sequence number, between logs
(that were merged) by time. A clock that went back does not move an entry before those written earlier.

Boundary: reads only; ``status.rotation`` moves entries.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.base.files import open_unlinked
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.journal import Identity, Journal, JournalView, Lines, Problem, Record, refuse_odd_file
from pytest_nextrust.status.records import moment

__all__ = ["FOLDER", "Log", "LogChange", "archives", "read_log"]

FOLDER = "archive"

_MONTH = re.compile(r"\d{4}-\d\d\.jsonl")


def archives(folder: Path) -> tuple[Path, ...]:
    """The archives of the log in ``folder``, oldest month first. Raises StatusError where they cannot be listed, and
    for a link in the place of one or of their folder."""
    refuse_odd_file(folder / FOLDER)
    try:
        found = tuple(sorted(path for path in (folder / FOLDER).iterdir() if _MONTH.fullmatch(path.name)))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise _unreadable(folder / FOLDER, error) from error
    for path in found:
        refuse_odd_file(path)
    return found


class Order:
    """The order of entries, and where it stands: the latest time in every log, the key of the last entry."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._last: tuple[float, str, int] = (float("-inf"), "", 0)

    def state(self) -> list[object]:
        """Where it stands, as plain values for ``resumed``."""
        return [self._times, *self._last]

    @classmethod
    def resumed(cls, state: Sequence[Any]) -> Order:
        order = cls()
        times, time, log, seq = state
        order._times, order._last = dict(times), (time, log, seq)
        return order

    def sort(self, parts: Iterable[Lines]) -> list[Record]:
        """Every entry of these files once, in order."""
        found: dict[Identity, Record] = {}
        for part in parts:
            for key, record in zip(part.identities, part.records, strict=True):
                found.setdefault(key, record)
        # By time and checksum too: two machines may have gone on from copies of one log.
        numbered = sorted(found.items(), key=lambda entry: (entry[1].seq, moment(entry[1].time) or 0.0, entry[0]))
        keyed = [(self._key(record), record) for _, record in numbered]
        keyed.sort(key=lambda pair: pair[0])
        if keyed:
            self._last = keyed[-1][0]
        return [record for _, record in keyed]

    def goes_on(self, records: Iterable[Record]) -> bool:
        """Whether these, as they come, belong behind all before."""
        for record in records:
            if record.seq <= self._last[2] and record.log == self._last[1]:
                return False
            key = self._key(record)
            if key <= self._last:
                return False
            self._last = key
        return True

    def _key(self, record: Record) -> tuple[float, str, int]:
        """Where an entry belongs; of each log they are asked for in the order of their numbers."""
        time, latest = moment(record.time), self._times.get(record.log, float("-inf"))
        if time is not None and time > latest:
            latest = self._times[record.log] = time
        return latest, record.log, record.seq


@dataclass(frozen=True)
class LogChange:
    """What is new since the last time. ``fresh``: forget what was read before, ``records`` are all there are."""

    fresh: bool
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


class Log:
    """The journal and its archives in one folder, followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = Journal(folder).path
        self._lines: Lines | None = None
        self._seen: tuple[object, ...] = ()
        self._order = Order()
        self._problems: tuple[Problem, ...] = ()

    def poll(self) -> LogChange:
        """What was added since the last call; everything at the first. Raises StatusError for an unreadable file."""
        seen, data = self._look()
        lines = self._lines
        if lines is not None and lines.open:
            if data == lines.open:
                return LogChange(False, (), self._all_problems(lines))
            seen, data = self._from_start()
        elif lines is not None:
            lines.feed(data)
            added, lines.records, lines.identities = lines.records, [], []
            if self._order.goes_on(added):
                return LogChange(False, tuple(added), self._all_problems(lines))
            seen, data = self._from_start()
        return self._start(seen, data)

    def _start(self, seen: tuple[object, ...], data: bytes) -> LogChange:
        lines = Lines()
        lines.feed(data)
        # The journal before the archives: what is moved in between is then found twice, and not missed.
        moved = [_read_archive(path) for path in archives(self.folder)]
        self._order = Order()
        records = self._order.sort([*moved, lines])
        self._problems = tuple(problem for each in moved for problem in (*each.problems, *each.tail))
        change = LogChange(True, tuple(records), self._all_problems(lines))
        lines.records, lines.identities = [], []
        self._lines, self._seen = lines, seen
        return change

    def _all_problems(self, lines: Lines) -> tuple[Problem, ...]:
        return (*lines.problems, *lines.tail, *self._problems)

    def _look(self) -> tuple[tuple[object, ...], bytes]:
        """Which files these are, and what stands in the journal behind what was read of it."""
        try:
            refuse_odd_file(self._path)
            with open_unlinked(self._path) as stream:
                status = os.fstat(stream.fileno())
                seen = (status.st_dev, status.st_ino, *_signatures(archives(self.folder)))
                if seen != self._seen or not self._goes_on(stream.fileno(), status.st_size):
                    self._lines = None
                stream.seek(self._lines.position if self._lines is not None else 0)
                return seen, stream.read()
        except FileNotFoundError:
            seen = (0, 0, *_signatures(archives(self.folder)))
            if seen != self._seen:
                self._lines = None
            return seen, b""
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def _goes_on(self, fd: int, size: int) -> bool:
        """Whether the file still begins with what was read of it: inode numbers are given out again."""
        lines = self._lines
        if lines is None or size < lines.position:
            return False
        return os.pread(fd, len(lines.mark), lines.position - len(lines.mark)) == lines.mark

    def _from_start(self) -> tuple[tuple[object, ...], bytes]:
        self._lines = None
        return self._look()


def read_log(folder: Path) -> JournalView:
    """Everything in the log, archives included. Raises StatusError only where a file cannot be read."""
    change = Log(folder).poll()
    return JournalView(change.records, change.problems)


def _signatures(paths: Iterable[Path]) -> Iterable[tuple[str, int, int, int]]:
    for path in paths:
        status = path.lstat()
        yield path.name, status.st_ino, status.st_size, status.st_mtime_ns


def _read_archive(path: Path) -> Lines:
    lines = Lines(name=f"{FOLDER}/{path.name}")
    try:
        refuse_odd_file(path)
        with open_unlinked(path) as stream:
            lines.feed(stream.read())
    except OSError as error:
        raise _unreadable(path, error) from error
    return lines


def _unreadable(path: Path, error: OSError) -> StatusError:
    remedy = "use a folder that this user may read (--dir)"
    if isinstance(error, NotADirectoryError):
        remedy = "name a folder, not a file"
    return StatusError("status log", error.strerror or str(error), place=str(path), remedy=remedy)
