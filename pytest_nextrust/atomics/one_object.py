"""Histories on one object beyond two calls: what a fault may need besides another call in its middle.

Which kinds there are, and what each is for, is in "Beside each other" in docs/atomics.md. Each routine takes part in
them beside itself or beside one writer: what all pairs are needed for, ``coverage`` has.

Boundary: values; nothing is built or run here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.calls import Call, Extent, History
from pytest_nextrust.atomics.footprints import Prints, call_of, is_generic, neutral_call, shape
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import COMPARE_EXCHANGES, ROUTINES, Args, apply

__all__ = ["LEFT", "beyond_pairs", "left_behind", "title", "writer_of"]

LEFT = 8
"""States left behind by an earlier call that are tried."""

WRITERS = ("exchange", "test_and_set", "store", "add", "xor", "sub", "compare", "or", "and", "nand")
"""What a writer best is: one that can write any value; then one that can make any value of another."""


def title(function: Function, size: int) -> str:
    return f"{function.symbol}({size})" if is_generic(function) else function.symbol


def _writes_by(function: Function) -> str:
    routine = ROUTINES[function.routine]
    if routine.stem in COMPARE_EXCHANGES:
        return "compare"
    names = {
        "__atomic_exchange": "exchange",
        "__sync_lock_test_and_set": "test_and_set",
        "__atomic_store": "store",
    }
    return names.get(routine.stem, routine.operation)


def writer_of(functions: Sequence[Function]) -> Function | None:
    """The function that can write the most, if there is one that writes a given value."""
    able = [function for function in functions if _writes_by(function) in WRITERS]
    return min(able, key=lambda function: WRITERS.index(_writes_by(function)), default=None)


def _writing(function: Function, extent: Extent, held: bytes, wanted: bytes) -> Call | None:
    """A call that makes ``wanted`` of what is ``held``, where the function can."""
    how, size = _writes_by(function), extent.size
    before, after = int.from_bytes(held, "big"), int.from_bytes(wanted, "big")
    numbers = {
        "add": after - before,
        "sub": before - after,
        "xor": before ^ after,
        "or": after & ~before,
        "and": after | ~before,
    }
    value = (numbers[how] % (1 << 8 * size)).to_bytes(size, "big") if how in numbers else wanted
    call = call_of(function, extent, held, 0)
    call = replace(call, args=Args(value, call.args.expected))
    return call if apply(call.meaning, held, call.args).memory == wanted else None


def _halves(held: bytes, part: slice) -> Iterator[bytes]:
    """Other values that differ in that part: by any bytes, by more bits, by fewer."""
    numbers = range(len(held))[part]
    any_bytes, more, fewer = bytearray(held), bytearray(held), bytearray(held)
    for at in numbers:
        any_bytes[at] = held[at] + 0x11 + at & 0xFF
    more[numbers[-1]] |= 0x03
    fewer[numbers[-1]] &= ~0x30 & 0xFF
    yield from map(bytes, (any_bytes, more, fewer))


class _OneObject:
    """One object of ``size`` bytes at the first place, and the functions for it."""

    def __init__(self, functions: Sequence[Function], size: int) -> None:
        self.functions = list(functions)
        self.size = size
        self.extent = Extent(0, size)
        self.held = families.initial(size)
        self.parts = [slice(0, size // 2), slice(size // 2, size)] if size > 1 else []
        self.writer = writer_of(functions)

    def history(self, what: str, *threads: tuple[Call, ...], before: tuple[Call, ...] = ()) -> History:
        called = " | ".join("; ".join(self._name(call) for call in calls) for calls in threads)
        after = "".join(f" after {self._name(call)}" for call in before)
        room = max((call.size for call in before), default=0)
        initial = ((0, self.held.ljust(room, b"\0")),)
        return History(f"{what}: {called}{after}", threads, initial, kind="same", before=before)

    def _name(self, call: Call) -> str:
        return f"{call.name}({call.size})" if call.meaning.generic else call.name

    def call(self, function: Function, thread: int) -> Call:
        return call_of(function, self.extent, self.held, thread)

    def written(self, wanted: Iterator[bytes]) -> Call | None:
        """The first of these values that the writer can write."""
        if self.writer is None:
            return None
        for value in wanted:
            call = _writing(self.writer, self.extent, self.held, value)
            if call is not None:
                return call
        return None

    def halves(self) -> Iterator[History]:
        """Beside a writer that changes only the first half, or only the second."""
        for part, name in zip(self.parts, ("first half changes", "second half changes"), strict=False):
            write = self.written(_halves(self.held, part))
            if write is None:
                continue
            for function in self.functions:
                yield self.history(name, (self.call(function, 0),), (write,))

    def comparisons(self) -> Iterator[History]:
        """A comparison that fails unless the other call comes first."""
        for function in self.functions:
            if shape(function) != "compare":
                continue
            for other in self.functions:
                write = self.call(other, 1)
                after = apply(write.meaning, self.held, write.args).memory
                if after != self.held:
                    call = self.call(function, 0)
                    call = replace(call, args=replace(call.args, expected=after))
                    yield self.history("fails unless it comes second", (call,), (write,))

    def threes(self) -> Iterator[History]:
        """Three threads: what updates thrice, what does not beside two calls of the writer."""
        for function in self.functions:
            others = function if shape(function) in ("update", "compare") else self.writer
            if others is not None:
                calls = (self.call(function, 0), self.call(others, 1), self.call(others, 2))
                yield self.history("three threads", *((call,) for call in calls))

    def twos(self) -> Iterator[History]:
        """Beside two calls of one thread: of itself, and of a writer that puts back a half, or all."""
        for function in self.functions:
            if shape(function) in ("update", "compare"):
                pair = (self.call(function, 1), self.call(function, 2))
                yield self.history("two calls", (self.call(function, 0),), pair)
        for part, name in [*zip(self.parts, ("first half", "second half"), strict=False), (slice(0, self.size), "all")]:
            back = self._put_back(part)
            for function in self.functions if back else ():
                yield self.history(f"{name} put back", (self.call(function, 0),), back)

    def _put_back(self, part: slice) -> tuple[Call, ...]:
        first = bytes(byte + 0x21 + at & 0xFF for at, byte in enumerate(self.held))
        second = bytearray(byte + 0x43 + at & 0xFF for at, byte in enumerate(self.held))
        second[part] = self.held[part]
        if self.writer is None:
            return ()
        one = _writing(self.writer, self.extent, self.held, first)
        other = _writing(self.writer, self.extent, first, bytes(second))
        return (one, other) if one is not None and other is not None else ()

    def orders(self, prints: Prints) -> Iterator[History]:
        """Under memory orders with which other bytes of the runtime's own are touched: beside itself, and a writer."""
        for function in self.functions:
            for order in prints.orders.get((function.symbol, self.size), ()):
                mine, same = (
                    replace(call, args=replace(call.args, order=order))
                    for call in (self.call(function, 0), self.call(function, 1))
                )
                yield self.history(f"memory order {order}", (mine,), (same,))
                if self.writer is not None:
                    yield self.history(f"memory order {order}, writer without", (mine,), (self.call(self.writer, 1),))

    def after(self, before: Call) -> Iterator[History]:
        """Beside itself and beside a writer, after a call that leaves something behind."""
        held = self.history("", before=(before,)).held[0][1][: self.size]
        for function in self.functions:
            for other in {f.symbol: f for f in (function, self.writer or function)}.values():
                calls = (call_of(f, self.extent, held, thread) for thread, f in enumerate((function, other)))
                yield self.history("left behind", *((call,) for call in calls), before=(before,))


def beyond_pairs(functions: Sequence[Function], size: int, prints: Prints) -> Iterator[History]:
    """The further histories of the functions for objects of ``size`` bytes."""
    one = _OneObject(functions, size)
    yield from one.halves()
    yield from one.comparisons()
    yield from one.threes()
    yield from one.twos()
    yield from one.orders(prints)


def left_behind(
    functions: Sequence[Function], size: int, every: Sequence[Function], prints: Prints
) -> Iterator[History]:
    """Histories after calls that leave the runtime's data other than they were, each state of the data once.

    ``every`` function may be the one that left it.
    """
    by_symbol = {function.symbol: function for function in every}
    states: dict[str, Call] = {}
    for left in prints.left:
        function = by_symbol.get(left.symbol)
        if function is not None and left.data not in states and len(states) < LEFT:
            extent = Extent(0, left.size)
            held = families.initial(size).ljust(left.size, b"\0")[: left.size]
            states[left.data] = neutral_call(function, extent, held, failing=left.failing)
    for before in states.values():
        yield from _OneObject(functions, size).after(before)
