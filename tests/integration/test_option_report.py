"""``--nextrust-report``: CTRF; JUnit XML stays pytest's own."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET

import pytest

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


@pytest.mark.parametrize("workers", [False, True])
def test_ctrf(project: Project, workers: bool) -> None:
    """The document has every item once, with status, verdict, duration and reproduction line; counts add up."""
    project.scenario("tiny")
    project.scenario("wrong", made=exits(3))
    result = (project.run_workers if workers else project.run)(*FIRST, "--nextrust-report", "out/r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    document = json.loads((project.path / "out/r.json").read_text(encoding="utf-8"))
    assert (document["reportFormat"], document["specVersion"]) == ("CTRF", "0.0.0")
    results = document["results"]
    assert results["tool"]["name"] == "pytest-nextrust"
    tests = {test["name"]: test for test in results["tests"]}
    assert {name: test["status"] for name, test in tests.items()} == {
        f"tiny[{CELL}]": "passed",
        f"wrong[{CELL}]": "failed",
    }
    summary = results["summary"]
    assert (summary["tests"], summary["passed"], summary["failed"]) == (2, 1, 1)
    assert summary["start"] <= summary["stop"]
    # With workers the run is a process of its own, started as PYTHON -m pytest.
    start = f"{sys.executable} -m pytest" if workers else "pytest"
    line = f"{start} --nextrust-scenario wrong --nextrust-cell {CELL}"
    assert tests[f"wrong[{CELL}]"]["extra"]["reproduction"] == line
    assert all(isinstance(test["duration"], int) for test in results["tests"])


@pytest.mark.parametrize("name", ["r.xml", "r.html", "r"])
def test_other_suffixes_are_refused(project: Project, name: str) -> None:
    """Any other suffix is refused, naming .json and pytest's own option for XML."""
    result = project.run(*FIRST, "--nextrust-report", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: --nextrust-report {name}: no report form*", "*remedy: *.json (CTRF)*--junitxml FILE"]
    )


def test_junit_carries_the_verdict(project: Project) -> None:
    """pytest's own JUnit report has verdict, cell and reproduction line as properties."""
    project.scenario("tiny")
    assert project.run(*FIRST, "--junitxml", "j.xml").ret == 0
    (case,) = ET.parse(project.path / "j.xml").iter("testcase")
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["nextrust_verdict"] == "passed"
    assert properties["nextrust_cell"] == CELL
