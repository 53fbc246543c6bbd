"""Where in translated code the emulator must not be left alone, and what has to be true there before it stops.

A site has a condition that is cheap to ask
and never false where the emulator would be wrong; ``emu.exact`` then decides by the operands themselves.

Boundary: reads code; hooks are ``cpu``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_nextrust.emu.exact.suspicion import watch

__all__ = ["Site", "site_of"]

Kind = Literal["always", "division", "float"]


@dataclass(frozen=True, slots=True)
class Site:
    """The instruction ``offset`` bytes into its block.

    ``division``: ``high`` and ``low`` are the data registers with the dividend's halves, the same where it has one.
    ``float``: ``registers`` is a bit set of the floating-point registers it reads; ``from_memory`` says that its source
    is none of them, and ``low`` is the one it changes.
    """

    offset: int
    kind: Kind
    high: int = 0
    low: int = 0
    registers: int = 0
    from_memory: bool = False

    def moved(self, offset: int) -> Site:
        """The same site elsewhere."""
        return Site(offset, self.kind, self.high, self.low, self.registers, self.from_memory)


def site_of(code: bytes, cpu: str) -> Site | None:
    """The site that the instruction at the start of ``code`` is, as if it opened its block."""
    opcode = int.from_bytes(code[:2], "big")
    if not _may_be_watched(opcode):
        return None
    kind = watch(code, cpu)
    if kind == "division":
        if opcode >> 12 == 8:
            register = opcode >> 9 & 7
            return Site(0, kind, register, register)
        low, high = code[2] >> 4 & 7, code[3] & 7
        # Of a 64-bit dividend the upper half decides; the lower one is asked for zero.
        return Site(0, kind, high if code[2] & 4 else low, low)
    if kind == "float":
        return _float_site(int.from_bytes(code[2:4], "big"))
    return Site(0, kind) if kind else None


def _float_site(word: int) -> Site:
    source, target, operation = word >> 10 & 7, word >> 7 & 7, word & 0x7F
    if word >> 13 == 3:
        return Site(0, "float", registers=1 << target)
    if word >> 13 not in (0, 2):
        return Site(0, "always")
    read = 1 << target if operation & 0x3F >= 0x20 and operation not in (0x3A,) else 0
    if word >> 13 == 0:
        return Site(0, "float", registers=read | 1 << source)
    if operation >> 3 == 6:
        return Site(0, "always")  # FSINCOS changes two registers.
    return Site(0, "float", low=target, registers=read, from_memory=True)


def _may_be_watched(opcode: int) -> bool:
    """Whether an opcode can be one that ``watch`` names: most code is none of these, and need not be decoded twice."""
    line = opcode >> 12
    if line == 0xF:
        return opcode >> 9 & 7 == 1
    if line == 0:
        return opcode & 0xF9C0 == 0x00C0 or opcode & 0xFFC0 == 0x0AC0
    if line == 4:
        return opcode & 0xFFC0 in (0x4C40, 0x4E80, 0x4E40) or opcode == 0x480F or opcode & 0xF140 == 0x4100
    if line == 5:
        return opcode & 0xF8 == 0xF8
    if line == 8:
        return opcode & 0xC0 == 0xC0 or opcode & 0x130 == 0x100
    if line in (0x9, 0xD):
        return opcode & 0x1F8 == 0x108
    return opcode & 0xFCC0 == 0xE0C0
