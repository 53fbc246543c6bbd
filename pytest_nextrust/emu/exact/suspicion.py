"""Which instructions the emulator must not be left alone with: by their words, and by the operands they meet.

Boundary: tells; ``execute`` does. The answers are as narrow as measurements against qemu-m68k and Musashi allow: what
is not named here the emulator does rightly (tests/unit/emu_exact).
"""

from __future__ import annotations

from typing import Literal

from pytest_nextrust.emu.exact.execution import Execution
from pytest_nextrust.emu.exact.extended import DOUBLE, EXTENDED, SINGLE, is_plain
from pytest_nextrust.emu.exact.float_formats import PACKED, SIZES
from pytest_nextrust.emu.exact.float_instructions import COMPARE, TEST, plain_operation, rounding_of, source_of
from pytest_nextrust.emu.exact.float_operations import DYADIC, ETOXM1, MONADIC, transcendental
from pytest_nextrust.emu.exact.integer import Division
from pytest_nextrust.emu.exact.state import Bus, MachineState
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.isa.decode import CPU_BITS, decode
from pytest_nextrust.isa.decode_fpu import TRANSCENDENTAL

__all__ = ["Watch", "division_overflows", "float_is_special", "watch"]

Watch = Literal["always", "division", "float", ""]
"""What has to be looked at before the emulator may execute an instruction: it never may; the operands of a division;
those of a floating-point instruction; nothing."""

A7_INDIRECT, LINK_A7, LINK_LONG_A7, UNLK_A7 = 0x4E97, 0x4E57, 0x480F, 0x4E5F
SHIFTS_IN_MEMORY = frozenset({0xE0C0, 0xE1C0, 0xE2C0})
"""ASR, ASL and LSR: the emulator takes them for logical or arithmetic by a bit of the operand's mode, and sets no V."""
IMMEDIATE = 0x3C
WORD, BYTE = 4, 6
LINE_F = 11
QUOTIENTS = frozenset({0x21, 0x25})
"""FMOD and FREM: the emulator's quotient byte is that of a rounded quotient, and cut where that is large."""
BOTH = frozenset({*DYADIC, COMPARE})
SCALE, LARGE_SCALE = 0x26, 0x3FFF + 12
UNROUNDED = frozenset({0x00, 0x01, 0x03, SCALE})
REACH = {EXTENDED: 8190, DOUBLE: 510, SINGLE: 62}
"""Exponents of operands either way with which no product and no quotient leaves the range of the precision."""
MONADIC_REACH = 16382
NAMES = frozenset({"cmp2/chk2", "trapcc", "pack", "unpk"})


def watch(code: bytes, cpu: str) -> Watch:
    """What to look at before the emulator executes the instruction that ``code`` starts with on ``cpu``.

    Nothing for what the CPU does not have, or may not have with this operand: that is an exception.
    """
    decoded = decode(code, 0)
    if decoded is not None and decoded.vector == LINE_F:
        return "always"  # Of such a condition the emulator dies.
    if decoded is None or decoded.invalid or decoded.vector is not None or not decoded.cpus & CPU_BITS[cpu]:
        return ""
    opcode = int.from_bytes(code[:2], "big")
    if opcode & 0xFE00 == 0xF200:
        return _float_watch(opcode, int.from_bytes(code[2:4], "big"))
    if decoded.name in NAMES or opcode in (A7_INDIRECT, LINK_A7, LINK_LONG_A7, UNLK_A7):
        return "always"
    if decoded.name == "chk" and _moves_a_register(opcode):
        return "always"
    if opcode & 0xFFC0 in SHIFTS_IN_MEMORY or _moves_a7_by_one(opcode):
        return "always"
    if decoded.name in ("divs", "divu", "div.l") and (_is_signed(opcode, code) or _moves_a_register(opcode)):
        return "division"
    return ""


def _float_watch(opcode: int, word: int) -> Watch:
    kind, mode = opcode >> 6 & 7, opcode >> 3 & 7
    if kind == 1:
        # FScc the emulator has; FDBcc and FTRAPcc it has not.
        return "always" if mode == 1 or (mode == 7 and opcode & 7 in (2, 3, 4)) else ""
    if kind:
        return ""
    what, form = word >> 13, word >> 10 & 7
    if what in (4, 5):
        alone = form in (2, 4) and mode != 4 and opcode & 0x3F != IMMEDIATE
        return "" if alone else "always"
    if what == 3:
        return "always" if form in (PACKED, 7) or _narrow_store(form, mode) or _a7_by_one(opcode, form) else "float"
    if what == 0 or (what == 2 and form != 7):
        operation = word & 0x7F
        if operation == ETOXM1:
            return "always"
        exactly = operation in QUOTIENTS or (what == 2 and (form == PACKED or _a7_by_one(opcode, form)))
        if exactly and operation in TRANSCENDENTAL:
            # Of an ordinary number only the emulator has the function; a packed decimal it has not.
            return "" if form == PACKED else "float"
        return "always" if exactly else "float"
    return ""


def _narrow_store(form: int, mode: int) -> bool:
    """A byte or a word into a data register, of which the emulator changes all."""
    return mode == 0 and form in (WORD, BYTE)


def _a7_by_one(opcode: int, form: int) -> bool:
    """A byte at (a7)+ or -(a7), which the emulator moves by one."""
    return form == BYTE and opcode & 0x3F in (0x1F, 0x27)


def _moves_a7_by_one(opcode: int) -> bool:
    """ADDX and SUBX of bytes at -(a7), on either side; CAS of a byte at (a7)+ and -(a7)."""
    if opcode in (0x0ADF, 0x0AE7):
        return True
    extended = opcode >> 12 in (0x9, 0xD) and opcode & 0x1F8 == 0x108
    return extended and (opcode & 7 == 7 or opcode >> 9 & 7 == 7)


def _is_signed(opcode: int, code: bytes) -> bool:
    return bool(opcode & 0x100 if opcode >> 12 == 8 else code[2] & 0x08)


def _moves_a_register(opcode: int) -> bool:
    return opcode >> 3 & 7 in (3, 4)


def division_overflows(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether the emulator must not divide: the least integer by -1, which kills it; or by zero with (An)+ or -(An).

    There it leaves the register where it was, though the exception is taken behind the instruction.
    """
    execution = Execution(state, code, bus)
    try:
        opcode = execution.word()
        division = Division(execution, opcode)
    except GuestFault:
        return False  # The emulator faults as the CPU does.
    if not division.divisor:
        return _moves_a_register(opcode)
    return division.divisor == -1 and division.dividend == -1 << division.width - 1


def float_is_special(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether the emulator gets this floating-point instruction wrong with the operands that it meets.

    It is right for zeros and normalised numbers where the result is such a number too. Numbers so large or so small
    that it might not be are special as well: near the ends of the range of the precision that is rounded to.
    """
    execution = Execution(state, code, bus)
    opcode, word = execution.word(), execution.word()
    if word >> 13 == 3:
        return _store_is_special(word >> 10 & 7, state.fp[word >> 7 & 7])
    try:
        source = source_of(execution, opcode, word)
    except GuestFault:
        return False  # The emulator faults as the CPU does.
    operation = plain_operation(word & 0x7F)
    rounding = rounding_of(word & 0x7F, state.fpcr)
    target = state.fp[word >> 7 & 7]
    if operation not in DYADIC and operation not in MONADIC and operation not in (COMPARE, TEST):
        return not is_plain(source) and transcendental(operation, source, rounding) is not None
    reach = REACH.get(rounding.precision, REACH[EXTENDED])
    if operation not in DYADIC and reach == REACH[EXTENDED]:
        reach = MONADIC_REACH
    if not is_plain(source, reach) or (operation in BOTH and not is_plain(target, reach)):
        return True
    if operation == SCALE and source >> 64 & 0x7FFF >= LARGE_SCALE:
        return True
    # To these the emulator applies no precision but extended.
    return word & 0x7F in UNROUNDED and rounding.precision != EXTENDED


def _store_is_special(form: int, number: int) -> bool:
    if not is_plain(number):
        return True
    # An integer too large is cut and not the greatest.
    return form in (WORD, BYTE) and number >> 64 & 0x7FFF >= 0x3FFF + 8 * SIZES[form] - 1
