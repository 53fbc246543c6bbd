"""``--nextrust-deps`` and ``--nextrust-force``: what happens where a phase depends on another."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
SECOND = ("--nextrust-phase", "second", "--nextrust-cell", CELL)


@pytest.fixture
def project(project: Project) -> Project:
    """With a commit, a scenario each for first and second."""
    project.scenario("base", "first")
    project.scenario("built", "second")
    assert project.pytester.run("git", "init", "--quiet").ret == 0
    commit(project)
    return project


def commit(project: Project) -> None:
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    assert project.pytester.run(*git, "commit", "--quiet", "--allow-empty", "-m", "next").ret == 0


def ran(project: Project) -> list[tuple[str, str]]:
    return [(item["scenario"], item["verdict"]) for item in project.records()]


def test_without_a_record_dependencies_run_first(project: Project) -> None:
    """The phase depended on runs before the phase asked for."""
    project.run(*SECOND).assert_outcomes(passed=2)
    assert ran(project) == [("base", "passed"), ("built", "passed")]


def test_with_a_record_for_the_commit_they_do_not(project: Project) -> None:
    """What passed for this commit in this cell is not run again; in another cell it is."""
    project.run(*FIRST).assert_outcomes(passed=1, deselected=1)
    result = project.run(*SECOND)
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["nextrust: first passed in 1 cell for this commit; not run again"])
    assert ran(project) == [("base", "passed"), ("built", "passed")]
    project.run("--nextrust-phase", "second", "--nextrust-cell", "ubuntu-latest-debug-m68030").assert_outcomes(passed=2)


def test_a_record_of_another_commit_does_not_count(project: Project) -> None:
    """After a commit the dependency is run again."""
    project.run(*FIRST).assert_outcomes(passed=1, deselected=1)
    commit(project)
    project.run(*SECOND).assert_outcomes(passed=2)


def test_a_new_scenario_is_not_covered_by_an_old_record(project: Project) -> None:
    """A record that lacks a scenario the phase now has is no record of the phase."""
    project.run(*FIRST).assert_outcomes(passed=1, deselected=1)
    project.scenario("added", "first")
    project.run(*SECOND).assert_outcomes(passed=3)


@pytest.mark.parametrize("recorded", [False, True], ids=["in this run", "recorded"])
def test_a_failed_dependency_refuses(project: Project, recorded: bool) -> None:
    """The phase is refused where its dependency failed, in this run or by the record, and the run fails."""
    project.scenario("base", "first", made=exits(1))
    if recorded:
        project.run(*FIRST).assert_outcomes(failed=1, deselected=1)
    result = project.run(*SECOND)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["failed built*: refused: first failed in this cell (*)"])
    result.stdout.fnmatch_lines([f"  pytest --nextrust-phase second --nextrust-cell {CELL}"])
    assert ran(project) == [("base", "failed"), ("built", "failed")]


def test_a_refusal_is_per_cell(project: Project) -> None:
    """A dependency that failed on one CPU refuses the phase on that CPU only."""
    project.scenario("base", "first", head='cpus = ["m68030"]', made=exits(1))
    project.scenario("sound", "first")
    result = project.run("--nextrust-phase", "second", "--nextrust-matrix", "os=ubuntu-latest")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = {cell: verdict for (name, cell), verdict in project.verdicts().items() if name == "built"}
    assert {cell.rpartition("-")[2]: verdict for cell, verdict in found.items()} == {
        "m68030": "failed",
        "m68040": "passed",
    }


def test_a_refusal_does_not_stick(project: Project) -> None:
    """Once the dependency is well, what was refused runs; its refusal is not taken for a failure of its own."""
    project.pytester.path.joinpath("nextrust.toml").write_text(
        project.path.joinpath("nextrust.toml").read_text(encoding="utf-8")
        + '[[phase]]\nid = "third"\nname = "Third"\ndepends = ["second"]\n',
        encoding="utf-8",
    )
    project.scenario("top", "third")
    project.scenario("base", "first", made=exits(1))
    assert project.run("--nextrust-phase", "third", "--nextrust-cell", CELL).ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts()["top", CELL] == "failed"
    project.scenario("base", "first")
    project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).assert_outcomes(passed=1, deselected=2)
    project.run("--nextrust-phase", "third", "--nextrust-cell", CELL).assert_outcomes(passed=2, deselected=1)


def test_force_runs_it_and_is_recorded(project: Project) -> None:
    """``--nextrust-force`` overrides the refusal; start and item say so."""
    project.scenario("base", "first", made=exits(1))
    result = project.run(*SECOND, "--nextrust-force")
    result.assert_outcomes(passed=1, failed=1)
    assert "refused" not in result.stdout.str()
    assert project.records("run-start")[0]["forced"] is True
    assert "(forced: first failed in this cell (base))" in project.records()[-1]["message"]


def test_without_force_nothing_is_recorded_as_forced(project: Project) -> None:
    """The twin: an ordinary run is not marked."""
    project.run(*SECOND).assert_outcomes(passed=2)
    assert '"forced"' not in (project.path / "docs/ci-status/journal.jsonl").read_text(encoding="utf-8")


def test_check_refuses_what_has_no_record(project: Project) -> None:
    """``check`` runs no dependency: without a record the phase is refused; with one it runs."""
    result = project.run(*SECOND, "--nextrust-deps", "check")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["failed built*: refused: first has no record for this commit in this cell*"])
    project.run(*FIRST).assert_outcomes(passed=1, deselected=1)
    project.run(*SECOND, "--nextrust-deps", "check").assert_outcomes(passed=1, deselected=1)


def test_ignore_does_not_look(project: Project) -> None:
    """``ignore`` runs the phase alone, whatever the record says."""
    project.scenario("base", "first", made=exits(1))
    project.run(*FIRST).assert_outcomes(failed=1, deselected=1)
    project.run(*SECOND, "--nextrust-deps", "ignore").assert_outcomes(passed=1, deselected=1)


def test_without_a_commit_only_this_run_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without git nothing recorded can be of this commit: the dependency runs again."""
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    project.run(*FIRST).assert_outcomes(passed=1, deselected=1)
    project.run(*SECOND).assert_outcomes(passed=2)


def test_a_bad_value(project: Project) -> None:
    """Anything but run, check and ignore is refused with these three, on the command line and in the ini file."""
    result = project.run("--nextrust-deps", "maybe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-deps maybe: no such choice", "*remedy: one of run, check, ignore"])
    project.pytester.makeini("[pytest]\nnextrust_deps = never\n")
    result = project.run(*SECOND)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: nextrust_deps never: no such choice"])


def test_the_ini_twin(project: Project) -> None:
    """``nextrust_deps`` fixes it for a project."""
    project.pytester.makeini("[pytest]\nnextrust_deps = ignore\n")
    project.run(*SECOND).assert_outcomes(passed=1, deselected=1)
