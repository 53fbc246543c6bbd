"""The integer instructions that the emulator gets wrong or lacks, as the manual's operation entries say.

Boundary: each function executes one instruction whose opcode has been taken; it answers None, or the vector of the
exception that it takes. Which instruction is which is said by ``execute``.

Where the manual leaves a condition code undefined, it is what a 68040 was found to do, as QEMU's ``target/m68k``
notes: CHK leaves Z and V, CMP2 and CHK2 leave N and V; a division that overflows leaves N and clears Z.
Source: M68000 Family Programmer's Reference Manual, section 4.
"""

from __future__ import annotations

from pytest_nextrust.emu.exact.execution import DATA, SP, C, Execution, N, OperandPlace, V, X, Z, signed
from pytest_nextrust.emu.registers import WORD

__all__ = [
    "Division",
    "add_or_subtract_extended",
    "check",
    "compare_and_swap",
    "compare_two",
    "condition",
    "divide",
    "jump_to_subroutine",
    "link",
    "pack",
    "shift_in_memory",
    "trap_on_condition",
    "unlink",
    "unpack",
]

DIVIDE, CHK, TRAPV = 5, 6, 7
SIZES = (1, 2, 4)


def jump_to_subroutine(i: Execution, opcode: int) -> int | None:
    """JSR: the target is found before the return address is pushed."""
    target = i.operand(opcode, 4).at
    i.push(i.here)
    i.pc = target
    return None


def link(i: Execution, opcode: int) -> int | None:
    """LINK: of a7 the value is pushed that the push itself has made."""
    displacement = signed(i.take(4), 32) if opcode & 0xFFF8 == 0x4808 else signed(i.word(), 16)
    place = i.predecrement(SP, 4)
    i.write(place, i.a[opcode & 7])
    i.a[opcode & 7] = i.a[SP]
    i.a[SP] = i.a[SP] + displacement & WORD
    return None


def unlink(i: Execution, opcode: int) -> int | None:
    """UNLK: a7 keeps what was loaded into it, as the load is the last that is done."""
    i.a[SP] = i.a[opcode & 7]
    value = i.read(i.postincrement(SP, 4))
    i.a[opcode & 7] = value
    return None


def add_or_subtract_extended(i: Execution, opcode: int) -> int | None:
    """ADDX and SUBX, from register to register and in memory. Z is only ever cleared."""
    size = SIZES[opcode >> 6 & 3]
    mode = 4 << 3 if opcode & 8 else 0
    right = i.read(i.operand(mode | opcode & 7, size))
    place = i.operand(mode | opcode >> 9 & 7, size)
    left = i.read(place)
    extend, bits = i.ccr >> 4 & 1, 8 * size
    result, codes = _add(left, right, extend, bits) if opcode >> 12 == 0xD else _subtract(left, right, extend, bits)
    if codes & Z and not i.ccr & Z:
        codes &= ~Z
    i.ccr = codes
    i.write(place, result)
    return None


def _add(left: int, right: int, extend: int, bits: int) -> tuple[int, int]:
    total = left + right + extend
    result = total & (1 << bits) - 1
    return result, _codes(total, result, signed(left, bits) + signed(right, bits) + extend, bits)


def _subtract(left: int, right: int, extend: int, bits: int) -> tuple[int, int]:
    total = left - right - extend
    result = total & (1 << bits) - 1
    return result, _codes(total, result, signed(left, bits) - signed(right, bits) - extend, bits)


def _codes(total: int, result: int, true: int, bits: int) -> int:
    """All five: carry where the unsigned sum does not fit, overflow where the signed one does not."""
    codes = (X | C if total != result else 0) | (V if true != signed(result, bits) else 0)
    return codes | (N if result >> bits - 1 else 0) | (0 if result else Z)


def compare_and_swap(i: Execution, opcode: int) -> int | None:
    """CAS: the codes of a comparison; where it is equal the operand is updated, else the register takes the operand.

    The cycle is a locked one, which a page that may not be written refuses in either case: where nothing changes the
    operand is stored as it was.
    """
    size = SIZES[(opcode >> 9 & 3) - 1]
    extension = i.word()
    place = i.operand(opcode, size)
    bits = 8 * size
    left, right = i.read(place), i.d[extension & 7] & (1 << bits) - 1
    _, codes = _subtract(left, right, 0, bits)
    i.ccr = i.ccr & X | codes & ~X
    if left == right:
        i.write(place, i.d[extension >> 6 & 7])
    else:
        i.write(place, left)
        i.write(OperandPlace(DATA, extension & 7, size), left)
    return None


def shift_in_memory(i: Execution, opcode: int) -> int | None:
    """ASL, ASR, LSL and LSR of a word in memory by one: V where an arithmetic shift changes the sign."""
    place = i.operand(opcode, 2)
    value = i.read(place)
    logical = opcode & 0x200
    if opcode & 0x100:
        result, out = value << 1 & 0xFFFF, value & 0x8000
    else:
        result, out = value >> 1 | (0 if logical else value & 0x8000), value & 1
    i.ccr = (X | C if out else 0) | (V if not logical and (value ^ result) & 0x8000 else 0)
    i.ccr |= (N if result & 0x8000 else 0) | (0 if result else Z)
    i.write(place, result)
    return None


def check(i: Execution, opcode: int) -> int | None:
    """CHK of a word or a long against 0 and a bound."""
    size = 2 if opcode & 0x80 else 4
    bits = 8 * size
    bound = signed(i.read(i.operand(opcode, size)), bits)
    value = signed(i.d[opcode >> 9 & 7], bits)
    outside = value < 0 or value > bound if bound >= 0 else bound < value < 0
    i.ccr = i.ccr & (X | Z | V) | (N if value < 0 else 0) | (C if outside else 0)
    return CHK if value < 0 or value > bound else None


def compare_two(i: Execution, opcode: int) -> int | None:
    """CMP2 and CHK2. One comparison serves signed and unsigned bounds: those out of order go round the end."""
    size = SIZES[opcode >> 9 & 3]
    extension = i.word()
    place = i.operand(opcode, 2 * size)
    bounds = i.read(place)
    bits = 8 * size
    low, high = signed(bounds >> bits, bits), signed(bounds, bits)
    number = extension >> 12
    value = signed(i.a[number & 7], 32) if number & 8 else signed(i.d[number], bits)
    outside = value < low or value > high if low <= high else high < value < low
    i.ccr = i.ccr & (X | N | V) | (Z if value in (low, high) else 0) | (C if outside else 0)
    return CHK if outside and extension & 0x800 else None


def condition(number: int, ccr: int) -> bool:
    """Whether the condition in four bits of an opcode holds."""
    c, v, z, n = bool(ccr & C), bool(ccr & V), bool(ccr & Z), bool(ccr & N)
    truths = (True, not (c or z), not c, not z, not v, not n, n == v, n == v and not z)
    return truths[number >> 1] != bool(number & 1)


def trap_on_condition(i: Execution, opcode: int) -> int | None:
    """TRAPcc with a word, a long or nothing behind it."""
    kind = opcode & 7
    if kind != 4:
        i.take(2 if kind == 2 else 4)
    return TRAPV if condition(opcode >> 8 & 15, i.ccr) else None


def pack(i: Execution, opcode: int) -> int | None:
    """PACK: two digits in two bytes become two digits in one."""
    adjustment = i.word()
    source, target = opcode & 7, opcode >> 9 & 7
    if opcode & 8:
        low = i.read(i.predecrement(source, 1))
        value = i.read(i.predecrement(source, 1)) << 8 | low
        place = i.predecrement(target, 1)
    else:
        value, place = i.d[source], i.operand(target, 1)
    value += adjustment
    i.write(place, value >> 4 & 0xF0 | value & 0x0F)
    return None


def unpack(i: Execution, opcode: int) -> int | None:
    """UNPK: two digits in one byte become two digits in two."""
    adjustment = i.word()
    source, target = opcode & 7, opcode >> 9 & 7
    value = i.read(i.predecrement(source, 1)) if opcode & 8 else i.d[source]
    value = (value << 4 & 0x0F00 | value & 0x0F) + adjustment
    if opcode & 8:
        i.write(i.predecrement(target, 1), value)
        i.write(i.predecrement(target, 1), value >> 8)
    else:
        i.write(i.operand(target, 2), value)
    return None


# -- division ----------------------------------------------------------------------------------------------------------


class Division:
    """A division's operands, read: which registers it changes, and what by what.

    ``bits`` are the quotient's, ``width`` the dividend's.
    """

    __slots__ = ("bits", "dividend", "divisor", "is_signed", "quotient_register", "remainder_register", "width")

    def __init__(self, i: Execution, opcode: int) -> None:
        if opcode >> 12 == 8:
            self.bits, self.is_signed = 16, bool(opcode & 0x100)
            self.quotient_register = self.remainder_register = opcode >> 9 & 7
            divisor, dividend, self.width = i.read(i.operand(opcode, 2)), i.d[self.quotient_register], 32
        else:
            extension = i.word()
            self.bits, self.is_signed = 32, bool(extension & 0x800)
            self.quotient_register, self.remainder_register = extension >> 12 & 7, extension & 7
            divisor, dividend, self.width = i.read(i.operand(opcode, 4)), i.d[self.quotient_register], 32
            if extension & 0x400:
                dividend, self.width = dividend | i.d[self.remainder_register] << 32, 64
        self.dividend = signed(dividend, self.width) if self.is_signed else dividend
        self.divisor = signed(divisor, self.bits) if self.is_signed else divisor

    def divide(self) -> tuple[int, int] | None:
        """Quotient, rounded towards zero, and remainder, which has the dividend's sign. None: it does not fit."""
        quotient, remainder = divmod(abs(self.dividend), abs(self.divisor))
        if (self.dividend < 0) != (self.divisor < 0):
            quotient = -quotient
        if self.dividend < 0:
            remainder = -remainder
        least = -1 << self.bits - 1 if self.is_signed else 0
        return (quotient, remainder) if least <= quotient < least + (1 << self.bits) else None


def divide(i: Execution, opcode: int) -> int | None:
    """DIVS, DIVU, DIVSL and DIVUL in every size."""
    operands = Division(i, opcode)
    if not operands.divisor:
        i.ccr &= ~C
        return DIVIDE
    answer = operands.divide()
    if answer is None:
        i.ccr = i.ccr & (X | N) | V
        return None
    quotient, remainder = answer
    bits, mask = operands.bits, (1 << operands.bits) - 1
    if bits == 16:
        i.d[operands.quotient_register] = (remainder & mask) << 16 | quotient & mask
    else:
        i.d[operands.remainder_register] = remainder & mask
        i.d[operands.quotient_register] = quotient & mask
    i.ccr = i.ccr & X | (N if (quotient & mask) >> bits - 1 else 0) | (0 if quotient else Z)
    return None
