"""Where in translated code the emulator must not be left alone, and what has to be true there before it stops.

A site has a condition that is cheap to ask
and never false where the emulator would be wrong; ``emu.exact`` then decides by the operands themselves.

Boundary: reads code; hooks are ``cpu``'s.
"""

from __future__ import annotations

from typing import Literal

from pytest_nextrust.base.light_dataclass import dataclass, replace
from pytest_nextrust.emu.exact.extended import EXTENDED
from pytest_nextrust.emu.exact.float_formats import SIZES
from pytest_nextrust.emu.exact.float_instructions import own_precision, plain_operation
from pytest_nextrust.emu.exact.suspicion import BOTH, BYTE, REACH, SCALE, WORD, watch

__all__ = ["Site", "site_of"]

Kind = Literal["always", "division", "float"]
Condition = Literal["always", "dividend", "numbers"]

SINE_AND_COSINE = 6
"""FSINCOS, which changes two registers: the operations 0x30 to 0x37."""

BIAS = 16383
WIDEST = 0x7FFE
"""The greatest exponent of a number; what is above is an infinity or a NaN."""


@dataclass(frozen=True, slots=True)
class Site:
    """The instruction ``offset`` bytes into its block: of what kind it is, and under which condition it is looked at.

    ``dividend``: the data registers ``high`` and ``low`` hold the least integer; the same where it has one half.
    ``numbers``: one of ``registers``, a bit set of those of the floating-point unit, or a source that is none of them
    (``from_memory``), is neither zero nor a normalised number whose exponent is from ``least`` to ``greatest``; or FPCR
    asks for less than extended precision (``by_fpcr``). ``target`` is the register that is changed, ``moves`` the
    address register that the source moves.
    """

    offset: int
    kind: Kind
    condition: Condition = "always"
    high: int = 0
    low: int = 0
    registers: int = 0
    from_memory: bool = False
    target: int = 0
    moves: int | None = None
    least: int = 1
    greatest: int = WIDEST
    by_fpcr: bool = False

    def moved(self, offset: int) -> Site:
        """The same site elsewhere."""
        return replace(self, offset=offset)


def site_of(code: bytes, cpu: str) -> Site | None:
    """The site that the instruction at the start of ``code`` is, as if it opened its block."""
    opcode = int.from_bytes(code[:2], "big")
    if not _may_be_watched(opcode):
        return None
    kind = watch(code, cpu)
    if kind == "division":
        return _division_site(opcode, code)
    if kind == "float":
        return _float_site(opcode, int.from_bytes(code[2:4], "big"))
    return Site(0, kind) if kind else None


def _division_site(opcode: int, code: bytes) -> Site:
    if opcode >> 3 & 7 in (3, 4):
        # By zero, it moves its address register as well.
        return Site(0, "division")
    if opcode >> 12 == 8:
        register = opcode >> 9 & 7
        return Site(0, "division", "dividend", register, register)
    low, high = code[2] >> 4 & 7, code[3] & 7
    # Of a 64-bit dividend the upper half decides; the lower one is asked for zero.
    return Site(0, "division", "dividend", high if code[2] & 4 else low, low)


def _float_site(opcode: int, word: int) -> Site:
    source, target, operation = word >> 10 & 7, word >> 7 & 7, plain_operation(word & 0x7F)
    if word >> 13 == 3:
        greatest = BIAS + 8 * SIZES[source] - 2 if source in (WORD, BYTE) else WIDEST
        return Site(0, "float", "numbers", registers=1 << target, greatest=greatest)
    if operation == SCALE or operation >> 3 == SINE_AND_COSINE:
        return Site(0, "float")
    precision = own_precision(word & 0x7F)
    reach = REACH.get(EXTENDED if precision is None else precision, REACH[EXTENDED])
    least, greatest = BIAS - reach, BIAS + reach
    if operation not in BOTH and reach == REACH[EXTENDED]:
        least, greatest = 1, WIDEST
    return Site(
        0,
        "float",
        "numbers",
        target=target,
        moves=opcode & 7 if word >> 13 and opcode >> 3 & 7 in (3, 4) else None,
        registers=(1 << target if operation in BOTH else 0) | (0 if word >> 13 else 1 << source),
        from_memory=word >> 13 == 2,
        least=least,
        greatest=greatest,
        by_fpcr=precision is None,
    )


def _may_be_watched(opcode: int) -> bool:
    """Whether an opcode can be one that ``watch`` names: most code is none of these, and need not be decoded twice."""
    line = opcode >> 12
    if line == 0xF:
        return opcode >> 9 & 7 == 1
    if line == 0:
        return opcode & 0xF9C0 == 0x00C0 or opcode & 0xFFC0 == 0x0AC0
    if line == 4:
        return opcode & 0xFFC0 in (0x4C40, 0x4E80, 0x4E40) or opcode == 0x480F or opcode & 0xF140 == 0x4100
    if line == 5:
        return opcode & 0xF8 == 0xF8
    if line == 8:
        return opcode & 0xC0 == 0xC0 or opcode & 0x130 == 0x100
    if line in (0x9, 0xD):
        return opcode & 0x1F8 == 0x108
    return opcode & 0xFCC0 == 0xE0C0
