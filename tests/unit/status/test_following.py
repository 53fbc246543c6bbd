"""Following a log: what is drawn live is what a rebuild draws, whatever was appended, torn, rotated or made up."""

from __future__ import annotations

import gc
import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import StatusError
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import Log, read_log
from pytest_nextrust.status.journal import Journal, JournalView, Record, decode, encode
from pytest_nextrust.status.markdown import draw_markdown
from pytest_nextrust.status.projections import Follower, Projector, rebuild, render_json
from pytest_nextrust.status.records import Entry, Item, ItemKey, PhaseCheck, PhaseDone, RunEnd, RunItems, RunStart
from pytest_nextrust.status.rotation import rotate
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.status.summary import LogState, summarize

from .helpers import COMMIT, LINUX, Clock, end, item, journal_in, start
from .test_projections import schema

PHASES = Phases.from_config(ProjectConfig(Path()))

ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(
        lambda run, commit, names: start(*((n, LINUX) for n in names), run=run, commit=commit * 40),
        st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from(["a", "b", ""]),
        st.lists(st.sampled_from("xyz"), max_size=3, unique=True),
    ),
    st.builds(
        lambda run, name, verdict, phase: item(name, verdict=verdict, run=run, phase=phase),
        st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from("xyz"),
        st.sampled_from(["passed", "failed", "skipped", "expected-failure"]),
        st.sampled_from(["phase-1", "phase-2"]),
    ),
    st.builds(lambda run: end(run=run), st.sampled_from(["r1", "r2", "r3"])),
    st.builds(
        lambda run, names: RunItems(run, tuple(ItemKey("phase-1", name, LINUX) for name in names)),
        st.sampled_from(["r1", "r2", "r3"]),
        st.lists(st.sampled_from("xyz"), max_size=3, unique=True),
    ),
    st.builds(lambda holds: PhaseCheck("r1", "phase-1", "The status log can be written", holds, COMMIT), st.booleans()),
    st.just(PhaseDone("r1", "phase-1", COMMIT)),
)
STEPS = st.lists(
    st.one_of(ENTRIES, st.sampled_from(["refresh", "refresh", "torn", "garbage", "rotate", "cut", "new writer"])),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_live_is_what_a_rebuild_draws(steps: list[Entry | str]) -> None:
    """Entries of several runs, refreshes, torn and damaged lines, lost newlines, rotations: the files of the process
    that followed all of it are byte for byte those drawn from nothing."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = root / "log"
        clock = Clock()
        journal = Journal(folder, clock=clock)
        live = Projector(folder, PHASES, root=root)
        for step in steps:
            path = folder / "journal.jsonl"
            if isinstance(step, Entry):
                step.append_to(journal)
            elif step == "refresh":
                live.finish()
            elif step == "rotate":
                rotate(folder, days=0.0001, clock=clock)
            elif step == "new writer":
                journal = Journal(folder, clock=clock)
            elif path.exists():
                data = path.read_bytes()
                path.write_bytes(
                    data[:-1] if step == "cut" else data + (b"{torn" if step == "torn" else b"\ngarbage\n")
                )
        live.finish()
        files = (folder / "pipeline-log.json", folder / "pipeline-log.md")
        drawn = [file.read_bytes() for file in files]
        rebuild(folder, PHASES, root=root)
        assert [file.read_bytes() for file in files] == drawn


def test_only_what_was_added_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look at a log decodes the new lines and no other; so does one after a line lost its newline."""
    from pytest_nextrust.status import journal as module

    journal = journal_in(tmp_path)
    for _ in range(50):
        journal.append("note", {})
    log = Log(tmp_path)
    assert len(log.poll().records) == 50
    decoded: list[bytes] = []

    def watched(line: bytes) -> Record:
        decoded.append(line)
        return decode(line)

    monkeypatch.setattr(module, "decode", watched)
    for _ in range(3):
        journal.append("note", {})
        change = log.poll()
        assert (change.fresh, len(change.records)) == (False, 1)
    assert len(decoded) == 3
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert log.poll().fresh
    decoded.clear()
    assert (log.poll(), decoded) == (replace(log.poll(), fresh=False, records=()), [])


def test_another_file_in_its_place_is_read_anew(tmp_path: Path) -> None:
    """A journal that was replaced, cut or taken away is noticed, also where its inode and length did not change."""
    journal = journal_in(tmp_path)
    path = tmp_path / "journal.jsonl"
    for _ in range(3):
        journal.append("note", {"message": "a"})
    log = Log(tmp_path)
    log.poll()
    changed = path.read_bytes().replace(b'"a"', b'"b"')
    path.write_bytes(changed)
    assert [record.type for record in log.poll().records] == []
    assert len(log.poll().problems) == 3
    path.write_bytes(b"")
    assert log.poll() == replace(log.poll(), fresh=True)
    path.unlink()
    assert log.poll().records == ()
    journal_in(tmp_path).append("note", {})
    assert len(log.poll().records) == 1


def test_an_archive_that_comes_is_noticed(tmp_path: Path) -> None:
    """Entries that appear in the archives (merged from another machine) are read, in their place by time."""
    journal = journal_in(tmp_path / "here")
    log = Log(tmp_path / "here")
    journal.append("note", {"message": "one"})
    log.poll()
    other = Record(1, "2026-01-01T00:00:00.000000Z", "note", "", {"message": "zero"}, log="f" * 16)
    (tmp_path / "here" / "archive").mkdir()
    (tmp_path / "here" / "archive" / "2026-01.jsonl").write_bytes(encode(other) * 2 + b"junk\n")
    change = log.poll()
    assert change.fresh
    assert [record.details["message"] for record in change.records] == ["zero", "one"]
    assert [problem.message.split(":")[0] for problem in change.problems] == ["archive/2026-01.jsonl"]


def test_what_belongs_before_is_put_there(tmp_path: Path) -> None:
    """A line of another log with an earlier time, added behind what was read, is read in its place."""
    journal = journal_in(tmp_path)
    journal.append("note", {"message": "one"})
    log = Log(tmp_path)
    log.poll()
    with (tmp_path / "journal.jsonl").open("ab") as stream:
        stream.write(encode(Record(7, "2025-01-01T00:00:00.000000Z", "note", "", {"message": "zero"}, log="0" * 16)))
    change = log.poll()
    assert change.fresh
    assert [record.details["message"] for record in change.records] == ["zero", "one"]
    assert change.records == read_log(tmp_path).records


def test_a_clock_that_goes_back_moves_nothing(tmp_path: Path) -> None:
    """Within one log the order is that of writing, whatever the times say."""
    clock = Clock()
    journal = Journal(tmp_path, clock=clock)
    for days in (0, -40, 10, -90):
        clock.now += timedelta(days=days)
        journal.append("note", {})
    (tmp_path / "archive").mkdir()
    assert [record.seq for record in read_log(tmp_path).records] == [1, 2, 3, 4]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*Item("r", "p", "s", "c", "passed").details(), "items", "counts", "criterion", "holds", "origin", "exit"]
RECORDS = st.builds(
    Record,
    st.integers(0, 9),
    st.one_of(
        st.sampled_from(["2026-01-02T03:04:05.000000Z", "2026-01-02", "9999-12-31T23:59:59Z"]), st.text(max_size=9)
    ),
    st.sampled_from(["run-start", "item", "run-end", "phase-done", "phase-check", "note"]),
    st.just("r"),
    st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=6).map(lambda some: {**PLAIN, **some}),
)
PLAIN: dict[str, Any] = {
    **Item("r", "phase-1", "s", LINUX, "failed", known_issue="k").details(),
    "commit": "c",
    "items": [],
    "exit": 0,
    "criterion": "c",
    "holds": True,
}


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=4))
def test_no_record_breaks_a_drawing(records: list[Record]) -> None:
    """Entries that are almost sound, with any value in any field: valid JSON by the schema and one line each."""
    summary = summarize(JournalView(tuple(records)), PHASES)
    document = json.loads(render_json(JournalView(tuple(records)), PHASES), parse_constant=pytest.fail)
    jsonschema.validate(document, schema("pipeline-log"))
    assert all(line.isprintable() for line in draw_markdown(summary).decode().split("\n"))


@settings(max_examples=50, deadline=None)
@given(st.lists(ENTRIES, max_size=12))
def test_the_store_is_the_same_however_it_is_asked(entries: list[Entry]) -> None:
    """Absorbing with questions in between answers at the end as absorbing alone, and as the plain definition."""
    records = [Record(n, f"t{n}", entry.TYPE, entry.run, entry.details()) for n, entry in enumerate(entries, 1)]
    asked = RunStore()
    for record in records:
        asked.add(record)
        asked.verdicts(commit=COMMIT)
    store = RunStore(JournalView(tuple(records)))
    for commit in ("a" * 40, "b" * 40, ""):
        assert asked.verdicts(commit=commit) == store.verdicts(commit=commit)
        assert asked.announced(commit=commit) == store.announced(commit=commit)
        wanted = {key for run in store.runs if run.commit == commit for key in (*run.expected, *run.items)}
        assert store.announced(commit=commit) == wanted
        reported = {key for run in store.runs if run.commit == commit for key in run.items}
        assert reported <= set(store.verdicts(commit=commit)) <= wanted


def test_a_later_start_takes_out_of_the_plan_what_was_missing() -> None:
    """What was missing at a run's end is crashed, and nothing once the run's newest start does not announce it."""
    entries = [start(("x", LINUX), ("y", LINUX), run="r1"), item("y", run="r1"), end(run="r1")]
    records = [Record(n, "", entry.TYPE, entry.run, entry.details()) for n, entry in enumerate(entries, 1)]
    store = RunStore(JournalView(tuple(records)))
    assert {key.scenario: item.verdict for key, item in store.verdicts(commit=COMMIT).items()} == {
        "x": "crashed",
        "y": "passed",
    }
    again = start(run="r1")
    store.add(Record(4, "", again.TYPE, again.run, again.details()))
    for asked in ({"commit": COMMIT}, {"run": "r1"}):
        assert [key.scenario for key in store.verdicts(**asked)] == ["y"]


@pytest.mark.parametrize("on", [True, False], ids=["collecting", "not-collecting"])
def test_reading_leaves_garbage_collection_as_it_was(tmp_path: Path, on: bool) -> None:
    """A log that is read, and one that cannot be, leave it on where it was on and off where it was off."""
    was = gc.isenabled()
    Journal(tmp_path).append("note", {})
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(StatusError):
            Follower(tmp_path / "journal.jsonl").catch_up()
        assert gc.isenabled() is on
        Follower(tmp_path).catch_up()
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()


def test_the_newest_are_by_time(tmp_path: Path) -> None:
    """What was imported late stands where its time says; what has no time is oldest."""
    records = [
        Record(1, "2026-01-02T00:00:00Z", "note", "", {"message": "second"}),
        Record(2, "2025-01-01T00:00:00+02:00", "note", "", {"message": "first"}),
        Record(3, "never", "note", "", {"message": "none"}),
    ]
    summary = summarize(JournalView(tuple(records)), PHASES)
    assert [activity["details"]["message"] for activity in summary["activities"]] == ["none", "first", "second"]
    assert summary["updated"] == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    "entry",
    [
        start(("a", LINUX)),
        item("a"),
        end(1, passed=1),
        PhaseDone("r", "p", "c"),
        PhaseCheck("r", "p", "it works", False, "c", "no"),
    ],
    ids=lambda entry: entry.TYPE,
)
def test_lines_fit_the_schema(tmp_path: Path, entry: Entry) -> None:
    """A line of every kind of entry is what journal.json says, and without a field that readers need it is not."""
    entry.append_to(Journal(tmp_path))
    (line,) = (tmp_path / "journal.jsonl").read_text().splitlines()
    plain = json.loads(line)
    jsonschema.Draft202012Validator.check_schema(schema("journal"))
    jsonschema.validate(plain, schema("journal"))
    del plain["details"]["run"]
    with pytest.raises(jsonschema.ValidationError, match="'run' is a required property"):
        jsonschema.validate(plain, schema("journal"))


@pytest.mark.parametrize("kind", [RunStart, RunItems, Item, RunEnd, PhaseCheck, PhaseDone], ids=lambda kind: kind.TYPE)
def test_the_schema_knows_every_field(kind: type[Entry]) -> None:
    """What the schema says of a kind are the fields that its entries have."""
    import dataclasses

    known = schema("journal")["$defs"][kind.TYPE]["properties"]
    assert set(known) == {field.name for field in dataclasses.fields(kind)}


def test_the_ledger_does_not_keep_the_log() -> None:
    """Of many records the state keeps the newest for showing, not all."""
    state = LogState()
    for n in range(2000):
        state.add(Record(n, "2026-01-01T00:00:00Z", "note", "", {}))
    assert len(state) == 2000
    assert len(state._recent) == 500
    assert state.store.runs == ()


def test_a_key_is_its_own_run(tmp_path: Path) -> None:
    """A start that comes after its items, or twice, puts the items where their commit says."""
    key = ItemKey("phase-1", "x", LINUX)
    records = [
        Record(n, "t", entry.TYPE, entry.run, entry.details())
        for n, entry in enumerate(
            [item("x", run="r"), start(("x", LINUX), run="r"), start(run="r", commit="b" * 40)], 1
        )
    ]
    store = RunStore()
    store.add(records[0])
    assert key in store.verdicts(commit="")
    store.add(records[1])
    assert (key in store.verdicts(commit=""), key in store.verdicts(commit=COMMIT)) == (False, True)
    store.add(records[2])
    assert (key in store.verdicts(commit=COMMIT), key in store.verdicts(commit="b" * 40)) == (False, True)
