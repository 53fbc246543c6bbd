"""Machine code that makes the calls of a history, and the bytes that its calls are handed.

Per operation: push the arguments, ``jsr`` (its address is the call mark), and take the arguments off (the return mark).
The code is written here as bytes, so a history needs no compiler; a runtime is linked once for all of them.

Boundary: histories in, bytes and addresses out. Encodings: M68000 Family Programmer's Reference Manual (move, jsr, lea,
movem, trap, rts).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_nextrust.atomics.build import CODE_ROOM, OBJECT_ROOM, Runtime
from pytest_nextrust.atomics.table import ROUTINES, Addresses, Args, Kind, Routine, slots

__all__ = ["OBJECTS_AT", "Call", "Driven", "History", "MarkAt", "assemble"]

OBJECTS_AT = 0x400
"""Where offset 0 of a history's objects is in the room: a multiple of 1024, with bytes before it."""
BUFFERS_AT = 0x1400
"""Where the values begin that calls are handed by pointer."""

PUSH = b"\x2f\x3c"  # move.l #value,-(sp)
JSR = b"\x4e\xb9"  # jsr address
POP = b"\x4f\xef"  # lea count(sp),sp
RTS = b"\x4e\x75"
SAVE = bytes.fromhex("48e7 c0c0")  # movem.l d0-d1/a0-a1,-(sp)
RESTORE = bytes.fromhex("4cdf 0303")  # movem.l (sp)+,d0-d1/a0-a1
STORE = b"\x23\xfc"  # move.l #value,address
# The handler's end: push the sigcontext's address and room for a return address, then sigreturn by trap #4.
SIGRETURN = bytes.fromhex("2f2f 0008 42a7 203c 0000 0067 4e44")

_LONG = struct.Struct(">I")


NOTHING = Args()


@dataclass(frozen=True, slots=True)
class Call:
    """One call: ``offset`` of its object from the objects' base, ``size`` of the object, ``args``.

    ``function`` is the symbol that is called, where it is not the routine's own name; ``plain`` where that function
    takes no memory orders.
    """

    routine: str
    offset: int
    size: int
    args: Args = NOTHING
    function: str = ""
    plain: bool = False

    @property
    def meaning(self) -> Routine:
        """The routine of the table."""
        return ROUTINES[self.routine]

    def words(self, at: Addresses) -> tuple[int, ...]:
        """Its arguments as 32-bit slots; narrow values have other bytes above them, as some compilers leave them."""
        found = slots(self.meaning, self.args, at, size=self.size, fill=0xA5C3_E1F0)
        orders = sum(argument.kind in (Kind.ORDER, Kind.FAILURE) for argument in self.meaning.arguments)
        return found[: len(found) - orders] if self.plain and orders else found


@dataclass(frozen=True, slots=True)
class History:
    """Calls per thread, over objects whose bytes are ``initial`` at first: (offset, bytes) pairs.

    ``handler`` are the calls of a signal handler that may interrupt each thread ``signals`` times.
    """

    name: str
    threads: tuple[tuple[Call, ...], ...]
    initial: tuple[tuple[int, bytes], ...]
    handler: tuple[Call, ...] = ()
    signals: int = 0

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call, those of thread 0 first, the handler's last: operation numbers are positions in it."""
        return tuple(call for thread in (*self.threads, self.handler) for call in thread)


@dataclass(frozen=True, slots=True)
class MarkAt:
    """Where an operation is called or has returned; then ``reads`` are the (address, size) it hands back by pointer."""

    address: int
    returns: bool
    operation: int
    thread: int
    reads: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Driven:
    """A history as machine code: bytes for both rooms, where threads begin, and the marks. ``handler`` is the handler's
    function, ``trampoline`` what the kernel enters to call it (both 0: none).

    ``model`` is the history as ``history.monitor`` takes it, ``covered`` the (address, size) of its objects' bytes.
    """

    name: str
    code: bytearray = field(default_factory=bytearray)
    objects: bytearray = field(default_factory=bytearray)
    entries: list[int] = field(default_factory=list)
    marks: list[MarkAt] = field(default_factory=list)
    handler: int = 0
    trampoline: int = 0
    signals: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    covered: list[tuple[int, int]] = field(default_factory=list)


class _Assembler:
    def __init__(self, history: History, runtime: Runtime, functions: Mapping[str, int]) -> None:
        self.base = runtime.objects + OBJECTS_AT
        self.origin = runtime.code
        self.functions = functions
        self.out = Driven(history.name, objects=bytearray(OBJECT_ROOM), signals=history.signals)
        self.room = BUFFERS_AT
        self.room_base = runtime.objects
        self.operations: list[dict[str, Any]] = []
        for offset, data in history.initial:
            self.out.objects[OBJECTS_AT + offset : OBJECTS_AT + offset + len(data)] = data

    def thread(self, number: int, calls: tuple[Call, ...]) -> None:
        self.out.entries.append(self._here())
        for call in calls:
            self._call(call, number, fresh=False)
        self._emit(RTS)

    def handler(self, calls: tuple[Call, ...]) -> None:
        self.out.handler = self._here()
        for call in calls:
            self._call(call, -1, fresh=True)
        self._emit(RTS)
        # What the kernel enters: it saves no registers but d0, so those that a function may use are saved here.
        self.out.trampoline = self._here()
        self._emit(SAVE + JSR + _LONG.pack(self.out.handler) + RESTORE + SIGRETURN)

    def _call(self, call: Call, thread: int, *, fresh: bool) -> None:
        routine = call.meaning
        kinds = {argument.kind for argument in routine.arguments}
        expected = self._buffer(call.args.expected, call.size) if Kind.EXPECTED in kinds else 0
        given = self._buffer(call.args.value, call.size) if Kind.INPUT in kinds else 0
        taken = self._buffer(b"", call.size) if Kind.OUTPUT in kinds else 0
        if fresh and expected:
            # The handler may run more than once, and a comparison that failed has changed what is expected.
            padded = call.args.expected + bytes(-call.size % 4)
            for at in range(0, len(padded), 4):
                self._emit(STORE + padded[at : at + 4] + _LONG.pack(expected + at))
        words = call.words(Addresses(self.base + call.offset, expected, given, taken))
        for word in reversed(words):
            self._emit(PUSH + _LONG.pack(word))
        number = len(self.operations)
        self.out.marks.append(MarkAt(self._here(), False, number, thread))
        self._emit(JSR + _LONG.pack(self.functions[call.function or call.routine]))
        reads = tuple((address, call.size) for address in (taken, expected) if address)
        self.out.marks.append(MarkAt(self._here(), True, number, thread, reads))
        # Two instructions with one mark between them must not fall together where nothing is pushed.
        self._emit(POP + struct.pack(">H", 4 * len(words)))
        self.operations.append(
            {
                "routine": call.routine,
                "at": self.base + call.offset,
                "size": call.size,
                "value": call.args.value,
                "expected": call.args.expected,
                "handler": thread < 0,
            }
        )

    def _buffer(self, data: bytes, size: int) -> int:
        at = self.room
        self.room += -(-size // 16) * 16 + 16
        if self.room > OBJECT_ROOM:
            raise ValueError(f"{self.out.name}: its values do not fit into {OBJECT_ROOM - BUFFERS_AT} bytes")
        self.out.objects[at : at + len(data)] = data
        return self.room_base + at

    def _here(self) -> int:
        return self.origin + len(self.out.code)

    def _emit(self, code: bytes) -> None:
        self.out.code += code
        if len(self.out.code) > CODE_ROOM:
            raise ValueError(f"{self.out.name}: its calls do not fit into {CODE_ROOM} bytes of code")


def assemble(history: History, runtime: Runtime, functions: Mapping[str, int] | None = None) -> Driven:
    """Machine code for a history. ``functions``: where what it calls is; by default the runtime's routines.

    Raises KeyError for a routine that is not there, ValueError for a history that does not fit.
    """
    work = _Assembler(history, runtime, runtime.routines if functions is None else functions)
    for number, calls in enumerate(history.threads):
        work.thread(number, calls)
    if history.handler:
        work.handler(history.handler)
    out = work.out
    covered = sorted({byte for call in work.operations for byte in range(call["at"], call["at"] + call["size"])})
    runs: list[list[int]] = []
    for byte in covered:
        if runs and runs[-1][0] + runs[-1][1] == byte:
            runs[-1][1] += 1
        else:
            runs.append([byte, 1])
    out.covered = [(at, size) for at, size in runs]
    initial = b"".join(bytes(out.objects[at - work.room_base : at - work.room_base + size]) for at, size in out.covered)
    out.model = {
        "covered": [list(run) for run in runs],
        "initial": initial,
        "operations": work.operations,
        "threads": len(history.threads),
    }
    return out
