"""Different objects lie where the footprints of calls say that something could be seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_nextrust.atomics.calls import History
from pytest_nextrust.atomics.extents import laid_out
from pytest_nextrust.atomics.footprints import Prints, positions
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.emu.records import Address

ADD_2, ADD_4, ADD_8 = (f"__sync_fetch_and_add_{size}" for size in (2, 4, 8))
SIZES = {ADD_2: 2, ADD_4: 4, ADD_8: 8}

Hash = Callable[[int, int], tuple[int, ...]]
"""The locks of an object by its address and size, in the order in which they are taken."""


def found(locks: Hash, *names: str, **other: Hash) -> list[History]:
    """What is asked for where functions take such locks."""
    functions = [Function(name, Address(0), name) for name in names]
    spread = {
        (name, SIZES[name]): {at: other.get(name, locks)(at, SIZES[name]) for at in positions(SIZES[name])}
        for name in names
    }
    return list(laid_out(functions, Prints(spread=spread)))


def extents(history: History) -> list[tuple[int, int]]:
    return [(call.offset, call.offset + call.size) for call in history.calls]


def overlapping(history: History) -> bool:
    (one, one_end), (other, other_end) = extents(history)
    return one < other_end and other < one_end


@pytest.mark.parametrize("shift", range(1, 13))
def test_objects_overlap_where_locks_by_the_first_byte_differ(shift: int) -> None:
    """Whatever the block: two objects with a byte in common, and locks of two blocks."""
    histories = found(lambda at, size: (at >> shift & 63,), ADD_4, ADD_8)
    apart = [history for history in histories if history.name.startswith("overlap where locks differ")]
    assert apart
    for history in apart:
        (one, _), (other, _) = extents(history)
        assert overlapping(history)
        assert (one + 0x400) >> shift != (other + 0x400) >> shift


@pytest.mark.parametrize("locks", [61, 67])
def test_objects_overlap_where_remainders_differ(locks: int) -> None:
    """Hashes that are no shift and mask, too."""
    histories = found(lambda at, size: (at % locks,), ADD_4)
    assert any(history.name.startswith("overlap where locks differ") for history in histories)


def test_one_lock_is_enough_for_overlaps() -> None:
    """Under a global lock each pair overlaps at one place, and shares the lock at another."""
    histories = found(lambda at, size: (0,), ADD_4, ADD_8)
    assert sorted(history.name.partition(":")[0] for history in histories) == ["a lock in common"] * 3 + ["overlap"] * 3
    for history in histories:
        assert overlapping(history) == (history.kind == "overlap")


def test_without_locks_every_way_to_overlap_is_tried() -> None:
    """A word in a long's first half and in its second, and longs half across each other."""
    histories = found(lambda at, size: (), ADD_2, ADD_4)
    ways = {extents(h)[1][0] - extents(h)[0][0] for h in histories if {c.name for c in h.calls} == {ADD_2, ADD_4}}
    assert ways == {0, -2}
    assert {h.kind for h in histories} == {"overlap"}
    longs = [h for h in histories if {c.name for c in h.calls} == {ADD_4}]
    assert {extents(h)[1][0] - extents(h)[0][0] for h in longs} == {-2, 2}


def test_two_orders_make_a_circle_of_two() -> None:
    """The lock of the first byte, then that of the last, of two locks: two objects that do not overlap."""

    def as_they_lie(at: int, size: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys((at >> 4 & 1, at + size - 1 >> 4 & 1)))

    circles = [h for h in found(as_they_lie, ADD_4) if h.name.startswith("locks in a circle")]
    assert circles
    for history in circles:
        assert not overlapping(history)
        assert history.kind == "shared-lock"


def test_three_locks_make_a_circle_of_three() -> None:
    """No two objects wait for each other, and three do."""

    def modulo(at: int, size: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys((at // 16 % 3, (at + size - 1) // 16 % 3)))

    histories = [h for h in found(modulo, ADD_4) if h.name.startswith("locks in a circle")]
    assert [len(history.threads) for history in histories] == [3]
    firsts = [modulo(call.offset + 0x400, 4) for call in histories[0].calls]
    assert sorted(firsts) == [(0, 1), (1, 2), (2, 0)]


def test_ordered_locks_make_none() -> None:
    """Each in ascending order: nothing to look for."""

    def ordered(at: int, size: int) -> tuple[int, ...]:
        return tuple(sorted({at // 16 % 3, (at + size - 1) // 16 % 3}))

    assert not [h for h in found(ordered, ADD_4, ADD_8) if h.name.startswith("locks in a circle")]


def test_the_initial_bytes_are_those_of_the_objects() -> None:
    """Each call's object lies in the bytes that the history begins with."""
    for history in found(lambda at, size: (at >> 4 & 63,), ADD_2, ADD_4, ADD_8):
        for call in history.calls:
            assert any(at <= call.offset and call.offset + call.size <= at + len(d) for at, d in history.initial)
