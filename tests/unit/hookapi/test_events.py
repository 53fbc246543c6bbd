"""Events: both forms are read, what is wrong is named, what is new is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.hookapi.events import EVENTS, Event, event_name, parse_event, read_event
from tests.unit.hooks.support import FIXTURES, event_bytes

FILES = sorted(FIXTURES.glob("*.json"))


def test_there_is_a_fixture_for_each_event_and_date() -> None:
    """July 2025 knows four events, August 2026 also the failure of a tool."""
    assert sorted(path.stem for path in FILES) == sorted(
        f"{date}-{event}"
        for date in ("2025-07", "2026-08")
        for event in ("pre-tool-use", "post-tool-use", "post-tool-use-failure", "stop", "user-prompt-submit")
        if (date, event) != ("2025-07", "post-tool-use-failure")
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_documented_form_is_read(path: Path) -> None:
    """Each fixture parses without a fault or a note, and tells its form."""
    table = json.loads(path.read_text(encoding="utf-8"))
    event = parse_event(path.read_bytes(), table["hook_event_name"])
    assert event.form == path.stem[:7]
    assert event.notes == ()
    for key in ("session_id", "tool_name", "tool_input", "prompt", "error", "tool_response", "stop_hook_active"):
        if key in table:
            assert getattr(event, key) == table[key], key
    assert event.identity == ("" if event.form == "2025-07" else event.identity)
    assert bool(event.identity) == (event.form == "2026-08")


def test_what_an_event_says_of_its_call() -> None:
    """The command of a Bash call, the file of a Write, the exit status of a failure."""
    failed = parse_event((FIXTURES / "2026-08-post-tool-use-failure.json").read_bytes(), "PostToolUseFailure")
    written = parse_event((FIXTURES / "2025-07-post-tool-use.json").read_bytes(), "PostToolUse")
    assert (failed.command, failed.exit_status) == ("make", 2)
    assert (written.command, written.file_path, written.exit_status) == ("", "/home/u/port/a.rs", None)


def test_the_older_spelling_is_taken() -> None:
    """``tool_args`` stands for ``tool_input``, and a response with an exit code is a failure; ``tool_input`` wins."""
    old = b'{"tool_name":"Bash","tool_args":{"command":"make"},"tool_response":{"exit_code":2}}'
    event = parse_event(old, "PostToolUse")
    assert (event.command, event.handled_as, event.exit_status) == ("make", "PostToolUseFailure", 2)
    both = b'{"tool_name":"Bash","tool_args":{"command":"a"},"tool_input":{"command":"b"}}'
    assert parse_event(both, "PreToolUse").command == "b"
    fine = old.replace(b":2}", b":0}")
    assert parse_event(fine, "PostToolUse").handled_as == "PostToolUse"


def faults(data: bytes, name: str = "PreToolUse") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_event(data, name)
    return [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"", ["(document)"]),
        (b"\xff{}", ["(byte 0)"]),
        (b"[]", ["(document)"]),
        (b"[" * 100_000, ["(document)"]),
        (b'{"a": NaN}', ["(document)"]),
        (b'{"a": ' + b"9" * 5000 + b"}", ["(document)"]),
        (b"{}", ["tool_input", "tool_name"]),
        (b'{"tool_name": 3, "tool_input": []}', ["tool_input", "tool_name"]),
        (b'{"tool_name": "Bash", "tool_input": {}}', ["tool_input.command"]),
        (b'{"tool_name": "Write", "tool_input": {"file_path": 3}}', ["tool_input.file_path"]),
        (event_bytes(hook_event_name="Stop"), ["hook_event_name"]),
    ],
    ids=lambda value: None if isinstance(value, list) else f"{len(value)}-{value[:12]!r}",
)
def test_every_fault_is_named(data: bytes, paths: list[str]) -> None:
    """What a decision rests on and has another shape is a fault, all of them at once."""
    assert faults(data) == paths


def test_what_only_informs_is_left_out_and_noted() -> None:
    """A key of another type that no decision rests on costs nothing but a note; unknown keys not even that."""
    event = parse_event(event_bytes(session_id=7, permission_mode=[], brand_new={"a": 1}), "PreToolUse")
    assert event.session_id == ""
    assert [note.partition(":")[0] for note in event.notes] == ["session_id", "permission_mode"]


def test_reading_returns_what_parsing_raises() -> None:
    """``read_event`` hands a fault on as a value, and an event as it is."""
    assert isinstance(read_event(b"{", "Stop"), ConfigError)
    assert isinstance(read_event(b"{}", "Stop"), Event)


@pytest.mark.parametrize("name", EVENTS)
def test_names_of_events(name: str) -> None:
    """An event answers to its name in every spelling of its words."""
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")
    assert {event_name(form) for form in (name, dashed, dashed.replace("-", "_"), name.upper())} == {name}


def test_other_names_are_none() -> None:
    """The older short names are taken; another assistant's event, or a typing error, is no event."""
    assert [event_name(text) for text in ("pre", "post", "stop", "SessionStart", "", "PreTool")] == [
        "PreToolUse",
        "PostToolUse",
        "Stop",
        None,
        None,
        None,
    ]


def test_an_event_is_a_value() -> None:
    """Equal bytes give equal events, and none can be changed."""
    first: Any = parse_event(event_bytes(), "PreToolUse")
    assert first == parse_event(event_bytes(), "PreToolUse")
    assert first != parse_event(event_bytes(command="pwd"), "PreToolUse")
    with pytest.raises(AttributeError, match="frozen"):
        first.session_id = "x"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("\ud83d", "\ufffd"),
        ("a\udc00\\\ud800b", "a\ufffd\\\ufffdb"),
        ("\U0001f600", "\U0001f600"),
        ("\\ud83d", "\\ud83d"),
    ],
    ids=["high", "both", "pair", "escaped"],
)
def test_half_a_pair_of_surrogates_is_replaced(given: str, read: str) -> None:
    """What no file, database or command could take is U+FFFD, wherever it stands; whole characters stay."""
    event = parse_event(event_bytes(command=given, session_id=given), "PreToolUse")
    assert event.command == event.session_id == read
    parse_event(event_bytes(tool_input={"command": "ls", given: [given]}), "PreToolUse").tool_input[read][0].encode()


def test_a_name_has_a_length() -> None:
    """An id or a path that is too long to be one is left out, and said; a tool of such a name is a fault."""
    event = parse_event(event_bytes(session_id="s" * 4097, cwd="/" * 4096, tool_use_id="t" * 10**6), "PreToolUse")
    assert (event.session_id, event.identity, len(event.cwd)) == ("", "", 4096)
    assert sorted(event.notes) == ["session_id: left out: 4097 characters", "tool_use_id: left out: 1000000 characters"]
    with pytest.raises(ConfigError, match="tool_name: 4097 characters"):
        parse_event(event_bytes(tool_name="x" * 4097), "PreToolUse")
