"""The table, the counts, the CTRF document and what makes a phase complete."""

from __future__ import annotations

import dataclasses
import json

import pytest
from syrupy.assertion import SnapshotAssertion

from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.report import ctrf
from pytest_nextrust.report.terminal import expected, failures, summary, table
from pytest_nextrust.status.records import Item, Verdict, counts

CELLS = [cell.id for cell in Matrix().cells]


def item(scenario: str, cell: str, verdict: Verdict, *, stand_in: bool = False, message: str = "") -> Item:
    return Item(
        "run-1",
        "phase-1",
        scenario,
        cell,
        verdict,
        stand_in=stand_in,
        seconds=0.25,
        message=message,
        reproduction=f"pytest --nextrust-scenario {scenario} --nextrust-cell {cell}",
        nodeid=f"s/{scenario}/scenario.toml::{scenario}[{cell}]",
    )


ITEMS = [
    *(item("hello", cell, "passed", stand_in=cell.startswith("macos")) for cell in CELLS),
    item("wrong", CELLS[0], "failed", message="exit: expected 0\nmore"),
    item("known", CELLS[1], "expected-failure"),
    item("away", CELLS[1], "skipped"),
]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table(width: int, snapshot: SnapshotAssertion) -> None:
    """Scenario x cell, stand-ins starred, in as many blocks as the width asks for; no line is wider than it."""
    lines = list(table(ITEMS, width=width, order=CELLS))
    assert max(map(len, lines)) <= width
    assert "\n".join(lines) == snapshot


def test_counts() -> None:
    """Every verdict is counted apart; expected failures and skips are not among the passed."""
    assert counts(ITEMS) == {"passed": 8, "failed": 1, "skipped": 1, "expected-failure": 1}
    assert summary(ITEMS) == "8 passed (* 4 of them for another host), 1 failed, 1 skipped, 1 expected-failure"
    assert summary([]) == "nothing ran"


def test_failures() -> None:
    """Only what fails the run is listed, each with one line to repeat it."""
    assert list(failures(ITEMS)) == [
        (f"failed wrong[{CELLS[0]}]: exit: expected 0", f"pytest --nextrust-scenario wrong --nextrust-cell {CELLS[0]}")
    ]


def test_expected_failures_are_grouped() -> None:
    """One line per known issue, however many cells and scenarios show it; nothing else is listed."""
    known = [
        dataclasses.replace(item(scenario, cell, "expected-failure"), known_issue="lost-flags")
        for scenario in ("loop", "format")
        for cell in CELLS[:3]
    ]
    assert list(expected([*known, item("hello", CELLS[0], "passed"), item("wrong", CELLS[0], "failed")])) == [
        "expected by lost-flags: format, loop (6 in all)"
    ]
    assert list(expected(ITEMS[:-3])) == []


def test_ctrf() -> None:
    """Counts add up, verdicts map to CTRF's statuses, and no key is one that CTRF does not have."""
    environment = {"commit": "abc", "run": "r", "host": "h", "phase": "all"}
    document = json.loads(ctrf.render(ITEMS, start=1.0, stop=2.5, environment=environment))
    results = document["results"]
    found = results["summary"]
    assert found == {
        "tests": 11, "passed": 8, "failed": 1, "skipped": 1, "pending": 0, "other": 1, "start": 1000, "stop": 2500,
    }  # fmt: skip
    allowed = {
        "name", "status", "duration", "rawStatus", "suite", "tags", "parameters", "extra", "message", "trace",
        "threadId", "filePath",
    }  # fmt: skip
    for test in results["tests"]:
        assert set(test) <= allowed
        assert test["name"]
        assert test["suite"]
        assert test["duration"] == 250
    assert results["environment"]["commit"] == "abc"
