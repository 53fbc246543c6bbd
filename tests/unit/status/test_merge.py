"""Merging: a union of entries, line for line, in an order of its own; nothing twice, nothing lost, nobody disturbed."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.files import Lock, atomic_replace
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.status import merge as merging
from pytest_nextrust.status.archive import archives, read_log
from pytest_nextrust.status.journal import Journal, Record, decode, encode
from pytest_nextrust.status.merge import UNDATED, merge
from pytest_nextrust.status.rotation import rotate
from pytest_nextrust.status.runs import RunStore

from .helpers import LINUX, end, item, start

START = datetime(2026, 3, 30, tzinfo=UTC)


def lines(folder: Path) -> list[bytes]:
    """Every line of the log in this folder."""
    files = [Journal(folder).path, *archives(folder)]
    return [line for path in files if path.exists() for line in path.read_bytes().splitlines()]


def log_in(folder: Path, *texts: str, days: float = 0) -> Path:
    """A log with these notes, one day apart."""
    number = itertools.count()
    journal = Journal(folder, clock=lambda: START + timedelta(days=days + next(number)))
    for text in texts:
        journal.append("note", {"message": text})
    return folder


def messages(folder: Path) -> list[object]:
    return [record.details["message"] for record in read_log(folder).records]


def test_logs_of_two_machines_become_one_in_the_order_of_time(tmp_path: Path) -> None:
    """All entries of both, byte for byte, among each other by time; nothing of it is a problem."""
    a, b = log_in(tmp_path / "a", "a1", "a2", "a3"), log_in(tmp_path / "b", "b1", "b2", days=0.5)
    done = merge(tmp_path / "all", [a, b])
    assert (done.added, done.known, [source.entries for source in done.sources]) == (5, 0, [3, 2])
    assert messages(tmp_path / "all") == ["a1", "b1", "a2", "b2", "a3"]
    assert sorted(lines(tmp_path / "all")) == sorted(lines(a) + lines(b))
    assert read_log(tmp_path / "all").problems == ()
    assert [path.name for path, _ in done.archives] == ["2026-03.jsonl", "2026-04.jsonl"]
    # In the files too, for whoever reads them without this program.
    texts = [[decode(line).details["message"] for line in path.read_bytes().splitlines()] for path, _ in done.archives]
    assert texts == [["a1", "b1", "a2", "b2"], ["a3"]]


def test_the_order_does_not_depend_on_how_the_logs_are_named(tmp_path: Path) -> None:
    """Every permutation of the arguments gives the same bytes."""
    sources = [log_in(tmp_path / name, f"{name}1", f"{name}2", days=n / 7) for n, name in enumerate("abc")]
    results = set()
    for number, order in enumerate(itertools.permutations(sources)):
        merge(tmp_path / str(number), order)
        results.add(tuple(path.read_bytes() for path in archives(tmp_path / str(number))))
    assert len(results) == 1


def test_merging_again_adds_nothing(tmp_path: Path) -> None:
    """The same log, a copy of it, a log it was merged into, and the target itself: nothing new, no byte changed."""
    a, b, target = log_in(tmp_path / "a", "a1", "a2"), log_in(tmp_path / "b", "b1"), log_in(tmp_path / "t", "t1")
    merge(target, [a, b])
    merge(tmp_path / "other", [target])
    shutil.copytree(a, tmp_path / "copy")
    before = lines(target)
    done = merge(target, [a, a / "journal.jsonl", tmp_path / "copy", tmp_path / "other", target])
    assert (done.added, done.known, done.archives) == (0, 4, ())
    assert lines(target) == before


def test_archives_are_merged_too(tmp_path: Path) -> None:
    """A log whose old entries were rotated gives all of them."""
    a = log_in(tmp_path / "a", "a1", "a2", "a3")
    rotate(a, days=0, clock=lambda: START + timedelta(days=9))
    assert archives(a)
    merge(tmp_path / "all", [a])
    assert messages(tmp_path / "all") == ["a1", "a2", "a3"]


def test_rotation_after_a_merge_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Own entries join merged ones in the same archive; what is read stays the same."""
    target = log_in(tmp_path / "t", "t1", "t2", days=0.25)
    merge(target, [log_in(tmp_path / "a", "a1", "a2")])
    before = messages(target)
    rotate(target, days=0, clock=lambda: START + timedelta(days=9))
    assert messages(target) == before == ["a1", "t1", "a2", "t2"]
    assert merge(target, [tmp_path / "a"]).added == 0


def test_two_continuations_of_one_log_are_both_kept(tmp_path: Path) -> None:
    """Two jobs that started from a copy of the same log give the same numbers; neither entry is taken for the other."""
    a = log_in(tmp_path / "a", "common")
    shutil.copytree(a, tmp_path / "b")
    log_in(tmp_path / "a", "of a", days=1)
    log_in(tmp_path / "b", "of b", days=2)
    for name, order in (("ab", [a, tmp_path / "b"]), ("ba", [tmp_path / "b", a])):
        merge(tmp_path / name, order)
        assert messages(tmp_path / name) == ["common", "of a", "of b"]
        assert read_log(tmp_path / name).problems == ()
    assert merge(a, [tmp_path / "b"]).added == 1
    assert messages(a) == ["common", "of a", "of b"]


def test_a_clock_that_went_back_does_not_disorder_a_merged_log(tmp_path: Path) -> None:
    """Within one log the number rules, also where a later entry has an earlier time, in an earlier month."""
    log_in(tmp_path / "a", "first", days=5)
    log_in(tmp_path / "a", "second", days=-40)
    log_in(tmp_path / "b", "between", days=1)
    merge(tmp_path / "all", [tmp_path / "a", tmp_path / "b"])
    assert messages(tmp_path / "all") == ["between", "first", "second"]


def line_of(head: bytes) -> bytes:
    return b'%b,"crc":"%08x"}\n' % (head, zlib.crc32(head))


def test_an_entry_of_a_newer_schema_is_kept_byte_for_byte(tmp_path: Path) -> None:
    """Fields that this version does not know survive merging, and rotation after it."""
    head = b'{"schema":7,"log":"00000000000000aa","new":[1, 2],"seq":1,"time":"2026-03-01T00:00:00Z"'
    line = line_of(head + b',"type":"x","run":"r","details":{"k": "v"},"more":{}')
    (tmp_path / "a.jsonl").write_bytes(line)
    merge(tmp_path / "t", [tmp_path / "a.jsonl"])
    assert lines(tmp_path / "t") == [line[:-1]]
    log = read_log(tmp_path / "t")
    assert [(r.schema, r.type, r.run, dict(r.details)) for r in log.records] == [(7, "x", "r", {"k": "v"})]
    assert "newer" in log.problems[0].message
    (tmp_path / "u").mkdir()
    (tmp_path / "u" / "journal.jsonl").write_bytes(line)
    Journal(tmp_path / "u").append("note", {})
    rotate(tmp_path / "u", days=1, clock=lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert line[:-1] in (tmp_path / "u" / "archive" / "2026-03.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("time", ["", "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_entry_without_a_usable_time_is_kept_too(tmp_path: Path, time: str) -> None:
    """It goes to an archive of its own, and is read."""
    (tmp_path / "a").write_bytes(encode(Record(1, time, "x", "", {}, log="0" * 16)))
    merge(tmp_path / "t", [tmp_path / "a"])
    assert [path.stem for path in archives(tmp_path / "t")] == [UNDATED]
    assert [record.time for record in read_log(tmp_path / "t").records] == [time]
    assert merge(tmp_path / "t", [tmp_path / "a"]).added == 0


def test_a_torn_or_damaged_line_costs_itself_alone(tmp_path: Path) -> None:
    """It is reported with its file, line and byte, left out, and what is whole is merged."""
    a = log_in(tmp_path / "a", "a1", "a2", "a3")
    path = a / "journal.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"garbage\n" + second + third[:-9])
    done = merge(tmp_path / "t", [a])
    assert messages(tmp_path / "t") == ["a1", "a2"]
    problems = done.sources[0].problems
    assert [(p.line, p.offset) for p in problems] == [(2, len(first)), (4, len(first + second) + 8)]
    assert all(str(path) in p.message for p in problems)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "no journal in this folder"),
        (lambda path: path.write_bytes(b"\x00\xff\n" * 1000), "no entry in 1000 lines"),
    ],
    ids=["absent", "empty-folder", "garbage"],
)
def test_a_source_that_is_no_log_stops_the_merge_before_it_begins(tmp_path: Path, make: object, fault: str) -> None:
    """One error that names it; nothing of the other sources is written."""
    good = log_in(tmp_path / "a", "a1")
    make(tmp_path / "bad")  # type: ignore[operator]
    with pytest.raises(StatusError, match=fault) as caught:
        merge(tmp_path / "t", [good, tmp_path / "bad"])
    assert str(tmp_path / "bad") in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_a_target_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    """A file in the folder's place is told."""
    a = log_in(tmp_path / "a", "a1")
    (tmp_path / "file").write_text("")
    with pytest.raises(StatusError, match="File exists"):
        merge(tmp_path / "file", [a])


def test_one_merge_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody else rearranges the archives a merge waits, up to its limit, and names who it is."""
    a, target = log_in(tmp_path / "a", "a1"), log_in(tmp_path / "t", "t1")
    monkeypatch.setattr(merging, "LOCK_TIMEOUT", 0.0)
    with Lock(target / "rotation.lock"), pytest.raises(LockTimeout, match="held by process"):
        merge(target, [a])
    assert messages(target) == ["t1"]


def test_writers_go_on_while_a_merge_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is not touched: an append in the middle of a merge is acknowledged, kept, and numbered as ever."""
    target = log_in(tmp_path / "t", "t1")
    writer = Journal(target, clock=lambda: START + timedelta(days=2))
    replace = atomic_replace
    made: list[Record] = []

    def slow(path: Path, data: bytes) -> None:
        made.append(writer.append("note", {"message": f"meanwhile {len(made)}"}))
        replace(path, data)

    monkeypatch.setattr(merging, "atomic_replace", slow)
    merge(target, [log_in(tmp_path / "a", "a1", "a2", "a3")])
    assert [record.seq for record in made] == [2, 3]
    assert sorted(map(str, messages(target))) == ["a1", "a2", "a3", "meanwhile 0", "meanwhile 1", "t1"]


def test_a_merge_that_was_killed_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before any of its writes, what is there is whole; doing it again gives what it would have given."""
    a, b = log_in(tmp_path / "a", "a1", "a2", "a3"), log_in(tmp_path / "b", "b1", "b2", days=0.5)
    merge(tmp_path / "whole", [a, b])
    replace = atomic_replace
    for stop in range(2):
        count = itertools.count()

        def killed(path: Path, data: bytes, count: Iterable[int] = count, stop: int = stop) -> None:
            if next(count) == stop:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            replace(path, data)

        target = tmp_path / f"killed-{stop}"
        with monkeypatch.context() as patch:
            patch.setattr(merging, "atomic_replace", killed)
            with pytest.raises(KeyboardInterrupt):
                merge(target, [a, b])
        there = lines(target)
        assert set(there) < set(lines(tmp_path / "whole"))
        assert merge(target, [b, a]).added == 5 - len(there)
        assert [p.read_bytes() for p in archives(target)] == [p.read_bytes() for p in archives(tmp_path / "whole")]


def test_runs_stay_whole_and_incomplete_ones_visible(tmp_path: Path) -> None:
    """A run that ended and one that was killed, merged from two machines: each is seen as what it was."""
    a, b = Journal(tmp_path / "a"), Journal(tmp_path / "b")
    for journal, run in ((a, "a-1"), (b, "b-1")):
        start(("x", LINUX), run=run).append_to(journal)
        item("x", run=run).append_to(journal)
    end(run="a-1", passed=1).append_to(a)
    merge(tmp_path / "t", [tmp_path / "b", tmp_path / "a"])
    runs = {run.id: run for run in RunStore(read_log(tmp_path / "t")).runs}
    assert runs["a-1"].end is not None
    assert runs["b-1"].end is None
    assert all(run.missing == () for run in runs.values())


# Records of two logs: with few numbers and days, equal numbers, equal times, and times that go back are likely.
RECORDS = st.builds(
    lambda log, seq, day, text: encode(
        Record(seq, f"2026-0{1 + day // 28}-{1 + day % 28:02}T00:00:00.000000Z", "n", "", {"m": text}, log=log * 16)
    ),
    st.sampled_from("ab"),
    st.integers(1, 4),
    st.integers(0, 60),
    st.sampled_from("xy"),
)
LOGS = st.lists(RECORDS, max_size=6)


def read_back(folder: Path) -> tuple[frozenset[bytes], list[Record]]:
    found = lines(folder)
    assert len(found) == len(set(found))
    return frozenset(found), list(read_log(folder).records)


def merged(root: Path, name: str, sources: Sequence[Path]) -> Path:
    merge(root / name, sources)
    return root / name


@settings(max_examples=60, deadline=None)
@given(x=LOGS, y=LOGS, z=LOGS)
def test_merging_is_a_union(x: list[bytes], y: list[bytes], z: list[bytes]) -> None:
    """Commutative, associative and idempotent, in the set of lines and in the order that readers see."""
    # The device's part is tested elsewhere, and takes nearly all of the time here.
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        root = Path(name)
        files = []
        for letter, content in zip("xyz", (x, y, z), strict=True):
            (root / letter).write_bytes(b"".join(content))
            files.append(root / letter)
        a, b, c = files
        together = read_back(merged(root, "xyz", [a, b, c]))
        assert together[0] == {line[:-1] for line in (*x, *y, *z)}
        assert read_back(merged(root, "zyx", [c, b, a])) == together
        left = merged(root, "left", [merged(root, "xy", [a, b]) if x or y else a, c])
        assert read_back(left) == together
        right = merged(root, "right", [a, merged(root, "yz", [b, c]) if y or z else c])
        assert read_back(right) == together
        one_by_one = root / "steps"
        for source in (b, a, a, c, b):
            merge(one_by_one, [source])
        assert read_back(one_by_one) == together
