"""The search for a pass: it ends at a real boundary, with few trials, and says what contradicts it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.compilers.limits import ALL, LLVM, Pass
from pytest_nextrust.compilers.search import Trial, search

Kinds = tuple[str, ...]


def runner(total: int, kinds: Callable[[int], Kinds]) -> tuple[Callable[[int], Trial], list[int]]:
    """Trials of a compiler with ``total`` passes; with the first N of them the program fails by ``kinds(N)``."""
    tried: list[int] = []
    passes = tuple(Pass(number, f"p{number}", "f") for number in range(1, total + 1))

    def run(limit: int) -> Trial:
        tried.append(limit)
        return Trial(limit, kinds(total if limit == ALL else limit), passes=passes)

    return run, tried


@given(st.integers(1, 2000), st.data())
def test_the_one_boundary_is_found(total: int, data: st.DataObject) -> None:
    """Where the program is wrong from one pass on, that pass is named, in no more trials than bisection takes."""
    first = data.draw(st.integers(1, total))
    run, tried = runner(total, lambda limit: ("exit",) if limit >= first else ())
    found = search(LLVM, run, checks=4)
    assert found.outcome == "pass"
    assert [each.number for each in found.found] == [first]
    assert (found.good and found.good.limit, found.bad and found.bad.limit) == (first - 1, first)
    assert found.against == ()
    assert not found.otherwise
    assert len(set(tried)) == len(tried) <= 3 + total.bit_length() + 4


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_any_answers_lead_to_a_boundary(wrong: list[bool]) -> None:
    """However the results jump, the pass named is one where right turns to wrong, and nothing that contradicts a
    single boundary among the trials is left out."""
    wrong[-1] = True
    run, _ = runner(len(wrong) - 1, lambda limit: ("exit",) if wrong[limit] else ())
    found = search(LLVM, run, checks=100)
    if wrong[0]:
        assert found.outcome == "codegen"
        return
    assert found.bad is not None
    first = found.bad.limit
    assert (wrong[first - 1], wrong[first]) == (False, True)
    # With so many checks every limit is tried.
    odd = {limit for limit, bad in enumerate(wrong) if bad != (limit >= first)}
    assert {trial.limit for trial in found.against} == odd


def test_wrong_in_another_way_before() -> None:
    """Where nothing is right without any pass, the boundary is where the failure takes the form that it has in the
    end, and that is said."""
    run, _ = runner(20, lambda limit: ("budget",) if limit >= 7 else ("exit",))
    found = search(LLVM, run)
    assert [each.number for each in found.found] == [7]
    assert found.otherwise


def test_a_failure_of_any_kind_counts() -> None:
    """Where no pass means no fault, the first pass with any fault is named, not that with the fault of the end."""
    run, _ = runner(20, lambda limit: () if limit < 5 else ("exit",) if limit < 12 else ("budget",))
    found = search(LLVM, run)
    assert [each.number for each in found.found] == [5]
    assert found.against == ()


def test_nothing_to_search() -> None:
    """A program that is right is tried once; one that is wrong without any pass, twice; a compiler that tells of no
    pass is said to need none."""
    run, tried = runner(9, lambda _: ())
    assert search(LLVM, run).outcome == "passed"
    assert tried == [ALL]
    run, tried = runner(9, lambda _: ("exit",))
    assert search(LLVM, run).outcome == "codegen"
    assert tried == [ALL, 0]
    run, _ = runner(0, lambda _: ("exit",))
    assert search(LLVM, run).outcome == "codegen"
