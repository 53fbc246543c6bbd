"""What m68k instructions do, in plain Python, for the gate's expectations. Nothing here knows the emulator.

Boundary: integers in, (result, condition codes) out; codes are X 16, N 8, Z 4, V 2, C 1.
Source: M68000 Family Programmer's Reference Manual, the operation and condition code entry of each instruction.
"""

from __future__ import annotations

__all__ = [
    "add",
    "bcd_add",
    "bcd_sub",
    "bit_field",
    "condition",
    "divide",
    "logic",
    "multiply",
    "nz",
    "shift",
    "signed",
    "sub",
]

C, V, Z, N, X = 1, 2, 4, 8, 16


def signed(value: int, bits: int) -> int:
    """Two's complement of ``bits`` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def nz(result: int, bits: int) -> int:
    """N and Z of a result."""
    return (N if result >> (bits - 1) & 1 else 0) | (Z if result == 0 else 0)


def add(left: int, right: int, bits: int, ccr: int, *, extend: bool = False) -> tuple[int, int]:
    """ADD, and ADDX, whose Z only ever goes away."""
    carry_in = 1 if extend and ccr & X else 0
    total = left + right + carry_in
    result = total & (1 << bits) - 1
    true = signed(left, bits) + signed(right, bits) + carry_in
    return result, _arithmetic(result, bits, ccr, total >> bits != 0, true, extend)


def sub(left: int, right: int, bits: int, ccr: int, *, extend: bool = False) -> tuple[int, int]:
    """SUB (left - right), and SUBX."""
    borrow_in = 1 if extend and ccr & X else 0
    result = left - right - borrow_in & (1 << bits) - 1
    true = signed(left, bits) - signed(right, bits) - borrow_in
    return result, _arithmetic(result, bits, ccr, left < right + borrow_in, true, extend)


def _arithmetic(result: int, bits: int, ccr: int, carry: bool, true: int, extend: bool) -> int:
    codes = nz(result, bits) | (C | X if carry else 0) | (V if true != signed(result, bits) else 0)
    if extend and result == 0:
        codes = codes & ~Z | ccr & Z
    return codes


def logic(result: int, bits: int, ccr: int) -> int:
    """The codes of AND, OR, EOR, NOT, MOVE and TST: X stays."""
    return ccr & X | nz(result, bits)


def shift(kind: str, left: bool, value: int, count: int, bits: int, ccr: int) -> tuple[int, int]:
    """ASx, LSx, ROx and ROXx by ``count`` (0-63), one bit at a time as the manual draws it."""
    mask, top = (1 << bits) - 1, 1 << (bits - 1)
    extend, carry, overflow = bool(ccr & X), False, False
    if kind == "rox":
        carry = extend
    for _ in range(count):
        before = value
        out = bool(value & (top if left else 1))
        fill = {"as": not left and bool(value & top), "ls": False, "rox": extend, "ro": out}[kind]
        value = (value << 1 & mask | fill) if left else (value >> 1 | (top if fill else 0))
        carry = out
        if kind != "ro":
            extend = out
        overflow |= kind == "as" and bool((before ^ value) & top)
    return value, nz(value, bits) | (C if carry else 0) | (X if extend else 0) | (V if overflow else 0)


def multiply(left: int, right: int, bits: int, is_signed: bool) -> int:
    """The product of two ``bits``-bit values, of twice the width."""
    if is_signed:
        left, right = signed(left, bits), signed(right, bits)
    return left * right & (1 << 2 * bits) - 1


def divide(dividend: int, divisor: int, bits: int, is_signed: bool, wide: int) -> tuple[int, int] | None:
    """(quotient, remainder) of a ``wide``-bit by a ``bits``-bit value, truncated; None where it overflows."""
    mask = (1 << bits) - 1
    if is_signed:
        dividend, divisor = signed(dividend, wide), signed(divisor, bits)
    quotient = abs(dividend) // abs(divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    remainder = dividend - quotient * divisor
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, mask)
    return (quotient & mask, remainder & mask) if low <= quotient <= high else None


def condition(number: int, ccr: int) -> bool:
    """The sixteen conditions in encoding order."""
    c, v, z, n = bool(ccr & C), bool(ccr & V), bool(ccr & Z), bool(ccr & N)
    half = number >> 1
    truths = (True, not c and not z, not c, not z, not v, not n, n == v, not z and n == v)
    return truths[half] != bool(number & 1)


def bit_field(value: int, offset: int, width: int) -> int:
    """The field of a 32-bit register, offset counted from bit 31 and wrapping."""
    turned = (value << offset | value >> (32 - offset)) & 0xFFFF_FFFF if offset else value
    return turned >> (32 - width)


def bcd_add(left: int, right: int, extend: int) -> tuple[int, bool]:
    """ABCD of two valid packed decimal bytes: (result, carry)."""
    total = _decimal(left) + _decimal(right) + extend
    return _packed(total % 100), total > 99


def bcd_sub(left: int, right: int, extend: int) -> tuple[int, bool]:
    """SBCD of two valid packed decimal bytes: (result, borrow)."""
    total = _decimal(left) - _decimal(right) - extend
    return _packed(total % 100), total < 0


def _decimal(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)


def _packed(value: int) -> int:
    return value // 10 << 4 | value % 10
