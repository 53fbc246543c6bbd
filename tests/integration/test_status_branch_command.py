"""``nextrust status pull`` and ``push``: what one runner knows the next one knows, by the branch nextrust-status."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pytest_nextrust import cli
from tests.integration.conftest import CELL, Project
from tests.integration.status_answers import answer

RUN = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hub(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository of a project whose only test fails, on a CI machine."""
    monkeypatch.setenv("CI", "true")
    text = "import pytest\n\n@pytest.mark.nextrust(phase='first')\ndef test_bad():\n    assert False\n"
    (project.path / "test_bad.py").write_text(text, encoding="utf-8")
    (project.path / ".gitignore").write_text("docs/\nartifacts/\n__pycache__/\n", encoding="utf-8")
    git(project.path, "init", "--quiet", "--initial-branch=main")
    git(project.path, "add", "nextrust.toml", "test_bad.py", ".gitignore")
    git(project.path, "commit", "--quiet", "-m", "start")
    git(project.path, "clone", "--quiet", "--bare", str(project.path), f"{project.path}-hub.git")
    return Path(f"{project.path}-hub.git")


class Runner:
    """A fresh clone; what it does begins with a pull and ends with a push, as a job of a workflow."""

    def __init__(self, project: Project, hub: Path, name: str) -> None:
        self._project = project
        self.path = Path(f"{project.path}-{name}")
        git(hub, "clone", "--quiet", str(hub), str(self.path))

    def run(self, monkeypatch: pytest.MonkeyPatch, *, number: int) -> pytest.RunResult:
        monkeypatch.setenv("GITHUB_RUN_ID", str(number))
        monkeypatch.chdir(self.path)
        assert cli.main(["status", "pull"]) == 0
        result = self._project.run(f"--rootdir={self.path}", *RUN)
        if (self.path / "docs").exists():
            assert cli.main(["status", "push"]) == 0
        return result


def test_clearing_on_one_runner_lets_the_next_one_run(
    project: Project, hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three fresh runners fail, a fourth is refused; a fifth clears the commit, and a sixth runs."""
    for number in range(3):
        result = Runner(project, hub, f"runner-{number}").run(monkeypatch, number=number)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
    refused = Runner(project, hub, "refused").run(monkeypatch, number=3)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --nextrust-phase: commit * has failed 3 times (limit 3)*"])
    monkeypatch.chdir(Runner(project, hub, "clearing").path)
    for command in (["pull"], ["clear-backoff", "--why", "the runner was broken"], ["push"]):
        assert cli.main(["status", *command]) == 0
    assert "had failed 3 times, now cleared" in capsys.readouterr().out
    assert Runner(project, hub, "next").run(monkeypatch, number=5).ret == pytest.ExitCode.TESTS_FAILED


def test_the_answers(
    project: Project, hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the schema: a pull without a branch, pushes with and without news, a pull that puts something back."""
    one, other = Runner(project, hub, "one").path, Runner(project, hub, "other").path
    monkeypatch.chdir(one)
    found = answer(capsys, "pull")
    assert (found["commit"], found["added"], found["restored"]["done"]) == ("", 0, [])
    details = {"run": "r", "phase": "first", "commit": "c" * 40}
    assert cli.main(["status", "append", "phase-done", json.dumps(details)]) == 0
    capsys.readouterr()
    pushed = answer(capsys, "push")
    assert (pushed["added"], pushed["tries"]) == (1, 1)
    assert answer(capsys, "push") == {**pushed, "added": 0}
    monkeypatch.chdir(other)
    found = answer(capsys, "pull")
    assert (found["commit"], found["added"]) == (pushed["commit"], 1)
    assert found["restored"] == {"failures": 0, "cleared": 0, "done": ["first"], "reopened": []}
    assert (other / "artifacts" / "phase" / "first.done").is_file()
    assert "phase-done" in (other / "docs" / "ci-status" / "pipeline-log.md").read_text()


def test_what_cannot_be_done_is_told(
    project: Project, hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A push without a log, and a remote that is none: exit status 2 and one message each; no folder is made."""
    one = Runner(project, hub, "one").path
    monkeypatch.chdir(one)
    assert cli.main(["status", "push"]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert not (one / "docs").exists()
    assert cli.main(["status", "pull", "--remote", "nowhere"]) == 2
    error = capsys.readouterr().err
    assert "status branch nextrust-status at nowhere: git ls-remote: " in error
    assert "whether 'nowhere' is a remote of this clone (--remote)" in error
