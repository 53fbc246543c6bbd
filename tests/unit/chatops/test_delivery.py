"""Posting a message: signed so that others can verify it, again where that helps, never twice to a chat."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from stamina import set_testing

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.delivery import Delivery, post, sign
from pytest_nextrust.errors import ExternalError
from tests.unit import servers
from tests.unit.servers import Script

BODY = b'{"text": "a message"}'


@pytest.fixture(autouse=True)
def without_waiting() -> object:
    """No waits between attempts; their number is as set."""
    with set_testing(True, attempts=5):
        yield


def delivery(url: str, *, secret: str = "", body: bytes = BODY) -> Delivery:
    return Delivery(f"{url}/services/T0/B0/hush", body, Redactor({}), "d-1", secret)


def answer(status: str, text: str = "", **headers: str) -> Script:
    return servers.plain(text, status=status, kind="text/plain", **headers)


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def header_of(request: bytes, name: str) -> str:
    lines = request.partition(b"\r\n\r\n")[0].decode().splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.lower().startswith(name.lower() + ":")]
    return found[0] if found else ""


def test_a_message_is_posted_as_it_is() -> None:
    """The body arrives byte for byte, as JSON; a chat's request has no signature."""
    with servers.raw_server(answer("200 OK", "ok")) as (url, requests):
        post(delivery(url))
    (request,) = requests
    assert request.startswith(b"POST /services/T0/B0/hush HTTP/1.1\r\n")
    assert body_of(request) == BODY
    assert header_of(request, "Content-Type") == "application/json"
    assert b"X-Nextrust" not in request


def test_a_generic_request_can_be_verified() -> None:
    """Whoever has the secret finds the signature right for these bytes, and wrong for any other time, body or key."""
    with servers.raw_server(answer("204 No Content")) as (url, requests):
        post(delivery(url, secret="shared"), now=lambda: 1_800_000_000.9)
    (request,) = requests
    timestamp = header_of(request, "X-Nextrust-Timestamp")
    given = header_of(request, "X-Nextrust-Signature")

    def expected(key: bytes, time: str, body: bytes) -> str:
        return "v1=" + hmac.new(key, time.encode() + b"." + body, hashlib.sha256).hexdigest()

    assert timestamp == "1800000000"
    assert given == expected(b"shared", timestamp, body_of(request)) == sign("shared", 1_800_000_000, BODY)
    assert given != expected(b"other", timestamp, BODY)
    assert given != expected(b"shared", "1800000001", BODY)
    assert given != expected(b"shared", timestamp, BODY + b" ")
    assert header_of(request, "X-Nextrust-Delivery") == "d-1"


@pytest.mark.parametrize("status", ["429 Too Many", "500 Error", "503 Unavailable", "408 Timeout"])
def test_a_refusal_for_now_is_asked_again(status: str) -> None:
    """What says that it was not taken is sent again, to a chat too, until it is."""
    scripts = answer(status, "rate_limited", Retry_After="0"), answer(status), answer("200 OK", "ok")
    with servers.raw_server(*scripts) as (url, requests):
        post(delivery(url))
    assert len(requests) == 3


UNCERTAIN = {
    "reset": servers.reset,
    "cut": servers.cut("ok", 1),
    "502": answer("502 Bad Gateway"),
    "504": answer("504 Gateway Timeout"),
}


@pytest.mark.parametrize("case", UNCERTAIN)
def test_what_may_have_arrived_is_not_sent_to_a_chat_twice(case: str) -> None:
    """A chat has the message once at most; the error says that it may have arrived."""
    with (
        servers.raw_server(UNCERTAIN[case], answer("200 OK")) as (url, requests),
        pytest.raises(ExternalError) as caught,
    ):
        post(delivery(url))
    assert len(requests) == 1
    assert caught.value.charged


@pytest.mark.parametrize("case", UNCERTAIN)
def test_a_generic_one_is_sent_again_under_its_name(case: str) -> None:
    """Its receiver knows it by X-Nextrust-Delivery, which is the same, and by a signature that is right each time."""
    with servers.raw_server(UNCERTAIN[case], answer("200 OK")) as (url, requests):
        post(delivery(url, secret="shared"))
    assert [header_of(request, "X-Nextrust-Delivery") for request in requests] == ["d-1", "d-1"]
    for request in requests:
        timestamp = int(header_of(request, "X-Nextrust-Timestamp"))
        assert header_of(request, "X-Nextrust-Signature") == sign("shared", timestamp, BODY)


@pytest.mark.parametrize(
    ("status", "kind"), [("404 Not Found", "setup"), ("302 Found", "setup"), ("400 Bad Request", "final")]
)
def test_a_refusal_for_good_is_not_asked_again(status: str, kind: str) -> None:
    """No repetition helps; the error names the host and neither the path nor what is secret in it."""
    with (
        servers.raw_server(answer(status, f"no such {'x' * 3000}", Location="https://evil.example/")) as (
            url,
            requests,
        ),
        pytest.raises(ExternalError) as caught,
    ):
        post(delivery(url))
    assert len(requests) == 1
    assert (caught.value.kind, caught.value.charged) == (kind, False)
    assert "hush" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_nobody_there_is_no_arrival() -> None:
    """Without a connection nothing can have arrived."""
    with servers.raw_server(answer("200 OK")) as (url, _):
        pass
    with pytest.raises(ExternalError) as caught:
        post(delivery(url))
    assert not caught.value.charged


def test_no_key_goes_in_clear() -> None:
    """An http address of another host is refused before anything is sent."""
    with pytest.raises(ExternalError, match="in clear"):
        post(delivery("http://hooks.example.org"))


def test_a_limit_is_waited_for_no_longer_than_there_is_time() -> None:
    """A Retry-After beyond the limit is an error at once, and the next call sends it."""
    limited = answer("429 Too Many", json.dumps({"retry_after": 900}), Retry_After="900")
    with servers.raw_server(limited) as (url, got), pytest.raises(ExternalError) as caught:
        post(delivery(url), limit=5.0)
    assert len(got) == 1
    assert (caught.value.kind, caught.value.charged) == ("later", False)
