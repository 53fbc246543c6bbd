"""The OpenAI Responses API: a design request as the body of ``POST /v1/responses``, and its answer as a ModelReply.

The text of an answer is that of every ``output_text`` part of every ``message`` item: items of reasoning come first,
and ``output[0]`` is seldom the message. An answer that was cut off (``incomplete``) is given as far as it goes, and
marked; one without any text is an error.

Boundary: builds and reads documents; ``http`` carries them. Source: the OpenAI API reference, "Responses", and the
types of openai-python.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.llm.replies import ModelReply, Usage

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.settings import DesignRules
    from pytest_nextrust.llm.queue import QueuedRequest

__all__ = ["KEYS", "body", "headers", "key", "parse", "url"]

KEYS = ("O3_TOKEN", "OPENAI_API_KEY")
"""Variables that may hold the key, the first that is set being used."""

_TRANSIENT = ("server_error", "rate_limit_exceeded", "vector_store_timeout")


def key(environ: Mapping[str, str]) -> str:
    """The key. Raises ExternalError where there is none."""
    found = next((environ[name].strip() for name in KEYS if environ.get(name, "").strip()), "")
    if not found:
        raise ExternalError(
            "design model", "no key", kind="setup", remedy=f"set {' or '.join(KEYS)}; the request stays queued"
        )
    return found


def url(rules: DesignRules, environ: Mapping[str, str]) -> str:
    """Where to post to: O3_ENDPOINT, else the setting, with or without ``/v1`` at its end."""
    base = (environ.get("O3_ENDPOINT", "").strip() or rules.endpoint).rstrip("/")
    return f"{base}/responses" if base.endswith("/v1") else f"{base}/v1/responses"


def headers(entry: QueuedRequest, secret: str) -> dict[str, str]:
    """The same ids each time this entry is sent: a service that keeps them answers a repetition as it did before."""
    return {"Authorization": f"Bearer {secret}", "Idempotency-Key": entry.id, "X-Client-Request-Id": entry.id}


def body(entry: QueuedRequest, rules: DesignRules) -> dict[str, Any]:
    """The document to post. No temperature: models that reason refuse it."""
    return {
        "model": rules.model,
        "instructions": entry.instructions,
        "input": entry.text,
        "reasoning": {"effort": rules.effort},
        "max_output_tokens": rules.max_output_tokens,
        "store": False,
        "metadata": {"ticket": entry.ticket, "request": entry.id},
    }


def parse(plain: Mapping[str, Any]) -> ModelReply:
    """A ModelReply from an answer of status 200. Raises ExternalError for a failed, empty or misshapen one."""
    status, error = plain.get("status"), plain.get("error")
    if status == "failed" or error:
        raise _failed(error if isinstance(error, dict) else {})
    if status not in ("completed", "incomplete"):
        raise _unusable(f"its status is {str(status)[:40]!r}", kind="later")
    texts = list(_texts(plain.get("output")))
    text = "\n\n".join(part for kind, part in texts if part.strip())
    reason = _reason(plain) if status == "incomplete" else ""
    if not text:
        why = f"cut off ({reason}) before any text" if reason else "no text in it"
        raise _unusable(why, remedy="raise max_output_tokens" if reason == "max_output_tokens" else "")
    refused = any(kind == "refusal" for kind, _ in texts)
    note = "the model refused" if refused else f"cut off: {reason}" if reason else ""
    return ModelReply(
        text=text,
        model=_text(plain.get("model")),
        via="openai",
        response_id=_text(plain.get("id")),
        complete=status == "completed" and not refused,
        note=note,
        usage=usage(plain.get("usage")),
    )


def usage(plain: object) -> Usage | None:
    """What was used; None where the answer does not say."""
    if not isinstance(plain, dict):
        return None
    given, made = plain.get("input_tokens_details"), plain.get("output_tokens_details")
    return Usage(
        input=_count(plain, "input_tokens"),
        cached=_count(given, "cached_tokens"),
        cache_write=_count(given, "cache_write_tokens"),
        output=_count(plain, "output_tokens"),
        reasoning=_count(made, "reasoning_tokens"),
    )


def _texts(output: object) -> Iterator[tuple[str, str]]:
    for item in output if isinstance(output, list) else ():
        if not isinstance(item, dict) or item.get("type") != "message":
            continue
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str):
                yield "text", part["text"]
            elif isinstance(part, dict) and part.get("type") == "refusal" and isinstance(part.get("refusal"), str):
                yield "refusal", part["refusal"]


def _reason(plain: Mapping[str, Any]) -> str:
    details = plain.get("incomplete_details")
    return _text(details.get("reason"))[:60] if isinstance(details, dict) else "unknown"


def _failed(error: Mapping[str, Any]) -> ExternalError:
    code, message = _text(error.get("code")), _text(error.get("message"))[:300]
    kind = "later" if code in _TRANSIENT or not code else "final"
    return ExternalError("design model", f"failed ({code or 'no code'}): {message}", kind=kind, charged=True)


def _unusable(why: str, *, kind: str = "final", remedy: str = "") -> ExternalError:
    return ExternalError("design model", f"the answer cannot be used: {why}", kind=kind, charged=True, remedy=remedy)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(table: object, name: str) -> int:
    value = table.get(name) if isinstance(table, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0
