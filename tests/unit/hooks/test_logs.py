"""Logs: one line for each call, put aside by size, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.hookapi.events import EVENTS
from pytest_nextrust.hooks.dispatcher import dispatch
from pytest_nextrust.hooks.logs import FOLDER, write_log
from tests.unit.base.test_redaction import SECRETS
from tests.unit.hooks.support import asked, environment, event_bytes, journal, logged, plugin

VALUE = "the-value-of-a-variable"


def test_logs_are_put_aside_by_size(tmp_path: Path) -> None:
    """A full log becomes .1, the older ones move up, the oldest goes; no line is torn and none of the kept is lost."""
    for number in range(40):
        write_log(str(tmp_path), "Stop", {"number": number, "text": "x" * 400}, size=2000, keep=3)
    folder = tmp_path / FOLDER
    names = sorted(path.name for path in folder.iterdir() if path.name != ".gitignore")
    assert names == ["Stop.jsonl.1", "Stop.jsonl.2", "Stop.jsonl.3"] or names[0] == "Stop.jsonl"
    assert {"Stop.jsonl.1", "Stop.jsonl.2", "Stop.jsonl.3"} <= set(names)
    numbers = [json.loads(line)["number"] for name in names for line in (folder / name).read_text().splitlines()]
    assert sorted(numbers) == list(range(min(numbers), 40))
    assert all((folder / name).stat().st_size < 3000 for name in names)


def test_no_log_may_be_kept(tmp_path: Path) -> None:
    """``keep = 0`` deletes a full log."""
    for _ in range(10):
        write_log(str(tmp_path), "Stop", {"text": "x" * 400}, size=2000, keep=0)
    assert [path.name for path in (tmp_path / FOLDER).iterdir() if path.name.endswith(".1")] == []


def test_git_ignores_what_is_private(tmp_path: Path) -> None:
    """The folders of logs and cache ignore themselves; the folder of the project's handlers does not."""
    plugin(tmp_path, "")
    asked(tmp_path)
    ignored = sorted(path.parent.name for path in (tmp_path / ".nextrust").rglob(".gitignore"))
    assert ignored == ["cache", "hook-logs"]


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The decision stands, and stderr says that there is no log."""
    (tmp_path / ".nextrust").write_text("in the way", encoding="utf-8")
    reply = asked(tmp_path)
    assert (reply.status, reply.stdout) == (0, "")
    assert "no log was written" in reply.stderr


@pytest.mark.parametrize("variable", ["NEXTRUST_DEBUG", "HOOK_DEBUG"])
def test_debugging_says_more(variable: str, tmp_path: Path) -> None:
    """The event as it came is in the log, and stderr tells what was decided; stdout is the same."""
    quiet, loud = asked(tmp_path), asked(tmp_path, environ=environment(tmp_path, **{variable: "1"}))
    assert (quiet.stderr, loud.stdout) == ("", quiet.stdout)
    assert "handlers alignment" in loud.stderr
    assert [("stdin" in line) for line in logged(tmp_path)] == [False, True]


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("event", EVENTS)
def test_planted_secrets_are_in_no_file(event: str, debug: str, tmp_path: Path) -> None:
    """Every shape, and a variable's value, in every place of an event and a handler: 0 leaks in any file or answer."""
    hook = "nextrust_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in event).strip("_")
    plugin(
        tmp_path,
        "from pytest_nextrust.hookapi.decisions import context, deny, note\n"
        f"def {hook}(event):\n"
        "    print(event)\n"
        "    yield deny(event.session_id)\n    yield context(event.session_id)\n    yield note(event.cwd)\n",
    )
    plugin(tmp_path, f"def {hook}(event):\n    raise RuntimeError(event.session_id)\n", "second")
    planted = {**SECRETS, "value": VALUE}
    everywhere = " ".join(planted.values())
    given: dict[str, Any] = dict.fromkeys(("session_id", "cwd", "tool_use_id", "prompt_id", "prompt"), everywhere)
    if "ToolUse" in event:
        given |= {"tool_name": "Bash", "command": f"echo '{everywhere}'", "error": f"Exit code 1\n{everywhere}"}
        given["tool_response"] = {"stdout": everywhere}
    environ = environment(tmp_path, OUR_SECRET="x", OPENAI_API_KEY=VALUE, NEXTRUST_DEBUG=debug)
    reply = dispatch(event, event_bytes(event, **given), environ)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and ".py" not in path.name]
    texts = {str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8", errors="replace") for path in files}
    texts |= {"stdout": reply.stdout, "stderr": reply.stderr}
    assert journal(tmp_path, "hook_error")
    for name, secret in planted.items():
        assert [where for where, text in texts.items() if secret in text or json.dumps(secret)[1:-1] in text] == [], (
            name
        )
