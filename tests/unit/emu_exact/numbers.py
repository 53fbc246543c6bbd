"""A second way to say what a floating-point result must be: fractions, and the rounding rule taken literally.

Boundary: tests only; shares nothing with ``emu.exact`` but the encoding of a number.
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import floor

__all__ = ["PRECISIONS", "SPECIAL", "nearest", "normalised", "number", "ordinary", "power_of", "value"]

ONE = 1 << 63
PRECISIONS = {0: (64, -16383, 16383), 1: (24, -126, 127), 2: (53, -1022, 1023)}
"""By FPCR's field: bits, and the exponents of the least and the greatest normalised number."""


def number(sign: int, exponent: int, mantissa: int) -> int:
    return sign << 79 | exponent << 64 | mantissa


MAGNITUDES = (
    (0, 0),
    # Normalised: one and its neighbours, odd and even, integers at the ends of formats.
    (0x3FFF, ONE),
    (0x3FFF, ONE | 1),
    (0x3FFE, ONE | ONE - 1),
    (0x4000, 0xC90FDAA22168C235),
    (0x401E, 0xFFFFFFFF00000000),
    (0x400E, 0xFFFF000000000000),
    (0x4006, ONE),
    (0x407E, 0xFFFFFF8000000000),
    (0x3F81, ONE),
    (0x43FE, 0xFFFFFFFFFFFFFC00),
    (0x3C01, ONE),
    (0x7FFE, ONE | ONE - 1),
    (0x7FFE, ONE),
    (0x0001, ONE),
    (0x0001, ONE | 5),
    # Exponent 0: normalised, and denormalised.
    (0x0000, ONE),
    (0x0000, ONE | ONE - 1),
    (0x0000, 1),
    (0x0000, ONE - 1),
    # Unnormalised numbers and zeros.
    (0x3FFF, 1),
    (0x4000, 1 << 62),
    (0x7FFE, 1 << 40),
    (0x3FFF, 0),
    # Infinities and NaNs, with the integer bit and without: quiet, signalling, payloads.
    (0x7FFF, 0),
    (0x7FFF, ONE),
    (0x7FFF, ONE | ONE - 1),
    (0x7FFF, 0xC000000000001234),
    (0x7FFF, 0x4000000000000000),
    (0x7FFF, ONE | 1),
    (0x7FFF, 0xA000000000000000),
    (0x7FFF, 1),
)
SPECIAL = tuple(number(sign, *magnitude) for magnitude in MAGNITUDES for sign in (0, 1))
"""Sixty-four numbers."""

MANTISSAS = (0, 1, 2, ONE - 1, 1 << 62, 1 << 40, (1 << 40) - 1, 1 << 39, (1 << 11) - 1, 1 << 10, 3 << 10)


def ordinary(lot: random.Random, spread: int = 70) -> int:
    """Zero, or a normalised number around one."""
    if lot.random() < 0.05:
        return lot.getrandbits(1) << 79
    low = lot.getrandbits(63) if lot.random() < 0.5 else lot.choice(MANTISSAS)
    return number(lot.getrandbits(1), 0x3FFF + lot.randrange(-spread, spread), ONE | low)


def normalised(given: int) -> int:
    """The number of the same value that is normalised, where it is an unnormalised one."""
    exponent, mantissa = given >> 64 & 0x7FFF, given & (1 << 64) - 1
    if exponent == 0x7FFF:
        return given
    while mantissa and not mantissa >> 63 and exponent:
        mantissa, exponent = mantissa << 1, exponent - 1
    return given >> 79 << 79 | exponent << 64 | mantissa if mantissa else given >> 79 << 79


def value(given: int) -> Fraction:
    """What a finite number stands for."""
    magnitude = Fraction(given & (1 << 64) - 1) * Fraction(2) ** ((given >> 64 & 0x7FFF) - 16383 - 63)
    return -magnitude if given >> 79 else magnitude


def power_of(given: Fraction) -> int:
    """The exponent of a number that is not 0."""
    size = abs(given)
    power = size.numerator.bit_length() - size.denominator.bit_length()
    return power if Fraction(2) ** power <= size else power - 1


def nearest(exact: Fraction, mode: int, precision: tuple[int, int, int]) -> Fraction | None:
    """The number of a precision that ``exact`` rounds to; None where that is an infinity."""
    bits, least, most = precision
    exponent = max(least, power_of(exact)) if exact else least
    unit = Fraction(2) ** (exponent - bits + 1)
    scaled = exact / unit
    below = floor(scaled)
    rest = scaled - below
    up = {0: rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below & 1), 1: exact < 0 and rest > 0, 2: False}
    rounded = (below + bool(up.get(mode, rest > 0))) * unit
    if abs(rounded) < Fraction(2) ** (most + 1):
        return rounded
    if mode == 0 or (mode == 2 and exact < 0) or (mode == 3 and exact > 0):
        return None
    return (1 if exact > 0 else -1) * (Fraction(2) ** (most + 1) - Fraction(2) ** (most + 1 - bits))
