"""Threads that repeat: who can starve, and how often the others may pass."""

from __future__ import annotations

import pytest

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.fairness import overtaking, rounds, starving
from pytest_nextrust.explore.child.step_options import Options
from tests.unit.explore.machine_code import ADD, DATA, RTS, Program, explored, flip, load, lock, store, unlock

TURN = DATA + 2


def wait_for_turn(bit: bytes) -> bytes:
    """btst #0,TURN; branch back while it is not this thread's"""
    return b"\x08\x39\x00\x00" + TURN.to_bytes(4, "big") + bit


MINE_0 = wait_for_turn(b"\x66\xf6") + flip(TURN, 1) + RTS
MINE_1 = wait_for_turn(b"\x67\xf6") + flip(TURN, 1) + RTS


def test_a_test_and_set_lock_starves_and_is_overtaken_without_bound() -> None:
    """A thread that spins on tas may never get the lock, however often the others have it."""
    take = lock(DATA) + unlock(DATA) + RTS
    found = explored(Program((take, take)), Options(loop=True))
    edges = rounds(found.system, found.graph)
    for thread in (0, 1):
        assert starving(found.system, found.graph, edges, thread) is not None
        assert overtaking(found.system, found.graph, edges, thread) is None


def test_taking_turns_starves_nobody_and_one_passes_at_most_once() -> None:
    """Strict alternation: whoever waits is passed by the other's one round, and then it is its turn."""
    found = explored(Program((MINE_0, MINE_1)), Options(loop=True))
    edges = rounds(found.system, found.graph)
    for thread in (0, 1):
        assert starving(found.system, found.graph, edges, thread) is None
        assert overtaking(found.system, found.graph, edges, thread) == 1


def test_one_that_waits_for_nobody_is_not_passed() -> None:
    """A round of one access is over as it begins: no other completes one in between."""
    found = explored(Program((flip(DATA, 1) + RTS, flip(DATA, 2) + RTS)), Options(loop=True))
    edges = rounds(found.system, found.graph)
    for thread in (0, 1):
        assert starving(found.system, found.graph, edges, thread) is None
        assert overtaking(found.system, found.graph, edges, thread) == 0


def test_a_state_that_comes_back_is_the_same() -> None:
    """The start is the first state, and a second round of one thread leads back to it."""
    found = explored(Program((flip(DATA, 1) + RTS,)), Options(loop=True), guess=[DATA])
    assert found.graph.edges == [(1,), (0,)]
    assert len(found.graph.states) == 2


NEXT, SERVING = DATA, DATA + 1
DRAW = (
    load(NEXT)
    + bytes.fromhex("1200 5201 0201 0003 0af9 0040")  # move.b d0,d1; addq.b #1,d1; andi.b #3,d1; cas.b d0,d1,NEXT
    + NEXT.to_bytes(4, "big")
    + bytes.fromhex("66e8")  # bne back to the load
)
WAIT = b"\xb0\x39" + SERVING.to_bytes(4, "big") + bytes.fromhex("66f8")  # cmp.b SERVING,d0; bne back
SERVE = load(SERVING) + bytes.fromhex("5200 0200 0003") + store(SERVING)  # addq.b #1,d0; andi.b #3,d0
TICKET = DRAW + WAIT + SERVE + RTS


def doorways(count: int, before: bytes) -> frozenset[Address]:
    """Where each thread's code after ``before`` is."""
    return frozenset(Address(start.entry + len(before)) for start in Program((TICKET,) * count).starts)


@pytest.mark.parametrize("count", [2, 3])
def test_a_ticket_lock_is_overtaken_by_the_others_once_each(count: int) -> None:
    """Whoever has drawn is passed by those before it, n-1 at most, and never starves."""
    options = Options(loop=True, doorways=doorways(count, DRAW))
    found = explored(Program((TICKET,) * count), options)
    edges = rounds(found.system, found.graph)
    for thread in range(count):
        assert starving(found.system, found.graph, edges, thread, waiting=True) is None
        assert overtaking(found.system, found.graph, edges, thread) == count - 1


@pytest.mark.parametrize("count", [2, 3])
def test_a_test_and_set_lock_is_unbounded_wherever_its_doorway_is(count: int) -> None:
    """A mark does not make a lock fair: with a doorway before the tas it is overtaken without bound all the same."""
    take = ADD + lock(DATA) + unlock(DATA) + RTS
    program = Program((take,) * count)
    options = Options(loop=True, doorways=frozenset(Address(start.entry + len(ADD)) for start in program.starts))
    found = explored(program, options)
    edges = rounds(found.system, found.graph)
    assert starving(found.system, found.graph, edges, 0, waiting=True) is not None
    assert overtaking(found.system, found.graph, edges, 0) is None


def test_without_a_doorway_the_draw_itself_counts() -> None:
    """A ticket drawn by cas may be lost to the other for ever: without a mark that is starvation."""
    found = explored(Program((TICKET, TICKET)), Options(loop=True))
    edges = rounds(found.system, found.graph)
    assert starving(found.system, found.graph, edges, 0) is not None
    assert overtaking(found.system, found.graph, edges, 0) is None


def test_every_thread_completes_rounds() -> None:
    """The edges do say who completes: both threads do, and a thread that never ends does not."""
    found = explored(Program((MINE_0, MINE_1)), Options(loop=True))
    assert {thread for _, _, thread, done in rounds(found.system, found.graph) if done} == {0, 1}
    endless = flip(DATA, 1) + bytes.fromhex("60f6")
    other = explored(Program((endless, flip(DATA, 2) + RTS)), Options(loop=True))
    assert {thread for _, _, thread, done in rounds(other.system, other.graph) if done} == {1}
