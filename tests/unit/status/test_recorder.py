"""When a phase is complete, by what the log has of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.recorder import complete
from pytest_nextrust.status.records import Item, ItemKey, RunStart, Verdict
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
