"""The calls of kernel threads over a table in memory: who is made, who waits for what, who has ended."""

from __future__ import annotations

import pytest

from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.kernel.threads import SLOTS, CallAnswer, NoFreeSlot, SlotStatus, ThreadCall

WORD = 0x4000
ENTRY, STACK = 0x2400, 0x0300_0000


class Bytes:
    """Memory that has the table and one page."""

    def __init__(self) -> None:
        self.table = bytearray(threads.initial_table())
        self.page = bytearray(0x2000)

    def _place(self, address: int) -> tuple[bytearray, int]:
        for data, start in ((self.table, threads.TABLE), (self.page, WORD)):
            if start <= address < start + len(data):
                return data, address - start
        raise KeyError(address)

    def read(self, address: int, size: int) -> bytes:
        data, at = self._place(address)
        return bytes(data[at : at + size])

    def write(self, address: int, data: bytes) -> None:
        memory, at = self._place(address)
        memory[at : at + len(data)] = data


@pytest.fixture
def memory() -> Bytes:
    return Bytes()


def call(
    memory: Bytes, what: ThreadCall, *arguments: int, by: int = 0, slots: int = SLOTS, choice: int = 0
) -> CallAnswer:
    given = (*arguments, 0, 0, 0, 0)[:4]
    return threads.serve(what, given, by, memory, slots=slots, choice=choice)


def test_a_thread_is_made_runs_ends_and_is_joined(memory: Bytes) -> None:
    """It begins with what it was given; who joins waits until it has ended, and gets its value; the slot is free."""
    assert call(memory, ThreadCall.SPAWN, ENTRY, STACK, 7, 8) == CallAnswer(1)
    words = threads.begun(memory, 1)
    assert words is not None
    assert (words[17], words[15], words[0], words[1]) == (ENTRY, STACK, 7, 8)
    assert call(memory, ThreadCall.JOIN, 1) == CallAnswer(blocked=True)
    assert call(memory, ThreadCall.END, 42, by=1) == CallAnswer(ends="thread")
    assert threads.begun(memory, 1) is None
    assert call(memory, ThreadCall.STATE_OF, 1) == CallAnswer(SlotStatus.ENDED)
    assert call(memory, ThreadCall.JOIN, 1, WORD) == CallAnswer(0)
    assert threads.read_word(memory, WORD) == 42
    assert call(memory, ThreadCall.STATE_OF, 1) == CallAnswer(SlotStatus.FREE)
    assert call(memory, ThreadCall.JOIN, 1) == CallAnswer(4), "nobody is there: KERN_INVALID_ARGUMENT"


@pytest.mark.parametrize("first", [True, False])
def test_a_detached_thread_leaves_its_slot(memory: Bytes, first: bool) -> None:
    """Whether it is detached before it ends or after."""
    call(memory, ThreadCall.SPAWN, ENTRY)
    calls = [(ThreadCall.DETACH, 1, 0), (ThreadCall.END, 0, 1)]
    for what, argument, by in calls if first else reversed(calls):
        call(memory, what, argument, by=by)
    assert threads.status_of(memory, 1) == SlotStatus.FREE
    call(memory, ThreadCall.SPAWN, ENTRY)
    call(memory, ThreadCall.END, 5, by=1)
    assert call(memory, ThreadCall.JOIN, 1) == CallAnswer(0), "the next thread there is not detached"


def test_slots_are_taken_from_the_lowest(memory: Bytes) -> None:
    """One that is free again is taken again; without any the caller is told."""
    assert [call(memory, ThreadCall.SPAWN, ENTRY, slots=4).value for _ in range(3)] == [1, 2, 3]
    with pytest.raises(NoFreeSlot):
        call(memory, ThreadCall.SPAWN, ENTRY, slots=4)
    call(memory, ThreadCall.END, by=2)
    call(memory, ThreadCall.JOIN, 2)
    assert call(memory, ThreadCall.SPAWN, ENTRY, slots=4) == CallAnswer(2)


def test_a_thread_made_without_a_state_runs_when_it_is_resumed(memory: Bytes) -> None:
    """As Mach's thread_create, thread_set_state and thread_resume; a state is not set once it runs."""
    assert call(memory, ThreadCall.CREATE) == CallAnswer(1)
    assert threads.begun(memory, 1) is None
    for word in range(threads.STATE_WORDS):
        memory.write(WORD + 4 * word, (100 + word).to_bytes(4, "big"))
    assert call(memory, ThreadCall.SET_STATE, 1, WORD) == CallAnswer(0)
    assert call(memory, ThreadCall.RESUME, 1) == CallAnswer(0)
    assert threads.begun(memory, 1) == tuple(range(100, 100 + threads.STATE_WORDS))
    assert call(memory, ThreadCall.SET_STATE, 1, WORD) == CallAnswer(5)


def test_waiting_for_a_word(memory: Bytes) -> None:
    """Nothing happens while the word is not as it is wanted; a lock is taken as soon as it is free."""
    assert call(memory, ThreadCall.WAIT_WHILE, WORD, 0) == CallAnswer(blocked=True)
    assert threads.waits_for(ThreadCall.WAIT_WHILE, (WORD, 0), memory) == (WORD, 4)
    assert call(memory, ThreadCall.WAIT_WHILE, WORD, 1) == CallAnswer(0)
    assert call(memory, ThreadCall.ACQUIRE, WORD, 0, 9) == CallAnswer(0)
    assert threads.read_word(memory, WORD) == 9
    assert call(memory, ThreadCall.ACQUIRE, WORD, 0, 8) == CallAnswer(blocked=True)
    assert threads.read_word(memory, WORD) == 9
    assert call(memory, ThreadCall.WAIT_MASK, WORD, 8) == CallAnswer(blocked=True)
    assert call(memory, ThreadCall.WAIT_MASK, WORD, 6) == CallAnswer(0)


def test_what_may_go_several_ways(memory: Bytes) -> None:
    """A number that is chosen, a time-out, and where conditions wake without a signal that too."""
    assert threads.choices(ThreadCall.CHOOSE, 5) == 5
    assert [call(memory, ThreadCall.CHOOSE, 5, choice=n).value for n in range(5)] == list(range(5))
    assert threads.choices(ThreadCall.WAIT_OR_TIMEOUT, WORD) == 2
    assert call(memory, ThreadCall.WAIT_OR_TIMEOUT, WORD, 0) == CallAnswer(blocked=True)
    assert call(memory, ThreadCall.WAIT_OR_TIMEOUT, WORD, 0, choice=1) == CallAnswer(1)
    memory.write(WORD, b"\0\0\0\x0f")
    assert (threads.choices(ThreadCall.WAIT_MASK, WORD), threads.choices(ThreadCall.WAIT_MASK, 0, spurious=True)) == (
        1,
        2,
    )
    assert call(memory, ThreadCall.WAIT_MASK, WORD, 2, choice=1) == CallAnswer(0)
    assert threads.read_word(memory, WORD) == 0x0D, "who wakes does not wait any more"
    assert call(memory, ThreadCall.WAIT_MASK_OR_TIMEOUT, WORD, 1, choice=1) == CallAnswer(1)


def test_what_ends_more_than_a_thread(memory: Bytes) -> None:
    """An assertion that fails, an assumption that does not hold; one that holds is nothing."""
    assert call(memory, ThreadCall.FAIL, WORD) == CallAnswer(ends="failed")
    assert call(memory, ThreadCall.ASSUME, 0) == CallAnswer(ends="given up")
    assert call(memory, ThreadCall.ASSUME, 1) == CallAnswer(0)


def test_slots_that_are_not_there(memory: Bytes) -> None:
    """KERN_INVALID_ARGUMENT, as Mach says it."""
    for what in (ThreadCall.JOIN, ThreadCall.DETACH, ThreadCall.RESUME, ThreadCall.STATE_OF, ThreadCall.TERMINATE):
        assert call(memory, what, SLOTS) == CallAnswer(4)
    assert call(memory, ThreadCall.RESUME, 3) == CallAnswer(4)
