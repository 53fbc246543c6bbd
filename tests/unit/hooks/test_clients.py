"""Events as current clients send them: known ones are answered, all that carry a command are read, others pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.hookapi.decisions import Joined, render
from pytest_nextrust.hookapi.events import Event, event_name, parse_event
from tests.unit.hooks.support import asked, decision, environment, logged

FILES = sorted((Path(__file__).parent / "fixtures" / "clients").glob("*.json"))
STOPPED = {
    "0.171.0-PreToolUse-Bash-call_2",
    "2.1.332-PreSkillShellCommand-Bash",
    "2.1.332-PreToolUse-Monitor",
}
"""The payloads whose command pushes by force."""


def hook(root: Path, data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pytest_nextrust.cli", "hook", *arguments]
    return subprocess.run(command, input=data, capture_output=True, timeout=60, env=environment(root), cwd=root)


def test_there_are_payloads_of_two_clients() -> None:
    """The folder is there, and with it the tests below."""
    assert len(FILES) == 63
    assert {path.stem for path in FILES} >= STOPPED


def ours(path: Path) -> bool:
    return event_name(json.loads(path.read_bytes())["hook_event_name"]) is not None


@pytest.mark.parametrize("path", [path for path in FILES if ours(path)], ids=lambda path: path.stem)
def test_every_payload_of_our_events_is_read(path: Path) -> None:
    """Without a note; the command of each tool that runs one is seen."""
    table = json.loads(path.read_text(encoding="utf-8"))
    name = event_name(table["hook_event_name"])
    assert name is not None
    event = parse_event(path.read_bytes(), name)
    assert event.notes == ()
    expected = table.get("tool_input", {}).get("command", "") if table.get("tool_name") != "apply_patch" else ""
    if path.stem.endswith("task-notification-failed"):
        expected = "bg"  # without its transcript the notice's own words for the command
    assert event.command == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("named", [True, False])
def test_every_payload_has_its_answer(path: Path, named: bool, tmp_path: Path) -> None:
    """From the real program: a push by force is refused whatever tool or event carries it; all else passes."""
    data = path.read_bytes()
    called = json.loads(data)["hook_event_name"]
    done = hook(tmp_path, data, *([called] if named else []))
    stopped = path.stem in STOPPED
    assert (b'"deny"' in done.stdout) is stopped
    assert done.returncode == (2 if stopped and called == "PreSkillShellCommand" else 0)
    if event_name(called) is None:
        assert (done.stdout, done.stderr) == (b"", b"")
        (line,) = logged(tmp_path, "others")
        assert (line["outcome"], line["called"]) == ("not known", called)


def test_a_mistyped_event_is_no_unknown_one(tmp_path: Path) -> None:
    """Where the settings and the event differ somebody made a mistake: a tool call is refused."""
    data = json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}}).encode()
    assert hook(tmp_path, data, "PreToolUs").returncode == 2
    assert hook(tmp_path, b'{"hook_event_name": "Cwd"}', "CwdChanged").returncode == 1


FORCED = "git push --force nowhere main"


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Bash", {"command": FORCED}),
        ("Monitor", {"command": FORCED}),
        ("PowerShell", {"command": FORCED}),
        ("shell", {"command": ["bash", "-lc", FORCED]}),
        ("exec_command", {"cmd": FORCED}),
        ("mcp__box__run", {"command": FORCED}),
    ],
)
def test_every_tool_with_a_command_is_read(tool: str, given: dict[str, Any], tmp_path: Path) -> None:
    """Whatever it is called; the same text that is no command passes."""
    assert decision(asked(tmp_path, tool_name=tool, tool_input=given)) == "deny"
    assert decision(asked(tmp_path, tool_name=tool, tool_input={**given, **dict.fromkeys(given, "ls")})) == ""
    assert decision(asked(tmp_path, tool_name="mcp__box__note", tool_input={"text": FORCED})) == ""


def test_a_command_that_nobody_can_be_asked_about_is_refused() -> None:
    """In an event before the model, a question has nobody to answer it."""
    reply = render("PreToolUse", Joined("ask", "why"), called="PreSkillShellCommand")
    body = json.loads(reply.stdout)["hookSpecificOutput"]
    assert (reply.status, body["permissionDecision"]) == (2, "deny")
    assert body["hookEventName"] == "PreSkillShellCommand"


def test_a_patch_is_no_command() -> None:
    """``apply_patch`` gives its patch under the key of a command."""
    event = Event("PreToolUse", "PreToolUse", "2026-08", tool_name="apply_patch", tool_input={"command": "rm -rf /"})
    assert event.command == ""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("Remove-Item -Recurse -Force /", "deny"),
        ("Get-ChildItem; ri -r -fo ~", "deny"),
        ("Remove-Item -Path $HOME -Recurse", "deny"),
        ("rm -Recurse 'C:\\x', /", "deny"),
        ("cd /; Remove-Item * -Recurse", "deny"),
        ("if ($true) { Remove-Item -Recurse / }", "deny"),
        ("pwsh -Command 'Remove-Item -Recurse /'", "deny"),
        ("Invoke-Expression 'Remove-Item -Recurse /'", "deny"),
        ("bash -c 'rm -rf /'", "deny"),
        ("'x' | Out-File /dev/sda", "deny"),
        ("'x' > /dev/sda", "deny"),
        ("Remove-Item -Recurse build", ""),
        ("Write-Output 'Remove-Item -Recurse /'", ""),
        ("# Remove-Item -Recurse /", ""),
        ("Get-Content x | Select-String 'rm -rf /'", ""),
        ("git push", ""),
    ],
)
def test_powershell(command: str, expected: str, tmp_path: Path) -> None:
    """By the rules that are plainly readable, judged as the same acts of a POSIX shell."""
    assert decision(asked(tmp_path, tool_name="PowerShell", tool_input={"command": command})) == expected
