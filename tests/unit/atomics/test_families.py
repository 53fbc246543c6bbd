"""The histories cover what they say, and their operands make interference visible."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from pytest_nextrust.atomics import coverage
from pytest_nextrust.atomics.calls import Call, History
from pytest_nextrust.atomics.coverage import Members, covering, shows
from pytest_nextrust.atomics.driver import OBJECTS_AT
from pytest_nextrust.atomics.families import overlaps, shared_locks, straddles
from pytest_nextrust.atomics.footprints import Prints, places
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import GENERIC, ROUTINES, SIZES, Args, apply
from pytest_nextrust.emu.records import Address

Answer = tuple[object, ...]

FULL = Members(tuple(Function(name, Address(0), name) for name in ROUTINES))
"""Every routine, each with code of its own."""


def pairs(size: int) -> list[History]:
    """Two calls on one object of this size."""
    return list(coverage.pairs(FULL, size))


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


@pytest.mark.parametrize("size", SIZES)
def test_all_pairs_are_all(size: int) -> None:
    """Every routine of a size, of both families and generic, beside itself and beside every other, but for loads."""
    names = [name for name, routine in ROUTINES.items() if routine.size == size] + list(GENERIC)
    loads = {f"__atomic_load_{size}", "__atomic_load"}
    wanted = {frozenset((one, other)) for one in names for other in names if not {one, other} <= loads}
    found = pairs(size)
    assert {frozenset(call.routine for call in history.calls) for history in found} == wanted
    assert len(found) == len(wanted)


def test_whatever_is_left_out_shows_nothing() -> None:
    """Of the full list every routine takes part in something that could show a fault; a load alone in nothing."""
    showing = [history for history in covering(FULL) if shows(history)]
    assert {call.routine for history in showing for call in history.calls} == set(ROUTINES)
    for alone in ("__atomic_load_8", "__atomic_store_4", "__sync_lock_release_1", "__sync_synchronize"):
        members = Members((Function(alone, Address(0), alone),))
        assert not any(shows(history) for history in covering(members))
    update = Members((Function("__sync_fetch_and_sub_4", Address(0), "__sync_fetch_and_sub_4"),))
    assert any(shows(history) for history in covering(update))


def test_objects_overlap_and_share_locks_in_one_family_alone() -> None:
    """Of ``__sync_*`` alone there are histories of every kind."""
    members = Members(tuple(f for f in FULL.functions if f.routine.startswith("__sync_")))
    assert {history.kind for history in covering(members)} == {"same", "overlap", "straddle", "shared-lock"}


def test_where_locks_differ_a_pair_is_explored_elsewhere_too() -> None:
    """Two routines whose footprints part at one place are beside each other there, and nowhere else."""
    functions = tuple(f for f in FULL.functions if ROUTINES[f.routine].size == 1)[:2]
    count = len(places(1))
    one, other = ((function.symbol, 1) for function in functions)
    footprints = {one: ((1,),) * count, other: ((1,),) * (count - 1) + ((2,),)}
    members = Members(functions, Prints(own=footprints))
    found = [h for h in coverage.pairs(members, 1) if len({call.routine for call in h.calls}) == 2]
    assert [history.calls[0].offset for history in found] == [0, places(1)[-1] - OBJECTS_AT]


def both_update(history: History) -> bool:
    (one,), (other,) = history.threads
    return updates(one) and updates(other)


@pytest.mark.parametrize("size", SIZES)
def test_lost_updates_are_visible(size: int) -> None:
    """Where both calls update, working on the same old value leaves what no order of the calls does."""
    both = [history for history in pairs(size) if both_update(history)]
    assert len(both) > 300
    assert [history.name for history in both if interfered(history) in final_states(history)] == []


def test_a_lost_update_hidden_by_equal_operands_would_be_seen() -> None:
    """The check is not empty: of two threads that or the same bit in and ask for the new value, a loss is invisible."""
    call = Call("__sync_or_and_fetch_4", 0, 4, Args(value=b"\0\0\0\1"))
    hidden = History("hidden", ((call,), (call,)), ((0, bytes(16)),))
    assert interfered(hidden) in final_states(hidden)


def test_the_oracle_keeps_each_threads_order() -> None:
    """Two calls of one thread have one order; of two threads, two."""
    history = pairs(4)[0]
    (one,), (other,) = history.threads
    serial = History("serial", ((one, other),), history.initial)
    assert len(final_states(serial)) == 1
    assert len(final_states(history)) == 2


def test_kinds_are_what_they_say() -> None:
    """Overlapping objects do overlap, straddling ones cross a block, others with a lock in common share no byte."""
    for kind, _, left, right in overlaps():
        assert kind == "overlap"
        assert left != right
        assert left.overlaps(right)
    for _, _, left, right in straddles():
        assert left == right
        assert left.offset // 16 != (left.offset + left.size - 1) // 16
    for _, _, left, right in shared_locks():
        blocks = [
            {block % 64 for block in range(o.offset // 16, (o.offset + o.size - 1) // 16 + 1)} for o in (left, right)
        ]
        assert blocks[0] & blocks[1]
        assert not left.overlaps(right)


def test_names_are_unique_and_bytes_are_there() -> None:
    """A history is found by its name, and its objects lie in its arena."""
    found = list(covering(FULL))
    assert [name for name, count in Counter(history.name for history in found).items() if count > 1] == []
    for history in found:
        ((start, arena),) = history.initial
        for call in history.calls:
            assert call.offset >= start
            assert call.offset + call.size <= start + len(arena)


def test_some_histories_overlap_in_different_sizes() -> None:
    """Most histories promise something in C and Rust, and some do not: accesses of different extents overlap."""
    every = list(covering(FULL))
    assert 420 < len([history for history in every if not history.mixed]) < len(every)
