"""``--nextrust-dry-run``: shows what would run and changes nothing."""

from __future__ import annotations

import pytest

from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


@pytest.mark.parametrize("workers", [False, True])
def test_nothing_changes_on_disk(project: Project, workers: bool) -> None:
    """What would run is listed, nothing runs, and not one file is written or changed; with -n too."""
    project.scenario("tiny")
    before = project.tree()
    run = project.run_workers if workers else project.run
    result = run(*FIRST, "--nextrust-dry-run", "--nextrust-report", "r.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"would run first tiny*{CELL}*", "1 items"])
    assert project.tree() == before


def test_it_still_says_what_is_wrong(project: Project) -> None:
    """A dry run of nothing is a usage error like any other."""
    result = project.run(*FIRST, "--nextrust-dry-run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
