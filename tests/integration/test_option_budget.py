"""``--nextrust-budget``: limits of a run."""

from __future__ import annotations

import pytest

from pytest_nextrust.testing import ENDLESS
from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def test_instructions(project: Project) -> None:
    """A program that needs more instructions than given ends with verdict budget and fails the run."""
    project.scenario("endless", made=ENDLESS)
    result = project.run(*FIRST, "--nextrust-budget", "10_000")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("endless", CELL): "budget"}
    result.stdout.fnmatch_lines(["budget endless*: expected exit status 0; *still ran after 10_000 *"])


def test_time(project: Project) -> None:
    """A program that runs longer than the time given ends with verdict budget."""
    project.scenario("endless", made=ENDLESS)
    assert project.run(*FIRST, "--nextrust-budget", "200ms").ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("endless", CELL): "budget"}


def test_an_endless_program_may_be_expected(project: Project) -> None:
    """A scenario that expects to run into its budget passes when it does."""
    project.scenario("endless", made=ENDLESS, expect='end = "budget"', extra="[limits]\nbudget = 1000")
    project.run(*FIRST).assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["fast", "-5", "0", "1.5", "10h", ""])
def test_bad_values(project: Project, value: str) -> None:
    """Anything that is neither a number of instructions nor a time is refused with both forms."""
    result = project.run(f"--nextrust-budget={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str()
    assert f"ERROR: --nextrust-budget {value}".rstrip() in said
    assert "remedy: a number of instructions (5_000_000, 5M) or a time with its unit (500ms, 30s, 2m)" in said


def test_the_ini_twin(project: Project) -> None:
    """``nextrust_budget`` fixes it for a project."""
    project.scenario("endless", made=ENDLESS)
    project.pytester.makeini("[pytest]\nnextrust_budget = 2000\n")
    result = project.run(*FIRST)
    result.stdout.fnmatch_lines(["budget endless*still ran after 2_000 instructions*"])
