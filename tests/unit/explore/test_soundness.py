"""The reduction and the memo lose nothing: the same answers as running every interleaving of single instructions."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.termination import stuck
from pytest_nextrust.explore.child.traps import Interrupts
from tests.unit.explore.machine_code import (
    ADD,
    DATA,
    DROP_SIG,
    FOREVER,
    HOP,
    PEEK,
    POP,
    PUSH,
    RTS,
    SIGRETURN,
    THROUGH_D1,
    UNWRITTEN,
    Program,
    copy_long,
    explored,
    flip,
    increment,
    load,
    load_long,
    lock,
    naive,
    read_through,
    set_bit,
    skip_if_zero,
    store,
    store_long,
    unlock,
)

EXAMPLES, WITH_SIGNALS = (2000, 2000) if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else (200, 50)

# Few bytes and short threads: what a mistake in the classification changes must not drown in what all threads share.
addresses = st.integers(DATA, DATA + 3)
copies = st.tuples(addresses, addresses).map(lambda pair: load(pair[0]) + store(pair[1]))
simple = st.one_of(
    addresses.map(load),
    addresses.map(store),
    addresses.map(increment),
    st.tuples(addresses, st.integers(1, 255)).map(lambda pair: flip(*pair)),
    st.tuples(addresses, st.integers(0, 7)).map(lambda pair: set_bit(*pair)),
    st.just(ADD),
    st.just(PUSH + ADD + POP),
    st.just(PEEK),
    st.just(UNWRITTEN),
    st.just(HOP),
    st.just(THROUGH_D1),
    st.just(copy_long(DATA, DATA + 4)),
    st.integers(DATA, DATA + 2).map(load_long),
    st.integers(0, 2**32 - 1).map(lambda value: store_long(DATA + 1, value)),
)
instructions = st.one_of(simple, simple.map(skip_if_zero))
critical = st.lists(simple, max_size=2).map(lambda body: lock(DATA + 8) + b"".join(body) + unlock(DATA + 8))
careless = st.lists(simple, max_size=1).map(lambda body: lock(DATA + 8) + b"".join(body))
pieces = st.lists(st.one_of(copies, copies, instructions, critical, careless), min_size=1, max_size=3)
threads = pieces.map(lambda parts: b"".join(parts) + RTS)
programs = st.lists(threads, min_size=2, max_size=2).map(tuple).map(Program)
bodies = st.lists(st.one_of(copies, instructions, critical), min_size=1, max_size=2).map(b"".join)
brief = st.lists(st.one_of(copies, instructions, critical, careless), min_size=1, max_size=2).map(
    lambda parts: b"".join(parts) + RTS
)
signals = st.sampled_from([(1, 1, False), (1, 1, False), (2, 1, False), (1, 2, False), (1, 2, True)])
"""Threads, signals to each, and whether they nest."""


@st.composite
def interrupted(draw: st.DrawFn) -> tuple[Program, Interrupts]:
    """Threads with a handler that may come at any boundary."""
    count, most, nested = draw(signals)
    code = tuple(draw(st.lists(brief, min_size=count, max_size=count)))
    program = Program(code, handler=draw(bodies) + DROP_SIG + SIGRETURN)
    return program, Interrupts(program.handler_entry, most, nested)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs)
def test_same_answers_as_every_interleaving(program: Program) -> None:
    """With the reduction, without it, and by the oracle: the same final memories and the same chance to be stuck."""
    seen = naive(program)
    for options in (Options(), Options(reduce=False)):
        found = explored(program, options)
        assert found.graph.complete
        assert found.finals() == seen.finals
        assert (stuck(found.system, found.graph) is not None) == seen.can_be_stuck


@pytest.mark.campaign
@settings(max_examples=WITH_SIGNALS, deadline=None)
@given(interrupted())
def test_same_answers_with_signals(drawn: tuple[Program, Interrupts]) -> None:
    """Deliveries too: merged boundaries, dead stack and threads put off have the answers of the search without them."""
    program, interrupts = drawn
    reduced = explored(program, Options(interrupts=interrupts))
    whole = explored(program, Options(reduce=False, interrupts=interrupts))
    assert reduced.graph.complete
    assert whole.graph.complete
    assert reduced.finals() == whole.finals()
    assert (stuck(reduced.system, reduced.graph) is None) == (stuck(whole.system, whole.graph) is None)


def test_what_a_handler_leaves_below_the_stack_pointer_is_seen_by_who_looks() -> None:
    """A thread that reads below its stack pointer sees the frame of the handler that was there, and else nothing."""
    body = ADD + PEEK + store(DATA) + RTS
    program = Program((body,), handler=increment(DATA + 1) + DROP_SIG + SIGRETURN)
    interrupts = Interrupts(program.handler_entry)
    reduced = explored(program, Options(interrupts=interrupts))
    whole = explored(program, Options(reduce=False, interrupts=interrupts))
    assert reduced.rounds > 1
    assert len(reduced.finals()) > 2
    assert reduced.finals() == whole.finals()


def test_what_calls_leave_on_the_stack_keeps_no_states_apart() -> None:
    """Two ways that differ in what they pushed and popped come to one state; with the reduction off to two."""
    branches = load(DATA) + skip_if_zero(PUSH + ADD + POP) + bytes.fromhex("7000") + increment(DATA + 1) + RTS
    program = Program((branches, increment(DATA) + RTS))
    reduced, whole = explored(program), explored(program, Options(reduce=False))
    assert reduced.finals() == whole.finals()
    last = [{found.graph.states[number][0] for number in found.graph.finals} for found in (reduced, whole)]
    assert (len(last[0]), len(last[1])) == (1, 2)


def test_registers_that_nobody_will_read_keep_no_states_apart() -> None:
    """A value that was copied and is in a register still leaves one state in the end; with the reduction off two."""
    program = Program((copy_long(DATA, DATA + 4) + store_long(DATA + 8, 1) + RTS, increment(DATA + 3) + RTS))
    shared = range(DATA, DATA + 12)
    reduced, whole = explored(program, guess=shared), explored(program, Options(reduce=False), guess=shared)
    assert reduced.finals() == whole.finals() == naive(program).finals
    last = [{found.graph.states[number][0] for number in found.graph.finals} for found in (reduced, whole)]
    assert (len(last[0]), len(last[1])) == (1, 2)


def test_a_register_that_is_read_behind_an_unforeseen_return_is_kept() -> None:
    """What follows a return to a pushed address reads a register that looked dead: it is found out."""
    racy = load_long(DATA) + increment(DATA + 8) + HOP + store(DATA + 4) + RTS
    program = Program((racy, increment(DATA) + increment(DATA + 8) + increment(DATA + 4) + RTS))
    found = explored(program, guess=range(DATA, DATA + 12))
    assert found.rounds == 2
    assert found.finals() == naive(program).finals


def test_a_register_that_a_branch_of_the_code_needs_is_kept_there() -> None:
    """The same register is dead on one way and read on the other: states that differ in it are kept apart before."""
    body = load_long(DATA) + skip_if_zero(store(DATA + 8)) + increment(DATA + 4) + RTS
    program = Program((body, increment(DATA + 3) + increment(DATA + 3) + RTS))
    assert explored(program, guess=range(DATA, DATA + 12)).finals() == naive(program).finals


def test_a_private_loop_under_signals_does_not_hide_the_other_thread() -> None:
    """The loop is interruptible at every instruction, and still the other thread gets its turns."""
    endless = increment(DATA + 1) + FOREVER
    program = Program((endless, increment(DATA) + RTS), handler=increment(DATA + 2) + DROP_SIG + SIGRETURN)
    interrupts = Interrupts(program.handler_entry)
    found = explored(program, Options(interrupts=interrupts))
    seen = {found.data(state)[:3] for state in found.graph.states}
    assert {b"\x01\x01\x02", b"\x00\x01\x01"} <= seen
    assert stuck(found.system, found.graph) is not None


def test_a_lost_update_is_seen_and_a_locked_one_is_not_there() -> None:
    """load, add, store without a lock loses an update in some interleaving; under a lock it never does."""
    add = load(DATA) + ADD + store(DATA)
    racy = explored(Program((add + RTS, add + RTS)))
    assert {memory[0] for memory in racy.finals()} == {1, 2}
    locked = lock(DATA + 8) + add + unlock(DATA + 8) + RTS
    assert {memory[0] for memory in explored(Program((locked, locked))).finals()} == {2}


def test_an_address_that_is_shared_only_in_the_second_round() -> None:
    """A pointer another thread writes leads to a byte that looked private: found out, and the answers are right."""
    data = (DATA + 4).to_bytes(4, "big") + b"\x00\x07\x09\x00"
    reader = read_through(DATA) + store(DATA + 6) + RTS
    writer = store_long(DATA, DATA + 5) + increment(DATA + 5) + RTS
    found = explored(Program((reader, writer), data))
    assert found.rounds >= 2
    assert found.finals() == naive(Program((reader, writer), data)).finals
    assert {memory[6] for memory in found.finals()} == {0, 7, 8}


@pytest.mark.parametrize("reduce", [True, False])
def test_a_private_infinite_loop_does_not_hide_the_other_thread(reduce: bool) -> None:
    """A thread that loops for ever by itself is reported, and everything the other thread can do is seen all the
    same.
    """
    program = Program((increment(DATA) + FOREVER, load(DATA) + store(DATA + 1) + RTS))
    found = explored(program, Options(reduce=reduce))
    seen = {found.data(state)[:2] for state in found.graph.states}
    assert {b"\x01\x00", b"\x01\x01"} <= seen
    trap = stuck(found.system, found.graph)
    assert trap is not None
    assert trap.kind == ("divergence" if reduce else "deadlock")


def test_spinning_on_a_lock_that_nobody_releases_is_a_deadlock() -> None:
    """Two threads that take a lock and keep it: one spins for ever, and shared memory is the same in all those
    states.
    """
    keep = lock(DATA) + increment(DATA + 1) + RTS
    found = explored(Program((keep, keep)))
    trap = stuck(found.system, found.graph)
    assert trap is not None
    assert trap.kind == "deadlock"


def test_spinning_that_changes_memory_for_ever_is_a_livelock() -> None:
    """A thread that keeps flipping a byte and never ends: the bottom component changes shared memory."""
    flips = flip(DATA, 1) + bytes.fromhex("60f6")
    found = explored(Program((flips, load(DATA) + store(DATA + 1) + RTS)))
    trap = stuck(found.system, found.graph)
    assert trap is not None
    assert trap.kind == "livelock"


def test_a_right_lock_is_never_stuck() -> None:
    """The twin of the two tests above: spin loops alone are no deadlock."""
    right = lock(DATA) + increment(DATA + 1) + unlock(DATA) + RTS
    found = explored(Program((right, right, right)))
    assert stuck(found.system, found.graph) is None
    assert {memory[1] for memory in found.finals()} == {3}


def test_the_guess_does_not_change_the_answer() -> None:
    """Bytes taken for shared from the start cost states and change nothing else."""
    add = load(DATA) + PUSH + POP + ADD + store(DATA)
    program = Program((add + RTS, add + RTS))
    plain, guessed = explored(program), explored(program, guess=range(DATA, DATA + 12))
    assert plain.finals() == guessed.finals()
    assert len(plain.graph.states) <= len(guessed.graph.states)
