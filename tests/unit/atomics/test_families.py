"""The histories cover what they say, and their operands make interference visible."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_nextrust.atomics.families import (
    FAMILIES,
    Call,
    Extent,
    History,
    Outcome,
    all_histories,
    all_pairs,
    outcomes,
    overlaps,
    shared_locks,
    straddles,
    with_orders,
)
from pytest_nextrust.atomics.table import COMPARE_EXCHANGES, GENERIC, ROUTINES, SIZES, Args


def interfered(history: History) -> Outcome:
    """Both calls work on the bytes as they were at first, and the second one's stores come last."""
    (one,), (other,) = history.threads
    _, first = one.apply(history.arena)
    left, second = other.apply(history.arena)
    return Outcome(((first,), (second,)), left)


def updates(call: Call) -> bool:
    """Whether a call reads and writes the object."""
    stem = call.routine.stem
    return stem not in ("__atomic_load", "__atomic_store", "__sync_lock_release")


def test_all_pairs_are_all() -> None:
    """Every pair of families in every size, and every sized routine and generic one in some pair."""
    found = list(all_pairs())
    assert len(found) == len(FAMILIES) * (len(FAMILIES) + 1) // 2 * len(SIZES) == 420
    assert len({history.name for history in found}) == len(found)
    used = {call.routine.name for history in found for thread in history.threads for call in thread}
    assert used == set(ROUTINES) - {"__sync_synchronize", "__atomic_is_lock_free"}
    assert set(GENERIC) <= used


def both_update(history: History) -> bool:
    (one,), (other,) = history.threads
    return updates(one) and updates(other)


@pytest.mark.parametrize("history", [h for h in all_pairs() if both_update(h)], ids=lambda history: history.name)
def test_lost_updates_are_visible(history: History) -> None:
    """Where both calls update, working on the same old value leaves what no order of the calls does."""
    assert interfered(history) not in outcomes(history)


def test_a_lost_update_hidden_by_equal_operands_would_be_seen() -> None:
    """The check is not empty: of two threads that or the same bit in and ask for the new value, a loss is invisible."""
    call = Call(ROUTINES["__sync_or_and_fetch_4"], Extent(0, 4), Args(value=b"\0\0\0\1"))
    hidden = History("hidden", "same", bytes(16), ((call,), (call,)))
    assert interfered(hidden) in outcomes(hidden)


def test_outcomes_keep_each_threads_order() -> None:
    """Two calls of one thread have one order; of two threads, two."""
    history = next(iter(all_pairs((4,))))
    (one,), (other,) = history.threads
    serial = History("serial", "same", history.arena, ((one, other),))
    assert len(outcomes(serial)) == 1
    assert len(outcomes(history)) == 2


def test_kinds_are_what_they_say() -> None:
    """Overlapping objects do overlap, straddling ones cross a block, others with a lock in common share no byte."""
    for history in overlaps():
        assert history.kind == "overlap"
        assert history.mixed, history.name
    for history in straddles():
        extent = history.threads[0][0].extent
        assert extent.offset // 16 != (extent.offset + extent.size - 1) // 16
        assert not history.mixed
    for history in shared_locks():
        blocks = [
            {block % 64 for block in range(o.offset // 16, (o.offset + o.size - 1) // 16 + 1)}
            for o in (thread[0].extent for thread in history.threads)
        ]
        assert blocks[0] & blocks[1]
        assert not history.mixed


def test_names_are_unique_and_bytes_are_there() -> None:
    """A history is found by its name, and its objects lie in its arena."""
    found = list(all_histories(mixed=True))
    assert [name for name, count in Counter(history.name for history in found).items() if count > 1] == []
    for history in found:
        for call in (call for thread in history.threads for call in thread):
            assert call.extent.offset >= 0
            assert call.extent.offset + call.extent.size <= len(history.arena)


def test_selections() -> None:
    """Same-size selections have no mixed overlap, lock-free ones no object that takes locks; neither is empty."""
    same = list(all_histories(mixed=False))
    free = list(all_histories(mixed=True, lock_free_only=True))
    every = list(all_histories(mixed=True))
    assert not any(history.mixed for history in same)
    assert all(history.lock_free_sizes for history in free)
    assert 420 < len(same) < len(every)
    assert 420 < len(free) < len(every)


def test_orders_can_be_changed() -> None:
    """Memory orders are arguments of their own and change no outcome."""
    history = next(h for h in all_pairs() if h.threads[0][0].routine.stem == COMPARE_EXCHANGES[2])
    relaxed = with_orders(history, 0, 0)
    assert relaxed.threads[0][0].args.order == 0
    assert outcomes(relaxed) == outcomes(history)
