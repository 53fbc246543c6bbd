"""What a run records: items, cut where they are too long, and the markers of phases that are complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nextrust.project.matrix import Cell, Matrix
from pytest_nextrust.project.phases import Criterion, Phase, Phases, done_path, mark_done, read_done
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.environment import Environment
from pytest_nextrust.status.journal import LARGEST, Journal
from pytest_nextrust.status.recorder import RunRecorder, complete
from pytest_nextrust.status.records import Item, ItemKey, PhaseCheck, PhaseDone, RunEnd, RunItems, RunStart, Verdict
from pytest_nextrust.status.runs import RunStore


def store(tmp_path: Path, items: list[Item], commit: str = "c") -> RunStore:
    journal = Journal(tmp_path)
    keys = tuple(ItemKey(i.phase, i.scenario, i.cell) for i in items)
    RunStart("run-1", phase="phase-1", commit=commit, items=keys).append_to(journal)
    for each in items:
        each.append_to(journal)
    return RunStore(journal.read())


TWO = (Cell("ubuntu-latest", "debug", "m68030"), Cell("macos-latest", "debug", "m68030"))
NAMES = {cell.id: {"hello"} for cell in TWO}


@pytest.mark.parametrize(
    ("verdicts", "standins", "done"),
    [
        (("passed", "passed"), "accept", True),
        (("passed", "expected-failure"), "accept", True),
        (("passed", "skipped"), "accept", False),
        (("passed", "failed"), "accept", False),
        (("passed",), "accept", False),
        (("passed", "passed"), "reject", False),
    ],
)
def test_when_a_phase_is_complete(tmp_path: Path, verdicts: tuple[Verdict, ...], standins: str, done: bool) -> None:
    """Everything the phase has, in every cell, shown for this commit; a stand-in shows nothing where it is rejected."""
    items = [
        Item("run-1", "phase-1", "hello", cell.id, v, stand_in=cell is TWO[1])
        for cell, v in zip(TWO, verdicts, strict=False)
    ]
    found = store(tmp_path, items)
    options = {"run": "run-1", "standins": standins, "cells": TWO}
    assert complete(found, "phase-1", NAMES, commit="c", **options) is done  # type: ignore[arg-type]
    assert complete(found, "phase-1", NAMES, commit="other", **options) is False  # type: ignore[arg-type]
    assert complete(found, "phase-1", {}, commit="other", **options) is False  # type: ignore[arg-type]


def test_what_a_run_announces_belongs_to_a_phase_where_it_is_a_marked_test(tmp_path: Path) -> None:
    """A marked test that failed keeps a phase open, but where tests are left out; a scenario that is gone does not."""
    passed = [Item("run-1", "phase-1", "hello", cell.id, "passed") for cell in TWO]
    options = {"run": "run-1", "commit": "c", "standins": "accept", "cells": TWO}
    for name, done in (("gone", True), ("tests/test_port.py::test_it", False)):
        (folder := tmp_path / name[:4]).mkdir()
        found = store(folder, [*passed, Item("run-1", "phase-1", name, TWO[0].id, "failed")])
        assert complete(found, "phase-1", NAMES, **options) is done  # type: ignore[arg-type]
        assert complete(found, "phase-1", NAMES, tests=False, **options) is True  # type: ignore[arg-type]


CELLS = Matrix().cells
ALL = {cell.id: {"hello"} for cell in CELLS}


def recorder(root: Path, run: str) -> RunRecorder:
    return RunRecorder(root / "log", Phases([Phase("p", "P"), Phase("q", "Q")]), root, run=run)


def verified(root: Path, run: str, phases: str, verdict: Verdict = "passed") -> tuple[str, ...]:
    """A run that reports on every cell of some phases; those that it marked."""
    made = recorder(root, run)
    keys = [ItemKey(phase, "hello", cell.id) for phase in phases for cell in CELLS]
    made.start(Environment("c", run, 1, "", ""), phase="all", items=keys, argv=(), forced=False)
    for key in keys:
        made.item(Item(run, key.phase, key.scenario, key.cell, verdict))
    return made.mark(phases, "c", dict.fromkeys(phases, ALL), standins="accept")


def marked(root: Path) -> frozenset[str]:
    return read_done(root, Phases([Phase("p", "P"), Phase("q", "Q")]))


def test_every_complete_phase_is_marked(tmp_path: Path) -> None:
    """Both of two are, and the log says so; one of which an item failed loses its marker, and the other keeps it."""
    assert verified(tmp_path, "r1", "pq") == ("p", "q")
    assert marked(tmp_path) == {"p", "q"}
    done = [record for record in Journal(tmp_path / "log").read().records if record.type == PhaseDone.TYPE]
    assert [(record.run, record.details["phase"], record.details["commit"]) for record in done] == [
        ("r1", "p", "c"),
        ("r1", "q", "c"),
    ]
    assert verified(tmp_path, "r2", "q", "failed") == ()
    assert marked(tmp_path) == {"p"}
    assert verified(tmp_path, "r3", "q", "skipped") == ()
    assert marked(tmp_path) == {"p"}


@pytest.mark.parametrize(
    ("length", "kept"), [(4000, "x" * 4000), (4001, "x" * 4000 + " ..."), (9000, "x" * 4000 + " ...")]
)
def test_long_messages_are_cut(tmp_path: Path, length: int, kept: str) -> None:
    """The log keeps four thousand characters of a message, and shows that there were more."""
    recorder(tmp_path, "r").item(Item("r", "p", "s", CELLS[0].id, "failed", message="x" * length))
    (record,) = Journal(tmp_path / "log").read().records
    assert record.details["message"] == kept


def finished(root: Path, *checks: Criterion, verdict: str = "passed", run: str = "run-1") -> RunRecorder:
    """A run in which the scenario hello of the phase p came to ``verdict`` in every cell, and its marking."""
    phases = Phases([Phase("p", "P", success_criteria=checks)])
    recorder = RunRecorder(root / "log", phases, root, run=run, toolchain=lambda name: "" if name == "gnu" else "gone")
    keys = tuple(ItemKey("p", "hello", cell) for cell in ALL)
    RunStart(run, "p", commit="c", items=keys).append_to(recorder.journal)
    for cell in ALL:
        recorder.item(Item(run, "p", "hello", cell, verdict))  # type: ignore[arg-type]
    recorder.mark(["p"], "c", {"p": {cell: {"hello"} for cell in ALL}}, standins="accept")
    return recorder


def test_a_phase_is_done_when_all_checks_hold(tmp_path: Path) -> None:
    """The marker names the criteria that held; each answer is in the journal; words alone are not asked."""
    finished(tmp_path, Criterion("words"), Criterion("tools", toolchain="gnu"), Criterion("hi", scenario="hello"))
    marker = json.loads(done_path(tmp_path, "p").read_text())
    assert marker == {"phase": "p", "commit": "c", "run": "run-1", "criteria": ["tools", "hi"]}
    found = [check for record in read_log(tmp_path / "log").records if (check := PhaseCheck.read(record))]
    assert [(check.criterion, check.holds, check.message) for check in found] == [("tools", True, ""), ("hi", True, "")]


def test_a_check_that_does_not_hold_keeps_a_phase_open(tmp_path: Path) -> None:
    """All scenarios passed, one criterion does not hold: no marker, an older one goes, and the user is told why."""
    mark_done(tmp_path, "p", {})
    recorder = finished(tmp_path, Criterion("tools", toolchain="gnu"), Criterion("docs", file="docs/port.md"))
    assert not done_path(tmp_path, "p").exists()
    assert recorder.notes == ["p is not done: docs: docs/port.md does not exist"]


@pytest.mark.parametrize(
    ("name", "verdict", "why"),
    [("hello", "failed", "hello has not passed in every cell"), ("bye", "passed", "there is no scenario bye")],
)
def test_a_scenario_is_asked_in_every_cell(tmp_path: Path, name: str, verdict: str, why: str) -> None:
    """A criterion on a scenario that failed, or that the phase does not have, does not hold."""
    finished(tmp_path, Criterion("it runs", scenario=name), verdict=verdict)
    (check,) = [found for record in read_log(tmp_path / "log").records if (found := PhaseCheck.read(record))]
    assert not check.holds
    assert why in check.message
    assert not done_path(tmp_path, "p").exists()


def test_a_run_of_any_size_is_announced(tmp_path: Path) -> None:
    """Items that do not fit into an entry are in several, each within its size; the plan is read as it was given."""
    names = [f"tests/test_{n}.py::test_{'é' * (n % 300)}[{n}]" for n in range(9000)]
    items = [ItemKey(f"phase-{n % 3}", name, TWO[0].id) for n, name in enumerate(names)]
    recorder = RunRecorder(tmp_path, Phases([Phase("p", "P")]), tmp_path, run="run-1")
    environment = Environment("c", "run-1", 1, "", "")
    argv = ["pytest", *(f"tests/test_{n}.py" for n in range(100_000))]
    recorder.start(environment, phase="all", items=items, argv=argv, forced=False)
    lines = Journal(tmp_path).path.read_bytes().splitlines()
    assert len(lines) > 3
    assert all(len(line) < LARGEST for line in lines)
    run = recorder.store().run("run-1")
    assert run is not None
    assert run.expected == run.missing == tuple(items)
    assert recorder.store().announced(commit="c") == frozenset(items)
    assert run.start is not None
    assert run.start.argv[:2] == ("pytest", "tests/test_0.py")
    assert run.start.argv[-1].startswith("... and ")
    recorder.end(exit=1, items=[])
    assert {item.verdict for item in recorder.store().verdicts(run="run-1").values()} == {"crashed"}
    assert read_log(tmp_path).problems == ()


def test_a_small_run_is_one_entry(tmp_path: Path) -> None:
    """The twin: nothing is split or shortened that fits."""
    recorder = RunRecorder(tmp_path, Phases([Phase("p", "P")]), tmp_path, run="run-1")
    recorder.start(Environment("c", "run-1", 1, "", ""), phase="all", items=[], argv=["pytest", "x"], forced=False)
    (entry,) = Journal(tmp_path).read().records
    assert (entry.type, entry.details["items"], entry.details["argv"]) == ("run-start", [], ["pytest", "x"])


def test_a_part_of_a_plan_without_its_start(tmp_path: Path) -> None:
    """It announces nothing, and a part that comes after the items is taken into account all the same."""
    journal = Journal(tmp_path)
    keys = tuple(ItemKey("phase-1", name, TWO[0].id) for name in "xyz")
    RunItems("run-1", keys[:1]).append_to(journal)
    assert RunStore(journal.read()).announced() == frozenset()
    RunStart("run-2", phase="phase-1", commit="c", items=keys[:1]).append_to(journal)
    Item("run-2", "phase-1", "x", TWO[0].id, "passed").append_to(journal)
    RunItems("run-2", keys[1:]).append_to(journal)
    RunEnd("run-2", 1).append_to(journal)
    verdicts = RunStore(journal.read()).verdicts(commit="c")
    assert {key.scenario: item.verdict for key, item in verdicts.items()} == {
        "x": "passed",
        "y": "crashed",
        "z": "crashed",
    }
