"""Extended-precision numbers as Python integers: taken apart, rounded once, and put together.

A number is 80 bits: sign << 79 | exponent << 64 | mantissa. Its value is the mantissa, whose integer bit is there to be
seen, times 2 to the exponent less BIAS; that holds of normalised, denormalised and unnormalised numbers alike, and for
the exponent 0, as the 68881 has it and the x87 has not.

Boundary: representation and rounding; arithmetic is ``float_operations``.
Source: M68000 Family Programmer's Reference Manual, sections 1.6 (data types) and 3.5 (computational accuracy); MC68040
User's Manual, sections 9.7.4 and 9.7.5 (overflow and underflow are of the rounding precision that is selected).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "DOUBLE",
    "EXTENDED",
    "INFINITY",
    "NEAREST",
    "SIGN",
    "SINGLE",
    "SINGLE_MANTISSA",
    "TO_MINUS",
    "TO_PLUS",
    "TO_ZERO",
    "Precision",
    "Rounding",
    "finite",
    "greatest",
    "integer_of",
    "is_infinite",
    "is_nan",
    "is_plain",
    "is_zero",
    "quiet",
    "round_to_integer",
    "rounded",
    "signed_zero",
]

SIGN = 1 << 79
BIAS = 16383 + 63
INFINITY = 0x7FFF << 64
FRACTION = (1 << 63) - 1
INTEGER_BIT = 1 << 63
QUIET = 1 << 62

NEAREST, TO_ZERO, TO_MINUS, TO_PLUS = range(4)
"""The rounding modes as FPCR encodes them."""


class Precision(NamedTuple):
    """How many bits a mantissa has, and the least and the greatest exponent of a normalised number."""

    bits: int
    least: int
    most: int


EXTENDED = Precision(64, -16383, 16383)
DOUBLE = Precision(53, -1022, 1023)
SINGLE = Precision(24, -126, 127)
SINGLE_MANTISSA = Precision(24, -16383, 16383)
"""Of FSGLMUL and FSGLDIV: the mantissa alone is single."""


class Rounding(NamedTuple):
    """How a result is rounded."""

    mode: int = NEAREST
    precision: Precision = EXTENDED


def is_nan(number: int) -> bool:
    """Exponent all ones and a fraction; the integer bit does not matter."""
    return number >> 64 & 0x7FFF == 0x7FFF and bool(number & FRACTION)


def is_infinite(number: int) -> bool:
    """Exponent all ones and no fraction; the integer bit does not matter."""
    return number >> 64 & 0x7FFF == 0x7FFF and not number & FRACTION


def is_zero(number: int) -> bool:
    """No mantissa, whatever the exponent, if that is not all ones."""
    return not number & (INTEGER_BIT | FRACTION) and number >> 64 & 0x7FFF != 0x7FFF


def is_plain(number: int, reach: int = 16382) -> bool:
    """Zero, or normalised with an exponent of at most ``reach`` either way."""
    exponent = number >> 64 & 0x7FFF
    if not exponent:
        return not number & (INTEGER_BIT | FRACTION)
    return bool(number & INTEGER_BIT) and abs(exponent - 16383) <= reach and exponent != 0x7FFF


def quiet(nan: int) -> int:
    """The NaN as a result: not signalling, and otherwise as it was."""
    return nan | QUIET


def signed_zero(sign: int) -> int:
    """Zero with a sign of 0 or 1."""
    return SIGN if sign else 0


def finite(number: int) -> tuple[int, int, int]:
    """Sign, mantissa and exponent of a number that is no infinity and no NaN: the value is mantissa * 2**exponent."""
    return number >> 79, number & (INTEGER_BIT | FRACTION), (number >> 64 & 0x7FFF) - BIAS


def greatest(sign: int, precision: Precision) -> int:
    """The greatest finite number of a precision."""
    return sign << 79 | precision.most + 16383 << 64 | (1 << 64) - (1 << 64 - precision.bits)


def integer_of(sign: int, mantissa: int, exponent: int, mode: int) -> int:
    """The magnitude of mantissa * 2**exponent as an integer, rounded."""
    if exponent >= 0:
        return mantissa << exponent
    whole, rest = mantissa >> -exponent, mantissa & (1 << -exponent) - 1
    if not rest or mode == TO_ZERO:
        return whole
    if mode == NEAREST:
        half = 1 << -exponent - 1
        return whole + (rest > half or (rest == half and whole & 1))
    return whole + ((mode == TO_MINUS) == bool(sign))


def rounded(sign: int, mantissa: int, exponent: int, rounding: Rounding) -> int:
    """The number next to mantissa * 2**exponent; the lowest bit of one cut short says that more followed."""
    mode, precision = rounding
    if not mantissa:
        return signed_zero(sign)
    top = exponent + mantissa.bit_length() - 1
    unit = max(top, precision.least) - (precision.bits - 1)
    whole = integer_of(sign, mantissa, exponent - unit, mode)
    if not whole:
        return signed_zero(sign)
    top = unit + whole.bit_length() - 1
    if top > precision.most:
        away = mode == NEAREST or (mode == TO_MINUS and sign) or (mode == TO_PLUS and not sign)
        return sign << 79 | INFINITY if away else greatest(sign, precision)
    lowest = max(top - 63, EXTENDED.least - 63)
    return (
        sign << 79 | lowest + BIAS << 64 | whole << unit - lowest if unit >= lowest else _wide(sign, whole, unit, top)
    )


def _wide(sign: int, whole: int, unit: int, top: int) -> int:
    """A mantissa that a carry has made one bit too long: its lowest bit is 0."""
    lowest = top - 63
    # A carry may have made it one bit too long; the lowest is then 0.
    whole = whole << unit - lowest if unit >= lowest else whole >> lowest - unit
    return sign << 79 | lowest + BIAS << 64 | whole


def round_to_integer(number: int, mode: int, rounding: Rounding) -> int:
    """FINT of a finite number."""
    sign, mantissa, exponent = finite(number)
    return rounded(sign, integer_of(sign, mantissa, exponent, mode), 0, rounding) if mantissa else signed_zero(sign)
