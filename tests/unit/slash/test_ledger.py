"""Once, one at a time, between runners: claims go through the branch nextrust-status, and of two one was first."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import StatusError
from pytest_nextrust.slash.ledger import LEASE, Claim, Held, Ledger
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.branch import StatusBranch
from tests.unit.slash.conftest import Clock


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


class Watched(StatusBranch):
    """Does something else before its next push, as another runner may at any moment."""

    before: list[Callable[[], object]]

    def push(self, *arguments: Any, **named: Any) -> Any:
        if self.before:
            self.before.pop()()
        return super().push(*arguments, **named)


class Runner:
    """A ledger in a clone of its own. While it waits, ``meanwhile`` happens; waiting lets time pass."""

    def __init__(self, where: Path, name: str, clock: Clock) -> None:
        self.path = where / name
        git(where, "clone", "--quiet", "hub.git", name)
        self.branch = Watched(self.path, sleep=lambda _: None)
        self.branch.before = []
        self.meanwhile: list[Callable[[], object]] = []
        self.waits: list[float] = []
        self._clock = clock
        self.ledger = Ledger(
            self.path / "log", branch=self.branch, clock=clock, sleep=self._sleep, fraction=lambda: 0.5
        )

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._clock.pass_by(seconds)
        if self.meanwhile:
            self.meanwhile.pop()()

    def ask(self, key: str, user: str = "someone") -> Claim | Held:
        with self.ledger.alone():
            return self.ledger.claim(key, user, {"commands": ["/ci-status"]})

    def asked(self, key: str, user: str = "someone") -> Claim:
        claim = self.ask(key, user)
        assert isinstance(claim, Claim)
        return claim

    def refused(self, key: str, user: str = "someone") -> str:
        held = self.ask(key, user)
        assert isinstance(held, Held)
        return held.reason

    def end(self, claim: Claim) -> None:
        self.ledger.end("done", claim, {})

    def states(self) -> list[str]:
        self.branch.pull(self.path / "log")
        return [str(record.details["state"]) for record in read_log(self.path / "log").records]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runners(tmp_path: Path, clock: Clock) -> tuple[Runner, Runner]:
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    return Runner(tmp_path, "one", clock), Runner(tmp_path, "other", clock)


def test_a_fresh_runner_knows_what_was_handled(runners: tuple[Runner, Runner], clock: Clock) -> None:
    """By the branch alone: the same comment is not carried out again, and its user waits."""
    one, other = runners
    one.end(one.asked("comment-1"))
    clock.pass_by(10)
    assert other.refused("comment-1") == "it was carried out before"
    assert other.refused("comment-2") == "30 s between two requests: again in 20 s"
    clock.pass_by(20.5)
    other.end(other.asked("comment-2"))
    assert other.asked("comment-3", "boss").again is False


@pytest.mark.parametrize("same", ["comment-1", "comment-2"], ids=["comment", "user"])
def test_of_two_at_the_same_moment_one_is_first(runners: tuple[Runner, Runner], same: str) -> None:
    """Both find nothing, and the other pushes first: the second is refused, and its claim counts for nobody."""
    one, other = runners
    won: list[Claim] = []
    one.branch.before = [lambda: won.append(other.asked("comment-1"))]
    reason = one.refused(same)
    assert reason == ("it is being carried out" if same == "comment-1" else "30 s between two requests: again in 30 s")
    assert len(won) == 1
    other.end(won[0])
    assert sorted(one.states()) == ["claimed", "claimed", "done", "refused"]
    assert other.refused("comment-1") == "it was carried out before"


def test_another_request_waits_until_the_first_is_finished(runners: tuple[Runner, Runner]) -> None:
    """One at a time: it looks again and again, and goes on when the other has recorded its end."""
    one, other = runners
    first = one.asked("comment-1", "boss")
    other.meanwhile = [lambda: one.end(first), lambda: None]
    second = other.asked("comment-2")
    assert second.key == "comment-2"
    assert other.waits == [1.0, 2.0]


def test_nobody_waits_for_a_runner_that_was_killed(runners: tuple[Runner, Runner]) -> None:
    """Its claim is open for half an hour, then another one goes on; the same comment is taken over, and told so."""
    one, other = runners
    one.asked("comment-1", "boss")
    other.end(other.asked("comment-2"))
    assert LEASE <= sum(other.waits) <= LEASE + 15
    taken = other.asked("comment-1", "boss")
    assert taken.again is True
    other.end(taken)
    assert other.refused("comment-1", "boss") == "it was carried out before"


def test_a_lease_that_ran_while_waiting_is_renewed(
    runners: tuple[Runner, Runner], tmp_path: Path, clock: Clock
) -> None:
    """Who waited for a killed runner is still known to be at work; who was taken over meanwhile does nothing."""
    one, other = runners
    one.asked("comment-1", "boss")
    waited = other.asked("comment-2")
    third = Runner(tmp_path, "third", clock)
    assert third.refused("comment-2", "reader") == "it is being carried out"
    other.end(waited)
    one.asked("comment-3", "boss")
    clock.pass_by(60)
    late = Runner(tmp_path, "late", clock)

    def meanwhile() -> None:
        clock.pass_by(LEASE)
        third.asked("comment-4", "reader")

    late.meanwhile = [meanwhile]
    assert late.refused("comment-4") == "it was taken over by another runner"


def test_a_refusal_is_known_to_all(runners: tuple[Runner, Runner]) -> None:
    """Recorded by one, seen by the other, and no hindrance to either."""
    one, other = runners
    with one.ledger.alone():
        one.ledger.refuse("comment-1", "someone", {"reason": "no command"})
        assert one.ledger.recent("someone")
    with other.ledger.alone():
        assert other.ledger.recent("someone")
        assert not other.ledger.recent("boss")
    assert other.asked("comment-2").again is False


def test_without_the_branch_nothing_is_claimed(runners: tuple[Runner, Runner], tmp_path: Path) -> None:
    """Where the remote cannot be reached, an error comes before anything is carried out."""
    (tmp_path / "hub.git").rename(tmp_path / "away")
    with pytest.raises(StatusError, match="git ls-remote"):
        runners[0].ask("comment-1")
