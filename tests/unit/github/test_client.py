"""What is asked of GitHub is what its own description says; whatever fails on the way, nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_nextrust.errors import GithubError
from pytest_nextrust.github import api
from pytest_nextrust.github.client import GithubClient, mark
from pytest_nextrust.github.records import Permission
from tests.github_api import Fault, StandIn, standing_in
from tests.github_api.server import TOKEN

SHA = "ce587453ced02b1526dfb4cb910479d431683101"
CHECK = {"name": "cell", "head_sha": SHA, "external_id": "one", "status": "in_progress"}


@pytest.fixture
def github() -> Iterator[StandIn]:
    with standing_in() as standin:
        yield standin


def client(github: StandIn) -> GithubClient:
    return GithubClient.from_environment(github.environ)


def test_checks(github: StandIn) -> None:
    """A check run is made, changed, read and found."""
    asked = client(github)
    made = asked.create_check_run(CHECK)
    output = {"title": "t", "summary": "s", "annotations": [_annotation(1)]}
    changed = asked.update_check_run(made, {"output": output, "conclusion": "failure"})
    assert (changed.status, changed.conclusion, changed.output.annotations_count) == ("completed", "failure", 1)
    assert asked.check_run(made.id) == changed == asked.find_check_run(SHA, "cell", "one")
    assert asked.find_check_run(SHA, "cell", "two") is None
    assert asked.find_check_run("0" * 40, "cell", "one") is None


def _annotation(line: int) -> dict[str, Any]:
    return {"path": "a.c", "start_line": line, "end_line": line, "annotation_level": "failure", "message": "m"}


def test_comments(github: StandIn) -> None:
    """A comment is made once for a key; somebody else's with the same mark is not it."""
    github.resources.add_comment(7, f"hello\n\n{mark('slash:1')}", login="mallory", type="User")
    asked = client(github)
    made = asked.create_comment(7, "answer", key="slash:1")
    assert asked.create_comment(7, "answer", key="slash:1") == made
    assert [each["body"] for each in github.resources.comments_on(7)][1:] == [f"answer\n\n{mark('slash:1')}"]
    changed = asked.update_comment(made.id, "better", key="slash:1")
    assert asked.find_comment(7, "slash:1") == changed
    assert len(list(asked.comments(7))) == 2


def test_a_mark_in_the_middle_is_none(github: StandIn) -> None:
    """A mark that an answer quotes is not the answer's own."""
    asked = client(github)
    asked.create_comment(7, f"you wrote {mark('slash:2')}", key="slash:1")
    assert asked.find_comment(7, "slash:2") is None


@pytest.mark.parametrize("key", ["", "a b", "a-->b", "a--b", "ü", "a" * 101, "a\n"])
def test_no_key(key: str) -> None:
    """A key that would end the mark is refused."""
    with pytest.raises(ValueError, match="no key"):
        mark(key)


def test_issues(github: StandIn) -> None:
    """One issue for a key while it is open, another once it is closed; also for the token of a person."""
    github.resources.account = {"login": "octocat", "type": "User"}
    github.token = f"ghp_{TOKEN[4:]}"
    asked = client(github)
    made = asked.create_issue("rotate", "text", key="rotation", labels=["security"])
    assert asked.create_issue("rotate", "text", key="rotation", labels=["security"]) == made
    github.resources.issues[made.number]["state"] = "closed"
    assert asked.create_issue("rotate", "text", key="rotation").number != made.number
    assert [issue.number for issue in asked.issues(state="all", labels=["security"])] == [made.number]


def test_people_and_pull_requests(github: StandIn) -> None:
    """What somebody may do; who is not known may do nothing. A pull request with both its sides."""
    github.resources.permissions["octo-cat"] = "write"
    github.resources.add_pull(7, SHA, fork=True)
    asked = client(github)
    assert asked.permission("octo-cat") == Permission("write", "write")
    assert asked.permission("x/../y") == Permission("none")
    pull = asked.pull_request(7)
    assert (pull.state, pull.head.sha, pull.head.repo and pull.head.repo.full_name) == ("open", SHA, "stranger/fork")


def test_actions(github: StandIn) -> None:
    """Runs, jobs, logs, artifacts; a job is started again once; caches are deleted, one that is gone too."""
    run = github.resources.add_run(SHA)
    job = github.resources.add_job(run, "cell (m68040)", log=b"line\n" * 3)
    github.resources.add_artifact(run, "status")
    cache = github.resources.add_cache("pip-1")
    github.resources.add_cache("toolchain-1")
    asked = client(github)
    (found,) = asked.workflow_runs(SHA)
    assert asked.workflow_run(run["id"]) == found
    (one,) = asked.jobs(found.id)
    assert asked.job(job["id"]) == one
    assert asked.job_log(one.id) == b"line\n" * 3
    assert [each.name for each in asked.artifacts(found.id)] == ["status"]
    asked.rerun_job(one)
    assert asked.workflow_run(found.id).run_attempt == 2
    with pytest.raises(GithubError, match="already running"):
        asked.rerun(found)
    assert [each.key for each in asked.caches(prefix="pip-")] == ["pip-1"]
    asked.delete_cache(cache["id"])
    asked.delete_cache(cache["id"])
    assert [each.key for each in asked.caches()] == ["toolchain-1"]
    asked.dispatch("nextrust", {"comment": 1})
    assert github.resources.dispatched == [{"event_type": "nextrust", "client_payload": {"comment": 1}}]


def test_many_pages(github: StandIn) -> None:
    """250 comments are read in three requests."""
    for number in range(250):
        github.resources.add_comment(7, str(number))
    assert [each.body for each in client(github).comments(7)] == [str(number) for number in range(250)]
    assert len(github.sent("GET .*comments")) == 3


def test_a_read_only_token(github: StandIn) -> None:
    """A token that may only read is told from one that may not do this."""
    github.may_write = False
    with pytest.raises(GithubError) as caught:
        client(github).create_check_run(CHECK)
    assert caught.value.may_only_read


@pytest.mark.parametrize("name", ["", "next", "a/b/c", "a/..", "a b/c", "a/b\n"])
def test_a_repository_that_is_none(name: str) -> None:
    """What is no OWNER/NAME is refused before anything is asked."""
    with pytest.raises(GithubError, match="GITHUB_REPOSITORY is not"):
        GithubClient.from_environment({"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": name})


FAULTS = {
    "500": Fault.server(500),
    "502-done": Fault.server(502, acts=True),
    "503": Fault.server(503),
    "reset": Fault.reset(),
    "reset-done": Fault.reset(acts=True),
    "torn": Fault.torn(),
    "silence": Fault.silence(),
    "silence-done": Fault.silence(acts=True),
    "secondary": Fault.secondary(),
    "secondary-5": Fault.secondary(5),
    "primary": Fault.primary(0),
}


def _check(asked: GithubClient) -> None:
    asked.create_check_run(CHECK)


def _annotate(asked: GithubClient) -> None:
    made = asked.find_check_run(SHA, "cell", "one")
    assert made is not None
    asked.update_check_run(made, {"output": {"title": "t", "summary": "s", "annotations": [_annotation(1)]}})


def _comment(asked: GithubClient) -> None:
    asked.create_comment(7, "text", key="k")


def _issue(asked: GithubClient) -> None:
    asked.create_issue("title", "text", key="k")


def _rerun(asked: GithubClient) -> None:
    (run,) = asked.workflow_runs(SHA)
    asked.rerun_job(next(asked.jobs(run.id)))


def _clear(asked: GithubClient) -> None:
    for cache in asked.caches():
        asked.delete_cache(cache.id)


def _state(github: StandIn) -> dict[str, Any]:
    """How many of each there are, and how often the workflow was started."""
    held = github.resources
    return {
        "checks": len(held.check_runs),
        "annotations": [len(each) for each in held.annotations.values()],
        "comments": len(held.comments),
        "issues": len(held.issues),
        "attempts": [run["run_attempt"] for run in held.runs.values()],
        "caches": len(held.caches),
    }


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("act", [_check, _annotate, _comment, _issue, _rerun, _clear])
def test_nothing_lost_nothing_doubled(
    act: Callable[[GithubClient], None], fault: Fault, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any fault once and twice, before or after the request has its effect, all is as without it."""
    monkeypatch.setattr(api, "TIMEOUT", 0.4)
    asked = client(github)
    run = github.resources.add_run(SHA)
    github.resources.add_job(run, "job")
    github.resources.add_cache("key")
    if act is _annotate:
        _check(asked)
    with standing_in() as other:
        other_run = other.resources.add_run(SHA)
        other.resources.add_job(other_run, "job")
        other.resources.add_cache("key")
        calm = client(other)
        if act is _annotate:
            _check(calm)
        act(calm)
        wanted = _state(other)
    github.fail("POST|PATCH|DELETE", fault, fault)
    act(asked)
    assert _state(github) == wanted


@pytest.mark.parametrize("act", [_check, _comment, _issue])
def test_a_fault_that_stays_is_reported(act: Callable[[GithubClient], None], github: StandIn) -> None:
    """Six attempts, then the fault; whoever comes later makes it once."""
    github.fail("POST", *[Fault.server(502)] * 6)
    with pytest.raises(GithubError, match="GitHub has a fault") as caught:
        act(client(github))
    assert caught.value.charged
    act(client(github))
    act(client(github)) if act is not _check else None
    held = github.resources
    assert len(held.check_runs) + len(held.comments) + len(held.issues) == 1


def test_a_422_is_reported(github: StandIn) -> None:
    """What GitHub refuses as it stands is sent once."""
    github.fail("POST", Fault.invalid())
    with pytest.raises(GithubError, match="refused as it stands: status 422; Validation Failed"):
        client(github).create_comment(7, "text", key="k")
    assert len(github.sent("POST")) == 1


def test_a_dispatch_that_may_have_arrived(github: StandIn) -> None:
    """It cannot be looked up, so it is not sent again, and the error says that."""
    github.fail("POST", Fault.reset(acts=True))
    with pytest.raises(GithubError, match="it may have arrived"):
        client(github).dispatch("nextrust", {})
    assert len(github.resources.dispatched) == 1
