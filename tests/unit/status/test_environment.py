"""Where a run is made from: a commit or none, an id of its own, and never a failure to look."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.status.environment import capture, git_commit


def git(root: Path, *arguments: str) -> str:
    names = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *names, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root


def test_the_commit_is_the_one_checked_out(repository: Path) -> None:
    """The full hash of HEAD, also from a folder inside."""
    git(repository, "commit", "-q", "--allow-empty", "-m", "one")
    (repository / "inner").mkdir()
    head = git(repository, "rev-parse", "HEAD")
    assert git_commit(repository) == git_commit(repository / "inner") == head
    assert len(head) >= 40


def test_an_empty_repository_and_none_at_all_have_no_commit(repository: Path) -> None:
    """No commit yet, no repository, no such folder: empty, not an error."""
    assert git_commit(repository) == ""
    assert git_commit(repository.parent) == ""
    assert git_commit(repository / "none") == ""


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git can still run."""
    monkeypatch.setenv("PATH", str(repository))
    assert git_commit(repository) == ""


def test_a_git_that_hangs_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is not held up by git."""

    def hang(*args: object, timeout: float, **more: object) -> None:
        raise subprocess.TimeoutExpired("git", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert git_commit(repository) == ""


def test_ci_variables_are_in_the_run_id(tmp_path: Path) -> None:
    """Run and attempt of the CI are told, and two jobs of one CI run still differ."""
    environ = {"GITHUB_RUN_ID": "123", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "verify"}
    found = capture(tmp_path, environ=environ, unique=lambda: "u", host=lambda: "h")
    assert (found.run_id, found.attempt, found.job, found.host) == ("123-2-u", 2, "verify", "h")


@pytest.mark.parametrize("attempt", ["", "x", "-1", "9" * 5000, "²"])
def test_odd_ci_variables_are_no_trap(tmp_path: Path, attempt: str) -> None:
    """What CI sets is somebody else's input."""
    found = capture(tmp_path, environ={"GITHUB_RUN_ID": "a b\n", "GITHUB_RUN_ATTEMPT": attempt}, unique=lambda: "u")
    assert (found.run_id, found.attempt, found.job) == ("u", 1, "")


def test_run_ids_are_unique(tmp_path: Path) -> None:
    """Two runs never share an id."""
    assert len({capture(tmp_path, environ={}).run_id for _ in range(20)}) == 20
