"""What the log says of commits and phases is put back: failures that no entry clears, the newest word on a phase."""

from __future__ import annotations

import itertools
import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.guards.backoff import Backoff
from pytest_nextrust.guards.restore import clear_failures, read_history, record_failure, restore
from pytest_nextrust.project.phases import Phases, done_path, mark_done
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.merge import merge
from pytest_nextrust.status.records import PhaseDone, PhaseReopened

A = "a" * 40


def put_back(root: Path, folder: Path) -> tuple[int, int]:
    done = restore(root, Phases.load(root), read_log(folder).records)
    return done.failures, done.cleared


def failures(root: Path) -> set[str]:
    with Database(state_path(root)) as database:
        return {failure.occasion for failure in Backoff(database).standing(A).failures}


def clear(root: Path, folder: Path) -> int:
    with Database(state_path(root)) as database:
        return clear_failures(database, folder, A, environ={}, reason="the runner was broken", by="somebody")


def test_failures_are_put_back_once(tmp_path: Path) -> None:
    """Two entries of one occasion are one failure; a second time nothing changes; another machine's time is kept."""
    for occasion in ("1.1", "1.1", "2.1"):
        record_failure(tmp_path, A, occasion=occasion, what="3 of 9 items failed")
    assert put_back(tmp_path, tmp_path) == (2, 0)
    assert put_back(tmp_path, tmp_path) == (0, 0)
    assert failures(tmp_path) == {"1.1", "2.1"}


def test_a_log_without_failures_makes_no_database(tmp_path: Path) -> None:
    """A project that has none keeps none."""
    Journal(tmp_path).append("note", {})
    assert put_back(tmp_path, tmp_path) == (0, 0)
    assert not state_path(tmp_path).exists()


def test_clearing_on_one_machine_clears_on_another(tmp_path: Path) -> None:
    """The second has them from the log alone; the entry names who and why; nothing left is nothing recorded."""
    one, other = tmp_path / "one", tmp_path / "other"
    for occasion in ("1.1", "2.1", "3.1"):
        record_failure(one, A, occasion=occasion, what="failed")
    merge(other, [one])
    assert put_back(other, other) == (3, 0)
    assert clear(one, one) == 3
    assert clear(one, one) == 0
    (cleared,) = [record for record in read_log(one).records if record.type == "backoff-cleared"]
    assert (cleared.details["user"], cleared.details["why"]) == ("somebody", "the runner was broken")
    merge(other, [one])
    assert put_back(other, other) == (0, 3)
    assert failures(other) == set()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_clearing_clears_what_it_saw_and_nothing_else(tmp_path: Path, order: tuple[int, ...]) -> None:
    """A failure beside a clearing still counts, also one of the same occasion, in whichever order logs are merged."""
    logs = [tmp_path / name for name in ("first", "cleared", "beside")]
    record_failure(logs[0], A, occasion="1.1", what="failed")
    merge(logs[1], [logs[0]])
    clear(logs[1], logs[1])
    record_failure(logs[2], A, occasion="1.1", what="failed beside it")
    record_failure(logs[2], A, occasion="2.1", what="failed")
    here = tmp_path / "here"
    for number in order:
        merge(here, [logs[number]])
        put_back(here, here)
    assert failures(here) == {"1.1", "2.1"}
    assert {len(entries) for entries in read_history(read_log(here).records).entries.values()} == {2}


def test_entries_are_by_the_schema(tmp_path: Path) -> None:
    """Those of failures, clearings, and phases done and reopened."""
    schema = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "journal.json").read_text())
    record_failure(tmp_path, A, occasion="1.1", what="failed")
    clear(tmp_path, tmp_path)
    PhaseDone("r", "phase-1", A, ("it answers",)).append_to(Journal(tmp_path))
    PhaseReopened("r", "phase-1", A, "an item of it failed").append_to(Journal(tmp_path))
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert len(lines) == 4
    for line in lines:
        jsonschema.validate(json.loads(line), schema)


def test_entries_of_somebody_elses_say_nothing(tmp_path: Path) -> None:
    """Details of other types, and a clearing that names none (of an earlier release), are passed over."""
    journal = Journal(tmp_path)
    for details in ({}, {"commit": 1, "occasion": "x"}, {"commit": A}, {"commit": "", "occasion": "x"}):
        journal.append("commit-failure", details)
    journal.append("backoff-cleared", {"commit": A, "failures": 3})
    journal.append("backoff-cleared", {"commit": A, "failures": 3, "entries": [1, None]})
    assert put_back(tmp_path, tmp_path) == (0, 0)


def test_a_phase_is_marked_as_its_run_marked_it(tmp_path: Path) -> None:
    """Byte for byte; taken away where a newer entry reopened it; phases that the project lacks are passed over."""
    here, there = tmp_path / "here", tmp_path / "there"
    mark_done(there, "phase-1", {"commit": A, "run": "r1", "criteria": ["it answers"]})
    journal = Journal(here)
    PhaseDone("r1", "phase-1", A, ("it answers",)).append_to(journal)
    PhaseDone("r1", "no-such-phase", A).append_to(journal)
    assert restore(here, Phases.load(here), read_log(here).records).done == ("phase-1",)
    assert done_path(here, "phase-1").read_bytes() == done_path(there, "phase-1").read_bytes()
    assert restore(here, Phases.load(here), read_log(here).records).done == ()
    PhaseReopened("", "phase-1", A, "asked for", "somebody").append_to(journal)
    assert restore(here, Phases.load(here), read_log(here).records).reopened == ("phase-1",)
    assert not done_path(here, "phase-1").exists()
    PhaseDone("r2", "phase-1", A).append_to(journal)
    assert restore(here, Phases.load(here), read_log(here).records).done == ("phase-1",)
