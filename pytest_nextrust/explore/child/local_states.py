"""Local states: a thread's registers and the bytes that only it uses, interned, with the memo of what follows them.

A thread's private bytes are a vector over *slots*, addresses in the order in which the thread first wrote them. Slots
are only ever added at the end, and a byte that is as in the initial image is as if it had never been written, so a
state met before a slot existed and one met after it are equal where their bytes are.

Bytes of the thread's own stack below its stack pointer are left out: *dead*. What calls and signal handlers leave there
would else keep states apart that nothing tells apart. It is a guess, and as good as that of what is private: whoever
reads a byte of the stack that is not known contradicts it (``unknown``), and the search starts again with it kept.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

from pytest_nextrust.emu.child.stepper import StepStop
from pytest_nextrust.explore.child.accesses import Access
from pytest_nextrust.explore.child.critical_sections import NONE_HELD, Held
from pytest_nextrust.explore.child.decision_tree import Tree

__all__ = ["Local", "MacroStep", "OperationEvent", "Private", "StepEffect", "ThreadLocals"]

OperationEvent = tuple[str, int, bytes]
"""``call`` or ``return`` of an operation by number, on a return with its result as the machine left it; ``round`` when
a repeating thread starts again."""

Private = tuple[bytes, bytes]
"""A value for every slot, and for every slot 1 where the value is known, 0 where it is the image's or dead."""


@dataclass(frozen=True, slots=True)
class StepEffect:
    """What a macro-step does, whatever other shared bytes hold: the thread's local state after it, the (position, byte)
    writes to shared memory, and the calls and returns on the way. ``blocked``: the thread waits, and there is none."""

    local: int
    writes: tuple[tuple[int, int], ...]
    events: tuple[OperationEvent, ...]
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class MacroStep:
    """A macro-step from a local and a shared state: the states after it, and the calls and returns on the way.

    ``private``: no other thread can observe when it happens. ``blocked``: it cannot be taken, the thread waits.
    """

    local: int
    shared: int
    events: tuple[OperationEvent, ...]
    private: bool = False
    blocked: bool = False


@dataclass(slots=True)
class Local:
    """A local state. ``kind`` is ``ready``, ``done``, ``fault``, ``clobbered`` (an operation changed a register that it
    must leave), ``diverges`` or ``unfinished``; or, where the whole program has ended with it, ``exited``, ``killed``,
    ``failed`` (an assertion) or ``given up`` (an assumption).

    ``choices``: the macro-steps that there are from here, of which any may be taken. ``may_wait``: the next one may
    have to wait.

    ``pending`` holds, innermost last, the operation that was called and has made no shared access yet (-1: none) of the
    thread and of each handler it is in. ``entered``: the repeating thread waits for its turn (see ``Options``).

    ``dropped``: the registers, as bits, whose value is missing since they were dead (see ``dead_registers``).
    ``held``: the locks that the thread holds (see ``critical_sections``).

    ``unstored``: the (position, byte) writes to shared memory of an instruction that is split, which come next.

    The memo: ``tree`` has the effects of macro-steps executed from here, ``quick`` those macro-steps by shared state.
    ``others`` are macro-steps of later choices, by choice and shared state.
    ``delivery`` is the effect of one that begins with a signal (empty: none may come; None: not executed yet), and
    ``interrupted`` these macro-steps by shared state.
    """

    state: bytes
    private: Private
    kind: str
    pending: tuple[int, ...] = (-1,)
    entered: bool = False
    fault: StepStop | None = None
    dropped: int = 0
    held: Held = NONE_HELD
    tree: Tree[StepEffect] = None
    quick: dict[int, MacroStep] = field(default_factory=dict)
    delivery: tuple[StepEffect, ...] | None = None
    interrupted: dict[int, MacroStep] = field(default_factory=dict)
    choices: int = 1
    may_wait: bool = False
    unstored: tuple[tuple[int, int], ...] = ()
    others: dict[tuple[int, int], MacroStep] = field(default_factory=dict)


class ThreadLocals:
    """The local states of one thread. ``original`` answers a byte of the initial image.

    ``stack`` are the addresses whose bytes are dead below the stack pointer.
    """

    def __init__(self, index: int, original: Callable[[int], int], stack: range = range(0)) -> None:
        self.index = index
        self.table: list[Local] = []
        self.slots: list[int] = []
        self.stack = stack
        self._original = original
        self._slot_of: dict[int, int] = {}
        self._initial = bytearray()
        self._ids: dict[tuple[object, ...], int] = {}

    def intern(self, local: Local) -> int:
        """The number of this local state; equal states have one."""
        own = (local.pending, local.entered, local.dropped, local.held, local.unstored)
        key = (local.state, local.private, local.kind, *own)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.table)
            self.table.append(local)
        return known

    def unpack(self, private: Private) -> dict[int, int]:
        """The private bytes that are known, by address; others are the image's, or dead."""
        return dict(compress(zip(self.slots, private[0], strict=False), private[1]))

    def pack(self, values: Mapping[int, int], sp: int) -> Private:
        """Private bytes as vectors; an address that has none gets a slot. ``sp``: the stack pointer."""
        stack, slot_of = self.stack, self._slot_of
        low, high, end = stack.start, stack.stop, 0
        dead = min(sp, high)
        vector, known = bytearray(len(self.slots)), bytearray(len(self.slots))
        for address, value in values.items():
            own = low <= address < high
            if own and address < dead:
                continue
            slot = slot_of.get(address)
            if slot is None:
                slot = slot_of[address] = len(self.slots)
                self.slots.append(address)
                self._initial.append(self._original(address))
                vector.append(0)
                known.append(0)
            if own or value != self._initial[slot]:
                vector[slot], known[slot] = value, 1
                if slot >= end:
                    end = slot + 1
        return bytes(vector[:end]), bytes(known[:end])

    def unknown(self, accesses: Sequence[Access], values: Mapping[int, int], shared: Container[int]) -> list[int]:
        """The bytes of its stack that these accesses read and whose value has been dropped, or never was written."""
        unknown: list[int] = []
        stack = self.stack
        for writes, address, size in accesses:
            if not writes and address in stack:
                for byte in range(address, address + size):
                    if byte not in values and byte in stack and byte not in shared:
                        unknown.append(byte)
        return unknown
