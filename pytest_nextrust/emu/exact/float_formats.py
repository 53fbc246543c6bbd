"""The formats of floating-point operands in memory: integers, single, double, extended and packed decimal.

Boundary: bits in, bits out. ``load`` makes an extended number of an operand, ``store`` an operand of a number.
Sources: M68000 Family Programmer's Reference Manual, sections 1.5 (formats) and 5 (FMOVE, its k-factor); MC68040 User's
Manual, section 9.7.3.2 (what an integer becomes of a NaN, an infinity and a number too large).
"""

from __future__ import annotations

from pytest_nextrust.emu.exact.extended import (
    DOUBLE,
    EXTENDED,
    INFINITY,
    SINGLE,
    Precision,
    Rounding,
    finite,
    integer_of,
    is_infinite,
    is_nan,
    is_zero,
    quiet,
    rounded,
    signed_zero,
)

__all__ = ["PACKED", "SIZES", "load", "store", "store_packed"]

LONG, SINGLE_FORMAT, EXTENDED_FORMAT, PACKED, WORD, DOUBLE_FORMAT, BYTE = range(7)
SIZES = (4, 4, 12, 12, 2, 8, 1)
"""Bytes of each format, in the order of its encoding."""

DIGITS = 17
PACKED_SPECIAL = 0x7FFF
"""In the upper word of a packed infinity or NaN: the exponent's sign, both bits beside it, and digits of all ones."""


def load(form: int, bits: int, mode: int) -> int:
    """The extended number of an operand in a format; packed decimals are rounded, all others are exact."""
    if form == EXTENDED_FORMAT:
        return bits >> 80 << 64 | bits & (1 << 64) - 1
    if form == PACKED:
        return _load_packed(bits, mode)
    if form == SINGLE_FORMAT:
        return _load_binary(bits, 8, 23)
    if form == DOUBLE_FORMAT:
        return _load_binary(bits, 11, 52)
    width = 8 * SIZES[form]
    sign = bits >> width - 1
    return rounded(sign, (1 << width) - bits if sign else bits, 0, Rounding()) if bits else 0


def _load_binary(bits: int, exponent_bits: int, fraction_bits: int) -> int:
    sign, most = bits >> exponent_bits + fraction_bits, (1 << exponent_bits) - 1
    exponent, fraction = bits >> fraction_bits & most, bits & (1 << fraction_bits) - 1
    if exponent == most:
        # An infinity has no integer bit, a NaN has one.
        return sign << 79 | INFINITY | (1 << 63 | fraction << 63 - fraction_bits if fraction else 0)
    mantissa = fraction | (1 << fraction_bits if exponent else 0)
    return rounded(sign, mantissa, max(exponent, 1) - (most >> 1) - fraction_bits, Rounding())


def store(form: int, number: int, mode: int) -> int:
    """The operand in a format other than packed decimal that a number becomes."""
    if form == SINGLE_FORMAT:
        return _store_binary(number, 8, 23, Rounding(mode, SINGLE))
    if form == DOUBLE_FORMAT:
        return _store_binary(number, 11, 52, Rounding(mode, DOUBLE))
    if form == EXTENDED_FORMAT:
        number = _stored_extended(number)
        return number >> 64 << 80 | number & (1 << 64) - 1
    width = 8 * SIZES[form]
    if is_nan(number):
        return (quiet(number) & (1 << 64) - 1) >> 64 - width
    return _integer(number, width, mode) & (1 << width) - 1


def _stored_extended(number: int) -> int:
    if is_nan(number):
        return quiet(number)
    return number if is_infinite(number) else rounded(*finite(number), Rounding())


def _integer(number: int, width: int, mode: int) -> int:
    """As an integer, or the one next to it that there is."""
    least, most = -1 << width - 1, (1 << width - 1) - 1
    sign = number >> 79
    if is_infinite(number):
        return least if sign else most
    _, mantissa, exponent = finite(number)
    if mantissa and exponent + mantissa.bit_length() > width + 1:
        return least if sign else most
    value = integer_of(sign, mantissa, exponent, mode)
    return max(least, -value) if sign else min(most, value)


def _store_binary(number: int, exponent_bits: int, fraction_bits: int, rounding: Rounding) -> int:
    sign, all_ones = number >> 79 << exponent_bits + fraction_bits, (1 << exponent_bits) - 1
    if is_nan(number):
        # Of a NaN's fraction the upper bits are kept.
        return sign | all_ones << fraction_bits | (quiet(number) & (1 << 63) - 1) >> 63 - fraction_bits
    if not is_infinite(number):
        number = rounded(*finite(number), rounding)
    if is_infinite(number):
        return sign | all_ones << fraction_bits
    return sign | _biased(number, exponent_bits, fraction_bits, rounding.precision)


def _biased(number: int, exponent_bits: int, fraction_bits: int, precision: Precision) -> int:
    """Exponent and fraction of a number that the precision holds exactly."""
    _, mantissa, exponent = finite(number)
    if not mantissa:
        return 0
    top = exponent + mantissa.bit_length() - 1
    unit = max(top, precision.least) - fraction_bits
    fraction = mantissa << exponent - unit if exponent >= unit else mantissa >> unit - exponent
    biased = top + (1 << exponent_bits - 1) - 1 if top >= precision.least else 0
    return biased << fraction_bits | fraction & (1 << fraction_bits) - 1


# -- packed decimal ----------------------------------------------------------------------------------------------------


def _load_packed(bits: int, mode: int) -> int:
    sign, upper = bits >> 95, bits >> 80 & 0x7FFF
    if upper == PACKED_SPECIAL:
        return sign << 79 | INFINITY | bits & (1 << 64) - 1
    mantissa = 0
    for at in range(16, -1, -1):
        mantissa = 10 * mantissa + (bits >> 4 * at & 15)
    exponent = (upper >> 8 & 15) * 100 + (upper >> 4 & 15) * 10 + (upper & 15)
    exponent = (-exponent if upper & 0x4000 else exponent) - (DIGITS - 1)
    if not mantissa:
        return signed_zero(sign)
    if exponent >= 0:
        return rounded(sign, mantissa * 10**exponent, 0, Rounding(mode))
    divisor = 10**-exponent
    shift = divisor.bit_length() + 2 * EXTENDED.bits
    quotient, rest = divmod(mantissa << shift, divisor)
    return rounded(sign, quotient << 1 | bool(rest), -shift - 1, Rounding(mode))


def store_packed(number: int, factor: int, mode: int) -> int:
    """The packed decimal that a number becomes with a k-factor of -64 to 63."""
    sign = number >> 79
    if is_nan(number) or is_infinite(number):
        fraction = quiet(number) & (1 << 64) - 1 if is_nan(number) else 0
        return sign << 95 | PACKED_SPECIAL << 80 | fraction
    if is_zero(number):
        return sign << 95
    _, mantissa, exponent = finite(number)
    power = _decimal_exponent(mantissa, exponent)
    length = min(max(factor if factor > 0 else power + 1 - factor, 1), DIGITS)
    digits = _scaled(sign, mantissa, exponent, length - 1 - power, mode)
    if digits == 10**length:
        digits, power = digits // 10, power + 1
    digits *= 10 ** (DIGITS - length)
    packed = 0
    for at in range(DIGITS):
        packed |= digits // 10**at % 10 << 4 * at
    size = abs(power)
    upper = (size // 100 % 10) << 8 | (size // 10 % 10) << 4 | size % 10
    return sign << 95 | (power < 0) << 94 | upper << 80 | size // 1000 << 76 | packed


def _decimal_exponent(mantissa: int, exponent: int) -> int:
    """The power of ten that the first digit counts."""
    # From below, by log10(2) cut short: at most two steps are missing.
    power = (exponent + mantissa.bit_length() - 1) * 30103 // 100000 - 1
    while _at_least(mantissa, exponent, power + 1):
        power += 1
    return power


def _at_least(mantissa: int, exponent: int, power: int) -> bool:
    """Whether mantissa * 2**exponent is 10**power or more."""
    left, right = (mantissa, 10**power) if power >= 0 else (mantissa * 10**-power, 1)
    return left << exponent >= right if exponent >= 0 else left >= right << -exponent


def _scaled(sign: int, mantissa: int, exponent: int, power: int, mode: int) -> int:
    """mantissa * 2**exponent * 10**power as an integer, rounded."""
    if power >= 0:
        return integer_of(sign, mantissa * 10**power, exponent, mode)
    divisor = 10**-power
    shift = divisor.bit_length() + EXTENDED.bits
    quotient, rest = divmod(mantissa << shift, divisor)
    return integer_of(sign, quotient << 1 | bool(rest), exponent - shift - 1, mode)
