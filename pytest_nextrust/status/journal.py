"""The journal: one append-only file of JSON lines, many writers, nothing acknowledged is ever lost.

A line is ``{"schema":1,"log":"...","seq":N,"time":"...Z","type":"...","run":"...","details":{...},"crc":"xxxxxxxx"}``;
``crc`` is the CRC-32 (as zlib's) of the line's bytes before ``,"crc"``; ``log`` names the journal that the line was
first written to, by 16 random digits that its first writer drew, and ``seq`` counts up in it. A writer takes the lock,
gives the record the next sequence number, and appends it by one ``write``; it lets go of the lock *before*
``fdatasync``, so that writers wait for the device side by side, and returns only after it. ``fdatasync`` covers the
whole file: a record that is acknowledged never rests on an earlier one that is not on the device.

The file is kept open from one append to the next. Rotation puts another file in its place, under the lock, with all
that was in the old one on the device: an append that meanwhile waits for the old file's data may acknowledge.

Readers take no lock and never raise for what is in the file: a line that is torn or garbage is a Problem, and skipped.
A torn last line is closed off by the next writer. Readers ignore keys they do not know; a line of a newer schema is
read as far as the fields above go, and reported. Lines without ``log`` are older than it, and read as well.

Secrets are taken out here, so that no writer can forget it: what is appended passes a Redactor first.

Boundary: knows record types only as names; what is in ``details`` is the business of ``status.records``.
"""

from __future__ import annotations

import errno
import json
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pytest_nextrust.base.files import (
    LOCK_TIMEOUT,
    TAKE_LINK_AWAY,
    Lock,
    OpenFile,
    append_once,
    make_folder,
    open_append,
    open_unlinked,
    sync_data,
    sync_folder,
)
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import StatusError

__all__ = [
    "LARGEST",
    "NO_ROOM",
    "SCHEMA",
    "Identity",
    "Journal",
    "JournalView",
    "Lines",
    "Problem",
    "Record",
    "check_record",
    "decode",
    "encode",
    "identity",
    "parse",
    "refuse_odd_file",
]

SCHEMA = 1
"""The version of a line's layout that this code writes."""

NAME = "journal.jsonl"

_HOLE = 1 << 24
"""Bytes of a hole that a file of the log cannot have: what a crash leaves unwritten at an end is far smaller."""

LARGEST = 1 << 20
"""Bytes that a line may have: whoever reads the log holds at least one in memory."""

DEPTH = 64
"""How deep arrays and objects may nest in a line."""

_TAIL = 1 << 10
"""Bytes read at first from the end of a file that another writer added to; most lines are shorter."""

_LARGEST = 1 << 16

_REST = 128
"""Bytes of a line at most that are not its type, run and details: schema, log, sequence number, time, checksum."""

_MARK = 32
"""Bytes before a position by which a file is known again."""

Identity = tuple[str, int, bytes]
"""Log, sequence number and checksum of an entry."""

NO_ROOM = {
    errno.ENOSPC: "make room on the device",
    errno.EDQUOT: "make room in the quota",
    errno.EFBIG: "raise the limit on file sizes",
}
"""What to do where a file cannot grow."""


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


# Made once: ``json.loads`` makes another decoder for every line.
_DECODE = json.JSONDecoder(parse_constant=_no_constant).decode
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_STR = frozenset({str})
_LEAVES = frozenset({str, int, float, bool, type(None)})
_HEAD = re.compile(rb'\{"schema":[0-9]{1,9},"log":"([0-9a-f]{16})","seq":([0-9]{1,18}),')
_CRC_WIDTH = len(b',"crc":"00000000"}')
_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')
_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry. ``time`` is UTC, ISO 8601 with microseconds; ``run`` is empty where the entry belongs to none.

    ``log`` (16 hexadecimal digits; empty in old lines) and ``seq`` say where it was first written, and in what order.
    """

    seq: int
    time: str
    type: str
    run: str
    details: Mapping[str, Any]
    schema: int = SCHEMA
    log: str = ""


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
        text = _ENCODE(_plain(details))
        if _may_be_deep(text):
            _check_depth(json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(type, error) from error
    return text


def _clean(type: str, details: Mapping[str, Any], redactor: Redactor) -> Mapping[str, Any]:
    """The details without secrets: the same object where there is none."""
    try:
        plain = _plain(details)
        clean: Mapping[str, Any] = redactor.plain(plain)
        return details if clean == plain else clean
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(type, error) from error


def _unwritable(type: str, error: Exception) -> StatusError:
    return StatusError(
        "journal", f"the details of a {type!r} record cannot be written: {error}", remedy="give plain JSON values"
    )


def _plain(details: Mapping[str, Any]) -> object:
    # Most details are plain already: they need no copy, and a hook that writes an entry need not load what makes one.
    if _is_plain(details):
        return details
    from pytest_nextrust.base.convert import to_plain

    return to_plain(dict(details))


def _is_plain(value: Any) -> bool:
    if type(value) is list:
        parts: Collection[object] = value
    elif type(value) is dict and set(map(type, value)) <= _STR:
        parts = value.values()
    else:
        return type(value) in _LEAVES
    return set(map(type, parts)) <= _LEAVES or all(map(_is_plain, parts))


def _line(record: Record, details: str) -> bytes:
    start = f'{{"schema":{record.schema},' + (f'"log":"{record.log}",' if record.log else "")
    return _finish(f'{start}"seq":{record.seq},"time":"{record.time}"{_rest(record.type, record.run, details)}')


def _rest(type: str, run: str, details: str) -> str:
    """What follows the time in a line, up to its checksum."""
    return f',"type":"{type}","run":{_ENCODE(run)},"details":{details}'


def check_record(type: str, run: str, details: Mapping[str, Any], place: str = "") -> str:
    """What follows the time in a record's line. Raises StatusError for what no journal takes."""
    rest = _rest(type, run, _details(type, details))
    if len(rest) + _REST > LARGEST:
        raise StatusError(
            "journal",
            f"a {type!r} record of {len(rest) + _REST} bytes is larger than {LARGEST}",
            place=place,
            remedy="shorten it: keep long output in a file, and give the file's name",
        )
    return rest


def _finish(text: str) -> bytes:
    body = text.encode("ascii")
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def decode(line: bytes) -> Record:
    """The record in a line without its newline. Raises ValueError, saying what is wrong, for anything else."""
    match = _CRC.search(line)
    if match is None:
        raise ValueError("torn or not a record: no checksum at its end")
    if zlib.crc32(line[: match.start()]) != int(match[1], 16):
        raise ValueError("damaged: its checksum does not match")
    try:
        text = line.decode()
        plain = _DECODE(text)
        if _may_be_deep(text):
            _check_depth(plain["details"])
        run, log = plain.get("run", ""), plain.get("log", "")
        record = Record(plain["seq"], plain["time"], plain["type"], run, plain["details"], plain["schema"], log)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a record: {type(error).__name__}: {error}") from error
    # One by one: every line of a log comes by here.
    if not (
        type(record.seq) is int
        and type(record.schema) is int
        and type(record.time) is str
        and type(record.type) is str
        and type(record.run) is str
        and type(record.log) is str
        and type(record.details) is dict
    ):
        raise ValueError("not a record: a field of another type")
    return record


def _may_be_deep(text: str) -> bool:
    return text.count("{") + text.count("[") > DEPTH


def _check_depth(plain: object) -> None:
    """Refuse nesting that would exhaust the stack of whoever walks it later. Raises ValueError."""
    level = [plain]
    for _ in range(DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError(f"nested more than {DEPTH} deep")


def _children(value: object) -> Iterable[object]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (child for child in inner if isinstance(child, (dict, list)))


def identity(line: bytes, record: Record) -> Identity:
    """What an entry is known by wherever its line stands: log, sequence number, checksum."""
    return record.log, record.seq, line[-10:-2]


class Lines:
    """The lines of one file that were read so far: ``position`` is the byte behind the last whole one.

    ``name`` is the archive's, empty for the journal itself.
    ``tail`` is the problem of a last line that has no end yet: it may be whole by the next time. ``open``: the bytes
    of a last line that is an entry but for its newline; it was taken in although ``position`` is before it. ``mark``:
    the bytes before ``position``, by which a file is known again.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.records: list[Record] = []
        self.identities: list[Identity] = []
        self.problems: list[Problem] = []
        self.tail: tuple[Problem, ...] = ()
        self.position = 0
        self.number = 0
        self.lasts: dict[str, int] = {}
        self.open = b""
        self.mark = b""

    def feed(self, data: bytes) -> None:
        """Take in what stands behind ``position``."""
        start = 0
        # Line by line, not split at once: a long log would stand in memory twice.
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            self.number += 1
            if line:
                self._line(line)
            self.position += len(line) + 1
            start = end + 1
        if start:
            self.mark = (line + b"\n")[-_MARK:]
        rest = data[start:]
        self.tail, self.open = (), b""
        if rest:
            self._rest(rest)

    def _rest(self, rest: bytes) -> None:
        """What has no end yet: an entry that lost only its newline is an entry, as the journal's own reader has it."""
        try:
            decode(rest)
        except ValueError as error:
            message = f"{error} (the last line: the next writer closes it off)"
            self.tail = (self._problem(message, self.number + 1),)
        else:
            self.number += 1
            self.open = rest
            self._line(rest)

    def _line(self, line: bytes) -> None:
        try:
            record = decode(line)
        except ValueError as error:
            self.problems.append(self._problem(str(error), self.number))
            return
        if record.schema > SCHEMA:
            self.problems.append(self._problem(f"schema {record.schema} is newer than {SCHEMA}", self.number))
        last = self.lasts.get(record.log, 0)
        # Only in the journal itself: an archive may hold what two machines added to copies of one log.
        if record.seq <= last and not self.name:
            self.problems.append(self._problem(f"sequence number {record.seq} after {last}", self.number))
        self.lasts[record.log] = max(last, record.seq)
        self.records.append(record)
        self.identities.append(identity(line, record))

    def _problem(self, message: str, number: int) -> Problem:
        return Problem(number, self.position, f"{self.name}: {message}" if self.name else message)


def parse(data: bytes) -> JournalView:
    """Read a journal's bytes. Never raises."""
    lines = Lines()
    lines.feed(data)
    return JournalView(tuple(lines.records), (*lines.problems, *lines.tail))


def refuse_odd_file(path: Path) -> None:
    """Raise StatusError for a link, which may lead to a file that is none of the log's; for a named pipe, where reading
    would wait for somebody to write; and for a file with a hole in it, which is no bytes to store and all to read."""
    if path.is_symlink():
        raise StatusError("status log", "a link, not a file", place=str(path), remedy=TAKE_LINK_AWAY)
    if path.is_fifo():
        raise StatusError("status log", "not a file", place=str(path), remedy="take the pipe away")
    hole = _hole(path)
    if hole:
        remedy = "nothing that writes entries leaves one: take the file away, or bring it back from where it is whole"
        raise StatusError("status log", f"a hole of {hole} bytes", place=str(path), remedy=remedy)


def _hole(path: Path) -> int:
    """The size of the first large hole in a file; 0 where there is none, or where the file system does not tell."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return 0  # whoever reads it is told
    try:
        size, at = os.fstat(fd).st_size, 0
        while size > _HOLE and at < size:
            start = os.lseek(fd, at, os.SEEK_HOLE)
            if start >= size:
                return 0
            try:
                at = os.lseek(fd, start, os.SEEK_DATA)
            except OSError:  # none behind it
                at = size
            if at - start > _HOLE:
                return at - start
    except OSError:
        return 0
    finally:
        os.close(fd)
    return 0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """The journal in a folder. One object per process and thread; any number of them write to the same folder.

    ``clock`` gives the time of a record; ``lock`` replaces the default lock (5 s, exponential backoff); ``redactor``
    knows more secrets than those of the usual variables of this process.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        clock: Callable[[], datetime] = utc_now,
        lock: Lock | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._name = str(self.path)
        self._clock = clock
        self._lock = lock or Lock(self.folder / "journal.lock", timeout=LOCK_TIMEOUT)
        self._redactor = redactor or Redactor(os.environ)
        self._file: OpenFile | None = None
        self._named: OpenFile | None = None
        self._last: tuple[OpenFile, int, _Numbering] | None = None

    def append(self, type: str, details: Mapping[str, Any], *, run: str = "") -> Record:
        """Write one record, without secrets; it is on the device when this returns. The record is as written.

        ``run`` defaults to ``details["run"]``. Raises StatusError (LockTimeout where another process sits on the lock);
        then nothing was acknowledged, and a reader sees either no trace of the record or a whole one.
        """
        details = _clean(type, details, self._redactor)
        owner = self._redactor.text(run or str(details.get("run", "")))
        rest = check_record(type, owner, details, str(self.path))
        try:
            if self._file is None:
                make_folder(self.folder)
            with self._lock:
                file, size = self._open()
                place, time = self._write(file, size, rest)
            sync_data(file.fd)
            if self._named is not file:
                # Once per writer, not once per file: whoever made it may have died before its name was on the device.
                sync_folder(self.folder)
                self._named = file
        except OSError as error:
            raise self._error(error) from error
        return Record(place.seq, time, type, owner, details, log=place.log)

    def read(self) -> JournalView:
        """Everything in the journal; an absent one is empty. Raises StatusError only where the file cannot be read."""
        try:
            refuse_odd_file(self.path)
            with open_unlinked(self.path) as stream:
                return parse(stream.read())
        except FileNotFoundError:
            return JournalView()
        except OSError as error:
            raise self._error(error) from error

    def _open(self) -> tuple[OpenFile, int]:
        """Under the lock: the file that has the journal's name now, and its size in bytes."""
        status = self._file.is_at(self._name) if self._file is not None else None
        if self._file is not None and status is not None:
            return self._file, status.st_size
        refuse_odd_file(self.path)
        self._file = OpenFile(open_append(self.path))
        return self._file, os.fstat(self._file.fd).st_size

    def _write(self, file: OpenFile, size: int, rest: str) -> tuple[_Numbering, str]:
        """Under the lock, and so as quick as can be: number, repair, append. Returns the record's place and time."""
        if self._last is not None and self._last[0] is file and self._last[1] == size:
            place, torn = self._last[2], False
        else:
            place, torn = _tail(file.fd, size)
        log, seq = place.log or os.urandom(8).hex(), place.seq + 1
        time = self._clock().astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        line = _finish(f'{{"schema":{SCHEMA},"log":"{log}","seq":{seq},"time":"{time}"{rest}')
        if torn:
            line = b"\n" + line
        append_once(file.fd, line, size)
        place = _Numbering(log, seq)
        self._last = (file, size + len(line), place)
        return place, time

    def _error(self, error: OSError) -> StatusError:
        remedies = {
            **NO_ROOM,
            errno.ENOTDIR: "name a folder, not a file",
            errno.EEXIST: "name a folder, not a file",
            errno.EISDIR: f"take the folder {NAME} away",
            errno.ELOOP: TAKE_LINK_AWAY,
        }
        return StatusError(
            "status log",
            "not a folder" if error.errno == errno.EEXIST else error.strerror or str(error),
            place=str(self.folder if error.errno == errno.EEXIST else self.path),
            remedy=remedies.get(error.errno or 0, "use a folder that this user may read and write (--dir)"),
        )


class _Numbering(NamedTuple):
    """Where numbering stands: the log that is being written (empty: none yet) and its last sequence number."""

    log: str
    seq: int


def _tail(fd: int, size: int) -> tuple[_Numbering, bool]:
    """Where numbering stands at the end of a file, and whether its last line is torn."""
    piece = os.pread(fd, _TAIL, max(size - _TAIL, 0))
    start = piece.rfind(b"\n", 0, -1) + 1
    if start and piece.endswith(b"\n"):
        # The short way, which every append goes when others write as well.
        place = _place(piece[start:-1])
        if place is not None:
            return place, False
    torn = False
    for number, line in enumerate(_lines_backwards(fd, size)):
        if number == 0:
            torn = line != b""
        place = _place(line)
        if place is not None:
            return place, torn
    return _Numbering("", 0), torn


def _place(line: bytes) -> _Numbering | None:
    """What numbering goes on from after this line, or None where it is not a record."""
    head, crc = _HEAD.match(line), line[-_CRC_WIDTH:]
    if head and crc == b',"crc":"%08x"}' % zlib.crc32(line[:-_CRC_WIDTH]):
        # A checksum that matches leaves no doubt who wrote the line, and in which order its fields are.
        return _Numbering(head[1].decode(), int(head[2]))
    try:
        record = decode(line)
    except ValueError:
        return None
    return _Numbering(record.log, record.seq)


def _lines_backwards(fd: int, size: int) -> Iterator[bytes]:
    """The lines of the file, last first, reading no more of it than is asked for; the first is what follows the last
    newline, and empty where all is well."""
    rest, position = b"", size
    step = _TAIL
    while position > 0:
        step = min(max(step, 2 * len(rest)), position)  # doubled inside one long line: linear in its length
        position -= step
        first, *lines = (os.pread(fd, step, position) + rest).split(b"\n")
        yield from reversed(lines)
        rest, step = first, min(4 * step, _LARGEST)
    yield rest
