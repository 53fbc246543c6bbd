"""The histories cover what they say, and their operands make interference visible."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from pytest_nextrust.atomics.calls import Call, History
from pytest_nextrust.atomics.families import FAMILIES, all_histories, all_pairs, overlaps, shared_locks, straddles
from pytest_nextrust.atomics.table import GENERIC, ROUTINES, SIZES, Args, apply

Answer = tuple[object, ...]


@dataclass(frozen=True)
class FinalState:
    """What can be seen of a run: each thread's answers in the order of its calls, and the arena in the end."""

    answers: tuple[tuple[Answer, ...], ...]
    arena: bytes


def after(call: Call, arena: bytes) -> tuple[bytes, Answer]:
    """The arena after a call, and its answer."""
    start, end = call.offset, call.offset + call.size
    effect = apply(call.meaning, arena[start:end], call.args)
    return arena[:start] + effect.memory + arena[end:], (effect.result, effect.output, effect.expected)


def arena_of(history: History) -> bytes:
    ((_, arena),) = history.initial
    return arena


def final_states(history: History) -> set[FinalState]:
    """Those of running the calls one after another, in every order that keeps each thread's own."""
    found = set()
    empty: tuple[tuple[Answer, ...], ...] = tuple(() for _ in history.threads)
    pending = [(arena_of(history), empty)]
    while pending:
        arena, answers = pending.pop()
        left = [number for number, calls in enumerate(history.threads) if len(answers[number]) < len(calls)]
        if not left:
            found.add(FinalState(answers, arena))
        for number in left:
            changed, answer = after(history.threads[number][len(answers[number])], arena)
            pending.append((changed, (*answers[:number], (*answers[number], answer), *answers[number + 1 :])))
    return found


def interfered(history: History) -> FinalState:
    """Both calls work on the bytes as they were at first, and the second one's stores come last."""
    (one,), (other,) = history.threads
    _, first = after(one, arena_of(history))
    left, second = after(other, arena_of(history))
    return FinalState(((first,), (second,)), left)


def updates(call: Call) -> bool:
    """Whether a call reads and writes the object."""
    stem = call.meaning.stem
    return stem not in ("__atomic_load", "__atomic_store", "__sync_lock_release")


def test_all_pairs_are_all() -> None:
    """Every pair of families in every size, and every sized routine and generic one in some pair."""
    found = list(all_pairs())
    assert len(found) == len(FAMILIES) * (len(FAMILIES) + 1) // 2 * len(SIZES) == 420
    assert len({history.name for history in found}) == len(found)
    used = {call.routine for history in found for call in history.calls}
    assert used == set(ROUTINES) - {"__sync_synchronize", "__atomic_is_lock_free"}
    assert set(GENERIC) <= used


def both_update(history: History) -> bool:
    (one,), (other,) = history.threads
    return updates(one) and updates(other)


@pytest.mark.parametrize("history", [h for h in all_pairs() if both_update(h)], ids=lambda history: history.name)
def test_lost_updates_are_visible(history: History) -> None:
    """Where both calls update, working on the same old value leaves what no order of the calls does."""
    (one,), (other,) = history.threads
    if updates(one) and updates(other):
        assert interfered(history) not in final_states(history)


def test_a_lost_update_hidden_by_equal_operands_would_be_seen() -> None:
    """The check is not empty: of two threads that or the same bit in and ask for the new value, a loss is invisible."""
    call = Call("__sync_or_and_fetch_4", 0, 4, Args(value=b"\0\0\0\1"))
    hidden = History("hidden", ((call,), (call,)), ((0, bytes(16)),))
    assert interfered(hidden) in final_states(hidden)


def test_the_oracle_keeps_each_threads_order() -> None:
    """Two calls of one thread have one order; of two threads, two."""
    history = next(iter(all_pairs((4,))))
    (one,), (other,) = history.threads
    serial = History("serial", ((one, other),), history.initial)
    assert len(final_states(serial)) == 1
    assert len(final_states(history)) == 2


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
    found = list(all_histories())
    assert [name for name, count in Counter(history.name for history in found).items() if count > 1] == []
    for history in found:
        for call in history.calls:
            assert call.offset >= 0
            assert call.offset + call.size <= len(arena_of(history))


def test_some_histories_overlap_in_different_sizes() -> None:
    """Most histories promise something in C and Rust, and some do not: accesses of different extents overlap."""
    every = list(all_histories())
    assert 420 < len([history for history in every if not history.mixed]) < len(every)
