"""Making a failing run short has a share of its own: once it is over, the run is shown as it is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from pytest_nextrust.explore.child import counterexample
from pytest_nextrust.explore.child.accesses import Reclassified
from pytest_nextrust.explore.child.compiled_search import explore_states_compiled
from pytest_nextrust.explore.child.counterexample import breadth_first, find_in_graph, same, switches
from pytest_nextrust.explore.child.effort import LEAST, UNBOUNDED, Effort
from pytest_nextrust.explore.child.transition_system import TransitionSystem
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import test_termination as termination
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import DATA, RTS, Explored, Program, explored, increment, lock, unlock
from tests.unit.explore.test_worker import explored as answered
from tests.unit.explore.test_worker import replayed


def no_time(share: float = 60.0) -> Effort:
    clock = itertools.count(0.0, share + 1.0)
    return Effort(lambda: next(clock), lambda: False, share)


def ends_in(system: TransitionSystem, moves: tuple[int, ...]) -> tuple[int, ...]:
    state = system.start
    for move in moves:
        after = system.after(state, move)
        assert after is not None
        state = after
    return state


def deadlocked(**more: object) -> Explored:
    first, second = lock(DATA) + lock(DATA + 1), lock(DATA + 1) + lock(DATA)
    rest = increment(DATA + 4) * 3 + unlock(DATA + 1) + unlock(DATA) + RTS
    return explored(Program((first + rest, second + rest, increment(DATA + 4) * 3 + RTS)), **more)  # type: ignore[arg-type]


def test_a_share_of_the_time() -> None:
    """By the clock that it is given; it is over at once where somebody waits."""
    now = 0.0
    effort = Effort(lambda: now, lambda: False, 4.0)
    now = 1.9
    assert not effort.is_over(0.5)
    now = 2.1
    assert effort.is_over(0.5)
    assert not effort.is_over()
    now = 4.1
    assert effort.is_over()
    assert Effort(lambda: now, lambda: True, 4.0).is_over()
    assert not UNBOUNDED.is_over()


def test_without_time_the_run_is_shown_as_it_was_met() -> None:
    """It leads to the same, and is not called the shortest; with time none has fewer switches."""
    found = deadlocked()
    short = find_in_graph(found.system, found.graph)
    long = find_in_graph(found.system, found.graph, effort=no_time())
    assert short is not None
    assert long is not None
    assert (short.violation, short.number) == (long.violation, long.number)
    assert (short.shortest, long.shortest) == (True, False)
    assert switches(short.moves, 3) <= switches(long.moves, 3)
    assert ends_in(found.system, long.moves) == long.violation.state


def test_a_violation_without_time() -> None:
    """A bad state that was met is shown by the search's own way to it."""
    found = explored(Program((increment(DATA) * 3 + b"\x4e\x40", increment(DATA) * 3 + RTS)))
    assert found.graph.violation is not None
    shown = find_in_graph(found.system, found.graph, effort=no_time())
    assert shown is not None
    assert not shown.shortest
    assert same(found.system, ends_in(found.system, shown.moves), found.graph.violation)


def test_an_answer_says_that_its_run_may_not_be_the_shortest(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its schedule runs again as any other."""
    monkeypatch.setattr("pytest_nextrust.explore.child.worker.Exploration._effort", lambda _: no_time())
    request, answer = answered(code.LOST_UPDATE)
    assert answer.finding is not None
    assert not answer.finding.shortest
    again = replayed(request, answer).finding
    assert again is not None
    assert again.slices == answer.finding.slices


def test_what_contradicts_a_guess_while_a_run_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins the search again only where that costs next to nothing; else the run is shown that was met."""
    found = deadlocked()

    def contradicted(*_: object) -> list[int]:
        raise Reclassified([1])

    monkeypatch.setattr(counterexample, "shortest_by_switches", contradicted)
    with pytest.raises(Reclassified):
        find_in_graph(found.system, found.graph, effort=Effort(lambda: 0.0, lambda: False, LEAST))
    shown = find_in_graph(found.system, found.graph, effort=Effort(lambda: 0.0, lambda: False, 2 * LEAST))
    assert shown is not None
    assert not shown.shortest


@settings(max_examples=25, deadline=None)
@given(termination.programs)
def test_the_way_of_the_compiled_search(program: Program) -> None:
    """It is the one that the plain search came by, to every state."""
    needs_compiled_part()
    plain, compiled = explored(program), explored(program, search=explore_states_compiled)
    for number in range(len(plain.graph.states)):
        way = breadth_first(compiled.system, compiled.graph, number)
        assert way == breadth_first(plain.system, plain.graph, number)
