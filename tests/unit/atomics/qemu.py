"""Runs a runtime's routines under qemu-m68k, which this project does not use, and compares with the table."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.atomics.table import ROUTINES, Addresses, Args, Effect, Kind, Routine, apply, returned, slots

HERE = Path(__file__).parent
SLOTS = 8
POINTERS = {Kind.OBJECT, Kind.EXPECTED, Kind.INPUT, Kind.OUTPUT}


@dataclass(frozen=True)
class Call:
    """One call: the object's bytes and where in the arena it lies; buffers follow the arena's first ``room`` bytes."""

    routine: Routine
    memory: bytes
    args: Args
    offset: int
    room: int
    fill: int = 0

    @property
    def at(self) -> Addresses:
        room = self.room
        return Addresses(self.offset, expected=room, input=2 * room, output=3 * room)

    def before(self) -> bytes:
        """The arena: a pattern everywhere, with the object and the buffers in it."""
        arena = bytearray(0x11 + 7 * place & 0xFF for place in range(4 * self.room))
        self._put(arena, self.at.object, self.memory)
        self._put(arena, self.at.expected, self.args.expected if self.routine.has(Kind.EXPECTED) else b"")
        self._put(arena, self.at.input, self.args.value if self.routine.has(Kind.INPUT) else b"")
        return bytes(arena)

    def after(self, effect: Effect) -> bytes:
        """The arena as the table says the call leaves it."""
        arena = bytearray(self.before())
        self._put(arena, self.at.object, effect.memory)
        self._put(arena, self.at.expected, effect.expected or b"")
        self._put(arena, self.at.output, effect.output or b"")
        return bytes(arena)

    def message(self) -> bytes:
        """The call as driver.c reads it."""
        given = slots(self.routine, self.args, self.at, size=len(self.memory), fill=self.fill)
        mask, place = 0, 0
        for argument in self.routine.arguments:
            mask |= (argument.kind in POINTERS) << place
            place += max(1, argument.width // 4)
        padded = [*given, *[0xDEAD] * (SLOTS - len(given))]
        index = list(ROUTINES).index(self.routine.name)
        return struct.pack(f">3I{SLOTS}I", index, mask, 4 * self.room, *padded) + self.before()

    @staticmethod
    def _put(arena: bytearray, place: int, data: bytes) -> None:
        arena[place : place + len(data)] = data


def table_source() -> str:
    """C source of the table of routines that driver.c calls through."""
    names = list(ROUTINES)
    lines = [
        f'extern void r{number}(void) __asm__("{name}") __attribute__((weak));' for number, name in enumerate(names)
    ]
    return "\n".join([*lines, "void *const routines[] = {", *(f"    r{n}," for n in range(len(names))), "};", ""])


def build(
    runtime: Path, folder: Path, *flags: str, compiler: Sequence[str] = ("m68k-linux-gnu-gcc", "-m68030")
) -> Path:
    """Compiles a runtime and links it with the driver; the program's path."""
    table = folder / "table.c"
    table.write_text(table_source())
    compiled, program = folder / "runtime.o", folder / "driver"
    command = [*compiler, "-ffreestanding", *flags, "-c", str(runtime), "-o", str(compiled)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    link = [
        "m68k-linux-gnu-gcc",
        "-static",
        "-O1",
        str(HERE / "driver.c"),
        str(table),
        str(compiled),
        "-o",
        str(program),
    ]
    subprocess.run(link, check=True, capture_output=True, text=True)
    return program


def faults(program: Path, calls: Iterable[Call], *, limit: int = 5, seconds: float = 120.0) -> list[str]:
    """What differs from the table, in words; empty when all calls did what it says."""
    calls = list(calls)
    sent = b"".join(call.message() for call in calls)
    try:
        done = subprocess.run(["qemu-m68k", str(program)], input=sent, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [f"no answer within {seconds} s"]
    found = []
    place = 0
    for call in calls:
        size = 12 + 4 * call.room
        answer = done.stdout[place : place + size]
        place += size
        if len(answer) < size:
            found.append(f"{call.routine.name}: died with status {done.returncode}")
            break
        found += judge(call, answer)
        if len(found) >= limit:
            break
    return found


def judge(call: Call, answer: bytes) -> list[str]:
    """What one answer of the driver has wrong."""
    d0, d1, kept = struct.unpack(">3I", answer[:12])
    effect = apply(call.routine, call.memory, call.args)
    name = f"{call.routine.name} at {call.offset} of {call.memory.hex()} with {call.args}"
    found = []
    if effect.result is not None and returned(call.routine, d0, d1) != effect.result:
        found.append(f"{name}: answered {returned(call.routine, d0, d1):#x}, not {effect.result:#x}")
    if not kept:
        found.append(f"{name}: changed a preserved register")
    expected = call.after(effect)
    if answer[12:] != expected:
        wrong = [place for place, (a, b) in enumerate(zip(answer[12:], expected, strict=True)) if a != b]
        found.append(f"{name}: memory differs at {wrong[:8]}")
    return found
