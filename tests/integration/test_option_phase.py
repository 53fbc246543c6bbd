"""``--nextrust-phase``: what is collected, what is deselected, dependencies, and what is written."""

from __future__ import annotations

import pytest

from tests.integration.conftest import CELL, Project

ONE = ("--nextrust-cell", CELL)


def test_without_it_nothing_is_collected_or_written(project: Project) -> None:
    """A run without the option collects no scenario, even where it walks over the file, and writes no status."""
    project.scenario("tiny")
    project.pytester.makepyfile("def test_plain(): pass")
    result = project.run("--collect-only", "-q")
    result.stdout.no_fnmatch_line("*tiny*")
    project.run().assert_outcomes(passed=1)
    project.run("scenarios").assert_outcomes()
    assert not (project.path / "docs").exists()


def test_every_cell_runs(project: Project) -> None:
    """A phase runs its scenarios in all eight cells; the journal has a start, eight items, an end, and projections."""
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "first")
    result.assert_outcomes(passed=8)
    assert len(project.verdicts()) == 8
    assert set(project.verdicts().values()) == {"passed"}
    (start,) = project.records("run-start")
    assert len(start["items"]) == 8
    (end,) = project.records("run-end")
    assert (end["exit"], end["counts"]) == (0, {"passed": 8})
    assert (project.path / "docs/ci-status/pipeline-log.json").exists()
    assert "tiny" in (project.path / "docs/ci-status/pipeline-log.md").read_text(encoding="utf-8")


def test_other_phases_and_unmarked_tests_are_deselected(project: Project) -> None:
    """Scenarios of another phase and unmarked tests do not run; marked ones of the phase do, once per cell."""
    project.scenario("tiny")
    project.scenario("other", "apart")
    project.pytester.makepyfile(
        """
        import pytest
        def test_plain(): assert False
        @pytest.mark.nextrust(phase="first")
        def test_marked(nextrust_cell): pass
        @pytest.mark.nextrust(phase="apart")
        def test_elsewhere(): assert False
        @pytest.mark.nextrust()
        def test_of_no_phase(): assert False
        """
    )
    result = project.run("--nextrust-phase", "first", *ONE)
    result.assert_outcomes(passed=2, deselected=4)
    assert {name for name, _ in project.verdicts()} == {
        "tiny",
        "test_other_phases_and_unmarked_tests_are_deselected.py::test_marked",
    }


def test_an_unknown_phase_is_refused(project: Project) -> None:
    """A phase that does not exist ends the run with status 4 and the ids there are."""
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "third")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --nextrust-phase: no phase 'third'", "*remedy: ID is one of first, second, apart"]
    )


def test_an_unreadable_value_is_refused(project: Project) -> None:
    """A value that cannot be an id is refused with option, value and accepted form."""
    result = project.run("--nextrust-phase", "a b")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-phase a b: not a name", "*remedy: letters, digits, _ . and -"])


def test_nothing_selected_names_the_folders(project: Project) -> None:
    """A phase for which nothing is found is a usage error that names the folders searched."""
    project.scenario("tiny", "apart")
    result = project.run("--nextrust-phase", "first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: nothing selected for phase first in *: searched {project.path}/scenarios"])
    assert project.records("run-start") == []


def test_a_path_restricts(project: Project) -> None:
    """With a path argument only what lies there is collected."""
    project.scenario("tiny")
    project.scenario("other")
    result = project.run("--nextrust-phase", "first", *ONE, "scenarios/other")
    result.assert_outcomes(passed=1)
    assert {name for name, _ in project.verdicts()} == {"other"}


def test_a_node_id_works_as_an_argument(project: Project) -> None:
    """The node id that a run prints selects exactly that item, with and without a phase."""
    project.scenario("tiny")
    node = f"scenarios/tiny/scenario.toml::tiny[{CELL}]"
    project.run(node).assert_outcomes(passed=1)
    assert not (project.path / "docs").exists()
    project.run("--nextrust-phase", "first", node).assert_outcomes(passed=1)
    assert list(project.verdicts()) == [("tiny", CELL)]
    assert project.records()[0]["nodeid"] == node


def test_all_runs_phases_in_dependency_order(project: Project) -> None:
    """``all`` runs every phase, dependencies first, whatever the scenarios are called."""
    project.scenario("a", "second")
    project.scenario("b", "first")
    project.scenario("c", "apart")
    project.run("--nextrust-phase", "all", *ONE).assert_outcomes(passed=3)
    order = [item["phase"] for item in project.records()]
    assert order.index("first") < order.index("second")


def test_a_phase_without_a_scenario_fails(project: Project) -> None:
    """Under ``all`` a phase that has nothing is failed: nothing to verify, and so is the run."""
    project.scenario("tiny", "first")
    project.scenario("last", "second")
    result = project.run("--nextrust-phase", "all", *ONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["failed (nothing)*: nothing to verify: apart has no scenario and no marked test"])
    result.stdout.fnmatch_lines([f"*pytest --nextrust-phase apart --nextrust-cell {CELL}"])


def test_current_is_the_first_phase_that_is_not_done(project: Project) -> None:
    """``current`` runs the first phase; once all its cells passed it is done, and ``current`` is the next one."""
    project.scenario("tiny", "first")
    project.scenario("last", "second")
    result = project.run("--nextrust-phase", "current")
    result.stdout.fnmatch_lines(["first is done: artifacts/phase/first.done"])
    assert {item["phase"] for item in project.records()} == {"first"}
    # No repository, so no commit for which the record of first could stand: it runs again before second.
    project.run("--nextrust-phase", "current", *ONE).assert_outcomes(passed=2)
    assert project.records()[-1]["phase"] == "second"


@pytest.mark.parametrize("workers", [0, 2], ids=["alone", "workers"])
@pytest.mark.parametrize("less", [("-k", "test_one"), ("--nextrust-cell", CELL)], ids=["by-name", "by-cell"])
def test_a_marked_test_that_was_left_out_keeps_its_phase_open(
    project: Project, less: tuple[str, str], workers: int
) -> None:
    """Marked tests that -k or the choice of cells leaves out were not shown; with them the phase is done."""
    tests = "".join(
        f"@pytest.mark.nextrust(phase='first')\ndef test_{name}(nextrust_cell):\n    pass\n" for name in ("one", "two")
    )
    (project.path / "test_it.py").write_text(f"import pytest\n{tests}")
    run = project.run_workers if workers else project.run
    assert run("--nextrust-phase", "first", *less).ret == 0
    marker = project.path / "artifacts/phase/first.done"
    assert not marker.exists()
    assert run("--nextrust-phase", "first").ret == 0
    assert marker.exists()


def test_a_phase_seen_in_part_is_not_done(project: Project) -> None:
    """One cell, or one scenario of two, does not make a phase done; a failure takes the marker away again."""
    project.scenario("tiny", "first")
    marker = project.path / "artifacts/phase/first.done"
    assert project.run("--nextrust-phase", "first", *ONE).ret == 0
    assert not marker.exists()
    assert project.run("--nextrust-phase", "first").ret == 0
    assert marker.exists()
    project.scenario("tiny", "first", expect="exit = 1")
    assert project.run("--nextrust-phase", "first").ret == pytest.ExitCode.TESTS_FAILED
    assert not marker.exists()


def test_a_repository_without_a_commit(project: Project) -> None:
    """An empty git repository is no obstacle."""
    project.scenario("tiny")
    assert project.pytester.run("git", "init", "--quiet").ret == 0
    project.run("--nextrust-phase", "first", *ONE).assert_outcomes(passed=1)
    assert project.records("run-start")[0]["commit"] == ""
