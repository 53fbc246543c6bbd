"""The limit of failures per commit: what counts, once per occasion, and what clears it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.guards.backoff import Backoff, BackoffSettings, counts_as_failure, in_ci, occasion_of

A, B = "a" * 40, "b" * 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(state_path(tmp_path)) as database:
        yield database


def test_the_third_failure_refuses(database: Database) -> None:
    """Two are not enough; another commit has its own count."""
    backoff = Backoff(database, clock=lambda: 0.0)
    for number in range(1, 4):
        assert not backoff.standing(A).refused
        assert backoff.fail(A, occasion=str(number), what=f"failure {number}") == number
    standing = backoff.standing(A)
    assert standing.refused
    assert standing.reason() == (
        "commit aaaaaaaaaaaa has failed 3 times (limit 3); the last at 1970-01-01T00:00:00Z: failure 3"
    )
    assert "nextrust status clear-backoff --commit aaaaaaaaaaaa" in standing.remedy()
    assert not backoff.standing(B).refused


def test_an_occasion_counts_once(database: Database) -> None:
    """Four jobs of one attempt are one failure; and an attempt is not stopped by its own."""
    backoff = Backoff(database)
    for attempt in ("9.1", "9.2", "9.3"):
        for job in range(4):
            backoff.fail(A, occasion=attempt, what=f"job {job}")
    assert backoff.commits() == {A: 3}
    assert not backoff.standing(A, occasion="9.3").refused
    assert backoff.standing(A, occasion="9.4").refused


def test_clearing_forgets_one_commit(database: Database) -> None:
    """The count starts anew; other commits keep theirs."""
    backoff = Backoff(database, limit=1)
    backoff.fail(A, occasion="1", what="x")
    backoff.fail(B, occasion="1", what="x")
    assert backoff.clear(A) == 1
    assert backoff.clear(A) == 0
    assert not backoff.standing(A).refused
    assert backoff.standing(B).refused


def test_no_commit_is_never_refused(database: Database) -> None:
    """Without git there is nothing to count by."""
    backoff = Backoff(database, limit=1)
    assert backoff.fail("", occasion="1", what="x") == 0
    assert not backoff.standing("").refused
    assert not database.path.exists()


@pytest.mark.parametrize(
    ("verdicts", "counts"),
    [
        (["passed", "skipped"], False),
        (["infra-error", "passed"], False),
        (["infra-error", "failed"], True),
        (["crashed"], True),
        (["budget"], True),
        (["unexpected-pass"], True),
        (["expected-failure"], False),
        ([], False),
    ],
)
def test_what_is_a_failure_of_the_commit(verdicts: list[str], counts: bool) -> None:
    """Failures of the code count, those of the surroundings do not."""
    assert counts_as_failure(verdicts) is counts


@pytest.mark.parametrize(
    ("environ", "ci"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "1"}, True),
        ({"CI": "false"}, False),
        ({"CI": ""}, False),
        ({"GITHUB_ACTIONS": "true"}, True),
    ],
)
def test_where_ci_is(environ: dict[str, str], ci: bool) -> None:
    """By the variables CI machines set."""
    assert in_ci(environ) is ci


@pytest.mark.parametrize(
    ("where", "ci", "clean", "counts"),
    [
        ("ci", True, False, True),
        ("ci", False, True, False),
        ("clean", False, True, True),
        ("clean", False, False, False),
        ("clean", True, False, True),
        ("off", True, True, False),
    ],
)
def test_where_failures_count(where: str, ci: bool, clean: bool, counts: bool) -> None:
    """In CI; elsewhere only where it was asked for and what ran was the commit."""
    assert BackoffSettings(where=where).counts(ci=ci, clean=lambda: clean) is counts


def test_an_occasion_is_a_ci_attempt() -> None:
    """The attempt of the CI run where there is one, else the run itself."""
    assert occasion_of({"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2"}, "r") == "7.2"
    assert occasion_of({"GITHUB_RUN_ID": "7"}, "r") == "7.1"
    assert occasion_of({}, "r") == "r"


def test_settings_report_every_fault() -> None:
    """All of them, by dotted path, with what to write."""
    with pytest.raises(ConfigError) as caught:
        BackoffSettings.read({"limit": 0, "where": "moon", "more": 1}, place="nextrust.toml")
    assert [fault.path for fault in caught.value.faults] == ["backoff.limit", "backoff.where", "backoff.more"]
    assert BackoffSettings.read({}) == BackoffSettings(3, "ci")
    assert BackoffSettings.read({"limit": 5, "where": "off"}) == BackoffSettings(5, "off")
