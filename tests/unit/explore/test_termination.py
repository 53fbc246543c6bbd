"""Endless fair runs: found where they are, alike with every reduction and without, and by an oracle that has none."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.explore.child.counterexample import find_in_graph
from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.symmetry import Symmetry
from pytest_nextrust.explore.child.termination import never_ends, stuck
from pytest_nextrust.explore.child.traps import Interrupts
from tests.unit.explore.machine_code import (
    DATA,
    DROP_SIG,
    FOREVER,
    RTS,
    SIGRETURN,
    Explored,
    Program,
    await_set,
    blink_until_set,
    defer,
    explored,
    flip,
    increment,
    load,
    lock,
    naive,
    set_bit,
    skip_if_zero,
    store,
    unlock,
)
from tests.unit.explore.test_symmetry import everybody
from tests.unit.explore.test_symmetry import programs as alike

EXAMPLES = 2000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 60

X, Y, LOCK = DATA, DATA + 1, DATA + 8
POLITE = (defer(X, Y) + RTS, defer(Y, X) + RTS)
SET = set_bit(X, 0)
TAKER = load(X) + b"\x66\x18" + b"\x4a\xf9" + LOCK.to_bytes(4, "big") + b"\x6a\x08" + store(Y) + b"\x60\xe8" + SET + RTS
"""Until X is set: tas LOCK; who had it sets X, who had it not stores to Y."""

flags = st.sampled_from([X, Y])
pieces = st.one_of(
    st.tuples(flags, flags).map(lambda pair: defer(*pair)),
    st.tuples(flags, flags).map(lambda pair: blink_until_set(*pair)),
    flags.map(await_set),
    flags.map(increment),
    flags.map(lambda flag: flip(flag, 1)),
    flags.map(lambda flag: load(flag) + store(DATA + 2)),
    flags.map(lambda flag: load(flag) + skip_if_zero(unlock(flag))),
    st.just(lock(LOCK) + increment(DATA + 2) + unlock(LOCK)),
    flags.map(lambda flag: set_bit(flag, 0)),
)
programs = alike(st.lists(pieces, min_size=1, max_size=2).map(lambda parts: b"".join(parts) + RTS))


def kind_of(found: Explored) -> str:
    violation = never_ends(found.system, found.graph)
    return "" if violation is None else violation.kind


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs)
def test_the_oracle_finds_an_endless_fair_run_where_the_search_does(program: Program) -> None:
    """Reduced, unreduced and with symmetric threads kept once: the same answer as over single instructions."""
    try:
        expected = naive(program, limit=20_000).can_run_for_ever
    except OverflowError:
        return
    searches = (
        explored(program),
        explored(program, Options(reduce=False)),
        explored(program, symmetric=everybody(program)),
    )
    kinds = [kind_of(found) for found in searches]
    assert [kind != "" for kind in kinds] == [expected] * 3
    assert kinds[0] == kinds[2]


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs)
def test_the_loop_of_an_endless_run_comes_back_with_every_thread_moved(program: Program) -> None:
    """The moves that are said to repeat lead back to the same whole state, and every unfinished thread is in them."""
    for symmetric in ((), everybody(program)):
        found = explored(program, symmetric=symmetric)
        counterexample = find_in_graph(found.system, found.graph)
        if counterexample is None or counterexample.violation.kind != "endless":
            continue
        state = found.system.start
        for move in counterexample.moves:
            after = found.system.after(state, move)
            assert after is not None
            state = after
        entered = state
        for move in counterexample.loop:
            after = found.system.after(state, move)
            assert after is not None
            state = after
        assert state == entered
        assert set(counterexample.loop) == set(found.system.ready(entered))


@pytest.mark.parametrize("symmetric", [(), ((0, 1),)], ids=["apart", "alike"])
def test_two_that_defer_to_each_other_may_do_so_for_ever(symmetric: tuple[tuple[int, ...], ...]) -> None:
    """Every state has a way to the end, nothing is stuck, and a fair run need not take it."""
    found = explored(Program(POLITE), symmetric=symmetric)
    assert stuck(found.system, found.graph) is None
    assert kind_of(found) == "endless"


def test_who_spins_while_another_works_ends_under_a_fair_scheduler() -> None:
    """A cycle in which one thread waits and the other could move is no fair run: a lock is proved."""
    body = lock(LOCK) + increment(X) + unlock(LOCK)
    for count in (2, 3):
        program = Program((body * 2 + RTS,) * count)
        for symmetric in ((), everybody(program)):
            assert kind_of(explored(program, symmetric=symmetric)) == ""


def test_one_who_waits_for_a_flag_that_is_set_in_the_end() -> None:
    """A waiting thread alone is no fair run as long as the other has to move; twice the waiter is not either."""
    program = Program((await_set(X) + RTS, await_set(X) + RTS, SET + RTS))
    for symmetric in ((), ((0, 1),)):
        assert kind_of(explored(program, symmetric=symmetric)) == ""


def test_a_third_thread_that_has_to_move_ends_what_two_could_do_for_ever() -> None:
    """Two blink at each other until a third sets the flag: the third always can, so every fair run ends."""
    blink = blink_until_set(X, Y)
    program = Program((blink + RTS, blink + RTS, SET + RTS))
    for symmetric in ((), ((0, 1),)):
        assert kind_of(explored(program, symmetric=symmetric)) == ""
    # Without the third the flag is never set: that is more than an endless run.
    assert kind_of(explored(Program((blink + RTS, blink + RTS)))) == "livelock"


@pytest.mark.parametrize("count", [2, 3])
def test_one_who_changes_places_with_the_waiting_is_not_two(count: int) -> None:
    """Who holds the lock has to set the flag. Another that spins has now lower, now higher numbers than the holder:
    in the states that are kept each place moves, and yet the holder does not."""
    program = Program((TAKER,) * count)
    assert not naive(program).can_run_for_ever
    for symmetric in ((), everybody(program)):
        found = explored(program, symmetric=symmetric)
        assert found.symmetric == symmetric
        assert kind_of(found) == ""


def test_places_follow_each_thread_into_the_state_that_is_kept() -> None:
    """Along every edge, the thread at a place that another has taken is where that one was."""
    body = lock(LOCK) + increment(X) + unlock(LOCK)
    found = explored(Program((body * 2 + RTS,) * 3), symmetric=((0, 1, 2),))
    system, symmetry = found.system, found.system._symmetry
    assert isinstance(symmetry, Symmetry)
    numbers = symmetry._classes[0].numbers
    exchanged = 0
    for state in found.graph.states:
        for move, after in enumerate(system.successors(state)):
            if after is not None:
                kept, places = system.lowest(after), system.places(state, move)
                assert [numbers[place][kept[place]] for place in places] == [numbers[t][after[t]] for t in range(3)]
                exchanged += places in {(1, 2, 0), (2, 0, 1)}
    assert exchanged


def test_a_daemon_that_serves_for_ever_does_not_keep_a_program_from_ending() -> None:
    """The same threads are a deadlock where the program waits for both, and right where it does not wait for one."""
    server = await_set(X) + unlock(X) + SET.replace(X.to_bytes(4, "big"), Y.to_bytes(4, "big"))
    server += b"\x60" + (256 - len(server) - 2).to_bytes(1, "big")
    program = Program((server, SET + await_set(Y) + RTS))
    assert kind_of(explored(program)) == "deadlock"
    assert kind_of(explored(program, Options(daemons=frozenset({0})))) == ""


def test_a_daemon_that_runs_in_its_own_memory_hides_no_endless_run() -> None:
    """A thread that never touches anything shared moves all the time: what the others do for ever is still found."""
    program = Program((*POLITE, FOREVER))
    assert kind_of(explored(program, Options(daemons=frozenset({2})))) == "endless"


def test_a_signal_that_is_due_comes_in_the_end() -> None:
    """A thread that waits for what its handler sets ends where a signal may come, and not where none does."""
    threads = (await_set(X) + RTS,)
    program = Program(threads, handler=SET + DROP_SIG + SIGRETURN)
    found = explored(program, Options(interrupts=Interrupts(program.handler_entry, 1)))
    assert kind_of(found) == ""
    assert kind_of(explored(Program(threads))) != ""
