"""The index beside a journal: it never changes what is shown, whatever became of the journal or of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import StatusError
from pytest_nextrust.status import index
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.index import NAME, Index, keep_index, read_indexed
from pytest_nextrust.status.journal import Journal, decode
from pytest_nextrust.status.projections import Follower
from pytest_nextrust.status.records import Entry, Item, ItemKey, PhaseCheck, PhaseDone, RunItems
from pytest_nextrust.status.rotation import rotate

from .helpers import LINUX, Clock, end, item, journal_in, start
from .test_following import PHASES

RUNS, KEPT = 2, 3
NAMES = st.sampled_from([f"r{n}" for n in range(6)])
COMMITS = st.sampled_from(["a" * 40, "b" * 40, "c" * 40, ""])
PHASE = st.sampled_from(["phase-1", "phase-2"])
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(
        lambda run, commit, names, phase: start(*((n, LINUX) for n in names), run=run, commit=commit, phase=phase),
        NAMES,
        COMMITS,
        st.lists(st.sampled_from("xyz"), max_size=3, unique=True),
        PHASE,
    ),
    st.builds(
        lambda run, name, verdict, phase, seconds: item(name, verdict=verdict, run=run, phase=phase, seconds=seconds),
        NAMES,
        st.sampled_from("xyz"),
        st.sampled_from(["passed", "failed", "skipped"]),
        PHASE,
        st.sampled_from([0.25, 5.0]),
    ),
    st.builds(lambda run: end(run=run), NAMES),
    st.builds(
        lambda run, names, phase: RunItems(run, tuple(ItemKey(phase, name, LINUX) for name in names)),
        NAMES,
        st.lists(st.sampled_from("xyz"), max_size=3, unique=True),
        PHASE,
    ),
    st.builds(lambda commit, holds, phase: PhaseCheck("r1", phase, "c", holds, commit), COMMITS, st.booleans(), PHASE),
    st.builds(lambda phase: PhaseDone("r1", phase, "a" * 40), PHASE),
)
STEPS = st.lists(st.one_of(ENTRIES, ENTRIES, ENTRIES, st.sampled_from(["show", "torn", "garbage"])), max_size=60)


def _same(folder: Path) -> None:
    """What the index says is what the whole log says."""
    whole = Follower(folder)
    expected = whole.catch_up().summary(PHASES, problems=whole.problems, runs=RUNS)
    found = read_indexed(folder, worth=1)
    assert found is not None
    state, problems = found
    assert problems == whole.problems
    assert state.summary(PHASES, problems=problems, runs=RUNS) == expected


def _small() -> mock._patch[object]:
    return mock.patch.multiple(index, RUNS=RUNS, INCOMPLETE=1, ACTIVITIES=KEPT)


@settings(max_examples=60, deadline=None)
@given(STEPS)
@example([start(run=run, commit=commit * 40) for run, commit in (("r0", "a"), ("r1", "b"), ("r2", "b"), ("r0", "a"))])
def test_it_shows_what_the_whole_log_shows(steps: list[object]) -> None:
    summary = "pytest_nextrust.status.summary"
    with (
        tempfile.TemporaryDirectory() as name,
        _small(),
        mock.patch.multiple(summary, INCOMPLETE=1, ACTIVITIES=KEPT),
    ):
        journal = journal_in(Path(name))
        journal.append("note", {})
        for step in steps:
            if isinstance(step, Entry):
                step.append_to(journal)
            elif step == "show":
                _same(Path(name))
            else:
                with journal.path.open("ab") as stream:
                    stream.write(b'{"schema":1,"lo' if step == "torn" else b"garbage\n\n")
        _same(Path(name))
        _same(Path(name))


def test_a_phase_ends_with_its_latest_item_where_a_clock_was_set_back(tmp_path: Path) -> None:
    """An item is reported again by a clock that is behind: that it ended later before counts in the time it took."""
    clock = Clock()
    journal = Journal(tmp_path, clock=clock)
    start(("x", LINUX), ("y", LINUX)).append_to(journal)
    item("x", seconds=0.25).append_to(journal)
    for name, seconds in (("y", 100), ("y", -50)):
        clock.now += timedelta(seconds=seconds)
        item(name, seconds=0.25).append_to(journal)
    clock.now += timedelta(seconds=1000)
    for _ in range(KEPT):
        journal.append("note", {})
    with _small(), mock.patch.multiple("pytest_nextrust.status.summary", INCOMPLETE=1, ACTIVITIES=KEPT):
        _same(tmp_path)
    assert Follower(tmp_path).catch_up().summary(PHASES)["phases"][0]["elapsed_seconds"] == 101.25


def _log(folder: Path) -> Path:
    journal = journal_in(folder)
    for run in ("r1", "r2", "r3"):
        for entry in (start(("x", LINUX), ("y", LINUX), run=run), item("x", run=run), end(run=run)):
            entry.append_to(journal)
    return folder


def _edit(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"verdict":"passed"', b'"verdict":"failed"', 1))


def _cut(folder: Path) -> None:
    with (folder / "journal.jsonl").open("r+b") as stream:
        stream.truncate(300)


def _replace(folder: Path) -> None:
    (folder / "journal.jsonl").unlink()
    item("z", verdict="failed").append_to(Journal(folder))


def _damage(folder: Path) -> None:
    path = folder / NAME
    path.write_bytes(path.read_bytes().replace(b'"count": 9', b'"count": 8'))


def _foreign(folder: Path) -> None:
    """An index that is whole, of another file."""
    made = Index.decode((folder / NAME).read_bytes())
    assert made is not None
    made.inode, made.count = made.inode + 1, 5
    (folder / NAME).write_bytes(made.encode())


def _link(folder: Path) -> None:
    (folder / NAME).rename(folder / "elsewhere")
    (folder / NAME).symlink_to(folder / "elsewhere")


def _empty(folder: Path) -> None:
    (folder / NAME).write_bytes(b"")


CHANGES = [_edit, _cut, _replace, _damage, _foreign, _link, _empty]


@pytest.mark.parametrize("change", CHANGES)
def test_one_that_is_stale_damaged_or_foreign_is_made_anew(tmp_path: Path, change: Callable[[Path], None]) -> None:
    _same(_log(tmp_path))
    before = (tmp_path / NAME).read_bytes()
    change(tmp_path)
    _same(tmp_path)
    assert not (tmp_path / NAME).is_symlink()
    after = Index.decode((tmp_path / NAME).read_bytes())
    assert after is not None
    if change in (_damage, _foreign, _link, _empty):
        assert (tmp_path / NAME).read_bytes() == before


def _many(folder: Path) -> Path:
    """Six runs, each at a commit of its own and followed by a note; the first never ended."""
    journal = journal_in(folder)
    for n in range(6):
        start(("x", LINUX), ("y", LINUX), run=f"r{n}", commit=f"{n}" * 40).append_to(journal)
        item("x", run=f"r{n}", verdict="failed").append_to(journal)
        if n:
            end(run=f"r{n}").append_to(journal)
        journal.append("note", {"n": n})
    return folder


BACK: list[Entry] = [
    item("y", run="r1"),
    item("y", run="r0"),
    end(run="r0"),
    start(("y", LINUX), run="new", commit="1" * 40),
    start(("y", LINUX), run="r1", commit="5" * 40),
]


@pytest.mark.parametrize("entry", BACK)
def test_what_was_left_out_and_is_heard_of_again_matters_again(tmp_path: Path, entry: Entry) -> None:
    with _small(), mock.patch.multiple("pytest_nextrust.status.summary", INCOMPLETE=1, ACTIVITIES=KEPT):
        _same(_many(tmp_path))
        made = Index.decode((tmp_path / NAME).read_bytes())
        assert made is not None
        assert "r1" in made.dropped
        entry.append_to(journal_in(tmp_path))
        _same(tmp_path)


def test_an_item_that_was_reported_again_after_its_run_is_left_out(tmp_path: Path) -> None:
    """Four runs at one commit, of which the newest two are kept whole: of the others the newest item of its kind is."""
    journal = journal_in(tmp_path)
    for run in ("r1", "r2", "r3", "r4"):
        for entry in (start(("x", LINUX), run=run), item("x", run=run), end(run=run)):
            entry.append_to(journal)
    for _ in range(KEPT):
        journal.append("note", {})
    with _small(), mock.patch.multiple("pytest_nextrust.status.summary", INCOMPLETE=1, ACTIVITIES=KEPT):
        _same(tmp_path)
    made = Index.decode((tmp_path / NAME).read_bytes())
    assert made is not None
    whole = journal.path.read_bytes()
    kept = [decode(whole[offset : offset + length]) for offset, length in made.keep]
    assert [record.run for record in kept if record.type == Item.TYPE] == ["r2", "r3", "r4"]


def test_a_change_in_a_line_that_no_longer_matters_is_seen(tmp_path: Path) -> None:
    with _small(), mock.patch.multiple("pytest_nextrust.status.summary", INCOMPLETE=1, ACTIVITIES=KEPT):
        _same(_many(tmp_path))
        path = tmp_path / "journal.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"run":"r2"', b'"run":"r9"', 1))
        _same(tmp_path)
        found = read_indexed(tmp_path, worth=1)
        assert found is not None
        assert len(found[1]) == 1


def test_only_what_was_added_is_decoded(tmp_path: Path) -> None:
    folder = _log(tmp_path)
    for n in range(300):
        item("x", run="r3", verdict="failed" if n == 7 else "passed").append_to(Journal(folder))
    with _small():
        assert read_indexed(folder, worth=1) is not None
        item("y", run="r3").append_to(Journal(folder))
        with mock.patch("pytest_nextrust.status.index.decode", side_effect=decode) as decoded:
            assert read_indexed(folder, worth=10_000) is not None
        assert 0 < decoded.call_count < 20


def test_there_is_none_for_a_short_journal_or_beside_archives(tmp_path: Path) -> None:
    folder = _log(tmp_path)
    assert read_indexed(folder) is None
    rotate(folder, days=0)
    assert list((folder / "archive").iterdir())
    assert read_indexed(folder, worth=1) is None
    assert not (folder / NAME).exists()


def test_entries_out_of_order_are_read_whole(tmp_path: Path) -> None:
    path = _log(tmp_path) / "journal.jsonl"
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    assert read_indexed(tmp_path, worth=1) is None
    assert len(read_log(tmp_path).records) == 9


def test_where_it_cannot_be_written_the_log_is_read_all_the_same(tmp_path: Path) -> None:
    folder = _log(tmp_path)
    (folder / NAME).mkdir()
    _same(folder)


def test_a_link_in_the_journals_place_is_refused(tmp_path: Path) -> None:
    folder = _log(tmp_path / "log")
    (folder / "journal.jsonl").rename(tmp_path / "outside")
    (folder / "journal.jsonl").symlink_to(tmp_path / "outside")
    with pytest.raises(StatusError, match="a link"):
        read_indexed(folder, worth=1)


def test_a_copy_of_the_folder_makes_its_own(tmp_path: Path) -> None:
    folder = _log(tmp_path / "log")
    _same(folder)
    shutil.copytree(folder, tmp_path / "copy")
    _same(tmp_path / "copy")
    made = Index.decode((tmp_path / "copy" / NAME).read_bytes())
    assert made is not None
    assert made.inode == os.stat(tmp_path / "copy" / "journal.jsonl").st_ino  # noqa: PTH116


def test_the_end_of_a_run_keeps_it(tmp_path: Path) -> None:
    """Whoever shows the log afterwards goes by it; a short log has none, one that grew too much waits."""
    folder = _log(tmp_path / "log")
    size = (folder / "journal.jsonl").stat().st_size
    for worth, most in ((size + 1, size * 2), (1, size - 1)):
        keep_index(folder, worth=worth, most=most)
        assert not (folder / NAME).exists()
    keep_index(folder, worth=size, most=size)
    made = (folder / NAME).read_bytes()
    assert Index.decode(made) is not None
    _same(folder)
    assert (folder / NAME).read_bytes() == made
    item("z", run="r3").append_to(Journal(folder))
    keep_index(folder, worth=1, most=size)
    assert (folder / NAME).read_bytes() != made
    _same(folder)


def test_what_is_wrong_with_a_log_is_its_reader_s(tmp_path: Path) -> None:
    """The index is a cache: where it cannot be made a run ends all the same."""
    keep_index(tmp_path / "none", worth=1)
    folder = _log(tmp_path / "log")
    (folder / "journal.jsonl").rename(tmp_path / "elsewhere")
    (folder / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    keep_index(folder, worth=1)
    assert not (folder / NAME).exists()
