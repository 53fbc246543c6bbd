"""What makes interference between routines visible: first values, operands, and how two objects lie to each other.

Operands are chosen so that where two updates are not atomic to each other, no order of the calls explains what they
leave. Objects overlap in different sizes or at different addresses ("overlap"), lie across a 16-byte block's end both
("straddle"), or are different and have a lock in common ("shared-lock"); one object of both is "same". Which routines
are called on them is ``coverage``'s.

The boundary: data derived from the table; nothing here builds, runs or judges a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nextrust.atomics.calls import Call, Extent
from pytest_nextrust.atomics.table import (
    COMPARE_EXCHANGES,
    OPERATIONS,
    ROUTINES,
    Args,
    Kind,
    Routine,
)

__all__ = [
    "ARENA_ALIGNMENT",
    "arena",
    "initial",
    "layouts",
    "make_call",
    "operand",
    "overlaps",
    "routine_of",
    "shared_locks",
    "straddles",
]

ARENA_ALIGNMENT = 1024
"""A history's bytes must begin at a multiple of this: the span after which 64 locks by 16-byte block repeat."""

_GENERIC_TURNS = {
    "generic access": ("__atomic_load", "__atomic_store"),
    "generic swap": ("__atomic_exchange", "__atomic_compare_exchange"),
}
BLOCK = 16


def routine_of(family: str, size: int, turn: int) -> Routine:
    """The routine of a family for objects of ``size`` bytes; ``turn`` chooses among operations and generic ones.

    Raises KeyError for an unknown family or size.
    """
    if family in _GENERIC_TURNS:
        return ROUTINES[_GENERIC_TURNS[family][turn % 2]]
    operation = OPERATIONS[turn % len(OPERATIONS)]
    return ROUTINES[f"{family.replace('OP', operation)}_{size}"]


def initial(size: int) -> bytes:
    """An object's first value: low bits that ``or`` can set, high ones that ``and`` can clear, and a low half that one
    addition carries out of."""
    if size == 1:
        return b"\xf0"
    half = size // 2
    return b"\x30" * half + b"\xff" * (size - half - 1) + b"\xf0"


def operand(routine: Routine, size: int, thread: int) -> bytes:
    """What ``thread`` gives an operation: each thread changes bits of its own, in the first byte and the last."""
    first_last = bytearray(size)
    if routine.operation in ("and", "nand"):
        first_last[:] = b"\xff" * size
        first_last[0] &= ~(0x10 << thread) & 0xFF
        first_last[-1] &= ~(0x10 << thread) & 0xFF
    elif routine.operation == "sub":
        first_last[size // 2 :] = b"\xff" * (size - size // 2)
        first_last[-1] = 0xF1 + thread
    elif routine.operation == "add":
        first_last[0] = 1 << thread
        first_last[-1] = 0x10 << thread
    elif routine.operation:
        first_last[0] |= 1 << thread
        first_last[-1] |= 1 << thread
    else:
        first_last[:] = bytes(0x41 + 0x20 * thread + place % 16 for place in range(size))
    return bytes(first_last)


def make_call(routine: Routine, extent: Extent, arena: bytes, thread: int) -> Call:
    """A call whose comparison, where it makes one, expects what the object holds at first."""
    held = arena[extent.offset : extent.offset + extent.size]
    takes_value = routine.has(Kind.VALUE) or routine.has(Kind.INPUT)
    value = operand(routine, extent.size, thread) if takes_value else b""
    args = Args(value, held if routine.stem in COMPARE_EXCHANGES else b"")
    return Call(routine.name, extent.offset, extent.size, args)


def arena(size: int, *objects: Extent) -> bytes:
    """Bytes with a pattern, and each object's first value; of overlapping objects the last one's wins."""
    made = bytearray(0x81 + 3 * place & 0xFF for place in range(size))
    for found in objects:
        made[found.offset : found.offset + found.size] = initial(found.size)
    return bytes(made)


Layout = tuple[str, int, Extent, Extent]
"""A history's kind, how many bytes its objects lie in, and the two objects."""


def overlaps() -> Iterator[Layout]:
    """Objects that overlap in different sizes, or in one size at different addresses, at 2-byte alignment.

    In the middle of a block, where one begins and where one ends at a block's end. Generic sizes 3 and 6 are among
    them; so are 12 and 40, which no runtime updates without locks.
    """
    pairs = [(1, 2, 0), (1, 2, 1), (1, 4, 2), (1, 8, 7), (2, 4, 0), (2, 4, 2), (2, 8, 4), (4, 8, 0), (4, 8, 2)]
    pairs += [(4, 8, 4), (4, 4, -2), (8, 8, -4), (8, 8, -2), (3, 4, 0), (3, 8, 4), (6, 4, -2), (6, 8, 2)]
    pairs += [(4, 12, 8), (8, 40, 16)]
    for small, large, shift in pairs:
        for start in dict.fromkeys((4, max(0, 16 - min(small, 2) - max(shift, 0)), 12)):
            yield "overlap", 64, Extent(start + shift, small), Extent(start, large)


def straddles() -> Iterator[Layout]:
    """One object that lies across the end of a block, and across the end of the last block before the locks repeat."""
    for size, starts in ((2, (15,)), (4, (14, 13)), (8, (14, 12, 10)), (12, (8,)), (6, (12,))):
        for start in (*starts, ARENA_ALIGNMENT - BLOCK + starts[0]):
            extent = Extent(start, size)
            yield "straddle", max(64, start + 32), extent, extent


def shared_locks() -> Iterator[Layout]:
    """Different objects that have locks in common: in one block, a table apart, and with several locks in common.

    The last two pairs deadlock runtimes that take locks in the order of addresses instead of the table's.
    """
    apart = ARENA_ALIGNMENT
    pairs = [
        (Extent(0, 4), Extent(8, 4)),
        (Extent(4, 4), Extent(apart + 4, 4)),
        (Extent(0, 8), Extent(apart + 8, 8)),
        (Extent(14, 4), Extent(apart + 12, 8)),
        (Extent(apart - 2, 4), Extent(2 * apart - 4, 8)),
        (Extent(apart - 2, 4), Extent(2 * apart, apart)),
        (Extent(apart - 4, 8), Extent(2 * apart + 4, apart - 8)),
    ]
    for left, right in pairs:
        yield "shared-lock", 3 * apart, left, right


def layouts() -> Iterator[Layout]:
    """Every way in which two objects lie to each other but for one in the other's place."""
    yield from (*overlaps(), *straddles(), *shared_locks())
