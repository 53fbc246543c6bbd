"""What is made of a run's items and figures, and the lookups of the build cache that are among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.metrics.emitter import Emitter, Measurement
from pytest_nextrust.metrics.runs import RunMeasure
from pytest_nextrust.status.records import Item
from pytest_nextrust.toolchain import cache


class Kept:
    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], float] = {}

    def send(self, samples: Sequence[Measurement]) -> str:
        for sample in samples:
            key = (sample.metric.name, *sample.labels)
            self.values[key] = self.values.get(key, 0) + sample.value
        return ""


def item(name: str, verdict: Any = "passed", **rest: Any) -> Item:
    return Item("r", "p", name, "c", verdict, nodeid=name, **rest)


def measured(items: list[Item], figures: dict[str, dict[str, float]], exit: int = 0) -> dict[tuple[str, ...], float]:
    kept = Kept()
    measure = RunMeasure(Emitter([kept]))
    for nodeid, found in figures.items():
        measure.figures(nodeid, found)
    measure.span("p", 10.0, 12.0)
    measure.span("p", 9.0, 9.5)
    measure.finish(items, phase="all", exit=exit)
    return kept.values


@pytest.mark.parametrize(("exit", "outcome"), [(0, "passed"), (1, "failed"), (2, "interrupted"), (3, "interrupted")])
def test_outcome_and_duration(exit: int, outcome: str) -> None:
    """By the exit status; a phase lasts from its first item to its last."""
    found = measured([item("a", seconds=1.5), item("b", "failed", seconds=0.5)], {}, exit)
    assert found["nextrust.run.outcomes", "all", outcome] == 1
    assert found["nextrust.phase.duration", "p"] == 3.0
    assert found["nextrust.scenario.duration", "p", "c"] == 2.0
    assert found["nextrust.scenario.outcomes", "p", "c", "failed"] == 1


def test_builds() -> None:
    """Built, taken ready-made, failed; an item without a program is no build."""
    found = measured(
        [
            item("a", provenance="built"),
            item("b", provenance="prebuilt"),
            item("c", "failed", message="build: cc: refused"),
            item("d", "failed", message="exit: 1 instead of 0"),
            item("e", "skipped", message="build: not here"),
        ],
        {},
    )
    builds = {key[-1]: value for key, value in found.items() if key[0] == "nextrust.build.outcomes"}
    assert builds == {"built": 1, "prebuilt": 1, "failed": 1}


def test_explorations_and_lookups() -> None:
    """Sums over items; a rate is of all seconds together, and there is none without time."""
    found = measured(
        [item("a"), item("b")],
        {
            "a": {"states": 100, "schedules": 0, "explored": 1.0, "hit runtime": 2},
            "b": {"states": 300, "schedules": 50, "explored": 1.0, "miss runtime": 1},
        },
    )
    assert found["nextrust.exploration.states", "p", "c"] == 400
    assert found["nextrust.exploration.state.rate", "p", "c"] == 200
    assert found["nextrust.exploration.schedules", "p", "c"] == 50
    assert found["nextrust.cache.lookups", "runtime", "hit"] == 2
    assert found["nextrust.cache.lookups", "runtime", "miss"] == 1
    still = measured([item("a")], {"a": {"states": 1, "schedules": 0, "explored": 0.0}})
    assert ("nextrust.exploration.state.rate", "p", "c") not in still


def test_the_build_cache_tells_its_lookups(tmp_path: Path) -> None:
    """A miss fills, a hit does not; outside of the watch nothing is kept."""
    with cache.watched() as lookups:
        for _ in range(2):
            cache.entry("kind", "key", lambda folder: None, root=tmp_path)
    assert lookups == [("kind", False), ("kind", True)]
    cache.entry("kind", "key", lambda folder: None, root=tmp_path)
    assert len(lookups) == 2
