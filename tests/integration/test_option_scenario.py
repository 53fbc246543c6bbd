"""``--nextrust-scenario``: the reproduction line."""

from __future__ import annotations

import pytest

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project


def test_alone_it_runs_that_scenario_and_writes_nothing(project: Project) -> None:
    """Name and cell run exactly one item, without a phase and without a record."""
    project.scenario("tiny")
    project.scenario("other")
    project.pytester.makepyfile("def test_plain(): assert False")
    result = project.run("--nextrust-scenario", "tiny", "--nextrust-cell", CELL)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenarios/tiny/scenario.toml *"])
    assert not (project.path / "docs").exists()


def test_it_checks_no_dependency(project: Project) -> None:
    """A scenario of a phase whose dependency failed for this commit runs all the same."""
    project.scenario("base", "first", made=exits(1))
    project.scenario("tiny", "second")
    assert project.run("--nextrust-phase", "all", "--nextrust-cell", CELL).ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts()["tiny", CELL] == "failed"
    project.run("--nextrust-scenario", "tiny", "--nextrust-cell", CELL).assert_outcomes(passed=1)


def test_an_unknown_name(project: Project) -> None:
    """A scenario that does not exist is refused with the folders searched and the names there are."""
    project.scenario("tiny")
    result = project.run("--nextrust-scenario", "tinny")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-scenario tinny: no such scenario in */scenarios; known: tiny"])


def test_every_failure_prints_a_line_that_repeats_it(project: Project) -> None:
    """The line printed for a failure, run as it stands, selects that item alone and fails the same way."""
    project.scenario("wrong", made=exits(3))
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-budget", "5000")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    line = f"pytest --nextrust-scenario wrong --nextrust-cell {CELL} --nextrust-budget 5000"
    result.stdout.fnmatch_lines(
        [f"failed wrong*{CELL}*: exit: expected exit status 0; the program exited with status 3", f"  {line}"]
    )
    again = project.run(*line.split()[1:])
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["failed: exit: expected exit status 0; the program exited with status 3"])


def test_the_line_of_a_scenario_elsewhere_has_its_path(project: Project) -> None:
    """A scenario outside the configured folders is repeated by its path, and the line works."""
    project.scenario("tiny")
    (project.path / "scenarios").rename(project.path / "elsewhere")
    project.scenario("tiny", made=exits(9))
    (project.path / "elsewhere/tiny/program.macho").write_bytes(exits(7))
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL, "elsewhere")
    line = f"pytest elsewhere/tiny/scenario.toml --nextrust-scenario tiny --nextrust-cell {CELL}"
    result.stdout.fnmatch_lines([f"  {line}"])
    again = project.run(*line.split()[1:])
    again.stdout.fnmatch_lines(["failed: exit: expected exit status 0; the program exited with status 7"])
