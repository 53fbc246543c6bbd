"""What is measured of a run of phases: outcomes, builds, durations, explorations, cache lookups.

Boundary: pure of pytest; takes recorded items and plain figures (``verify.outcome`` says which). With workers only the
controller measures: everything reaches it with the reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_nextrust.metrics.emitter import Emitter

if TYPE_CHECKING:
    from pytest_nextrust.status.records import Item

__all__ = ["RunMeasure"]


class RunMeasure:
    """Gathers while the run goes on; ``finish`` emits all of it."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self._figures: dict[str, Mapping[str, float]] = {}
        self._spans: dict[str, tuple[float, float]] = {}

    def figures(self, nodeid: str, figures: Mapping[str, float]) -> None:
        """What verifying an item measured."""
        self._figures[nodeid] = figures

    def span(self, phase: str, start: float, stop: float) -> None:
        """An item of ``phase`` was at work from ``start`` to ``stop``, seconds of one clock."""
        first, last = self._spans.get(phase, (start, stop))
        self._spans[phase] = (min(first, start), max(last, stop))

    def finish(self, items: list[Item], *, phase: str, exit: int) -> list[str]:
        """Emit; returns what went wrong on the way, for the user. ``exit`` is the run's exit status, as pytest's."""
        emit, outcome = self.emitter, {0: "passed", 1: "failed"}.get(exit, "interrupted")
        emit.count("nextrust.run.outcomes", phase=phase, outcome=outcome)
        for item in items:
            emit.count("nextrust.scenario.outcomes", phase=item.phase, cell=item.cell, verdict=item.verdict)
            emit.time("nextrust.scenario.duration", max(item.seconds, 0.0), phase=item.phase, cell=item.cell)
            built = _built(item)
            if built:
                emit.count("nextrust.build.outcomes", phase=item.phase, cell=item.cell, outcome=built)
        for name, (first, last) in self._spans.items():
            emit.time("nextrust.phase.duration", max(last - first, 0.0), phase=name)
        self._explorations(items)
        self._lookups()
        return emit.flush()

    def _explorations(self, items: list[Item]) -> None:
        sums: dict[tuple[str, str], dict[str, float]] = {}
        for item in items:
            figures = self._figures.get(item.nodeid, {})
            if "explored" in figures:
                mine = sums.setdefault((item.phase, item.cell), {"states": 0, "schedules": 0, "explored": 0})
                for name in mine:
                    mine[name] += figures.get(name, 0)
        for (phase, cell), mine in sums.items():
            for one, many in (("state", "states"), ("schedule", "schedules")):
                if mine[many]:
                    self.emitter.count(f"nextrust.exploration.{many}", mine[many], phase=phase, cell=cell)
                    if mine["explored"] > 0:
                        rate = mine[many] / mine["explored"]
                        self.emitter.gauge(f"nextrust.exploration.{one}.rate", rate, phase=phase, cell=cell)

    def _lookups(self) -> None:
        sums: dict[tuple[str, str], float] = {}
        for figures in self._figures.values():
            for name, number in figures.items():
                result, _, kind = name.partition(" ")
                if result in ("hit", "miss") and kind:
                    sums[kind, result] = sums.get((kind, result), 0) + number
        for (kind, result), number in sorted(sums.items()):
            self.emitter.count("nextrust.cache.lookups", number, cache=kind, result=result)


def _built(item: Item) -> str:
    """How the item's program came to be: built, prebuilt, failed, or nothing where there was none to build."""
    if item.provenance in ("built", "prebuilt"):
        return item.provenance
    failed = item.verdict in ("failed", "expected-failure")
    return "failed" if failed and any(line.startswith("build:") for line in item.message.splitlines()) else ""
