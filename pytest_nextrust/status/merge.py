"""Merging: the logs of jobs that ran on different machines become one, without doubles, line for line.

What is new goes to the archives of the target (``archive/YYYY-MM.jsonl``, by the month that an entry's time says), byte
for byte, so that an entry of a newer schema loses nothing; the journal itself, its numbering and its writers are left
alone. An entry is known by its log, sequence number and checksum: merging again adds nothing, nor does merging a log
that was merged before, nor one's own. Where two machines went on from copies of one log, both continuations are kept.

The order in which readers see the entries does not depend on the order of merging: see ``status.archive``.

Boundary: what is in the entries does not matter here. A line that cannot be read is reported and stays where it is.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.files import LOCK_TIMEOUT, Lock, atomic_replace, make_folder
from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.archive import FOLDER, archives
from pytest_nextrust.status.journal import Identity, Journal, Problem, Record, decode, identity, refuse_odd_file
from pytest_nextrust.status.records import moment, month

__all__ = ["UNDATED", "Merge", "MergeSource", "merge"]

UNDATED = "0000-00"
"""The archive of entries whose time is none."""

_Line = tuple[bytes, Record]


@dataclass(frozen=True)
class MergeSource:
    """What was found under one path: how many entries, and lines that could not be read."""

    path: Path
    entries: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Merge:
    """What a merge did: entries that are new in the target, entries it had, and the archives that grew, by how many."""

    sources: tuple[MergeSource, ...]
    added: int
    known: int
    archives: tuple[tuple[Path, int], ...] = ()


def merge(folder: Path, sources: Sequence[Path]) -> Merge:
    """Add to the log in ``folder`` what the logs ``sources`` have: log folders (archives included) or single files.

    All sources are read before anything is written. Raises StatusError where one cannot be read or holds no entry at
    all, where the target cannot be written, and LockTimeout where another merge or a rotation goes on too long. Killed
    half way, it has added some entries whole; doing it again adds the rest.
    """
    found: dict[Identity, _Line] = {}
    found_in = []
    for path in sources:
        lines, problems = _read_source(path)
        found |= {identity(raw, record): (raw, record) for raw, record in lines}
        found_in.append(MergeSource(path, len({identity(raw, record) for raw, record in lines}), tuple(problems)))
    try:
        make_folder(folder)
        with Lock(folder / "rotation.lock", timeout=LOCK_TIMEOUT):
            refuse_odd_file(Journal(folder).path)
            # The journal before the archives: what is in neither when read in this order is new.
            known = _identities([Journal(folder).path, *archives(folder)])
            new = [line for key, line in found.items() if key not in known]
            written = tuple(_add(folder, month, lines) for month, lines in sorted(_by_month(new).items()))
    except OSError as error:
        raise StatusError(
            "merge",
            error.strerror or str(error),
            place=str(folder),
            remedy="nothing is lost; make room or give the right to write, and do it again",
        ) from error
    return Merge(tuple(found_in), len(new), len(found) - len(new), written)


def _read_source(path: Path) -> tuple[list[_Line], list[Problem]]:
    """The entries under ``path`` in the order of their files. Raises StatusError."""
    files = [path]
    if path.is_dir():
        # The journal before the archives: a rotation in between then shows an entry twice, not never.
        files = [file for file in (Journal(path).path, *archives(path)) if file.exists()]
        if not files:
            raise _not_a_log(path, "no journal in this folder")
        for file in files:
            refuse_odd_file(file)
    lines: list[_Line] = []
    problems: list[Problem] = []
    for file in files:
        good, bad = _read(file)
        if bad and not good:
            raise _not_a_log(file, f"no entry in {counted(len(bad), 'line')}")
        lines += good
        problems += bad
    return lines, problems


def _not_a_log(path: Path, fault: str) -> StatusError:
    return StatusError("merge", fault, place=str(path), remedy="name log folders or journal files; nothing was written")


def _read(path: Path) -> tuple[list[_Line], list[Problem]]:
    """The lines of one file that are entries, and the problems of others."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _not_a_log(path, "neither a folder nor a file")
        data = path.read_bytes()
    except OSError as error:
        raise _not_a_log(path, error.strerror or str(error)) from error
    lines, problems, offset = [], [], 0
    for number, raw in enumerate(data.split(b"\n"), 1):
        if raw:
            try:
                lines.append((raw, decode(raw)))
            except ValueError as error:
                problems.append(Problem(number, offset, f"{path}: {error}"))
        offset += len(raw) + 1
    return lines, problems


def _identities(paths: Iterable[Path]) -> set[Identity]:
    return {identity(raw, record) for path in paths if path.exists() for raw, record in _read(path)[0]}


def _by_month(lines: Iterable[_Line]) -> dict[str, list[_Line]]:
    found: dict[str, list[_Line]] = {}
    for line in lines:
        found.setdefault(month(line[1].time) or UNDATED, []).append(line)
    return found


def _add(folder: Path, month: str, lines: Sequence[_Line]) -> tuple[Path, int]:
    """Put these lines into a month's archive, durably; lines in it that cannot be read stay, before all others."""
    path = folder / FOLDER / f"{month}.jsonl"
    make_folder(path.parent)
    refuse_odd_file(path)
    old = path.read_bytes().split(b"\n") if path.exists() else []
    unread: list[bytes] = []
    entries = list(lines)
    for raw in filter(None, old):
        try:
            entries.append((raw, decode(raw)))
        except ValueError:
            unread.append(raw)
    atomic_replace(path, b"".join(raw + b"\n" for raw in (*unread, *_ordered(entries))))
    return path, len(lines)


def _ordered(lines: Iterable[_Line]) -> list[bytes]:
    """Lines in the order that readers give them: each log by number, logs among each other by time."""
    latest: dict[str, float] = {}
    keyed = []
    for raw, record in sorted(lines, key=lambda line: (line[1].seq, moment(line[1].time) or 0.0, line[0])):
        time = moment(record.time)
        latest[record.log] = max(latest.get(record.log, float("-inf")), float("-inf") if time is None else time)
        keyed.append((latest[record.log], record.log, record.seq, raw))
    return [raw for *_, raw in sorted(keyed)]
