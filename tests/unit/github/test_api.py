"""GitHub's limits and faults: what is waited for and asked again, what is reported, and what nobody ever sees."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import stamina

from pytest_nextrust.errors import GithubError
from pytest_nextrust.github.api import GithubApi
from pytest_nextrust.github.faults import REMEDIES
from tests.unit import servers

TOKEN = "ghp_planted0123456789abcdefghijklmnopqrst"
NOW = 1_700_000_000.0


def api(url: str, **given: Any) -> GithubApi:
    return GithubApi.from_environment({"GITHUB_API_URL": url, "GITHUB_TOKEN": TOKEN}, now=lambda: NOW, **given)


def said(status: str, message: str = "No", **headers: str) -> servers.Script:
    return servers.plain({"message": message}, status=status, **headers)


def _whole(plain: Any) -> Any:
    return plain


def _nothing() -> None:
    """No trace of it."""


def refused(*scripts: servers.Script, method: str = "GET", **given: Any) -> tuple[GithubError, int]:
    """What is raised for the answers, and how many requests were made."""
    with servers.raw_server(*scripts) as (url, requests):
        asked = api(url, **given)
        ask = partial(asked.read, "/x")
        if method == "POST":
            ask = partial(asked.write, method, "/x", {}, read=_whole, landed=_nothing)
        with pytest.raises(GithubError) as caught:
            ask()
    return caught.value, len(requests)


@contextmanager
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[float], Any]]:
    """The waits that there would be, and a clock that goes on by them alone."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with stamina.set_testing(False):
        yield waits, lambda: sum(waits)


def test_what_is_sent() -> None:
    """The token, the version of the API and who asks are in the headers; the query is encoded."""
    with servers.raw_server(servers.plain({"a": 1})) as (url, requests):
        assert api(url).read("/x", name="a b&c", none=None) == {"a": 1}
    head = requests[0].decode()
    assert head.startswith("GET /x?name=a+b%26c HTTP/1.1\r\n")
    for line in (f"Authorization: Bearer {TOKEN}", "X-GitHub-Api-Version: 2022-11-28", "User-Agent: pytest-nextrust/"):
        assert line in head
    assert TOKEN not in repr(api(url))


@pytest.mark.parametrize("status", ["408 Late", "500 Oh", "502 Bad", "503 No"])
def test_a_passing_fault_is_asked_again(status: str) -> None:
    """A fault of GitHub's, then an answer: the answer, from the second request."""
    with servers.raw_server(said(status), servers.plain([1])) as (url, requests):
        assert api(url).read("/x") == [1]
    assert len(requests) == 2


def test_faults_end() -> None:
    """A fault that stays is asked six times about, and named."""
    error, count = refused(said("502 Bad"))
    assert (count, error.status, error.words, error.charged) == (6, 502, "GitHub has a fault", False)


def test_a_read_that_is_cut_is_asked_again() -> None:
    """A reset, an answer cut in the middle, and one that is no JSON: asked again."""
    scripts = (servers.reset, servers.cut({"a": [1, 2, 3]}, 5), servers.plain("{"), servers.plain({"a": 1}))
    with servers.raw_server(*scripts) as (url, requests):
        assert api(url).read("/x") == {"a": 1}
    assert len(requests) == 4


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        ("401 Who", "Bad credentials", "the token is not accepted"),
        ("403 No", "Resource not accessible by integration", "the token may only read"),
        ("403 No", "Resource not accessible by personal access token", "the token may only read"),
        ("403 No", "Must have admin rights", "this token may not do that"),
        ("404 Where", "Not Found", "not found, or hidden from this token"),
        ("301 There", "Moved Permanently", "the repository has moved"),
        ("410 Gone", "Gone", "no longer there"),
        ("422 What", "Validation Failed", "refused as it stands"),
    ],
)
def test_a_refusal_is_not_asked_again(status: str, message: str, words: str) -> None:
    """What would be refused again is reported after one request, in GitHub's words and with what to do."""
    error, count = refused(said(status, message), method="POST")
    assert (count, error.words, error.charged) == (1, words, False)
    assert message in error.fault
    assert error.remedy == REMEDIES[words]
    assert error.may_only_read == ("not accessible by" in message)


def test_a_422_names_each_field() -> None:
    """Every field that GitHub refuses is in the message, and the request's id."""
    errors = [{"resource": "CheckRun", "code": "invalid", "field": "annotations"}, "too long"]
    script = servers.plain({"message": "No", "errors": errors}, status="422 No", X_GitHub_Request_Id="AB:12\r")
    error, _ = refused(script, method="POST")
    assert "status 422; No; CheckRun.annotations invalid; too long; request AB:12" in error.fault


def test_a_primary_limit_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is until the reset that GitHub names, and a second."""
    spent = said("403 No", "API rate limit", X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW) + 120))
    with waiting(monkeypatch) as (waits, clock), servers.raw_server(spent, servers.plain([])) as (url, requests):
        assert api(url, clock=clock).read("/x") == []
    assert (waits, len(requests)) == ([121.0], 2)


def test_a_limit_too_far_off_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset in an hour is beyond the bound: it is reported at once, with the seconds."""
    spent = said("429 No", "limit", X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW) + 3600))
    with waiting(monkeypatch) as (waits, clock):
        error, count = refused(spent, clock=clock)
    assert (waits, count, error.words, error.after) == ([], 1, "the rate limit is reached", 3601.0)


def test_a_secondary_limit_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry-After is kept."""
    scripts = (said("403 No", "You have exceeded a secondary rate limit", Retry_After="7"), servers.plain([]))
    with waiting(monkeypatch) as (waits, clock), servers.raw_server(*scripts) as (url, _):
        assert api(url, clock=clock).read("/x") == []
    assert waits == [7.0]


def test_a_secondary_limit_without_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute, then two; where the next wait would not end in time it is reported."""
    slow = said("403 No", "You have exceeded a secondary rate limit")
    with waiting(monkeypatch) as (waits, clock):
        error, count = refused(slow, clock=clock, limit=250.0)
    assert (waits, count, error.words) == ([60.0, 120.0], 3, "too many requests at once")


@pytest.mark.parametrize("cut", [servers.reset, servers.cut({"a": 1}, 3), said("502 Bad"), servers.plain("{")])
def test_what_may_have_arrived_is_looked_up(cut: servers.Script) -> None:
    """A request whose answer was lost is not sent again where it has arrived, and is where it has not."""
    looks: list[str | None] = [None, "found"]
    for answer, sent in (("made", 2), ("found", 1)):
        with servers.raw_server(cut, servers.plain({"a": 1})) as (url, requests):
            got = api(url).write("POST", "/x", {}, read=lambda plain: "made", landed=lambda: looks.pop(0))
        assert (got, len(requests)) == (answer, sent)


def test_the_last_one_is_looked_up_too() -> None:
    """Where the last of all tries was cut and has arrived, there is no fault."""
    looks: Sequence[str | None] = [*[None] * 5, "found"]
    left = list(looks)
    with servers.raw_server(servers.reset) as (url, requests):
        assert api(url).write("POST", "/x", {}, read=lambda plain: "made", landed=lambda: left.pop(0)) == "found"
    assert (len(requests), left) == (6, [])


def test_a_refusal_of_what_was_done() -> None:
    """A request that was done and not yet seen is refused the second time: it is looked up once more."""
    looks: list[str | None] = [None, "found"]
    with servers.raw_server(servers.reset, said("403 No", "already running")) as (url, requests):
        assert api(url).write("POST", "/x", {}, read=_whole, landed=lambda: looks.pop(0)) == "found"
    assert (len(requests), looks) == (2, [])


def test_what_cannot_be_looked_up_is_not_repeated() -> None:
    """Without a way to look, a request that may have arrived ends it, and the error says so."""
    with servers.raw_server(servers.reset) as (url, requests), pytest.raises(GithubError) as caught:
        api(url).write("POST", "/x", {}, read=lambda plain: plain)
    assert (len(requests), caught.value.charged, caught.value.words) == (1, True, "it may have arrived")


def test_what_cannot_have_arrived_is_repeated() -> None:
    """A limit was reached: nothing was done, and it is sent again without looking."""
    scripts = (said("429 No", "limit", Retry_After="1"), servers.plain({"a": 1}))
    with servers.raw_server(*scripts) as (url, requests):
        assert api(url).write("POST", "/x", {}, read=lambda plain: plain) == {"a": 1}
    assert len(requests) == 2


def test_pages() -> None:
    """The next page is where the Link header says, and only at this API."""
    with servers.raw_server(servers.plain([3])) as (second, _):
        pass
    answers: list[Any] = []

    def first(connection: Any, over: Any) -> None:
        servers.plain([1, 2], Link=f'<{answers[0]}/x?page=2>; rel="next", <{answers[0]}/x?page=9>; rel="last"')(
            connection, over
        )

    with servers.raw_server(first, servers.plain([3])) as (url, requests):
        answers.append(url)
        assert list(api(url).pages("/x")) == [1, 2, 3]
        assert [request.split(b" ")[1] for request in requests] == [b"/x?per_page=100", b"/x?page=2"]
    with servers.raw_server(first) as (url, _):
        answers[0] = second
        with pytest.raises(GithubError, match="its next page is elsewhere"):
            list(api(url).pages("/x"))


def test_a_log_is_fetched_without_the_token() -> None:
    """The download's address is asked without the token; it may be another host's."""
    with servers.raw_server(servers.plain("line\n", kind="text/plain")) as (elsewhere, downloads):
        script = servers.plain("", status="302 There", Location=f"{elsewhere}/blob")
        with servers.raw_server(script) as (url, requests):
            assert api(url).log("/x") == b"line\n"
    assert TOKEN.encode() in requests[0]
    assert TOKEN.encode() not in downloads[0]


def test_no_token() -> None:
    """Without a token nothing is asked."""
    with pytest.raises(GithubError, match="GITHUB_TOKEN is not set"):
        GithubApi.from_environment({})


def test_no_token_in_clear() -> None:
    """A token does not go over plain http to another machine."""
    with pytest.raises(Exception, match="in clear"):
        api("http://github.example.org/api/v3")


def test_errors_hold_no_token() -> None:
    """An answer that repeats the token does not bring it into the error."""
    error, _ = refused(said("403 No", f"{TOKEN} is not enough"))
    assert TOKEN not in str(error)
    assert TOKEN not in json.dumps(error.__dict__, default=str)
