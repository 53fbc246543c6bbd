"""The marker and the fixtures, with and without a phase."""

from __future__ import annotations

import pytest

from pytest_nextrust.testing import prints
from tests.integration.conftest import CELL, Project
from tests.unit.explore import threads

ONE = "os=ubuntu-latest\nprofile=release\ncpu=m68040"
FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def test_a_marked_test_runs_once_per_cell(project: Project) -> None:
    """The marker alone, or asking for a cell, makes a test per cell; cpu narrows it; settings narrow it further."""
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust
        def test_marked(): pass
        @pytest.mark.nextrust(cpu="m68030")
        def test_cpu(nextrust_cell): assert nextrust_cell.cpu == "m68030"
        def test_cell(nextrust_cell): assert nextrust_cell.id.endswith(nextrust_cell.cpu)
        def test_plain(): pass
        """
    )
    project.run().assert_outcomes(passed=8 + 4 + 8 + 1)
    project.run("-o", "nextrust_matrix=os=ubuntu-latest").assert_outcomes(passed=4 + 2 + 4 + 1)
    project.run("-o", f"nextrust_matrix={ONE}").assert_outcomes(passed=3, skipped=1)
    assert not (project.path / "docs").exists()


def test_every_fault_of_a_marker_is_a_collection_error(project: Project) -> None:
    """Unknown keys, phases, stages and CPUs of a marker are listed together."""
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust("x", phase="nowhere", stage="hallo", cpu=["m68020"], speed=3)
        def test_marked(): pass
        """
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*marker nextrust: takes no positional argument, got 'x'",
            "*marker nextrust: no key 'speed'; one of phase, stage, cpu",
            "*marker nextrust: no phase 'nowhere'; one of first, second, apart",
            "*marker nextrust: no stage 'hallo'; one of environment, *",
            "*marker nextrust: no cpu 'm68020'; one of m68030, m68040",
        ]
    )


def test_the_phase_fixture(project: Project) -> None:
    """``nextrust_phase`` is the marker's phase, None without one."""
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust(phase="first", stage="hello")
        def test_marked(nextrust_phase): assert nextrust_phase == "first"
        def test_unmarked(nextrust_phase): assert nextrust_phase is None
        """
    )
    project.run("-o", f"nextrust_matrix={ONE}").assert_outcomes(passed=2)


def test_the_machine_fixture(project: Project) -> None:
    """``nextrust_machine`` runs a program on the cell's CPU; what it ran is in the record of a marked test."""
    (project.path / "p.macho").write_bytes(prints(b"hi\n", 3))
    project.pytester.makepyfile(
        """
        import pathlib, pytest
        @pytest.mark.nextrust(phase="first")
        def test_run(nextrust_machine, nextrust_cell):
            for program in (pathlib.Path("p.macho"), pathlib.Path("p.macho").read_bytes()):
                record = nextrust_machine.run(program, "one", env={"A": "b"}, budget=10_000)
                assert (record.stdout, record.end.kind, record.end.value) == (b"hi\\n", "exit", 3)
                assert record.cpu == nextrust_cell.cpu
        """
    )
    project.run().assert_outcomes(passed=8)
    project.run(*FIRST).assert_outcomes(passed=1)
    assert len(project.records()[0]["program_sha256"]) == 64


@pytest.mark.needs_compiler("gnu")
def test_the_build_and_toolchain_fixtures(project: Project) -> None:
    """``nextrust_build`` makes a program with ``nextrust_toolchain`` for the cell; the machine takes what it made."""
    (project.path / "p.c").write_text("int main(void) { return 42; }\n", encoding="utf-8")
    project.pytester.makepyfile(
        """
        def test_build(nextrust_build, nextrust_toolchain, nextrust_machine):
            assert nextrust_toolchain.name == "gnu"
            made = nextrust_build("p.c", optimise="s")
            assert (made.toolchain, made.provenance) == ("gnu", "built")
            assert nextrust_machine.run(made).end.value == 42
        """
    )
    project.run("-o", f"nextrust_matrix={ONE}").assert_outcomes(passed=1)


def test_the_toolchain_fixture_and_its_option(project: Project) -> None:
    """``--nextrust-toolchain`` chooses; an unknown name is refused with those there are."""
    project.pytester.makepyfile("def test_it(nextrust_toolchain): assert nextrust_toolchain.name == 'prebuilt'")
    project.run("--nextrust-toolchain", "prebuilt").assert_outcomes(passed=1)
    result = project.run("--nextrust-toolchain", "watcom")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--nextrust-toolchain watcom: no such toolchain*", "*remedy: one of gnu, *"])


def test_the_explore_fixture(project: Project) -> None:
    """``nextrust_explore`` proves a right test; of a broken one the failing run and its token are shown."""
    (project.path / "right.macho").write_bytes(threads.RIGHT)
    (project.path / "lost.macho").write_bytes(threads.LOST_UPDATE)
    project.pytester.makepyfile(
        """
        def test_right(nextrust_explore):
            assert nextrust_explore("right.macho").verdict == "passed"

        def test_lost(nextrust_explore):
            explored = nextrust_explore("lost.macho")
            assert explored.finding.kind == "final"
            assert explored.token.startswith("nx1")
            assert explored.verdict == "passed"
        """
    )
    result = project.run("-o", f"nextrust_matrix={ONE}")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["failed: nextrust_check answers 1, not 0", "run it again: nextrust replay nx1*"])
    assert len(list((project.path / "artifacts/nextrust/programs").glob("*.macho"))) == 2


def test_the_status_fixture(project: Project) -> None:
    """``nextrust_status`` writes entries of the test's own into this run's log; without a phase it writes nothing."""
    project.pytester.makepyfile(
        """
        import pytest
        @pytest.mark.nextrust(phase="first")
        def test_note(nextrust_status):
            record = nextrust_status.append("note", {"text": "here"})
            assert (record is None) == (nextrust_status.run == "")
        """
    )
    project.run("-o", f"nextrust_matrix={ONE}").assert_outcomes(passed=1)
    assert not (project.path / "docs").exists()
    project.run(*FIRST).assert_outcomes(passed=1)
    assert project.records("note") == [{"text": "here"}]


def test_verdicts_of_marked_tests(project: Project) -> None:
    """Passed, failed, skipped, expected failures with a known issue, unexpected passes, and errors around a test."""
    project.pytester.makepyfile(
        """
        import errno, pytest
        from pytest_nextrust.errors import HarnessFault, ToolchainMissing
        pytestmark = pytest.mark.nextrust(phase="first")
        def test_passed(): pass
        def test_failed(): assert 1 == 2
        def test_skipped(): pytest.skip("not here")
        @pytest.mark.xfail(reason="known-7: wrong flags")
        def test_expected(): assert 1 == 2
        @pytest.mark.xfail
        def test_no_reason(): assert 1 == 2
        @pytest.mark.xfail(reason="known-7", strict=False)
        def test_unexpected(): pass
        @pytest.mark.xfail(reason="known-7", strict=True)
        def test_strict(): pass
        def test_crashed(): raise HarnessFault("sandbox", "died")
        def test_missing(): raise ToolchainMissing("gnu", "not here")
        def test_full(): raise OSError(errno.ENOSPC, "full")
        @pytest.fixture
        def bad(): assert False
        def test_setup(bad): pass
        @pytest.fixture
        def late():
            yield
            assert False
        def test_teardown(late): pass
        """
    )
    result = project.run(*FIRST)
    assert result.ret == 1
    assert {name.rpartition("::test_")[2]: verdict for (name, _), verdict in project.verdicts().items()} == {
        "passed": "passed",
        "failed": "failed",
        "skipped": "skipped",
        "expected": "expected-failure",
        "no_reason": "failed",
        "unexpected": "unexpected-pass",
        "strict": "unexpected-pass",
        "crashed": "crashed",
        "missing": "infra-error",
        "full": "infra-error",
        "setup": "failed",
        "teardown": "failed",
    }
    assert [i["known_issue"] for i in project.records() if i["verdict"] == "expected-failure"] == ["known-7:"]


def test_a_marked_test_is_repeated_by_its_node_id(project: Project) -> None:
    """The line printed for a marked test selects it, without a phase."""
    project.pytester.makepyfile(
        test_marked="import pytest\n@pytest.mark.nextrust(phase='first')\ndef test_it(): assert False\n"
    )
    result = project.run(*FIRST)
    result.stdout.fnmatch_lines([f"  pytest 'test_marked.py::test_it?{CELL}?'"])
    project.run(f"test_marked.py::test_it[{CELL}]").assert_outcomes(failed=1)
