"""How good an order would have been: each recorded run is put in order by what was known before it.

Looked at are runs in which something was bad, and among these, since "what failed last" finds what is known to fail at
no cost, those in which something broke that had been good. The orders compared: as collected, at random (the mean of
``SHUFFLES`` seeded ones), what failed last first, and ``likely``.

Precision at k is the share of bad items among the first k, recall at k the share of all bad items that are there. The
position of the first failure counts from 1; the time to it is the sum of the recorded times up to its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from pytest_nextrust.history.likely import Likelihood
from pytest_nextrust.history.past import Observation
from pytest_nextrust.status.records import ItemKey

__all__ = ["ORDERS", "Figures", "Order", "backtest", "order_likely"]

SHUFFLES = 20
WARM_UP = 3
"""Runs that are only learnt from: nobody could have known anything before."""

Order = Callable[[Sequence[Observation], Observation, random.Random], list[ItemKey]]
"""Given the earlier runs and one whose verdicts are not to be looked at, its items in the order to run them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One order over all runs that were looked at: means. ``runs`` is how many these were."""

    order: str
    runs: int
    precision: float
    recall: float
    position: float
    seconds: float


def order_likely() -> Order:
    """By ``likely``; it learns as it goes, so each call is given the runs of the one before, and more."""
    likelihood, learnt = Likelihood(), 0

    def order(earlier: Sequence[Observation], run: Observation, _: random.Random) -> list[ItemKey]:
        nonlocal learnt
        for observation in earlier[learnt:]:
            likelihood.add(observation)
        learnt = len(earlier)
        found = likelihood.predictions(run.bad, run.changed or ())
        return [each.key for each in sorted(found, key=lambda each: -each.chance)]

    return order


def _collected(_: Sequence[Observation], run: Observation, __: random.Random) -> list[ItemKey]:
    return list(run.bad)


def _shuffled(_: Sequence[Observation], run: Observation, lot: random.Random) -> list[ItemKey]:
    keys = list(run.bad)
    lot.shuffle(keys)
    return keys


def _failed_last(earlier: Sequence[Observation], run: Observation, _: random.Random) -> list[ItemKey]:
    last = {key: number for number, each in enumerate(earlier, 1) for key, bad in each.bad.items() if bad}
    return sorted(run.bad, key=lambda key: -last.get(key, 0))


ORDERS: Mapping[str, Callable[[], Order]] = {
    "collected": lambda: _collected,
    "random": lambda: _shuffled,
    "failed last first": lambda: _failed_last,
    "likely": order_likely,
}


def backtest(
    past: Sequence[Observation],
    *,
    k: int,
    fresh: bool = False,
    rank: Callable[[ItemKey], int] = lambda _: 0,
    orders: Mapping[str, Callable[[], Order]] = ORDERS,
    seed: int = 0,
) -> list[Figures]:
    """The figures of each order.

    ``fresh``: only what broke counts as bad, that was good the last time. ``rank`` is what an order may not change: of
    two items the one of lower rank comes first, whatever the order says (phases that build on each other).
    """
    found = []
    for name, make in orders.items():
        order, lot = make(), random.Random(seed)
        rows = []
        for number, run in enumerate(past):
            bad = _bad(past[:number], run) if fresh else {key for key, was in run.bad.items() if was}
            if number < WARM_UP or not bad:
                continue
            times = SHUFFLES if name == "random" else 1
            tries = [sorted(order(past[:number], run, lot), key=rank) for _ in range(times)]
            rows.append([_mean(column) for column in zip(*(_row(keys, bad, run, k) for keys in tries), strict=True)])
        means = [_mean(column) for column in zip(*rows, strict=True)] or [0.0] * 4
        found.append(Figures(name, len(rows), *means))
    return found


def _bad(earlier: Iterable[Observation], run: Observation) -> set[ItemKey]:
    last: dict[ItemKey, bool] = {}
    for observation in earlier:
        last.update(observation.bad)
    return {key for key, bad in run.bad.items() if bad and last.get(key) is False}


def _row(keys: Sequence[ItemKey], bad: set[ItemKey], run: Observation, k: int) -> tuple[float, float, float, float]:
    hits = len(bad.intersection(keys[:k]))
    first = next(place for place, key in enumerate(keys, 1) if key in bad)
    seconds = fsum(run.seconds.get(key, 0.0) for key in keys[:first])
    return hits / min(k, len(keys)), hits / len(bad), float(first), seconds


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return fsum(values) / len(values)
