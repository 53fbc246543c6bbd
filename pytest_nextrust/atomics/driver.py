"""Machine code that makes the calls of a history, and the bytes that its calls are handed.

Per operation: push the arguments, ``jsr`` (its address is the call mark), and take the arguments off (the return mark).
The code is written here as bytes, so a history needs no compiler; a runtime is linked once for all of them. What comes
out is a variant of the runtime's program, to be explored.

Boundary: histories in, bytes and addresses out. Encodings: M68000 Family Programmer's Reference Manual (move, jsr, lea,
rts).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from pytest_nextrust.atomics.build import CODE_ROOM, OBJECT_ROOM, Runtime
from pytest_nextrust.atomics.calls import Call, History, HistoryModel, OperationModel
from pytest_nextrust.atomics.table import Addresses, Kind
from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.request import ExploreRequest, OperationMarks, Variant

__all__ = ["MONITOR", "OBJECTS_AT", "assemble"]

MONITOR = "pytest_nextrust.atomics.history:monitor"
"""What judges a history, as tokens have it (see ``explore.child.subject``)."""

OBJECTS_AT = 0x400
"""Where offset 0 of a history's objects is in the room: a multiple of 1024, with bytes before it."""
BUFFERS_AT = 0x1400
"""Where the values begin that calls are handed by pointer."""

PUSH = b"\x2f\x3c"  # move.l #value,-(sp)
JSR = b"\x4e\xb9"  # jsr address
POP = b"\x4f\xef"  # lea count(sp),sp
RTS = b"\x4e\x75"
STORE = b"\x23\xfc"  # move.l #value,address

_LONG = struct.Struct(">I")


class _Assembler:
    def __init__(self, history: History, runtime: Runtime, functions: Mapping[str, int]) -> None:
        self.name = history.name
        self.origin = runtime.code
        self.room = runtime.objects
        self.functions = functions
        self.code = bytearray()
        self.objects = bytearray(OBJECT_ROOM)
        self.free = BUFFERS_AT
        self.marks: list[tuple[str, Address]] = []
        self.operations: list[OperationMarks] = []
        self.models: list[OperationModel] = []
        for offset, data in history.initial:
            self.objects[OBJECTS_AT + offset : OBJECTS_AT + offset + len(data)] = data
            self.free = max(self.free, -(-(OBJECTS_AT + offset + len(data)) // 16) * 16 + 16)

    def function(self, calls: tuple[Call, ...], thread: int, *, handler: bool = False) -> Address:
        """A function that makes these calls."""
        entry = self._here()
        for call in calls:
            self._call(call, thread, handler)
        self._emit(RTS)
        return entry

    def _call(self, call: Call, thread: int, handler: bool) -> None:
        kinds = {argument.kind for argument in call.meaning.arguments}
        expected = self._buffer(call.args.expected, call.size) if Kind.EXPECTED in kinds else 0
        given = self._buffer(call.args.value, call.size) if Kind.INPUT in kinds else 0
        taken = self._buffer(b"", call.size) if Kind.OUTPUT in kinds else 0
        if handler and expected:
            # The handler may run more than once, and a comparison that failed has changed what is expected.
            padded = call.args.expected + bytes(-call.size % 4)
            for at in range(0, len(padded), 4):
                self._emit(STORE + padded[at : at + 4] + _LONG.pack(expected + at))
        place = self.room + OBJECTS_AT + call.offset
        words = call.words(Addresses(place, expected, given, taken))
        for word in reversed(words):
            self._emit(PUSH + _LONG.pack(word))
        number = len(self.models)
        self._mark(f"nextrust_call_{number}")
        self._emit(JSR + _LONG.pack(self.functions[call.name]))
        self._mark(f"nextrust_return_{number}")
        reads = []
        for index, address in enumerate(address for address in (taken, expected) if address):
            self.marks.append((f"nextrust_answer_{number}_{index}", Address(address)))
            reads.append((f"nextrust_answer_{number}_{index}", call.size))
        # Two instructions with one mark between them must not fall together where nothing is pushed.
        self._emit(POP + struct.pack(">H", 4 * len(words)))
        marks = OperationMarks(thread, f"nextrust_call_{number}", f"nextrust_return_{number}", tuple(reads))
        self.operations.append(marks)
        args = call.args
        self.models.append(OperationModel(call.routine, place, call.size, args.value, args.expected, handler))

    def _buffer(self, data: bytes, size: int) -> int:
        at = self.free
        self.free += -(-size // 16) * 16 + 16
        if self.free > OBJECT_ROOM:
            raise ValueError(f"{self.name}: its values do not fit into {OBJECT_ROOM - BUFFERS_AT} bytes")
        self.objects[at : at + len(data)] = data
        return self.room + at

    def _here(self) -> Address:
        return Address(self.origin + len(self.code))

    def _mark(self, name: str) -> None:
        self.marks.append((name, self._here()))

    def _emit(self, code: bytes) -> None:
        self.code += code
        if len(self.code) > CODE_ROOM:
            raise ValueError(f"{self.name}: its calls do not fit into {CODE_ROOM} bytes of code")

    def model(self, threads: int) -> HistoryModel:
        covered = sorted({byte for one in self.models for byte in range(one.at, one.at + one.size)})
        runs: list[tuple[int, int]] = []
        for byte in covered:
            if runs and sum(runs[-1]) == byte:
                runs[-1] = runs[-1][0], runs[-1][1] + 1
            else:
                runs.append((byte, 1))
        initial = b"".join(bytes(self.objects[at - self.room : at - self.room + size]) for at, size in runs)
        return HistoryModel(tuple(runs), initial, tuple(self.models), threads)


def assemble(history: History, runtime: Runtime, functions: Mapping[str, int] | None = None) -> Variant:
    """A history as a variant of the runtime's program, with symbols for its threads, marks and objects.

    ``functions``: where what it calls is; by default the runtime's routines. Raises KeyError for a routine that is not
    there, ValueError for a history that does not fit.
    """
    work = _Assembler(history, runtime, runtime.routines if functions is None else functions)
    threads = tuple(f"nextrust_thread_{number}" for number in range(len(history.threads)))
    entries = [work.function(calls, number) for number, calls in enumerate(history.threads)]
    handler = work.function(history.handler, 0, handler=True) if history.handler else None
    model = work.model(len(threads))
    objects = [(f"nextrust_object_{number}", Address(at)) for number, (at, _) in enumerate(model.covered)]
    symbols = [*zip(threads, entries, strict=True), *work.marks, *objects]
    if handler is not None:
        symbols.append(("nextrust_signal", handler))
    request = ExploreRequest(
        program=b"",
        cpu=runtime.cpu,
        name=history.name,
        threads=threads,
        operations=tuple(work.operations),
        monitor=MONITOR,
        history=to_plain(model),
        objects=tuple((name, size) for (name, _), (_, size) in zip(objects, model.covered, strict=True)),
        handler="nextrust_signal" if history.handler else None,
        signals=history.signals,
    )
    patches = ((runtime.code, bytes(work.code)), (runtime.objects, bytes(work.objects.rstrip(b"\0"))))
    return Variant(request, patches, tuple(symbols))
