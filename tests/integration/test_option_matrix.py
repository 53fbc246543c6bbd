"""``--nextrust-matrix`` and ``--nextrust-cell``: which cells run."""

from __future__ import annotations

import pytest

from tests.integration.conftest import CELL, Project

PHASE = ("--nextrust-phase", "first")


def test_it_keeps_the_values_named(project: Project) -> None:
    """Values of several axes multiply; the same axis twice is the union."""
    project.scenario("tiny")
    options = ["os=ubuntu-latest", "profile=debug", "cpu=m68030", "cpu=m68040"]
    result = project.run(*PHASE, *(f"--nextrust-matrix={o}" for o in options))
    result.assert_outcomes(passed=2)
    assert {cell for _, cell in project.verdicts()} == {"ubuntu-latest-debug-m68030", "ubuntu-latest-debug-m68040"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cpu", "ERROR: --nextrust-matrix: cannot read 'cpu'\n  remedy: write KEY=V1,V2"),
        ("speed=9", "ERROR: --nextrust-matrix: no axis 'speed'\n  remedy: KEY is one of os, profile, cpu"),
        ("cpu=m68020", "ERROR: --nextrust-matrix: no cpu 'm68020'\n  remedy: cpu is one of m68030, m68040"),
    ],
)
def test_bad_values(project: Project, value: str, message: str) -> None:
    """A form, an axis or a value that does not exist is refused with what is accepted, used or not."""
    for options in (PHASE, ()):
        result = project.run(*options, "--nextrust-matrix", value)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert message in result.stderr.str()


def test_the_ini_twin(project: Project) -> None:
    """``nextrust_matrix`` fixes the matrix of a project; the command line takes its place."""
    project.scenario("tiny")
    project.pytester.makeini("[pytest]\nnextrust_matrix =\n    os=ubuntu-latest\n    profile=debug\n")
    project.run(*PHASE).assert_outcomes(passed=2)
    project.run(*PHASE, "--nextrust-matrix", "cpu=m68040").assert_outcomes(passed=4)


def test_a_cell(project: Project) -> None:
    """``--nextrust-cell`` runs exactly that cell."""
    project.scenario("tiny")
    project.run(*PHASE, "--nextrust-cell", CELL).assert_outcomes(passed=1)
    assert list(project.verdicts()) == [("tiny", CELL)]


def test_an_unknown_cell(project: Project) -> None:
    """A cell that does not exist is refused with the ids there are; a cell outside the matrix kept, too."""
    result = project.run(*PHASE, "--nextrust-cell", "amiga-debug-m68030")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --nextrust-cell: no cell 'amiga-debug-m68030'", "*remedy: ID is one of ubuntu-latest-debug-m68030, *"]
    )
    result = project.run(*PHASE, "--nextrust-cell", CELL, "--nextrust-matrix", "cpu=m68030")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --nextrust-cell: no cell '{CELL}'"])


def test_a_scenario_keeps_to_its_cpus_and_profiles(project: Project) -> None:
    """A scenario about one CPU and one profile has one item per os."""
    project.scenario("narrow", head='cpus = ["m68040"]\nprofiles = ["debug"]')
    project.run(*PHASE).assert_outcomes(passed=2)
    assert {cell for _, cell in project.verdicts()} == {"ubuntu-latest-debug-m68040", "macos-latest-debug-m68040"}


def test_stand_ins_are_marked(project: Project) -> None:
    """A cell of another host runs here, is recorded as a stand-in, and shows as passed*."""
    project.scenario("tiny")
    result = project.run(*PHASE, "--nextrust-matrix", "profile=debug", "--nextrust-matrix", "cpu=m68030")
    assert sorted(item["stand_in"] for item in project.records()) == [False, True]
    result.stdout.fnmatch_lines(["2 passed (* 1 of them for another host)"])
    assert "passed*" in result.stdout.str()
