"""Decoders of line F: the floating-point instructions, the 68030's MMU, and the 68040's caches and move16.

Boundary and source: see ``decode``. Transcendental functions count as had by both CPUs: a 68040's operating system
executes them for it (NeXT's kernel holds Motorola's FPSP).
"""

from __future__ import annotations

from pytest_nextrust.isa.operands import (
    CONTROL,
    CONTROL_ALTERABLE,
    DATA,
    DATA_ALTERABLE,
    M68030,
    M68040,
    InstructionReader,
    Undefined,
    signed,
)

__all__ = ["TRANSCENDENTAL", "line_f"]

PRIVILEGE, LINE_F = 8, 11
POSTINCREMENT, PREDECREMENT, DATA_REGISTER, ADDRESS_REGISTER = 1 << 3, 1 << 4, 1, 2
ALL_MODES = (1 << 12) - 1
IMMEDIATE = 11
NO_CONDITION = 0x20
"""The bit that none of the 32 conditions has: the instruction is none of the floating-point unit's."""

FORMAT_SIZES = (4, 4, 12, 12, 2, 8, 1)
"""Bytes of each source format: long, single, extended, packed, word, double, byte."""
IN_REGISTERS = frozenset({0, 1, 4, 6})
"""The formats that fit a data register."""
PACKED = frozenset({3, 7})

M68882_OPERATIONS = frozenset(
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x14, 0x15, 0x16}
    | {0x18, 0x19, 0x1A, 0x1C, 0x1D, 0x1E, 0x1F, 0x38, 0x3A}
    | set(range(0x20, 0x29))
    | set(range(0x30, 0x38))
)
M68040_OPERATIONS = frozenset(
    {0x40, 0x41, 0x44, 0x45, 0x58, 0x5A, 0x5C, 0x5E, 0x60, 0x62, 0x63, 0x64, 0x66, 0x67, 0x68, 0x6C}
)
"""Arithmetic that rounds to single or double whatever the control register says."""

ETOXM1 = 0x08
TRANSCENDENTAL = frozenset(
    {0x02, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x19, 0x1C, 0x1D}
    | set(range(0x30, 0x38))
)


def line_f(r: InstructionReader) -> None:
    """Decode one line-F instruction."""
    op = r.opcode
    coprocessor = op >> 9 & 7
    if coprocessor == 1:
        _fpu(r)
    elif coprocessor == 0:
        _mmu(r)
    elif coprocessor == 2:
        _maintenance(r)
    elif coprocessor == 3:
        _move16(r)
    else:
        raise Undefined


def _fpu(r: InstructionReader) -> None:
    kind = r.opcode >> 6 & 7
    if kind == 0:
        _general(r)
    elif kind == 1:
        _conditional(r)
    elif kind in (2, 3):
        r.name = "fbcc"
        if r.opcode & NO_CONDITION:
            r.flow, r.vector = "stop", LINE_F
            return
        r.branch(signed(r.word(), 16) if kind == 2 else signed(r.long(), 32), "branch")
        if r.opcode & 0x7F == 0 and r.target == r.pc + 2:
            r.name, r.flow, r.target = "fnop", "next", None
    elif kind == 4:
        r.name, r.vector = "fsave", PRIVILEGE
        r.ea(CONTROL_ALTERABLE | PREDECREMENT, 4)
    elif kind == 5:
        r.name, r.vector = "frestore", PRIVILEGE
        r.ea(CONTROL | POSTINCREMENT, 4)
    else:
        raise Undefined


def _conditional(r: InstructionReader) -> None:
    mode, register = r.opcode >> 3 & 7, r.opcode & 7
    condition = r.word()
    r.name = "fdbcc" if mode == 1 else "ftrapcc" if mode == 7 and register in (2, 3, 4) else "fscc"
    if condition & NO_CONDITION:
        r.flow, r.vector = "stop", LINE_F
        return
    if mode == 1:
        here = r.at
        r.branch(signed(r.word(), 16) + here - 2, "branch")
    elif r.name == "ftrapcc":
        r.skip((2, 4, 0)[register - 2])
    else:
        r.ea(DATA_ALTERABLE, 1)


def _general(r: InstructionReader) -> None:
    r.name = "fp"
    extension = r.word()
    kind = extension >> 13
    if kind == 0:
        if r.opcode & 0x3F:
            raise Undefined
        _operation(r, extension)
    elif kind == 2:
        _from_memory(r, extension)
    elif kind == 3:
        _to_memory(r, extension)
    elif kind in (4, 5):
        _control_registers(r, extension)
    elif kind in (6, 7):
        _movem(r, extension)
    else:
        raise Undefined


def _operation(r: InstructionReader, extension: int) -> None:
    operation = extension & 0x7F
    if operation in M68040_OPERATIONS:
        r.cpus, r.name = M68040, "fp with its own rounding"
    elif operation not in M68882_OPERATIONS:
        raise Undefined


def _from_memory(r: InstructionReader, extension: int) -> None:
    form = extension >> 10 & 7
    if form == 7:
        if r.opcode & 0x3F:
            raise Undefined
        r.name = "fmovecr"
        return
    _operation(r, extension)
    if form in PACKED:
        r.name = "fp packed decimal"
        if extension & 0x7F in TRANSCENDENTAL - {ETOXM1}:
            r.limit = "the emulator does not have it, and nothing else computes the function"
    _fp_operand(r, form, DATA)


def _to_memory(r: InstructionReader, extension: int) -> None:
    form = extension >> 10 & 7
    r.name = "fmove"
    if form in PACKED:
        r.name = "fmove packed decimal"
    elif extension & 0x7F:
        raise Undefined
    _fp_operand(r, 3 if form == 7 else form, DATA_ALTERABLE)


def _fp_operand(r: InstructionReader, form: int, allowed: int) -> None:
    if form not in IN_REGISTERS:
        allowed &= ~DATA_REGISTER
    r.ea(allowed, FORMAT_SIZES[form])
    r.refs.clear()


def _control_registers(r: InstructionReader, extension: int) -> None:
    r.name = "fmovem control"
    selected = extension >> 10 & 7
    if extension & 0x3FF or not selected:
        raise Undefined
    count = selected.bit_count()
    allowed = ALL_MODES if extension >> 13 == 4 else ALL_MODES & ~(1 << 9 | 1 << 10 | 1 << 11)
    if count > 1:
        allowed &= ~DATA_REGISTER
    if selected != 1:
        allowed &= ~ADDRESS_REGISTER
    r.ea(allowed, 4 * count)
    r.refs.clear()


def _movem(r: InstructionReader, extension: int) -> None:
    r.name = "fmovem"
    if extension & 0x0700:
        raise Undefined
    to_memory = extension >> 13 == 7
    r.ea((CONTROL_ALTERABLE | PREDECREMENT) if to_memory else (CONTROL | POSTINCREMENT), 4)


def _mmu(r: InstructionReader) -> None:
    """The 68030's pmove, pflush, pload and ptest: privileged, all of them."""
    if r.opcode >> 6 & 7:
        raise Undefined
    r.name, r.cpus, r.vector = "mmu", M68030, PRIVILEGE
    r.word()
    r.ea(ALL_MODES, 4)


def _maintenance(r: InstructionReader) -> None:
    """The 68040's cinv, cpush, pflush and ptest: privileged."""
    op = r.opcode
    r.name, r.cpus, r.vector = "cache or page maintenance", M68040, PRIVILEGE
    if op < 0xF500:
        if not op >> 3 & 3:
            raise Undefined
    elif op & 0xE0 and op & 0xD8 != 0x48:
        raise Undefined


def _move16(r: InstructionReader) -> None:
    op = r.opcode
    r.name, r.cpus = "move16", M68040
    if op & 0x1F8 == 0x20:
        if r.word() & 0x8FFF != 0x8000:
            raise Undefined
    elif op & 0x1E0 == 0:
        r.skip(4)
    else:
        raise Undefined
