"""Questions to the journal: what is missing, what is the newest verdict, may a phase be built on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.status.journal import Journal, JournalView, Record
from pytest_nextrust.status.records import VERDICTS, Entry, Item, ItemKey, PhaseDone, RunEnd, RunStart, check_details
from pytest_nextrust.status.runs import RunStore

from .helpers import COMMIT, DARWIN, LINUX, end, item, start

OTHER = "f" * 40


def store(*entries: Entry) -> RunStore:
    """The store over these entries, in this order, by way of their details."""
    records = [Record(n, f"t{n}", entry.TYPE, entry.run, entry.details()) for n, entry in enumerate(entries, 1)]
    return RunStore(JournalView(tuple(records)))


@pytest.mark.parametrize("entry", [start(("a", LINUX), ("b", DARWIN)), item("a", message="m"), end(1, passed=2)])
def test_entries_survive_the_journal(tmp_path: Path, entry: Entry) -> None:
    """What is appended is read back equal, by its own kind and no other."""
    record = entry.append_to(Journal(tmp_path))
    (read,) = Journal(tmp_path).read().records
    assert (read.seq, read.time, read.type, read.run) == (record.seq, record.time, entry.TYPE, entry.run)
    assert type(entry).read(read) == entry
    assert sum(kind.read(read) is not None for kind in (RunStart, Item, RunEnd, PhaseDone)) == 1


def test_a_newer_entry_is_read_and_a_foreign_one_is_none() -> None:
    """Keys that a newer writer added are ignored; a shape that is no entry is not guessed at."""
    details = item("a").details()
    assert Item.read(Record(1, "t", "item", "r", {**details, "surprise": [1]})) == item("a")
    assert Item.read(Record(1, "t", "item", "r", {**details, "verdict": "great"})) is None
    assert Item.read(Record(1, "t", "item", "r", {})) is None


def test_details_are_checked_by_type() -> None:
    """A known type must have what readers expect; a type of one's own may say what it likes."""
    check_details("build_failure", {"anything": [1]})
    check_details("item", item("a").details())
    with pytest.raises(ConfigError, match=r"(?s)item entry.*run: missing.*verdict: missing"):
        check_details("item", {"phase": "phase-1", "scenario": "a", "cell": "c"})


def test_a_run_is_pieced_together() -> None:
    """Start, items and end make one run; what was announced and did not report is missing."""
    (run,) = store(start(("a", LINUX), ("b", LINUX)), item("a")).runs
    assert (run.id, run.commit, run.started, run.end) == ("run-1", COMMIT, "t1", None)
    assert run.missing == (ItemKey("phase-1", "b", LINUX),)


def test_missing_is_crashed_once_the_run_has_ended() -> None:
    """While a run goes on its silent items settle nothing; at its end they have crashed, with a line to try again."""
    begun = (start(("a", LINUX), ("b", LINUX)), item("a"))
    key = ItemKey("phase-1", "b", LINUX)
    assert key not in store(*begun).verdicts()
    crashed = store(*begun, end(1)).verdicts()[key]
    assert crashed.verdict == "crashed"
    assert crashed.reproduction == f"pytest --nextrust-phase phase-1 --nextrust-scenario b --nextrust-cell {LINUX}"


def test_a_late_report_replaces_the_crash() -> None:
    """The newest word counts, also when it comes after the end."""
    late = store(start(("a", LINUX)), end(1), item("a"))
    assert late.verdicts()[ItemKey("phase-1", "a", LINUX)].verdict == "passed"


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("passed", "passed"),
        ("expected-failure", "passed"),
        ("skipped", "unknown"),
        *((bad, "failed") for bad in ("failed", "crashed", "infra-error", "budget", "unexpected-pass")),
    ],
)
def test_what_may_be_built_on(verdict: str, state: str) -> None:
    """Passed and expected failures may; everything bad may not; skipped shows nothing."""
    assert store(start(("a", LINUX)), item("a", verdict=verdict)).phase_state("phase-1", LINUX).state == state
    assert verdict in VERDICTS


def test_one_bad_item_fails_the_phase_in_its_cell_only() -> None:
    """Cells are judged apart."""
    both = store(
        start(("a", LINUX), ("b", LINUX), ("a", DARWIN)),
        item("a"),
        item("b", verdict="failed"),
        item("a", DARWIN),
    )
    outcome = both.phase_state("phase-1", LINUX, commit=COMMIT)
    assert outcome.state == "failed"
    assert [bad.scenario for bad in outcome.bad] == ["b"]
    assert both.phase_state("phase-1", DARWIN, commit=COMMIT).state == "passed"


def test_the_newest_verdict_counts_across_runs() -> None:
    """A later run at the same commit settles what an earlier one said, item by item."""
    runs = [
        start(("a", LINUX), ("b", LINUX)),
        item("a", verdict="failed"),
        item("b"),
        end(1),
        start(("a", LINUX), run="run-2"),
        item("a", run="run-2"),
        end(0, run="run-2"),
    ]
    assert store(*runs[:4]).phase_state("phase-1", LINUX, commit=COMMIT).state == "failed"
    assert store(*runs).phase_state("phase-1", LINUX, commit=COMMIT).state == "passed"
    assert store(*runs).phase_state("phase-1", LINUX, run="run-1").state == "failed"


def test_newest_is_by_report_and_not_by_start() -> None:
    """Of two runs at once, the one that reported last has the last word."""
    crossed = store(
        start(("a", LINUX)),
        start(("a", LINUX), run="run-2"),
        item("a", run="run-2"),
        item("a", verdict="failed"),
    )
    assert crossed.phase_state("phase-1", LINUX, commit=COMMIT).state == "failed"


def test_another_commit_says_nothing() -> None:
    """Verdicts of another commit are no verdicts of this one."""
    runs = store(start(("a", LINUX), commit=OTHER), item("a"))
    assert runs.phase_state("phase-1", LINUX, commit=COMMIT).state == "unknown"
    assert runs.phase_state("phase-1", LINUX, commit=OTHER).state == "passed"


def test_no_commit_is_never_the_same_commit() -> None:
    """Without git two runs may have seen anything; only within one run is something known."""
    runs = store(start(("a", LINUX), commit=""), item("a"))
    assert runs.phase_state("phase-1", LINUX, commit="").state == "unknown"
    assert runs.phase_state("phase-1", LINUX, commit="", run="run-1").state == "passed"


def test_expected_names_guard_against_a_narrowed_run() -> None:
    """A run of one scenario does not stand for the phase where the phase's scenarios are known."""
    narrow = store(start(("a", LINUX)), item("a"), end())
    assert narrow.phase_state("phase-1", LINUX, commit=COMMIT).state == "passed"
    outcome = narrow.phase_state("phase-1", LINUX, commit=COMMIT, expected=["a", "b"])
    assert outcome.state == "unknown"
    assert outcome.missing == (ItemKey("phase-1", "b", LINUX),)


def test_nothing_to_verify_is_not_a_pass() -> None:
    """A phase without items, expected or recorded, is unknown."""
    assert store().phase_state("phase-1", LINUX, commit=COMMIT).state == "unknown"
    assert store().phase_state("phase-1", LINUX, commit=COMMIT, expected=[]).state == "unknown"


def test_an_item_without_a_start_still_counts() -> None:
    """A worker's report whose run's start was damaged is not lost; its commit is not known."""
    orphan = store(item("a", verdict="failed"))
    assert orphan.phase_state("phase-1", LINUX).state == "failed"
    assert orphan.phase_state("phase-1", LINUX, commit=COMMIT).state == "unknown"


REPORTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["passed", "failed", "skipped"])), max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), REPORTS, st.booleans()), max_size=4))
def test_verdicts_follow_a_dict(runs: list[tuple[set[str], list[tuple[str, str]], bool]]) -> None:
    """Whatever runs announce, report and leave out: the newest verdicts are those of a plain dict updated in order."""
    entries: list[Entry] = []
    model: dict[str, str] = {}
    for number, (announced, reports, ended) in enumerate(runs):
        name = f"r{number}"
        entries.append(start(*((scenario, LINUX) for scenario in sorted(announced)), run=name))
        for scenario, verdict in reports:
            entries.append(item(scenario, verdict=verdict, run=name))
            model[scenario] = verdict
        if ended:
            entries.append(end(run=name))
            model.update(dict.fromkeys(announced - {scenario for scenario, _ in reports}, "crashed"))
    found = store(*entries).verdicts(commit=COMMIT)
    assert {key.scenario: item.verdict for key, item in found.items()} == model
