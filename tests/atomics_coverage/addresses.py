"""Where objects must lie so that locks chosen from their addresses show, and the hashes that these places tell apart.

The places are offsets from a multiple of 8 KiB: none, each bit alone, all bits but the lowest ones, and across every
boundary. See "Which addresses" in docs/atomics.md for the argument; here are both sides of it, as plain functions.

Boundary: numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["BITS", "WINDOW", "Hash", "hashes", "offsets"]

BITS = 13
"""Address bits that are varied: 0 to 12."""
WINDOW = 1 << BITS


def offsets(size: int) -> tuple[int, ...]:
    """Where objects of ``size`` bytes lie. Those of 2, 4 and 8 bytes have even addresses on m68k."""
    single = [1 << bit for bit in range(BITS)]
    upper = [WINDOW - (1 << bit) for bit in range(BITS)]
    across = [(1 << bit) - size // 2 for bit in range(1, BITS + 1) if size > 1 and 1 << bit >= size // 2]
    step = 2 if size in (2, 4, 8) else 1
    return tuple(at for at in dict.fromkeys([0, *single, *upper, *across]) if at % step == 0)


@dataclass(frozen=True)
class Hash:
    """One way to choose a lock: ``index`` of an address, whose lowest ``shift`` bits it leaves out."""

    name: str
    shift: int
    index: Callable[[int], int]


def hashes() -> Iterator[Hash]:
    """Shift and mask, upper bits folded in by exclusive or, and remainders: 2 to 1024 locks of blocks of 1 to 4096."""
    for shift in range(BITS):
        for bits in range(1, 11):
            yield Hash(f">> {shift} & {(1 << bits) - 1}", shift, _masked(shift, shift, bits))
            for fold in range(shift + 1, 17):
                yield Hash(f">> {shift} ^ >> {fold} & {(1 << bits) - 1}", shift, _masked(shift, fold, bits))
        for count in range(3, 1025):
            if count & (count - 1):
                yield Hash(f">> {shift} % {count}", shift, _remainder(shift, count))


def _masked(shift: int, fold: int, bits: int) -> Callable[[int], int]:
    mask = (1 << bits) - 1
    if fold == shift:
        return lambda at: at >> shift & mask
    return lambda at: (at >> shift ^ at >> fold) & mask


def _remainder(shift: int, count: int) -> Callable[[int], int]:
    return lambda at: (at >> shift) % count
