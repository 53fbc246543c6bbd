"""What a run records: items, cut where they are too long, and the markers of phases that are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.project.matrix import Cell, Matrix
from pytest_nextrust.project.phases import Phase, Phases, read_done
from pytest_nextrust.status.environment import Environment
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.recorder import RunRecorder, complete
from pytest_nextrust.status.records import Item, ItemKey, PhaseDone, RunStart, Verdict
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
