"""A run that was cut is whole where one complete set of its shards has ended; else it is said which are missing."""

from __future__ import annotations

import pytest

from pytest_nextrust.status.journal import Record
from pytest_nextrust.status.records import Entry, RunEnd, RunStart, Shard
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.status.shards import missing_shards


class Log:
    """Runs of shards, in the order they are put in."""

    def __init__(self) -> None:
        self.store = RunStore()
        self.number = 0

    def add(self, entry: Entry) -> None:
        self.number += 1
        time = f"2026-01-01T00:00:{self.number:02}Z"
        self.store.add(Record(self.number, time, entry.TYPE, entry.run, entry.details()))

    def run(
        self, index: int, of: int = 3, *, commit: str = "c0ffee", phase: str = "all", whole: str = "w", cut: str = "k",
        ended: bool = True,
    ) -> Log:  # fmt: skip
        name = f"run-{self.number}"
        self.add(RunStart(name, phase, commit, shard=Shard(index, of, whole, cut)))
        if ended:
            self.add(RunEnd(name, 0))
        return self

    @property
    def missing(self) -> list[str]:
        return missing_shards(self.store)


def test_no_shards_at_all() -> None:
    """A log without shards lacks none."""
    log = Log()
    log.add(RunStart("r", "all", "c"))
    assert log.missing == []


def test_all_there() -> None:
    """In any order, and with failing ones among them: what failed is another matter."""
    assert Log().run(3).run(1).run(2).missing == []


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([1, 3], "of the run of all in 3 shards at c0ffee: nothing is here of shard 2"),
        ([2], "of the run of all in 3 shards at c0ffee: nothing is here of shards 1, 3"),
    ],
)
def test_missing_ones_are_named(there: list[int], message: str) -> None:
    """One or several."""
    log = Log()
    for index in there:
        log.run(index)
    assert log.missing == [message]


def test_one_that_did_not_end() -> None:
    """It began, so it is told apart from one of which nothing is known."""
    (message,) = Log().run(1).run(2, ended=False).missing
    assert message.endswith("nothing is here of shards 2, 3 (2 began and did not end)")


def test_a_second_try_completes() -> None:
    """A shard that was killed and run again is there."""
    assert Log().run(1).run(2, ended=False).run(3).run(2).missing == []


def test_cut_differently() -> None:
    """All numbers are there, but of two cuts: items may be in none of them."""
    (message,) = Log().run(1).run(2).run(3, cut="other").missing
    assert "the shards were cut differently" in message
    assert Log().run(1).run(2).run(3, cut="other").run(3).missing == []


def test_other_wholes_are_other_runs() -> None:
    """The shards of two operating systems' jobs are looked at each for themselves."""
    log = Log().run(1).run(2).run(3).run(1, whole="mac").run(2, whole="mac")
    assert log.missing == ["of the run of all in 3 shards at c0ffee: nothing is here of shard 3"]


def test_older_commits_and_cuts_into_other_numbers_are_past() -> None:
    """What was incomplete before does not fail what came after it; another phase at the same commit does."""
    assert Log().run(1, commit="old").run(1, of=2).run(2, of=2).missing == []
    assert Log().run(1, of=5).run(1, of=2).run(2, of=2).missing == []
    assert len(Log().run(1, phase="one").run(1, of=2).run(2, of=2).missing) == 1
