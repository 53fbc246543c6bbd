"""The table of atomic routines: names, C signatures, m68k calling convention, and sequential meaning.

Everything else about atomics derives from here: sequential conformance, the histories' model, what is missing from a
runtime, the generated tests of compilers. The meaning is a pure function over big-endian bytes; nothing here compiles
or runs anything.

Sources: GCC manual, "Legacy __sync Built-in Functions" and "Built-in Functions for Memory Model Aware Atomic
Operations" (names, meanings, nand as ``~(old & value)``); GCC wiki, "Atomic/GCCMM/LIbrary" (the library's signatures:
no ``weak`` argument, the generic four take the size first); System V ABI, Motorola 68000 supplement, as GNU C
practises it and NeXT's cc did (arguments on the stack in 32-bit slots, results in d0 and d0:d1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

__all__ = [
    "COMPARE_EXCHANGES",
    "GENERIC",
    "OPERATIONS",
    "ORDERS",
    "ROUTINES",
    "SIZES",
    "Addresses",
    "Args",
    "Argument",
    "Effect",
    "Kind",
    "Result",
    "Routine",
    "apply",
    "combine",
    "lookup",
    "returned",
    "slots",
]

SIZES = (1, 2, 4, 8)
"""Object sizes, in bytes, that have routines of their own."""

OPERATIONS = ("add", "sub", "or", "and", "xor", "nand")
"""Read-modify-write operations, as the names spell them."""

ORDERS: Mapping[str, int] = MappingProxyType(
    {"relaxed": 0, "consume": 1, "acquire": 2, "release": 3, "acq_rel": 4, "seq_cst": 5}
)
"""``__ATOMIC_*`` memory orders as the compilers number them."""

POINTER = 4


class Kind(Enum):
    """What an argument is. Every pointer, ``int`` and ``size_t`` is 4 bytes wide on m68k."""

    OBJECT = "object"
    """Pointer to the atomic object."""
    VALUE = "value"
    """The operand, or the value to store, by value."""
    OLD = "old"
    """The value compared with, by value (``__sync_*_compare_and_swap``)."""
    EXPECTED = "expected"
    """Pointer to the value compared with; written with what was found when the comparison fails, else untouched."""
    INPUT = "input"
    """Pointer to the value to store (generic routines)."""
    OUTPUT = "output"
    """Pointer to where the previous or current value goes (generic routines)."""
    SIZE = "size"
    """The object's size in bytes, a ``size_t``."""
    ORDER = "order"
    """A memory order; for compare-exchange the one on success."""
    FAILURE = "failure"
    """Compare-exchange's memory order on failure."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter: ``width`` is that of its C type in bytes, before it is widened to 32-bit slots."""

    name: str
    kind: Kind
    width: int


class Result(Enum):
    """What comes back in registers: nothing, the object's previous or new value, or a truth value of one byte."""

    VOID = "void"
    VALUE = "value"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class Routine:
    """One routine.

    ``name`` is the C name (``__sync_fetch_and_add_4``); a Mach-O symbol has one more underscore before it.
    ``family`` is the name without its size (``__sync_fetch_and_add``), ``stem`` the same with OP for the operation
    (``__sync_fetch_and_OP``). ``operation`` is one of OPERATIONS, or "" for routines that have none. ``size`` is the
    object's in bytes; None where it comes as an argument (``generic`` and is_lock_free), or where
    there is no object.
    """

    name: str
    family: str
    stem: str
    operation: str
    size: int | None
    arguments: tuple[Argument, ...]
    result: Result

    @property
    def symbol(self) -> str:
        """The name in a Mach-O symbol table."""
        return "_" + self.name

    @property
    def generic(self) -> bool:
        """Whether the object's size is an argument."""
        return self.name in GENERIC

    @property
    def width(self) -> int:
        """Bytes of d0, or of d0:d1 when 8, that the result defines; the others may hold anything."""
        if self.result is Result.BOOL:
            return 1
        return self.size or 0 if self.result is Result.VALUE else 0

    def has(self, kind: Kind) -> bool:
        """Whether it takes an argument of this kind."""
        return any(argument.kind is kind for argument in self.arguments)

    def orders(self) -> tuple[int, ...]:
        """Memory orders that C11 allows it (on success); empty where it takes none."""
        if not self.has(Kind.ORDER):
            return ()
        names = {
            "__atomic_load": ("relaxed", "consume", "acquire", "seq_cst"),
            "__atomic_store": ("relaxed", "release", "seq_cst"),
        }.get(self.stem, tuple(ORDERS))
        return tuple(ORDERS[name] for name in names)


@dataclass(frozen=True, slots=True)
class Args:
    """What a call is given, as big-endian bytes, each as long as the object where the routine takes it.

    ``value``: VALUE or what INPUT points to. ``expected``: OLD or what EXPECTED points to.
    """

    value: bytes = b""
    expected: bytes = b""
    order: int = ORDERS["seq_cst"]
    failure: int = ORDERS["seq_cst"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call does: the object's new bytes, and what it answers.

    ``result`` is the unsigned value of the ``width`` bytes that come back in registers, None where there are none, or
    where either truth value is right (``__atomic_is_lock_free``, which states a property of the runtime).
    ``output`` and ``expected`` are the bytes left in OUTPUT and EXPECTED; None where the routine must not write there.
    """

    memory: bytes
    result: int | None = None
    output: bytes | None = None
    expected: bytes | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a call's objects are: guest addresses for the pointers among its arguments."""

    object: int
    expected: int = 0
    input: int = 0
    output: int = 0


def _arguments(*kinds: Kind, size: int) -> tuple[Argument, ...]:
    by_value = (Kind.VALUE, Kind.OLD)
    return tuple(Argument(kind.value, kind, size if kind in by_value else POINTER) for kind in kinds)


def _sized(stem: str, kinds: tuple[Kind, ...], result: Result, operation: str = "") -> Iterator[Routine]:
    family = stem.replace("OP", operation)
    for size in SIZES:
        yield Routine(f"{family}_{size}", family, stem, operation, size, _arguments(*kinds, size=size), result)


def _whole(name: str, kinds: tuple[Kind, ...], result: Result) -> Routine:
    return Routine(name, name, name, "", None, _arguments(*kinds, size=0), result)


def _sync() -> Iterator[Routine]:
    update = (Kind.OBJECT, Kind.VALUE)
    swap = (Kind.OBJECT, Kind.OLD, Kind.VALUE)
    for operation in OPERATIONS:
        yield from _sized("__sync_fetch_and_OP", update, Result.VALUE, operation)
    for operation in OPERATIONS:
        yield from _sized("__sync_OP_and_fetch", update, Result.VALUE, operation)
    yield from _sized("__sync_val_compare_and_swap", swap, Result.VALUE)
    yield from _sized("__sync_bool_compare_and_swap", swap, Result.BOOL)
    yield from _sized("__sync_lock_test_and_set", update, Result.VALUE)
    yield from _sized("__sync_lock_release", (Kind.OBJECT,), Result.VOID)
    yield _whole("__sync_synchronize", (), Result.VOID)


def _atomic() -> Iterator[Routine]:
    update = (Kind.OBJECT, Kind.VALUE, Kind.ORDER)
    swap = (Kind.OBJECT, Kind.EXPECTED, Kind.VALUE, Kind.ORDER, Kind.FAILURE)
    yield from _sized("__atomic_load", (Kind.OBJECT, Kind.ORDER), Result.VALUE)
    yield from _sized("__atomic_store", update, Result.VOID)
    yield from _sized("__atomic_exchange", update, Result.VALUE)
    yield from _sized("__atomic_compare_exchange", swap, Result.BOOL)
    for operation in OPERATIONS:
        yield from _sized("__atomic_fetch_OP", update, Result.VALUE, operation)
    for operation in OPERATIONS:
        yield from _sized("__atomic_OP_fetch", update, Result.VALUE, operation)


def _generic() -> Iterator[Routine]:
    start = (Kind.SIZE, Kind.OBJECT)
    yield _whole("__atomic_load", (*start, Kind.OUTPUT, Kind.ORDER), Result.VOID)
    yield _whole("__atomic_store", (*start, Kind.INPUT, Kind.ORDER), Result.VOID)
    yield _whole("__atomic_exchange", (*start, Kind.INPUT, Kind.OUTPUT, Kind.ORDER), Result.VOID)
    swap = (*start, Kind.EXPECTED, Kind.INPUT, Kind.ORDER, Kind.FAILURE)
    yield _whole("__atomic_compare_exchange", swap, Result.BOOL)
    yield _whole("__atomic_is_lock_free", start, Result.BOOL)


GENERIC = ("__atomic_load", "__atomic_store", "__atomic_exchange", "__atomic_compare_exchange")
"""Names of the routines that take the object's size as their first argument and values by pointer."""

ROUTINES: Mapping[str, Routine] = MappingProxyType(
    {routine.name: routine for part in (_sync(), _atomic(), _generic()) for routine in part}
)
"""Every routine by its C name, in the order of the manuals."""

COMPARE_EXCHANGES = ("__sync_val_compare_and_swap", "__sync_bool_compare_and_swap", "__atomic_compare_exchange")
"""Stems of the routines that store only where the object holds what was expected."""


def lookup(name: str) -> Routine | None:
    """The routine a symbol names, with or without Mach-O's leading underscore; None for any other name."""
    return ROUTINES.get(name) or ROUTINES.get(name.removeprefix("_"))


def combine(operation: str, old: bytes, value: bytes) -> bytes:
    """``old OP value`` in two's complement of the object's width. Raises KeyError for an unknown operation."""
    left, right = int.from_bytes(old, "big"), int.from_bytes(value, "big")
    answer = {
        "add": left + right,
        "sub": left - right,
        "or": left | right,
        "and": left & right,
        "xor": left ^ right,
        "nand": ~(left & right),
    }[operation]
    return (answer % (1 << 8 * len(old))).to_bytes(len(old), "big")


def apply(routine: Routine, memory: bytes, args: Args) -> Effect:
    """What ``routine`` does, called with ``args`` and nothing else happening, to an object that holds ``memory``.

    Raises ValueError where ``memory`` or an argument has another length than the routine's object.
    """
    _judge(routine, memory, args)
    stem = routine.stem
    if stem in COMPARE_EXCHANGES:
        return _compare_exchange(routine, memory, args)
    if stem in ("__sync_synchronize", "__atomic_is_lock_free"):
        return Effect(memory)
    if stem == "__atomic_load":
        return _answer(routine, memory, memory)
    if stem == "__sync_lock_release":
        return Effect(bytes(len(memory)))
    if stem == "__atomic_store":
        return Effect(args.value)
    if stem in ("__atomic_exchange", "__sync_lock_test_and_set"):
        return _answer(routine, args.value, memory)
    new = combine(routine.operation, memory, args.value)
    return _answer(routine, new, memory if stem in ("__sync_fetch_and_OP", "__atomic_fetch_OP") else new)


def _judge(routine: Routine, memory: bytes, args: Args) -> None:
    if routine.size is not None and len(memory) != routine.size:
        raise ValueError(f"{routine.name}: its object has {routine.size} bytes, not {len(memory)}")
    takes_value = routine.has(Kind.VALUE) or routine.has(Kind.INPUT)
    takes_expected = routine.has(Kind.OLD) or routine.has(Kind.EXPECTED)
    for name, taken, given in (("value", takes_value, args.value), ("expected", takes_expected, args.expected)):
        if taken and len(given) != len(memory):
            raise ValueError(f"{routine.name}: {name} has {len(given)} bytes, its object {len(memory)}")


def _answer(routine: Routine, memory: bytes, value: bytes) -> Effect:
    if routine.generic:
        return Effect(memory, output=value)
    return Effect(memory, result=int.from_bytes(value, "big"))


def _compare_exchange(routine: Routine, memory: bytes, args: Args) -> Effect:
    equal = memory == args.expected
    new = args.value if equal else memory
    if routine.stem == "__sync_val_compare_and_swap":
        return Effect(new, result=int.from_bytes(memory, "big"))
    found = None if equal or not routine.has(Kind.EXPECTED) else memory
    return Effect(new, result=int(equal), expected=found)


def slots(routine: Routine, args: Args, at: Addresses, *, size: int = 0, fill: int = 0) -> tuple[int, ...]:
    """The call's stack arguments as unsigned 32-bit slots, that at the lowest address (4(sp) on entry) first.

    A value of 1 or 2 bytes is in the low-order bytes of its slot, which on this big-endian machine are those at the
    higher addresses; the caller may leave anything above it: that is taken from ``fill`` (32 bits). Compilers do
    differ: GNU C sign-extends, clang zero-extends. A value of 8 bytes takes two slots, its high half first.
    ``size`` is the object's, for generic routines.
    """
    plain = {
        Kind.OBJECT: at.object,
        Kind.EXPECTED: at.expected,
        Kind.INPUT: at.input,
        Kind.OUTPUT: at.output,
        Kind.SIZE: size if routine.size is None else routine.size,
        Kind.ORDER: args.order,
        Kind.FAILURE: args.failure,
    }
    found: list[int] = []
    for argument in routine.arguments:
        if argument.kind not in (Kind.VALUE, Kind.OLD):
            found.append(plain[argument.kind])
            continue
        value = args.value if argument.kind is Kind.VALUE else args.expected
        padded = fill.to_bytes(4, "big")[: -len(value) % 4] + value
        found += (int.from_bytes(padded[place : place + 4], "big") for place in range(0, len(padded), 4))
    return tuple(found)


def returned(routine: Routine, d0: int, d1: int) -> int | None:
    """The result that d0 and d1 hold, comparable to ``Effect.result``: only the bits that the result defines.

    A truth value is the low byte of d0 and is 0 or 1: compilers compute with it (``!b`` becomes an exclusive or with
    1), so anything else in that byte is handed on as it is, to be seen as wrong.
    """
    if routine.result is Result.VOID or routine.width == 0:
        return None
    if routine.width == 8:
        return (d0 & 0xFFFFFFFF) << 32 | d1 & 0xFFFFFFFF
    return d0 & ((1 << 8 * routine.width) - 1)
