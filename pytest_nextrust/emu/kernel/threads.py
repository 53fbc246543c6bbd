"""Kernel threads: a table of slots in memory, and the calls by which threads make, wait for and end each other.

The machine and the explorer serve the same calls from the same table; which thread runs next is theirs to say. A thread
waits for a word of memory: it *blocks* while the word is not as it wants it, and whoever schedules asks again. Nothing
else is remembered of who waits, so that a state of the program is its memory and its registers alone.

The calls are Mach traps (``trap #3``) of numbers that no NeXT kernel has: d0 is the number, d1 and on the arguments, d0
the answer. A NeXT answers KERN_INVALID_ARGUMENT (4) to them ("Mach trap numbers" in the ABI notes), which is how the C
library knows that it runs on one. Mach's own ``thread_create`` and its companions are messages there; their states have
the layout of NeXT's ``<mach/m68k/thread_status.h>``, d0-d7, a0-a7, sr and pc as 18 words.

Boundary: bytes of memory and numbers; no emulator, no registers but as words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Protocol

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = [
    "CALLS",
    "EXPLORED",
    "HEAP",
    "HEAPS",
    "MACHINE",
    "MASKS",
    "NO_SLOT",
    "SENTINEL",
    "SLOTS",
    "SPACING",
    "STACK",
    "STACKS",
    "STATE_WORDS",
    "TABLE",
    "TABLE_SIZE",
    "TAKES",
    "TIMED",
    "CallAnswer",
    "NoFreeSlot",
    "SlotStatus",
    "ThreadCall",
    "ThreadMemory",
    "allocate",
    "begun",
    "choices",
    "described",
    "die",
    "first_state",
    "heap_of",
    "initial_table",
    "is_dying",
    "read_word",
    "runs",
    "serve",
    "set_first_state",
    "status_of",
    "suspended_at",
    "waits_for",
]

TABLE = 0x02FC_0000
"""Where the table is: below what the explorer adds to a program, in pages that a program may not touch."""
SLOTS = 16
STACKS, STACK, SPACING = 0x0300_0000, 0x1_0000, 0x2_0000
"""Where the threads' stacks are in an exploration: 64 KiB for each slot, with as much unmapped memory between them."""
HEAPS, HEAP = 0x0340_0000, 0x4_0000
"""Where their heaps are: 256 KiB for each slot."""
SENTINEL = 0xFFFF_F000
"""Where a thread's first function returns to: no memory is there."""
STRIDE = 0x80
TABLE_SIZE = 0x2000
STATUS, DETACHED, SUSPENDED, STATE = 0, 1, 2, 4
"""Offsets in a slot: its status, whether nobody will join it, how often it is suspended, its registers before it
begins."""
DYING, MOST_SUSPENDED = 0xFF, 0x7F
"""What stands in place of how often a thread is suspended where it was terminated and has not noticed yet."""
STATE_WORDS = 18
"""d0-d7, a0-a7, sr, pc."""
D0_WORD, D1_WORD, SP_WORD, PC_WORD = 0, 1, 15, 17
NO_SLOT = 0xFFFF_FFFF
KERN_SUCCESS, KERN_INVALID_ARGUMENT, KERN_FAILURE = 0, 4, 5


class SlotStatus(IntEnum):
    """What a slot holds."""

    FREE = 0
    CREATED = 1
    RUNNING = 2
    ENDED = 3


class ThreadCall(IntEnum):
    """The calls, with their arguments."""

    KIND = 0x4E5800
    """Who serves: 0x4E58 in an exploration, 0x4E59 on the machine."""
    SELF = 0x4E5801
    """The caller's slot."""
    SPAWN = 0x4E5802
    """pc, sp (0: the slot's own stack), d0, d1: a thread that runs; its slot."""
    CREATE = 0x4E5803
    """A thread that has no state yet and does not run; its slot."""
    SET_STATE = 0x4E5804
    """slot, address of 18 words. An exploration has it only for a thread that has not begun, and GET_STATE."""
    RESUME = 0x4E5805
    """slot: of a thread that has no state yet, it begins."""
    SUSPEND = 0x4E5806
    """slot: it does not go on until it is resumed as often."""
    TERMINATE = 0x4E5807
    """slot: it ends as if it had by itself, before its next instruction."""
    END = 0x4E5808
    """value: the caller ends, and does not return."""
    JOIN = 0x4E5809
    """slot, address: blocks until that thread has ended; its value goes to the address (0: nowhere), and the slot is
    free."""
    DETACH = 0x4E580A
    """slot: free as soon as the thread has ended, and nobody may join it."""
    WAIT_WHILE = 0x4E580B
    """address, value: blocks while the word there is the value."""
    ACQUIRE = 0x4E580C
    """address, free, mine: blocks until the word there is ``free``, and makes it ``mine``."""
    WAIT_OR_TIMEOUT = 0x4E580D
    """address, value: as WAIT_WHILE, answers 0; or at any time answers 1."""
    CHOOSE = 0x4E580E
    """n: any number below n, at most 16."""
    ASSUME = 0x4E580F
    """value: where it is 0 the run is given up."""
    FAIL = 0x4E5810
    """address of a text that ends in NUL: an assertion does not hold; address of what it is about (0: nothing)."""
    HEAP = 0x4E5811
    """size in bytes: the address of so many bytes of the caller's own heap; 0 where there are none left."""
    STATE_OF = 0x4E5812
    """slot: its status."""
    WAIT_MASK = 0x4E5813
    """address, mask: blocks while the word has any of these bits; answers 0."""
    WAIT_MASK_OR_TIMEOUT = 0x4E5814
    """address, mask: the same; or at any time clears the bits and answers 1."""
    CLAIM = 0x4E5815
    """address, mask, bits: blocks while the word has any bit of the mask, and sets the bits."""
    TAKE = 0x4E5816
    """address: blocks while the word is 0, and takes 1 from it."""
    WAIT_ALONE = 0x4E5817
    """slot: blocks while a thread of another slot runs, or is made and may be run."""
    GET_STATE = 0x4E5818
    """slot, address for 18 words: of a thread that does not run."""


CALLS = frozenset(ThreadCall)
EXPLORED, MACHINE = 0x4E58, 0x4E59
"""What ``ThreadCall.KIND`` answers in an exploration, and on the machine."""


TAKES: dict[int, int] = {
    ThreadCall.KIND: 0,
    ThreadCall.SELF: 0,
    ThreadCall.CREATE: 0,
    ThreadCall.SPAWN: 4,
    ThreadCall.ACQUIRE: 3,
    ThreadCall.SET_STATE: 2,
    ThreadCall.GET_STATE: 2,
    ThreadCall.CLAIM: 3,
    ThreadCall.JOIN: 2,
    ThreadCall.WAIT_WHILE: 2,
    ThreadCall.WAIT_OR_TIMEOUT: 2,
    ThreadCall.WAIT_MASK: 2,
    ThreadCall.WAIT_MASK_OR_TIMEOUT: 2,
}
"""How many arguments a call takes, where it is not one."""
MOST_CHOICES = 16


class ThreadMemory(Protocol):
    """The memory of the table and of the program, as bytes. Raises what it raises for an address that is not there."""

    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


class NoFreeSlot(Exception):
    """Every slot is taken."""


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What a call answers (None: d0 stays). ``blocked``: nothing happened, the thread waits. ``ends``: ``thread``,
    ``failed`` or ``given up``, where the caller, or the whole program, does not go on.
    """

    value: int | None = None
    blocked: bool = False
    ends: str = ""


def read_word(memory: ThreadMemory, address: int) -> int:
    """32 bits of memory."""
    return int.from_bytes(memory.read(address, 4), "big")


def _write_word(memory: ThreadMemory, address: int, value: int) -> None:
    memory.write(address, (value & 0xFFFF_FFFF).to_bytes(4, "big"))


def initial_table(running: int = 1) -> bytes:
    """The table of a program that begins with so many threads."""
    table = bytearray(TABLE_SIZE)
    for slot in range(running):
        table[slot * STRIDE + STATUS] = SlotStatus.RUNNING
    return bytes(table)


def described(address: int) -> str:
    """What stands at an address of the table."""
    slot, offset = divmod(address - TABLE, STRIDE)
    what = {STATUS: "status", SUSPENDED: "suspensions"}.get(offset)
    what = what or ("first registers" if offset >= STATE else "bookkeeping")
    return f"{what} of thread {slot}"


def _place(slot: int) -> int:
    return TABLE + slot * STRIDE


def status_of(memory: ThreadMemory, slot: int) -> int:
    """The status of a slot."""
    return memory.read(_place(slot) + STATUS, 1)[0]


def suspended_at(slot: int) -> int:
    """The address of the byte that says whether a slot's thread is suspended, or dying."""
    return _place(slot) + SUSPENDED


def runs(memory: ThreadMemory, slot: int) -> bool:
    """Whether the slot's thread has been let begin, and is not suspended."""
    return status_of(memory, slot) == SlotStatus.RUNNING and not memory.read(suspended_at(slot), 1)[0]


def is_dying(memory: ThreadMemory, slot: int) -> bool:
    """Whether the slot's thread was terminated while it ran, and has not ended yet."""
    return memory.read(suspended_at(slot), 1)[0] == DYING


def begun(memory: ThreadMemory, slot: int) -> tuple[int, ...] | None:
    """The 18 words with which a slot's thread begins; None as long as it does not run."""
    return first_state(memory, slot) if runs(memory, slot) else None


def first_state(memory: ThreadMemory, slot: int) -> tuple[int, ...]:
    """The 18 words of a slot."""
    data = memory.read(_place(slot) + STATE, 4 * STATE_WORDS)
    return tuple(int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4))


def set_first_state(memory: ThreadMemory, slot: int, words: Sequence[int]) -> None:
    """Give a slot whose thread has not begun its 18 words."""
    memory.write(_place(slot) + STATE, b"".join(word.to_bytes(4, "big") for word in words))


def heap_of(slot: int) -> range:
    """The addresses of a slot's heap in an exploration."""
    return range(HEAPS + slot * HEAP, HEAPS + (slot + 1) * HEAP)


def allocate(memory: ThreadMemory, heap: range, size: int) -> int:
    """More of a heap, whose first word says where what is left of it begins; 0 where there is not so much."""
    size = -(-size // 16) * 16
    begin = read_word(memory, heap.start) or heap.start + 16
    if begin + size > heap.stop:
        return 0
    _write_word(memory, heap.start, begin + size)
    return begin


TIMED = frozenset({ThreadCall.WAIT_OR_TIMEOUT, ThreadCall.WAIT_MASK_OR_TIMEOUT})
MASKS = frozenset({ThreadCall.WAIT_MASK, ThreadCall.WAIT_MASK_OR_TIMEOUT})


def choices(number: int, first: int, *, spurious: bool = False) -> int:
    """How many ways a call may go; ``first`` is its first argument. ``spurious``: who waits for bits of a word may wake
    at any time.
    """
    if number in TIMED or number == ThreadCall.WAIT_MASK:
        return 1 + (number in TIMED) + (spurious and number in MASKS)
    return min(max(first, 1), MOST_CHOICES) if number == ThreadCall.CHOOSE else 1


_WHILE: dict[int, Callable[[int, int], bool]] = {
    ThreadCall.WAIT_WHILE: lambda word, value: word == value,
    ThreadCall.WAIT_OR_TIMEOUT: lambda word, value: word == value,
    ThreadCall.WAIT_MASK: lambda word, mask: bool(word & mask),
    ThreadCall.WAIT_MASK_OR_TIMEOUT: lambda word, mask: bool(word & mask),
    ThreadCall.ACQUIRE: lambda word, free: word != free,
    ThreadCall.CLAIM: lambda word, mask: bool(word & mask),
    ThreadCall.TAKE: lambda word, _: not word,
}
"""Calls that block while the word at their first argument is so, by their second."""

_CHANGED: dict[int, Callable[[int, int], int]] = {
    ThreadCall.ACQUIRE: lambda _, mine: mine,
    ThreadCall.CLAIM: lambda word, bits: word | bits,
    ThreadCall.TAKE: lambda word, _: word - 1,
}
"""What those of them that do not only wait make of the word, by their third argument."""


def waits_for(number: int, arguments: tuple[int, ...], memory: ThreadMemory) -> tuple[int, int] | None:
    """The address and width of what a call waits for now; None where it does not block."""
    address, value = arguments[:2]
    if number in _WHILE:
        return (address, 4) if _WHILE[number](read_word(memory, address), value) else None
    if number == ThreadCall.WAIT_ALONE:
        return next(filter(None, (_end_of(memory, slot) for slot in range(SLOTS) if slot != address)), None)
    if number == ThreadCall.JOIN and address < SLOTS and not memory.read(_place(address) + DETACHED, 1)[0]:
        return _end_of(memory, address)
    return None


def _end_of(memory: ThreadMemory, slot: int) -> tuple[int, int] | None:
    """Where the end of the slot's thread will show; None where it is not to come."""
    waits = status_of(memory, slot) in (SlotStatus.CREATED, SlotStatus.RUNNING)
    return (_place(slot) + STATUS, 1) if waits else None


def serve(
    number: int, arguments: tuple[int, ...], caller: int, memory: ThreadMemory, *, slots: int, choice: int = 0
) -> CallAnswer:
    """Serve a call of the thread in slot ``caller``. ``slots``: how many there are; ``choice``: which way it goes.

    Raises NoFreeSlot, and what ``memory`` raises.
    """
    call = ThreadCall(number)
    first, second, third = arguments[:3]
    if call == ThreadCall.WAIT_OR_TIMEOUT and choice:
        return CallAnswer(1)
    if call in MASKS and choice:
        _write_word(memory, first, read_word(memory, first) & ~second)
        return CallAnswer(int(choice == 1 and call in TIMED))
    if waits_for(number, arguments, memory) is not None:
        return CallAnswer(blocked=True)
    if call in _CHANGED:
        _write_word(memory, first, _CHANGED[call](read_word(memory, first), third))
    if call in _WHILE or call == ThreadCall.WAIT_ALONE:
        return CallAnswer(KERN_SUCCESS)
    if call == ThreadCall.SELF:
        return CallAnswer(caller)
    if call == ThreadCall.CHOOSE:
        return CallAnswer(choice)
    if call == ThreadCall.ASSUME:
        return CallAnswer(KERN_SUCCESS) if first else CallAnswer(ends="given up")
    if call == ThreadCall.FAIL:
        return CallAnswer(ends="failed")
    if call == ThreadCall.SPAWN:
        return CallAnswer(_spawned(memory, slots, arguments))
    if call == ThreadCall.CREATE:
        slot = _free(memory, slots)
        _write_status(memory, slot, SlotStatus.CREATED)
        return CallAnswer(slot)
    if call == ThreadCall.END:
        die(memory, caller, first)
        return CallAnswer(ends="thread")
    return CallAnswer(_of_another(call, first, second, memory))


def die(memory: ThreadMemory, slot: int, value: int = 0) -> None:
    """A thread ends."""
    detached = memory.read(_place(slot) + DETACHED, 1)[0]
    if not detached:
        _write_word(memory, _place(slot) + STATE + 4 * D0_WORD, value)
    _write_status(memory, slot, SlotStatus.FREE if detached else SlotStatus.ENDED)


def _write_status(memory: ThreadMemory, slot: int, status: SlotStatus) -> None:
    """A slot that becomes free is one that has never been used, but for the registers it held."""
    memory.write(_place(slot) + STATUS, bytes((status,)))
    # What is 0 is not written: a byte that nobody writes costs an exploration nothing.
    stale = {SlotStatus.FREE: (DETACHED, SUSPENDED), SlotStatus.ENDED: (SUSPENDED,)}.get(status, ())
    for offset in stale:
        if memory.read(_place(slot) + offset, 1)[0]:
            memory.write(_place(slot) + offset, b"\0")


def _free(memory: ThreadMemory, slots: int) -> int:
    for slot in range(1, slots):
        if status_of(memory, slot) == SlotStatus.FREE:
            return slot
    raise NoFreeSlot


def _spawned(memory: ThreadMemory, slots: int, arguments: tuple[int, ...]) -> int:
    slot = _free(memory, slots)
    _write_status(memory, slot, SlotStatus.RUNNING)
    state = _place(slot) + STATE
    for word, value in zip((PC_WORD, SP_WORD, D0_WORD, D1_WORD), arguments, strict=True):
        _write_word(memory, state + 4 * word, value)
    return slot


def _of_another(call: ThreadCall, slot: int, address: int, memory: ThreadMemory) -> int:
    """What is done to the thread of a slot; answers KERN_SUCCESS or why not."""
    if slot >= SLOTS:
        return KERN_INVALID_ARGUMENT
    place, status = _place(slot), status_of(memory, slot)
    if call == ThreadCall.STATE_OF:
        return status
    if status == SlotStatus.FREE:
        return KERN_INVALID_ARGUMENT
    is_detached = memory.read(place + DETACHED, 1)[0]
    if is_detached and call in (ThreadCall.JOIN, ThreadCall.DETACH):
        return KERN_FAILURE
    if call == ThreadCall.JOIN:
        if address:
            _write_word(memory, address, read_word(memory, place + STATE + 4 * D0_WORD))
        _write_status(memory, slot, SlotStatus.FREE)
        return KERN_SUCCESS
    if call == ThreadCall.DETACH:
        if status == SlotStatus.ENDED:
            _write_status(memory, slot, SlotStatus.FREE)
        else:
            memory.write(place + DETACHED, b"\1")
        return KERN_SUCCESS
    if call == ThreadCall.SET_STATE and status == SlotStatus.CREATED:
        memory.write(place + STATE, memory.read(address, 4 * STATE_WORDS))
        return KERN_SUCCESS
    if call == ThreadCall.GET_STATE and status == SlotStatus.CREATED:
        memory.write(address, memory.read(place + STATE, 4 * STATE_WORDS))
        return KERN_SUCCESS
    if call in (ThreadCall.RESUME, ThreadCall.SUSPEND, ThreadCall.TERMINATE) and status != SlotStatus.ENDED:
        return _stopped(call, slot, SlotStatus(status), memory)
    return KERN_FAILURE


def _stopped(call: ThreadCall, slot: int, status: SlotStatus, memory: ThreadMemory) -> int:
    """A thread that has not ended is suspended, goes on, or ends."""
    count = memory.read(suspended_at(slot), 1)[0]
    if call == ThreadCall.TERMINATE:
        if status == SlotStatus.CREATED:
            _write_status(memory, slot, SlotStatus.FREE)
        elif count != DYING:
            memory.write(suspended_at(slot), bytes((DYING,)))
    elif call == ThreadCall.SUSPEND:
        if count >= MOST_SUSPENDED:
            return KERN_FAILURE
        memory.write(suspended_at(slot), bytes((count + 1,)))
    elif 0 < count < DYING:
        memory.write(suspended_at(slot), bytes((count - 1,)))
    elif status == SlotStatus.CREATED:
        _write_status(memory, slot, SlotStatus.RUNNING)
    else:
        return KERN_FAILURE
    return KERN_SUCCESS
