"""Decoders of the integer instructions, one for each first hexadecimal digit of the opcode.

Boundary and source: see ``decode``. Each reads its operands through the ``InstructionReader`` and notes what it
learns there.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_nextrust.isa.operands import (
    ALL,
    ALTERABLE,
    CONTROL,
    CONTROL_ALTERABLE,
    DATA,
    DATA_ALTERABLE,
    MEMORY_ALTERABLE,
    NONE,
    InstructionReader,
    Undefined,
    signed,
)

__all__ = ["LINES"]

SIZES = (1, 2, 4)
PRIVILEGE = 8
PC_MODES = 1 << 9 | 1 << 10
IMMEDIATE = 1 << 11
PREDECREMENT, POSTINCREMENT, DATA_REGISTER = 1 << 4, 1 << 3, 1


def _line_0(r: InstructionReader) -> None:
    op = r.opcode
    if op & 0x0138 == 0x0108:
        r.name = "movep"
        r.skip(2)
    elif op & 0x0100:
        _bit(r, DATA)
    elif op >> 9 == 4:
        if r.word() & 0xFF00:
            raise Undefined
        _bit(r, DATA & ~IMMEDIATE)
    elif op & 0x00C0 == 0x00C0:
        _line_0_special(r)
    elif op >> 9 == 7:
        r.name = "moves"
        r.vector = PRIVILEGE
        r.skip(2)
        r.ea(MEMORY_ALTERABLE, SIZES[op >> 6 & 3])
    else:
        _immediate(r)


def _bit(r: InstructionReader, tested: int) -> None:
    kind = r.opcode >> 6 & 3
    r.name = ("btst", "bchg", "bclr", "bset")[kind]
    r.ea(tested if kind == 0 else DATA_ALTERABLE, 1)


def _immediate(r: InstructionReader) -> None:
    op = r.opcode
    kind, size = op >> 9 & 7, SIZES[op >> 6 & 3]
    r.name = ("ori", "andi", "subi", "addi", "", "eori", "cmpi")[kind]
    if op & 0x3F == 0x3C and kind in (0, 1, 5) and size < 4:
        if size == 2:
            r.vector = PRIVILEGE
        r.skip(2)
        return
    r.immediate(size)
    r.ea(DATA_ALTERABLE | (PC_MODES if kind == 6 else 0), size)


def _line_0_special(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 9 & 7
    if kind < 3:
        r.name = "cmp2/chk2"
        r.skip(2)
        r.ea(CONTROL, SIZES[kind])
    elif kind == 3:
        r.cpus = NONE
        if op & 0x30 == 0:
            r.name, r.flow = "rtm", "return"
        else:
            r.name = "callm"
            r.skip(2)
            r.ea(CONTROL, 1)
    elif op in (0x0CFC, 0x0EFC):
        r.name = "cas2"
        r.skip(4)
    elif kind >= 5:
        r.name = "cas"
        r.skip(2)
        r.ea(MEMORY_ALTERABLE, SIZES[kind - 5])
    else:
        raise Undefined


def _move(r: InstructionReader) -> None:
    op = r.opcode
    size = (0, 1, 4, 2)[op >> 12]
    r.name = "move"
    kind = r.ea(ALL, size)
    if kind in (7, 8, 9):
        r.refs.clear()
    r.operand(op >> 6 & 7, op >> 9 & 7, DATA_ALTERABLE | (0 if size == 1 else 2), size)


def _line_4(r: InstructionReader) -> None:
    op = r.opcode
    if op & 0x0100:
        _line_4_odd(r)
        return
    group = op >> 8 & 0xF
    size = op >> 6 & 3
    if group == 0xE:
        _control(r)
    elif group in (0, 2, 4, 6):
        _unary(r, group, size)
    elif group == 8:
        _line_48(r, size)
    elif group == 0xA:
        _test(r, size)
    elif group == 0xC:
        _line_4c(r, size)
    else:
        raise Undefined


def _line_4_odd(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 6 & 7
    if kind == 7 and op >> 3 & 7 == 0:
        if op & 0xFFF8 != 0x49C0:
            raise Undefined
        r.name = "extb"
    elif kind == 7:
        r.name = "lea"
        r.ea(CONTROL, 4)
        if r.address is not None:
            r.refs.append(r.address)
    elif kind in (4, 6):
        r.name = "chk"
        r.ea(DATA, 4 if kind == 4 else 2)
    else:
        raise Undefined


def _unary(r: InstructionReader, group: int, size: int) -> None:
    if size < 3:
        r.name = ("negx", "clr", "neg", "not")[group >> 1]
        r.ea(DATA_ALTERABLE, SIZES[size])
    elif group in (0, 2):
        r.name = "move from " + ("sr" if group == 0 else "ccr")
        r.vector = PRIVILEGE if group == 0 else None
        r.ea(DATA_ALTERABLE, 2)
    else:
        r.name = "move to " + ("ccr" if group == 4 else "sr")
        r.vector = PRIVILEGE if group == 6 else None
        r.ea(DATA, 2)


def _line_48(r: InstructionReader, size: int) -> None:
    op = r.opcode
    mode = op >> 3 & 7
    if size == 0 and mode == 1:
        r.name = "link"
        r.skip(4)
    elif size == 0:
        r.name = "nbcd"
        r.ea(DATA_ALTERABLE, 1)
    elif size == 1 and mode == 0:
        r.name = "swap"
    elif size == 1 and mode == 1:
        r.name, r.flow, r.limit = "bkpt", "stop", "the emulator hangs on it"
    elif size == 1:
        r.name = "pea"
        r.ea(CONTROL, 4)
        if r.address is not None:
            r.refs.append(r.address)
    elif mode == 0:
        r.name = "ext"
    else:
        r.name = "movem"
        r.skip(2)
        r.ea(CONTROL_ALTERABLE | PREDECREMENT, 2 * size - 2)


def _test(r: InstructionReader, size: int) -> None:
    op = r.opcode
    if op == 0x4AFC:
        r.name, r.flow = "illegal", "stop"
    elif size == 3:
        r.name = "tas"
        r.ea(DATA_ALTERABLE, 1)
    else:
        r.name = "tst"
        r.ea(ALL, SIZES[size])


def _line_4c(r: InstructionReader, size: int) -> None:
    if size < 2:
        r.name = ("mul", "div")[size] + ".l"
        r.skip(2)
        r.ea(DATA, 4)
    else:
        r.name = "movem"
        r.skip(2)
        r.ea(CONTROL | POSTINCREMENT, 2 * size - 2)


_PLAIN = {
    0x4E70: ("reset", "next", 0),
    0x4E71: ("nop", "next", 0),
    0x4E72: ("stop", "next", 2),
    0x4E73: ("rte", "return", 0),
    0x4E74: ("rtd", "return", 2),
    0x4E75: ("rts", "return", 0),
    0x4E76: ("trapv", "next", 0),
    0x4E77: ("rtr", "return", 0),
    0x4E7A: ("movec", "next", 2),
    0x4E7B: ("movec", "next", 2),
}


def _control(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 6 & 3
    if kind >= 2:
        r.name = ("jsr", "jmp")[kind - 2]
        r.ea(CONTROL, 4)
        r.flow = "call" if kind == 2 else "jump"
        r.target = r.address
    elif kind == 0:
        raise Undefined
    elif op < 0x4E50:
        r.name = f"trap #{op & 15}"
    elif op < 0x4E58:
        r.name = "link"
        r.skip(2)
    elif op < 0x4E60:
        r.name = "unlk"
    elif op < 0x4E70:
        r.name = "move usp"
    elif op in _PLAIN:
        r.name, flow, size = _PLAIN[op]
        r.flow = "return" if flow == "return" else "next"
        r.skip(size)
    else:
        raise Undefined


def _line_5(r: InstructionReader) -> None:
    op = r.opcode
    size = op >> 6 & 3
    mode = op >> 3 & 7
    if size < 3:
        r.name = "subq" if op & 0x100 else "addq"
        r.ea(ALTERABLE, SIZES[size])
    elif mode == 1:
        r.name = "dbcc"
        r.branch(signed(r.word(), 16), "branch")
    elif mode == 7 and op & 7 in (2, 3, 4):
        r.name = "trapcc"
        r.skip((2, 4, 0)[(op & 7) - 2])
    else:
        r.name = "scc"
        r.ea(DATA_ALTERABLE, 1)


def _line_6(r: InstructionReader) -> None:
    op = r.opcode
    displacement = signed(op, 8)
    if displacement == 0:
        displacement = signed(r.word(), 16)
    elif displacement == -1:
        displacement = signed(r.long(), 32)
    condition = op >> 8 & 15
    r.name = "bra" if condition == 0 else "bsr" if condition == 1 else "bcc"
    r.branch(displacement, "jump" if condition == 0 else "call" if condition == 1 else "branch")


def _line_7(r: InstructionReader) -> None:
    if r.opcode & 0x100:
        raise Undefined
    r.name = "moveq"


def _line_8(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 6 & 7
    if kind in (3, 7):
        r.name = "divu" if kind == 3 else "divs"
        r.ea(DATA, 2)
    elif op & 0x1F0 == 0x100:
        r.name = "sbcd"
    elif op & 0x1F0 in (0x140, 0x180):
        r.name = "pack" if op & 0x40 else "unpk"
        r.skip(2)
    else:
        _logic(r, "or")


def _logic(r: InstructionReader, name: str) -> None:
    r.name = name
    kind = r.opcode >> 6 & 7
    r.ea(DATA if kind < 4 else MEMORY_ALTERABLE, SIZES[kind & 3])


def _add(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 6 & 7
    r.name = "sub" if op >> 12 == 9 else "add"
    if kind & 3 == 3:
        r.name += "a"
        r.ea(ALL, 2 if kind == 3 else 4)
    elif kind < 3:
        r.ea(ALL, SIZES[kind])
    elif op >> 4 & 3 == 0:
        r.name += "x"
    else:
        r.ea(MEMORY_ALTERABLE, SIZES[kind & 3])


def _line_b(r: InstructionReader) -> None:
    kind = r.opcode >> 6 & 7
    if kind & 3 == 3:
        r.name = "cmpa"
        r.ea(ALL, 2 if kind == 3 else 4)
    elif kind < 3:
        r.name = "cmp"
        r.ea(ALL, SIZES[kind])
    elif r.opcode >> 3 & 7 == 1:
        r.name = "cmpm"
    else:
        r.name = "eor"
        r.ea(DATA_ALTERABLE, SIZES[kind & 3])


def _line_c(r: InstructionReader) -> None:
    op = r.opcode
    kind = op >> 6 & 7
    if kind & 3 == 3:
        r.name = "mulu" if kind == 3 else "muls"
        r.ea(DATA, 2)
    elif op & 0x1F0 == 0x100:
        r.name = "abcd"
    elif op & 0x1F0 == 0x140 or op & 0x1F8 == 0x188:
        r.name = "exg"
    elif op & 0x1F0 == 0x180:
        raise Undefined
    else:
        _logic(r, "and")


_FIELDS = ("bftst", "bfextu", "bfchg", "bfexts", "bfclr", "bfffo", "bfset", "bfins")


def _line_e(r: InstructionReader) -> None:
    op = r.opcode
    if op >> 6 & 3 < 3:
        r.name = "shift"
    elif not op & 0x800:
        r.name = "shift"
        r.ea(MEMORY_ALTERABLE, 2)
    else:
        kind = op >> 8 & 7
        r.name = _FIELDS[kind]
        r.skip(2)
        reads = kind in (0, 1, 3, 5)
        r.ea((CONTROL if reads else CONTROL_ALTERABLE) | DATA_REGISTER, 4)


def _undefined(_: InstructionReader) -> None:
    raise Undefined


LINES: tuple[Callable[[InstructionReader], None], ...] = (
    _line_0,
    _move,
    _move,
    _move,
    _line_4,
    _line_5,
    _line_6,
    _line_7,
    _line_8,
    _add,
    _undefined,
    _line_b,
    _line_c,
    _add,
    _line_e,
)
