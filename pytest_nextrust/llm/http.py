"""One JSON document posted, one JSON document back, within a time limit, or an ExternalError that says what to do.

Retried at once, with exponential backoff and jitter, or after what Retry-After says: no connection, a connection lost,
a timeout, 408, 409, 429 and 5xx; not other statuses, since asking again would give the same answer. The time limit is
for everything together, also for a server that sends a byte a minute. Redirects are not followed: they would carry the
key elsewhere. Plain http is spoken with this machine only.

Boundary: knows no service; ``stamina`` and ``urllib3`` (the extra ``external``) are imported where they are used.
Sources: RFC 9110 (10.2.3 Retry-After, 15 status codes); the retry rules of OpenAI's own client (``x-should-retry``).
"""

from __future__ import annotations

import email.utils
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pytest_nextrust.errors import ExternalError

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor

__all__ = ["LARGEST", "Post", "post_json"]

LARGEST = 4_000_000
"""Bytes of an answer; no answer of a model is as long."""

_CONNECT = 10.0
_PIECE = 65_536
_NOW = frozenset({408, 409, 429})
_SETUP = frozenset({401, 403, 404, 405, 407})
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


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
    stamina = _needed("stamina")
    _quiet(logging.getLogger("stamina"))
    _check_url(post.url)
    end = clock() + post.limit

    def again(error: Exception) -> bool | float:
        if not isinstance(error, ExternalError) or not error.now:
            return False
        left = end - clock()
        if error.after is not None:
            return error.after if error.after < left else False
        return left > 0

    for attempt in stamina.retry_context(
        on=again, attempts=post.attempts, timeout=post.limit, wait_initial=0.5, wait_max=20.0, wait_jitter=1.0
    ):
        with attempt:
            post.before()
            try:
                return _once(post, max(0.05, end - clock()))
            except ExternalError as error:
                if not error.charged:
                    post.refused()
                raise
    raise AssertionError("stamina raises the last error")


def _quiet(logger: logging.Logger) -> None:
    """Keep a library's remarks from stderr where the program has not asked for them, as libraries themselves should."""
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _needed(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ExternalError(
            "external",
            f"{name} is not installed",
            kind="setup",
            remedy="pip install 'pytest-nextrust[external]'",
        ) from error


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return
    raise ExternalError(
        "external", "would send the key in clear", place=url, kind="setup", remedy="use an https endpoint"
    )


def _once(post: Post, seconds: float) -> dict[str, Any]:
    """One attempt, in a thread of its own: nothing else ends a read from a server that sends a byte now and then."""
    outcome: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put(_exchange(post, seconds))
        except BaseException as error:  # noqa: BLE001 - carried to the caller, whatever it is
            outcome.put(error)

    threading.Thread(target=work, name="nextrust-external", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except queue.Empty:
        raise _timeout(post, seconds) from None
    if isinstance(result, BaseException):
        raise result
    return result


def _timeout(post: Post, seconds: float) -> ExternalError:
    return ExternalError(
        "external",
        f"no whole answer within {seconds:.1f} s",
        place=_host(post.url),
        kind="later",
        now=True,
        charged=True,
        remedy="it stays queued; raise its timeout if this happens often",
    )


def _exchange(post: Post, seconds: float) -> dict[str, Any]:
    urllib3 = _needed("urllib3")
    timeout = urllib3.Timeout(connect=min(_CONNECT, seconds), read=seconds)
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    pool = _pool(urllib3, post.proxy)
    failed: tuple[str, bool]
    try:
        with pool:
            response = pool.request(
                "POST",
                post.url,
                body=json.dumps(post.payload).encode(),
                headers={**headers, **post.headers},
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                return _answer(post, response, _read(post, response))
            finally:
                response.close()
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise _timeout(post, seconds) from error
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        failed = ("no connection", False)
        cause: Exception = error
    except (urllib3.exceptions.SSLError, urllib3.exceptions.ProxyError) as error:
        raise ExternalError(
            "external", f"no trusted connection: {_reason_of(post, error)}", place=_host(post.url), kind="setup"
        ) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failed = ("the connection was lost", True)
        cause = error
    raise ExternalError(
        "external",
        f"{failed[0]}: {_reason_of(post, cause)}",
        place=_host(post.url),
        kind="later",
        now=True,
        charged=failed[1],
        remedy="it stays queued",
    ) from cause


def _pool(urllib3: Any, proxy: str) -> Any:
    if not proxy:
        return urllib3.PoolManager()
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    where, headers = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", {}
    if parts.username is not None:
        headers = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return urllib3.ProxyManager(where, proxy_headers=headers)


def _read(post: Post, response: Any) -> bytes:
    pieces, size = [], 0
    while piece := response.read(_PIECE, decode_content=False):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise _unusable(post, f"longer than {LARGEST} bytes")
    return b"".join(pieces)


def _answer(post: Post, response: Any, body: bytes) -> dict[str, Any]:
    status = int(response.status)
    if not 200 <= status < 300:
        raise _refusal(post, status, response.headers, body)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise _unusable(post, f"its content type is {kind[:60] or 'missing'}, not JSON")
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _unusable(post, "it is not JSON") from error
    if not isinstance(plain, dict):
        raise _unusable(post, "it is no JSON object")
    return plain


def _unusable(post: Post, why: str) -> ExternalError:
    return ExternalError(
        "external",
        f"the answer cannot be used: {why}",
        place=_host(post.url),
        kind="later",
        charged=True,
        remedy="it stays queued; check the endpoint, and a proxy before it",
    )


def _refusal(post: Post, status: int, headers: Mapping[str, str], body: bytes) -> ExternalError:
    code, message = _error_in(post, body)
    text = f"status {status}" + (f" ({code})" if code else "") + (f": {message}" if message else "")
    place = _host(post.url)
    wish = headers.get("x-should-retry", "")
    if status in _SETUP or 300 <= status < 400 or code in ("insufficient_quota", "billing_hard_limit_reached"):
        remedy = "check the key, the model's name and the endpoint"
        return ExternalError("external", text, place=place, kind="setup", remedy=remedy)
    if status in _NOW or status >= 500:
        return ExternalError(
            "external", text, place=place, kind="later", now=wish != "false", after=_retry_after(headers)
        )
    return ExternalError("external", text, place=place, kind="final", remedy="the request itself is refused")


def _error_in(post: Post, body: bytes) -> tuple[str, str]:
    """Code and message of an error document of OpenAI's or Google's, bounded; empty where it is something else."""
    try:
        error = json.loads(body[:_PIECE])["error"]
        code = error.get("code") if isinstance(error.get("code"), str) else error.get("status") or error.get("type")
        # Before they are cut: half a secret has no shape to be known by.
        clean = post.redactor.text
        return clean(str(code or ""))[:60], clean(str(error.get("message") or ""))[:300]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server says; None where it says nothing that can be read."""
    milliseconds, value = headers.get("retry-after-ms", ""), headers.get("Retry-After", "").strip()
    if milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 10:
        return int(milliseconds) / 1000
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason_of(post: Post, error: Exception) -> str:
    return post.redactor.text(str(error).partition("\n")[0])[:200] or type(error).__name__
