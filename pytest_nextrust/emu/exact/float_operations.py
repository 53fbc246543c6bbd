"""The arithmetic of the floating-point unit, on extended numbers, exact but for one rounding.

Boundary: numbers in, number out; operands, registers and condition codes are ``float_instructions``. Of the
transcendental functions only limits are here: of infinities, of NaNs, and of numbers so small that the function is its
first term; but FETOXM1, which the emulator lacks, is whole.

Where an operand is a NaN, it is the result, made quiet; of two the destination's. An invalid operation gives the NaN of
the unit. What the manual leaves open (the integer bit of an infinity that is made) is 0.
Source: M68000 Family Programmer's Reference Manual, sections 1.6.5 and 5, the operation table of each instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from math import isqrt
from typing import NamedTuple

from pytest_nextrust.emu.exact.extended import (
    INFINITY,
    SIGN,
    TO_MINUS,
    TO_ZERO,
    Rounding,
    finite,
    integer_of,
    is_infinite,
    is_nan,
    is_zero,
    quiet,
    round_to_integer,
    rounded,
    signed_zero,
)
from pytest_nextrust.emu.exact.state import NAN

__all__ = ["DYADIC", "ETOXM1", "MONADIC", "Remainder", "modulo", "relation", "transcendental"]

GUARD = 140
"""Bits of a quotient or a root that are computed before what is left over counts as one more."""
LARGEST_SCALE = 1 << 16


class Remainder(NamedTuple):
    """Result of FMOD and FREM, and the quotient byte: sign and the low seven bits; None where it stays."""

    number: int
    quotient: int | None


def _sign(number: int) -> int:
    return number >> 79


def _nan_of(target: int, source: int) -> int:
    return quiet(target if is_nan(target) else source)


# -- two operands ------------------------------------------------------------------------------------------------------


def add(target: int, source: int, rounding: Rounding) -> int:
    """FADD."""
    if is_infinite(target) or is_infinite(source):
        if is_infinite(target) and is_infinite(source) and _sign(target) != _sign(source):
            return NAN
        return _sign(target if is_infinite(target) else source) << 79 | INFINITY
    sign, left, left_exponent = finite(target)
    other, right, right_exponent = finite(source)
    if not left and not right:
        return signed_zero(sign if sign == other else rounding.mode == TO_MINUS)
    exponent = min(left_exponent if left else right_exponent, right_exponent if right else left_exponent)
    total = (-left if sign else left) << left_exponent - exponent if left else 0
    total += (-right if other else right) << right_exponent - exponent if right else 0
    if not total:
        return signed_zero(rounding.mode == TO_MINUS)
    return rounded(int(total < 0), abs(total), exponent, rounding)


def subtract(target: int, source: int, rounding: Rounding) -> int:
    """FSUB."""
    return add(target, source ^ SIGN, rounding)


def multiply(target: int, source: int, rounding: Rounding) -> int:
    """FMUL."""
    sign = _sign(target) ^ _sign(source)
    if is_infinite(target) or is_infinite(source):
        return NAN if is_zero(target) or is_zero(source) else sign << 79 | INFINITY
    _, left, left_exponent = finite(target)
    _, right, right_exponent = finite(source)
    return rounded(sign, left * right, left_exponent + right_exponent, rounding)


def multiply_single(target: int, source: int, rounding: Rounding) -> int:
    """FSGLMUL: of each mantissa the upper 24 bits count."""
    return multiply(_cut(target), _cut(source), rounding)


def _cut(number: int) -> int:
    if is_infinite(number) or is_zero(number):
        return number
    sign, mantissa, exponent = finite(number)
    lost = max(mantissa.bit_length() - 24, 0)
    return rounded(sign, mantissa >> lost, exponent + lost, Rounding())


def divide(target: int, source: int, rounding: Rounding) -> int:
    """FDIV: target by source."""
    sign = _sign(target) ^ _sign(source)
    if is_infinite(target):
        return NAN if is_infinite(source) else sign << 79 | INFINITY
    if is_infinite(source):
        return signed_zero(sign)
    if is_zero(source):
        return NAN if is_zero(target) else sign << 79 | INFINITY
    _, left, left_exponent = finite(target)
    _, right, right_exponent = finite(source)
    quotient, rest = divmod(left << GUARD, right)
    return rounded(sign, quotient << 1 | bool(rest), left_exponent - right_exponent - GUARD - 1, rounding)


def divide_single(target: int, source: int, rounding: Rounding) -> int:
    """FSGLDIV: of each mantissa the upper 24 bits count."""
    return divide(_cut(target), _cut(source), rounding)


def scale(target: int, source: int, rounding: Rounding) -> int:
    """FSCALE: the exponent of the target plus the source, cut to an integer."""
    if is_infinite(source):
        return NAN
    if is_infinite(target):
        return _sign(target) << 79 | INFINITY
    sign, mantissa, exponent = finite(source)
    by = LARGEST_SCALE if exponent > 0 else min(integer_of(sign, mantissa, exponent, TO_ZERO), LARGEST_SCALE)
    negative, mantissa, exponent = finite(target)
    return rounded(negative, mantissa, exponent + (-by if sign else by), rounding)


def modulo(target: int, source: int, rounding: Rounding, *, nearest: bool) -> Remainder:
    """FMOD, and FREM, whose quotient is rounded to nearest."""
    if is_nan(target) or is_nan(source):
        return Remainder(_nan_of(target, source), None)
    if is_infinite(target) or is_zero(source):
        return Remainder(NAN, None)
    sign = (_sign(target) ^ _sign(source)) << 7
    negative, left, left_exponent = finite(target)
    if is_infinite(source):
        return Remainder(rounded(negative, left, left_exponent, rounding), sign)
    _, right, right_exponent = finite(source)
    exponent = min(left_exponent, right_exponent)
    divisor = right << right_exponent - exponent
    quotient, rest = divmod(left << left_exponent - exponent, divisor)
    if nearest and (2 * rest > divisor or (2 * rest == divisor and quotient & 1)):
        quotient, rest = quotient + 1, rest - divisor
    result_sign = negative ^ (rest < 0)
    number = rounded(result_sign, abs(rest), exponent, rounding) if rest else signed_zero(negative)
    return Remainder(number, sign | quotient & 0x7F)


def relation(target: int, source: int) -> int:
    """Of two numbers that are no NaNs: less than 0, 0 or more, as the target is below, at or above the source."""
    left, right = _order(target), _order(source)
    return (left > right) - (left < right)


def _order(number: int) -> tuple[int, int, int]:
    """A key that sorts numbers by value."""
    sign = -1 if _sign(number) else 1
    if is_infinite(number):
        return sign, sign << 20, 0
    if is_zero(number):
        return 0, 0, 0
    _, mantissa, exponent = finite(number)
    length = mantissa.bit_length()
    return sign, sign * (exponent + length + (1 << 16)), sign * (mantissa << 64 - length)


# -- one operand -------------------------------------------------------------------------------------------------------


def move(source: int, rounding: Rounding) -> int:
    """FMOVE to a register: rounded to the precision selected; an infinity stays as it is."""
    return source if is_infinite(source) else rounded(*finite(source), rounding)


def absolute(source: int, rounding: Rounding) -> int:
    """FABS."""
    return INFINITY if is_infinite(source) else move(source & ~SIGN, rounding)


def negate(source: int, rounding: Rounding) -> int:
    """FNEG."""
    return (source ^ SIGN) & SIGN | INFINITY if is_infinite(source) else move(source ^ SIGN, rounding)


def integer(source: int, rounding: Rounding) -> int:
    """FINT."""
    return _rounded_integer(source, rounding.mode, rounding)


def truncated(source: int, rounding: Rounding) -> int:
    """FINTRZ."""
    return _rounded_integer(source, TO_ZERO, rounding)


def _rounded_integer(source: int, mode: int, rounding: Rounding) -> int:
    return source & SIGN | INFINITY if is_infinite(source) else round_to_integer(source, mode, rounding)


def square_root(source: int, rounding: Rounding) -> int:
    """FSQRT."""
    if is_zero(source):
        return source & SIGN
    if _sign(source):
        return NAN
    if is_infinite(source):
        return INFINITY
    _, mantissa, exponent = finite(source)
    shift = 2 * GUARD + (exponent & 1)
    root = isqrt(mantissa << shift)
    inexact = root * root != mantissa << shift
    return rounded(0, root << 1 | inexact, (exponent - shift >> 1) - 1, rounding)


def get_exponent(source: int, rounding: Rounding) -> int:
    """FGETEXP."""
    if is_infinite(source):
        return NAN
    if is_zero(source):
        return source & SIGN
    _, mantissa, exponent = finite(source)
    value = exponent + mantissa.bit_length() - 1
    return rounded(int(value < 0), abs(value), 0, rounding)


def get_mantissa(source: int, rounding: Rounding) -> int:
    """FGETMAN."""
    if is_infinite(source):
        return NAN
    if is_zero(source):
        return source & SIGN
    sign, mantissa, _ = finite(source)
    return rounded(sign, mantissa, 1 - mantissa.bit_length(), rounding)


Dyadic = Callable[[int, int, Rounding], int]
Monadic = Callable[[int, Rounding], int]

DYADIC: dict[int, Dyadic] = {
    0x20: divide,
    0x22: add,
    0x23: multiply,
    0x24: divide_single,
    0x26: scale,
    0x27: multiply_single,
    0x28: subtract,
}
"""By operation; one that rounds to single or double by itself is the plain one with another rounding."""

MONADIC: dict[int, Monadic] = {
    0x00: move,
    0x01: integer,
    0x03: truncated,
    0x04: square_root,
    0x18: absolute,
    0x1A: negate,
    0x1E: get_exponent,
    0x1F: get_mantissa,
}


# -- limits of transcendental functions --------------------------------------------------------------------------------

SINH, LOGNP1, ETOXM1, TANH, ATAN, ASIN, ATANH = 2, 6, 8, 9, 10, 12, 13
SIN, TAN, ETOX, TWOTOX, TENTOX = 14, 15, 16, 17, 18
LOGN, LOG10, LOG2, COSH, ACOS, COS = 20, 21, 22, 25, 28, 29
SINCOS = range(0x30, 0x38)

ODD = frozenset({SINH, LOGNP1, ETOXM1, TANH, ATAN, ASIN, ATANH, SIN, TAN})
"""What is the argument itself for one so small as a denormalised number."""
ONE_AT_ZERO = frozenset({ETOX, TWOTOX, TENTOX, COSH, COS})
LOGARITHMS = {LOGN: None, LOG10: 10, LOG2: 2}

ONE = 0x3FFF << 64 | 1 << 63
HALF_PI = 0x1921FB54442D18469898CC51701B839A252049C1, -156
"""Pi by 2 as mantissa and exponent."""
CONTEXT = Context(prec=80)

LARGE_EXPONENT, SERIES_BELOW, TERMS = 14, 20, 16
"""Of FETOXM1: e to 2^14 or more is beyond the range; where the power of 2 up to which the series is taken is, and its
terms, of which the next is less than the first by 2^-320."""


def transcendental(operation: int, source: int, rounding: Rounding) -> int | None:
    """The function of an infinity, a NaN, or a denormalised number; of another None, but for FETOXM1."""
    if is_nan(source):
        return quiet(source)
    if is_infinite(source):
        return _at_infinity(operation, _sign(source), rounding)
    sign, mantissa, exponent = finite(source)
    if mantissa and exponent + mantissa.bit_length() - 1 > -16000:
        return _exponential_less_one(sign, mantissa, exponent, rounding) if operation == ETOXM1 else None
    if operation in LOGARITHMS or operation == ACOS:
        return _of_the_tiny(operation, sign, mantissa, exponent, rounding)
    if operation in ODD or operation in SINCOS:
        return rounded(sign, mantissa, exponent, rounding)
    return ONE if operation in ONE_AT_ZERO else None


def _at_infinity(operation: int, negative: int, rounding: Rounding) -> int:
    sign = negative << 79
    if operation == SINH:
        return sign | INFINITY
    if operation == COSH:
        return INFINITY
    if operation == TANH:
        return sign | ONE
    if operation == ATAN:
        return rounded(negative, *HALF_PI, rounding)
    if operation == ETOXM1:
        return SIGN | ONE if negative else INFINITY
    if operation in (ETOX, TWOTOX, TENTOX):
        return 0 if negative else INFINITY
    if operation in LOGARITHMS or operation == LOGNP1:
        return NAN if negative else INFINITY
    return NAN


def _exponential_less_one(sign: int, mantissa: int, exponent: int, rounding: Rounding) -> int:
    """FETOXM1 of an ordinary number."""
    size = exponent + mantissa.bit_length()
    if size > LARGE_EXPONENT:
        # Beyond every range, or less than 1 by less than any rounding sees.
        return rounded(1, (1 << GUARD) - 1, -GUARD, rounding) if sign else rounded(0, 1, 1 << LARGE_EXPONENT, rounding)
    number = CONTEXT.multiply(Decimal(-mantissa if sign else mantissa), CONTEXT.power(Decimal(2), exponent))
    if size < -SERIES_BELOW:
        # By the series: a difference would lose all digits.
        value = Decimal(1)
        for divisor in range(TERMS, 1, -1):
            value = CONTEXT.add(1, CONTEXT.divide(CONTEXT.multiply(number, value), divisor))
        value = CONTEXT.multiply(number, value)
    elif sign and size > 7:
        return rounded(1, (1 << GUARD) - 1, -GUARD, rounding)
    else:
        value = CONTEXT.subtract(CONTEXT.exp(number), 1)
    at = GUARD - value.adjusted() * 10 // 3
    scaled = int(CONTEXT.multiply(abs(value), CONTEXT.power(Decimal(2), at)))
    return rounded(sign, scaled << 1 | 1, -at - 1, rounding)


def _of_the_tiny(operation: int, sign: int, mantissa: int, exponent: int, rounding: Rounding) -> int:
    """Logarithms and the arc cosine of a number next to zero."""
    if operation == ACOS:
        return rounded(0, *HALF_PI, rounding)
    if not mantissa:
        return SIGN | INFINITY
    if sign:
        return NAN
    value = CONTEXT.add(CONTEXT.ln(Decimal(mantissa)), CONTEXT.multiply(Decimal(exponent), CONTEXT.ln(Decimal(2))))
    base = LOGARITHMS[operation]
    if base is not None:
        value = CONTEXT.divide(value, CONTEXT.ln(Decimal(base)))
    scaled = int(CONTEXT.multiply(abs(value), CONTEXT.power(Decimal(2), 160)))
    # Of a power of two the base-2 logarithm is an integer, and the error of the last digits must not hide it.
    if base == 2 and not mantissa & (mantissa - 1):
        return rounded(1, abs(exponent + mantissa.bit_length() - 1), 0, rounding)
    return rounded(1, scaled << 1 | 1, -161, rounding)
