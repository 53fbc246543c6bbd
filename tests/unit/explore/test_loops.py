"""Threads that repeat: who can starve, and how often the others may pass."""

from __future__ import annotations

from pytest_nextrust.explore.loop import overtaking, rounds, starving
from pytest_nextrust.explore.steps import Options
from tests.unit.explore.machine_code import DATA, RTS, Program, explored, flip, lock, unlock

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
    edges = rounds(found.space, found.graph)
    for thread in (0, 1):
        assert starving(found.space, found.graph, edges, thread) is not None
        assert overtaking(found.space, found.graph, edges, thread) is None


def test_taking_turns_starves_nobody_and_one_passes_at_most_once() -> None:
    """Strict alternation: whoever waits is passed by the other's one round, and then it is its turn."""
    found = explored(Program((MINE_0, MINE_1)), Options(loop=True))
    edges = rounds(found.space, found.graph)
    for thread in (0, 1):
        assert starving(found.space, found.graph, edges, thread) is None
        assert overtaking(found.space, found.graph, edges, thread) == 1


def test_every_thread_completes_rounds() -> None:
    """The edges do say who completes: both threads do, and a thread that never ends does not."""
    found = explored(Program((MINE_0, MINE_1)), Options(loop=True))
    assert {thread for _, _, thread, done in rounds(found.space, found.graph) if done} == {0, 1}
    endless = flip(DATA, 1) + bytes.fromhex("60f6")
    other = explored(Program((endless, flip(DATA, 2) + RTS)), Options(loop=True))
    assert {thread for _, _, thread, done in rounds(other.space, other.graph) if done} == {1}
