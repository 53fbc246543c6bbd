"""Payloads of every wrong kind: a defined answer for each, from the handlers themselves and from the real process.

20,000 in a campaign (``NEXTRUST_CAMPAIGN=full``), fewer otherwise. Most are answered without a child, so that whatever
a handler raises fails the test; some hundred go through ``nextrust hook``.
"""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import NextrustError
from pytest_nextrust.hookapi.events import EVENTS
from pytest_nextrust.hooks import dispatcher
from tests.unit.hooks.support import FIXTURES, environment

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
IN_PROCESS, THROUGH = (20_000, 400) if FULL else (1_500, 12)

PIECES = [
    "rm -rf ", "/", "$(", ")", "`", "'", '"', "${X}", "git commit -m ", "cargo build --target m68k-x", "\0", "\n",
    "<<EOF\n",
    "EOF\n", "| sh", "&& ", "; ", "{a,b}", "*", "~", "\ud800", "\u202e", "é", "\x1b[31m", "case x in ",
    "for i in ", "x=",
    "build-custom-llvm.sh", "xargs ", "sudo ", "> /dev/sda", "@@ -1 +1 @@\n", "--- a\n+++ b\n", '{"llvm-target": ',
    "{", "[[",
]  # fmt: skip
SCALARS: list[Any] = [None, True, False, 0, -1, 1e308, 2**70, "", "x", "\0", "\ud83d", [], {}, [[]], {"a": None}]
NAMES = ["Bash", "Write", "Edit", "MultiEdit", "NotebookEdit", "Task", "mcp__s__t", "", "\0"]
PATHS = [
    "m68k-x.json",
    "rust/compiler/rustc_target/src/spec/m68k_x.rs",
    "a.patch",
    "/etc/x",
    "../x.rs",
    "a\0.rs",
    "x" * 5000,
]
FIXED = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("*.json"))]


def text_of(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randrange(12)))


def mutated(chance: random.Random) -> dict[str, Any]:
    """A fixture with some of its values, or keys, changed for others."""
    table = json.loads(json.dumps(chance.choice(FIXED)))
    if chance.random() < 0.6:
        table["tool_name"] = chance.choice(NAMES)
        table["tool_input"] = {
            "command": text_of(chance),
            "file_path": chance.choice(PATHS),
            "content": text_of(chance) * chance.choice([1, 1, 50]),
            "old_string": text_of(chance),
            "new_string": text_of(chance),
            "edits": chance.choice([[], None, [{"old_string": "a", "new_string": "b"}], [3]]),
        }
    for key in chance.sample(sorted(table), k=min(len(table), chance.randrange(4))):
        place = table.get("tool_input") if chance.random() < 0.4 else table
        if isinstance(place, dict) and place:
            place[chance.choice(sorted(place))] = copy.deepcopy(chance.choice([*SCALARS, text_of(chance)]))
        else:
            table.pop(key, None)
    return dict(table)


def damaged(chance: random.Random) -> bytes:
    """One payload: JSON of wrong shapes, or bytes that are no JSON."""
    data = json.dumps(mutated(chance)).encode()
    kind = chance.randrange(12)
    if kind == 0:
        at = chance.randrange(len(data))
        return data[:at] + bytes(chance.choices(range(256), k=3)) + data[at + chance.randrange(3) :]
    if kind == 1:
        return data[: chance.randrange(len(data))]
    if kind == 2:
        return bytes(chance.choices(range(256), k=chance.randrange(60)))
    return data


def giant(number: int) -> bytes:
    """10 MB in one place, and depth."""
    size = 10_000_000
    table: dict[str, Any] = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "session_id": "s"}
    made: list[Callable[[], bytes]] = [
        lambda: json.dumps(table | {"tool_input": {"command": "x" * size}}).encode(),
        lambda: json.dumps(table | {"tool_input": {"command": "$(" * (size // 2)}}).encode(),
        lambda: json.dumps(table | {"session_id": "é" * (size // 2)}).encode(),
        lambda: json.dumps(
            {"tool_name": "Write", "tool_input": {"file_path": "a.patch", "content": "@" * size}}
        ).encode(),
        lambda: b"[" * size,
        lambda: b'{"a":' * (size // 5),
        lambda: b'{"a":' + b"9" * size + b"}",
        lambda: b"\0" * size,
        lambda: b"\xff" * size,
        lambda: json.dumps(table | {"tool_response": {"stdout": '\\"\n' * (size // 4)}}).encode(),
    ]
    return made[number % len(made)]()


def _keep(reported: list[tuple[str, Any]], kind: str, value: Any) -> None:
    reported.append((kind, value))


def test_no_payload_raises(tmp_path: Path) -> None:
    """Without a child to hide it, nothing but a named fault comes out of the work on an event, whatever the payload."""
    chance = random.Random(5)
    environ = environment(tmp_path)
    kinds: set[str] = set()
    for number in range(IN_PROCESS):
        data = giant(number // 500) if FULL and number % 500 == 499 else damaged(chance)
        name = EVENTS[number % len(EVENTS)]
        reported: list[tuple[str, Any]] = []
        report = partial(_keep, reported)
        try:
            dispatcher.handle(name, data, environ, report, {})
        except NextrustError:
            kinds.add("refused")
        failures = [value for kind, value in reported if kind == "failure"]
        assert failures == [], (data[:500], failures)
        kinds |= {value["kind"] for kind, value in reported if kind == "answer"}
    assert kinds >= {"refused", "deny"}


@pytest.mark.parametrize("event", EVENTS)
def test_the_process_always_answers(event: str, tmp_path: Path) -> None:
    """From the real process: status 0 or 2 (a refused call only), JSON or nothing on stdout, no traceback, in time."""
    chance = random.Random(event)
    limit = 30
    for number in range(max(2, THROUGH // len(EVENTS))):
        data = giant(number) if number < (10 if FULL else 1) else damaged(chance)
        done = subprocess.run(
            [sys.executable, "-m", "pytest_nextrust.cli", "hook", event],
            input=data,
            capture_output=True,
            timeout=limit,
            env=environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", "")),
            cwd=tmp_path,
        )
        assert done.returncode in ((0, 2) if event == "PreToolUse" else (0,)), done
        assert b"Traceback" not in done.stderr
        assert done.stdout == b"" or isinstance(json.loads(done.stdout), dict)
        assert len(done.stdout) < 70_000
