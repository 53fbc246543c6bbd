"""Sequential conformance: every routine called alone, and everything that it leaves compared with the table.

Each call has random registers and a random neighbourhood. Compared are the result, the object, what is handed back by
pointer, the preserved registers (d2-d7, a2-a6, fp2-fp7), the stack pointer, and what the kernel keeps for the thread
(the mask of blocked signals, the user register); and every access must be to the object, the call's buffers and
arguments, the stack below, or the runtime's own data. The runtime's data (its locks) live on from call to call, so a
lock that is not released is met by a later call that never returns.

Runs in the child only. Convention: System V ABI, Motorola 68000 supplement: d0, d1, a0, a1 and the argument slots are
the callee's, all else is preserved.
"""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from pytest_nextrust.atomics.build import OBJECT_ROOM
from pytest_nextrust.atomics.calls import Call
from pytest_nextrust.atomics.child.first_wrong_step import Area, Wanted
from pytest_nextrust.atomics.child.retrace import CallStart, Retracer
from pytest_nextrust.atomics.conformance import CallFinding, ConformanceAnswer, ConformanceRequest
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import COMPARE_EXCHANGES, ROUTINES, Addresses, Args, Effect, Kind, apply, returned
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.cpu import Cpu, Stop
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.child.thread_state import KEPT, pack
from pytest_nextrust.emu.kernel.signals import UNMASKABLE
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.image import CheckedProgram, checked
from pytest_nextrust.explore.child.kept_registers import KeptRegisters
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.subject import Host
from pytest_nextrust.explore.child.traps import MASK, WORDS, serve, word_at

__all__ = ["GENERIC_SIZES", "HUGE_SIZES", "LIMIT", "STACK", "STACK_SIZE", "Checker", "check", "own_spans", "run_served"]

STACK, STACK_SIZE = Address(0x0400_0000), 0x4000
BLOCKS = (0x400, 0x7F0)
"""Where in the objects' room the 16-byte blocks are: with a block before each; the second ends a KiB."""
BUFFERS = 0x1800
BUFFER_GAP = 0x700
AROUND = 32
"""Bytes on either side of an object or buffer that are compared."""
LIMIT = 200_000
"""Instructions after which a call counts as one that never returns."""

GENERIC_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 33)
HUGE_SIZES = (1024, 1040)
"""Sizes of generic objects; the huge ones cover every lock of a table of 64 blocks."""

Span = tuple[int, int, bool]
"""Start, end and whether a call may write there."""

LOCK_FREE_SIZES = (*GENERIC_SIZES, 40, *HUGE_SIZES)


@dataclass(frozen=True, slots=True)
class Case:
    """One call: what it is, and what its object and every other byte of the room hold before it."""

    call: Call
    memory: bytes
    fill: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A call before its first instruction: the thread's state, and every writable byte as (address, bytes)."""

    case: Case
    room: bytearray
    allowed: dict[Kind, int]
    state: bytes
    memory: tuple[tuple[int, bytes], ...]
    kernel: dict[int, int]


@dataclass(frozen=True, slots=True)
class CallFailure:
    """What a call did wrong, and the symbol at fault: of one that ``leaks``, the call before the one that showed it."""

    kind: str
    message: str
    routine: str
    case: Case
    begun: Begun
    leaks: bool = False


def own_spans(program: CheckedProgram, objects: int) -> list[Span]:
    """Where the program's own code and data are: all but the room for objects."""
    own: list[Span] = []
    for section in program.file.sections:
        start, end, writable = section.addr, section.addr + section.size, section.segname != "__TEXT"
        if start <= objects < end:
            own += [(start, objects, writable), (objects + OBJECT_ROOM, end, writable)]
        else:
            own.append((start, end, writable))
    return own


def run_served(cpu: Cpu, stepper: Stepper, kernel: dict[int, int]) -> Stop:
    """Run until a call returns, or cannot go on; ``kernel``: what the kernel keeps for the thread."""
    count = 0
    while True:
        stop = cpu.run(LIMIT - count)
        count += stop.executed
        served = serve(stepper, stop.vector, stepper.state(), kernel) if stop.kind == "exception" else None
        if served is None:
            return stop
        stepper.load(served.state)
        if count >= LIMIT:
            return Stop("count", count)


class Checker:
    """Calls the functions of one program, with objects and buffers in the room at ``objects``."""

    def __init__(self, cpu: Cpu, program: CheckedProgram, objects: Address) -> None:
        self.findings: list[CallFinding] = []
        self.calls = 0
        self._cpu = cpu
        self._last = ""
        self._begun: Begun | None = None
        # Nothing of a symbol table is in memory where the runtime is linked into a program.
        low = {segment.vmaddr for segment in program.file.segments if segment.sections}
        regions = [region for region in program.regions if region.address in low]
        self._data = [region for region in regions if region.prot & 2]
        self._room = objects
        self._own = own_spans(program, objects)
        self._step = Stepper(cpu, [*regions, ImageRegion(STACK, STACK_SIZE, 3, b"")])
        self._retracer = Retracer(self._step, program)

    def close(self) -> None:
        """Give the CPU back."""
        self._step.close()

    def check(self, function: Function, rng: random.Random) -> None:
        """Check one function in all sizes; at most one finding of each kind."""
        seen: set[str] = set()
        for case in cases(function, rng):
            if case.call.offset % function.alignment:
                continue
            failed = self._attempt(case, function.address, rng)
            if failed is not None and failed.kind not in seen:
                seen.add(failed.kind)
                self.findings.append(self._finding(failed))
                if failed.kind in ("deadlock", "fault"):
                    self._forget()
                    return

    def lock_free(self, address: int) -> dict[str, int]:
        """What the runtime itself, by the function at ``address``, says of each object size (as text)."""
        answers: dict[str, int] = {}
        for size in LOCK_FREE_SIZES:
            call = Call("__atomic_is_lock_free", BLOCKS[0], size)
            if self._one(Case(call, bytes(size), 0), address, random.Random(size)) is None:
                answers[str(size)] = struct.unpack("=I", self._step.state()[:4])[0] & 0xFF
        return answers

    def _attempt(self, case: Case, address: int, rng: random.Random) -> CallFailure | None:
        kept, earlier = rng.getstate(), self._begun
        failed = self._one(case, address, rng)
        if failed is not None and failed.kind in ("deadlock", "fault"):
            self._forget()
            last = self._last
            if failed.kind == "deadlock" and last and earlier is not None:
                rng.setstate(kept)
                if self._one(case, address, rng) is None:
                    message = f"leaves something behind: {failed.message} after it, and returns otherwise"
                    return replace(failed, routine=last, message=message, begun=earlier, leaks=True)
                self._forget()
        self._last = case.call.name
        return failed

    def _finding(self, failed: CallFailure) -> CallFinding:
        """The failure with what each instruction of the call left, and where it goes wrong."""
        start = self._again(failed.begun)
        places = [(area.name, area.address, len(area.before)) for area in start.wanted.areas if area.name]
        places += [("stack", STACK, STACK_SIZE), ("", self._room, OBJECT_ROOM)]
        writable = [(low, high) for low, high, may in self._own if may]
        trace, loop, wrong = self._retracer.trace(start, failed.kind, places, writable if failed.leaks else None)
        call = replace(failed.case.call, offset=failed.case.call.offset - BLOCKS[0])
        return CallFinding(failed.kind, failed.routine, failed.message, call, failed.case.memory, trace, loop, wrong)

    def _forget(self) -> None:
        """Make the runtime's data what they were at the start."""
        for region in self._data:
            self._step.write(region.address, region.data.ljust(region.size, b"\0"))

    def _one(self, case: Case, address: int, rng: random.Random) -> CallFailure | None:
        call, step = case.call, self._step
        routine, size = call.meaning, call.size
        room = bytearray(case.fill.to_bytes(1, "big") * OBJECT_ROOM if case.fill < 256 else rng.randbytes(OBJECT_ROOM))
        at = Addresses(
            *(self._room + place for place in (call.offset, BUFFERS, BUFFERS + BUFFER_GAP, BUFFERS + 2 * BUFFER_GAP))
        )
        room[call.offset : call.offset + size] = case.memory
        kinds = {argument.kind for argument in routine.arguments}
        allowed = {Kind.OBJECT: at.object}
        if Kind.EXPECTED in kinds:
            allowed[Kind.EXPECTED] = at.expected
            room[BUFFERS : BUFFERS + size] = call.args.expected
        if Kind.INPUT in kinds:
            allowed[Kind.INPUT] = at.input
            room[BUFFERS + BUFFER_GAP : BUFFERS + BUFFER_GAP + size] = call.args.value
        if Kind.OUTPUT in kinds:
            allowed[Kind.OUTPUT] = at.output
        step.write(self._room, bytes(room))
        words = call.words(at)
        sp = STACK + STACK_SIZE - 4 * (len(words) + 1) - 16
        step.write(sp, b"".join(word.to_bytes(4, "big") for word in (SENTINEL, *words)))
        before = [rng.getrandbits(32) for _ in range(15)] + [sp]
        state = struct.pack("=16I", *before) + pack(address, sp)[64:]
        step.load(state)
        step.events.clear()
        memory = [(region.address, step.read(region.address, region.size)) for region in self._data]
        kernel = {byte: rng.getrandbits(8) for place in WORDS for byte in range(place, place + 4)}
        kernel |= dict(enumerate((word_at(kernel, MASK) & ~UNMASKABLE).to_bytes(4, "big"), MASK))
        self._begun = begun = Begun(
            case, room, allowed, state, (*memory, (STACK, step.read(STACK, STACK_SIZE))), kernel
        )
        left = dict(kernel)
        stop = run_served(self._cpu, step, left)
        self.calls += 1
        where = f"{size} bytes at offset {call.offset % 16} of a block, memory {_hex(case.memory)}"
        if call.args.value:
            where += f", value {_hex(call.args.value)}"
        if call.args.expected:
            where += f", expected {_hex(call.args.expected)}"

        def failure(kind: str, message: str) -> CallFailure:
            return CallFailure(kind, f"{message} ({where})", call.name, case, begun)

        if stop.kind == "count":
            return failure("deadlock", f"{call.routine} has not returned after {LIMIT} instructions")
        if stop.kind != "fault" or stop.access != "fetch" or stop.address != SENTINEL:
            what = (
                f"exception {stop.vector}"
                if stop.kind == "exception"
                else f"a bad {stop.access} at 0x{stop.address:08x}"
            )
            return failure("fault", f"ends with {what}")
        after = step.state()
        for kind, message in self._judge(case, room, before, after, sp + 4 + 4 * len(words), allowed):
            return failure(kind, message)
        for place, what in WORDS.items():
            was, now = word_at(kernel, place), word_at(left, place)
            if now != was:
                return failure("register", f"{what} must be preserved: it was 0x{was:08x} and is 0x{now:08x}")
        return None

    def _again(self, begun: Begun) -> CallStart:
        """The call for one that makes it again, with what is wanted of it."""
        case, room, allowed = begun.case, begun.room, begun.allowed
        routine, size = case.call.meaning, case.call.size
        effect, wanted = self._wanted(case, room)
        places = [(start - self._room, f"what {kind.value} points to") for kind, start in allowed.items()]
        places[0] = (places[0][0], "the object")
        cuts = sorted({0, OBJECT_ROOM, *(p for p, _ in places), *(p + size for p, _ in places)})
        names = dict(places)
        areas = tuple(
            Area(names.get(low, ""), Address(self._room + low), bytes(room[low:high]), wanted[low:high])
            for low, high in pairwise(cuts)
        )
        top = STACK + STACK_SIZE - 16
        spans = tuple(self._places(size, top, allowed))
        return CallStart(begun.state, begun.memory, begun.kernel, Wanted(areas, effect.result, routine.width, spans))

    def _wanted(self, case: Case, room: bytearray) -> tuple[Effect, bytes]:
        """What the meaning makes of the call, and what the room must hold after it."""
        size = case.call.size
        effect = apply(case.call.meaning, case.memory, case.call.args)
        wanted = bytearray(room)
        wanted[case.call.offset : case.call.offset + size] = effect.memory
        if effect.expected is not None:
            wanted[BUFFERS : BUFFERS + size] = effect.expected
        if effect.output is not None:
            wanted[BUFFERS + 2 * BUFFER_GAP : BUFFERS + 2 * BUFFER_GAP + size] = effect.output
        return effect, bytes(wanted)

    def _judge(
        self,
        case: Case,
        room: bytearray,
        before: list[int],
        state: bytes,
        top: int,
        allowed: dict[Kind, int],
    ) -> Iterator[tuple[str, str]]:
        call, size = case.call, case.call.size
        effect, wanted = self._wanted(case, room)
        after = struct.unpack("=16I", state[:64])
        if after[15] != before[15] + 4:
            yield "register", f"returns with sp off by {after[15] - before[15] - 4}"
        changed = KeptRegisters(tuple(before[number] for number in KEPT)).changed(state, self._step.unused_floats)
        if changed:
            yield "register", f"a register that must be preserved changed: {changed}"
        value = returned(call.meaning, after[0], after[1])
        if effect.result is not None and value != effect.result:
            yield "result", f"answers 0x{value or 0:x} instead of 0x{effect.result:x}"
        found = self._step.read(self._room, OBJECT_ROOM)
        if found != wanted:
            yield from self._difference(found, wanted, case, allowed)
        yield from self._accesses(size, top, allowed)

    def _difference(
        self, found: bytes, wanted: bytes, case: Case, allowed: dict[Kind, int]
    ) -> Iterator[tuple[str, str]]:
        first = next(index for index, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
        for kind, start in allowed.items():
            place = start - self._room
            if place <= first < place + case.call.size:
                there = slice(place, place + case.call.size)
                what = "the object" if kind is Kind.OBJECT else f"what {kind.value} points to"
                yield "result", f"leaves {_hex(found[there])} in {what} instead of {_hex(wanted[there])}"
                return
        near = min(allowed.items(), key=lambda item: abs(item[1] - self._room - first))
        distance = first - (near[1] - self._room)
        yield (
            "neighbour",
            f"changes the byte at offset {distance} from {near[0].value}, which has {case.call.size} bytes",
        )

    def _places(self, size: int, top: int, allowed: dict[Kind, int]) -> list[tuple[int, int, bool]]:
        """The (start, end, writable) that a call may touch."""
        places = [(start, start + size, kind is not Kind.INPUT) for kind, start in allowed.items()]
        return [*places, (STACK, top, True), *self._own]

    def _accesses(self, size: int, top: int, allowed: dict[Kind, int]) -> Iterator[tuple[str, str]]:
        places = self._places(size, top, allowed)
        for write, address, width in self._step.events:
            if any(start <= address and address + width <= end and (w or not write) for start, end, w in places):
                continue
            verb = "writes" if write else "reads"
            near = [s for s in allowed.values() if s - AROUND <= address < s + size + AROUND]
            kind = "neighbour" if near and write else "outside"
            where = f"0x{address:08x}"
            if near:
                where += f", offset {address - near[0]} of an object of {size} bytes"
            yield (
                kind,
                f"{verb} {width} bytes at {where}, which is neither its object, its stack nor the runtime's data",
            )
            return


def check(payload: Any, host: Host) -> Any:
    """The ConformanceAnswer to a ConformanceRequest, both as plain values. Raises NotRunnable."""
    request = from_plain(ConformanceRequest, payload)
    began, started, undone = time.process_time(), time.perf_counter(), 0
    wall = float("inf") if request.max_wall is None else request.max_wall
    lock_free: dict[str, int] = {}
    program = checked(request.program, request.cpu)
    with closing(Checker(host.cpu(request.cpu), program, request.objects)) as checker:
        for function in request.functions:
            over = time.process_time() - began >= request.max_seconds or time.perf_counter() - started >= wall
            if over or host.ending:
                undone += 1
                continue
            # One seed per function: a finding does not depend on which other functions there are.
            checker.check(function, random.Random(f"{request.seed} {function.routine}"))
            host.report(f"{function.symbol}: conformance")
        for function in request.functions:
            if function.routine == "__atomic_is_lock_free":
                lock_free = checker.lock_free(function.address)
    return to_plain(
        ConformanceAnswer(checker.calls, tuple(checker.findings), lock_free, undone, time.process_time() - began)
    )


def cases(function: Function, rng: random.Random) -> Iterator[Case]:
    """The calls that one function is checked by."""
    name = function.routine
    routine = ROUTINES[name]
    if routine.size is not None:
        # Of a routine in another shape only the address and the operand are another, not what it does with them.
        for offset in offsets(routine.size)[:: 3 if function.alone else 1]:
            yield from _values(function, offset, routine.size, 5, rng)
        return
    if name == "__sync_synchronize":
        yield Case(Call(name, BLOCKS[0], 0, function=function.symbol, plain=function.plain), b"", 256)
        return
    for size in GENERIC_SIZES:
        for offset in offsets(size)[:: 1 if size < 9 else 5]:
            yield from _values(function, offset, size, 2, rng)
    for size in HUGE_SIZES:
        for offset in (BLOCKS[0], BLOCKS[0] + 2, BLOCKS[0] + 15, BLOCKS[1]):
            yield from _values(function, offset, size, 2, rng)


def offsets(size: int) -> list[int]:
    """Where objects are: every alignment in a 16-byte block, and those that straddle the end of a KiB."""
    return [BLOCKS[0] + n for n in range(16)] + [BLOCKS[1] + n for n in range(max(0, 17 - size), 16)]


def _values(function: Function, offset: int, size: int, count: int, rng: random.Random) -> Iterator[Case]:
    name = function.routine
    compares = ROUTINES[name].stem in COMPARE_EXCHANGES or name == "__atomic_compare_exchange"
    for number in range(count):
        memory, value = _value(size, rng), _value(size, rng)
        expected = b""
        if compares:
            expected = memory if number % 2 == 0 else _other(memory, rng)
        fill = (256, 0, 0xFF)[number % 3]
        order = rng.choice(ROUTINES[name].orders() or (5,))
        if function.alone and number % 2:
            # Shapes with a constant operand take it where it is the operand asked for.
            value = (1).to_bytes(size, "big")
        args = Args(value if _takes_value(name) else b"", expected, order)
        yield Case(Call(name, offset, size, args, function.symbol, function.plain), memory, fill)


def _takes_value(name: str) -> bool:
    return ROUTINES[name].has(Kind.VALUE) or ROUTINES[name].has(Kind.INPUT)


def _value(size: int, rng: random.Random) -> bytes:
    top = 1 << (8 * size - 1)
    half = 1 << (4 * size)
    edges = (0, 1, 2 * top - 1, top, top - 1, half, half - 1, 0x7F, 0x80, 0xFF)
    value = rng.choice(edges) % (2 * top) if rng.random() < 0.5 else rng.getrandbits(8 * size)
    return value.to_bytes(size, "big")


def _other(memory: bytes, rng: random.Random) -> bytes:
    """The same bytes but one: first, last or any."""
    place = rng.choice((0, len(memory) - 1, rng.randrange(len(memory))))
    changed = bytearray(memory)
    changed[place] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _hex(data: bytes) -> str:
    return data.hex() if len(data) <= 24 else data[:24].hex() + f"... ({len(data)} bytes)"
