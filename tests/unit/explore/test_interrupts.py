"""Interrupt mode: a handler at every boundary, on the interrupted thread's own stack, and back again."""

from __future__ import annotations

from pytest_nextrust.explore.child.macro_steps import Options
from pytest_nextrust.explore.child.search import stuck
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
