"""Every verdict in a job of every status has its conclusion, and it is one that GitHub knows."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pytest_nextrust.github.conclusions import CONCLUSIONS, JOB_STATUSES, STATES, conclusion, worst
from pytest_nextrust.status.records import BAD, VERDICTS
from tests.github_api.description import description

CASES = {
    # state: what it comes to in a job that went well; one that failed; was cancelled; skipped; timed out; waits for
    # somebody; neutral.
    "passed": "success failure cancelled skipped timed_out action_required success",
    "failed": "failure failure failure failure failure failure failure",
    "crashed": "failure failure failure failure failure failure failure",
    "unexpected-pass": "failure failure failure failure failure failure failure",
    "infra-error": "action_required action_required cancelled action_required timed_out action_required "
    "action_required",
    "budget": "timed_out timed_out timed_out timed_out timed_out timed_out timed_out",
    "skipped": "skipped failure cancelled skipped timed_out action_required skipped",
    "expected-failure": "neutral failure cancelled skipped timed_out action_required neutral",
    "pending": "failure failure cancelled failure timed_out action_required failure",
    "nothing": "failure failure cancelled skipped timed_out action_required failure",
}
STATUSES = ("success", "failure", "cancelled", "skipped", "timed_out", "action_required", "neutral")


@pytest.mark.parametrize("state", STATES)
def test_the_table(state: str) -> None:
    """Each cell of the table, written out a second time."""
    assert [conclusion([state], job) for job in STATUSES] == CASES[state].split()


def test_the_table_is_whole() -> None:
    """Every verdict and every status of a job, as GitHub names them, is in it."""
    assert set(CASES) == set(STATES) == {*VERDICTS, "pending", "nothing"}
    assert set(STATUSES) == set(JOB_STATUSES)
    schemas: Any = description()._plain["components"]["schemas"]
    assert set(CONCLUSIONS) == set(filter(None, schemas["check-run"]["properties"]["conclusion"]["enum"]))
    job = set(filter(None, schemas["job"]["properties"]["conclusion"]["enum"]))
    assert set(JOB_STATUSES) == job


@pytest.mark.parametrize(("state", "job"), [*itertools.product(STATES, JOB_STATUSES)])
def test_green_is_earned(state: str, job: str) -> None:
    """Success is only what passed in a job that went well; what fails a run is never green or skipped."""
    found = conclusion([state], job)
    if found == "success":
        assert (state, job in ("success", "neutral")) == ("passed", True)
    if state in BAD:
        assert found not in ("success", "neutral", "skipped")


@pytest.mark.parametrize("several", [*itertools.combinations(STATES[:-1], 2)])
def test_the_worst_counts(several: tuple[str, str]) -> None:
    """Of two items the worse one counts, in either order; one that passed outweighs one that was skipped."""
    for job in JOB_STATUSES:
        both = conclusion(several, job)
        assert both == conclusion(several[::-1], job) == worst([conclusion([each], job) for each in several])
    assert conclusion(["passed", "skipped"]) == "success"
    assert conclusion(["passed", "expected-failure"]) == "neutral"


def test_nothing_at_all() -> None:
    """No items are a failure, unless the job did not run."""
    assert (conclusion([]), conclusion([], "skipped")) == ("failure", "skipped")
