"""Decisions: many answers become one, in the form that the assistant reads for the event."""

from __future__ import annotations

import json

import pytest

from pytest_nextrust.hookapi.decisions import (
    LONGEST,
    Answer,
    Joined,
    allow,
    ask,
    block,
    context,
    deny,
    join,
    note,
    render,
)
from pytest_nextrust.hookapi.events import EVENTS

AFTER = [event for event in EVENTS if event != "PreToolUse"]


@pytest.mark.parametrize("event", EVENTS)
def test_nothing_to_say_is_nothing(event: str) -> None:
    """Without an answer nothing is printed, which for a prompt would be added to it, and the status is 0."""
    reply = render(event, join(event, []))
    assert (reply.status, reply.stdout, reply.stderr) == (0, "", "")


def test_the_strictest_answer_wins() -> None:
    """Deny over ask over allow, with the reasons of the winner only, each once."""
    answers = [allow("a"), ask("b"), deny("c"), deny("d"), deny("c")]
    assert join("PreToolUse", answers) == Joined("deny", "c\nd")
    assert join("PreToolUse", answers[:2]) == Joined("ask", "b")
    assert join("PreToolUse", answers[:1]) == Joined("allow", "a")


@pytest.mark.parametrize("event", AFTER)
def test_only_a_tool_call_can_be_asked_about(event: str) -> None:
    """Elsewhere ask and allow are shown to the user; only block blocks."""
    assert join(event, [ask("b"), allow("a")]).verdict == ""
    assert join(event, [ask("b")]).note == "b"
    assert join(event, [block("c")]).verdict == "deny"


def test_a_refused_call() -> None:
    """JSON with status 0 and the reason on stderr too, for the form of August 2026."""
    reply = render("PreToolUse", Joined("deny", "no"))
    assert reply.status == 0
    assert reply.stderr == "no\n"
    assert json.loads(reply.stdout) == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "no",
        }
    }


@pytest.mark.parametrize("event", AFTER)
def test_a_block_after_the_fact(event: str) -> None:
    """The top-level decision, and no status 2, which UserPromptSubmit would show to the user only."""
    reply = render(event, Joined("deny", "no"))
    assert (reply.status, json.loads(reply.stdout)) == (0, {"decision": "block", "reason": "no"})


@pytest.mark.parametrize("event", EVENTS)
def test_blocking_by_status(event: str) -> None:
    """For the form of July 2025, or where the project says so: status 2, stderr, and JSON that says the same."""
    old = render(event, Joined("deny", "no"), form="2025-07")
    assert (old.status, old.stderr) == (2, "no\n")
    assert render(event, Joined("deny", "no"), channel="status") == old
    assert render(event, Joined("deny", "no"), form="2025-07", channel="json").status == 0
    assert render(event, Joined("ask", "no"), channel="status").status == 0


def test_context_goes_where_there_is_a_way() -> None:
    """Told to the model where the event can; at a Stop shown to the user."""
    assert json.loads(render("UserPromptSubmit", join("UserPromptSubmit", [context("x"), note("y")])).stdout) == {
        "systemMessage": "y",
        "hookSpecificOutput": {"hookEventName": "UserPromptSubmit", "additionalContext": "x"},
    }
    assert json.loads(render("Stop", join("Stop", [context("x")])).stdout) == {"systemMessage": "x"}


@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1, LONGEST * 30])
def test_strings_are_cut_where_the_assistant_would(size: int) -> None:
    """At most 10,000 characters of each string, and a mark that says how many there were."""
    joined = join("PreToolUse", [deny("x" * size), context("y" * size)])
    for text in (joined.reason, joined.context):
        assert len(text) == LONGEST
        assert text.endswith(f"{size} characters in all") == (size > LONGEST)


@pytest.mark.parametrize("plain", [None, {}, {"kind": "maybe", "text": ""}, {"kind": "deny", "text": 3}, ["deny"]])
def test_what_is_no_answer_is_refused(plain: object) -> None:
    """An answer read back from plain values is of a known kind and a text, or a ValueError."""
    with pytest.raises(ValueError, match="not an answer"):
        Answer.read(plain)
