"""The trend: rates and times of runs, and what counts as flaky and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.project.phases import Phase, Phases
from pytest_nextrust.status.journal import JournalView, Record
from pytest_nextrust.status.markdown import draw_markdown
from pytest_nextrust.status.records import BAD, SATISFYING, Entry
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.status.summary import summarize
from pytest_nextrust.status.trend import trend

from .helpers import LINUX, end, item, start


def view(*entries: Entry) -> JournalView:
    """A journal of these entries, one every ten seconds."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return JournalView(
        tuple(
            Record(n, (begin + timedelta(seconds=10 * n)).isoformat(), entry.TYPE, entry.run, entry.details())
            for n, entry in enumerate(entries)
        )
    )


def store(*entries: Entry) -> RunStore:
    return RunStore(view(*entries))


def run(name: str, *verdicts: str, commit: str = "a" * 40, **more: object) -> list[Entry]:
    keys = [(f"s{n}", LINUX) for n in range(len(verdicts))]
    items = [item(scenario, cell, v, run=name, **more) for (scenario, cell), v in zip(keys, verdicts, strict=True)]
    return [start(*keys, run=name, commit=commit), *items, end(run=name)]


def flaky(*runs: list[Entry]) -> list[list[tuple[str, str]]]:
    found = trend(store(*(entry for each in runs for entry in each)), 10)["flaky"]
    return [[(result["run"], result["verdict"]) for result in each["results"]] for each in found]


def test_rates_and_times() -> None:
    """What was skipped is not judged; a phase's time is from the begin of its first item to the end of its last."""
    (shown,) = trend(store(*run("r", "passed", "failed", "skipped", "expected-failure")), 10)["runs"]
    assert (shown["items"], shown["satisfied"], shown["bad"], shown["pass_rate"]) == (3, 2, 1, 0.666667)
    assert shown["phase_seconds"] == {"phase-1": 30.25}
    assert (shown["seconds"], shown["complete"], shown["exit"]) == (1.5, True, 0)


def test_a_run_without_end_is_incomplete() -> None:
    """It is there, with what it reported."""
    (shown,) = trend(store(*run("r", "passed")[:-1]), 10)["runs"]
    assert (shown["complete"], shown["exit"], shown["seconds"], shown["pass_rate"]) == (False, None, None, 1.0)
    (empty,) = trend(store(start(run="r")), 10)["runs"]
    assert empty["pass_rate"] is None


def test_one_commit_two_results_is_flaky() -> None:
    """Both runs are named, in their order, with the line that repeats the bad one."""
    again = run("r2", "failed", "passed", reproduction="pytest it")
    assert flaky(run("r1", "passed", "passed"), again) == [[("r1", "passed"), ("r2", "failed")]]
    found = trend(store(*run("r1", "passed", "passed"), *again), 10)
    assert found["repeated"] == 2
    assert found["flaky"][0]["reproduction"] == "pytest it"


@pytest.mark.parametrize(
    ("more", "lines"), [({"reproduction": "pytest it"}, ["  - reproduce: `pytest it`"]), ({}, [])], ids=["line", "none"]
)
def test_a_flaky_item_is_drawn_with_its_line(more: dict[str, str], lines: list[str]) -> None:
    """The line that repeats it stands below it, where there is one."""
    found = view(*run("r1", "passed"), *run("r2", "failed", **more))
    page = draw_markdown(summarize(found, Phases([Phase("phase-1", "P")]))).decode()
    section = page.partition("## Trend")[2].partition("\n## ")[0]
    assert "- phase-1 s0 in" in section
    assert [line for line in section.splitlines() if "reproduce" in line] == lines


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (run("r1", "passed"), run("r2", "failed", commit="b" * 40)),
        (run("r1", "passed", commit=""), run("r2", "failed", commit="")),
        (run("r1", "passed", toolchain="gnu"), run("r2", "failed", toolchain="clang")),
        (run("r1", "passed", version="1"), run("r2", "failed", version="2")),
        (run("r1", "passed"), run("r2", "skipped")),
        (run("r1", "passed"), run("r2", "infra-error")),
        (run("r1", "passed"), run("r2", "failed", message="refused: phase-1 failed in this cell")),
        (run("r1", "failed"), run("r2", "crashed")),
        (run("r1", "passed"), run("r2", "expected-failure")),
    ],
    ids=["commit", "no-commit", "toolchain", "version", "skipped", "infra", "refused", "both-bad", "both-good"],
)
def test_what_is_not_flaky(first: list[Entry], second: list[Entry]) -> None:
    """Another commit, another toolchain, and results that show nothing or say the same are no flake."""
    assert flaky(first, second) == []


def test_a_crash_before_its_toolchain_is_known_is_compared() -> None:
    """What died before it could name its toolchain differs from a pass all the same."""
    assert flaky(run("r1", "passed", toolchain="gnu"), run("r2", "crashed")) == [[("r1", "passed"), ("r2", "crashed")]]


def test_only_the_last_runs_count() -> None:
    """A flake further back than asked for is not shown."""
    entries = [*run("r1", "failed"), *run("r2", "passed"), *run("r3", "passed")]
    assert len(trend(store(*entries), 3)["flaky"]) == 1
    assert trend(store(*entries), 2)["flaky"] == []
    assert [each["run"] for each in trend(store(*entries), 2)["runs"]] == ["r2", "r3"]


VERDICTS = st.sampled_from(["passed", "failed", "crashed", "expected-failure", "skipped", "infra-error"])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(VERDICTS, min_size=1, max_size=3)), max_size=6))
def test_flaky_by_definition(runs: list[tuple[str, list[str]]]) -> None:
    """An item is flaky exactly where one commit gave it both a good and a bad telling verdict."""
    entries = [entry for n, (c, verdicts) in enumerate(runs) for entry in run(f"r{n}", *verdicts, commit=c * 40)]
    found = {(each["commit"], each["scenario"]) for each in trend(store(*entries), 10)["flaky"]}
    results: dict[tuple[str, str], set[str]] = {}
    for commit, verdicts in runs:
        for n, verdict in enumerate(verdicts):
            results.setdefault((commit * 40, f"s{n}"), set()).add(verdict)
    bad = BAD - {"infra-error"}
    assert found == {key for key, seen in results.items() if seen & bad and seen & SATISFYING}
