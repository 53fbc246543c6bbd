"""Instructions by lot: every opcode a CPU has, its operands in reach of the test's memory and of boundary values.

Boundary: makes cases; what is right about them is the witnesses' business.
"""

from __future__ import annotations

import random

from pytest_nextrust.isa.decode import CPU_BITS, Decoded, decode
from tests.unit.emu_exact.witnesses import BACK, CODE, DATA, FORWARD, SIZE, Case

__all__ = ["integer_case", "integer_opcodes", "registers"]

EDGES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0xFFFF_FF80,
    0xFFFF_8000,
)
PATTERNS = (0x80, 0x7F, 0xFF, 0, 1)
UNTRIED = frozenset(
    {"bkpt", "cas2", "illegal", "moves", "movec", "rte", "rtr", "stop", "reset", "trapv", "movep", "callm", "rtm"}
)
"""What needs an operating system around it, is executed by the machine already, or is a search's business (cas2)."""
POINTERS = 0xC0
"""From here on the data are addresses of data, for memory indirect operands."""


def integer_opcodes(cpu: str) -> list[int]:
    """Every first word of an integer instruction that the CPU has in user mode."""
    found = []
    for opcode in range(0xF000):
        if opcode >> 12 == 0xA:
            continue
        decoded = _decode(opcode)
        if decoded is None or decoded.invalid or decoded.vector is not None or not decoded.cpus & CPU_BITS[cpu]:
            continue
        if opcode >> 12 == 6 and opcode & 0xFF not in (0, 0xFF, FORWARD - CODE - 2, BACK - CODE - 2 & 0xFF):
            continue
        if decoded.name not in UNTRIED and not decoded.name.startswith("trap #"):
            found.append(opcode)
    return found


def _decode(opcode: int) -> Decoded | None:
    return decode(opcode.to_bytes(2, "big") + bytes(24), CODE)


def registers(lot: random.Random) -> tuple[list[int], list[int]]:
    """d0-d6 at boundaries or at random, d7 a small index; a0-a7 into the data, at even addresses."""
    d = [lot.choice(EDGES) if lot.random() < 0.7 else lot.getrandbits(32) for _ in range(7)]
    d.append(lot.randrange(-8, 9) & 0xFFFF_FFFF)
    return d, [DATA + 0x40 + 2 * lot.randrange(0, 0x30) for _ in range(8)]


def data(lot: random.Random) -> bytes:
    """Bytes at boundaries and at random, then addresses."""
    plain = bytes(lot.choice(PATTERNS) if lot.random() < 0.5 else lot.getrandbits(8) for _ in range(POINTERS))
    return plain + b"".join(
        (DATA + 4 * lot.randrange(8, 0x28)).to_bytes(4, "big") for _ in range((SIZE - POINTERS) // 4)
    )


def integer_case(lot: random.Random, opcode: int) -> Case | None:
    """The opcode with extension words and a state by lot; None where the words drawn are no instruction."""
    words = opcode.to_bytes(2, "big") + _prefix(lot, opcode)
    line = opcode >> 12
    size = (0, 1, 4, 2)[line] if line in (1, 2, 3) else _size(opcode)
    here = CODE + len(words)
    words += operand(lot, opcode >> 3 & 7, opcode & 7, size, here)
    if line in (1, 2, 3):
        words += operand(lot, opcode >> 6 & 7, opcode >> 9 & 7, size, CODE + len(words))
    decoded = decode(words + bytes(16), CODE)
    if decoded is None or decoded.invalid or decoded.length > len(words) + 8:
        return None
    d, a = registers(lot)
    return Case(words[: decoded.length].ljust(decoded.length, b"\0"), d, a, lot.getrandbits(5), data=data(lot))


def _size(opcode: int) -> int:
    """Of an immediate operand."""
    line, kind = opcode >> 12, opcode >> 6 & 7
    if line == 4:
        return 4 if opcode & 0xFF80 in (0x4C00, 0x4100) or opcode & 0xF1C0 == 0x4100 else (1, 2, 4, 2)[kind & 3]
    if line in (8, 0xC):
        return (1, 2, 4, 2)[kind & 3]
    return 4 if kind == 7 else (1, 2, 4, 2)[kind & 3]


def _prefix(lot: random.Random, opcode: int) -> bytes:
    """The extension words before those of the operand."""
    decoded = _decode(opcode)
    assert decoded is not None
    line = opcode >> 12
    if decoded.name in ("bra", "bcc", "bsr", "dbcc"):
        count = decoded.length - 2
        far = lot.choice((FORWARD, BACK)) - CODE - 2
        return (far & (1 << 8 * count) - 1).to_bytes(count, "big") if count else b""
    if line in (1, 2, 3, 7, 0xB, 0x9, 0xD) or (line in (5, 8, 0xC) and not decoded.length > 2):
        return b""
    indirect = _decode(opcode & ~0x3F | 0x10)
    count = decoded.length - 2
    if indirect is not None and not indirect.invalid and indirect.name == decoded.name:
        count = indirect.length - 2
    if decoded.name in ("jmp", "jsr", "lea", "pea"):
        return b""
    words = b"".join(_extension(lot, decoded.name, opcode) for _ in range(0, count, 2))
    return words if count != 4 or line else lot.choice(EDGES).to_bytes(4, "big")


def _extension(lot: random.Random, name: str, opcode: int) -> bytes:
    register = lot.randrange(8)
    value = lot.choice(EDGES) & 0xFFFF if lot.random() < 0.7 else lot.getrandbits(16)
    if name in ("btst", "bchg", "bclr", "bset"):
        value = lot.randrange(0, 64)
    elif name == "movem":
        value = lot.getrandbits(16) & lot.getrandbits(16)
    elif name in ("mul.l", "div.l"):
        value = register << 12 | lot.getrandbits(2) << 10 | lot.randrange(8)
    elif name.startswith("bf"):
        offset = 0x800 | 7 << 6 if lot.random() < 0.3 else lot.randrange(32) << 6
        width = 0x20 | lot.randrange(8) if lot.random() < 0.3 else lot.randrange(32)
        value = register << 12 | offset | width
        if name in ("bftst", "bfchg", "bfclr", "bfset"):
            value &= 0x0FFF
    elif name == "cas":
        value = lot.randrange(8) << 6 | register
    elif name == "cmp2/chk2":
        value = lot.randrange(16) << 12 | lot.getrandbits(1) << 11
    elif name == "link":
        value = lot.choice((0, 4, 0xFFF8, 0xFFFF, 0x8000))
    return value.to_bytes(2, "big")


def operand(lot: random.Random, mode: int, register: int, size: int, here: int) -> bytes:
    """The extension words of an effective address that begin at ``here``."""
    which = mode if mode < 7 else 7 + register
    if which == 5:
        return (2 * lot.randrange(-16, 16) & 0xFFFF).to_bytes(2, "big")
    if which == 6:
        return index(lot, None)
    if which == 7:
        return lot.getrandbits(16).to_bytes(2, "big")
    if which == 8:
        return (DATA + 0x20 + 2 * lot.randrange(0x40)).to_bytes(4, "big")
    if which == 9:
        return (lot.randrange(-0x20, 0x40) & 0xFFFF).to_bytes(2, "big")
    if which == 10:
        return index(lot, here)
    if which == 11:
        value = lot.choice(EDGES) if lot.random() < 0.7 else lot.getrandbits(32)
        return (value & (1 << 8 * max(size, 2)) - 1).to_bytes(max(size, 2), "big")
    return b""


def index(lot: random.Random, here: int | None) -> bytes:
    """Index words, brief or full; the index is d7, or not there."""
    scale = lot.randrange(4) << 9
    long = lot.getrandbits(1) << 11
    if lot.random() < 0.4:
        return (0x7000 | long | scale | lot.randrange(-0x10, 0x10) & 0xFF).to_bytes(2, "big")
    indirect = lot.choice((0, 0, 1, 2, 3, 5, 6, 7))
    suppress_index = indirect < 4 and lot.random() < 0.3
    word = 0x7100 | long | scale | indirect | (0x40 if suppress_index else 0)
    outer = b""
    if indirect & 3 >= 2:
        offset = 2 * lot.randrange(-8, 8)
        size = 2 if indirect & 3 == 2 else 4
        outer = (offset & (1 << 8 * size) - 1).to_bytes(size, "big")
    if indirect and not (indirect & 4) and not suppress_index:
        # The index is before the indirection: the pointers are four bytes apart.
        word = word & ~0x600
    if indirect or lot.random() < 0.4:
        # Without a base register: a base displacement of 32 bits.
        at = DATA + (POINTERS + 0x18 if indirect else 0x60)
        return (word | 0x80 | 0x30).to_bytes(2, "big") + at.to_bytes(4, "big") + outer
    kind = lot.choice((1, 2, 3))
    near = 2 * lot.randrange(-8, 8)
    base = b"" if kind == 1 else (near & (1 << 16 * (kind - 1)) - 1).to_bytes(2 * (kind - 1), "big")
    return (word | kind << 4).to_bytes(2, "big") + base + outer
