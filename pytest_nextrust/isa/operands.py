"""Reading one m68k instruction's words: effective addresses, immediates, and what is learnt on the way.

Boundary: the encoding of operands. Which operands an instruction may have is said by its decoder.
Source: M68000 Family Programmer's Reference Manual, section 2 (addressing modes, extension word formats).
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "ALL",
    "ALTERABLE",
    "BOTH",
    "CONTROL",
    "CONTROL_ALTERABLE",
    "DATA",
    "DATA_ALTERABLE",
    "M68030",
    "M68040",
    "MEMORY_ALTERABLE",
    "NONE",
    "FlowKind",
    "InstructionReader",
    "Invalid",
    "Undefined",
]

FlowKind = Literal["next", "branch", "jump", "call", "return", "stop"]

M68030, M68040, NONE = 1, 2, 0
BOTH = M68030 | M68040

DN, AN, IND, POST, PRE, DISP, INDEX, SHORT, LONG, PC_DISP, PC_INDEX, IMMEDIATE = range(12)
"""The addressing modes in encoding order: mode 0-6, then mode 7 with register 0-4."""


def _modes(*modes: int) -> int:
    return sum(1 << mode for mode in modes)


ALL = (1 << 12) - 1
DATA = ALL & ~_modes(AN)
CONTROL = _modes(IND, DISP, INDEX, SHORT, LONG, PC_DISP, PC_INDEX)
ALTERABLE = _modes(DN, AN, IND, POST, PRE, DISP, INDEX, SHORT, LONG)
DATA_ALTERABLE = ALTERABLE & ~_modes(AN)
MEMORY_ALTERABLE = DATA_ALTERABLE & ~_modes(DN)
CONTROL_ALTERABLE = CONTROL & ALTERABLE


class Undefined(Exception):
    """No 680x0 has an instruction of this encoding."""


class Invalid(Exception):
    """A known instruction with an operand it cannot have: an illegal instruction on a real CPU."""


def signed(value: int, bits: int) -> int:
    """``value`` read as two's complement of ``bits`` bits."""
    sign = 1 << (bits - 1)
    return (value & (sign - 1)) - (value & sign)


class InstructionReader:
    """One instruction being read. The attributes are what ``Decoded`` is made of."""

    __slots__ = (
        "address",
        "at",
        "base",
        "cpus",
        "data",
        "flow",
        "limit",
        "name",
        "opcode",
        "pc",
        "refs",
        "scaled",
        "target",
        "vector",
    )

    def __init__(self, data: bytes, pc: int) -> None:
        self.data = data
        self.pc = pc
        self.at = 0
        self.name = ""
        self.flow: FlowKind = "next"
        self.target: int | None = None
        self.refs: list[int] = []
        self.cpus = BOTH
        self.limit = ""
        self.vector: int | None = None
        self.address: int | None = None
        self.base: int | None = None
        self.scaled = False
        self.opcode = self.word()

    def word(self) -> int:
        """The next word. Raises Undefined where the bytes end."""
        at = self.at
        if at + 2 > len(self.data):
            raise Undefined
        self.at = at + 2
        return self.data[at] << 8 | self.data[at + 1]

    def long(self) -> int:
        """The next two words."""
        return self.word() << 16 | self.word()

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes of the instruction."""
        if self.at + size > len(self.data):
            raise Undefined
        self.at += size

    def immediate(self, size: int) -> int:
        """An immediate of ``size`` bytes; a byte takes a word."""
        if size <= 2:
            return self.word()
        if size == 4:
            value = self.long()
            self.refs.append(value)
            return value
        self.skip(size)
        return 0

    def branch(self, displacement: int, flow: FlowKind) -> None:
        """Note a transfer to the instruction's second word plus ``displacement``."""
        self.flow = flow
        self.target = (self.pc + 2 + displacement) & 0xFFFF_FFFF

    def ea(self, allowed: int, size: int) -> int:
        """The effective address in the low six bits of the opcode. See ``operand``."""
        return self.operand(self.opcode >> 3 & 7, self.opcode & 7, allowed, size)

    def operand(self, mode: int, register: int, allowed: int, size: int) -> int:
        """Read an operand of ``size`` bytes; answer its mode. Sets ``address`` where that is known.

        Raises Invalid for one that is not ``allowed``.
        """
        kind = mode if mode < 7 else 7 + register
        self.address = self.base = None
        if kind > IMMEDIATE or not allowed >> kind & 1 or (kind == AN and size == 1):
            raise Invalid
        if kind == DISP:
            self.word()
        elif kind in (INDEX, PC_INDEX):
            self._indexed(kind == PC_INDEX)
        elif kind == SHORT:
            self.address = signed(self.word(), 16) & 0xFFFF_FFFF
        elif kind == LONG:
            self.address = self.long()
        elif kind == PC_DISP:
            here = self.pc + self.at
            self.address = (here + signed(self.word(), 16)) & 0xFFFF_FFFF
        elif kind == IMMEDIATE:
            self.immediate(size)
        return kind

    def _indexed(self, relative: bool) -> None:
        here = self.pc + self.at
        extension = self.word()
        self.scaled = self.scaled or bool(extension & 0x700)
        if not extension & 0x100:
            if relative:
                self.base = (here + signed(extension, 8)) & 0xFFFF_FFFF
            return
        size, outer = extension >> 4 & 3, extension & 7
        suppressed = bool(extension & 0x40)
        if size == 0 or extension & 8 or outer == 4 or (suppressed and outer > 4):
            raise Invalid
        displacement = 0
        if size == 2:
            displacement = signed(self.word(), 16)
        elif size == 3:
            displacement = signed(self.long(), 32)
        if outer & 3 >= 2:
            self.skip(2 if outer & 3 == 2 else 4)
        if relative and not extension & 0x80 and not outer:
            place = (here + displacement) & 0xFFFF_FFFF
            if suppressed:
                self.address = place
            else:
                self.base = place
