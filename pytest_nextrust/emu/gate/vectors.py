"""The gate's vectors: short pieces of machine code, a state to start from, and the state the CPU must end in.

Boundary: data only, made from ``model`` and a fixed seed; the same on every machine. ``child.gate`` runs them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.gate import model

__all__ = ["GateVector", "integer_vectors"]

EDGES = {
    8: (0, 1, 0x7F, 0x80, 0x81, 0xFF),
    16: (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF),
    32: (0, 1, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFF),
}
WIDTHS = ((0, 8), (1, 16), (2, 32))
"""The size field of most instructions, and its bits."""


@dataclass(frozen=True, slots=True)
class GateVector:
    """``code`` (hexadecimal) runs for ``steps`` instructions from a state in which only what is named is special.

    ``want_d``, ``want_a`` and ``want_memory`` name what must have changed: everything else must not have. ``mask`` says
    which condition codes are defined. ``pc`` is an offset from the code; ``stop``, ``vector``, ``address``, ``access``
    and ``executed`` what the run must have stopped for.
    """

    name: str
    code: str
    d: dict[int, int] = field(default_factory=dict)
    a: dict[int, int] = field(default_factory=dict)
    ccr: int = 0
    memory: dict[int, bytes] = field(default_factory=dict)
    steps: int = 1
    want_d: dict[int, int] = field(default_factory=dict)
    want_a: dict[int, int] = field(default_factory=dict)
    want_ccr: int | None = None
    mask: int = 31
    want_memory: dict[int, bytes] = field(default_factory=dict)
    pc: int | None = None
    target: int | None = None
    stop: str = "count"
    vector: int = 0
    address: int = 0
    access: str = ""
    size: int = 0
    executed: int | None = None


def merge(register: int, value: int, bits: int) -> int:
    """``value`` in the low bits of a register that holds ``register``."""
    return register & ~((1 << bits) - 1) | value


class _Source:
    """Operands: edges first, then random ones of a fixed seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bits(self, count: int) -> int:
        return self._random.getrandbits(count)

    def pairs(self, bits: int, count: int) -> Iterator[tuple[int, int, int, int]]:
        """Two registers whose low ``bits`` are operands, the operands' other bits at random, and condition codes."""
        for at in range(count):
            edges = EDGES[bits]
            left = edges[at % len(edges)] if at < 9 else self.bits(bits)
            right = edges[self.bits(8) % len(edges)] if at < 9 else self.bits(bits)
            high = (1 << bits) - 1
            yield self.bits(32) & ~high | left, self.bits(32) & ~high | right, self.bits(5), high


def arithmetic(source: _Source, each: int) -> Iterator[GateVector]:
    """ADD SUB CMP AND OR EOR ADDX SUBX of d1 into d0, NEG NEGX NOT TST of d0, in every size."""
    two = {"add": 0xD001, "sub": 0x9001, "cmp": 0xB001, "and": 0xC001, "or": 0x8001, "eor": 0xB300}
    two |= {"addx": 0xD101, "subx": 0x9101}
    one = {"neg": 0x4400, "negx": 0x4000, "not": 0x4600, "tst": 0x4A00}
    for name, base in (two | one).items():
        for size, bits in WIDTHS:
            for left, right, ccr, mask in source.pairs(bits, each):
                result, codes = _arithmetic(name, left & mask, right & mask, bits, ccr)
                kept = name in ("cmp", "tst")
                yield GateVector(
                    f"{name}.{bits} 0x{left & mask:x},0x{right & mask:x} ccr {ccr}",
                    f"{base | size << 6:04x}",
                    {0: left, 1: right},
                    ccr=ccr,
                    want_d={0: left if kept else merge(left, result, bits)},
                    want_ccr=codes,
                )


def _arithmetic(name: str, left: int, right: int, bits: int, ccr: int) -> tuple[int, int]:
    mask = (1 << bits) - 1
    if name in ("add", "addx"):
        return model.add(left, right, bits, ccr, extend=name == "addx")
    if name in ("sub", "subx"):
        return model.sub(left, right, bits, ccr, extend=name == "subx")
    if name in ("neg", "negx"):
        return model.sub(0, left, bits, ccr, extend=name == "negx")
    if name == "cmp":
        result, codes = model.sub(left, right, bits, ccr)
        return result, codes & ~16 | ccr & 16
    result = {"and": left & right, "or": left | right, "eor": left ^ right, "not": ~left & mask, "tst": left}[name]
    return result, model.logic(result, bits, ccr)


def shifts(source: _Source, each: int) -> Iterator[GateVector]:
    """Every shift and rotate of d0 by d1."""
    for number, kind in enumerate(("as", "ls", "rox", "ro")):
        for left in (False, True):
            for size, bits in WIDTHS:
                for at in range(each):
                    value, ccr = source.bits(32), source.bits(5)
                    count = (0, 1, bits - 1, bits, bits + 1)[at] if at < 5 else source.bits(6)
                    result, codes = model.shift(kind, left, value & (1 << bits) - 1, count, bits, ccr)
                    yield GateVector(
                        f"{kind}{'l' if left else 'r'}.{bits} 0x{value:x} by {count} ccr {ccr}",
                        f"{0xE220 | left << 8 | size << 6 | number << 3:04x}",
                        {0: value, 1: count},
                        ccr=ccr,
                        want_d={0: merge(value, result, bits)},
                        want_ccr=codes,
                    )


def conditions() -> Iterator[GateVector]:
    """Scc d0 for every condition and code, and a Bcc for some: so also that any condition code can be loaded."""
    for number in range(16):
        for ccr in range(16):
            truth = model.condition(number, ccr)
            yield GateVector(
                f"scc {number} ccr {ccr}",
                f"{0x50C0 | number << 8:04x}",
                {0: 0x1234_5678},
                ccr=ccr,
                want_d={0: 0x1234_56FF if truth else 0x1234_5600},
                want_ccr=ccr,
            )
            if number > 1 and ccr % 5 == number % 5:
                yield GateVector(
                    f"bcc {number} ccr {ccr}",
                    f"{0x6004 | number << 8:04x}4e714e714e71",
                    ccr=ccr,
                    want_ccr=ccr,
                    pc=6 if truth else 2,
                )


def products(source: _Source, each: int) -> Iterator[GateVector]:
    """MULU MULS in words and longs (32 and 64 bits of result)."""
    for at in range(each):
        left, right = source.bits(32), source.bits(32)
        if at < 2:
            left = 0x8000_8000 * at
        for is_signed in (False, True):
            word = model.multiply(left & 0xFFFF, right & 0xFFFF, 16, is_signed)
            yield GateVector(
                f"mul{'us'[is_signed]}.w 0x{left:x},0x{right:x}",
                f"{0xC0C1 | is_signed << 8:04x}",
                {0: left, 1: right},
                want_d={0: word},
                want_ccr=model.nz(word, 32),
            )
            full = model.multiply(left, right, 32, is_signed)
            extension = 0x0402 | is_signed << 11
            yield GateVector(
                f"mul{'us'[is_signed]}.l d2:d0 0x{left:x},0x{right:x}",
                f"4c01{extension:04x}",
                {0: left, 1: right},
                want_d={2: full >> 32, 0: full & 0xFFFF_FFFF},
                want_ccr=model.nz(full, 64),
            )
            low = full & 0xFFFF_FFFF
            fits = full == (model.signed(low, 32) & (1 << 64) - 1 if is_signed else low)
            yield GateVector(
                f"mul{'us'[is_signed]}.l d0 0x{left:x},0x{right:x}",
                f"4c01{is_signed << 11:04x}",
                {0: left, 1: right},
                want_d={0: low},
                want_ccr=model.nz(low, 32) | (0 if fits else 2),
            )


def quotients(source: _Source, each: int) -> Iterator[GateVector]:
    """DIVU DIVS of d0 by d1, in words and longs; overflow leaves the operands alone."""
    for at in range(each):
        dividend = source.bits(32 if at % 3 else 24)
        divisor = source.bits(16) | 1
        for is_signed in (False, True):
            word = model.divide(dividend, divisor, 16, is_signed, 32)
            result = dividend if word is None else word[1] << 16 | word[0]
            yield GateVector(
                f"div{'us'[is_signed]}.w 0x{dividend:x},0x{divisor:x}",
                f"{0x80C1 | is_signed << 8:04x}",
                {0: dividend, 1: divisor},
                want_d={0: result},
                want_ccr=2 if word is None else model.nz(word[0], 16),
                mask=3 if word is None else 15,
            )
            long = model.divide(dividend, divisor, 32, is_signed, 32)
            assert long is not None
            yield GateVector(
                f"div{'us'[is_signed]}l.l 0x{dividend:x},0x{divisor:x}",
                f"4c41{2 | is_signed << 11:04x}",
                {0: dividend, 1: divisor},
                want_d={2: long[1], 0: long[0]},
                want_ccr=model.nz(long[0], 32),
                mask=15,
            )
            high = source.bits(14)
            wide = model.divide(high << 32 | dividend, divisor << 16, 32, is_signed, 64)
            if wide is not None:
                yield GateVector(
                    f"div{'us'[is_signed]}.l 64 0x{high:x}:{dividend:x},0x{divisor:x}0000",
                    f"4c41{0x0402 | is_signed << 11:04x}",
                    {0: dividend, 1: divisor << 16, 2: high},
                    want_d={2: wide[1], 0: wide[0]},
                    want_ccr=model.nz(wide[0], 32),
                    mask=15,
                )


def fields(source: _Source, each: int) -> Iterator[GateVector]:
    """The bit field instructions on d0, and the bit instructions."""
    for _at in range(each):
        value, offset, width = source.bits(32), source.bits(5), source.bits(5) or 32
        inserted = source.bits(32)
        found = model.bit_field(value, offset, width)
        codes = model.nz(found, width)
        extension = offset << 6 | width & 31
        ones = (1 << width) - 1 << 32 - width
        turn = (ones >> offset | ones << (32 - offset)) & 0xFFFF_FFFF
        first = offset + width - found.bit_length()
        for number, register, after in (
            (0, value, None),
            (1, found, 1),
            (2, value ^ turn, 0),
            (3, model.signed(found, width) & 0xFFFF_FFFF, 1),
            (4, value & ~turn, 0),
            (5, first, 1),
            (6, value | turn, 0),
        ):
            name = ("bftst", "bfextu", "bfchg", "bfexts", "bfclr", "bfffo", "bfset")[number]
            yield GateVector(
                f"{name} 0x{value:x}{{{offset}:{width}}}",
                f"{0xE8C0 | number << 8:04x}{extension | (0x1000 if after else 0):04x}",
                {0: value},
                want_d={} if after is None else {after: register},
                want_ccr=codes,
                mask=15,
            )
        put = (inserted & (1 << width) - 1) << 32 - width
        moved = (put >> offset | put << (32 - offset)) & 0xFFFF_FFFF
        yield GateVector(
            f"bfins 0x{value:x}{{{offset}:{width}}}",
            f"efc0{extension | 0x1000:04x}",
            {0: value, 1: inserted},
            want_d={0: value & ~turn | moved},
            want_ccr=model.nz(inserted & (1 << width) - 1, width),
            mask=15,
        )
        bit = source.bits(5)
        for number, name in enumerate(("btst", "bchg", "bclr", "bset")):
            mask = 1 << bit
            register = (value, value ^ mask, value & ~mask, value | mask)[number]
            ccr = source.bits(5)
            yield GateVector(
                f"{name} 0x{value:x},{bit + 32}",
                f"{0x0300 | number << 6:04x}",
                {0: value, 1: bit + 32},
                ccr=ccr,
                want_d={0: register},
                want_ccr=ccr & ~4 | (0 if value & mask else 4),
            )


def decimals(source: _Source, each: int) -> Iterator[GateVector]:
    """ABCD and SBCD of valid bytes; N and V are undefined, Z only ever goes away."""
    for _ in range(each):
        left, right = (source.bits(16) % 10 << 4 | source.bits(16) % 10 for _ in range(2))
        ccr = source.bits(5)
        extend = ccr >> 4
        for name, opcode, (result, carry) in (
            ("abcd", "c101", model.bcd_add(left, right, extend)),
            ("sbcd", "8101", model.bcd_sub(left, right, extend)),
        ):
            codes = (17 if carry else 0) | (0 if result else ccr & 4)
            yield GateVector(
                f"{name} 0x{left:02x},0x{right:02x} ccr {ccr}",
                opcode,
                {0: left, 1: right},
                ccr=ccr,
                want_d={0: result},
                want_ccr=codes,
                mask=21,
            )


def integer_vectors() -> list[GateVector]:
    """Arithmetic, in one list."""
    source = _Source(680_40)
    vectors = [*arithmetic(source, 11), *shifts(source, 9), *conditions(), *products(source, 7)]
    return [*vectors, *quotients(source, 7), *fields(source, 6), *decimals(source, 8)]
