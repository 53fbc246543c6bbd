"""The journal against a list: several writers, torn writes, damage, lost file names and readers, in any order."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pytest_nextrust.base import files
from pytest_nextrust.status.archive import Log
from pytest_nextrust.status.journal import Journal, Record, encode, parse

from .helpers import Clock

WRITERS = st.integers(0, 2)
DETAILS = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=20) | st.lists(st.booleans()), max_size=3
)


class JournalMachine(RuleBasedStateMachine):
    """The model is the list of entries that a reader must see, and how many lines in the file are none."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "journal.jsonl"
        self.writers = [Journal(self.folder, clock=Clock()) for _ in range(3)]
        self.log = Log(self.folder)
        self.followed: list[Record] = []
        self.model: list[Record] = []
        self.damaged = 0
        self.numbered: dict[str, int] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def torn(self) -> bool:
        data = self.path.read_bytes() if self.path.exists() else b""
        return data != b"" and not data.endswith(b"\n")

    @rule(writer=WRITERS, details=DETAILS)
    def append(self, writer: int, details: dict[str, object]) -> None:
        """An entry is acknowledged: its number is the next one of its log."""
        record = self.writers[writer].append("x", details)
        assert record.seq == self.numbered.get(record.log, 0) + 1
        self.numbered[record.log] = record.seq
        self.model.append(replace(record, details=json.loads(json.dumps(details))))

    @rule(writer=WRITERS)
    def restart(self, writer: int) -> None:
        """A writer that was killed between two entries is followed by a new one."""
        self.writers[writer] = Journal(self.folder, clock=Clock())

    @precondition(lambda self: not self.torn())
    @rule(writer=WRITERS, part=st.floats(0, 1))
    def tear(self, writer: int, part: float) -> None:
        """A writer is killed in the middle of its write: part of a line stays, which is no entry."""
        number = self.model[-1].seq + 1 if self.model else 1
        line = encode(Record(number, "2026-01-01T00:00:00.000000Z", "x", "", {}, log="f" * 16))[:-2]
        with self.path.open("ab") as stream:
            stream.write(line[: max(1, int(part * len(line)))])
        self.damaged += 1
        self.restart(writer)

    @precondition(lambda self: bool(self.model) and not self.torn() and self.path.exists())
    @rule()
    def lose_the_newline(self) -> None:
        """All of an entry but its end arrived: it is an entry."""
        data = self.path.read_bytes()
        if parse(data.splitlines()[-1]).records:
            self.path.write_bytes(data[:-1])

    @rule(noise=st.binary(min_size=1, max_size=40).map(lambda noise: noise.replace(b"\n", b"?")))
    def scribble(self, noise: bytes) -> None:
        """Somebody else adds a line that is no entry."""
        before = b"\n" if self.torn() else b""
        with self.path.open("ab") as stream:
            stream.write(before + noise + b"\n")
        self.damaged += 1

    @precondition(lambda self: self.path.exists())
    @rule()
    def replace_the_file(self) -> None:
        """Another file with the same content takes the name, as rotation does it: writers notice."""
        files.atomic_replace(self.path, self.path.read_bytes())

    @rule()
    def remove_the_lock_file(self) -> None:
        """The lock file may be deleted while nobody holds it."""
        (self.folder / "journal.lock").unlink(missing_ok=True)

    @rule()
    def follow(self) -> None:
        """A reader that reads only what was added has seen the same as one that reads all."""
        change = self.log.poll()
        self.followed = [*([] if change.fresh else self.followed), *change.records]
        assert sorted(self.followed, key=lambda r: (r.log, r.seq)) == sorted(self.model, key=lambda r: (r.log, r.seq))

    @invariant()
    def the_reader_sees_the_model(self) -> None:
        view = Journal(self.folder).read()
        assert list(view.records) == self.model
        assert len(view.problems) == self.damaged


JournalMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


class TestJournal(JournalMachine.TestCase):  # type: ignore[valid-type, misc]
    """The journal does what the list does."""

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The device's part is tested elsewhere, and takes nearly all of the time here.
        monkeypatch.setattr(os, "fdatasync", lambda fd: None)
        monkeypatch.setattr(os, "fsync", lambda fd: None)
