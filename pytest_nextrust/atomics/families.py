"""Small histories that make interference between routines visible: who calls what, on which bytes.

Data for linearizability checks: all pairs of routine families over one object in four sizes, objects that overlap in
different sizes, objects that straddle a 16-byte block, and different objects that share a lock. Operands are chosen so
that where two updates are not atomic to each other, no order of the calls explains what they leave.

A history's kind is "same" (object), "overlap" (different sizes or addresses), "straddle" (one object, over a block's
end) or "shared-lock" (different objects).

The boundary: data derived from the table; nothing here builds, runs or judges a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from pytest_nextrust.atomics.calls import Call, Extent, History
from pytest_nextrust.atomics.table import (
    COMPARE_EXCHANGES,
    GENERIC,
    OPERATIONS,
    ROUTINES,
    SIZES,
    Args,
    Kind,
    Routine,
)

__all__ = [
    "ARENA_ALIGNMENT",
    "FAMILIES",
    "all_histories",
    "all_pairs",
    "initial",
    "make_call",
    "overlaps",
    "routine_of",
    "shared_locks",
    "straddles",
]

ARENA_ALIGNMENT = 1024
"""A history's bytes must begin at a multiple of this: the span after which 64 locks by 16-byte block repeat."""

FAMILIES = (
    "__sync_fetch_and_OP",
    "__sync_OP_and_fetch",
    "__sync_val_compare_and_swap",
    "__sync_bool_compare_and_swap",
    "__sync_lock_test_and_set",
    "__sync_lock_release",
    "__atomic_load",
    "__atomic_store",
    "__atomic_exchange",
    "__atomic_compare_exchange",
    "__atomic_fetch_OP",
    "__atomic_OP_fetch",
    "generic access",
    "generic swap",
)
"""What is paired: stems of sized routines, and the generic four: load or store, and exchange or compare-exchange."""

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


def _arena(size: int, *objects: Extent) -> bytes:
    """Bytes with a pattern, and each object's first value; of overlapping objects the last one's wins."""
    arena = bytearray(0x81 + 3 * place & 0xFF for place in range(size))
    for found in objects:
        arena[found.offset : found.offset + found.size] = initial(found.size)
    return bytes(arena)


def _history(name: str, kind: str, room: int, *parts: tuple[Routine, Extent]) -> History:
    arena = _arena(room, *(extent for _, extent in parts))
    threads = tuple((make_call(routine, extent, arena, n),) for n, (routine, extent) in enumerate(parts))
    return History(name, threads, ((0, arena),), kind=kind)


def _title(routine: Routine, extent: Extent) -> str:
    return f"{routine.name}({extent.size})" if routine.name in GENERIC else routine.name


def all_pairs(sizes: tuple[int, ...] = SIZES) -> Iterator[History]:
    """Two threads with one call each on the same object: every pair of families in each size; 420 in all sizes."""
    for size in sizes:
        extent = Extent(0, size)
        for turn, (left, right) in enumerate(combinations_with_replacement(FAMILIES, 2)):
            place = turn + SIZES.index(size) if size in SIZES else turn
            one, other = routine_of(left, size, place), routine_of(right, size, place // 6 + place)
            name = f"{_title(one, extent)} | {_title(other, extent)}"
            yield _history(name, "same", BLOCK, (one, extent), (other, extent))


# An update, a comparison, a store and a load: what another access can interfere with in different ways.
_SHAPES = ("__atomic_fetch_OP", "__atomic_compare_exchange", "__atomic_store", "__atomic_load")


def _beside(kind: str, name: str, room: int, left: Extent, right: Extent) -> Iterator[History]:
    """One extent updated by each thread and read or stored by the other, in sized routines where there are such."""
    for turn, (one, other) in enumerate(combinations_with_replacement(_SHAPES, 2)):
        first, second = _fitting(one, left.size, turn), _fitting(other, right.size, turn + 1)
        title = f"{name}: {_title(first, left)}@{left.offset} | {_title(second, right)}@{right.offset}"
        yield _history(title, kind, room, (first, left), (second, right))


def _fitting(family: str, size: int, turn: int) -> Routine:
    if size in SIZES:
        return routine_of(family, size, turn)
    generic = {"__atomic_fetch_OP": "__atomic_exchange"}.get(family, family)
    return ROUTINES[generic]


def overlaps() -> Iterator[History]:
    """Objects that overlap in different sizes, or in one size at different addresses, at 2-byte alignment.

    In the middle of a block, where one begins and where one ends at a block's end. Generic sizes 3 and 6 are among
    them; so are 12 and 40, which no runtime updates without locks.
    """
    pairs = [(1, 2, 0), (1, 2, 1), (1, 4, 2), (1, 8, 7), (2, 4, 0), (2, 4, 2), (2, 8, 4), (4, 8, 0), (4, 8, 2)]
    pairs += [(4, 8, 4), (4, 4, -2), (8, 8, -4), (8, 8, -2), (3, 4, 0), (3, 8, 4), (6, 4, -2), (6, 8, 2)]
    pairs += [(4, 12, 8), (8, 40, 16)]
    for small, large, shift in pairs:
        for start in dict.fromkeys((4, max(0, 16 - min(small, 2) - max(shift, 0)), 12)):
            left, right = Extent(start + shift, small), Extent(start, large)
            yield from _beside("overlap", "overlap", 64, left, right)


def straddles() -> Iterator[History]:
    """One object that lies across the end of a block, and across the end of the last block before the locks repeat."""
    for size, starts in ((2, (15,)), (4, (14, 13)), (8, (14, 12, 10)), (12, (8,)), (6, (12,))):
        for start in (*starts, ARENA_ALIGNMENT - BLOCK + starts[0]):
            extent = Extent(start, size)
            yield from _beside("straddle", "straddle", max(64, start + 32), extent, extent)


def shared_locks() -> Iterator[History]:
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
        yield from _beside("shared-lock", "shared", 3 * apart, left, right)


def all_histories() -> Iterator[History]:
    """Every history of this module."""
    yield from (*all_pairs(), *overlaps(), *straddles(), *shared_locks())
