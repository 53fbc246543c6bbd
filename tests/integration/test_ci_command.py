"""``nextrust ci``: what a workflow calls answers the same on a laptop, and hands on what later steps read."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.testing import write_scenario

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/ci.json").read_text())
CELL = "macos-latest-release-m68040"
Ask = Callable[..., tuple[int, dict[str, Any]]]


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, **contents: str) -> str:
    """Write files (``__`` is a slash) and commit them; the commit."""
    for name, text in contents.items():
        file = root / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "change")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit on main and a branch that is checked out; no variable of a job is set."""
    for name in ("GITHUB_ACTIONS", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_RUN_ID", "GITHUB_EVENT_NAME", "CPU_VARIANT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NEXTRUST_CELL", "OS_NAME", "RUST_PROFILE", "GITHUB_RUN_ATTEMPT", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    write_scenario(root / "scenarios", "one", phase="phase-3", head='cpus = ["m68040"]\nprofiles = ["release"]')
    commit(root, nextrust_dot_toml="", docs__page_dot_md="a", build_dot_sh="a")
    git(root, "checkout", "-q", "-b", "change")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def run(*argv: str) -> tuple[int, dict[str, Any]]:
        status = main(["ci", *argv, "--json", "-"])
        answer = json.loads(capsys.readouterr().out)
        jsonschema.validate(answer, SCHEMA)
        assert answer["exit"] == status
        return status, answer

    return run


def handed(file: Path) -> dict[str, str]:
    """What a file of GITHUB_ENV's form sets, read as GitHub reads it."""
    text, values = file.read_text(encoding="utf-8"), {}
    while text:
        name, rest = text.split("<<", 1)
        delimiter, rest = rest.split("\n", 1)
        values[name], text = rest.split(f"\n{delimiter}\n", 1)
    return values


def test_env_on_a_laptop(project: Path, ask: Ask) -> None:
    """The commit that is checked out, this host, no run."""
    status, answer = ask("env")
    assert status == 0
    values = answer["variables"]
    assert list(values) == ["CPU_VARIANT", "OS_NAME", "RUST_PROFILE", "COMMIT_SHA", "RUN_ID", "RUN_ATTEMPT"]
    assert values["COMMIT_SHA"] == git(project, "rev-parse", "HEAD")
    assert (values["CPU_VARIANT"], values["RUST_PROFILE"], values["RUN_ID"]) == ("m68030", "debug", "local")


def test_env_in_a_job(project: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell that is named, the run's id; handed to later steps, and what was there stays."""
    file = project / "env"
    file.write_text("OTHER<<x\nkept\nx\n", encoding="utf-8")
    for name, value in {"GITHUB_ENV": str(file), "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NEXTRUST_CELL", CELL)
    status, answer = ask("env", "--github-env")
    assert status == 0
    assert handed(file) == {"OTHER": "kept", **answer["variables"]}
    assert answer["variables"]["OS_NAME"] == "macos-latest"
    assert (answer["variables"]["RUN_ID"], answer["variables"]["RUN_ATTEMPT"]) == ("77", "3")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NEXTRUST_CELL", "ubuntu-latest-release-m68060"),
        ("NEXTRUST_CELL", f"{CELL}\nEVIL=1"),
        ("CPU_VARIANT", "m68040\nEVIL=1"),
        ("GITHUB_RUN_ID", "1\nEVIL=1"),
        ("GITHUB_RUN_ATTEMPT", "1 2"),
    ],
)
def test_env_refuses(
    project: Path, variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that is none of its axis, or no one word; nothing is handed on."""
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("GITHUB_ENV", str(project / "env"))
    assert main(["ci", "env", "--github-env"]) == 2
    assert variable in capsys.readouterr().err
    assert not (project / "env").exists()


def test_env_outside_a_job(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--github-env`` where there is no such file: status 2, and the option is named."""
    assert main(["ci", "env", "--github-env"]) == 2
    assert "--github-env: GITHUB_ENV is not set" in capsys.readouterr().err


def cells(answer: dict[str, Any]) -> list[str]:
    return [entry["cell"] for entry in answer["include"]]


def test_matrix_of_documentation(project: Path, ask: Ask) -> None:
    """No cell at all, and the reason."""
    commit(project, docs__page_dot_md="b")
    _, answer = ask("matrix")
    assert (cells(answer), answer["phases"], answer["expected"]) == ([], [], [])
    assert answer["reason"] == "only documentation has changed: docs/page.md"


def test_matrix_of_a_scenario(project: Path, ask: Ask) -> None:
    """Its cells and its phase, whether documentation changes with it or not."""
    commit(project, scenarios__one__note="b", docs__page_dot_md="b")
    _, answer = ask("matrix")
    assert cells(answer) == ["ubuntu-latest-release-m68040", CELL]
    assert answer["phases"] == ["phase-3"]
    assert answer["expected"] == ["nextrust-phase-3-ubuntu-latest-release-m68040", f"nextrust-phase-3-{CELL}"]


def test_matrix_of_the_toolchain(project: Path, ask: Ask) -> None:
    """Everything, and which file it is for."""
    commit(project, scenarios__one__note="b", build_dot_sh="b")
    _, answer = ask("matrix")
    assert (len(cells(answer)), len(answer["phases"])) == (8, 5)
    assert answer["reason"] == "everything: build.sh may change the verdict of any cell"


def test_matrix_is_the_project_s(project: Path, ask: Ask) -> None:
    """What ``nextrust_matrix`` leaves of it, as in a run of pytest; ``--all`` is one job a cell."""
    commit(project, pytest_dot_ini="[pytest]\nnextrust_matrix =\n    os=ubuntu-latest\n    cpu=m68030\n")
    _, answer = ask("matrix", "--all")
    assert cells(answer) == ["ubuntu-latest-debug-m68030", "ubuntu-latest-release-m68030"]
    assert answer["phases"] == ["all"]


@pytest.mark.parametrize(
    ("event", "content", "count", "reason"),
    [
        ("pull_request", {"pull_request": {"base": {"sha": "MAIN"}}}, 0, "only documentation"),
        ("push", {"before": "MAIN"}, 0, "only documentation"),
        ("push", {"before": "0" * 40}, 8, "a new branch"),
        ("push", {"before": "1" * 40}, 8, "is not in this clone"),
        ("push", {"before": "--output=x"}, 8, "names no commit"),
        ("pull_request", {"pull_request": None}, 8, "names no commit"),
        ("schedule", {}, 8, "is about no change"),
    ],
)
def test_matrix_of_an_event(
    project: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch, event: str, content: Any, count: int, reason: str
) -> None:
    """The base is the event's, from its file; where there is none, or it is not here, it is everything."""
    main_ = git(project, "rev-parse", "main")
    commit(project, docs__page_dot_md="b")
    file = project.parent / "event.json"
    file.write_text(json.dumps(content).replace("MAIN", main_), encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(file))
    _, answer = ask("matrix")
    assert (len(cells(answer)), reason in answer["reason"]) == (count, True), answer["reason"]


def test_matrix_is_handed_on(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stdout has, once more as outputs for ``fromJSON``."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(project.parent / "output"))
    assert main(["ci", "matrix", "--all", "--github-output"]) == 0
    outputs = handed(project.parent / "output")
    assert json.loads(outputs["matrix"]) == json.loads(capsys.readouterr().out)
    assert len(json.loads(outputs["expected"])) == 8
    assert json.loads(outputs["phases"]) == ["all"]


@pytest.mark.parametrize("base", ["nothing", "--help", "a b"])
def test_a_base_that_is_none(project: Path, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2; it is no reason to run less or more."""
    assert main(["ci", "matrix", f"--base={base}"]) == 2
    assert "--base" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pip", "toolchain"])
def test_cache_keys(project: Path, ask: Ask, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key with what finds an older one before it, the folder, and all three handed on; the same key twice."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(project.parent / "output"))
    _, answer = ask("cache-key", kind, "--github-output")
    assert re.fullmatch(rf"nextrust-{kind}-[a-z0-9_-]+-[0-9a-f]{{32}}", answer["key"])
    assert answer["key"].startswith(answer["prefix"])
    assert Path(answer["path"]).is_absolute()
    wanted = {f"{kind}-{name}": answer[name] for name in ("key", "prefix", "path")}
    assert handed(project.parent / "output") == wanted
    assert ask("cache-key", kind)[1]["key"] == answer["key"]


def test_gather(project: Path, ask: Ask) -> None:
    """The logs of all artifacts, wherever in them they are, once; an artifact that has none is named, with status 1."""
    artifacts = project / "ci-artifacts"
    for folder in ("nextrust-a/docs/ci-status", "nextrust-b"):
        Journal(artifacts / folder).append("note", {"message": folder})
    (artifacts / "nextrust-c").mkdir()
    status, answer = ask("gather", "ci-artifacts")
    assert (status, answer["added"], answer["logs"]) == (0, 2, {"nextrust-a": 1, "nextrust-b": 1})
    expected = json.dumps(["nextrust-a", "nextrust-c", "nextrust-d"])
    status, answer = ask("gather", "ci-artifacts", "--expect", expected)
    assert (status, answer["added"], answer["known"]) == (1, 0, 2)
    assert answer["missing"] == ["nextrust-c", "nextrust-d"]


def test_gather_nothing(project: Path, ask: Ask) -> None:
    """The first job of a run has nothing to gather, and that is no fault."""
    status, answer = ask("gather", "ci-artifacts")
    assert (status, answer["logs"], answer["missing"]) == (0, {}, [])


def test_gather_is_told_of_jobs(project: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """One that failed or was cancelled makes it 1, after the merge; one that was left out does not."""
    results = {"plan": "success", "first": "skipped", "second": "failure", "third": "cancelled"}
    needs = {name: {"result": result, "outputs": {}} for name, result in results.items()}
    Journal(project / "ci-artifacts" / "nextrust-a").append("note", {"message": "a"})
    status, answer = ask("gather", "ci-artifacts", "--needs", json.dumps(needs))
    assert (status, answer["added"], answer["failed"]) == (1, 1, {"second": "failure", "third": "cancelled"})
    del needs["second"], needs["third"]
    assert ask("gather", "ci-artifacts", "--needs", json.dumps(needs))[0] == 0
    assert main(["ci", "gather", "ci-artifacts", "--needs", "[]"]) == 2
    assert "--needs" in capsys.readouterr().err


@pytest.mark.parametrize("expected", ["{", "{}", "[1]"])
def test_gather_expects_names(project: Path, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is refused: nothing would be missing."""
    assert main(["ci", "gather", "ci-artifacts", "--expect", expected]) == 2
    assert "--expect" in capsys.readouterr().err


def test_the_reminder_without_github(project: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """``--dry-run`` shows the issue; without it, and without a token, status 2 says what is missing."""
    _, answer = ask("token-reminder", "--dry-run")
    assert (answer["opened"], answer["number"]) == (False, None)
    assert "- [ ] `O3_TOKEN`" in answer["body"]
    assert "- [ ] `GEMINI_API_KEY`" in answer["body"]
    assert main(["ci", "token-reminder"]) == 2
    assert "GITHUB_" in capsys.readouterr().err
