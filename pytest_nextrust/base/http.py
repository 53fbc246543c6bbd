"""One HTTP request, one answer, within a time limit; and the loop that asks again what may pass.

The time limit is for the whole exchange, also with a server that sends a byte a minute. Redirects are not followed:
they would carry the key elsewhere. Plain http is spoken with this machine only. Nothing is kept of a connection.

Boundary: knows no service and judges no status; ``stamina`` and ``urllib3`` (the extra ``external``) are imported where
they are used. Sources: RFC 9110 (10.2.3 Retry-After).
"""

from __future__ import annotations

import email.utils
import logging
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from pytest_nextrust.errors import ExternalError

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor

T = TypeVar("T")

__all__ = [
    "LARGEST",
    "HttpReply",
    "HttpRequest",
    "check_url",
    "exchange",
    "host_of",
    "proxy_for",
    "retry_after",
    "until_answered",
]

LARGEST = 4_000_000
"""Bytes of an answer, where the request does not say."""

_CONNECT = 10.0
_PIECE = 65_536
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class HttpRequest:
    """One request. ``largest``: bytes of an answer that are read; ``proxy``: a URL, or empty for none.

    ``unreached`` is the remedy of an error where there was no answer, or none that can be used.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    redactor: Redactor
    body: bytes | None = None
    proxy: str = ""
    largest: int = LARGEST
    subject: str = "external"
    unreached: str = ""


@dataclass(frozen=True)
class HttpReply:
    """What came back, whatever its status. ``headers`` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def until_answered(
    attempt: Callable[[float], T],
    *,
    limit: float,
    attempts: int,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call ``attempt`` with the seconds that are left until it gives an answer; its last ExternalError otherwise.

    An error with ``now`` is tried again, after its ``after`` seconds or with exponential backoff and jitter, at most
    ``attempts`` times, and not where the wait would end after ``limit`` seconds.
    """
    stamina = _needed("stamina")
    _quiet(logging.getLogger("stamina"))
    end = clock() + limit

    def again(error: Exception) -> bool | float:
        if not isinstance(error, ExternalError) or not error.now:
            return False
        left = end - clock()
        if error.after is not None:
            return error.after if error.after < left else False
        return left > 0

    for each in stamina.retry_context(
        on=again, attempts=attempts, timeout=limit, wait_initial=0.5, wait_max=20.0, wait_jitter=1.0
    ):
        with each:
            return attempt(max(0.05, end - clock()))
    raise AssertionError("stamina raises the last error")


def exchange(request: HttpRequest, seconds: float) -> HttpReply:
    """Ask once. Raises ExternalError: ``charged`` where the request may have arrived.

    The exchange has a thread of its own: nothing else ends a read from a server that sends a byte now and then.
    """
    check_url(request.url, request.subject)
    outcome: queue.SimpleQueue[HttpReply | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put(_exchange(request, seconds))
        except BaseException as error:  # noqa: BLE001 - carried to the caller, whatever it is
            outcome.put(error)

    threading.Thread(target=work, name="nextrust-external", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except queue.Empty:
        raise _timeout(request, seconds) from None
    if isinstance(result, BaseException):
        raise result
    return result


def check_url(url: str, subject: str = "external") -> None:
    """Raise ExternalError for a URL to which a key would go in clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return
    raise ExternalError(subject, "would send the key in clear", place=url, kind="setup", remedy="use an https endpoint")


def host_of(url: str) -> str:
    """Scheme, host and port of a URL: how errors name it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def proxy_for(url: str) -> str:
    """The proxy that HTTPS_PROXY and NO_PROXY ask for."""
    parts = urlsplit(url)
    if parts.scheme != "https" or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    return urllib.request.getproxies().get("https", "")


def retry_after(headers: Mapping[str, str]) -> float | None:
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


def _timeout(request: HttpRequest, seconds: float) -> ExternalError:
    return ExternalError(
        request.subject,
        f"no whole answer within {seconds:.1f} s",
        place=host_of(request.url),
        kind="later",
        now=True,
        charged=True,
        remedy=request.unreached,
    )


def _exchange(request: HttpRequest, seconds: float) -> HttpReply:
    urllib3 = _needed("urllib3")
    failed: tuple[str, bool]
    try:
        with _pool(urllib3, request.proxy) as pool:
            response = pool.request(
                request.method,
                request.url,
                body=request.body,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **request.headers},
                timeout=urllib3.Timeout(connect=min(_CONNECT, seconds), read=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                return HttpReply(int(response.status), response.headers, _read(request, response))
            finally:
                response.close()
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise _timeout(request, seconds) from error
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        failed = ("no connection", False)
        cause: Exception = error
    except (urllib3.exceptions.SSLError, urllib3.exceptions.ProxyError) as error:
        raise ExternalError(
            request.subject,
            f"no trusted connection: {_reason_of(request, error)}",
            place=host_of(request.url),
            kind="setup",
        ) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failed = ("the connection was lost", True)
        cause = error
    raise ExternalError(
        request.subject,
        f"{failed[0]}: {_reason_of(request, cause)}",
        place=host_of(request.url),
        kind="later",
        now=True,
        charged=failed[1],
        remedy=request.unreached,
    ) from cause


def _pool(urllib3: Any, proxy: str) -> Any:
    if not proxy:
        return urllib3.PoolManager()
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    where, headers = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", {}
    if parts.username is not None:
        headers = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return urllib3.ProxyManager(where, proxy_headers=headers)


def _read(request: HttpRequest, response: Any) -> bytes:
    pieces, size = [], 0
    while piece := response.read(_PIECE, decode_content=False):
        pieces.append(piece)
        size += len(piece)
        if size > request.largest:
            raise ExternalError(
                request.subject,
                f"the answer cannot be used: longer than {request.largest} bytes",
                place=host_of(request.url),
                kind="later",
                charged=True,
                remedy=request.unreached,
            )
    return b"".join(pieces)


def _reason_of(request: HttpRequest, error: Exception) -> str:
    return request.redactor.text(str(error).partition("\n")[0])[:200] or type(error).__name__
