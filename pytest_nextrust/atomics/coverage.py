"""Which histories cover a runtime: from whatever it exports, at which addresses, and which of them could show a fault.

Every function runs beside itself and beside every other of its size, of both families, on one object. Equal code with
the same meaning is one function here. Where else than at the first place a pair is worth exploring, footprints say:
which bytes of the runtime's own data each function touches at each place, see "Which addresses" in docs/atomics.md.

Boundary: values; nothing is built or run here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.calls import Call, Extent, History
from pytest_nextrust.atomics.driver import OBJECTS_AT
from pytest_nextrust.atomics.extents import laid_out
from pytest_nextrust.atomics.footprints import (
    GENERIC_SIZES,
    NO_OBJECT,
    Footprint,
    Prints,
    call_of,
    is_generic,
    places,
    rank,
    shape,
    sizes_of,
)
from pytest_nextrust.atomics.one_object import beyond_pairs, left_behind, title
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import ROUTINES, SIZES, Args

__all__ = ["NO_PRINTS", "Members", "covering", "means_the_same", "pairs", "shows"]

NO_PRINTS = Prints()


def means_the_same(function: Function) -> tuple[object, ...]:
    """Equal for functions that do the same with an object but for memory orders, and have the same code."""
    routine = ROUTINES[function.routine]
    kinds = {"__sync_fetch_and_OP": "fetch", "__atomic_fetch_OP": "fetch"}
    kinds |= {"__sync_OP_and_fetch": "op", "__atomic_OP_fetch": "op"}
    kinds |= {"__sync_lock_test_and_set": "exchange"} | ({"__atomic_exchange": "exchange"} if routine.size else {})
    meaning = kinds.get(routine.stem, routine.stem), routine.operation, routine.size
    return (*meaning, function.code or function.symbol, function.alignment)


def reads(call: Call) -> bool:
    """Whether what the call answers depends on its object."""
    return call.meaning.stem not in ("__atomic_store", "__sync_lock_release", *NO_OBJECT)


def writes(call: Call) -> bool:
    """Whether the call may change its object."""
    return call.meaning.stem not in ("__atomic_load", *NO_OBJECT)


def shows(history: History) -> bool:
    """Whether some thread reads what another writes: without that no fault of any call is seen."""
    parties = [*history.threads, *([history.handler] if history.handler else [])]
    return any(
        reads(call) and writes(other)
        for number, calls in enumerate(parties)
        for call in calls
        for place, others in enumerate(parties)
        if place != number
        for other in others
    )


@dataclass(frozen=True, slots=True)
class Members:
    """What is exported, equal code once, and what it touches called alone."""

    functions: tuple[Function, ...]
    prints: Prints = NO_PRINTS

    def of(self, size: int) -> list[Function]:
        """The functions for objects of ``size`` bytes."""
        return [function for function in self.functions if size in sizes_of(function)]

    def at(self, function: Function, size: int, number: int) -> tuple[int, ...]:
        """The own bytes that a function touches at a place, by the place's number."""
        found = self.prints.own.get((function.symbol, size), ())
        return found[number] if number < len(found) else ()

    def leaders(self, size: int) -> dict[str, Function]:
        """For each function (symbol) the one that stands for all with its footprint, an update if there is one."""
        classes: dict[Footprint, list[Function]] = {}
        for function in self.of(size):
            classes.setdefault(self.prints.own.get((function.symbol, size), ()), []).append(function)
        first = {same: min(found, key=rank) for same, found in classes.items()}
        return {function.symbol: first[same] for same, found in classes.items() for function in found}

    def shapes(self, size: int) -> list[Function]:
        """An update, a comparison, a store and a load of ``size`` bytes, and one of each further footprint."""
        found: dict[str, Function] = {}
        for function in self.of(size):
            found.setdefault(shape(function), function)
        chosen = [*found.values(), *self.leaders(size).values()]
        return list({function.symbol: function for function in chosen}.values())


def covering(members: Members) -> Iterator[History]:
    """Every history that covers what is exported."""
    for size in (*SIZES, *GENERIC_SIZES):
        yield from pairs(members, size)
        yield from beyond_pairs(members.of(size), size, members.prints)
        if size in SIZES:
            yield from left_behind(members.of(size), size, members.functions, members.prints)
    yield from _beside_fences(members)
    yield from _endless(members)
    yield from laid_out(members.functions, members.prints)
    for kind, room, left, right in families.layouts():
        yield from _laid_out(members, kind, room, left, right)


def pairs(members: Members, size: int) -> Iterator[History]:
    """Two threads with one call each on the same object, at each class of places that the two tell apart."""
    found, leaders, held = members.of(size), members.leaders(size), families.initial(size)
    firsts = {function.routine: function for function in reversed(found)}
    # Further functions of a routine, one for each memory order, are looked at beside themselves and one update.
    standing = {function.symbol for function in firsts.values()}
    writer = min(firsts.values(), key=rank, default=None)
    for one, other in combinations_with_replacement(found, 2):
        further = one.symbol not in standing or other.symbol not in standing
        if not _could_show(one, other) or (further and one is not other and writer not in (one, other)):
            continue
        seen: set[object] = set()
        for number, place in enumerate(places(size)):
            if place % one.alignment or place % other.alignment:
                continue
            alike = _joint(members.at(one, size, number), members.at(other, size, number))
            if alike in seen:
                continue
            first = not seen
            seen.add(alike)
            leader = leaders[one.symbol]
            # Elsewhere functions that take the same locks are seen beside one of them.
            if not first and leader is leaders[other.symbol] and leader not in (one, other):
                continue
            extent = Extent(place - OBJECTS_AT, size)
            name = f"{title(one, size)} | {title(other, size)}" + ("" if first else f" at {place:#x}")
            threads = tuple((call_of(f, extent, held, n),) for n, f in enumerate((one, other)))
            yield History(name, threads, ((extent.offset, held),), kind="same")


def _could_show(one: Function, other: Function) -> bool:
    """Two loads never interfere."""
    return not (shape(one) == shape(other) == "load")


def _joint(one: Sequence[int], other: Sequence[int]) -> object:
    """How the own bytes of two calls correspond: equal where the two histories have the same steps, locks renamed."""
    numbers = {byte: number for number, byte in enumerate(one)}
    return len(one), tuple(numbers.get(byte, -1) for byte in other)


def _beside_fences(members: Members) -> Iterator[History]:
    """Calls that touch no object, beside two updates of one."""
    for size in SIZES:
        updates = [function for function in members.of(size) if rank(function) < 2]
        if updates:
            break
    else:
        return
    held, extent = families.initial(size), Extent(0, size)
    pair = tuple((call_of(updates[0], extent, held, thread),) for thread in (0, 1))
    for function in members.functions:
        if function.routine in NO_OBJECT:
            about = 0 if function.routine == "__sync_synchronize" else size
            call = Call(function.routine, 0, about, Args(), function.symbol, function.plain)
            name = f"{function.symbol} | {updates[0].symbol} | {updates[0].symbol}"
            yield History(name, ((call,), *pair), ((0, held),), kind="same")


def _endless(members: Members) -> Iterator[History]:
    """Calls that did not return alone, once for each function."""
    by_symbol = {function.symbol: function for function in members.functions}
    firsts = {symbol: (symbol, size, place) for symbol, size, place in reversed(members.prints.endless)}
    for symbol, size, place in firsts.values():
        if symbol in by_symbol:
            extent, held = Extent(place - OBJECTS_AT, size), families.initial(size)
            call = call_of(by_symbol[symbol], extent, held, 0)
            name = f"{title(by_symbol[symbol], size)} alone at {place:#x}"
            yield History(name, ((call,),), ((extent.offset, held),), kind="same")


def _laid_out(members: Members, kind: str, room: int, left: Extent, right: Extent) -> Iterator[History]:
    """Whatever is there for objects that lie to each other so."""
    done: set[tuple[str, str]] = set()
    for one in members.shapes(left.size) or _generic(members, left.size):
        for other in members.shapes(right.size) or _generic(members, right.size):
            same = left == right and (other.symbol, one.symbol) in done
            if same or not _could_show(one, other) or left.offset % one.alignment or right.offset % other.alignment:
                continue
            done.add((one.symbol, other.symbol))
            arena = families.arena(room, left, right)
            calls = tuple(
                (call_of(function, extent, arena[extent.offset : extent.offset + extent.size], thread),)
                for thread, (function, extent) in enumerate(((one, left), (other, right)))
            )
            name = f"{kind}: {title(one, left.size)}@{left.offset} | {title(other, right.size)}@{right.offset}"
            yield History(name, calls, ((0, arena),), kind=kind)


def _generic(members: Members, size: int) -> list[Function]:
    """The generic function that shows most, for a size in which none has a footprint: many bytes take long."""
    if size in (*SIZES, *GENERIC_SIZES):
        return []
    return sorted(filter(is_generic, members.functions), key=rank)[:1]
