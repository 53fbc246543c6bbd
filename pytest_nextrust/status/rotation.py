"""Rotation: entries older than some days move from the journal to ``archive/YYYY-MM.jsonl``, by the month they say.

Whole runs move, so that no run is torn apart; what has to do with the current phase stays, and so does the last entry,
from which numbering goes on, and any line that cannot be read. Archives are written, durably, before the journal is
replaced: killed in between, an entry is in both places, which readers know to be one, and the next rotation goes on.

The journal's lock is held only while the file is replaced: what is to be kept was sorted out before, and what writers
added since is copied behind it. They notice the new file by itself. ``rotation.lock`` keeps two rotations apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_nextrust.base.files import LOCK_TIMEOUT, Lock, atomic_replace, make_folder, open_unlinked
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.archive import FOLDER
from pytest_nextrust.status.journal import Identity, Journal, Record, decode, identity, refuse_odd_file, utc_now
from pytest_nextrust.status.records import Item, PhaseCheck, PhaseDone, RunItems, RunStart, moment, month

__all__ = ["DAYS", "Rotation", "rotate"]

DAYS = 30
"""How many days an entry stays in the journal, where nobody says otherwise."""

_DAY = 86400.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class Rotation:
    """What a rotation did: entries moved and kept, and to which archives (with how many each)."""

    moved: int
    kept: int
    archives: tuple[tuple[Path, int], ...] = ()


@dataclass(frozen=True)
class _Line:
    raw: bytes
    record: Record | None


@dataclass(frozen=True)
class _JournalBefore:
    """The journal as it was: which file, how much of it, its whole lines, and what follows the last newline."""

    file: tuple[int, int]
    size: int
    lines: tuple[_Line, ...]
    rest: bytes


def rotate(
    folder: Path, *, days: float = DAYS, current: str | None = None, clock: Callable[[], datetime] = utc_now
) -> Rotation:
    """Move what is older than ``days``; ``current`` is the id of the phase whose entries stay.

    Raises StatusError: LockTimeout where a writer or another rotation sits on a lock, others for files that cannot be
    written and for a journal that is replaced again and again. Nothing is lost then, and doing it again goes on.
    """
    journal = Journal(folder).path
    if not journal.exists():
        return Rotation(0, 0)
    cutoff = clock().timestamp() - days * _DAY
    try:
        refuse_odd_file(folder / FOLDER)
        with Lock(folder / "rotation.lock", timeout=LOCK_TIMEOUT):
            _sweep(folder)
            for _ in range(_ATTEMPTS):
                done = _rotate(folder, journal, cutoff, current)
                if done is not None:
                    return done
    except OSError as error:
        raise StatusError(
            "rotation",
            error.strerror or str(error),
            place=str(folder),
            remedy="nothing is lost; make room or give the right to write, and do it again",
        ) from error
    raise StatusError(
        "rotation", "the journal was replaced by somebody else each time", place=str(journal), remedy="do it again"
    )


def _rotate(folder: Path, journal: Path, cutoff: float, current: str | None) -> Rotation | None:
    """One attempt; None where the journal became another file meanwhile."""
    snapshot = _take(journal)
    moving = _choose(snapshot.lines, cutoff, current)
    kept = sum(line.record is not None for line in snapshot.lines) - len(moving)
    if not moving:
        return Rotation(0, kept)
    written = tuple(_archive(folder, month, lines) for month, lines in sorted(_by_month(moving).items()))
    staying = {id(line) for line in snapshot.lines} - {id(line) for line in moving}
    data = b"".join(line.raw + b"\n" for line in snapshot.lines if id(line) in staying)
    with Lock(folder / "journal.lock", timeout=LOCK_TIMEOUT):
        with open_unlinked(journal) as stream:
            status = os.fstat(stream.fileno())
            if (status.st_dev, status.st_ino) != snapshot.file or status.st_size < snapshot.size:
                return None
            stream.seek(snapshot.size - len(snapshot.rest))
            data += stream.read()
        atomic_replace(journal, data)
    return Rotation(len(moving), kept, written)


def _take(journal: Path) -> _JournalBefore:
    refuse_odd_file(journal)
    with open_unlinked(journal) as stream:
        status = os.fstat(stream.fileno())
        data = stream.read()
    *lines, rest = data.split(b"\n")
    return _JournalBefore((status.st_dev, status.st_ino), len(data), tuple(_read(line) for line in lines), rest)


def _read(line: bytes) -> _Line:
    try:
        return _Line(line, decode(line))
    except ValueError:
        return _Line(line, None)


def _choose(lines: Sequence[_Line], cutoff: float, current: str | None) -> list[_Line]:
    """The lines that move."""
    staying: set[str] = set()
    for line in lines:
        if line.record is not None and line.record.run and not _may_move(line.record, cutoff, current):
            staying.add(line.record.run)
    last = next((line for line in reversed(lines) if line.record is not None), None)
    return [
        line
        for line in lines
        if line.record is not None
        and line is not last
        and line.record.run not in staying
        and _may_move(line.record, cutoff, current)
    ]


def _may_move(record: Record, cutoff: float, current: str | None) -> bool:
    time = moment(record.time)
    dated = time is not None and time < cutoff and month(record.time) is not None
    return dated and (current is None or current not in _phases(record))


def _phases(record: Record) -> set[str]:
    """Ids of the phases that an entry has to do with."""
    start = RunStart.read(record)
    if start is not None:
        return {start.phase, *(key.phase for key in start.items)}
    more = RunItems.read(record)
    if more is not None:
        return {key.phase for key in more.items}
    entry = Item.read(record) or PhaseCheck.read(record) or PhaseDone.read(record)
    if entry is not None:
        return {entry.phase}
    named = record.details.get("phase")
    return {named} if isinstance(named, str) else set()


def _by_month(lines: Iterable[_Line]) -> dict[str, list[_Line]]:
    found: dict[str, list[_Line]] = {}
    for line in lines:
        when = month(line.record.time) if line.record is not None else None
        if when is not None:
            found.setdefault(when, []).append(line)
    return found


def _archive(folder: Path, month: str, lines: Sequence[_Line]) -> tuple[Path, int]:
    """Add these lines to a month's archive, durably, without those it has."""
    path = folder / FOLDER / f"{month}.jsonl"
    make_folder(path.parent)
    refuse_odd_file(path)
    old = _bytes(path) if path.exists() else b""
    if old and not old.endswith(b"\n"):
        old += b"\n"
    known = {_identity(line) for line in old.split(b"\n") if line}
    new = [line.raw for line in lines if _identity(line.raw) not in known]
    if new:
        atomic_replace(path, old + b"".join(raw + b"\n" for raw in new))
    return path, len(lines)


def _bytes(path: Path) -> bytes:
    with open_unlinked(path) as stream:
        return stream.read()


def _identity(line: bytes) -> Identity | None:
    try:
        return identity(line, decode(line))
    except ValueError:
        return None


def _sweep(folder: Path) -> None:
    """Take away what a rotation that was killed left behind: only rotations make such files, and none runs now."""
    for left in (*folder.glob(".journal.jsonl.*.tmp"), *(folder / FOLDER).glob(".*.jsonl.*.tmp")):
        left.unlink(missing_ok=True)
