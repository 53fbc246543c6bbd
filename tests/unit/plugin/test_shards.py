"""Every cut gives each item to exactly one shard, keeps together what depends on one another, and is balanced."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.plugin.plan import RunPlan
from pytest_nextrust.plugin.shards import assign, cut, parts
from pytest_nextrust.project.run_settings import Settings, ShardNumber, parse_shard
from pytest_nextrust.status.records import Item

CELLS = ("a-cell", "b-cell", "c-cell")


def plan(shard: ShardNumber, *, seconds: dict[str, float] | None = None, checks: bool = True) -> RunPlan:
    """``second`` builds on ``first``; ``apart`` on nothing. ``first`` does not run in the third cell."""
    return RunPlan(
        run="r",
        wanted="all",
        commit="c",
        targets=("first", "second", "apart"),
        order=("first", "second", "apart"),
        depends={"first": (), "second": ("first",), "apart": ()},
        cells={"first": CELLS[:2], "second": CELLS, "apart": CELLS},
        checks=checks,
        shard=shard,
        seconds=seconds or {},
    )


def item(phase: str, scenario: str, cell: str) -> Item:
    return Item("r", phase, scenario, cell, "crashed", nodeid=f"{phase}/{scenario}[{cell}]")


ITEMS = [
    item(phase, name, cell)
    for phase in ("first", "second", "apart")
    for name in ("x", "y")
    for cell in CELLS
    if (phase, cell) != ("first", "c-cell")
]


@given(
    st.integers(1, 9),
    st.dictionaries(st.sampled_from([str(each.key) for each in ITEMS]), st.floats(1e-6, 1e4)),
    st.permutations(ITEMS),
)
def test_each_item_is_in_one_shard(count: int, seconds: dict[str, float], order: list[Item]) -> None:
    """Whatever the durations, and in whatever order the items come: all shards name one cut, none is empty, and each
    item is in exactly one of them."""
    cuts = [
        cut(ITEMS if index % 2 else order, plan(ShardNumber(index, count), seconds=seconds))
        for index in range(1, count + 1)
    ]
    assert all(mine for mine, _ in cuts)
    assert sorted(nodeid for mine, _ in cuts for nodeid in mine) == sorted(each.nodeid for each in ITEMS)
    assert len({(shard.whole, shard.cut) for _, shard in cuts}) == 1


def test_what_depends_on_one_another_stays_together() -> None:
    """In a cell where both run, a phase and the one it builds on are one part; elsewhere every item is by itself."""
    together = parts(ITEMS, plan(ShardNumber(1, 1)))
    assert {name for name in together if " in " in name} == {"first+second in a-cell", "first+second in b-cell"}
    assert {len(members) for name, members in together.items() if " in " not in name} == {1}
    assert len(together) == 2 + 2 + 6  # joined in two cells, second in the third, apart in all
    alone = parts(ITEMS, plan(ShardNumber(1, 1), checks=False))
    assert len(alone) == len(ITEMS)


def test_more_shards_than_parts_are_refused() -> None:
    """The message says how many parts there are."""
    with pytest.raises(UsageFault, match="11 shards of 10 parts: some would verify nothing"):
        cut(ITEMS, plan(ShardNumber(11, 11)))


@given(st.dictionaries(st.text(max_size=4), st.floats(1e-6, 1e6), min_size=1, max_size=40), st.integers(1, 8))
def test_the_bound_of_longest_first(weights: dict[str, float], shards: int) -> None:
    """No shard is heavier than the mean of all plus the heaviest part: what giving the next part to the lightest is
    proved for."""
    loads = dict.fromkeys(range(1, shards + 1), 0.0)
    for name, shard in assign(weights, shards).items():
        loads[shard] += weights[name]
    assert max(loads.values()) <= (sum(weights.values()) / shards + max(weights.values())) * (1 + 1e-9)


def test_known_durations_balance() -> None:
    """One long part goes alone, the short ones together; without durations all parts count the same."""
    weights = {"long": 9.0, "a": 3.0, "b": 3.0, "c": 3.0}
    assert assign(weights, 2) == {"long": 1, "a": 2, "b": 2, "c": 2}
    assert sorted(assign(dict.fromkeys("abcd", 1.0), 2).values()) == [1, 1, 2, 2]


def test_other_durations_make_another_cut_of_the_same_whole() -> None:
    """That is how shards that knew different logs are told apart."""
    seconds = {"first x[b-cell]": 100.0, "first y[b-cell]": 1.0, "second x[b-cell]": 1.0}
    one, other = (cut(ITEMS, plan(ShardNumber(1, 3), seconds=known))[1] for known in ({}, seconds))
    assert one.whole == other.whole
    assert one.cut != other.cut
    assert cut(ITEMS[:-1], plan(ShardNumber(1, 3)))[1].whole != one.whole


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "1 / 2", "a/b", "1/99999", "١/٢"])
def test_what_is_no_shard(text: str) -> None:
    """A form or a number that means nothing is refused with what is accepted."""
    with pytest.raises(UsageFault, match="not a shard"):
        parse_shard("--nextrust-shard", text)


def test_a_shard_is_read_and_written() -> None:
    """Its text is what is read."""
    assert parse_shard("--nextrust-shard", "3/8") == ShardNumber(3, 8)
    assert str(replace(Settings(root=Path(os.devnull)), shard=ShardNumber(3, 8)).shard) == "3/8"
