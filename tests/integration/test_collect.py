"""Collection: where scenarios come from, what a faulty file does, verdicts of single scenarios."""

from __future__ import annotations

import pytest

from pytest_nextrust.testing import ILLEGAL, exits, prints, write_scenario
from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def test_every_fault_of_a_file_is_reported_at_once(project: Project) -> None:
    """A scenario with five faults is one collection error that lists all five; the run fails and records nothing."""
    project.scenario("tiny")
    file = project.scenario("broken")
    file.write_text(
        'schema = 3\ntitle = ""\nphase = "nowhere"\nstage = "hello"\n[program]\nfile = "missing.macho"\n'
        "[expect]\nexit = 999\n",
        encoding="utf-8",
    )
    result = project.run(*FIRST)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "scenario broken */scenarios/broken/scenario.toml: 5 faults",
            "  schema: *",
            "  title: empty *",
            "  expect.exit: 999 is too large*",
            "  program.file: no file 'missing.macho' in *",
            "  phase: no phase 'nowhere' (one of first, second, apart)",
        ]
    )
    assert project.records("run-start") == []


def test_shipped_scenarios_are_collected_and_may_be_replaced(project: Project) -> None:
    """Shipped scenarios are found; a project's of the same name runs in place of it, and the run says so."""
    (project.path / "nextrust.toml").unlink()
    options = ("--nextrust-phase", "phase-1", "--nextrust-cell", CELL, "--collect-only", "-q")
    project.run(*options).stdout.fnmatch_lines([f"*scenarios/environment/scenario.toml::environment*{CELL}*"])
    project.scenario("environment", "phase-1")
    result = project.run(*options)
    result.stdout.fnmatch_lines([f"scenarios/environment/scenario.toml::environment*{CELL}*"])
    result.stdout.no_fnmatch_line("../*environment/scenario.toml::environment*")
    header = project.run(*options[:-1])
    header.stdout.fnmatch_lines(
        [f"nextrust: scenario environment: {project.path}/scenarios/environment/scenario.toml replaces *"]
    )


def test_a_project_without_the_shipped_phases_has_none_of_their_scenarios(project: Project) -> None:
    """``shipped_phases = false`` leaves the shipped scenarios out too."""
    project.scenario("tiny")
    result = project.run(*FIRST, "--collect-only", "-q")
    result.stdout.no_fnmatch_line("*environment*")


def test_folders_from_the_ini_file(project: Project) -> None:
    """``nextrust_scenarios`` names the project's folders, relative to the rootdir."""
    write_scenario(project.path / "one", "tiny", phase="first")
    write_scenario(project.path / "two" / "deep", "other", phase="first")
    project.scenario("unseen")
    project.pytester.makeini("[pytest]\nnextrust_scenarios = one two/deep\n")
    project.run(*FIRST).assert_outcomes(passed=2)
    assert {name for name, _ in project.verdicts()} == {"tiny", "other"}


@pytest.mark.parametrize(
    ("made", "expect", "verdict"),
    [
        (exits(0), "exit = 0", "passed"),
        (exits(7), "exit = 7", "passed"),
        (exits(1), "exit = 0", "failed"),
        (prints(b"hello\n"), 'exit = 0\nstdout = "hello\\n"', "passed"),
        (prints(b"hallo\n"), 'exit = 0\nstdout = "hello\\n"', "failed"),
        (prints(b"hello\n"), 'exit = 0\nstdout_contains = ["ell"]', "passed"),
        (prints(b"hello\n"), 'exit = 0\nstdout_contains = ["ex"]', "failed"),
        (ILLEGAL, 'signal = "SIGILL"', "passed"),
        (ILLEGAL, 'signal = "SIGSEGV"', "failed"),
        (ILLEGAL, "exit = 0", "failed"),
        (exits(0), 'signal = "SIGILL"', "failed"),
        (exits(0), 'exit = 0\nfiles = { "out" = "x" }', "failed"),
        (b"not a program at all", "exit = 0", "failed"),
    ],
)
def test_verdicts(project: Project, made: bytes, expect: str, verdict: str) -> None:
    """What the program does against what is expected."""
    project.scenario("tiny", made=made, expect=expect)
    result = project.run(*FIRST)
    assert project.verdicts() == {("tiny", CELL): verdict}
    assert result.ret == (0 if verdict == "passed" else 1)


KNOWN = '[[known_issue]]\nid = "known-1"\nfailure = "exit"\ncpus = ["m68040"]\n'


def test_a_known_issue_is_a_strict_expected_failure(project: Project) -> None:
    """In the cells it names the failure is expected, counted apart, and the run passes; elsewhere it fails."""
    project.scenario("wrong", made=exits(1), extra=KNOWN)
    result = project.run(*FIRST)
    assert result.ret == 0
    result.assert_outcomes(xfailed=1)
    assert project.records()[0]["verdict"] == "expected-failure"
    assert project.records()[0]["known_issue"] == "known-1"
    result.stdout.fnmatch_lines(["1 expected-failure"])
    other = project.run("--nextrust-phase", "first", "--nextrust-cell", "ubuntu-latest-release-m68030")
    assert other.ret == pytest.ExitCode.TESTS_FAILED
    assert project.records()[-1]["verdict"] == "failed"


def test_a_known_issue_that_passes_fails_the_run(project: Project) -> None:
    """A program that is right where a known issue says it is wrong is an unexpected pass, and fails the run."""
    project.scenario("right", made=exits(0), extra=KNOWN)
    result = project.run(*FIRST)
    assert result.ret == 1
    assert project.records()[0]["verdict"] == "unexpected-pass"


def test_a_known_issue_expects_one_failure_and_no_other(project: Project) -> None:
    """A failure of another kind than the entry names is a failure."""
    project.scenario("wrong", made=prints(b"x"), expect='exit = 0\nstdout = "y"', extra=KNOWN)
    assert project.run(*FIRST).ret == pytest.ExitCode.TESTS_FAILED
    assert project.records()[0]["verdict"] == "failed"


def test_early_end_leaves_the_rest_crashed(project: Project) -> None:
    """With -x what was announced and never ran is recorded as crashed, with the reason."""
    project.scenario("a-wrong", made=exits(1))
    project.scenario("b-right")
    result = project.run(*FIRST, "-x")
    assert result.ret == 1
    assert project.verdicts() == {("a-wrong", CELL): "failed", ("b-right", CELL): "crashed"}
    assert project.records()[-1]["message"] == "it never reported: the run ended early (stopping after 1 failures)"


def test_a_dead_machine_costs_one_test(project: Project) -> None:
    """A sandbox that dies of a program: verdict crashed with its reason, and the next program runs."""
    project.pytester.makeconftest(
        """
        import os, signal
        import pytest_nextrust.emu.sandbox as sandbox
        whole = sandbox._ChildProcess.exchange
        def exchange(self, message, *rest):
            if b"deadly" in repr(message).encode():
                self.popen.send_signal(signal.SIGABRT)
            return whole(self, message, *rest)
        def pytest_configure():
            sandbox._ChildProcess.exchange = exchange
        def pytest_unconfigure():
            sandbox._ChildProcess.exchange = whole
        """
    )
    project.scenario("a-deadly")
    project.scenario("b-tiny")
    result = project.run(*FIRST)
    assert project.verdicts() == {("a-deadly", CELL): "crashed", ("b-tiny", CELL): "passed"}
    result.stdout.fnmatch_lines(["crashed a-deadly*SIGABRT*"])


@pytest.mark.parametrize("workers", [0, 2])
def test_last_failed_runs_what_failed(project: Project, workers: int) -> None:
    """``--lf`` after a failing run runs the scenario that failed, and no other; ``--ff`` runs it first."""
    project.scenario("fine")
    project.scenario("wrong", made=exits(1))
    options = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
    project.run_workers(*options, workers=workers).assert_outcomes(passed=1, failed=1)
    project.run_workers(*options, "--lf", workers=workers).assert_outcomes(failed=1)
    project.run_workers(*options, "--ff", workers=workers).assert_outcomes(passed=1, failed=1)
