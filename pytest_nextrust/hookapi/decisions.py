"""What a handler may answer, and how the answers to one event become stdout, stderr and exit status.

A refusal goes out as JSON with exit status 0 where the assistant reads that (the form of August 2026), and as exit
status 2 with the reason on stderr, and the same JSON, for the form of July 2025; ``[hooks] channel`` fixes one of them.
Where there is no answer, stdout stays empty: what a UserPromptSubmit hook prints becomes part of the prompt.

Boundary: knows nothing of handlers. Source: docs/hooks.md ("How an answer goes out"). The assistant cuts strings at
10,000 characters; this cuts them before, and says so.
"""

from __future__ import annotations

import json

from pytest_nextrust.base.light_dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Answer", "Reply", "allow", "ask", "block", "context", "deny", "join", "note", "render"]

LONGEST = 10_000
"""Characters of a string that the assistant takes."""

_CUT = "\n... cut here: {} characters in all"
_CONTEXT_EVENTS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "UserPromptSubmit")
_KINDS = ("deny", "ask", "allow", "context", "note")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a handler. ``kind``: deny, ask, allow, context or note. ``handler`` is filled in by the runner."""

    kind: str
    text: str
    handler: str = ""

    @classmethod
    def read(cls, plain: Any) -> Answer:
        """An answer from plain values. Raises ValueError for another shape."""
        if not isinstance(plain, dict) or plain.get("kind") not in _KINDS or not isinstance(plain.get("text"), str):
            raise ValueError("not an answer")
        return cls(plain["kind"], plain["text"], str(plain.get("handler", "")))


def deny(reason: str) -> Answer:
    """Refuse: no tool call, no prompt taken; after the fact the turn goes on (Stop) or the model gets the reason."""
    return Answer("deny", reason)


block = deny
"""The same under the name that the events after a tool call use."""


def ask(reason: str) -> Answer:
    """Let the user decide (PreToolUse; elsewhere it is a note)."""
    return Answer("ask", reason)


def allow(reason: str) -> Answer:
    """Call the tool without asking the user (PreToolUse; elsewhere a note). To have no objection, answer None."""
    return Answer("allow", reason)


def context(text: str) -> Answer:
    """Give the model information. For an event that cannot pass it on, it becomes a note."""
    return Answer("context", text)


def note(text: str) -> Answer:
    """Show the user a message; the model does not see it."""
    return Answer("note", text)


@dataclass(frozen=True, slots=True)
class Joined:
    """All answers to one event: the strictest verdict (empty: none) with its reasons, and the rest."""

    verdict: str = ""
    reason: str = ""
    context: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the process prints and its exit status. ``stdout`` is empty or one JSON object."""

    status: int = 0
    stdout: str = ""
    stderr: str = ""


def join(event: str, answers: Iterable[Answer]) -> Joined:
    """One answer from many: deny over ask over allow, the reasons of the strictest, all contexts and notes."""
    texts: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for answer in answers:
        kind = answer.kind
        if event != "PreToolUse" and kind in ("ask", "allow"):
            kind = "note"
        if kind == "context" and event not in _CONTEXT_EVENTS:
            kind = "note"
        if answer.text not in texts[kind]:
            texts[kind].append(answer.text)
    verdict = next((kind for kind in ("deny", "ask", "allow") if texts[kind]), "")
    reason = "\n".join(texts[verdict]) if verdict else ""
    return Joined(verdict, _cut(reason), _cut("\n".join(texts["context"])), _cut("\n".join(texts["note"])))


def render(event: str, joined: Joined, *, form: str = "2026-08", channel: str = "auto", called: str = "") -> Reply:
    """What to print for ``event``. ``channel``: ``json``, ``status``, or ``auto``, which goes by the event's form.

    ``called``: the assistant's name for an event that is handled as ``event``. Nobody can be asked in it, so that a
    question is a refusal, and a refusal goes out by status: that blocks wherever an event can be blocked at all.
    """
    if called:
        verdict = "deny" if joined.verdict == "ask" else joined.verdict
        joined, channel = Joined(verdict, joined.reason, joined.context, joined.note), "status"
    body = _body(event, joined)
    if called and "hookSpecificOutput" in body:
        body["hookSpecificOutput"]["hookEventName"] = called
    stdout = json.dumps(body) if body else ""
    if joined.verdict != "deny":
        return Reply(0, stdout, "")
    by_status = channel == "status" or (channel == "auto" and form == "2025-07")
    return Reply(2 if by_status else 0, stdout, joined.reason + "\n")


def _body(event: str, joined: Joined) -> dict[str, Any]:
    body: dict[str, Any] = {}
    special: dict[str, Any] = {}
    if joined.verdict and event == "PreToolUse":
        special |= {"permissionDecision": joined.verdict, "permissionDecisionReason": joined.reason}
    elif joined.verdict == "deny":
        body |= {"decision": "block", "reason": joined.reason}
    if joined.context:
        special["additionalContext"] = joined.context
    if joined.note:
        body["systemMessage"] = joined.note
    if special:
        body["hookSpecificOutput"] = {"hookEventName": event, **special}
    return body


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    mark = _CUT.format(len(text))
    return text[: LONGEST - len(mark)] + mark
