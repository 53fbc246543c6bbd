"""One concrete run: the history that it shows is judged from what its instructions really touch."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import Slice
from pytest_nextrust.explore.child.execute import ObservedHistory, ScheduleExecutor
from pytest_nextrust.explore.child.linearize import Linearizability
from pytest_nextrust.explore.child.step_options import Mark
from pytest_nextrust.explore.child.traps import Interrupts
from tests.unit.explore.machine_code import CODE, DATA, DROP_SIG, RTS, SIGRETURN, Program, increment, stepper

NOP = bytes.fromhex("4e71")


def answers(value: int) -> bytes:
    """moveq #value,d0"""
    return bytes((0x70, value))


def add(array: bytes) -> tuple[bytes, bytes]:
    return bytes([array[0] + 1]), array


def judged(threads: list[bytes], schedule: list[Slice], handler: bytes = b"") -> str | None:
    """What no order explains of operations that answer what was there before they added one.

    Each thread's code is one operation, and the handler's is another.
    """
    program = Program(tuple(body + RTS for body in threads), handler=handler + DROP_SIG + SIGRETURN)
    marks: dict[Address, Mark] = {}
    at = CODE
    for number, body in enumerate([*threads, handler]):
        if body:
            marks |= {Address(at): Mark(False, number), Address(at + len(body)): Mark(True, number)}
        at += len(body + RTS)
    monitor: Any = Linearizability([add] * (len(threads) + 1), b"\0", lambda _, result: result[3:4])
    with stepper(program) as machine:
        interrupts = Interrupts(program.handler_entry) if handler else None
        executor = ScheduleExecutor(machine, program.starts, interrupts)
        history = ObservedHistory(executor, marks, frozenset([DATA]), monitor)
        executor.run(schedule, history.note)
        assert history.refuted or not executor.running
    return history.refuted


FIRST, SECOND = (NOP + increment(DATA) + answers(value) for value in (0, 1))


@pytest.mark.parametrize(
    ("schedule", "right"),
    [
        ([Slice(0, 4), Slice(1, 4)], True),
        ([Slice(0, 2), Slice(1, 4), Slice(0, 2)], True),
        ([Slice(0, 1), Slice(1, 4), Slice(0, 3)], False),
        ([Slice(1, 4), Slice(0, 4)], False),
    ],
    ids=["one-after-the-other", "overlapping", "begun-but-not-called", "wrong-order"],
)
def test_a_call_counts_from_the_first_shared_access(schedule: list[Slice], right: bool) -> None:
    """Thread 1 answers as if thread 0 had added before it: only where thread 0 has touched the counter that is so."""
    assert (judged([FIRST, SECOND], schedule) is None) is right


@pytest.mark.parametrize(
    ("before", "answered", "right"),
    [(1, (1, 0), True), (1, (0, 1), False), (2, (1, 0), True), (2, (0, 1), True), (2, (1, 1), False)],
)
def test_a_handlers_operation_is_its_own(before: int, answered: tuple[int, int], right: bool) -> None:
    """It is called and returns while its thread's has been begun: before that one's access it comes first, after it
    both orders explain what they answer.
    """
    own, handlers = (increment(DATA) + answers(value) for value in answered)
    schedule = [Slice(0, before), Slice(0, 0), Slice(0, 5), Slice(0, 4 - before)]
    assert (judged([NOP + own], schedule, handlers) is None) is right
