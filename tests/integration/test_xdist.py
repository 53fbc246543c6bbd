"""With workers: the same results as without, cells kept together, and nothing lost without a sign."""

from __future__ import annotations

from collections import defaultdict

import pytest

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal")


def results(project: Project, run: int = -1) -> list[tuple[str, str, str, str]]:
    """What the newest run recorded, sorted, without what differs between runs."""
    last = project.records("run-start")[run]["run"]
    keys = ("nodeid", "verdict", "phase", "reproduction")
    return sorted(tuple(item[key] for key in keys) for item in project.records() if item["run"] == last)


def test_every_mode_gives_the_same_results(project: Project) -> None:
    """-n 0, -n 2 and every --dist mode but each record the same sorted results and end with the same status."""
    project.scenario("base")
    project.scenario("wrong", head='cpus = ["m68040"]', made=exits(1))
    project.scenario("after", "second")
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust(phase="second")
        @pytest.mark.parametrize("n", [1, 2])
        def test_marked(n): pass
        """
    )
    options = ("--nextrust-phase", "second", "--nextrust-deps", "run", "--nextrust-matrix", "os=ubuntu-latest")
    assert project.run_workers(*options, workers=0).ret == 1
    alone = results(project)
    assert len(alone) == 18
    for mode in MODES:
        result = project.run_workers(*options, f"--dist={mode}")
        assert result.ret == 1
        assert results(project) == alone, mode
        assert "passed" in result.stdout.str()
        result.stdout.fnmatch_lines(["*10 passed, 8 failed"])


def test_a_cell_stays_on_one_worker_in_phase_order(project: Project) -> None:
    """In every cell all items ran on one worker, the phase depended on first; both workers had work."""
    for name in ("a", "b"):
        project.scenario(f"z-{name}", "first")
        project.scenario(f"a-{name}", "second")
    result = project.run_workers("--nextrust-phase", "all", "--nextrust-matrix", "profile=debug")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # "apart" has nothing to verify
    by_cell: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item in project.records():
        if item["scenario"] != "(nothing)":
            by_cell[item["cell"]].append((item["worker"], item["phase"]))
    assert len(by_cell) == 4
    for items in by_cell.values():
        assert len({worker for worker, _ in items}) == 1
        assert [phase for _, phase in items] == ["first", "first", "second", "second"]
    assert {items[0][0] for items in by_cell.values()} == {"gw0", "gw1"}


def test_each_is_refused(project: Project) -> None:
    """``--dist each`` with a phase is a usage error."""
    project.scenario("tiny")
    result = project.run_workers("--nextrust-phase", "first", "--dist=each")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --dist each: *"])


def test_nothing_selected(project: Project) -> None:
    """Nothing selected is the usage error that it is without workers."""
    project.scenario("tiny", "apart")
    result = project.run_workers("--nextrust-phase", "first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: nothing selected for phase first*/scenarios"])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_faulty_file_stops_the_run(project: Project, workers: int) -> None:
    """A scenario that cannot be read stops the run before anything runs or is recorded, with workers as without;
    --continue-on-collection-errors runs the rest, and the run fails all the same."""
    project.scenario("tiny")
    project.scenario("broken").write_text("schema = 2\n", encoding="utf-8")
    options = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
    result = project.run_workers(*options, workers=workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*schema*", "*Interrupted: 1 error during collection*"])
    assert project.records() == []
    result = project.run_workers(*options, "--continue-on-collection-errors", workers=workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*schema*"])
    assert project.verdicts() == {("tiny", CELL): "passed"}


KILLER = """
    import os, pytest
    @pytest.mark.nextrust(phase="first")
    def test_a_kills(nextrust_cell):
        if nextrust_cell.cpu == "m68040":
            os.kill(os.getpid(), 9)
    @pytest.mark.nextrust(phase="second")
    def test_b_depends(): pass
    @pytest.mark.nextrust(phase="apart")
    def test_c_apart(): pass
"""


def test_a_killed_worker_is_crashed(project: Project) -> None:
    """A worker is killed while it runs an item: the item is crashed, what depends on it in that cell is refused, the
    rest of the run goes on, and the run fails."""
    project.pytester.makepyfile(KILLER)
    result = project.run_workers(
        "--nextrust-phase", "all", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-matrix", "profile=debug"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = {(name.rpartition("::")[2], cell.rpartition("-")[2]): v for (name, cell), v in project.verdicts().items()}
    assert found == {
        ("test_a_kills", "m68030"): "passed",
        ("test_a_kills", "m68040"): "crashed",
        ("test_b_depends", "m68030"): "passed",
        ("test_b_depends", "m68040"): "failed",
        ("test_c_apart", "m68030"): "passed",
        ("test_c_apart", "m68040"): "passed",
    }
    crashed = next(item for item in project.records() if item["verdict"] == "crashed")
    assert crashed["message"].startswith("worker gw")
    assert project.records("run-end")[0]["counts"] == {"passed": 4, "failed": 1, "crashed": 1}


def test_without_a_new_worker_the_rest_is_crashed(project: Project) -> None:
    """Where no worker may take a dead one's place, every item that never ran is recorded as crashed."""
    project.pytester.makepyfile(KILLER)
    result = project.run_workers(
        "--nextrust-phase", "all", "--nextrust-cell", CELL, "--max-worker-restart=0", workers=1
    )
    assert result.ret != pytest.ExitCode.OK
    assert set(project.verdicts().values()) == {"crashed"}
    assert len(project.verdicts()) == 3
    (end,) = project.records("run-end")
    assert end["exit"] != 0


def test_a_report_that_cannot_be_carried(project: Project) -> None:
    """A value that execnet cannot carry neither loses the test nor lets the run pass: crashed, naming the property."""
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust(phase="first")
        def test_property(record_property): record_property("handle", object())
        @pytest.mark.nextrust(phase="first")
        def test_sound(record_property): record_property("handle", "plain")
        """
    )
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = {name.rpartition("::")[2]: verdict for (name, _), verdict in project.verdicts().items()}
    assert found == {"test_property": "crashed", "test_sound": "passed"}
    result.stdout.fnmatch_lines(["crashed *test_property*property handle (a object)*"])


def test_a_report_lost_on_the_way(project: Project) -> None:
    """A report lost after the worker's guard has seen it is missed by the controller: crashed, and the run fails."""
    project.pytester.makeconftest(
        """
        import pytest
        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_logreport(report):
            if "test_lost" in report.nodeid and hasattr(report, "node"):
                report.nextrust = None
            return (yield)
        """
    )
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust(phase="first")
        def test_lost(): pass
        @pytest.mark.nextrust(phase="first")
        def test_sound(): pass
        """
    )
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = {name.rpartition("::")[2]: verdict for (name, _), verdict in project.verdicts().items()}
    assert found == {"test_lost": "crashed", "test_sound": "passed"}


def test_a_lost_worker_payload(project: Project) -> None:
    """A worker whose last words cannot be carried fails the run, although every test passed."""
    project.scenario("tiny")
    project.pytester.makeconftest(
        """
        import pytest
        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workeroutput"):
                session.config.workeroutput.pop("nextrust", None)
        """
    )
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the run itself: worker gw* ended without handing over its results"])


def test_a_record_missing_from_the_journal(project: Project) -> None:
    """A report that came back without a record in the journal is crashed: the journal is what counts."""
    project.pytester.makeconftest(
        """
        import pytest
        from pytest_nextrust.status.recorder import RunRecorder
        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                RunRecorder.item = lambda self, item: None
        """
    )
    project.scenario("tiny")
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("tiny", CELL): "crashed"}
    assert project.records()[0]["message"] == "its record is not in the journal"
