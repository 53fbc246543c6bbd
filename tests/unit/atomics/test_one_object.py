"""Histories on one object beyond pairs: each is what its name says, for whatever is exported."""

from __future__ import annotations

import pytest

from pytest_nextrust.atomics.calls import Call, Extent, History
from pytest_nextrust.atomics.coverage import NO_PRINTS
from pytest_nextrust.atomics.families import initial
from pytest_nextrust.atomics.footprints import LeftBehind, Prints, neutral_call, shape, sizes_of
from pytest_nextrust.atomics.one_object import beyond_pairs, left_behind, writer_of
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import COMPARE_EXCHANGES, ROUTINES, SIZES, apply
from pytest_nextrust.emu.records import Address


def functions(*names: str) -> list[Function]:
    return [Function(name, Address(0), name) for name in names]


FULL = functions(*ROUTINES)


def of(size: int) -> list[Function]:
    return [function for function in FULL if size in sizes_of(function)]


def named(prefix: str, size: int, chosen: list[Function] | None = None, prints: Prints = NO_PRINTS) -> list[History]:
    """The histories whose names begin so."""
    found = beyond_pairs(of(size) if chosen is None else chosen, size, prints)
    return [history for history in found if history.name.startswith(prefix)]


def after(call: Call, held: bytes) -> bytes:
    return apply(call.meaning, held, call.args).memory


@pytest.mark.parametrize("size", [2, 4, 8, 6])
@pytest.mark.parametrize("half", [0, 1])
def test_a_writer_changes_one_half(size: int, half: int) -> None:
    """Beside every function, and only in that half."""
    found = named(("first", "second")[half] + " half changes", size)
    assert [history.threads[0][0].name for history in found] == [function.symbol for function in of(size)]
    for history in found:
        left, held = after(history.threads[1][0], initial(size)), initial(size)
        parts = left[: size // 2] != held[: size // 2], left[size // 2 :] != held[size // 2 :]
        assert parts == (half == 0, half == 1)


@pytest.mark.parametrize(
    "name", ["exchange", "fetch_add", "fetch_sub", "fetch_xor", "fetch_or", "fetch_and", "compare_exchange"]
)
def test_whatever_writes_can_change_a_half(name: str) -> None:
    """A runtime with one kind of writer has these histories too."""
    chosen = functions(f"__atomic_{name}_4", "__atomic_load_4")
    assert len(named("first half changes", 4, chosen)) == len(named("second half changes", 4, chosen)) == 2


def test_without_a_writer_there_is_nothing_to_change() -> None:
    """Of loads alone no history is made."""
    assert list(beyond_pairs(functions("__atomic_load_4"), 4, Prints())) == []
    assert writer_of(functions("__atomic_load_4")) is None


@pytest.mark.parametrize("size", SIZES)
def test_comparisons_fail_first_and_succeed_second(size: int) -> None:
    """The comparison expects what the other call leaves, which is not what is there at first."""
    found = named("fails unless it comes second", size)
    assert len({history.threads[0][0].name for history in found}) == 4
    for history in found:
        (compare,), (write,) = history.threads
        assert compare.meaning.stem in COMPARE_EXCHANGES
        assert compare.args.expected == after(write, initial(size)) != initial(size)


@pytest.mark.parametrize(("prefix", "kept"), [("first half", (0, 4)), ("second half", (4, 8)), ("all", (0, 8))])
def test_a_part_is_put_back(prefix: str, kept: tuple[int, int]) -> None:
    """After two writes of one thread that part is as it was, and after the first it is not."""
    found = named(f"{prefix} put back", 8)
    assert len(found) > 30
    part = slice(*kept)
    for history in found:
        _, (one, other) = history.threads
        between = after(one, initial(8))
        assert between[part] != initial(8)[part]
        assert after(other, between)[part] == initial(8)[part]
        assert (after(other, between) == initial(8)) == (prefix == "all")


def test_there_are_three_threads_of_everything() -> None:
    """What updates thrice, what does not beside two writers; no routine is left out."""
    found = named("three threads", 4)
    assert {history.threads[0][0].name for history in found} == {function.symbol for function in of(4)}
    writer = writer_of(of(4))
    assert writer is not None
    for history in found:
        assert len(history.threads) == 3
        first, *others = (calls[0].name for calls in history.threads)
        updates = shape(functions(first)[0]) in ("update", "compare")
        assert set(others) == ({first} if updates else {writer.symbol})


def test_a_memory_order_that_goes_another_way_is_tried() -> None:
    """Only where footprints differ: beside itself and the writer, with that order in the calls."""
    chosen = functions("__atomic_store_4", "__atomic_fetch_add_4")
    assert named("memory order", 4, chosen) == []
    found = named("memory order", 4, chosen, Prints(orders={("__atomic_fetch_add_4", 4): (0,)}))
    assert [[calls[0].args.order for calls in history.threads] for history in found] == [[0, 0], [0, 5]]


def test_states_left_behind_are_tried_once() -> None:
    """Equal states once; the earlier call leaves the object as it is, and its comparison fails where that was seen."""
    chosen = functions("__atomic_fetch_add_4", "__atomic_compare_exchange_4", "__atomic_load_4")
    left = (
        LeftBehind("__atomic_fetch_add_4", 4, False, "one"),
        LeftBehind("__atomic_compare_exchange_4", 4, False, "one"),
        LeftBehind("__atomic_compare_exchange_4", 4, True, "two"),
    )
    found = list(left_behind(chosen, 4, chosen, Prints(left=left)))
    assert {history.before[0].name for history in found} == {"__atomic_fetch_add_4", "__atomic_compare_exchange_4"}
    for history in found:
        assert history.held == history.initial
        failing = history.before[0].name == "__atomic_compare_exchange_4"
        assert not failing or history.before[0].args.expected != initial(4)
    assert {history.calls[0].name for history in found} == {function.symbol for function in chosen}


@pytest.mark.parametrize("size", SIZES)
def test_neutral_calls_change_nothing(size: int) -> None:
    """But of what cannot but write: a release, and nand."""
    for function in of(size):
        call = neutral_call(function, Extent(0, size), initial(size))
        changes = after(call, initial(size)) != initial(size)
        assert changes == ("nand" in function.routine or "release" in function.routine), function.symbol
