"""The reduction and the memo lose nothing: the same answers as running every interleaving of single instructions."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.explore.graph import stuck
from pytest_nextrust.explore.steps import Options
from tests.unit.explore.machine_code import (
    ADD,
    DATA,
    FOREVER,
    POP,
    PUSH,
    RTS,
    Program,
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

EXAMPLES = 2000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 200

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
    st.integers(DATA, DATA + 2).map(load_long),
    st.integers(0, 2**32 - 1).map(lambda value: store_long(DATA + 1, value)),
)
instructions = st.one_of(simple, simple.map(skip_if_zero))
critical = st.lists(simple, max_size=2).map(lambda body: lock(DATA + 8) + b"".join(body) + unlock(DATA + 8))
careless = st.lists(simple, max_size=1).map(lambda body: lock(DATA + 8) + b"".join(body))
pieces = st.lists(st.one_of(copies, copies, instructions, critical, careless), min_size=1, max_size=3)
threads = pieces.map(lambda parts: b"".join(parts) + RTS)
programs = st.lists(threads, min_size=2, max_size=2).map(tuple).map(Program)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs)
def test_same_answers_as_every_interleaving(program: Program) -> None:
    """With the reduction, without it, and by the oracle: the same final memories and the same chance to be stuck."""
    finals, can_be_stuck = naive(program)
    for options in (Options(), Options(reduce=False)):
        found = explored(program, options)
        assert found.graph.complete
        assert found.finals() == finals
        assert (stuck(found.space, found.graph) is not None) == can_be_stuck


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
    assert found.finals() == naive(Program((reader, writer), data))[0]
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
    trap = stuck(found.space, found.graph)
    assert trap is not None
    assert trap.kind == ("divergence" if reduce else "deadlock")


def test_spinning_on_a_lock_that_nobody_releases_is_a_deadlock() -> None:
    """Two threads that take a lock and keep it: one spins for ever, and shared memory is the same in all those
    states.
    """
    keep = lock(DATA) + increment(DATA + 1) + RTS
    found = explored(Program((keep, keep)))
    trap = stuck(found.space, found.graph)
    assert trap is not None
    assert trap.kind == "deadlock"


def test_spinning_that_changes_memory_for_ever_is_a_livelock() -> None:
    """A thread that keeps flipping a byte and never ends: the bottom component changes shared memory."""
    flips = flip(DATA, 1) + bytes.fromhex("60f6")
    found = explored(Program((flips, load(DATA) + store(DATA + 1) + RTS)))
    trap = stuck(found.space, found.graph)
    assert trap is not None
    assert trap.kind == "livelock"


def test_a_right_lock_is_never_stuck() -> None:
    """The twin of the two tests above: spin loops alone are no deadlock."""
    right = lock(DATA) + increment(DATA + 1) + unlock(DATA) + RTS
    found = explored(Program((right, right, right)))
    assert stuck(found.space, found.graph) is None
    assert {memory[1] for memory in found.finals()} == {3}


def test_the_guess_does_not_change_the_answer() -> None:
    """Bytes taken for shared from the start cost states and change nothing else."""
    add = load(DATA) + PUSH + POP + ADD + store(DATA)
    program = Program((add + RTS, add + RTS))
    plain, guessed = explored(program), explored(program, guess=range(DATA, DATA + 12))
    assert plain.finals() == guessed.finals()
    assert len(plain.graph.states) <= len(guessed.graph.states)
