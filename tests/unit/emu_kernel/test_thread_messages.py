"""Mach's threads by messages: the replies byte by byte, over the table of the private calls, and every refusal."""

from __future__ import annotations

import struct

import pytest

from pytest_nextrust.emu.kernel.ends import Unimplemented
from pytest_nextrust.emu.kernel.threads import SLOTS, SlotStatus, ThreadCall
from tests.unit.emu_kernel.guest import INTEGER, PORT, Guest, integer, words

TERMINATE, CREATE, SUSPEND, RESUME, ABORT, GET_STATE, SET_STATE = 2016, 2061, 2062, 2063, 2064, 2065, 2066
LONG = (0x0000000C, 0x0002_0020)
STATE = tuple(range(100, 118))
SEND_INVALID_PORT = -102 & 0xFFFF_FFFF


def state(values: tuple[int, ...] = STATE, flavor: int = 1, form: tuple[int, int] = LONG) -> bytes:
    return integer(flavor) + struct.pack(f">{3 + len(values)}I", *form, len(values), *values)


def created(guest: Guest) -> int:
    """The name of a new thread's port."""
    return words(guest.ask(CREATE)[28:])[2]


def code(guest: Guest, number: int, thread: int, body: bytes = b"") -> int:
    reply = words(guest.ask(number, body, remote=thread)[24:])
    assert reply[0] == INTEGER
    return reply[1]


def status(guest: Guest, slot: int) -> int:
    return guest.mach(ThreadCall.STATE_OF, slot)


def test_a_thread_is_made_given_registers_and_ended(guest: Guest) -> None:
    """Each reply has its code; what was set is what is got; with the thread its port is gone."""
    reply = guest.ask(CREATE)
    assert words(reply[:24]) == (0, 40, 0x100, guest.mach(11), 0, CREATE + 100)
    assert words(reply[24:36]) == (INTEGER, 0, PORT)
    thread = words(reply[36:])[0]
    assert status(guest, 1) == SlotStatus.CREATED
    assert code(guest, SET_STATE, thread, state()) == 0
    got = words(guest.ask(GET_STATE, integer(1), remote=thread)[24:])
    assert got == (INTEGER, 0, *LONG, 18, *STATE)
    assert code(guest, TERMINATE, thread) == 0
    assert status(guest, 1) == SlotStatus.FREE
    message = guest.message(thread, guest.mach(11), RESUME)
    assert guest.mach(20, guest.put(message), 0, len(message), 0) == SEND_INVALID_PORT
    assert created(guest) != thread, "a slot that is used again has another port"


def test_suspended_and_resumed(guest: Guest) -> None:
    """As often as it was suspended, and once more to begin; KERN_FAILURE where it runs."""
    thread = created(guest)
    assert [code(guest, what, thread) for what in (SUSPEND, RESUME)] == [0, 0]
    assert status(guest, 1) == SlotStatus.CREATED
    assert [code(guest, RESUME, thread) for _ in range(2)] == [0, 5]
    assert status(guest, 1) == SlotStatus.RUNNING
    assert code(guest, ABORT, thread) == 0, "it waits in no call, and nothing happens"


@pytest.mark.parametrize(
    "body",
    [
        state(STATE[:17]),
        state(flavor=4),
        b"",
        state(form=(0x00000004, LONG[1])),
        state(form=(LONG[0], 0x0009_0008)),
        state() + integer(1),
        state()[:-4],
        integer(1),
    ],
)
def test_states_that_are_refused(guest: Guest, body: bytes) -> None:
    """Too few words and an unknown flavor are KERN_INVALID_ARGUMENT; what MIG would refuse is MIG_BAD_ARGUMENTS."""
    thread = created(guest)
    refused = 4 if body in (state(STATE[:17]), state(flavor=4)) else -304 & 0xFFFF_FFFF
    assert code(guest, SET_STATE, thread, body) == refused
    assert words(guest.ask(GET_STATE, integer(1), remote=thread)[24:])[5:] == (0,) * 18


def test_the_callers_own(guest: Guest) -> None:
    """Its registers are neither to be had nor set, nor is its call ended: KERN_INVALID_ARGUMENT."""
    own = guest.mach(13)
    assert code(guest, GET_STATE, own, integer(1)) == 4
    assert code(guest, SET_STATE, own, state()) == 4
    assert code(guest, ABORT, own) == 4
    assert code(guest, GET_STATE, own, integer(9)) == 4


def test_the_wrong_port(guest: Guest) -> None:
    """The task makes threads, and a thread is what is stopped."""
    assert code(guest, CREATE, guest.mach(13)) == 4
    assert words(guest.ask(SUSPEND)[24:]) == (INTEGER, 4)


def test_no_more_threads_than_slots(guest: Guest) -> None:
    """KERN_RESOURCE_SHORTAGE."""
    assert len({created(guest) for _ in range(SLOTS - 1)}) == SLOTS - 1
    assert words(guest.ask(CREATE)[24:]) == (INTEGER, 6)


@pytest.mark.parametrize("flavor", [2, 3])
def test_other_parts_of_the_state_end_the_run(guest: Guest, flavor: int) -> None:
    """A NeXT has the FPU's registers and the user register there, which are not served: named, not answered wrongly."""
    thread = created(guest)
    with pytest.raises(Unimplemented, match="thread_get_state"):
        guest.ask(GET_STATE, integer(flavor), remote=thread)
