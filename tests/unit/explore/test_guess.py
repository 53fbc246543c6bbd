"""What is guessed to be shared: few rounds, whole arrays, and no violation lost that a contradicted round has met."""

from __future__ import annotations

import pytest

from pytest_nextrust.explore.child import worker
from pytest_nextrust.explore.child.execute import ScheduleExecutor, shared_bytes
from pytest_nextrust.explore.child.guess import Widening, runs_side_by_side
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import DATA, RTS, Program, increment, read_through, stepper, store, store_long
from tests.unit.explore.test_worker import explored

SLOTS = 0x4010
"""Behind counter and other: as many bytes as an index can name."""


def into_slots(step: int, times: int = 4) -> str:
    """Each time add to counter by a load and a store, and to the slot of 64 that what was loaded says."""
    add = f"2039 00004000 2200 0681 {step:08x} 23c1 00004000"  # move.l counter,d0; move.l d0,d1; addi.l; move.l d1
    slot = (
        f"e780 0280 0000003f 41f9 {SLOTS:08x} 5230 0800"  # asl.l #3,d0; andi.l #63,d0; lea slots,a0; addq.b #1,(a0,d0)
    )
    loop = f"{add} {slot}"
    size = len(bytes.fromhex(loop.replace(" ", "")))
    return f"74{times - 1:02x} {loop} 51ca {-(size + 2) & 0xFFFF:04x} 4e75"  # moveq #times-1,d2; ...; dbra d2


def test_an_array_whose_elements_are_found_late_takes_few_rounds() -> None:
    """Which slot is next depends on how threads interleave: once two have contradicted, all are taken for shared."""
    program = code.concurrent({"thread_0": into_slots(3), "thread_1": into_slots(5)}, data=bytes(16 + 64))
    _, answer = explored(program)
    assert answer.verdict == "passed"
    assert answer.rounds <= 4
    assert set(range(SLOTS, SLOTS + 64)) <= set(answer.shared)


def test_what_only_threads_side_by_side_share_is_guessed() -> None:
    """A thread that is led to a byte by what another writes touches it in a run by lot, and alone does not."""
    data = (DATA + 4).to_bytes(4, "big") + b"\x00\x07\x09\x00"
    reader = read_through(DATA) + store(DATA + 6) + RTS
    program = Program((reader, store_long(DATA, DATA + 5) + increment(DATA + 5) + RTS), data)
    with stepper(program) as machine:

        def threads() -> ScheduleExecutor:
            machine.restore()
            return ScheduleExecutor(machine, program.starts)

        runs = runs_side_by_side(threads)
        assert frozenset().union(*map(shared_bytes, runs)) == {*range(DATA, DATA + 4), DATA + 5}
        assert runs_side_by_side(threads, runs=0) == []


def test_an_object_is_shared_as_a_whole_once_it_has_contradicted_twice() -> None:
    """One contradiction is of its bytes alone, a second of the object; of a huge one, what is around is shared."""
    objects = [range(0x100, 0x140), range(0x140, 0x144), range(0x1_0000, 0x9_0000)]
    widening = Widening(lambda address: next(one for one in objects if address in one))
    assert widening.widened(frozenset({0x104, 0x105})) == {0x104, 0x105}
    assert widening.widened(frozenset({0x140})) == {0x140}
    assert widening.widened(frozenset({0x110})) == set(objects[0])
    assert widening.widened(frozenset({0x2_0000})) == {0x2_0000}
    around = widening.widened(frozenset({0x3_0000}))
    assert 0x3_0000 in around
    assert len(around) == 4096


def contradicted_late() -> bytes:
    """Thread 0 counts up and writes the slot of each count; thread 1 writes the slot of the count that it sees, if that
    is 8 or more; thread 2 writes where no memory is if it sees 1.
    """
    slot = f"41f9 {SLOTS:08x} 5230 0800"
    climb = f"52b9 00004000 2039 00004000 {slot}"
    size = len(bytes.fromhex(climb.replace(" ", "")))
    writer = f"741f {climb} 51ca {-(size + 2) & 0xFFFF:04x} 4e75"
    reader = f"2039 00004000 7208 b081 650a {slot} 4e75"  # move.l counter,d0; moveq #8,d1; cmp.l d1,d0; bcs over
    fault = "2039 00004000 7201 b081 6606 42b9 00000000 4e75"
    return code.concurrent({"thread_0": writer, "thread_1": reader, "thread_2": fault}, data=bytes(16 + 64))


@pytest.mark.parametrize("compiled", [True, False])
def test_a_violation_met_before_a_contradiction_is_not_lost(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search meets the fault; looking for a run of fewer switches goes where its guess does not hold. Where there
    is no time for another round, the run that was met is shown, and without it there is no verdict.
    """
    monkeypatch.setenv("NEXTRUST_NATIVE", "1" if compiled else "0")
    # What is learned of threads that are taken for symmetric would correct the guess before anything is met.
    monkeypatch.setattr("pytest_nextrust.explore.child.subject.Subject.alike_threads", lambda self: ())
    whole = explored(contradicted_late())[1]
    monkeypatch.setattr(worker.Exploration, "_late", lambda self: self._met is not None)
    _, early = explored(contradicted_late())
    assert early.rounds <= whole.rounds
    for answer in (early, whole):
        assert answer.finding is not None
        assert (answer.verdict, answer.finding.kind) == ("failed", "fault")
    assert early.states == 0
    monkeypatch.setattr(worker.Exploration, "_late", lambda self: self._rounds >= early.rounds)
    monkeypatch.setattr(worker.Exploration, "_keep_met", lambda *_: None)
    assert explored(contradicted_late())[1].verdict == "budget"
