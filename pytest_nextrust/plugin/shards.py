"""Cutting a run into shards: ``--nextrust-shard I/N`` runs the I-th of N parts, which together are the whole run.

Every shard makes the same cut by itself, from the same items and the same recorded durations. What belongs together
stays so: in a cell, a phase and those it builds on that run here; an item that nothing depends on is a part of its own.
Parts are given out longest first, each to the shard that has least (Graham 1969: at most 4/3 of the shortest time).

Boundary: decides only. That the shards of a run made the same cut, and that each came back, is seen where their logs
are merged (``status.shards``).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from statistics import median

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.plugin.plan import RunPlan
from pytest_nextrust.status.records import Item, Shard

__all__ = ["assign", "cut", "parts"]

UNKNOWN = 1.0
"""Seconds of an item, where no item of the run has a recorded duration."""


def cut(items: Sequence[Item], plan: RunPlan) -> tuple[frozenset[str], Shard]:
    """The node ids that run in the plan's shard, and what the journal says of the cut.

    ``items`` are all of the run, as they are before they run. Raises UsageFault where there are more shards than parts.
    """
    number = plan.shard
    assert number is not None
    together = parts(items, plan)
    if number.of > len(together):
        raise UsageFault(
            "--nextrust-shard",
            f"{number.of} shards of {len(together)} parts: some would verify nothing",
            place=str(number),
            remedy=f"cut it into {len(together)} at most; what depends on one another in a cell stays together",
        )
    known = [plan.seconds[str(item.key)] for item in items if str(item.key) in plan.seconds]
    usual = median(known) if known else UNKNOWN
    # Not sum(): with another order of the items it gives another last digit, and so another cut.
    weights = {
        name: fsum(plan.seconds.get(str(item.key), usual) for item in members) for name, members in together.items()
    }
    shards = assign(weights, number.of)
    mine = frozenset(item.nodeid for name, each in together.items() if shards[name] == number.index for item in each)
    keys = sorted((str(item.key), shards[name]) for name, members in together.items() for item in members)
    whole, made = _digest(key for key, _ in keys), _digest(f"{shard} {key}" for key, shard in keys)
    return mine, Shard(number.index, number.of, whole, made)


def parts(items: Iterable[Item], plan: RunPlan) -> dict[str, list[Item]]:
    """Items by the name of the part they belong to."""
    found: dict[str, list[Item]] = {}
    linked = {cell: _linked(plan, cell) for cells in plan.cells.values() for cell in cells}
    for item in items:
        group = linked.get(item.cell, {}).get(item.phase)
        found.setdefault(str(item.key) if group is None else f"{group} in {item.cell}", []).append(item)
    return found


def _linked(plan: RunPlan, cell: str) -> dict[str, str]:
    """For each phase that runs in a cell and depends on another that does, or is depended on: its group's name."""
    if not plan.checks:
        return {}
    here = [phase for phase in plan.order if plan.runs(phase, cell)]
    group: dict[str, set[str]] = {phase: {phase} for phase in here}
    for phase in here:
        for need in plan.depends.get(phase, ()):
            if need in group:
                joined = group[phase] | group[need]
                group.update(dict.fromkeys(joined, joined))
    return {phase: "+".join(sorted(members)) for phase, members in group.items() if len(members) > 1}


def assign(weights: Mapping[str, float], shards: int) -> dict[str, int]:
    """For each part, all of them heavier than nothing, the shard it goes to, from 1.

    It is the same for the same weights, in whatever order they come.
    """
    loads = [(0.0, shard) for shard in range(1, shards + 1)]
    given: dict[str, int] = {}
    for name in sorted(weights, key=lambda name: (-weights[name], name)):
        load, given[name] = loads[0]
        heapq.heapreplace(loads, (load + weights[name], given[name]))
    return given


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
