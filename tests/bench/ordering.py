"""``python -m tests.bench.ordering``: likely failures first, beside scikit-learn's models, on generated histories.

Both models get what ``likely`` has: the verdict before, decayed rates of the item and its scenario, and what changed
(logistic regression: every pair of scenario and changed folder or file; boosted trees: the rates of the best of these).
They are fitted anew every ten runs. scikit-learn is no dependency of this project: install it beside to compare.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from pytest_nextrust.history.backtest import ORDERS, Figures, Order, backtest
from pytest_nextrust.history.likely import folders_and_files
from pytest_nextrust.history.past import Observation
from pytest_nextrust.status.records import ItemKey
from tests.unit.history.generated import generate

REFIT = 10
DECAY = 0.95
MEANS = ("precision", "recall", "position", "seconds")


class Features:
    """What is known of items before a run, as numbers."""

    def __init__(self) -> None:
        self.last: dict[ItemKey, bool] = {}
        self.rate: dict[ItemKey, float] = defaultdict(float)
        self.near: dict[str, float] = defaultdict(float)
        self.touched: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])

    def sparse(self, run: Observation, key: ItemKey) -> dict[str, float]:
        parts = folders_and_files(run.changed or ())
        row = {"last": float(self.last.get(key, False)), "rate": self.rate[key], "near": self.near[key.scenario]}
        return row | {f"{key.scenario} {part}": 1.0 for part in parts} | {str(key): 1.0}

    def dense(self, run: Observation, key: ItemKey) -> list[float]:
        parts = folders_and_files(run.changed or ())
        rates = [(hits + 0.05) / (cases + 1) for hits, cases in (self.touched[key.scenario, part] for part in parts)]
        own = [(hits + 0.05) / (cases + 1) for hits, cases in (self.touched[str(key), part] for part in parts)]
        last = self.last.get(key)
        return [
            -1.0 if last is None else float(last),
            self.rate[key],
            self.near[key.scenario],
            max(rates, default=0.0),
            max(own, default=0.0),
        ]

    def add(self, run: Observation) -> None:
        parts = folders_and_files(run.changed or ())
        for key, bad in run.bad.items():
            if self.last.get(key) is False:
                for part in parts:
                    for name in (key.scenario, str(key)):
                        counts = self.touched[name, part]
                        counts[0] += bad
                        counts[1] += 1
            self.last[key] = bad
            self.rate[key] = self.rate[key] * DECAY + bad * (1 - DECAY)
            self.near[key.scenario] = self.near[key.scenario] * DECAY + bad * (1 - DECAY)


def learnt(kind: str) -> Order:
    """An order by a model of scikit-learn: ``logistic`` or ``trees``."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-not-found, unused-ignore]
    from sklearn.feature_extraction import DictVectorizer  # type: ignore[import-not-found, unused-ignore]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-not-found, unused-ignore]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-not-found, unused-ignore]

    features = Features()
    rows: list[Any] = []
    answers: list[bool] = []
    model: Any = None
    count = 0

    def order(earlier: Sequence[Observation], run: Observation, _: random.Random) -> list[ItemKey]:
        nonlocal model, count
        read = features.sparse if kind == "logistic" else features.dense
        for observation in earlier[count:]:
            rows.extend(read(observation, key) for key in observation.bad)
            answers.extend(observation.bad.values())
            features.add(observation)
        if (model is None or len(earlier) // REFIT > count // REFIT) and len(set(answers)) == 2:
            if kind == "logistic":
                model = make_pipeline(DictVectorizer(), LogisticRegression(max_iter=300, C=0.5))
            else:
                model = HistGradientBoostingClassifier(max_iter=60, min_samples_leaf=10)
            model.fit(rows, answers)
        count = len(earlier)
        keys = list(run.bad)
        if model is None:
            return keys
        chances = model.predict_proba([read(run, key) for key in keys])[:, 1]
        return [key for key, _ in sorted(zip(keys, chances, strict=True), key=lambda pair: -pair[1])]

    return order


def table(seeds: int, runs: int, k: int, fresh: bool) -> list[Figures]:
    """The mean of each order's figures over several histories."""
    orders = dict(ORDERS)
    if importlib.util.find_spec("sklearn") is not None:
        orders |= {f"scikit-learn, {kind}": partial(learnt, kind) for kind in ("logistic", "trees")}
    found: dict[str, list[Figures]] = {name: [] for name in orders}
    for seed in range(seeds):
        for figures in backtest(generate(seed, runs)[0], k=k, fresh=fresh, orders=orders):
            found[figures.order].append(figures)
    return [
        Figures(
            name,
            sum(each.runs for each in all_),
            *(sum(getattr(each, part) for each in all_) / len(all_) for part in MEANS),
        )
        for name, all_ in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ordering", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="histories (default 1)")
    parser.add_argument("--runs", type=int, default=60, help="runs in each (default 60)")
    parser.add_argument("--top", type=int, default=10, help="k of precision and recall (default 10)")
    args = parser.parse_args()
    for fresh in (False, True):
        print("what broke" if fresh else "what was bad")
        for each in table(args.seeds, args.runs, args.top, fresh):
            print(
                f"  {each.order:24} precision {each.precision:.3f}  recall {each.recall:.3f}  "
                f"first at {each.position:6.2f}  after {each.seconds:6.2f} s  ({each.runs} runs)"
            )


if __name__ == "__main__":
    main()
