"""Machine code that makes the calls of a history, and the bytes that its calls are handed.

Per operation: push the arguments, ``jsr`` (its address is the call mark), and take the arguments off (the return mark).
A thread begins by loading the registers that calls must preserve with values of which each is there once. The code is
written here as bytes, so a history needs no compiler; a runtime is linked once for all of them. What comes out is a
variant of the runtime's program, to be explored.

Boundary: histories in, bytes and addresses out. Encodings: M68000 Family Programmer's Reference Manual (move, movem,
jsr, lea, rts).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_nextrust.atomics.build import CODE_ROOM, OBJECT_ROOM, Runtime
from pytest_nextrust.atomics.calls import Call, History, HistoryModel, OperationModel
from pytest_nextrust.atomics.table import Addresses, Kind
from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.request import ExploreRequest, OperationMarks, Variant

__all__ = ["MONITOR", "OBJECTS_AT", "REGISTERS", "CallWriter", "MadeCall", "assemble", "covered_runs"]

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
LOAD_REGISTERS = b"\x4c\xf9\x7c\xfc"  # movem.l address,d2-d7/a2-a6

_LONG = struct.Struct(">I")

REGISTERS = b"".join(_LONG.pack(0xC0DE_0000 | number) for number in (*range(0xD2, 0xD8), *range(0xA2, 0xA7)))
"""What threads have in d2-d7 and a2-a6 outside of calls."""


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call as it was written: ``jsr`` and what follows it, the (address, size) that it hands back, its model."""

    call: Address
    returned: Address
    reads: tuple[tuple[Address, int], ...]
    model: OperationModel


class CallWriter:
    """Functions that make calls, one after another from ``code`` on, and from ``values`` on what calls are handed.

    ``objects`` is where offset 0 of objects is. Raises ValueError for what does not fit into so many bytes of code and
    of values, KeyError for a function that is not there.
    """

    def __init__(
        self,
        code: tuple[Address, int],
        values: tuple[Address, int],
        objects: int,
        functions: Mapping[str, int],
        name: str = "",
    ) -> None:
        self.code = bytearray(REGISTERS)
        self.values = bytearray()
        self.calls: list[MadeCall] = []
        self._name = name
        self._origin, self._code_room = code
        self._values_at, self._values_room = values
        self._objects = objects
        self._functions = functions

    def thread(self, calls: Iterable[Call]) -> Address:
        """A thread's function."""
        entry = self._here()
        self._emit(LOAD_REGISTERS + _LONG.pack(self._origin))
        return self._ended(entry, calls, handler=False)

    def handler(self, calls: Iterable[Call]) -> Address:
        """A signal handler's function."""
        return self._ended(self._here(), calls, handler=True)

    def setup(self, calls: Iterable[Call]) -> Address:
        """A function whose calls are no operations of the history."""
        entry = self._here()
        for call in calls:
            self._make(call, handler=False)
        self._emit(RTS)
        return entry

    def _ended(self, entry: Address, calls: Iterable[Call], *, handler: bool) -> Address:
        for call in calls:
            self.calls.append(self._make(call, handler=handler))
        self._emit(RTS)
        return entry

    def _make(self, call: Call, *, handler: bool) -> MadeCall:
        kinds = {argument.kind for argument in call.meaning.arguments}
        expected = self._value(call.args.expected, call.size) if Kind.EXPECTED in kinds else 0
        given = self._value(call.args.value, call.size) if Kind.INPUT in kinds else 0
        taken = self._value(b"", call.size) if Kind.OUTPUT in kinds else 0
        if handler and expected:
            # The handler may run more than once, and a comparison that failed has changed what is expected.
            padded = call.args.expected + bytes(-call.size % 4)
            for at in range(0, len(padded), 4):
                self._emit(STORE + padded[at : at + 4] + _LONG.pack(expected + at))
        place = self._objects + call.offset
        words = call.words(Addresses(place, expected, given, taken))
        for word in reversed(words):
            self._emit(PUSH + _LONG.pack(word))
        at_call = self._here()
        self._emit(JSR + _LONG.pack(self._functions[call.name]))
        returned = self._here()
        # Two instructions with one mark between them must not fall together where nothing is pushed.
        self._emit(POP + struct.pack(">H", 4 * len(words)))
        reads = tuple((Address(address), call.size) for address in (taken, expected) if address)
        args = call.args
        model = OperationModel(call.routine, place, call.size, args.value, args.expected, handler)
        return MadeCall(at_call, returned, reads, model)

    def _value(self, data: bytes, size: int) -> int:
        at = len(self.values)
        room = -(-size // 16) * 16 + 16
        if at + room > self._values_room:
            raise ValueError(f"{self._name}: its values do not fit into {self._values_room} bytes")
        self.values += data.ljust(room, b"\0")
        return self._values_at + at

    def _here(self) -> Address:
        return Address(self._origin + len(self.code))

    def _emit(self, code: bytes) -> None:
        self.code += code
        if len(self.code) > self._code_room:
            raise ValueError(f"{self._name}: its calls do not fit into {self._code_room} bytes of code")


def covered_runs(operations: Iterable[OperationModel]) -> tuple[tuple[int, int], ...]:
    """The (address, size) runs of the bytes that these operate on."""
    covered = sorted({byte for one in operations for byte in range(one.at, one.at + one.size)})
    runs: list[tuple[int, int]] = []
    for byte in covered:
        if runs and sum(runs[-1]) == byte:
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((byte, 1))
    return tuple(runs)


def assemble(history: History, runtime: Runtime, functions: Mapping[str, int] | None = None) -> Variant:
    """A history as a variant of the runtime's program, with symbols for its threads, marks and objects.

    ``functions``: where what it calls is; by default the runtime's routines. Raises KeyError for a routine that is not
    there, ValueError for a history that does not fit.
    """
    objects = bytearray(OBJECT_ROOM)
    free = BUFFERS_AT
    for offset, data in history.initial:
        objects[OBJECTS_AT + offset : OBJECTS_AT + offset + len(data)] = data
        free = max(free, -(-(OBJECTS_AT + offset + len(data)) // 16) * 16 + 16)
    writer = CallWriter(
        (runtime.code, CODE_ROOM),
        (Address(runtime.objects + free), OBJECT_ROOM - free),
        runtime.objects + OBJECTS_AT,
        runtime.routines if functions is None else functions,
        history.name,
    )
    setup = writer.setup(history.before) if history.before else None
    symbols: list[tuple[str, Address]] = [("nextrust_registers", runtime.code)]
    operations: list[OperationMarks] = []
    threads = []
    for thread, calls in enumerate(history.threads):
        threads.append((f"nextrust_thread_{thread}", writer.thread(calls)))
        operations += _marked(writer, len(operations), thread, symbols)
    handler = writer.handler(history.handler) if history.handler else None
    operations += _marked(writer, len(operations), 0, symbols)
    models = tuple(made.model for made in writer.calls)
    runs = covered_runs(models)
    held = objects.copy()
    for offset, data in history.held:
        held[OBJECTS_AT + offset : OBJECTS_AT + offset + len(data)] = data
    base = runtime.objects
    initial = b"".join(bytes(held[at - base : at - base + size]) for at, size in runs)
    places = [(f"nextrust_object_{number}", Address(at)) for number, (at, _) in enumerate(runs)]
    symbols = [*threads, *symbols, *places]
    symbols += [(name, at) for name, at in (("nextrust_signal", handler), ("nextrust_setup", setup)) if at is not None]
    request = ExploreRequest(
        program=b"",
        cpu=runtime.cpu,
        name=history.name,
        threads=tuple(name for name, _ in threads),
        setup="nextrust_setup" if history.before else None,
        operations=tuple(operations),
        monitor=MONITOR,
        history=to_plain(HistoryModel(runs, initial, models, len(threads))),
        objects=tuple((name, size) for (name, _), (_, size) in zip(places, runs, strict=True)),
        handler="nextrust_signal" if history.handler else None,
        signals=history.signals,
    )
    objects[free : free + len(writer.values)] = writer.values
    patches = ((runtime.code, bytes(writer.code)), (runtime.objects, bytes(objects.rstrip(b"\0"))))
    return Variant(request, patches, tuple(symbols))


def _marked(
    writer: CallWriter, first: int, thread: int, symbols: list[tuple[str, Address]]
) -> Iterable[OperationMarks]:
    """The marks of the calls from ``first`` on, whose places go to ``symbols``."""
    for number, made in enumerate(writer.calls[first:], first):
        call, returned = f"nextrust_call_{number}", f"nextrust_return_{number}"
        reads = [(f"nextrust_answer_{number}_{index}", at, size) for index, (at, size) in enumerate(made.reads)]
        symbols += [(call, made.call), (returned, made.returned), *((name, at) for name, at, _ in reads)]
        yield OperationMarks(thread, call, returned, tuple((name, size) for name, _, size in reads))
