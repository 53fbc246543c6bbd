"""A search by hashes: with enough bits it sees what the ordinary one does, with few it leaves states out as often as
its bound says; what it finds is there, on the way that it says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.explore.child.compact_search import HASH_BITS, StateHashing, explore_states_compact, omission
from pytest_nextrust.explore.child.counterexample import HANGS, find_in_graph
from pytest_nextrust.explore.child.search import Graph, SearchFigures
from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.transition_system import TransitionSystem
from pytest_nextrust.explore.replay import token_of
from pytest_nextrust.explore.token import decode
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import test_soundness as soundness
from tests.unit.explore import test_symmetry as symmetry
from tests.unit.explore import test_termination as termination
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import DATA, RTS, Explored, Program, explored, increment, store_long
from tests.unit.explore.test_worker import explored as answered
from tests.unit.explore.test_worker import replayed

BODY = b"".join(increment(DATA + at) for at in range(4)) * 3 + RTS
MANY = Program((BODY, BODY[6:], BODY[12:]))
FEW = Program((increment(DATA) * 2 + RTS, increment(DATA) + RTS))


@pytest.fixture(autouse=True)
def _compiled_part() -> None:
    needs_compiled_part()


def compact(bits: int = HASH_BITS, seed: str = "") -> Callable[[TransitionSystem], Graph]:
    return partial(explore_states_compact, hashing=StateHashing(seed, bits))


def counts(found: Explored) -> tuple[int, int, bool]:
    return len(found.graph.states), found.graph.transitions, found.graph.complete


def same(program: Program, everybody: tuple[tuple[int, ...], ...] = (), *, renames: bool = False) -> None:
    """The same states by number of them, or the same first bad one by the way to it."""
    one = explored(program, symmetric=everybody, renames=renames)
    other = explored(program, symmetric=everybody, renames=renames, search=compact())
    wrong, met = one.graph.violation, other.graph.violation
    if wrong is not None:
        assert met is not None
        if met.kind in HANGS:
            return  # That is met first, and the ordinary search looks for it last.
        assert met == wrong
        number = one.graph.states.index(other.system.lowest(met.state))
        assert other.graph.states.index(other.system.lowest(met.state)) == number
        assert other.graph.states[number] == one.graph.states[number]
    elif met is None:
        assert counts(other) == counts(one)
    else:
        hang = find_in_graph(one.system, one.graph)
        assert hang is not None
        assert met.kind in HANGS
        at = one.graph.states.index(other.system.lowest(met.state))
        assert set(one.graph.edges[at]) == {-1}
        assert at not in one.graph.finals


@pytest.mark.campaign
@settings(max_examples=40, deadline=None)
@given(st.one_of(soundness.programs, termination.programs, symmetry.programs()))
def test_the_same_states(program: Program) -> None:
    """Of generated threads, which may fault or wait for ever; apart, and taken for symmetric."""
    same(program)
    same(program, symmetry.everybody(program))
    same(program, symmetry.everybody(program), renames=True)


def test_as_many_states_and_transitions() -> None:
    """Past every first size of a table, for any seed: with 64 bits nothing is left out."""
    whole = counts(explored(MANY))
    assert whole[0] > 1_500
    for seed in ("", "1", "2"):
        assert counts(explored(MANY, search=compact(seed=seed))) == whole


@pytest.mark.parametrize("bits", [4, 8, 10])
def test_few_bits_leave_states_out(bits: int) -> None:
    """There are no more states than hashes, which is fewer than there are, and the bound is large."""
    whole, found = explored(MANY), explored(MANY, search=compact(bits))
    states = len(found.graph.states)
    assert states <= 1 << bits < len(whole.graph.states)
    assert found.graph.transitions < whole.graph.transitions
    assert omission(states, bits) > 0.1


def test_states_are_left_out_as_often_as_the_bound_says() -> None:
    """Over 600 seeds: as often as states of random hashes would meet, which the bound is close above."""
    whole = explored(FEW, search=compact())
    states, bits, seeds = len(whole.graph.states), 10, 600
    assert whole.graph.complete
    assert 5 < states < 40
    bound = omission(states, bits)
    assert bound < 0.5
    left_out = 0
    for seed in range(seeds):
        found = explore_states_compact(whole.system, StateHashing(str(seed), bits))
        left_out += len(found.states) < states
    spread = (bound * seeds) ** 0.5
    pairs = seeds * states * (states - 1) / 2 ** (bits + 1)
    assert pairs / 2 - 3 * spread < left_out < bound * seeds + 3 * spread
    assert left_out > 0


def test_the_bound() -> None:
    """The birthday bound of one state more than were seen, for each search; never above 1, half for each bit more."""
    assert omission(1, 1) == 0.5
    assert omission(106_059, 64) == pytest.approx(106_060 * 106_059 / 2**65)
    assert omission(1_000, 31) == 2 * omission(1_000, 32)
    assert omission(1 << 20, 8) == 1.0
    assert omission(1_000, 31, 3) == 3 * omission(1_000, 31)
    assert sorted(omission(1_000, bits) for bits in range(20, 65)) == [omission(1_000, b) for b in range(64, 19, -1)]


def test_a_seed_decides() -> None:
    """The same seed leaves the same states out, another one others."""
    seen = {seed: counts(explored(MANY, search=compact(8, seed))) for seed in "abc"}
    assert counts(explored(MANY, search=compact(8, "a"))) == seen["a"]
    assert len(set(seen.values())) > 1
    assert StateHashing("a").keys(3) != StateHashing("b").keys(3)
    assert len(StateHashing("a").keys(3)) == 8


def test_a_thread_that_was_cut_short_is_no_deadlock() -> None:
    """It counts in a register for ever: nobody can move, for no reason of the program's; with its end it is no hang."""
    counts_for_ever = Program((bytes.fromhex("5280 60fc"), RTS))
    found = explored(counts_for_ever, Options(max_instructions=100), search=compact())
    assert (found.graph.violation, found.graph.complete) == (None, True)
    kept = {local.kind for own in found.system.engine.threads for local in own.table}
    assert "unfinished" in kept


def test_it_stops_where_that_is_enough() -> None:
    """It is asked now and then, knows how far it is, and is not complete."""
    asked: list[SearchFigures] = []

    def enough(figures: SearchFigures) -> bool:
        asked.append(figures)
        return figures.met > 500

    found = explored(MANY, search=partial(explore_states_compact, hashing=StateHashing(""), enough=enough))
    assert not found.graph.complete
    assert 500 < len(found.graph.states) < len(explored(MANY).graph.states)
    assert [figures.depth for figures in asked] == sorted(figures.depth for figures in asked)


def test_a_bad_state_is_met_on_a_real_way() -> None:
    """A fault after a race: the states that it says are each a step from the one before."""
    program = Program((increment(DATA) + RTS, increment(DATA) * 2 + store_long(0, 1) + RTS))
    found = explored(program, search=compact())
    violation, graph = found.graph.violation, found.graph
    assert violation is not None
    assert violation.kind == "fault"
    assert graph.way is not None
    state = found.system.start
    for number in graph.way(graph.states.index(violation.state)):
        assert graph.states[number] in found.system.successors(state)
        state = graph.states[number]
    assert state == violation.state


@pytest.mark.parametrize(
    ("kind", "functions"),
    [
        ("final", {"thread_0": code.LOAD_ADD_STORE, "thread_1": code.LOAD_ADD_STORE, "check": code.IS_TWO}),
        ("fault", {"thread_0": code.ADD, "thread_1": code.NULL_STORE}),
        ("divergence", {"thread_0": code.FOR_EVER, "thread_1": code.NOTHING}),
    ],
)
def test_findings(kind: str, functions: dict[str, str]) -> None:
    """Each is confirmed by a second run, and shown again by its slices."""
    request, answer = answered(code.concurrent(functions), method="compact")
    assert answer.verdict == "failed"
    assert answer.method == "compact"
    assert answer.finding is not None
    assert answer.finding.kind == kind
    again = replayed(request, answer).finding
    assert again is not None
    assert again.kind == kind


@pytest.mark.parametrize("functions", [{"thread_0": code.ADD, "thread_1": code.ADD, "check": code.IS_TWO}])
def test_no_finding_is_no_verdict(functions: dict[str, str]) -> None:
    """All was seen that an ordinary search sees and proves, and the answer is no proof."""
    program = code.concurrent(functions)
    (_, proof), (_, answer) = answered(program), answered(program, method="compact", seed=7)
    assert proof.verdict == "passed"
    assert (answer.verdict, answer.complete, answer.exhausted) == ("budget", False, True)
    assert (answer.states, answer.transitions) == (proof.states, proof.transitions)
    assert answer.hashed is not None
    assert (answer.hashed.bits, answer.hashed.seed) == (64, 7)
    assert answer.hashed.omission == omission(answer.states, 64, answer.rounds)
    assert answer.guarantee.startswith(f"hashes of 64 bits leave a state out, and end with {answer.states} states or f")


@pytest.mark.parametrize(
    "functions",
    [
        {"thread_0": code.POLITE, "thread_1": code.POLITE_OTHER},
        {"thread_0": code.TAKE, "thread_1": code.TAKE},
    ],
)
def test_endless_runs_are_not_looked_for(functions: dict[str, str]) -> None:
    """What the ordinary search finds in its edges, a search without edges does not, and gives no verdict."""
    program = code.concurrent(functions)
    assert answered(program)[1].verdict == "failed"
    answer = answered(program, method="compact")[1]
    assert (answer.verdict, answer.finding) == ("budget", None)


def test_a_long_run_is_found_again_by_the_same_search() -> None:
    """A token without room for the switches says to search by hashes, with the seed."""
    request, answer = answered(code.LOST_UPDATE, method="compact", seed=5)
    assert answer.finding is not None
    first = answer.finding.slices[0]
    many = tuple(dataclasses.replace(first, thread=number % 2) for number in range(400))
    finding = dataclasses.replace(answer.finding, slices=many)
    search = decode(token_of(request, finding)).search
    assert search is not None
    assert (search.method, search.seed) == ("compact", 5)
