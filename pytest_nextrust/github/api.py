"""One request to GitHub's REST API, asked again within a bound where that may help, or a GithubError that says why not.

Asked again: no connection, a connection lost, a time-out, 408, 5xx, and rate limits. A primary limit (403 or 429 with
``x-ratelimit-remaining: 0``) is waited for until ``x-ratelimit-reset``; a secondary one as long as Retry-After says,
else a minute, then twice that, and so on. Where the wait would not end within the limit the error says so at once.

Whether a request that was cut short has been acted on is asked of ``landed`` before it is repeated. GitHub itself ends
a request after 10 seconds, so that after TIMEOUT nothing is under way any more.

Boundary: statuses and limits; knows no resource. Sources: docs.github.com/rest, "Rate limits for the REST API",
"Best practices for using the REST API", "Troubleshooting the REST API", "Using pagination in the REST API".
"""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from pytest_nextrust import __version__
from pytest_nextrust.base.http import (
    HttpReply,
    HttpRequest,
    check_url,
    exchange,
    host_of,
    proxy_for,
    retry_after,
    until_answered,
)
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import ExternalError, GithubError
from pytest_nextrust.github.faults import REMEDIES

T = TypeVar("T")

__all__ = ["ATTEMPTS", "LIMIT", "TIMEOUT", "GithubApi", "fault"]

LIMIT = 300.0
"""Seconds for one request with everything that is waited for."""

TIMEOUT = 30.0
"""Seconds for one exchange."""

ATTEMPTS = 6

PAGE = 100
"""Entries of a list in one answer: as many as GitHub gives."""

_VERSION = "2022-11-28"
_LARGEST = 32_000_000
_LOG = 64_000_000
_READ_ONLY = re.compile(r"not accessible by (integration|personal access token)", re.IGNORECASE)


@dataclass
class GithubApi:
    """The API at ``url``. ``now`` is the time in seconds since 1970, which a limit's end is given in; ``clock`` any
    clock that does not jump."""

    url: str
    token: str = field(repr=False)
    redactor: Redactor
    limit: float = LIMIT
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> GithubApi:
        """GITHUB_API_URL and GITHUB_TOKEN (else GH_TOKEN) say which. Raises GithubError."""
        url = environ.get("GITHUB_API_URL", "").rstrip("/") or "https://api.github.com"
        token = environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")
        if not token.strip():
            raise fault("GITHUB_TOKEN is not set", place=url, kind="setup")
        check_url(url, "GitHub")
        return cls(url, token.strip(), Redactor({**environ, "GITHUB_TOKEN": token.strip()}), **given)

    def read(self, path: str, **query: object) -> Any:
        """The JSON document at ``path``. Raises GithubError."""
        return self._ask(self._at(path, query))[0]

    def pages(self, path: str, under: str = "", **query: object) -> Iterator[Any]:
        """Every entry of a list, or of the list ``under`` a key of an object, page by page. Raises GithubError."""
        url = self._at(path, {**query, "per_page": PAGE})
        while url:
            document, reply = self._ask(url)
            entries = document.get(under) if under and isinstance(document, dict) else document
            if not isinstance(entries, list):
                raise fault("the answer cannot be used", "it is no list", place=self.url, kind="later")
            yield from entries
            url = self._next(reply)

    def write(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        landed: Callable[[], T | None] | None = None,
        read: Callable[[Any], T],
    ) -> T:
        """What ``read`` makes of the answer (None for an empty one) to a request that changes something.

        ``landed`` looks whether an earlier one that was cut short has arrived, and what came of it; where it is None,
        such a request is not repeated, and its error is ``charged``. Raises GithubError.
        """
        uncertain = False
        waits = _secondary_waits()

        def look() -> T | None:
            try:
                return landed() if landed is not None and uncertain else None
            except GithubError as error:
                # It was asked as often as anything is: what is not known now is not found out by more of that.
                raise _uncertain(error) from error

        def attempt(seconds: float) -> T:
            nonlocal uncertain
            if (found := look()) is not None:
                return found
            try:
                reply = self._once(method, self._at(path, {}), payload, seconds, waits)
                return read(_document(reply, self.url, charged=True) if reply.body else None)
            except GithubError as error:
                uncertain = uncertain or error.charged
                if error.charged and landed is None:
                    raise _uncertain(error) from error
                raise

        try:
            return until_answered(attempt, limit=self.limit, attempts=ATTEMPTS, clock=self.clock)
        except GithubError as error:
            # Also behind a refusal: what is refused the second time may be what was done the first.
            if error.words != "it may have arrived" and (found := look()) is not None:
                return found
            raise

    def log(self, path: str) -> bytes:
        """What is downloaded from where the answer to ``path`` points; the token is not sent there."""
        waits = _secondary_waits()

        def attempt(seconds: float) -> bytes:
            reply = self._sent("GET", self._at(path, {}), None, seconds)
            where = reply.headers.get("Location", "")
            if reply.status != 302 or not where:
                return self._judged("GET", reply, waits).body
            check_url(where, "GitHub")
            request = HttpRequest(
                "GET", where, {"Accept": "*/*"}, self.redactor, proxy=proxy_for(where), largest=_LOG, subject="GitHub"
            )
            return self._judged("GET", _exchanged(request, min(TIMEOUT, seconds)), waits).body

        return until_answered(attempt, limit=self.limit, attempts=ATTEMPTS, clock=self.clock)

    def _at(self, path: str, query: Mapping[str, object]) -> str:
        given = {name: value for name, value in query.items() if value is not None}
        return f"{self.url}{path}" + (f"?{urlencode(given)}" if given else "")

    def _next(self, reply: HttpReply) -> str:
        """The next page; empty for none. Its address is the server's word, and the token goes to this API alone."""
        found = re.search(r'<([^<>]+)>\s*;\s*rel="next"', reply.headers.get("Link", ""))
        if found is None:
            return ""
        if not found[1].startswith(f"{self.url}/"):
            raise fault("the answer cannot be used", "its next page is elsewhere", place=self.url, kind="setup")
        return found[1]

    def _ask(self, url: str) -> tuple[Any, HttpReply]:
        waits = _secondary_waits()

        def attempt(seconds: float) -> tuple[Any, HttpReply]:
            reply = self._once("GET", url, None, seconds, waits)
            return _document(reply, self.url), reply

        return until_answered(attempt, limit=self.limit, attempts=ATTEMPTS, clock=self.clock)

    def _once(
        self, method: str, url: str, payload: Mapping[str, Any] | None, seconds: float, waits: Iterator[float]
    ) -> HttpReply:
        return self._judged(method, self._sent(method, url, payload, seconds), waits)

    def _sent(self, method: str, url: str, payload: Mapping[str, Any] | None, seconds: float) -> HttpReply:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "User-Agent": f"pytest-nextrust/{__version__}",
            "X-GitHub-Api-Version": _VERSION,
        }
        body = None if payload is None else json.dumps(payload).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        proxy = proxy_for(url)
        request = HttpRequest(method, url, headers, self.redactor, body, proxy, largest=_LARGEST, subject="GitHub")
        return _exchanged(request, min(TIMEOUT, seconds))

    def _judged(self, method: str, reply: HttpReply, waits: Iterator[float]) -> HttpReply:
        """The reply, where its status is 2xx. Raises GithubError."""
        status = reply.status
        if 200 <= status < 300:
            return reply
        message = self._message(reply)
        limited = self._limited(reply, message, waits)
        if limited is not None:
            words, after = limited
            raise fault(words, message, place=self.url, kind="later", status=status, now=True, after=after)
        if status == 408 or status >= 500:
            raise fault(
                "GitHub has a fault",
                message,
                place=self.url,
                kind="later",
                status=status,
                now=True,
                after=retry_after(reply.headers),
                charged=method != "GET",
            )
        raise fault(_words(status, message), message, place=self.url, kind=_kind(status), status=status)

    def _limited(self, reply: HttpReply, message: str, waits: Iterator[float]) -> tuple[str, float] | None:
        """Which limit is reached, and the seconds until it may be tried again."""
        if reply.status not in (403, 429):
            return None
        after = retry_after(reply.headers)
        spent = reply.headers.get("x-ratelimit-remaining", "").strip() == "0"
        if after is None and not spent and "rate limit" not in message.lower() and reply.status != 429:
            return None
        if after is not None:
            return "too many requests at once", after
        reset = reply.headers.get("x-ratelimit-reset", "").strip()
        if spent and reset.isascii() and reset.isdigit() and len(reset) < 12:
            return "the rate limit is reached", max(1.0, int(reset) - self.now() + 1.0)
        return "too many requests at once", next(waits)

    def _message(self, reply: HttpReply) -> str:
        """Status, GitHub's own words, each field that it refuses, and the request's id, which its support asks for."""
        said = [f"status {reply.status}"]
        try:
            document = json.loads(reply.body[:65_536])
            # Before they are cut: half a secret has no shape to be known by.
            clean = self.redactor.text
            said.append(clean(str(document.get("message") or ""))[:300])
            for each in (document.get("errors") or ())[:10]:
                said.append(clean(_refused(each))[:200])
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass  # an error page of something on the way: the status says it
        if identity := re.sub(r"[^0-9A-Fa-f:]", "", reply.headers.get("x-github-request-id", ""))[:60]:
            said.append(f"request {identity}")
        return "; ".join(part for part in said if part)


def _secondary_waits() -> Iterator[float]:
    """Seconds to wait before each try after a secondary limit that does not say."""
    return (60.0 * 2**number for number in itertools.count())


def fault(
    words: str,
    detail: str = "",
    *,
    place: str,
    kind: str,
    status: int = 0,
    now: bool = False,
    after: float | None = None,
    charged: bool = False,
) -> GithubError:
    """The error for one row of the table of faults, by its words."""
    return GithubError(
        "GitHub",
        f"{words}: {detail}" if detail else words,
        words=words,
        place=host_of(place),
        kind=kind,
        status=status,
        now=now,
        after=after,
        charged=charged,
        remedy=REMEDIES[words],
    )


def _exchanged(request: HttpRequest, seconds: float) -> HttpReply:
    try:
        return exchange(request, seconds)
    except ExternalError as error:
        raise GithubError(
            "GitHub",
            f"GitHub was not reached: {error.fault}",
            words="GitHub was not reached",
            place=error.place,
            kind=error.kind,
            now=error.now,
            after=error.after,
            charged=error.charged and request.method != "GET",
            remedy=error.remedy or REMEDIES["GitHub was not reached"],
        ) from error


def _uncertain(error: GithubError) -> GithubError:
    return GithubError(
        "GitHub",
        f"it may have arrived: {error.fault}",
        words="it may have arrived",
        place=error.place,
        kind="later",
        status=error.status,
        charged=True,
        remedy=REMEDIES["it may have arrived"],
    )


def _words(status: int, message: str) -> str:
    if status == 401:
        return "the token is not accepted"
    if status == 403:
        return "the token may only read" if _READ_ONLY.search(message) else "this token may not do that"
    if 300 <= status < 400:
        return "the repository has moved"
    return {404: "not found, or hidden from this token", 410: "no longer there"}.get(status, "refused as it stands")


def _kind(status: int) -> str:
    return "setup" if status in (401, 403, 404) or 300 <= status < 400 else "final"


def _refused(entry: object) -> str:
    """One entry of ``errors``: a text, or an object with resource, field, code and message."""
    if not isinstance(entry, dict):
        return str(entry)
    where = ".".join(str(entry[key]) for key in ("resource", "field") if entry.get(key))
    return " ".join(part for part in (where, str(entry.get("code") or ""), str(entry.get("message") or "")) if part)


def _document(reply: HttpReply, place: str, *, charged: bool = False) -> Any:
    """The answer's JSON. One that is not whole may be so the next time: a proxy's page, a connection that was cut."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise fault(
            "the answer cannot be used", "it is not JSON", place=place, kind="later", now=True, charged=charged
        ) from error
