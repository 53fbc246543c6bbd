"""Rotation: what moves and what stays, that nothing is lost or doubled at any crash point, and a simple model."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pytest_nextrust.base.files import Lock, atomic_replace
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status import rotation
from pytest_nextrust.status.archive import Log, archives, read_log
from pytest_nextrust.status.journal import Journal, Record, encode, parse
from pytest_nextrust.status.projections import Follower, rebuild
from pytest_nextrust.status.rotation import rotate
from pytest_nextrust.status.runs import RunStore

from .helpers import LINUX, end, item, start

NOW = datetime(2026, 6, 15, tzinfo=UTC)
PHASES = Phases.from_config(ProjectConfig(Path()))


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


def journal_at(folder: Path, day: float) -> Journal:
    """A journal whose entries are made on the day ``day`` from NOW, one second apart."""
    seconds = itertools.count()
    return Journal(folder, clock=lambda: later(day) + timedelta(seconds=next(seconds)))


def identities(records: tuple[Record, ...]) -> list[tuple[str, int, str]]:
    return [(record.log, record.seq, record.type) for record in records]


def filled(folder: Path) -> tuple[Record, ...]:
    """Notes of three months ago and last month, a run of the current phase and one of another, and one of today."""
    for day, text in ((-90, "a"), (-89, "b"), (-40, "c")):
        journal_at(folder, day).append("note", {"message": text})
    for name, phase in (("run-1", "phase-1"), ("run-2", "phase-2")):
        journal = journal_at(folder, -35)
        start(("x", LINUX), run=name, phase=phase).append_to(journal)
        item("x", run=name, phase=phase).append_to(journal)
        end(run=name).append_to(journal)
    journal_at(folder, -1).append("note", {"message": "new"})
    return read_log(folder).records


def messages(path: Path) -> list[object]:
    return [record.details.get("message", record.run) for record in parse(path.read_bytes()).records]


def rotated(folder: Path, days: float = 30) -> rotation.Rotation:
    return rotate(folder, days=days, current="phase-2", clock=lambda: NOW)


def test_old_entries_move_by_month_and_the_current_phase_stays(tmp_path: Path) -> None:
    """Each entry goes to the archive of its month, whole runs together; the current phase's run and new ones stay."""
    before = filled(tmp_path)
    done = rotated(tmp_path)
    assert [(path.name, number) for path, number in done.archives] == [("2026-03.jsonl", 2), ("2026-05.jsonl", 4)]
    assert (done.moved, done.kept) == (6, 4)
    assert messages(tmp_path / "archive" / "2026-03.jsonl") == ["a", "b"]
    assert messages(tmp_path / "archive" / "2026-05.jsonl") == ["c", "run-1", "", "run-1"]
    assert messages(tmp_path / "journal.jsonl") == ["run-2", "", "run-2", "new"]
    assert read_log(tmp_path).records == before


def test_lines_move_byte_for_byte(tmp_path: Path) -> None:
    """Rotation rewrites no line: the files together hold the bytes that the journal held."""
    filled(tmp_path)
    before = sorted((tmp_path / "journal.jsonl").read_bytes().splitlines())
    rotated(tmp_path)
    files = [tmp_path / "journal.jsonl", *archives(tmp_path)]
    assert sorted(line for file in files for line in file.read_bytes().splitlines()) == before


def test_rotating_again_does_nothing(tmp_path: Path) -> None:
    """The second rotation finds nothing old; not a byte changes."""
    filled(tmp_path)
    rotated(tmp_path)
    before = {path: path.read_bytes() for path in [tmp_path / "journal.jsonl", *archives(tmp_path)]}
    again = rotated(tmp_path)
    assert (again.moved, again.archives) == (0, ())
    assert {path: path.read_bytes() for path in before} == before


def test_the_projections_do_not_notice(tmp_path: Path) -> None:
    """Drawn before and after, from the journal alone and from the archives with it: the same bytes."""
    filled(tmp_path)
    _, files = rebuild(tmp_path, PHASES, root=tmp_path)
    before = [file.read_bytes() for file in files]
    rotated(tmp_path)
    rebuild(tmp_path, PHASES, root=tmp_path)
    assert [file.read_bytes() for file in files] == before


def test_numbering_goes_on(tmp_path: Path) -> None:
    """Also where everything is old: the last entry stays, and the next one counts up from it, in the same log."""
    journal = journal_at(tmp_path, -90)
    last = [journal.append("note", {}) for _ in range(5)][-1]
    assert rotated(tmp_path).moved == 4
    for writer in (journal, Journal(tmp_path)):
        record = writer.append("note", {})
        assert (record.seq, record.log) == (last.seq + 1, last.log)
        last = record
    assert [record.seq for record in read_log(tmp_path).records] == [1, 2, 3, 4, 5, 6, 7]
    assert read_log(tmp_path).problems == ()


def test_a_young_entry_keeps_its_run(tmp_path: Path) -> None:
    """A run that began long ago and still reports is not torn apart."""
    start(("x", LINUX), ("y", LINUX)).append_to(journal_at(tmp_path, -40))
    item("x").append_to(journal_at(tmp_path, -1))
    journal_at(tmp_path, 0).append("note", {})
    assert rotated(tmp_path).moved == 0


def test_what_cannot_be_read_stays(tmp_path: Path) -> None:
    """A damaged line and a torn tail are nobody's month: they stay where they are, with everything behind them."""
    filled(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"garbage\n" + path.read_bytes() + b'{"schema":1,"seq":99')
    rotated(tmp_path)
    assert path.read_bytes().startswith(b"garbage\n")
    assert path.read_bytes().endswith(b'\n{"schema":1,"seq":99')
    assert len(read_log(tmp_path).records) == 10
    assert len(read_log(tmp_path).problems) == 2


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "not a time", "9999-12-31T23:59:59-23:59"])
def test_an_entry_of_no_month_stays(tmp_path: Path, time: str) -> None:
    """There is no archive for it: it neither stops the rotation nor gets lost."""
    filled(tmp_path)
    path = tmp_path / "journal.jsonl"
    odd = encode(Record(1, time, "note", "", {"message": "odd"}))
    path.write_bytes(odd + path.read_bytes())
    assert rotated(tmp_path).moved > 0
    assert odd in path.read_bytes()


def test_nothing_to_rotate(tmp_path: Path) -> None:
    """No folder, no journal: nothing moves and nothing is made."""
    assert rotate(tmp_path / "none") == rotation.Rotation(0, 0)
    assert list(tmp_path.iterdir()) == []


class Killed(BaseException):
    """Stands for SIGKILL: nothing below may catch it and go on."""


@pytest.mark.parametrize("step", range(6))
def test_every_crash_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Killed before or after any of the three replacements: every entry is read once, in order, and doing it again
    ends as if nothing had happened."""
    before = filled(tmp_path)
    replace, calls = atomic_replace, itertools.count()

    def dying(path: Path, data: bytes) -> None:
        number = next(calls)
        if 2 * number == step:
            raise Killed
        replace(path, data)
        if 2 * number + 1 == step:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "atomic_replace", dying)
        with pytest.raises(Killed):
            rotated(tmp_path)
    assert read_log(tmp_path).records == before
    assert identities(Log(tmp_path).poll().records) == identities(before)
    written = Journal(tmp_path, clock=lambda: NOW).append("note", {"message": "after the crash"})
    assert written.seq == len(before) + 1
    rotated(tmp_path)
    assert identities(read_log(tmp_path).records) == identities((*before, written))
    assert messages(tmp_path / "archive" / "2026-05.jsonl") == ["c", "run-1", "", "run-1"]


def test_a_killed_process_leaves_no_litter_for_ever(tmp_path: Path) -> None:
    """A real SIGKILL between the temporary file and its rename: the next rotation takes the file away and finishes."""
    before = filled(tmp_path)
    code = """
        import os, signal, sys
        from datetime import datetime, UTC
        from pathlib import Path
        from pytest_nextrust.status.rotation import rotate
        Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
        rotate(Path(sys.argv[1]), current="phase-2", clock=lambda: datetime(2026, 6, 15, tzinfo=UTC))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], timeout=60)
    assert done.returncode == -9
    assert list((tmp_path / "archive").glob(".*.tmp"))
    assert read_log(tmp_path).records == before
    rotated(tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    assert read_log(tmp_path).records == before


def test_what_is_appended_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that comes between sorting out and replacing, with its file held open, loses nothing."""
    before = filled(tmp_path)
    writer = Journal(tmp_path, clock=lambda: NOW)
    acknowledged = [writer.append("note", {"message": "first"})]
    archive = rotation._archive

    def busy(folder: Path, month: str, lines: list[rotation._Line]) -> tuple[Path, int]:
        acknowledged.append(writer.append("note", {"message": month}))
        return archive(folder, month, lines)

    monkeypatch.setattr(rotation, "_archive", busy)
    rotated(tmp_path)
    acknowledged.append(writer.append("note", {"message": "last"}))
    assert identities(read_log(tmp_path).records) == identities((*before, *acknowledged))
    assert [record.seq for record in acknowledged] == [11, 12, 13, 14]


def test_a_journal_that_is_replaced_meanwhile_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's new file is looked at anew; where that does not end the rotation says so and loses nothing."""
    before = filled(tmp_path)
    path = tmp_path / "journal.jsonl"
    archive, left = rotation._archive, [1]

    def replaced(folder: Path, month: str, lines: list[rotation._Line]) -> tuple[Path, int]:
        if left[0]:
            left[0] -= 1
            atomic_replace(path, path.read_bytes())
        return archive(folder, month, lines)

    monkeypatch.setattr(rotation, "_archive", replaced)
    assert rotated(tmp_path).moved == 6
    journal_at(tmp_path, -80).append("note", {})
    journal_at(tmp_path, -1).append("note", {})
    left[0] = 99
    with pytest.raises(StatusError, match="replaced by somebody else"):
        rotated(tmp_path)
    assert len(read_log(tmp_path).records) == len(before) + 2


def test_a_held_lock_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that does not let go stops the rotation at its limit; the log reads the same."""
    before = filled(tmp_path)
    monkeypatch.setattr(rotation, "LOCK_TIMEOUT", 0.05)
    with Lock(tmp_path / "journal.lock"), pytest.raises(LockTimeout):
        rotated(tmp_path)
    assert read_log(tmp_path).records == before


def test_a_follower_sees_through_a_rotation(tmp_path: Path) -> None:
    """A process that follows the log when it is rotated goes on with the same state as one that reads it anew."""
    filled(tmp_path)
    follower = Follower(tmp_path)
    follower.catch_up()
    rotated(tmp_path)
    Journal(tmp_path, clock=lambda: NOW).append("note", {"message": "behind it"})
    assert follower.catch_up().summary(PHASES) == Follower(tmp_path).catch_up().summary(PHASES)
    assert RunStore(read_log(tmp_path)).verdicts() == follower.state.store.verdicts()


class RotatingLog(RuleBasedStateMachine):
    """Appends, rotations, time, crashes and a follower, against a plain list of what was acknowledged."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.keep = tempfile.TemporaryDirectory()
        self.folder = Path(self.keep.name)
        self.day = 0.0
        self.model: list[tuple[str, int, str]] = []
        self.writer = Journal(self.folder, clock=lambda: later(self.day))
        self.follower = Follower(self.folder)

    def teardown(self) -> None:
        if hasattr(self, "keep"):
            self.keep.cleanup()

    def note(self, record: Record) -> None:
        self.model.append((record.log, record.seq, record.type))

    @rule(kind=st.sampled_from(["note", "build"]), phase=st.sampled_from(["phase-1", "phase-2", None]))
    def append(self, kind: str, phase: str | None) -> None:
        self.note(self.writer.append(kind, {"phase": phase} if phase else {}))

    @rule(verdict=st.sampled_from(["passed", "failed"]), run=st.sampled_from(["r1", "r2"]))
    def report(self, verdict: str, run: str) -> None:
        self.note(item("x", verdict=verdict, run=run).append_to(self.writer))

    @rule(days=st.sampled_from([-3.0, 0.5, 20.0, 45.0]))
    def time_goes(self, days: float) -> None:
        self.day += days

    @rule(days=st.sampled_from([0.0, 10.0, 30.0]), current=st.sampled_from([None, "phase-1", "phase-2"]))
    def rotate(self, days: float, current: str | None) -> None:
        rotate(self.folder, days=days, current=current, clock=lambda: later(self.day))

    @rule()
    def another_writer(self) -> None:
        self.writer = Journal(self.folder, clock=lambda: later(self.day))

    @rule()
    def torn(self) -> None:
        path = self.folder / "journal.jsonl"
        if path.exists():
            with path.open("ab") as stream:
                stream.write(b'{"schema":1,"se')

    @rule()
    def follow(self) -> None:
        live = self.follower.catch_up().summary(PHASES)
        assert live == Follower(self.folder).catch_up().summary(PHASES)

    @invariant()
    def nothing_is_lost_doubled_or_moved(self) -> None:
        if hasattr(self, "folder"):
            assert identities(read_log(self.folder).records) == self.model


TestRotatingLog = RotatingLog.TestCase
TestRotatingLog.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
