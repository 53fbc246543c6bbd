"""Which mends a program needs, over programs that are no more than a rule of which sets of mends they pass with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.compilers.diagnosis import ALL_MENDS, Mends, diagnose, name_with
from pytest_nextrust.compilers.limits import ALL
from pytest_nextrust.compilers.search import Trial
from pytest_nextrust.project.mends import MENDED, MENDS, mended, twin_of, unmended

A, B, C = MENDS[:3]


def runner(passes: Callable[[Mends], bool]) -> Callable[[Mends], Trial]:
    """A program that passes by a rule; no set of mends is tried twice."""
    seen: set[Mends] = set()

    def run(on: Mends) -> Trial:
        assert on not in seen
        seen.add(on)
        return Trial(ALL, () if passes(on) else ("exit",))

    return run


def test_nothing_is_tried_of_a_program_that_passes() -> None:
    """One that passes unmended is compiled once."""
    found = diagnose(runner(lambda _: True))
    assert (found.outcome, len(found.trials)) == ("passed", 1)
    assert found.line == "passes unmended: no mend is needed"


def test_a_program_that_fails_mended() -> None:
    """No mend is named for it."""
    found = diagnose(runner(lambda _: False))
    assert (found.outcome, found.mends, len(found.trials)) == ("failed", (), 2)
    assert found.line.startswith("fails even mended (exit)")


@given(st.sets(st.sampled_from(MENDS), min_size=1))
def test_the_mends_that_are_needed_are_named(need: set[str]) -> None:
    """A program with several faults needs the mends of all, and of no other."""
    found = diagnose(runner(lambda on: need <= on))
    assert (found.outcome, found.mends, found.needed) == ("mends", tuple(sorted(need)), tuple(sorted(need)))


@given(st.sets(st.sampled_from(MENDS), min_size=2))
def test_mends_of_which_each_is_enough(enough: set[str]) -> None:
    """All of them are named, and that one will do."""
    found = diagnose(runner(lambda on: bool(on & enough)))
    assert (found.outcome, found.mends, found.needed) == ("any", tuple(sorted(enough)), ())
    assert found.line.startswith("passes with any one of ")


def test_mends_that_stand_in_for_one_another() -> None:
    """A mend that is needed with one of two others: the set that is named is enough, and none of it can be left out."""
    found = diagnose(runner(lambda on: A in on and bool(on & {B, C})))
    assert (found.outcome, found.needed) == ("mends", (A,))
    assert found.mends in ((A, B), (A, C))
    assert "together, and with none of them alone" in found.line


def test_a_mend_that_was_not_tried() -> None:
    """It is said that another is needed, not that one of those tried is."""
    found = diagnose(runner(lambda on: {A, C} <= on), (A, B))
    assert (found.outcome, found.mends, found.needed) == ("untried", (), (A,))


@given(st.sampled_from(MENDED), st.sets(st.sampled_from(MENDS)))
def test_names_say_which_mends_are_on(twin: str, on: set[str]) -> None:
    """The name of a set of mends is read back as that set."""
    base = unmended(twin)
    assert twin_of(base) == twin
    name = name_with(base, twin, frozenset(on))
    known = mended(name)
    assert (known.off if known else ALL_MENDS) == ALL_MENDS - on


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (lambda on: A in on, f"passes with `{A}` mended, and fails without"),
        (lambda on: {A, B} <= on, f"passes with `{A}` and `{B}` mended together, and with none of them alone"),
        (lambda on: on == {A} or len(on) > 1, f"passes with `{A}` mended, and with others in its place"),
    ],
)
def test_the_answer_is_one_line(rule: Callable[[Mends], bool], line: str) -> None:
    """In words, with the mends named."""
    assert diagnose(runner(rule)).line == line
