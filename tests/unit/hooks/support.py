"""Events and projects for the tests of the control plane."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from pytest_nextrust.hookapi.context import Context
from pytest_nextrust.hookapi.decisions import Reply
from pytest_nextrust.hookapi.events import Event, parse_event
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.hooks.dispatcher import dispatch

SCHEMA = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "journal.json").read_text(encoding="utf-8"))
"""Of the lines of the status log."""

FIXTURES = Path(__file__).parent / "fixtures"

FAST = "[hooks.limits]\nPreToolUse = 20\nPostToolUse = 20\nStop = 20\n"


def event_bytes(name: str = "PreToolUse", **given: Any) -> bytes:
    """An event of August 2026; ``command`` is a Bash call's."""
    table: dict[str, Any] = {"session_id": "s-1", "permission_mode": "default", "hook_event_name": name}
    if "ToolUse" in name:
        command = given.pop("command", "ls")
        table |= {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "toolu_1"}
    if name == "PostToolUseFailure":
        table["error"] = "Exit code 1"
    if name == "UserPromptSubmit":
        table["prompt"] = "Go on."
    return json.dumps(table | given).encode()


def environment(root: Path, **given: str) -> dict[str, str]:
    """What a hook of the project at ``root`` runs with."""
    return {"PATH": os.environ["PATH"], "HOME": "/home/u", "CLAUDE_PROJECT_DIR": str(root), **given}


def asked(root: Path, name: str = "PreToolUse", *, environ: Mapping[str, str] | None = None, **given: Any) -> Reply:
    """The answer to one event, a new one each time, from the real dispatcher and its child."""
    if "ToolUse" in name:
        given.setdefault("tool_use_id", f"toolu_{os.urandom(6).hex()}")
    return dispatch(name, event_bytes(name, **given), environ or environment(root))


def context_of(root: Path, **given: str) -> Context:
    """A handler's context in the project at ``root``."""
    return Context(str(root), load_snapshot(str(root), keep=False), environment(root, **given), deadline=float("inf"))


def event_of(name: str = "PreToolUse", **given: Any) -> Event:
    return parse_event(event_bytes(name, **given), name)


def decision(reply: Reply) -> str:
    """The permission decision or top-level decision in a reply; empty where there is none."""
    body = json.loads(reply.stdout) if reply.stdout else {}
    return str(body.get("hookSpecificOutput", {}).get("permissionDecision") or body.get("decision", ""))


def reason(reply: Reply) -> str:
    body = json.loads(reply.stdout) if reply.stdout else {}
    return str(body.get("hookSpecificOutput", {}).get("permissionDecisionReason") or body.get("reason", ""))


def plugin(root: Path, text: str, name: str = "mine") -> Path:
    """A third-party handler as a file of the project."""
    folder = root / ".nextrust" / "hooks"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return file


def logged(root: Path, name: str = "PreToolUse") -> list[dict[str, Any]]:
    """The lines of an event's log."""
    file = root / ".nextrust" / "hook-logs" / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def journal(root: Path, type: str) -> list[dict[str, Any]]:
    """The details of the status log's entries of one type."""
    file = root / "docs" / "ci-status" / "journal.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [entry["details"] for entry in map(json.loads, lines) if entry["type"] == type]


def unnamed(type: str, details: Mapping[str, Any]) -> set[str]:
    """The keys that the schema does not name; a detail that it forbids fails."""
    found = SCHEMA["$defs"][type]
    jsonschema.validate(details, found)
    return set(details) - set(found["properties"])
