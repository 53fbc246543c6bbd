"""Messages to the kernel that an explored program may send: those by which Mach's threads are made and stopped.

They are sent by msg_rpc and answered on the caller's reply port. The registers of a thread can be looked at and set
before it begins; afterwards they are the search's. No explored thread waits in a call that ``thread_abort`` could end.

Boundary: child process only; one message, over memory that notes what is accessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError, Msg
from pytest_nextrust.emu.kernel.mach.message_checks import answer
from pytest_nextrust.emu.kernel.mach.message_items import HEADER, reply
from pytest_nextrust.emu.kernel.mach.ports import Port, PortKind
from pytest_nextrust.emu.kernel.mach.thread_calls import THREAD_ROUTINES
from pytest_nextrust.emu.kernel.threads import SlotStatus, ThreadCall, ThreadMemory

__all__ = ["FIRST_THREAD_PORT", "REPLY_PORT", "TASK_PORT", "rpc"]

TASK_PORT, REPLY_PORT, FIRST_THREAD_PORT = 1, 3, 16
"""Port names of a task; each thread has the same name for its own reply port, and those of threads are by slot."""
ROUTINES = {routine.number: routine for routine in THREAD_ROUTINES}
HELD = (SlotStatus.CREATED, SlotStatus.RUNNING)


class _NotExplored(Exception):
    """What is asked can be answered on the machine only."""


class _Owner:
    """The threads of the program: a ``ThreadOwner``."""

    def __init__(self, memory: ThreadMemory, caller: int, slots: int) -> None:
        self._memory = memory
        self._caller = caller
        self._slots = slots

    def thread_port(self, slot: int) -> int:
        return FIRST_THREAD_PORT + slot

    def thread_request(self, call: ThreadCall, slot: int) -> int:
        served = threads.serve(call, (slot, 0, 0, 0), self._caller, self._memory, slots=self._slots)
        return served.value or 0

    def thread_state(self, slot: int) -> tuple[int, ...]:
        self._check(slot)
        return threads.first_state(self._memory, slot)

    def set_thread_state(self, slot: int, words: Sequence[int]) -> None:
        self._check(slot)
        threads.set_first_state(self._memory, slot, words)

    def abort_thread(self, slot: int) -> None:
        if slot == self._caller:
            raise KernError(Kern.INVALID_ARGUMENT)

    def _check(self, slot: int) -> None:
        if slot == self._caller:
            raise KernError(Kern.INVALID_ARGUMENT)
        if threads.status_of(self._memory, slot) == SlotStatus.RUNNING:
            raise _NotExplored


def rpc(memory: ThreadMemory, caller: int, slots: int, arguments: tuple[int, ...]) -> int | None:
    """msg_rpc by the thread in slot ``caller``: a msg_return_t; None for what cannot be explored.

    Raises NoFreeSlot, and what ``memory`` raises.
    """
    address, _, size, room = arguments[:4]
    if size < HEADER.size:
        return Msg.SEND_TOO_SMALL
    flags, _, kind, local, remote, number = HEADER.unpack(memory.read(address, HEADER.size))
    routine = ROUTINES.get(number)
    if routine is None or local != REPLY_PORT:
        return None
    port = _port(memory, remote, slots)
    if port is None:
        return Msg.SEND_INVALID_PORT
    body = memory.read(address + HEADER.size, size - HEADER.size) if size > HEADER.size else b""
    try:
        items = answer(routine, _Owner(memory, caller, slots), port, bool(flags & 0xFF), body, {})
    except _NotExplored:
        return None
    data, _ = reply(items, kind, local, number)
    if len(data) > room:
        return None
    memory.write(address, data)
    return Msg.SUCCESS


def _port(memory: ThreadMemory, name: int, slots: int) -> Port | None:
    if name == TASK_PORT:
        return Port(PortKind.TASK)
    slot = name - FIRST_THREAD_PORT
    if 0 <= slot < slots and threads.status_of(memory, slot) in HELD and not threads.is_dying(memory, slot):
        return Port(PortKind.THREAD, slot=slot)
    return None
