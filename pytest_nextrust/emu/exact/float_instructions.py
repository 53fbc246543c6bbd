"""The floating-point instructions: operands, registers and the status register around ``float_operations``.

Of the status register the condition codes and the quotient byte are kept, as the emulator keeps them; neither it nor
this notes exceptions, and none is taken. The instruction address register holds what software writes.

Boundary: each function executes one instruction whose opcode has been taken; it answers None or its exception's vector.
Source: M68000 Family Programmer's Reference Manual, sections 3.6 (condition codes and predicates) and 5.
"""

from __future__ import annotations

from pytest_nextrust.emu.exact.execution import DATA, Execution, OperandPlace, signed
from pytest_nextrust.emu.exact.extended import (
    DOUBLE,
    EXTENDED,
    INFINITY,
    SIGN,
    SINGLE,
    SINGLE_MANTISSA,
    Precision,
    Rounding,
    is_infinite,
    is_nan,
    is_zero,
    quiet,
)
from pytest_nextrust.emu.exact.float_formats import PACKED, SIZES, load, store, store_packed
from pytest_nextrust.emu.exact.float_operations import DYADIC, MONADIC, SINCOS, modulo, relation, transcendental
from pytest_nextrust.emu.exact.state import NAN
from pytest_nextrust.emu.registers import WORD
from pytest_nextrust.errors import HarnessFault

__all__ = [
    "COMPARE",
    "MODULO",
    "TEST",
    "branch",
    "codes_of",
    "decrement_and_branch",
    "general",
    "plain_operation",
    "predicate",
    "rounding_of",
    "set_byte",
    "source_of",
    "trap_on_condition",
]

FP_N, FP_Z, FP_I, FP_NAN = 8 << 24, 4 << 24, 2 << 24, 1 << 24
FP_CODES = FP_N | FP_Z | FP_I | FP_NAN
QUOTIENT = 0xFF << 16
FPCR_BITS, FPSR_BITS = 0xFFF0, 0x0FFF_FFF8
"""What of the control and the status register there is; the rest reads as zero."""

MODULO, REMAINDER, COMPARE, TEST = 0x21, 0x25, 0x38, 0x3A
SINGLE_OPERATIONS = frozenset({0x24, 0x27})
TRAPCC, LINE_F = 7, 11
PRECISIONS = (EXTENDED, SINGLE, DOUBLE, DOUBLE)


def plain_operation(operation: int) -> int:
    """The operation without the bits by which a 68040's rounds to single or double: FSADD becomes FADD."""
    if operation < 0x40:
        return operation
    return {0x41: 0x04, 0x45: 0x04}.get(operation, operation & 0x3B)


def own_precision(operation: int) -> Precision | None:
    """The precision that an operation rounds to whatever FPCR says."""
    if operation < 0x40:
        return SINGLE_MANTISSA if operation in SINGLE_OPERATIONS else None
    return DOUBLE if operation & 4 else SINGLE


def rounding_of(operation: int, fpcr: int) -> Rounding:
    """How the result of an operation is rounded."""
    own = own_precision(operation)
    return Rounding(fpcr >> 4 & 3, own if own is not None else PRECISIONS[fpcr >> 6 & 3])


def codes_of(number: int) -> int:
    """The condition codes of a result."""
    codes = FP_N if number >> 79 else 0
    if is_nan(number):
        return codes | FP_NAN
    if is_infinite(number):
        return codes | FP_I
    return codes | (FP_Z if is_zero(number) else 0)


def general(i: Execution, opcode: int) -> int | None:
    """Arithmetic, moves, and moves of the control registers."""
    word = i.word()
    kind = word >> 13
    if kind in (0, 2):
        _operate(i, word & 0x7F, word >> 7 & 7, source_of(i, opcode, word))
    elif kind == 3:
        _store(i, opcode, word)
    elif kind in (4, 5):
        _control_registers(i, opcode, word)
    else:
        raise HarnessFault("exact execution", "knows no FMOVEM of data registers", place=f"at 0x{i.start:08x}")
    return None


def source_of(i: Execution, opcode: int, word: int) -> int:
    """The source operand of an operation, extended."""
    form = word >> 10 & 7
    if word >> 13 == 0:
        return i.fp[form]
    return load(form, i.read(i.operand(opcode, SIZES[form])), i.fpcr >> 4 & 3)


def _operate(i: Execution, operation: int, register: int, source: int) -> None:
    plain, rounding, target = plain_operation(operation), rounding_of(operation, i.fpcr), i.fp[register]
    if plain == COMPARE:
        _set_codes(i, _compared(target, source))
        return
    if plain == TEST:
        _set_codes(i, codes_of(source))
        return
    if plain in (MODULO, REMAINDER):
        number, quotient = modulo(target, source, rounding, nearest=plain == REMAINDER)
        if quotient is not None:
            i.fpsr = i.fpsr & ~QUOTIENT | quotient << 16
    elif plain in DYADIC:
        if is_nan(target) or is_nan(source):
            number = quiet(target if is_nan(target) else source)
        else:
            number = DYADIC[plain](target, source, rounding)
    elif plain in MONADIC:
        number = quiet(source) if is_nan(source) else MONADIC[plain](source, rounding)
    else:
        number = _function(i, plain, source, rounding)
    if operation >= 0x40 and is_infinite(number):
        number = number & SIGN | INFINITY
    i.fp[register] = number
    _set_codes(i, codes_of(number))


def _function(i: Execution, operation: int, source: int, rounding: Rounding) -> int:
    number = transcendental(operation, source, rounding)
    if number is None:
        raise HarnessFault("exact execution", f"knows not function 0x{operation:02x} of this number")
    if operation in SINCOS:
        cosine = transcendental(0x1D, source, rounding)
        i.fp[operation & 7] = NAN if cosine is None else cosine
    return number


def _compared(target: int, source: int) -> int:
    if is_nan(target) or is_nan(source):
        return FP_NAN
    order = relation(target, source)
    return FP_N if order < 0 else 0 if order else FP_Z


def _set_codes(i: Execution, codes: int) -> None:
    i.fpsr = i.fpsr & ~FP_CODES | codes


def _store(i: Execution, opcode: int, word: int) -> None:
    form, number, mode = word >> 10 & 7, i.fp[word >> 7 & 7], i.fpcr >> 4 & 3
    if form in (PACKED, 7):
        factor = signed(word if form == PACKED else i.d[word >> 4 & 7], 7)
        i.write(i.operand(opcode, SIZES[PACKED]), store_packed(number, factor, mode))
    else:
        i.write(i.operand(opcode, SIZES[form]), store(form, number, mode))


def _control_registers(i: Execution, opcode: int, word: int) -> None:
    """In memory FPCR comes first, FPSR second, FPIAR last, whichever of them are moved."""
    selected = word >> 10 & 7
    place = i.operand(opcode, 4 * selected.bit_count())
    if word >> 13 == 4:
        _load_control(i, selected, i.read(place))
        return
    value = 0
    for bit, register in ((4, i.fpcr), (2, i.fpsr), (1, i.fpiar)):
        if selected & bit:
            value = value << 32 | register
    i.write(place, value)


def _load_control(i: Execution, selected: int, value: int) -> None:
    if selected & 1:
        i.fpiar, value = value & WORD, value >> 32
    if selected & 2:
        i.fpsr, value = value & FPSR_BITS, value >> 32
    if selected & 4:
        i.fpcr = value & FPCR_BITS


# -- conditions --------------------------------------------------------------------------------------------------------


def predicate(number: int, fpsr: int) -> bool:
    """Whether one of the 32 predicates holds; the upper sixteen differ only in an exception that is not taken."""
    n, z, nan = bool(fpsr & FP_N), bool(fpsr & FP_Z), bool(fpsr & FP_NAN)
    truths = (
        False,
        z,
        not (nan or z or n),
        z or not (nan or n),
        n and not (nan or z),
        z or (n and not nan),
        not (nan or z),
        not nan,
        nan,
        nan or z,
        nan or not (n or z),
        nan or z or not n,
        nan or (n and not z),
        nan or z or n,
        not z,
        True,
    )
    return truths[number & 15]


def branch(i: Execution, opcode: int) -> int | None:
    """FBcc."""
    here = i.here
    displacement = signed(i.take(4), 32) if opcode & 0x40 else signed(i.word(), 16)
    if opcode & 0x20:
        return LINE_F
    if predicate(opcode & 0x1F, i.fpsr):
        i.pc = here + displacement & WORD
    return None


def decrement_and_branch(i: Execution, opcode: int) -> int | None:
    """FDBcc: counts where the condition does not hold."""
    number = i.word()
    here = i.here
    displacement = signed(i.word(), 16)
    if number & 0x20:
        return LINE_F
    if not predicate(number, i.fpsr):
        counter = i.d[opcode & 7] - 1 & 0xFFFF
        i.write(OperandPlace(DATA, opcode & 7, 2), counter)
        if counter != 0xFFFF:
            i.pc = here + displacement & WORD
    return None


def set_byte(i: Execution, opcode: int) -> int | None:
    """FScc."""
    number = i.word()
    place = i.operand(opcode, 1)
    if number & 0x20:
        return LINE_F
    i.write(place, 0xFF if predicate(number, i.fpsr) else 0)
    return None


def trap_on_condition(i: Execution, opcode: int) -> int | None:
    """FTRAPcc with a word, a long or nothing behind it."""
    number = i.word()
    if opcode & 7 != 4:
        i.take(2 if opcode & 7 == 2 else 4)
    if number & 0x20:
        return LINE_F
    return TRAPCC if predicate(number, i.fpsr) else None
