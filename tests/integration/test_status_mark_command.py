"""``nextrust status mark``: the markers of phases of which no single run saw all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.testing import exits
from tests.integration.conftest import Project
from tests.integration.test_option_shard import TESTS


@pytest.fixture
def committed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A phase with a scenario, one that builds on it, one of tests; in a commit."""
    project.scenario("base")
    project.scenario("after", "second")
    project.pytester.makepyfile(TESTS)
    commit(project, "all")
    monkeypatch.chdir(project.path)
    return project


def commit(project: Project, message: str) -> None:
    for words in (["init", "-q"], ["add", "scenarios", "nextrust.toml"], ["commit", "-qm", message]):
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        subprocess.run(git, cwd=project.path, check=True, capture_output=True)


def run(project: Project, cpu: str, folder: str) -> int:
    """One job of a matrix: the cells of a CPU."""
    matrix = f"--nextrust-matrix=cpu={cpu}"
    return int(project.run("--nextrust-phase", "all", matrix, "--nextrust-status-dir", folder).ret)


def marked(project: Project) -> set[str]:
    return {path.stem for path in (project.path / "artifacts" / "phase").glob("*.done")}


def mark(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    capsys.readouterr()
    assert cli.main(["status", "mark", "--dir", "merged", *options, "--json", "-"]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_what_the_jobs_of_a_matrix_complete_together(committed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither CPU's job completes a phase; the merged log does, once, and the marker says for which commit."""
    project = committed
    assert run(project, "m68030", "one") == 0
    assert cli.main(["status", "merge", "one", "--dir", "merged"]) == 0
    assert mark(capsys)["done"] == []
    assert marked(project) == set()
    assert run(project, "m68040", "other") == 0
    assert marked(project) == set()
    assert cli.main(["status", "merge", "other", "--dir", "merged"]) == 0
    answer = mark(capsys)
    assert answer["done"] == ["first", "second", "apart"]
    assert marked(project) == {"first", "second", "apart"}
    assert json.loads((project.path / "artifacts/phase/first.done").read_text())["commit"] == answer["commit"]
    assert (project.path / "merged" / "pipeline-log.json").is_file()
    assert mark(capsys, "--standins", "reject")["done"] == []


def test_a_job_that_failed_takes_the_marker_away(committed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """At the next commit one CPU's job fails: the phase is open again, and what does not fail in it stays marked."""
    project = committed
    assert project.run("--nextrust-phase", "all").ret == 0
    assert marked(project) == {"first", "second", "apart"}
    project.scenario("wrong", head='cpus = ["m68040"]', made=exits(1))
    commit(project, "wrong")
    assert run(project, "m68040", "other") == 1
    assert run(project, "m68030", "one") == 0
    assert cli.main(["status", "merge", "one", "other", "--dir", "merged"]) == 0
    assert mark(capsys)["done"] == ["apart"]
    assert "first" not in marked(project)
    assert "apart" in marked(project)


def test_without_a_commit_nothing_is_marked(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified cannot be told: a usage error, as is a folder without a log."""
    monkeypatch.chdir(project.path)
    project.scenario("base")
    assert run(project, "m68030", "merged") == 1  # two phases have nothing to verify
    assert cli.main(["status", "mark", "--dir", "merged"]) == 2
    assert "no commit is checked out" in capsys.readouterr().err
    assert cli.main(["status", "mark", "--dir", "absent"]) == 2
    assert not Path("artifacts/phase").exists()
