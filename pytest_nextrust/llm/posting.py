"""One JSON document posted to a model, one JSON document back, or an ExternalError that says what to do.

Retried at once, with exponential backoff and jitter, or after what Retry-After says: no connection, a connection lost,
a timeout, 408, 409, 429 and 5xx; not other statuses, since asking again would give the same answer.

Boundary: what a status means; ``base.http`` is how it is asked.
Sources: RFC 9110 (15 status codes); the retry rules of OpenAI's own client (``x-should-retry``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.http import HttpReply, HttpRequest, check_url, exchange, host_of, retry_after, until_answered
from pytest_nextrust.errors import ExternalError

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor

__all__ = ["Post", "post_json"]

_NOW = frozenset({408, 409, 429})
_SETUP = frozenset({401, 403, 404, 405, 407})
_EXCERPT = 65_536


@dataclass(frozen=True)
class Post:
    """One request. ``limit`` is in seconds for all attempts together; ``before`` is called before each of them, and
    ``refused`` after each that the other side cannot have charged for."""

    url: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    limit: float
    redactor: Redactor
    attempts: int = 4
    before: Callable[[], None] = lambda: None
    refused: Callable[[], None] = lambda: None
    proxy: str = ""


def post_json(post: Post, *, clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """The JSON object that came back with a 2xx status. Raises ExternalError."""
    check_url(post.url)
    request = HttpRequest(
        "POST",
        post.url,
        {"Content-Type": "application/json", **post.headers},
        post.redactor,
        json.dumps(post.payload).encode(),
        post.proxy,
        unreached="it stays queued; raise its timeout if this happens often",
    )

    def attempt(seconds: float) -> dict[str, Any]:
        post.before()
        try:
            return _answer(post, exchange(request, seconds))
        except ExternalError as error:
            if not error.charged:
                post.refused()
            raise

    return until_answered(attempt, limit=post.limit, attempts=post.attempts, clock=clock)


def _answer(post: Post, reply: HttpReply) -> dict[str, Any]:
    if not 200 <= reply.status < 300:
        raise _refusal(post, reply)
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise _unusable(post, f"its content type is {kind[:60] or 'missing'}, not JSON")
    try:
        plain = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise _unusable(post, "it is not JSON") from error
    if not isinstance(plain, dict):
        raise _unusable(post, "it is no JSON object")
    return plain


def _unusable(post: Post, why: str) -> ExternalError:
    return ExternalError(
        "external",
        f"the answer cannot be used: {why}",
        place=host_of(post.url),
        kind="later",
        charged=True,
        remedy="it stays queued; check the endpoint, and a proxy before it",
    )


def _refusal(post: Post, reply: HttpReply) -> ExternalError:
    status, headers = reply.status, reply.headers
    code, message = _error_in(post, reply.body)
    text = f"status {status}" + (f" ({code})" if code else "") + (f": {message}" if message else "")
    place = host_of(post.url)
    wish = headers.get("x-should-retry", "")
    if status in _SETUP or 300 <= status < 400 or code in ("insufficient_quota", "billing_hard_limit_reached"):
        remedy = "check the key, the model's name and the endpoint"
        return ExternalError("external", text, place=place, kind="setup", remedy=remedy)
    if status in _NOW or status >= 500:
        return ExternalError(
            "external", text, place=place, kind="later", now=wish != "false", after=retry_after(headers)
        )
    return ExternalError("external", text, place=place, kind="final", remedy="the request itself is refused")


def _error_in(post: Post, body: bytes) -> tuple[str, str]:
    """Code and message of an error document of OpenAI's or Google's, bounded; empty where it is something else."""
    try:
        error = json.loads(body[:_EXCERPT])["error"]
        code = error.get("code") if isinstance(error.get("code"), str) else error.get("status") or error.get("type")
        # Before they are cut: half a secret has no shape to be known by.
        clean = post.redactor.text
        return clean(str(code or ""))[:60], clean(str(error.get("message") or ""))[:300]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
