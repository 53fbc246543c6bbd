"""What ADD and SUB do, in plain Python: result and condition codes (X 16, N 8, Z 4, V 2, C 1).

Source: M68000 Family Programmer's Reference Manual, the condition code entry of each instruction.
"""

from __future__ import annotations

__all__ = ["add", "signed", "sub"]

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
