"""What single calls show of the runtime's own data (its locks), and where objects lie while they are looked at.

A call alone touches some bytes of the runtime's own data, in an order; may leave them other than they were; and may do
so otherwise under another memory order. Which histories are worth exploring follows from that: see "Which addresses" in
docs/atomics.md.

Boundary: values. Calls are made by ``child.conformance``; histories are chosen by ``coverage`` and ``extents``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.calls import Call, Extent
from pytest_nextrust.atomics.driver import OBJECTS_AT
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import COMPARE_EXCHANGES, GENERIC, ROUTINES, SIZES, Args, Kind

__all__ = [
    "GENERIC_SIZES",
    "HUGE",
    "NO_OBJECT",
    "Footprint",
    "LeftBehind",
    "Prints",
    "call_of",
    "is_generic",
    "neutral_call",
    "places",
    "positions",
    "rank",
    "shape",
    "sizes_of",
]

BITS = 13
"""Address bits that are varied: 0 to 12."""
WINDOW = 1 << BITS

GENERIC_SIZES = (3, 6, 12)
"""Sizes that only the generic four have, in which they are paired too."""

HUGE = 1024
"""A size of generic objects in which they take whole tables of locks."""
HUGE_POSITIONS = (0, 8, 16, 0x400, 0x1000)

NO_OBJECT = ("__sync_synchronize", "__atomic_is_lock_free")

Footprint = tuple[tuple[int, ...], ...]
"""For each place the own bytes that a call alone touches, in the order in which it first does."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A call after which the runtime's own data are not as they were; ``failing``: a comparison that fails.

    ``data`` is equal where the data are.
    """

    symbol: str
    size: int
    failing: bool
    data: str


@dataclass(frozen=True, slots=True)
class Prints:
    """What calls alone have shown, by symbol and object size.

    ``own``: at each of ``places``. ``spread``: at each of ``positions``, of one function for each footprint; the first
    byte of each access. ``orders``: the memory orders under which other bytes are touched. ``endless``: where a call
    does not return (a place or position).
    """

    own: Mapping[tuple[str, int], Footprint] = field(default_factory=dict)
    spread: Mapping[tuple[str, int], Mapping[int, tuple[int, ...]]] = field(default_factory=dict)
    left: tuple[LeftBehind, ...] = ()
    orders: Mapping[tuple[str, int], tuple[int, ...]] = field(default_factory=dict)
    endless: tuple[tuple[str, int, int], ...] = ()


def places(size: int) -> tuple[int, ...]:
    """Where objects of ``size`` bytes lie, from a multiple of 8 KiB. Those of 2, 4 and 8 bytes have even addresses."""
    single = [1 << bit for bit in range(BITS)]
    upper = [WINDOW - (1 << bit) for bit in range(BITS)]
    across = [(1 << bit) - size // 2 for bit in range(1, BITS + 1) if size > 1 and 1 << bit >= size // 2]
    return _even([OBJECTS_AT, 0, *single, *upper, *across], size)


def positions(size: int) -> tuple[int, ...]:
    """Where objects lie of which different ones are looked at together: at and across the ends of blocks.

    Blocks of 2 bytes in the first 64, of 16 in the first 2 KiB, of 1 KiB in the first 4 KiB, and of every power of two.
    """
    if size == HUGE:
        return HUGE_POSITIONS
    ends = [*range(2, 65, 2), *range(64, 2049, 16), *(1 << bit for bit in range(11, BITS)), *range(1024, 4097, 1024)]
    before = size // 2 or 1
    return _even([0, *(at for end in ends for at in (end - before, end) if size > 1 or at == end)], size)


def _even(found: list[int], size: int) -> tuple[int, ...]:
    step = 2 if size in (2, 4, 8) else 1
    return tuple(at for at in dict.fromkeys(found) if at >= 0 and at % step == 0)


def sizes_of(function: Function) -> tuple[int, ...]:
    """The sizes of the objects that a function is paired on."""
    routine = ROUTINES[function.routine]
    if routine.name in NO_OBJECT:
        return ()
    return (*SIZES, *GENERIC_SIZES) if routine.size is None else (routine.size,)


def shape(function: Function) -> str:
    """``update``, ``compare``, ``store`` or ``load``."""
    stem = ROUTINES[function.routine].stem
    if stem in COMPARE_EXCHANGES:
        return "compare"
    return {"__atomic_load": "load", "__atomic_store": "store", "__sync_lock_release": "store"}.get(stem, "update")


def rank(function: Function) -> int:
    """Which of several functions shows most: an update first, a load last."""
    return ("update", "compare", "store", "load").index(shape(function))


def is_generic(function: Function) -> bool:
    return function.routine in GENERIC


def call_of(function: Function, extent: Extent, held: bytes, thread: int) -> Call:
    """A call of ``function`` with an operand of the thread's own; a comparison expects what the object holds."""
    routine = ROUTINES[function.routine]
    takes = routine.has(Kind.VALUE) or routine.has(Kind.INPUT)
    value = families.operand(routine, extent.size, thread) if takes else b""
    args = Args(value, held if routine.stem in COMPARE_EXCHANGES else b"")
    return Call(routine.name, extent.offset, extent.size, args, function.symbol, function.plain)


def neutral_call(function: Function, extent: Extent, held: bytes, *, failing: bool = False) -> Call:
    """A call that leaves its object as it is, where there is one; ``failing``: a comparison that fails."""
    call = call_of(function, extent, held, 0)
    operation, args = call.meaning.operation, call.args
    if failing:
        return replace(call, args=replace(args, expected=bytes((held[0] ^ 0x80, *held[1:]))))
    if operation in ("add", "sub", "or", "xor"):
        args = replace(args, value=bytes(extent.size))
    elif operation == "and":
        args = replace(args, value=b"\xff" * extent.size)
    elif not operation and args.value:
        args = replace(args, value=held)
    return replace(call, args=args)
