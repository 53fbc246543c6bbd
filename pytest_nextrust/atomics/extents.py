"""Histories on different objects: overlapping, sharing locks, or taking locks in orders that make a circle.

Where they lie follows from what the functions touch of the runtime's own data, called alone at many positions. One
function stands for all of one footprint. See "Different objects" in docs/atomics.md.

Boundary: values; nothing is built or run here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product

from pytest_nextrust.atomics import families
from pytest_nextrust.atomics.calls import Extent, History
from pytest_nextrust.atomics.driver import OBJECTS_AT
from pytest_nextrust.atomics.footprints import HUGE, Prints, call_of, is_generic, shape
from pytest_nextrust.atomics.program import Function

__all__ = ["CLASSES", "laid_out"]

CLASSES = 8
"""Functions of one size that stand for all others: of so many different footprints."""

USERS = 8
"""Positions of one function that are tried for one lock, and for one order of two locks."""

TRIED = 24
"""Positions that are tried for each side of a circle of three."""

Locks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    """A function on an object of ``size`` bytes."""

    function: Function
    size: int

    @property
    def title(self) -> str:
        return f"{self.function.symbol}({self.size})" if is_generic(self.function) else self.function.symbol


@dataclass(frozen=True, slots=True)
class _Placed:
    """The same at a position, with what it touches of the runtime's own data there, in order."""

    member: _Member
    at: int
    locks: Locks

    @property
    def end(self) -> int:
        return self.at + self.member.size

    def apart(self, other: _Placed) -> bool:
        return self.end <= other.at or other.end <= self.at


def laid_out(functions: Sequence[Function], prints: Prints) -> Iterator[History]:
    """Every history on different objects that the footprints ask for."""
    by_symbol = {function.symbol: function for function in functions}
    placed: dict[_Member, dict[int, _Placed]] = {}
    for (symbol, size), touched in prints.spread.items():
        if symbol in by_symbol:
            member = _Member(by_symbol[symbol], size)
            step = member.function.alignment
            placed[member] = {at: _Placed(member, at, locks) for at, locks in touched.items() if at % step == 0}
    yield from _overlapping(placed)
    yield from _sharing(placed)
    yield from _circles(placed)


def _history(kind: str, what: str, *who: _Placed) -> History:
    """One call of each on its own object, in one arena where they overlap."""
    if all(one.apart(other) for one, other in combinations(who, 2)):
        initial = tuple((one.at - OBJECTS_AT, families.initial(one.member.size)) for one in who)
        held = [data for _, data in initial]
    else:
        low, high = min(one.at for one in who), max(one.end for one in who)
        extents = [Extent(one.at - low, one.member.size) for one in who]
        arena = families.arena(high - low, *extents)
        initial = ((low - OBJECTS_AT, arena),)
        held = [arena[extent.offset : extent.offset + extent.size] for extent in extents]
    calls = tuple(
        (call_of(one.member.function, Extent(one.at - OBJECTS_AT, one.member.size), data, thread),)
        for thread, (one, data) in enumerate(zip(who, held, strict=True))
    )
    name = f"{what}: " + " | ".join(f"{one.member.title}@{one.at:#x}" for one in who)
    return History(name, calls, initial, kind=kind)


def _could_show(one: _Member, other: _Member) -> bool:
    return not shape(one.function) == shape(other.function) == "load"


def _overlapping(placed: Mapping[_Member, Mapping[int, _Placed]]) -> Iterator[History]:
    """Two objects with a byte in common: one place where the two have a lock in common too, and one where they do not.

    Where neither takes a lock, every way to overlap.
    """
    for one, other in combinations_with_replacement(placed, 2):
        if not _could_show(one, other) or HUGE in (one.size, other.size):
            continue
        done: set[object] = set()
        for first in placed[one].values():
            for at in range(max(0, first.at - other.size + 1), first.end):
                second = placed[other].get(at)
                if second is None or (one.size == other.size and at == first.at):
                    continue
                common = not set(first.locks).isdisjoint(second.locks)
                free = not first.locks and not second.locks
                key = at - first.at if free else (common, bool(first.locks), bool(second.locks))
                if key not in done:
                    done.add(key)
                    yield _history("overlap", "overlap where locks differ" if not common else "overlap", first, second)


def _by_member(
    placed: Mapping[_Member, Mapping[int, _Placed]], keys_of: Callable[[Locks], Sequence[object]]
) -> dict[object, dict[_Member, list[_Placed]]]:
    """Who uses a lock, or takes two in an order: at most ``USERS`` positions of each."""
    found: dict[object, dict[_Member, list[_Placed]]] = defaultdict(lambda: defaultdict(list))
    for member, positions in placed.items():
        for one in positions.values():
            for key in keys_of(one.locks):
                users = found[key][member]
                if len(users) < USERS:
                    users.append(one)
    return found


def _sharing(placed: Mapping[_Member, Mapping[int, _Placed]]) -> Iterator[History]:
    """Two objects without a byte in common, and with one lock or several in common, taken in one order or in two."""
    done: set[object] = set()
    for users in _by_member(placed, lambda locks: locks).values():
        for one, other in combinations_with_replacement(list(users), 2):
            for first, second in product(users[one], users[other]):
                if not first.apart(second) or not _could_show(one, other):
                    continue
                numbers = {lock: number for number, lock in enumerate(first.locks)}
                joint = [numbers[lock] for lock in second.locks if lock in numbers]
                key = one, other, min(len(joint), 2), joint == sorted(joint)
                if key not in done:
                    done.add(key)
                    yield _history("shared-lock", "a lock in common", first, second)


def _circles(placed: Mapping[_Member, Mapping[int, _Placed]]) -> Iterator[History]:
    """Two objects, or three, of which each takes a lock before one that another takes before."""
    edges = _by_member(placed, lambda locks: list(combinations(locks, 2)))
    done: set[object] = set()
    after: dict[object, set[object]] = defaultdict(set)
    for key, users in edges.items():
        assert isinstance(key, tuple)
        first, second = key
        after[first].add(second)
        for member, other in product(users, edges.get((second, first), {})):
            pairs = product(users[member], edges[second, first][other])
            found = next(((a, b) for a, b in pairs if a.apart(b)), None)
            if found is not None and (other, member) not in done and (member, other) not in done:
                done.add((member, other))
                yield _history("shared-lock", "locks in a circle", *found)
    for one, two, three in _triangles(after):
        sides = (one, two), (two, three), (three, one)
        users_of = [[user for users in edges[side].values() for user in users][:TRIED] for side in sides]
        for who in product(*users_of):
            if all(a.apart(b) for a, b in combinations(who, 2)):
                yield _history("shared-lock", "locks in a circle", *who)
                return


def _triangles(after: Mapping[object, set[object]]) -> Iterator[tuple[object, object, object]]:
    for one, seconds in after.items():
        for two in seconds:
            for three in after.get(two, ()):
                if three != one and one in after.get(three, ()):
                    yield one, two, three
