"""Every point at which a machine may stop: what was acknowledged is recovered, nothing is invented, writing goes on.

The calls of a few interleaved writers are recorded: what is written to the journal, when it is handed to the device,
and when append returns. A crash leaves a prefix of these calls, and of what was not yet on the device any part: here
every length of it, byte by byte, and every fourth length with the part before it lost as zeros (blocks reach a device
in any order).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_nextrust.base.files import Lock
from pytest_nextrust.status.journal import Journal, Record, parse

from .helpers import Clock

POINTS = 2_500
"""How many different points there must be, from each beginning."""


class Recorder:
    """The journal's file as the calls left it, call by call: content, bytes on the device, entries acknowledged."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.synced = path.stat().st_size if path.exists() else 0
        self.acknowledged: list[Record] = []
        self.attempted: list[Record] = []
        self.states: list[tuple[bytes, int, int]] = []
        write, sync = os.write, os.fdatasync

        def watched_write(fd: int, data: bytes) -> int:
            done = write(fd, data)
            self._note(fd)
            return done

        def watched_sync(fd: int) -> None:
            sync(fd)
            if self._is_journal(fd):
                self.synced = os.fstat(fd).st_size
                self._note(fd)

        patch.setattr(os, "write", watched_write)
        patch.setattr(os, "fdatasync", watched_sync)

    def append(self, journal: Journal, text: str) -> None:
        self.acknowledged.append(journal.append("note", {"message": text}))
        self.states.append((self.path.read_bytes(), self.synced, len(self.acknowledged)))

    def _is_journal(self, fd: int) -> bool:
        return os.path.samestat(os.fstat(fd), self.path.stat())

    def _note(self, fd: int) -> None:
        if self._is_journal(fd):
            self.states.append((self.path.read_bytes(), self.synced, len(self.acknowledged)))

    def points(self) -> Iterator[tuple[bytes, int]]:
        """What a crash may leave, and how many entries had been acknowledged by then: each once."""
        seen: set[tuple[bytes, int]] = set()
        for content, synced, acknowledged in self.states:
            for length in range(synced, len(content) + 1):
                some = [content[:length]]
                if length % 4 == 0:
                    some.append(content[:synced] + b"\0" * (length - synced) + content[length:])
                for left in some:
                    if (left, acknowledged) not in seen:
                        seen.add((left, acknowledged))
                        yield left, acknowledged


class Interrupted(Lock):
    """A lock that lets somebody else append between its release and what its holder does next."""

    meanwhile: Callable[[], None] | None = None

    def release(self) -> None:
        super().release()
        todo, self.meanwhile = self.meanwhile, None
        if todo is not None:
            todo()


def recorded(folder: Path, patch: pytest.MonkeyPatch, before: bytes) -> Recorder:
    """Three writers: one after the other, and each between another's write and its sync."""
    path = folder / "journal.jsonl"
    path.write_bytes(before)
    recorder = Recorder(path, patch)
    locks = [Interrupted(folder / "journal.lock") for _ in range(3)]
    a, b, c = (Journal(folder, clock=Clock(), lock=lock) for lock in locks)
    for text in ("alone", "once more"):
        recorder.append(a, text)
        locks[0].meanwhile = lambda: recorder.append(b, "between")
        recorder.append(a, "around one, é")
        locks[1].meanwhile = lambda: recorder.append(c, "in the midst")
        locks[0].meanwhile = lambda: recorder.append(b, "between and around")
        recorder.append(a, "around two" * 3)
        recorder.append(c, text)
    return recorder


def recovers(folder: Path, left: bytes, must: list[Record], may: list[Record]) -> str:
    """What is wrong with what is read after a crash that left these bytes, or nothing."""
    path = folder / "journal.jsonl"
    path.unlink(missing_ok=True)  # ext4 waits for the device where a file is cut and written again
    path.write_bytes(left)
    found = parse(left).records
    if not all(record in found for record in must):
        return "an acknowledged entry is lost"
    if not all(record in may for record in found):
        return "an entry is invented"
    added = Journal(folder, clock=Clock()).append("note", {"message": "after"})
    after = path.read_bytes()
    if parse(after).records != (*found, added):
        return "the next entry does not come behind what was recovered"
    if any(record.seq >= added.seq for record in found):
        return "numbering went back"
    if not after.endswith(b"\n") or not after.startswith(left.rstrip(b"\n")):
        return "the torn line is not closed off"
    again = Journal(folder, clock=Clock()).append("note", {"message": "and on"})
    if parse(path.read_bytes()).records != (*found, added, again) or again.seq != added.seq + 1:
        return "the entry after the next is wrong"
    return ""


@pytest.mark.parametrize("before", [b"", b'{"schema":1,"log":"torn'], ids=["new", "torn"])
def test_every_crash_point_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """At every point, acknowledged is a subset of recovered, nothing is invented, and the next append repairs."""
    (tmp_path / "log").mkdir()
    with monkeypatch.context() as patch:
        recorder = recorded(tmp_path / "log", patch, before)
    assert len(recorder.acknowledged) == 14
    may = list(parse(recorder.path.read_bytes()).records)
    assert may == sorted(recorder.acknowledged, key=lambda record: record.seq)
    (tmp_path / "after").mkdir()
    # What is recovered lies in the page cache here: the device's part was played above.
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    count = 0
    for left, acknowledged in recorder.points():
        fault = recovers(tmp_path / "after", left, recorder.acknowledged[:acknowledged], may)
        assert fault == "", (left, acknowledged)
        count += 1
    assert count >= POINTS


def test_the_check_sees_an_acknowledgement_that_comes_too_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were append to return before its entry is on the device, some crash point would show the loss."""
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)
    with monkeypatch.context() as patch:
        recorder = Recorder(tmp_path / "journal.jsonl", patch)
        patch.setattr("pytest_nextrust.status.journal.sync_data", lambda fd: None)
        journal = Journal(tmp_path, clock=Clock())
        for text in "ab":
            recorder.append(journal, text)
    may = recorder.acknowledged
    points = itertools.islice(recorder.points(), 0, None, 20)
    faults = {recovers(tmp_path, left, may[:count], may) for left, count in points}
    assert faults == {"", "an acknowledged entry is lost"}
