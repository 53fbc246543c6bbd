"""Backoff per commit: the run after the third failure is refused, and what lets it run again."""

from __future__ import annotations

import json
import socket
import sqlite3
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.base.state_database import Database
from pytest_nextrust.guards.backoff import Backoff
from pytest_nextrust.status.environment import git_commit
from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

RUN = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def git(project: Project, *arguments: str) -> None:
    assert project.pytester.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments).ret == 0


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """With a commit and a scenario that fails, on a CI machine."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.chdir(project.path)
    write_test(project, "bad", "first", "assert False")
    git(project, "init", "--quiet")
    git(project, "commit", "--quiet", "--allow-empty", "-m", "start")
    return project


def write_test(project: Project, name: str, phase: str, body: str) -> None:
    """A marked test: what is looked at here needs no machine."""
    text = f"import pytest\n\n@pytest.mark.nextrust(phase={phase!r})\ndef test_{name}():\n    {body}\n"
    (project.path / f"test_{name}.py").write_text(text, encoding="utf-8")


def fail(project: Project, times: int) -> None:
    for _ in range(times):
        assert project.run(*RUN).ret == pytest.ExitCode.TESTS_FAILED


def has_failed(project: Project, times: int = 3) -> None:
    """The commit has failed already, on other occasions."""
    with Database(state(project)) as database:
        for number in range(times):
            Backoff(database).fail(git_commit(project.path), occasion=f"earlier-{number}", what="1 of 1 item failed")


def state(project: Project) -> Path:
    return project.path / ".nextrust" / "state.sqlite"


def test_the_fourth_run_is_refused(project: Project) -> None:
    """Exit status 4, with the reason and what clears it; nothing is run or recorded."""
    fail(project, 3)
    before = project.records("run-start")
    result = project.run(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --nextrust-phase: commit * has failed 3 times (limit 3); the last at *: 1 of 1 item failed",
            "  remedy: push a new commit, or clear it: nextrust status clear-backoff --commit *--nextrust-force*",
        ]
    )
    assert project.records("run-start") == before
    assert project.records("override") == []


def test_the_run_says_how_often_the_commit_has_failed(project: Project) -> None:
    """At the end of each failing run."""
    project.run(*RUN).stdout.fnmatch_lines(["this commit has now failed 1 times (limit 3)"])


def test_a_new_commit_runs(project: Project) -> None:
    """The count is the commit's."""
    has_failed(project)
    git(project, "commit", "--quiet", "--allow-empty", "-m", "next")
    fail(project, 1)


def test_force_runs_and_is_recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes, and the journal says what was passed, by whom and why; before the limit nothing is recorded."""
    monkeypatch.setenv("NEXTRUST_WHY", "the runner was broken")
    assert project.run(*RUN, "--nextrust-force").ret == pytest.ExitCode.TESTS_FAILED
    assert project.records("override") == []
    has_failed(project)
    assert project.run(*RUN, "--nextrust-force").ret == pytest.ExitCode.TESTS_FAILED
    (record,) = project.records("override")
    assert (record["guard"], record["how"]) == ("backoff", "--nextrust-force")
    assert record["host"] == socket.gethostname()
    assert record["why"] == "the runner was broken"
    assert "has failed 4 times" in record["reason"]


def test_clear_backoff_lets_it_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The commit checked out by default; who and why are in the journal, the answer is by the schema."""
    has_failed(project)
    capsys.readouterr()
    assert cli.main(["status", "clear-backoff", "--why", "flaky runner", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    schema = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "status.json").read_text())
    jsonschema.validate(found, schema)
    assert found["cleared"] == 3
    (record,) = project.records("backoff-cleared")
    assert (record["commit"], record["failures"], record["why"]) == (found["commit"], 3, "flaky runner")
    assert record["user"]
    fail(project, 1)


def test_guards_are_measured(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, overridden and cleared, each once."""
    monkeypatch.setenv("NEXTRUST_METRICS_FILE", "m.prom")
    has_failed(project)
    assert project.run(*RUN).ret == pytest.ExitCode.USAGE_ERROR
    assert project.run(*RUN, "--nextrust-force").ret == pytest.ExitCode.TESTS_FAILED
    assert cli.main(["status", "clear-backoff"]) == 0
    text = (project.path / "m.prom").read_text(encoding="utf-8")
    for action in ("refused", "overridden", "cleared"):
        assert f'nextrust_guard_actions_total{{guard="backoff",action="{action}"}} 1\n' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--commit", "xyz"), "--commit xyz: not a commit's hash"),
        (("--commit", "123"), "--commit 123: not a commit's hash"),
    ],
)
def test_clear_backoff_refuses_what_is_no_commit(
    project: Project, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Exit status 2, nothing recorded."""
    assert cli.main(["status", "clear-backoff", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert project.records("backoff-cleared") == []


def test_clear_backoff_without_failures_records_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown commit, in short or not: said so, status 0, no file made."""
    assert cli.main(["status", "clear-backoff", "--commit", "abcdef1"]) == 0
    assert capsys.readouterr().out == "abcdef1: no failures\n"
    assert not state(project).exists()


def test_a_laptop_is_never_locked_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of CI nothing counts and no database is made; with where = "clean" a clean work tree counts."""
    monkeypatch.delenv("CI")
    fail(project, 1)
    assert not state(project).exists()
    settings = project.path / "nextrust.toml"
    settings.write_text('backoff = {where = "clean", limit = 1}\n' + settings.read_text())
    git(project, "add", "nextrust.toml")
    fail(project, 1)  # what is added and not committed is not the commit
    assert not state(project).exists()
    git(project, "commit", "--quiet", "-m", "settings")
    fail(project, 1)
    assert project.run(*RUN).ret == pytest.ExitCode.USAGE_ERROR


def test_what_does_not_count(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passing run, a dry run, a single scenario; and a second job of the same CI attempt."""
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "1")
    fail(project, 2)
    assert project.run(*RUN, "--nextrust-dry-run").ret == 0
    project.scenario("alone", "second", made=exits(1))
    assert project.run("--nextrust-scenario", "alone", "--nextrust-cell", CELL).ret == pytest.ExitCode.TESTS_FAILED
    write_test(project, "good", "apart", "pass")
    assert project.run("--nextrust-phase", "apart", "--nextrust-cell", CELL).ret == 0
    connection = sqlite3.connect(state(project))
    assert connection.execute("SELECT occasion FROM commit_failures").fetchall() == [("77.1",)]
    connection.close()
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    fail(project, 1)


def test_an_interrupted_run_does_not_count(project: Project) -> None:
    """Somebody stopped it: that says nothing of the commit."""
    write_test(project, "bad", "first", "pytest.exit('stop')")
    assert project.run(*RUN).ret == pytest.ExitCode.INTERRUPTED
    assert not state(project).exists()


def test_with_workers_a_run_counts_once(project: Project) -> None:
    """The controller alone counts and refuses."""
    write_test(project, "worse", "first", "assert False")
    has_failed(project, 2)
    assert project.run_workers("--nextrust-phase", "first", "--nextrust-matrix", "os=ubuntu-latest").ret == 1
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-matrix", "os=ubuntu-latest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*has failed 3 times (limit 3)*of 8 items failed"])


def test_faulty_settings_are_all_told(project: Project) -> None:
    """By dotted path, before anything runs."""
    settings = project.path / "nextrust.toml"
    settings.write_text('backoff = {where = "moon", limit = 0}\n' + settings.read_text())
    result = project.run(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*backoff.limit: 0 is no number of failures*", "*backoff.where: no such value 'moon'*"]
    )


def test_a_damaged_database_costs_its_counts_only(project: Project) -> None:
    """The run goes on, says so, and keeps the damaged file."""
    has_failed(project)
    state(project).write_bytes(b"garbage" * 1000)
    result = project.run(*RUN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*a damaged guard database was moved to *state.sqlite.damaged-1*"])


def test_a_database_that_cannot_be_used_refuses(project: Project) -> None:
    """Nobody can tell whether the commit may run: refused with the reason, unless forced."""
    state(project).mkdir(parents=True)
    result = project.run(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*whether this commit may run cannot be told: not a file*"])
    result = project.run(*RUN, "--nextrust-force")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(project.records("override")) == 1


def test_the_state_folder_is_not_in_git(project: Project) -> None:
    """It keeps itself out."""
    fail(project, 1)
    assert list(state(project).parent.iterdir())
    assert ".nextrust" not in project.pytester.run("git", "status", "--porcelain").stdout.str()
