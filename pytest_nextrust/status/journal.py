"""The journal: one append-only file of JSON lines, many writers, nothing acknowledged is ever lost.

A line is ``{"schema":1,"seq":N,"time":"...Z","type":"...","run":"...","details":{...},"crc":"xxxxxxxx"}``; ``crc`` is
the CRC-32 (as zlib's) of the line's bytes before ``,"crc"``. A writer takes the lock, gives the record the next
sequence number, and appends it by one ``write``; it lets go of the lock *before* ``fdatasync``, so that writers wait
for the device side by side, and returns only after it. ``fdatasync`` covers the whole file: a record that is
acknowledged never rests on an earlier one that is not on the device.

Readers take no lock and never raise for what is in the file: a line that is torn or garbage is a Problem, and skipped.
A torn last line is closed off by the next writer. Readers ignore keys they do not know; a line of a newer schema is
read as far as the fields above go, and reported.

Boundary: knows record types only as names; what is in ``details`` is the business of ``status.records``.
"""

from __future__ import annotations

import errno
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import StatusError
from pytest_nextrust.files import LOCK_TIMEOUT, Lock, append_once, make_folder, open_append, sync_data, sync_folder
from pytest_nextrust.wire import to_wire

__all__ = ["SCHEMA", "Journal", "JournalView", "Problem", "Record", "decode", "encode", "parse"]

SCHEMA = 1
"""The version of a line's layout that this code writes."""

NAME = "journal.jsonl"

DEPTH = 64
"""How deep arrays and objects may nest in a line."""

_TAIL = 1 << 16
_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')
_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry. ``time`` is UTC, ISO 8601 with microseconds; ``run`` is empty where the entry belongs to none."""

    seq: int
    time: str
    type: str
    run: str
    details: Mapping[str, Any]
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be used: its number (from 1), the byte where it starts, and what is wrong with it."""

    line: int
    offset: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line} (byte {self.offset}): {self.message}"


@dataclass(frozen=True, slots=True)
class JournalView:
    """What a reader saw: the good records in the order of the file, and the problems."""

    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()


def encode(record: Record) -> bytes:
    """One line, newline included. Raises StatusError for details that JSON cannot carry and give back unchanged."""
    return _line(record, _details(record.type, record.details))


def _details(type: str, details: Mapping[str, Any]) -> str:
    """The checked JSON of a record's details: what can be refused is refused before a file is touched."""
    if not _TYPE.fullmatch(type):
        raise StatusError("journal", f"{type[:80]!r} is no record type", remedy="1 to 64 letters, digits, _ . or -")
    try:
        text = json.dumps(to_wire(dict(details)), separators=(",", ":"), allow_nan=False)
        _check_depth(text, json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise StatusError(
            "journal", f"the details of a {type!r} record cannot be written: {error}", remedy="give plain JSON values"
        ) from error
    return text


def _line(record: Record, details: str) -> bytes:
    head = f'{{"schema":{record.schema},"seq":{record.seq},"time":"{record.time}","type":"{record.type}",'
    body = f'{head}"run":{json.dumps(record.run)},"details":{details}'.encode("ascii")
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def decode(line: bytes) -> Record:
    """The record in a line without its newline. Raises ValueError, saying what is wrong, for anything else."""
    match = _CRC.search(line)
    if match is None:
        raise ValueError("torn or not a record: no checksum at its end")
    if zlib.crc32(line[: match.start()]) != int(match[1], 16):
        raise ValueError("damaged: its checksum does not match")
    try:
        plain = json.loads(line, parse_constant=_no_constant)
        _check_depth(line.decode(), plain["details"])
        record = Record(
            plain["seq"], plain["time"], plain["type"], plain.get("run", ""), plain["details"], plain["schema"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a record: {type(error).__name__}: {error}") from error
    integers, strings = (record.seq, record.schema), (record.time, record.type, record.run)
    sound = all(type(n) is int for n in integers) and all(isinstance(text, str) for text in strings)
    if not sound or not isinstance(record.details, dict):
        raise ValueError("not a record: a field of another type")
    return record


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _check_depth(text: str, plain: object) -> None:
    """Refuse nesting that would exhaust the stack of whoever walks it later. Raises ValueError."""
    if text.count("{") + text.count("[") <= DEPTH:
        return
    level = [plain]
    for _ in range(DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError(f"nested more than {DEPTH} deep")


def _children(value: object) -> Iterable[object]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (child for child in inner if isinstance(child, (dict, list)))


def parse(data: bytes) -> JournalView:
    """Read a journal's bytes. Never raises."""
    records, problems = [], []
    offset, last = 0, 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if line:
            try:
                record = decode(line)
            except ValueError as error:
                torn = " (the last line: the next writer closes it off)" if number == len(lines) else ""
                problems.append(Problem(number, offset, f"{error}{torn}"))
            else:
                if record.schema > SCHEMA:
                    problems.append(Problem(number, offset, f"schema {record.schema} is newer than {SCHEMA}"))
                if record.seq <= last:
                    problems.append(Problem(number, offset, f"sequence number {record.seq} after {last}"))
                last = max(last, record.seq)
                records.append(record)
        offset += len(line) + 1
    return JournalView(tuple(records), tuple(problems))


def utc_now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """The journal in a folder. One object per process and thread; any number of them write to the same folder.

    ``clock`` gives the time of a record; ``lock`` replaces the default lock (5 s, exponential backoff).
    """

    def __init__(
        self, folder: Path | str, *, clock: Callable[[], datetime] = utc_now, lock: Lock | None = None
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._clock = clock
        self._lock = lock or Lock(self.folder / "journal.lock", timeout=LOCK_TIMEOUT)
        self._named = False
        self._last: tuple[int, int, int] | None = None

    def append(self, type: str, details: Mapping[str, Any], *, run: str = "") -> Record:
        """Write one record; it is on the device when this returns.

        ``run`` defaults to ``details["run"]``. Raises StatusError (LockTimeout where another process sits on the lock);
        then nothing was acknowledged, and a reader sees either no trace of the record or a whole one.
        """
        owner = run or str(details.get("run", ""))
        text = _details(type, details)
        try:
            make_folder(self.folder)
            with self._lock:
                fd = open_append(self.path)
                try:
                    record = self._write(fd, type, details, text, owner)
                except BaseException:
                    os.close(fd)
                    raise
            try:
                sync_data(fd)
            finally:
                os.close(fd)
            self._make_name_durable()
        except OSError as error:
            raise self._error(error) from error
        return record

    def read(self) -> JournalView:
        """Everything in the journal; an absent one is empty. Raises StatusError only where the file cannot be read."""
        try:
            if self.path.is_fifo():
                # Reading it would wait for somebody to write.
                raise StatusError("status log", "not a file", place=str(self.path), remedy="take the pipe away")
            return parse(self.path.read_bytes())
        except FileNotFoundError:
            return JournalView()
        except OSError as error:
            raise self._error(error) from error

    def _write(self, fd: int, type: str, details: Mapping[str, Any], text: str, run: str) -> Record:
        """Under the lock: number, repair, append."""
        status = os.fstat(fd)
        if self._last is not None and self._last[:2] == (status.st_ino, status.st_size):
            seq, torn = self._last[2], False
        else:
            seq, torn = _tail(fd, status.st_size)
        time = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        record = Record(seq + 1, time, type, run, details)
        line = _line(record, text)
        append_once(fd, b"\n" + line if torn else line)
        self._last = (status.st_ino, status.st_size + len(line) + torn, record.seq)
        return record

    def _make_name_durable(self) -> None:
        # Once per writer, not once per file: whoever made the file may have died before its name was on the device.
        if not self._named:
            sync_folder(self.folder)
            self._named = True

    def _error(self, error: OSError) -> StatusError:
        remedies = {
            errno.ENOSPC: "make room on the device",
            errno.EDQUOT: "make room in the quota",
            errno.EFBIG: "raise the limit on file sizes",
            errno.ENOTDIR: "name a folder, not a file",
            errno.EEXIST: "name a folder, not a file",
            errno.EISDIR: f"take the folder {NAME} away",
        }
        return StatusError(
            "status log",
            error.strerror or str(error),
            place=str(self.path),
            remedy=remedies.get(error.errno or 0, "use a folder that this user may read and write (--dir)"),
        )


def _tail(fd: int, size: int) -> tuple[int, bool]:
    """The last sequence number in the file (0: none) and whether its last line is torn."""
    torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
    for line in _lines_backwards(fd, size):
        try:
            return decode(line).seq, torn
        except ValueError:
            continue
    return 0, torn


def _lines_backwards(fd: int, size: int) -> Iterator[bytes]:
    """The lines of the file, last first, reading no more of it than is asked for."""
    rest, position = b"", size
    while position > 0:
        step = min(max(_TAIL, 2 * len(rest)), position)  # doubled inside one long line: linear in its length
        position -= step
        first, *lines = (os.pread(fd, step, position) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        rest = first
    if rest:
        yield rest
