"""Interrupt mode: a handler at every boundary, on the interrupted thread's own stack, and back again."""

from __future__ import annotations

from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.termination import stuck
from pytest_nextrust.explore.child.traps import Interrupts
from tests.unit.explore.machine_code import (
    ADD,
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


def interrupted(threads: tuple[bytes, ...], body: bytes, signals: int = 1, nested: bool = False) -> Explored:
    """All interleavings with deliveries of a handler made of ``body`` and what ``__sigtramp`` does after it."""
    program = Program(threads, handler=body + DROP_SIG + SIGRETURN)
    return explored(program, Options(interrupts=Interrupts(program.handler_entry, signals, nested)))


def test_the_handler_runs_before_between_and_after() -> None:
    """load, add, store with a handler that adds too: lost, kept, and not delivered at all are all seen."""
    add = load(DATA) + ADD + store(DATA) + RTS
    found = interrupted((add,), increment(DATA))
    assert {memory[0] for memory in found.finals()} == {1, 2}
    never = explored(Program((add,)))
    assert {memory[0] for memory in never.finals()} == {1}


def test_registers_and_flags_come_back() -> None:
    """d0 and the flags at the interruption are what the thread goes on with, whatever the handler does to them."""
    code = load(DATA + 1) + ADD + store(DATA) + RTS
    spoil = bytes.fromhex("70ff 44fc 001f")  # moveq #-1,d0; move #$1f,ccr
    found = interrupted((code,), spoil)
    assert {memory[0] for memory in found.finals()} == {1}


def test_a_handler_that_wants_its_own_threads_lock_is_a_deadlock() -> None:
    """Interrupting the holder of a lock with a handler that takes it spins for ever; without the handler none does."""
    careful = lock(DATA + 4) + increment(DATA) + unlock(DATA + 4)
    found = interrupted((careful + RTS,), careful)
    trap = stuck(found.system, found.graph)
    assert trap is not None
    assert trap.kind == "deadlock"
    alone = explored(Program((careful + RTS, careful + RTS)))
    assert stuck(alone.system, alone.graph) is None


def test_one_instruction_needs_no_lock() -> None:
    """The twin: where the handler's and the thread's accesses are single instructions nothing is lost and nothing
    waits.
    """
    found = interrupted((increment(DATA) + RTS, increment(DATA) + RTS), increment(DATA))
    assert stuck(found.system, found.graph) is None
    assert {memory[0] for memory in found.finals()} == {2, 3, 4}


def test_each_of_three_threads_is_interrupted_once_or_not() -> None:
    """The handler adds one for every thread that a signal came to: none, one, two or all of them."""
    threads = tuple(increment(DATA + number) + RTS for number in range(3))
    found = interrupted(threads, increment(DATA + 3))
    assert {memory[:4] for memory in found.finals()} == {bytes((1, 1, 1, count)) for count in range(4)}


def test_nested_deliveries_interrupt_the_handler() -> None:
    """With nesting a handler that is no single instruction loses an update of the one it interrupts; without it
    cannot.
    """
    body = load(DATA) + ADD + store(DATA)
    plain = interrupted((RTS,), body, signals=2)
    nested = interrupted((RTS,), body, signals=2, nested=True)
    assert {memory[0] for memory in plain.finals()} == {0, 1, 2}
    lost = [memory for memory in nested.finals() if memory[0] == 1]
    assert lost
    assert len(nested.graph.states) > len(plain.graph.states)


BLOCK = bytes.fromhex("706d 72ff 4e44 2400")  # moveq #109,d0; moveq #-1,d1; trap #4; move.l d0,d2: sigblock(-1)
BLOCK_ANOTHER = bytes.fromhex("706d 7201 4e44 2400")  # the same of SIGHUP alone
RESTORE = bytes.fromhex("2202 706e 4e44")  # move.l d2,d1; moveq #110,d0; trap #4: sigsetmask
COUNTED = increment(DATA) + increment(DATA + 1)
"""A handler that adds to what the thread adds to, and counts itself."""


def store_d0(address: int) -> bytes:
    """move.l d0,address"""
    return b"\x23\xc0" + address.to_bytes(4, "big")


def test_no_signal_comes_while_it_is_blocked() -> None:
    """An addition in three steps keeps the handler's where signals are blocked around it, and only there; the handler
    runs before, and after that."""
    add = load(DATA) + ADD + store(DATA)
    blocked = interrupted((BLOCK + add + RESTORE + RTS,), COUNTED).finals()
    assert {memory[:2] for memory in blocked} == {bytes((1, 0)), bytes((2, 1))}
    other = interrupted((BLOCK_ANOTHER + add + RESTORE + RTS,), COUNTED).finals()
    assert {memory[:2] for memory in other} == {bytes((1, 0)), bytes((2, 1)), bytes((1, 1))}


def test_a_lock_taken_with_signals_blocked_is_no_deadlock() -> None:
    """Where they are blocked before the lock is taken and until it is free; blocked too late, or set free too early,
    the handler waits for its own thread."""
    careful = lock(DATA + 4) + increment(DATA) + unlock(DATA + 4)
    late = lock(DATA + 4) + BLOCK + increment(DATA) + unlock(DATA + 4) + RESTORE
    early = BLOCK + lock(DATA + 4) + increment(DATA) + RESTORE + unlock(DATA + 4)
    for code, found in ((BLOCK + careful + RESTORE, None), (late, "deadlock"), (early, "deadlock")):
        run = interrupted((code + RTS, code + RTS), careful)
        trap = stuck(run.system, run.graph)
        assert (trap and trap.kind) == found


def test_blocking_signals_keeps_no_other_thread_away() -> None:
    """The mask is the thread's own: others run, and lose updates, and are interrupted."""
    add = BLOCK + load(DATA) + ADD + store(DATA) + RESTORE + RTS
    assert {memory[0] for memory in interrupted((add, add), increment(DATA + 1)).finals()} == {1, 2}
    open_ended = BLOCK + increment(DATA) + RTS
    found = interrupted((open_ended, increment(DATA) + RTS), increment(DATA + 1)).finals()
    assert {memory[:2] for memory in found} == {bytes((2, count)) for count in range(3)}


def test_what_the_calls_answer() -> None:
    """The mask before, with carry clear and the other codes as they were; SIGKILL, SIGSTOP and SIGCONT in no mask."""
    codes = bytes.fromhex("706e 7200 44fc 001f 4e44 42c0")  # sigsetmask(0) with all codes set; move.w ccr,d0
    empty = bytes.fromhex("706d 7200 4e44")  # sigblock(0)
    code = BLOCK + store_d0(DATA) + empty + store_d0(DATA + 4) + codes
    found = explored(Program((code + store_d0(DATA + 8) + empty + store_d0(DATA + 12) + RTS,)))
    (memory,) = found.finals()
    words = [int.from_bytes(memory[at : at + 4], "big") for at in range(0, 16, 4)]
    assert words == [0, 0xFFFA_FEFF, 0xFFFA_001E, 0]


def test_a_signal_is_blocked_in_its_handler() -> None:
    """The handler meets its own signal's bit in the mask; what it sets is gone when it returns. Where handlers nest the
    bit is not there."""
    body = bytes.fromhex("706d 72ff 4e44") + store_d0(DATA)
    after = bytes.fromhex("706d 7200 4e44") + store_d0(DATA + 4) + increment(DATA + 8) + RTS
    for nested, bits in ((False, 1 << 15), (True, 0)):
        found = interrupted((increment(DATA + 9) + after,), body, nested=nested).finals()
        masks = {(int.from_bytes(m[:4], "big"), int.from_bytes(m[4:8], "big")) for m in found}
        assert masks == {(0, 0), (bits, 0)}
