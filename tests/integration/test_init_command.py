"""``nextrust init``: what a project needs, written once, never over somebody else's work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.cli import main
from pytest_nextrust.commands.init import local_settings
from pytest_nextrust.guards.failures import Failures
from pytest_nextrust.hookapi.events import EVENTS, LIMITS
from tests.unit.hooks.support import environment, event_bytes

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "init.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def assistant(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The assistant on PATH, a new one."""
    program = tmp_path_factory.mktemp("bin") / "claude"
    is_release(program, "2.1.332 (Claude Code)")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def is_release(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\necho '{text}'\n", encoding="utf-8")
    program.chmod(0o755)


def init(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, str]]:
    """Run it; the exit status, and the action for each path."""
    status = main(["init", "--dir", str(root), "--json", "-", *arguments])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, SCHEMA)
    assert answer["exit"] == status
    return status, {file["path"]: file["action"] for file in answer["files"]}


def settings(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / ".claude" / "settings.json").read_text(encoding="utf-8")))


def test_a_new_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All is written; doing it again changes nothing."""
    status, actions = init(tmp_path, capsys, "--git-ignore")
    assert status == 0
    assert set(actions) == {
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".nextrust/hook",
        "nextrust.toml",
        "scenarios/README.md",
        ".gitignore",
    }
    assert set(actions.values()) == {"written"}
    status, actions = init(tmp_path, capsys)
    assert (status, set(actions.values())) == (0, {"unchanged"})


def test_the_assistant_s_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every event, in exec form, through ${CLAUDE_PROJECT_DIR}, no path of this machine, time for our own limit."""
    assert init(tmp_path, capsys)[0] == 0
    hooks = settings(tmp_path)["hooks"]
    assert set(hooks) == set(EVENTS)
    for event, groups in hooks.items():
        ((group,), (command,)) = (groups, groups[0]["hooks"])
        assert command["command"].startswith("${CLAUDE_PROJECT_DIR}/")
        assert command["args"] == [event]
        assert command["timeout"] > LIMITS[event]
        assert ("matcher" in group) == ("ToolUse" in event)
    assert str(tmp_path) not in json.dumps(hooks)


def local(root: Path) -> Path:
    return root / ".claude" / "settings.local.json"


def test_the_event_of_newer_assistants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stands in a file of its own, since an assistant that does not know it skips the file. The gate is closed where
    the product is gone."""
    assert init(tmp_path, capsys)[0] == 0
    assert set(settings(tmp_path)["hooks"]) == set(EVENTS)
    ((group,),) = json.loads(local(tmp_path).read_text(encoding="utf-8"))["hooks"].values()
    (command,) = group["hooks"]
    assert command["args"] == ["PreSkillShellCommand"]
    assert command["timeout"] > LIMITS["PreToolUse"]
    launcher = [str(tmp_path / ".nextrust" / "hook"), *command["args"]]
    environ = {"PATH": "/nowhere", "CLAUDE_PROJECT_DIR": str(tmp_path)}
    assert subprocess.run(["/bin/sh", *launcher], env=environ, capture_output=True).returncode == 2


@pytest.mark.parametrize("release", ["2.1.331 (Claude Code)", "1.0.51 (Claude Code)", "unknown", ""])
def test_an_older_assistant_does_not_get_it(
    assistant: Path, release: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor one that does not say; the option registers it."""
    is_release(assistant, release)
    status, actions = init(tmp_path, capsys)
    assert (status, actions[".claude/settings.local.json"]) == (0, "skipped")
    assert not local(tmp_path).exists()
    assert init(tmp_path, capsys, "--skill-commands")[1][".claude/settings.local.json"] == "written"
    assert init(tmp_path, capsys)[1][".claude/settings.local.json"] == "unchanged"


def test_the_file_for_this_machine_is_the_user_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in it stays; it is as it should be once the event is in it, whatever else is."""
    local(tmp_path).parent.mkdir()
    local(tmp_path).write_text('{"permissions": {}}', encoding="utf-8")
    assert init(tmp_path, capsys, "--no-skill-commands")[1][".claude/settings.local.json"] == "skipped"
    status, actions = init(tmp_path, capsys)
    assert (status, actions[".claude/settings.local.json"]) == (1, "refused")
    assert json.loads(local(tmp_path).read_text(encoding="utf-8")) == {"permissions": {}}
    wanted = {**local_settings(), "permissions": {}}
    local(tmp_path).write_text(json.dumps(wanted), encoding="utf-8")
    assert init(tmp_path, capsys)[1][".claude/settings.local.json"] == "unchanged"


def test_somebody_else_s_settings_are_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A settings file that was there is not touched: status 1, and what it should hold is said."""
    file = tmp_path / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text('{"model": "opus"}', encoding="utf-8")
    status, actions = init(tmp_path, capsys)
    assert (status, actions[".claude/settings.json"]) == (1, "refused")
    assert file.read_text(encoding="utf-8") == '{"model": "opus"}'
    assert actions[".nextrust/hook"] == "written"
    assert main(["init", "--dir", str(tmp_path)]) == 1
    assert "CLAUDE_PROJECT_DIR" in capsys.readouterr().out


def test_its_own_file_once_changed_is_somebody_else_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the user changed after init wrote it is kept; what an older init wrote is replaced."""
    assert init(tmp_path, capsys)[0] == 0
    file = tmp_path / ".claude" / "settings.json"
    written = file.read_text(encoding="utf-8")
    file.write_text(written.replace("105", "200"), encoding="utf-8")
    assert init(tmp_path, capsys)[1][".claude/settings.json"] == "refused"
    assert "200" in file.read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what would be written."""
    status, actions = init(tmp_path, capsys, "--dry-run", "--git-ignore")
    assert (status, set(actions.values())) == (0, {"written"})
    assert list(tmp_path.iterdir()) == []


def test_git_ignore_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can be asked nothing is added, unless an option says so; what is there is kept."""
    (tmp_path / ".gitignore").write_text("target/", encoding="utf-8")
    assert init(tmp_path, capsys)[1][".gitignore"] == "skipped"
    assert init(tmp_path, capsys, "--no-git-ignore")[1][".gitignore"] == "skipped"
    assert init(tmp_path, capsys, "--git-ignore")[1][".gitignore"] == "written"
    lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines == ["target/", "docs/ci-status/", "artifacts/"]


def test_the_project_s_own_settings_are_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where ``pyproject.toml`` has a table, or there is a folder of scenarios, nothing is added to either."""
    (tmp_path / "pyproject.toml").write_text("[tool.nextrust]\n", encoding="utf-8")
    (tmp_path / "scenarios").mkdir()
    files = {".claude/settings.json", ".claude/settings.local.json", ".nextrust/hook", ".gitignore"}
    assert set(init(tmp_path, capsys)[1]) == files


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and the folder is named."""
    assert main(["init", "--dir", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["PreToolUse"], []], ids=["exec-form", "no-arguments"])
def test_the_launcher_starts_the_hook(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the assistant calls it, with arguments and, as the older one would, without."""
    assert init(tmp_path, capsys)[0] == 0
    tool = tmp_path / ".venv" / "bin" / "nextrust"
    tool.parent.mkdir(parents=True)
    tool.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m pytest_nextrust.cli \"$@\"\n", encoding="utf-8")
    tool.chmod(0o755)
    env = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    command = [str(tmp_path / ".nextrust" / "hook"), *arguments]
    done = subprocess.run(command, input=event_bytes(command="rm -rf /"), capture_output=True, env=env, timeout=60)
    assert done.returncode == 0
    assert b'"deny"' in done.stdout


@pytest.mark.parametrize(
    ("event", "skip", "status"), [("PreToolUse", "0", 2), ("Stop", "0", 127), ("PreToolUse", "1", 0)]
)
def test_a_missing_program_closes_the_gate(
    event: str, skip: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nextrust is not installed a tool call is refused, another event fails with 127; skipped hooks pass."""
    assert init(tmp_path, capsys)[0] == 0
    env = {"PATH": "/usr/bin:/bin", "CLAUDE_PROJECT_DIR": str(tmp_path), "SKIP_HOOKS": skip}
    done = subprocess.run([tmp_path / ".nextrust" / "hook", event], input=b"", capture_output=True, env=env, timeout=60)
    assert done.returncode == status
    assert (b"not installed" in done.stderr) == (status != 0)


@pytest.mark.parametrize("before", [False, True])
def test_git_sees_what_belongs_into_the_project_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: bool
) -> None:
    """Launcher, handlers and what init noted are to be committed; databases and logs are not, whoever came first."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if before:
        _count_a_failure(tmp_path)
    assert init(tmp_path, capsys)[0] == 0
    _count_a_failure(tmp_path)
    (tmp_path / ".nextrust" / "hooks").mkdir()
    (tmp_path / ".nextrust" / "hooks" / "own.py").write_text("", encoding="utf-8")
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True
    ).stdout
    seen = sorted(line[3:] for line in told.splitlines() if ".nextrust" in line)
    assert seen == [".nextrust/hook", ".nextrust/hooks/own.py", ".nextrust/init.json"]


def _count_a_failure(root: Path) -> None:
    with Database(state_path(root)) as database:
        Failures(database).record("cargo build", 1)


def test_the_workflows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--github`` writes them and nothing else; a change of settings rewrites them; one changed by hand stays."""
    status, actions = init(tmp_path, capsys, "--github")
    assert (status, set(actions.values())) == (0, {"written"})
    assert "docs/security/token-rotation.md" in actions
    assert all(name.startswith((".github/workflows/", "docs/security/")) for name in actions)
    assert not (tmp_path / ".claude").exists()
    (tmp_path / "nextrust.toml").write_text('[ci]\npython = "3.12"\n', encoding="utf-8")
    changed = tmp_path / ".github" / "workflows" / "nextrust-slash.yml"
    changed.write_text("name: mine\n", encoding="utf-8")
    status, actions = init(tmp_path, capsys, "--github")
    assert (status, actions[".github/workflows/nextrust-slash.yml"]) == (1, "refused")
    assert actions[".github/workflows/nextrust.yml"] == "written"
    assert changed.read_text(encoding="utf-8") == "name: mine\n"
    assert 'python-version: "3.12"' in (tmp_path / ".github" / "workflows" / "nextrust.yml").read_text(encoding="utf-8")


def test_workflows_of_settings_with_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, every fault by its path, and nothing is written."""
    (tmp_path / "nextrust.toml").write_text('[ci]\npython = 3.12\ninstal = ""\n', encoding="utf-8")
    assert main(["init", "--github", "--dir", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "ci.python" in told
    assert "ci.instal" in told
    assert not (tmp_path / ".github").exists()
