"""One message posted to a webhook, and posted again where that may help and cannot double it.

Posted again: no connection, 408, 429 (after what Retry-After says), 500, 503. What may have arrived (a connection lost
in the middle, a time-out, 502 and 504, which are the words of a proxy) is posted again to a ``generic`` webhook only:
its ``X-Nextrust-Delivery`` is the same, so that the receiver knows it. A chat has no such thing, and is not told twice.

A generic webhook's request is signed: ``X-Nextrust-Signature: v1=HEX`` is the HMAC-SHA256, under the shared secret, of
``TIMESTAMP.BODY``, with ``X-Nextrust-Timestamp`` in seconds since 1970, anew for each attempt.

Boundary: statuses and headers; what is sent, and whether, is ``notify``'s. ``base.http`` is how.
Sources: RFC 2104, RFC 9110 (15); docs.slack.dev "Sending messages using incoming webhooks"; docs.discord.com "Rate
Limits".
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_nextrust import __version__
from pytest_nextrust.base.http import HttpReply, HttpRequest, check_url, exchange, host_of, proxy_for, until_answered
from pytest_nextrust.base.http import retry_after as seconds_to_wait
from pytest_nextrust.errors import ExternalError

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor

__all__ = ["ATTEMPTS", "LIMIT", "Delivery", "post", "sign"]

LIMIT = 60.0
"""Seconds for one message with everything that is waited for."""

TIMEOUT = 10.0
"""Seconds for one exchange."""

ATTEMPTS = 5
_LARGEST = 65_536
_REFUSED_NOW = frozenset({408, 429, 500, 503})
_PROXY = frozenset({502, 504})


@dataclass(frozen=True)
class Delivery:
    """One message: ``secret`` signs it (empty: it is not signed), ``identity`` is the same each time it is sent."""

    url: str = field(repr=False)
    body: bytes
    redactor: Redactor
    identity: str = ""
    secret: str = field(default="", repr=False)
    method: str = "POST"
    subject: str = "webhook"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of ``X-Nextrust-Signature``."""
    return "v1=" + hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()


def post(
    delivery: Delivery,
    *,
    limit: float = LIMIT,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> None:
    """Send a message. Raises ExternalError; ``charged`` where it may have arrived."""
    check_url(delivery.url, delivery.subject)
    uncertain = False

    def attempt(seconds: float) -> None:
        nonlocal uncertain
        request = HttpRequest(
            delivery.method,
            delivery.url,
            _headers(delivery, int(now())),
            delivery.redactor,
            delivery.body,
            proxy_for(delivery.url),
            _LARGEST,
            delivery.subject,
        )
        try:
            _judge(delivery, exchange(request, min(TIMEOUT, seconds)))
        except ExternalError as error:
            uncertain = uncertain or error.charged
            if error.charged and not delivery.secret:
                error.now = False
            raise

    try:
        until_answered(attempt, limit=limit, attempts=ATTEMPTS, clock=clock)
    except ExternalError as error:
        error.charged = error.charged or uncertain
        raise


def _headers(delivery: Delivery, timestamp: int) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"pytest-nextrust/{__version__}"}
    if delivery.secret:
        headers |= {
            "X-Nextrust-Delivery": delivery.identity,
            "X-Nextrust-Timestamp": str(timestamp),
            "X-Nextrust-Signature": sign(delivery.secret, timestamp, delivery.body),
        }
    return headers


def _judge(delivery: Delivery, reply: HttpReply) -> None:
    status = reply.status
    if 200 <= status < 300:
        return
    said = delivery.redactor.text(reply.body[:2000].decode("utf-8", "replace"))
    fault = f"status {status}" + (f": {' '.join(said.split())[:200]}" if said.strip() else "")
    place = host_of(delivery.url)
    if status in _REFUSED_NOW or status in _PROXY:
        raise ExternalError(
            delivery.subject,
            fault,
            place=place,
            kind="later",
            now=True,
            after=seconds_to_wait(reply.headers),
            charged=status in _PROXY,
            remedy="it is sent by the next nextrust chatops notify",
        )
    if 300 <= status < 400 or status in (401, 403, 404, 405, 410):
        remedy = "make the webhook anew, and put its URL into the variable"
        raise ExternalError(delivery.subject, fault, place=place, kind="setup", remedy=remedy)
    raise ExternalError(delivery.subject, fault, place=place, kind="final", remedy="the message itself is refused")
