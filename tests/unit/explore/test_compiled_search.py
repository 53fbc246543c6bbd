"""The compiled search and the plain one see the same: every state under the same number, every edge, every verdict."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.compiled_search import Asked, CompiledSearch, explore_states_compiled, fits, seen
from pytest_nextrust.explore.child.linearize import Linearizability
from pytest_nextrust.explore.child.search import Graph, SearchFigures, explore_states
from pytest_nextrust.explore.child.step_options import Mark, Options
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.child.traps import Interrupts
from pytest_nextrust.explore.request import FAIRNESS
from pytest_nextrust.native import loading
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import test_soundness as soundness
from tests.unit.explore import test_symmetry as symmetry
from tests.unit.explore import test_termination as termination
from tests.unit.explore.machine_code import (
    DATA,
    DROP_SIG,
    RTS,
    SIGRETURN,
    Explored,
    Program,
    explored,
    increment,
    load,
    lock,
    store,
    unlock,
)

EXAMPLES = 2000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 50


@pytest.fixture(autouse=True)
def _compiled_part() -> None:
    needs_compiled_part()


def same(plain: Explored, compiled: Explored) -> None:
    """Both searches have the same states, edges and verdicts."""
    one, other = plain.graph, compiled.graph
    assert list(other.states) == list(one.states)
    assert list(other.edges) == list(one.edges)
    assert list(other.finals) == list(one.finals)
    assert (other.transitions, other.violation, other.complete) == (one.transitions, one.violation, one.complete)
    assert (compiled.symmetric, compiled.renaming, compiled.rounds) == (plain.symmetric, plain.renaming, plain.rounds)
    if one.complete:
        for fairness in FAIRNESS:
            expected = never_ends(plain.system, one, fairness)
            assert never_ends(compiled.system, other, fairness) == expected
            assert other.ends is not None
            assert other.ends(fairness != "none") is (expected is None)


def compared(program: Program, options: Options = Options(), **more: Any) -> None:  # noqa: B008 - frozen
    same(explored(program, options, **more), explored(program, options, search=explore_states_compiled, **more))


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(soundness.programs, termination.programs), st.booleans())
def test_the_same_states(program: Program, reduce: bool) -> None:
    """Generated threads, with the reduction and without."""
    compared(program, Options(reduce=reduce))


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(symmetry.programs(), termination.programs))
def test_the_same_states_of_symmetric_threads(program: Program) -> None:
    """Threads that do the same, nearly the same, or something else, which may fault; some are daemons."""
    compared(program, symmetric=symmetry.everybody(program))
    compared(program, Options(daemons=frozenset({0})), symmetric=(tuple(range(1, len(program.threads))),))


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(symmetry.histories())
def test_the_same_histories(drawn: tuple[Program, dict[Address, Mark], Linearizability]) -> None:
    """With a judge of histories, whose states are renamed where threads change places; it may refuse."""
    program, marks, monitor = drawn
    for symmetric in ((), symmetry.everybody(program)):
        compared(program, monitor=monitor, marks=marks, symmetric=symmetric)


def test_threads_that_repeat() -> None:
    """With ``loop`` nothing is final, and the graph is the same."""
    body = lock(DATA + 8) + unlock(DATA + 8) + RTS
    compared(Program((body, body)), Options(loop=True))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_who_changes_places_is_followed(count: int) -> None:
    """Threads that spin while one holds what they wait for: by place each moves, and the holder does not."""
    program = Program((termination.TAKER,) * count)
    compared(program, symmetric=symmetry.everybody(program))
    body = (lock(DATA + 8) + increment(DATA) + unlock(DATA + 8)) * 2 + RTS
    compared(Program((body,) * count), symmetric=symmetry.everybody(program))


def test_many_states() -> None:
    """Past every first size of a table: states, edges, finals, steps."""
    body = b"".join(increment(DATA + at) for at in range(4)) * 3 + RTS
    program = Program((body, body[6:], body[12:]))
    found = explored(program, search=explore_states_compiled)
    assert len(found.graph.states) > 1_500
    same(explored(program), found)


def test_looking_at_a_graph() -> None:
    """States and edges are sequences: by number, from a slice, by value; what is not there is an error."""
    body = lock(DATA) + increment(DATA + 1) + unlock(DATA) + RTS
    graph = explored(Program((body, body)), search=explore_states_compiled).graph
    assert graph.states[3:5] == [graph.states[3], graph.states[4]]
    assert [graph.states.index(state) for state in graph.states] == list(range(len(graph.states)))
    assert graph.states[2] in graph.states
    nowhere = (*graph.states[2][:-1], 77)
    assert nowhere not in graph.states
    with pytest.raises(ValueError, match="no such state"):
        graph.states.index(nowhere)
    for numbers in (graph.states, graph.edges):
        with pytest.raises(IndexError):
            numbers[len(numbers)]


def test_enough_is_asked_and_obeyed() -> None:
    """The search ends where it is told, and says that it is not complete."""
    body = increment(DATA) * 40 + RTS
    asked: list[int] = []

    def enough(figures: SearchFigures) -> bool:
        asked.append(figures.met)
        return figures.met > 600

    def search(system: Any) -> Graph:
        return explore_states_compiled(system, enough)

    graph = explored(Program((body, body, body)), search=search).graph
    assert not graph.complete
    assert asked[-1] == len(graph.states) > 600
    assert len(graph.edges) < len(graph.states)


def test_how_far_it_is() -> None:
    """Both searches tell the same figures wherever both are asked."""
    body = increment(DATA) * 12 + RTS
    told: list[set[SearchFigures]] = []
    for search in (explore_states, explore_states_compiled):
        figures = set[SearchFigures]()

        def enough(found: SearchFigures, figures: set[SearchFigures] = figures) -> bool:
            figures.add(found)
            return False

        explored(Program((body, body[6:])), search=partial(search, enough=enough))
        told.append(figures)
    assert told[1]
    assert told[1] <= told[0]


def test_what_the_compiled_search_does_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals, and everything where it is left out, are for the plain search."""
    program = Program((increment(DATA) + RTS,) * 2, handler=increment(DATA + 1) + DROP_SIG + SIGRETURN)
    plain = explored(program, search=seen)
    assert plain.graph.ends is not None
    assert fits(plain.system)
    signals = explored(program, Options(interrupts=Interrupts(program.handler_entry, 1)), search=seen)
    assert (fits(signals.system), signals.graph.ends) == (False, None)
    monkeypatch.setenv("NEXTRUST_NATIVE", "0")
    loading._loaded.cache_clear()
    try:
        assert explored(program, search=seen).graph.ends is None
    finally:
        monkeypatch.undo()
        loading._loaded.cache_clear()
    assert explored(program, search=explore_states).graph.ends is None


def test_a_step_is_asked_for_once_for_all_shared_memory_that_it_reads_alike() -> None:
    """What a step does is told with what it reads: from other shared memory it is taken without a question, and only
    shared memory that has no number yet is asked about.
    """
    count = b"".join(increment(DATA + n) for n in range(3)) + RTS
    program = Program((count, increment(DATA + 8) * 3 + load(DATA) + store(DATA + 8) + RTS))
    asked = 0
    step = CompiledSearch._step

    def counted(self: CompiledSearch, wanted: Asked) -> int:
        nonlocal asked
        asked += 1
        return step(self, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompiledSearch, "_step", counted)
        found = explored(program, guess=range(DATA, DATA + 12), search=explore_states_compiled)
    assert list(found.graph.states) == explored(program, guess=range(DATA, DATA + 12)).graph.states
    assert asked < found.graph.transitions
    assert asked >= len(found.system.engine.vectors) - 1
