"""The stand-in is no pushover: what GitHub's description does not allow is a problem, on either side."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import Any

import pytest

from tests.github_api import StandIn, standing_in
from tests.github_api.description import description

SHA = "ce587453ced02b1526dfb4cb910479d431683101"
OUTPUT = {"title": "t", "summary": "s"}
ANNOTATION = {"path": "a.c", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}
MANY = [ANNOTATION] * 51
CHECKS = "/repos/octo-org/next/check-runs"


def asked(github: StandIn, method: str, path: str, body: Any = None, token: str = "") -> int:
    """The status of a request made without our client."""
    request = urllib.request.Request(
        f"{github.url}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token or github.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", CHECKS, {"head_sha": SHA}, "'name' is a required property"),
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "conclusion": "green"}, "'green' is not one of"),
        # What the first pipeline sent: an object as text.
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "output": json.dumps(OUTPUT)}, "is not of type 'object'"),
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "output": {"title": "t"}}, "'summary' is a required property"),
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "output": {**OUTPUT, "summary": "x" * 65_536}}, "is too long"),
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "output": {**OUTPUT, "annotations": MANY}}, "is too long"),
        ("POST", CHECKS, {"name": "n", "head_sha": SHA, "colour": "red"}, "unknown key in the body: colour"),
        ("POST", CHECKS, None, "no body"),
        ("GET", f"{CHECKS}/one", None, "parameter check_run_id"),
        ("GET", f"/repos/octo-org/next/commits/{SHA}/check-runs?filter=newest", None, "'newest' is not one of"),
        ("GET", f"/repos/octo-org/next/commits/{SHA}/check-runs?names=x", None, "unknown parameter: names"),
        ("GET", "/repos/octo-org/next/checks", None, "not described"),
        ("DELETE", CHECKS, None, "not described"),
    ],
)
def test_a_request_against_the_description(method: str, path: str, body: Any, words: str) -> None:
    """It is refused as GitHub would refuse it, and leaving the stand-in fails."""
    inside = ExitStack()
    github = inside.enter_context(standing_in())
    assert asked(github, method, path, body) in (404, 422)
    with pytest.raises(AssertionError, match=words):
        inside.close()


def test_a_sound_request() -> None:
    """The same with all that is required is taken; another's token is not."""
    with standing_in() as github:
        body = {"name": "n", "head_sha": SHA, "output": {**OUTPUT, "annotations": [ANNOTATION] * 50}}
        assert asked(github, "POST", CHECKS, body) == 201
        assert asked(github, "POST", CHECKS, body, token="ghs_other") == 401
        # What the description says in words alone.
        assert asked(github, "POST", CHECKS, {**body, "status": "completed"}) == 422
        assert len(github.resources.check_runs) == 1


def test_an_answer_against_the_description() -> None:
    """An answer of the stand-in's own that GitHub would not give is a problem too."""
    inside = ExitStack()
    github = inside.enter_context(standing_in())
    run = github.resources.add_run(SHA)
    github.resources.add_job(run, "j")["status"] = "later"
    assert asked(github, "GET", f"/repos/octo-org/next/actions/runs/{run['id']}/jobs") == 200
    with pytest.raises(AssertionError, match=r"own answer to GET .*'later' is not one of"):
        inside.close()


def test_answers_are_described() -> None:
    """A status or a body that the description does not have is seen."""
    operation = description().operation("POST", CHECKS)
    assert operation is not None
    assert "status 200 is not described" in description().faults_of_answer(operation, 200, {})[0]
    assert description().faults_of_answer(operation, 201, None) != []
    assert any("'id' is a required property" in each for each in description().faults_of_answer(operation, 201, {}))
