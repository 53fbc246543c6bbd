"""The Gemini API: a review as the body of ``POST /v1beta/models/MODEL:generateContent``, its answer as a ModelReply.

The key goes in the header ``x-goog-api-key``; in the URL it would be in every log on the way.

Boundary: builds and reads documents; ``http`` carries them. Source: ai.google.dev, "Generating content"
(GenerateContentResponse, FinishReason, UsageMetadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.llm.replies import ModelReply, Usage

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.settings import ReviewRules
    from pytest_nextrust.llm.queue import QueuedRequest

__all__ = ["KEYS", "body", "headers", "key", "parse", "url"]

KEYS = ("GEMINI_API_KEY", "GEMINI_TOKEN", "GOOGLE_API_KEY")
"""Variables that may hold the key, the first that is set being used."""


def key(environ: Mapping[str, str]) -> str:
    """The key. Raises ExternalError where there is none."""
    found = next((environ[name].strip() for name in KEYS if environ.get(name, "").strip()), "")
    if not found:
        raise ExternalError(
            "review model",
            "no key, and no Gemini CLI",
            kind="setup",
            remedy="install it (npm install -g @google/gemini-cli) or set GEMINI_API_KEY; the request stays queued",
        )
    return found


def url(rules: ReviewRules) -> str:
    """Where to post to."""
    return f"{rules.endpoint.rstrip('/')}/v1beta/models/{rules.model}:generateContent"


def headers(entry: QueuedRequest, secret: str) -> dict[str, str]:
    """The key, and an id that is the same each time this entry is sent."""
    return {"x-goog-api-key": secret, "X-Client-Request-Id": entry.id}


def body(entry: QueuedRequest, rules: ReviewRules) -> dict[str, Any]:
    """The document to post."""
    return {
        "systemInstruction": {"parts": [{"text": entry.instructions}]},
        "contents": [{"role": "user", "parts": [{"text": entry.text}]}],
        "generationConfig": {"temperature": 0.2, "maxOutputTokens": rules.max_output_tokens},
    }


def parse(plain: Mapping[str, Any]) -> ModelReply:
    """A ModelReply from an answer of status 200. Raises ExternalError for a blocked, empty or misshapen one."""
    feedback = plain.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        raise _unusable(f"the request was blocked ({str(feedback['blockReason'])[:60]})")
    candidates = plain.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(first, dict):
        raise _unusable("no candidate in it", kind="later")
    reason = first.get("finishReason")
    reason = reason if isinstance(reason, str) else ""
    text = _text(first.get("content"))
    if not text.strip():
        raise _unusable(f"no text in it (it ended with {reason[:60] or 'no reason'})")
    return ModelReply(
        text=text,
        model=_string(plain.get("modelVersion")),
        via="gemini-api",
        response_id=_string(plain.get("responseId")),
        complete=reason == "STOP",
        note="" if reason == "STOP" else f"cut off: {reason[:60] or 'no reason given'}",
        usage=_usage(plain.get("usageMetadata")),
    )


def _text(content: object) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    found = []
    for part in parts if isinstance(parts, list) else ():
        # A part marked as thought is the model talking to itself.
        if isinstance(part, dict) and isinstance(part.get("text"), str) and part.get("thought") is not True:
            found.append(part["text"])
    return "".join(found)


def _usage(plain: object) -> Usage | None:
    if not isinstance(plain, dict):
        return None
    thoughts = _count(plain, "thoughtsTokenCount")
    return Usage(
        input=_count(plain, "promptTokenCount") + _count(plain, "toolUsePromptTokenCount"),
        cached=_count(plain, "cachedContentTokenCount"),
        # The count of the candidates leaves the thoughts out; both are billed as output.
        output=_count(plain, "candidatesTokenCount") + thoughts,
        reasoning=thoughts,
    )


def _unusable(why: str, *, kind: str = "final") -> ExternalError:
    return ExternalError("review model", f"the answer cannot be used: {why}", kind=kind, charged=True)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(table: Mapping[str, Any], name: str) -> int:
    value = table.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0
