"""No regular expression can hang a run: each is stopped at its limit and named, and those after it are searched for."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.failures.issues import patterns, worker
from pytest_nextrust.failures.issues.match import FailureFacts, match
from pytest_nextrust.failures.issues.patterns import LONGEST_TEXT, PatternSearch, SearchResult, search, shorten
from pytest_nextrust.failures.issues.table import IssuePattern, load_table
from tests.unit.failures.issues.bad_patterns import CATASTROPHIC, FAULTY, HOSTILE

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
LIMIT = 0.2 if FULL else 0.05


@pytest.mark.campaign
def test_a_corpus_of_bad_patterns_hangs_nothing() -> None:
    """More than 100 bad patterns: each ends, and is named with why where it was stopped at its limit of CPU time."""
    assert len(CATASTROPHIC) >= 100
    issues = [IssuePattern(f"bad-{i}", "bad", pattern) for i, (pattern, _) in enumerate(CATASTROPHIC)]
    ended = 0
    for issue, (_, text) in zip(issues, CATASTROPHIC, strict=True):
        (found,) = search([PatternSearch(issue.error_pattern, text)], limit=LIMIT, portable=True)
        assert found.span is None or not found.fault
        assert found.fault in ("", f"out of time: the search was stopped after {LIMIT:g} s of CPU time")
        ended += bool(found.fault)
    assert ended >= 80, "the corpus has become harmless"


@pytest.mark.usefixtures("without_re2")
def test_one_failure_against_all_bad_patterns_at_once() -> None:
    """As issues of one table: every one is named, those that were not tried as such, and the good one is found."""
    bad = [IssuePattern(f"bad-{i}", "bad", pattern) for i, (pattern, _) in enumerate(CATASTROPHIC[:30])]
    good = IssuePattern("good", "good", "a!$")
    matched = match([good, *bad], FailureFacts("a" * 60 + "!"), limit=LIMIT)
    assert [m.issue.id for m in matched.matches if m.issue.id == "good"] == ["good"]
    assert {miss.issue.id for miss in matched.faults} >= {f"bad-{i}" for i in range(16)}
    assert all("out of time" in miss.why or "not searched for" in miss.why for miss in matched.faults)


@pytest.mark.parametrize("pattern", FAULTY, ids=range(len(FAULTY)))
def test_a_pattern_that_cannot_be_used_is_named(pattern: str) -> None:
    """A pattern with a fault in itself says so, and the search after it is done."""
    first, second = search([PatternSearch(pattern, "aab"), PatternSearch("a+", "aab")])
    assert first.span is None
    assert first.fault.startswith(("not a regular expression", "3000 characters"))
    assert second == SearchResult((0, 2))


@pytest.mark.parametrize("portable", [False, True])
def test_good_patterns_are_found(portable: bool) -> None:
    """The twin: spans of the first match, line ends as with MULTILINE, nothing where there is nothing."""
    searches = [
        PatternSearch("b+", "aabb"),
        PatternSearch("^c", "a\nc"),
        PatternSearch("x", "a"),
        PatternSearch("", "a"),
    ]
    assert search(searches, portable=portable) == [
        SearchResult((2, 4)),
        SearchResult((2, 3)),
        SearchResult(),
        SearchResult((0, 0)),
    ]
    assert search([], portable=portable) == []


def test_what_took_all_the_time_is_told() -> None:
    """After ``total`` seconds no search is begun any more, and each of those says so."""
    clock = itertools.count().__next__
    found = search([PatternSearch("(a+)+$", "a" * 60 + "!")] * 5, limit=0.02, total=2, clock=clock, portable=True)
    assert [one.fault[:11] for one in found] == ["out of time", "out of time", *["not searche"] * 3]


def test_what_took_all_the_time_is_told_by_the_other_engine_too() -> None:
    """Once a search of google-re2's has overrun the limit, none is begun after ``total`` seconds."""
    clock = itertools.count().__next__
    found = search([PatternSearch("a", "a")] * 5, limit=-1.0, total=2, clock=clock)
    assert [(one.span, one.fault[:11]) for one in found] == [((0, 1), ""), ((0, 1), ""), *[(None, "not searche")] * 3]
    assert search([PatternSearch("a", "a")] * 5, limit=60.0, total=-1) == [SearchResult((0, 1))] * 5


def test_with_threads_it_is_a_fresh_interpreter() -> None:
    """Where this process has threads the answers are the same, from a child that was not forked."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        slow, good, bad = search(
            [PatternSearch("(a+)+$", "a" * 60 + "!"), PatternSearch("é", "xé"), PatternSearch("(", "")],
            limit=0.05,
            portable=True,
        )
    finally:
        done.set()
        other.join()
    assert "out of time" in slow.fault
    assert good == SearchResult((1, 2))
    assert "not a regular expression" in bad.fault


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is a fork, which knows what a test has put in the place of the search, beside threads too."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("forked")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_is_killed_costs_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that kills its child is named with the status; the next is done by another child."""
    real = worker._search

    def dying(pattern: str, text: str) -> tuple[tuple[int, int] | None, str]:
        if pattern == "die":
            os._exit(7)
        return real(pattern, text)

    monkeypatch.setattr(worker, "_search", dying)
    assert search([PatternSearch("a", "a"), PatternSearch("die", ""), PatternSearch("a", "a")], portable=True) == [
        SearchResult((0, 1)),
        SearchResult(None, "the search ended with status 7"),
        SearchResult((0, 1)),
    ]


@pytest.mark.usefixtures("forked")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_says_nothing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that neither computes nor speaks is stopped by the clock on the wall."""
    monkeypatch.setattr(patterns, "WALL", 0.05)
    monkeypatch.setattr(worker, "_search", lambda pattern, text: time.sleep(60))
    (found,) = search([PatternSearch("a", "a")], limit=0.05, portable=True)
    assert "no word from the search" in found.fault


def test_long_texts_are_shortened() -> None:
    """Head and tail of a long text are searched; what was left out is counted in it."""
    text = "begin" + "x" * LONGEST_TEXT + "end"
    assert len(shorten(text)) < LONGEST_TEXT + 100
    assert [
        bool(f)
        for f in search(
            [PatternSearch("^begin", text), PatternSearch("end$", text), PatternSearch(r"8 characters left", text)]
        )
    ] == [True] * 3
    assert shorten("short") == "short"


@pytest.mark.campaign
@settings(max_examples=200 if FULL else 15, deadline=None)
@given(
    pattern=st.text(alphabet=st.sampled_from("ab()|*+?.[]^$\\{},0189P<>=!:"), max_size=14),
    text=st.text("ab", max_size=40),
)
def test_any_pattern_has_an_answer(pattern: str, text: str) -> None:
    """Whatever the pattern: a span inside the text, nothing, or a named fault; never an exception."""
    (found,) = search([PatternSearch(pattern, text)], limit=0.05)
    (other,) = search([PatternSearch(pattern, text)], limit=0.05, portable=True)
    assert found == other or "out of time" in other.fault
    assert not (found.span and found.fault)
    if found.span:
        assert 0 <= found.span[0] <= found.span[1] <= len(text)


def test_shipped_patterns_are_quick() -> None:
    """No pattern that comes with the package runs away on hostile texts; times: tests/bench/reading.py."""
    named = [(issue.id, key, pattern) for issue in load_table(None).issues for key, pattern in issue.patterns()]
    for text in HOSTILE:
        searches = [PatternSearch(pattern, text) for _, _, pattern in named]
        found = search(searches, limit=20.0, portable=True)
        assert [one[:2] for one, result in zip(named, found, strict=True) if result.fault] == [], text[:20]
        assert search(searches) == found
