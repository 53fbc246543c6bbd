"""What the kernel does for an explored program beyond ``traps``: its threads, its end, and what it writes.

Threads are those of ``emu.kernel.threads``: their table is memory that threads share, so that who runs and who waits is
part of a state like any other bytes. A slot whose thread has not begun, or has ended, stands at ``UNBORN``: its next
step is to begin, once the table says that it runs.

Of UNIX there is exit (1), write (4) to descriptors 1 and 2, whose bytes are dropped, getpid (20), getpagesize (64),
kill (37) of the program itself, and sigvec (108) where it installs no handler; of Mach task_self, thread_self and
thread_reply, and messages about threads by msg_rpc. Anything else cannot be explored.

Boundary: child process only; one call at a time, over memory that the caller makes what the thread sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pytest_nextrust.emu.child.thread_state import A7, D0, D1, PC, ccr_of, pack, register_of, with_ccr, with_register
from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.kernel.threads import ThreadCall, ThreadMemory
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access
from pytest_nextrust.explore.child.program_messages import FIRST_THREAD_PORT, REPLY_PORT, TASK_PORT, rpc
from pytest_nextrust.explore.child.traps import CARRY, KERNEL, MACH, UNIX, Served

__all__ = [
    "UNBORN",
    "BadAddress",
    "MoreThreads",
    "ProgramKernel",
    "exit_status",
    "failed_object",
    "failed_text",
    "killed_by",
]

UNBORN = 0xFFFF_E000
"""Where a slot's thread is before it begins and after it has ended: no memory is there."""

EXIT, WRITE, GETPID, KILL, GETPAGESIZE, SIGVEC, GETTIMEOFDAY = 1, 4, 20, 37, 64, 108, 116
PID, PAGE = 100, 0x2000
TIME = 0x2800_0000
"""What it is o'clock, always, in seconds since 1970: how long anything takes is left open."""
DEFAULT_OR_IGNORED = (0, 1)
"""Handlers that ``sigvec`` may install: none is called, for no signal is delivered to a whole program."""
TASK_SELF, THREAD_REPLY, THREAD_SELF = 10, 11, 13
PORTS = {TASK_SELF: TASK_PORT, THREAD_REPLY: REPLY_PORT}
MSG_RPC = 22

MAKING = frozenset({ThreadCall.SPAWN, ThreadCall.CREATE, ThreadCall.END, ThreadCall.TERMINATE})
"""Calls for whole programs only: where threads are functions, these are the threads there are."""

TRAP_3 = bytes.fromhex("4e43")
OF_RUNNING = frozenset({ThreadCall.GET_STATE, ThreadCall.SET_STATE})
"""Calls that cannot be explored where the thread they are about has begun."""
PC_WORD, SR_WORD = 17, 16


class MoreThreads(Exception):
    """The program has more threads at once than there are slots."""


class BadAddress(Exception):
    """A call was given an address where no memory is."""

    def __init__(self, address: int) -> None:
        super().__init__(address)
        self.address = address


class _Noted:
    """Memory that keeps what is accessed."""

    def __init__(self, memory: ThreadMemory) -> None:
        self._memory = memory
        self.accesses: list[Access] = []

    def read(self, address: int, size: int) -> bytes:
        try:
            data = self._memory.read(address, size)
        except KeyError as error:
            raise BadAddress(address) from error
        self.accesses.append((False, Address(address), size))
        return data

    def write(self, address: int, data: bytes) -> None:
        try:
            self._memory.write(address, data)
        except KeyError as error:
            raise BadAddress(address) from error
        self.accesses.append((True, Address(address), len(data)))


@dataclass(frozen=True, slots=True)
class ProgramKernel:
    """``stacks``: the stack pointer with which a slot's thread begins; ``heaps``: the addresses of its heap.

    ``is_whole``: it serves a whole program, which may make threads, write and exit.
    ``spurious``: who waits for a condition may wake without a signal.
    """

    stacks: tuple[int, ...]
    heaps: tuple[range, ...]
    is_whole: bool = True
    spurious: bool = False

    @property
    def slots(self) -> int:
        """How many threads there may be at once."""
        return len(self.stacks)

    def begin(self, memory: ThreadMemory, slot: int) -> Served:
        """The slot's thread begins, where it runs. Raises BadAddress."""
        noted = _Noted(memory)
        words = threads.begun(noted, slot)
        if words is None:
            return Served(b"", tuple(noted.accesses), blocked=True)
        state = pack(words[PC_WORD], words[A7] or self.stacks[slot])
        for register, value in enumerate(words[:A7]):
            if value:
                state = with_register(state, register, value)
        return Served(with_ccr(state, words[SR_WORD] & 0x1F), tuple(noted.accesses))

    def stopped(self, memory: ThreadMemory, slot: int, state: bytes, values: dict[int, int]) -> Served | None:
        """What a thread that is suspended, or was terminated, does instead of its next instruction; None: nothing."""
        noted = _Noted(memory)
        if threads.is_dying(noted, slot):
            threads.die(noted, slot)
            return self._unborn(slot, values, noted)
        suspended = noted.read(threads.suspended_at(slot), 1)[0]
        return Served(state, tuple(noted.accesses), blocked=True) if suspended else None

    def _unborn(self, slot: int, values: dict[int, int], noted: _Noted) -> Served:
        for place in KERNEL:
            values.pop(place, None)
        return Served(pack(UNBORN, self.stacks[slot]), tuple(noted.accesses))

    def choices(self, vector: int, state: bytes) -> int:
        """How many ways a trap may go."""
        if vector != MACH:
            return 1
        return threads.choices(register_of(state, D0), register_of(state, D1), spurious=self.spurious)

    def choices_at(self, memory: ThreadMemory, state: bytes) -> int:
        """How many ways the thread may go from a state, whatever it is about to do."""
        try:
            is_trap = register_of(state, D0) in threads.CALLS and memory.read(register_of(state, PC), 2) == TRAP_3
        except KeyError:
            return 1
        return self.choices(MACH, state) if is_trap else 1

    def blocks(self, memory: ThreadMemory, slot: int, state: bytes) -> tuple[int, int] | None:
        """The address and width of the word that the thread waits for in this state; None where it can go on.

        Raises KeyError for a word that is not there.
        """
        if threads.is_dying(memory, slot):
            return None
        if memory.read(threads.suspended_at(slot), 1)[0]:
            return threads.suspended_at(slot), 1
        pc = register_of(state, PC)
        if pc == UNBORN:
            return None if threads.status_of(memory, slot) == threads.SlotStatus.RUNNING else (threads.TABLE, 1)
        number = register_of(state, D0)
        if number not in threads.CALLS or memory.read(pc, 2) != TRAP_3:
            return None
        return threads.waits_for(number, _arguments(state), memory)

    def serve(
        self, memory: ThreadMemory, slot: int, vector: int, state: bytes, values: dict[int, int], choice: int = 0
    ) -> Served | None:
        """Do what the kernel does; None for a trap that cannot be explored. ``values``: the thread's bytes.

        Raises BadAddress, MoreThreads.
        """
        number = register_of(state, D0)
        after = with_register(state, PC, register_of(state, PC) + 2)
        noted = _Noted(memory)
        if vector == UNIX:
            if not self.is_whole:
                return None
            return _unix(noted, number, state, after)
        if vector != MACH:
            return None
        if number in PORTS:
            return Served(with_register(after, D0, PORTS[number]))
        if number == THREAD_SELF:
            return Served(with_register(after, D0, FIRST_THREAD_PORT + slot))
        if number == MSG_RPC and self.is_whole:
            return self._message(noted, slot, state, after)
        if number not in threads.CALLS or not (self.is_whole or number not in MAKING):
            return None
        if number == ThreadCall.KIND:
            return Served(with_register(after, D0, threads.EXPLORED))
        if number == ThreadCall.HEAP:
            return self._heap(noted, slot, after)
        if number in OF_RUNNING and self._runs(noted, register_of(state, D1)):
            return None
        try:
            answer = threads.serve(number, _arguments(state), slot, noted, slots=self.slots, choice=choice)
        except threads.NoFreeSlot as error:
            raise MoreThreads from error
        accesses = tuple(noted.accesses)
        if answer.blocked:
            return Served(state, accesses, blocked=True)
        if answer.ends == "thread":
            return self._unborn(slot, values, noted)
        if answer.ends:
            return Served(state, accesses, ends=answer.ends)
        return Served(with_register(after, D0, answer.value or 0), accesses)

    def serve_alone(self, memory: ThreadMemory, vector: int, state: bytes, values: dict[int, int]) -> Served | None:
        """As ``serve`` for a function that runs alone, as the first thread: it can neither wait nor end anything."""
        try:
            served = self.serve(memory, 0, vector, state, values)
        except (BadAddress, MoreThreads):
            return None
        return None if served is None or served.blocked or served.ends else served

    def _message(self, memory: _Noted, slot: int, state: bytes, after: bytes) -> Served | None:
        try:
            result = rpc(memory, slot, self.slots, _arguments(state))
        except threads.NoFreeSlot as error:
            raise MoreThreads from error
        if result is None:
            return None
        return Served(with_register(after, D0, result & 0xFFFF_FFFF), tuple(memory.accesses))

    def _heap(self, memory: _Noted, slot: int, after: bytes) -> Served:
        """More of the slot's heap."""
        begin = threads.allocate(memory, self.heaps[slot], register_of(after, D1))
        return Served(with_register(after, D0, begin), tuple(memory.accesses))

    def _runs(self, memory: _Noted, slot: int) -> bool:
        return slot < self.slots and threads.status_of(memory, slot) == threads.SlotStatus.RUNNING


def _arguments(state: bytes) -> tuple[int, ...]:
    return tuple(register_of(state, register) for register in range(D1, D1 + 4))


def _unix(memory: _Noted, number: int, state: bytes, after: bytes) -> Served | None:
    first, second, third = _arguments(state)[:3]
    answers = {GETPID: PID, GETPAGESIZE: PAGE}
    if number == EXIT:
        return Served(state, ends="exited")
    if number == KILL and first in (0, PID):
        return Served(state, ends="killed")
    if number == WRITE and first in (1, 2):
        if third:
            memory.read(second, third)
        answers[WRITE] = third
    if number == GETTIMEOFDAY:
        for address, data in ((first, TIME.to_bytes(4, "big") + bytes(4)), (second, bytes(8))):
            if address:
                memory.write(address, data)
        answers[GETTIMEOFDAY] = 0
    if number == SIGVEC and (not second or threads.read_word(memory, second) in DEFAULT_OR_IGNORED):
        answers[SIGVEC] = 0
    if number not in answers:
        return None
    done = with_register(with_register(after, D0, answers[number]), D1, 0)
    return Served(with_ccr(done, ccr_of(state) & ~CARRY), tuple(memory.accesses))


def killed_by(state: bytes) -> int:
    """The signal of a ``kill`` that the thread stands at."""
    return _arguments(state)[1]


def exit_status(state: bytes) -> int:
    """The status of an ``exit`` that the thread stands at."""
    return _arguments(state)[0] & 0xFF


def failed_object(state: bytes) -> int:
    """The address of what a ``FAIL`` that the thread stands at is about; 0: of nothing."""
    return _arguments(state)[1]


class Readable(Protocol):
    """Memory that is looked at. Raises KeyError where none is."""

    def read(self, address: int, size: int) -> bytes: ...


def failed_text(memory: Readable, state: bytes, most: int = 400) -> str:
    """The text of a ``FAIL`` that the thread stands at."""
    address, text = _arguments(state)[0], bytearray()
    try:
        while len(text) < most and (byte := memory.read(address + len(text), 1)[0]):
            text.append(byte)
    except KeyError:
        return f"(no text at 0x{address:x})"
    return text.decode("utf-8", "replace")
