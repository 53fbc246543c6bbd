"""The network as it is: slow, cut, reset, wrong; each fault has its kind, and none outlasts the limit."""

from __future__ import annotations

import logging
import shutil
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import stamina

from pytest_nextrust.base import http
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import ExternalError
from pytest_nextrust.llm import posting
from tests.unit import servers

SECRET = "sk-planted-0123456789abcdefghij"
GOOD = {"ok": True}


def post(url: str, *, limit: float = 20.0, **given: Any) -> dict[str, Any]:
    redactor = Redactor({"OPENAI_API_KEY": SECRET})
    headers = {"Authorization": f"Bearer {SECRET}"}
    return posting.post_json(posting.Post(url + "/x", headers, {"q": 1}, limit, redactor, **given))


def fault(*scripts: servers.Script, limit: float = 20.0) -> tuple[ExternalError, int]:
    """What is raised, and how many requests were made."""
    with servers.raw_server(*scripts) as (url, requests), pytest.raises(ExternalError) as caught:
        post(url, limit=limit)
    return caught.value, len(requests)


def test_a_good_answer() -> None:
    """One request, its body and headers as given."""
    with servers.raw_server(servers.plain(GOOD)) as (url, requests):
        assert post(url) == GOOD
    assert len(requests) == 1
    assert requests[0].startswith(b"POST /x HTTP/1.1")
    assert requests[0].endswith(b'{"q": 1}')
    assert SECRET.encode() in requests[0]


@pytest.mark.parametrize(
    "status", ["408 Late", "409 Conflict", "429 Slow down", "500 Oh", "502 Bad", "503 No", "529 Full"]
)
def test_a_passing_fault_is_tried_again(status: str) -> None:
    """A status that may pass, then an answer: the answer, from the second request."""
    with servers.raw_server(servers.plain("", status=status), servers.plain(GOOD)) as (url, requests):
        assert post(url) == GOOD
    assert len(requests) == 2


def test_a_lost_connection_is_tried_again() -> None:
    """A reset, then a cut answer, then a whole one: the whole one, from the third request."""
    with servers.raw_server(servers.reset, servers.cut(GOOD, 3), servers.plain(GOOD)) as (url, requests):
        assert post(url) == GOOD
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", "final"),
        ("413 Long", "final"),
        ("422 What", "final"),
        ("401 Who", "setup"),
        ("403 No", "setup"),
        ("404 Where", "setup"),
        ("302 Elsewhere", "setup"),
    ],
)
def test_a_refusal_is_not_tried_again(status: str, kind: str) -> None:
    """A status that would be the same the next time ends it after one request, and was not charged for."""
    error, count = fault(servers.plain({"error": {"message": "no"}}, status=status, Location="http://127.0.0.1:1/"))
    assert (error.kind, count, error.charged) == (kind, 1, False)


def test_attempts_end() -> None:
    """A fault that stays is tried four times, and then it is for later."""
    error, count = fault(servers.plain("", status="503 No"))
    assert (error.kind, count) == ("later", 4)


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (servers.plain("<html>login</html>", kind="text/html"), "content type"),
        (servers.plain("{", kind="application/json"), "not JSON"),
        (servers.plain(b"\xff\xfe\x00", kind="application/json"), "not JSON"),
        (servers.plain("[" * 100_000, kind="application/json"), "not JSON"),
        (servers.plain("[1]", kind="application/json"), "no JSON object"),
        (servers.flood, "longer than"),
    ],
    ids=["html", "half", "binary", "deep", "array", "flood"],
)
def test_an_unusable_answer(script: servers.Script, what: str) -> None:
    """Garbage with status 200 is named, not asked for again at once, and counted as charged."""
    error, count = fault(script)
    assert what in error.fault
    assert (error.kind, count, error.charged) == ("later", 1, True)


@pytest.mark.parametrize(
    "script", [servers.silent, servers.drip, servers.slow_headers], ids=["silent", "drip", "headers"]
)
def test_the_limit_holds(script: servers.Script) -> None:
    """A server that says nothing, or a byte now and then and never an end, is given up at the limit."""
    error, _ = fault(script, limit=1.0)
    assert error.kind == "later"
    assert "within" in error.fault


def test_no_connection() -> None:
    """Where nobody listens it is for later, and not charged."""
    with servers.raw_server(servers.reset) as (url, _):
        pass
    with pytest.raises(ExternalError) as caught:
        post(url, limit=5)
    assert (caught.value.kind, caught.value.charged) == ("later", False)


def test_retry_after_is_kept() -> None:
    """Seconds, milliseconds and dates are read; a wait longer than the limit ends it, and is handed on."""
    with stamina.set_testing(False):
        error, count = fault(servers.plain("", status="429 Slow", Retry_After="3600"), limit=5)
    assert (count, error.after) == (1, 3600.0)
    assert http.retry_after({"retry-after-ms": "1500"}) == 1.5
    assert http.retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    for bad in ("soon", "-1", "", "9" * 400, "\u0663"):
        value = http.retry_after({"Retry-After": bad})
        assert value is None or value >= 0


def test_backoff_grows_and_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of the tries there is a wait: half a second, one, two, each with up to a second of jitter."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with stamina.set_testing(False):
        for _ in range(2):
            scripts = [servers.plain("", status="503 No")] * 3
            with servers.raw_server(*scripts, servers.plain(GOOD)) as (url, requests):
                assert post(url) == GOOD
            assert len(requests) == 4
    assert [0 <= wait - first <= 1 for wait, first in zip(waits, [0.5, 1.0, 2.0] * 2, strict=True)] == [True] * 6
    assert waits[:3] != waits[3:]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "ftp://127.0.0.1",
        "http://localhost.example.org",
        "http://127.0.0.1.nip.io",
        "http://127.0.0.1@example.org",
    ],
)
def test_no_key_in_clear(url: str) -> None:
    """Plain http to another machine is refused before anything is sent."""
    with pytest.raises(ExternalError, match="in clear"):
        post(url)


def test_errors_hold_no_secret() -> None:
    """A service that repeats the key in its message does not bring it into the error."""
    error, _ = fault(servers.plain({"error": {"message": f"bad key {SECRET}", "code": SECRET}}, status="401 Who"))
    assert SECRET not in str(error)
    assert "status 401" in str(error)


def test_a_refusal_shows_no_half_of_the_key() -> None:
    """A message that repeats the key where it is cut does not bring half of it into the error."""
    error, _ = fault(servers.plain({"error": {"message": "x" * 289 + f" {SECRET}"}}, status="401 Who"))
    assert SECRET[:8] not in str(error)


def test_every_attempt_is_announced() -> None:
    """``before`` is called for each request, ``refused`` for each that cannot have been charged."""
    calls: list[str] = []
    with servers.raw_server(servers.plain("", status="503 No"), servers.reset, servers.plain(GOOD)) as (url, _):
        post(url, before=lambda: calls.append("before"), refused=lambda: calls.append("refused"))
    assert calls == ["before", "refused", "before", "before"]


def test_budget_faults_end_it() -> None:
    """What ``before`` raises ends the attempts, and nothing is sent."""

    def over() -> None:
        raise ExternalError("budget", "spent", kind="later")

    with servers.raw_server(servers.plain(GOOD)) as (url, requests), pytest.raises(ExternalError, match="spent"):
        post(url, before=over)
    assert requests == []


def test_through_a_proxy() -> None:
    """The proxy is asked for a tunnel, with its own name and password and without the key; its refusal is a fault of
    the set-up."""
    with servers.raw_server(servers.plain("", status="407 Who are you")) as (url, requests):
        proxy = url.replace("http://", "http://me:p%40ss@")
        with pytest.raises(ExternalError) as caught:
            post("https://api.example.org", proxy=proxy, limit=10)
    assert caught.value.kind == "setup"
    assert "p%40ss" not in str(caught.value)
    assert requests[0].startswith(b"CONNECT api.example.org:443 ")
    assert b"proxy-authorization: Basic bWU6cEBzcw==" in requests[0].replace(b"Proxy-A", b"proxy-a")
    assert SECRET.encode() not in requests[0]


def test_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is used for https alone, and not for hosts of NO_PROXY."""
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert http.proxy_for("https://api.example.org/v1") == ""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inner.example.org")
    assert http.proxy_for("https://api.example.org/v1") == "http://proxy:3128"
    assert http.proxy_for("https://inner.example.org/v1") == ""
    assert http.proxy_for("http://127.0.0.1:8080/v1") == ""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_nobody_trusts(tmp_path: Path) -> None:
    """A server with a certificate of its own making is not given the key."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with (
        servers.raw_server(servers.plain(GOOD), wrap=context) as (url, requests),
        pytest.raises(ExternalError) as caught,
    ):
        post(url.replace("http://127.0.0.1", "https://localhost"), limit=10)
    assert caught.value.kind == "setup"
    assert "no trusted connection" in caught.value.fault
    assert b"".join(requests) == b""


def test_remarks_of_a_library_stay_off_stderr() -> None:
    """A logger that nobody has set up is given somewhere to go, once; one that the program has set up is left alone."""
    logger = logging.Logger("library")
    http._quiet(logger)
    http._quiet(logger)
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    own = logging.Logger("own")
    own.addHandler(logging.StreamHandler())
    http._quiet(own)
    assert [type(handler) for handler in own.handlers] == [logging.StreamHandler]
