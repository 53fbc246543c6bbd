"""Streams of instructions by lot: whatever the decoder knows in user mode, in programs that load registers and run it.

Names are drawn first, then an opcode of that name, so that rare instructions come as often as the many forms of MOVE.
Operands mostly fall into one data section: address registers point into it, absolute addresses are made to, index
registers are small where the stream is a gentle one. What faults all the same ends its program, and is compared too.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from functools import cache

from pytest_nextrust.emu.loader import open_program
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.isa.decode import CPU_BITS, Decoded, decode
from pytest_nextrust.isa.unsupported import refuse_unsupported
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT, program

__all__ = ["PRIVILEGED", "Stream", "batches", "names", "stream"]

SIZE = 0x20000
"""Bytes of the data section."""
TABLE = DATA
"""Where the registers' first values are: 16 integer ones, 8 floating-point ones."""
LOW = 0x8000
"""What addresses of 16 bits reach."""
ENDS = 60
"""Instructions before an endless loop is left."""
LONGEST = 24
TRIES = 40

CIRCULAR = frozenset({0x0E, 0x0F, 0x1D, *range(0x30, 0x38)})
"""fsin, ftan, fcos, fsincos."""

PRIVILEGED = frozenset({"move usp", "movec", "reset", "rte", "stop"})
"""Instructions of the supervisor's: a violation in user mode, which the emulator itself raises."""

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)

_TAILS = (bytes(22), bytes.fromhex("0001") * 11, bytes.fromhex("4000") * 11, bytes.fromhex("0c00") * 11)
"""What is tried behind an opcode to learn its name."""


@cache
def names(cpu: str) -> dict[str, tuple[int, ...]]:
    """Every name of the decoder's that this CPU executes in user mode, with its opcodes."""
    found: dict[str, list[int]] = {}
    for opcode in range(0x1_0000):
        for tail in _TAILS:
            decoded = decode(opcode.to_bytes(2, "big") + tail, TEXT)
            if decoded is not None and _fits(decoded, cpu):
                found.setdefault(decoded.name, []).append(opcode)
                break
    return {name: tuple(opcodes) for name, opcodes in found.items() if not name.startswith("trap #")}


def _fits(decoded: Decoded, cpu: str) -> bool:
    usable = bool(decoded.cpus & CPU_BITS[cpu]) and decoded.vector is None and not decoded.limit
    return usable and decoded.flow != "stop" and not decoded.name.startswith("trap #")


class Stream:
    """One program: its request, and the instructions that were drawn for it."""

    def __init__(self, request: RunRequest, instructions: tuple[bytes, ...]) -> None:
        self.request = request
        self.instructions = instructions


def stream(seed: int, cpu: str, length: int = 10) -> Stream:
    """The stream of this seed: the same on every machine."""
    lot = random.Random(f"{seed} {cpu}")
    while True:
        instructions = tuple(_instruction(lot, cpu) for _ in range(length))
        data = program(_begin(lot) + b"".join(instructions).hex() + EXIT_0, data=_registers(lot) + _pattern())
        try:
            refuse_unsupported(open_program(data, cpu), cpu)
        except NotRunnable:
            continue  # A branch of it leads to what this machine refuses.
        return Stream(RunRequest(data, cpu=cpu, budget=ENDS), instructions)


def _begin(lot: random.Random) -> str:
    """fmovem.x (TABLE+64),fp0-fp7; movem.l (TABLE),d0-d7/a0-a7; move #codes,ccr"""
    return f"f239 d0ff {TABLE + 64:08x} 4cf9 ffff {TABLE:08x} 44fc {lot.getrandbits(5):04x}"


def _registers(lot: random.Random) -> bytes:
    gentle = lot.random() < 0.6
    integers = [_operand(lot, gentle) for _ in range(8)]
    integers += [DATA + SIZE // 2 + lot.randrange(-0x2000, 0x2000) for _ in range(8)]
    floats = b"".join(_float(lot) for _ in range(8))
    return struct.pack(">16I", *integers) + floats


def _operand(lot: random.Random, gentle: bool) -> int:
    kind = lot.random()
    if gentle and kind < 0.6:
        return lot.randrange(64)
    if kind < 0.8:
        return lot.choice(EDGES)
    return lot.getrandbits(32)


def _float(lot: random.Random) -> bytes:
    """A number of ordinary size, sometimes zero."""
    if lot.random() < 0.1:
        return bytes(12)
    sign = lot.getrandbits(1) << 15
    return struct.pack(">HHQ", sign | lot.randrange(0x3FE0, 0x4020), 0, 1 << 63 | lot.getrandbits(63))


@cache
def _pattern() -> bytes:
    """Bytes by lot, among them pointers into the section."""
    lot = random.Random("data")
    words = []
    for _ in range((SIZE - 64 - 96) // 4):
        pointer = DATA + SIZE // 2 + lot.randrange(-0x4000, 0x4000)
        words.append(pointer if lot.random() < 0.4 else _operand(lot, False))
    return struct.pack(f">{len(words)}I", *words)


def _instruction(lot: random.Random, cpu: str) -> bytes:
    every = names(cpu)
    while True:
        name = lot.choice(tuple(every))
        if name in PRIVILEGED and lot.random() < 0.95:
            continue  # Each ends its program.
        opcodes = every[name]
        for _ in range(TRIES):
            words = lot.choice(opcodes).to_bytes(2, "big") + b"".join(_word(lot) for _ in range(LONGEST // 2 - 1))
            decoded = decode(words, TEXT)
            if decoded is not None and _fits(decoded, cpu) and not _left_out(words):
                return words[: decoded.length]


def _left_out(words: bytes) -> bool:
    """What makes numbers of random bytes, or functions of them: extended numbers whose integer bit is 0 though they are
    not small. qemu's process dies of some functions of those."""
    opcode, extension = int.from_bytes(words[:2], "big"), int.from_bytes(words[2:4], "big")
    if opcode & 0xFFC0 != 0xF200:
        return False
    circular = extension >> 13 in (0, 2) and extension & 0x7F in CIRCULAR
    extended = extension >> 10 == 0b010_010
    loaded = extension >> 13 == 6
    return circular or extended or loaded


def _word(lot: random.Random) -> bytes:
    """A word behind an opcode: a small number, an index, half an address in the section, a power of two, anything."""
    kind = lot.random()
    if kind < 0.25:
        value = lot.randrange(-0x40, 0x40) & 0xFFFE
    elif kind < 0.5:
        # An index of the brief format: a register, its size and scale, and a displacement.
        value = lot.getrandbits(16) & 0xFEFF
    elif kind < 0.6:
        value = lot.choice((0x0000, 0x0001))
    elif kind < 0.7:
        value = lot.randrange(DATA + 0x100, LOW)
    elif kind < 0.8:
        value = 1 << lot.randrange(16)
    else:
        value = lot.getrandbits(16)
    return value.to_bytes(2, "big")


def batches(cpu: str, count: int, size: int, first: int = 0) -> Iterator[list[Stream]]:
    """``count`` streams from seed ``first`` on, in groups of ``size``."""
    for start in range(first, first + count, size):
        yield [stream(seed, cpu) for seed in range(start, min(start + size, first + count))]
