"""A background task's notice is no prompt; that of a failed command is a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nextrust.hookapi.events import parse_event
from pytest_nextrust.hooks.dispatcher import dispatch
from tests.unit.hooks.support import asked, decision, environment, journal

FOLDER = Path(__file__).parent / "fixtures" / "clients"
FAILED = "2.1.332-UserPromptSubmit-task-notification-failed"
COMPLETED = "2.1.332-UserPromptSubmit-task-notification-completed"


def notice(name: str, root: Path) -> bytes:
    """The payload with its two files below ``root``."""
    table = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    table["transcript_path"] = str(root / "transcript.jsonl")
    before, _, rest = table["prompt"].partition("<output-file>")
    table["prompt"] = f"{before}<output-file>{root / 'output'}</output-file>{rest.partition('</output-file>')[2]}"
    return json.dumps(table).encode()


def send(name: str, root: Path) -> str:
    return decision(dispatch("UserPromptSubmit", notice(name, root), environment(root)))


def test_a_failed_command_is_a_failure(tmp_path: Path) -> None:
    """It is recorded with its command, its status and its output, and counted; the prompt's audit has no word of it."""
    call = {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "make all"}}
    lines = [json.dumps({"message": {"content": [call]}}), json.dumps({"message": {"content": "toolu_01 tool_use"}})]
    (tmp_path / "transcript.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "output").write_text("main.c:1: error: no such thing\n", encoding="utf-8")
    assert send(FAILED, tmp_path) == ""
    assert send(FAILED, tmp_path) == ""
    (entry,) = journal(tmp_path, "build_failure")
    assert (entry["command"], entry["status"], entry["failures"]) == ("make all", 4, 1)
    assert "no such thing" in entry["error"]
    assert journal(tmp_path, "prompt") == []


def test_without_its_files_the_notice_itself_tells(tmp_path: Path) -> None:
    """The command is then known by its description."""
    send(FAILED, tmp_path)
    (entry,) = journal(tmp_path, "command_failure")
    assert (entry["command"], entry["status"]) == ("bg", 4)
    (tmp_path / "output").symlink_to("/etc/hostname")
    event = parse_event(notice(FAILED, tmp_path), "UserPromptSubmit")
    assert (event.handled_as, event.notification) == ("PostToolUseFailure", "failed")


def test_a_task_that_ended_well_is_no_prompt(tmp_path: Path) -> None:
    """Nothing is recorded of it."""
    assert send(COMPLETED, tmp_path) == ""
    assert [journal(tmp_path, kind) for kind in ("prompt", "command_failure")] == [[], []]


@pytest.mark.parametrize("prompt", ["<task-notification>", "Why <task-notification>failed</task-notification>?"])
def test_a_prompt_about_notices_is_a_prompt(prompt: str, tmp_path: Path) -> None:
    """The twin: only a text that is a notice as a whole is one."""
    asked(tmp_path, "UserPromptSubmit", prompt=prompt)
    assert len(journal(tmp_path, "prompt")) == 1
