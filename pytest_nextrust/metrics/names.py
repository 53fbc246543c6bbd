"""The table of metrics: name, kind, unit, labels, meaning. Every other spelling of a metric is derived from here.

A dotted name becomes ``a.b.LABEL...`` for StatsD and ``a_b_total`` (counter), ``a_b_seconds`` (timer) or ``a_b``
(gauge) for Prometheus. The dashboard and the alerts in ``pytest_nextrust/data`` are checked against this table.

Sources: prometheus.io "Metric and label naming", statsd "metric_types".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "Metric", "MetricKind"]

MetricKind = Literal["counter", "timer", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A timer is in seconds. ``notice``: shown, summed over its labels, as a notice in GitHub Actions."""

    name: str
    kind: MetricKind
    unit: str
    labels: tuple[str, ...]
    help: str
    notice: bool = False

    @property
    def prometheus(self) -> str:
        """The family's name in the text format."""
        suffix = {"counter": "_total", "timer": "_seconds", "gauge": ""}[self.kind]
        return self.name.replace(".", "_") + suffix


_TABLE = (
    Metric("nextrust.run.outcomes", "counter", "runs", ("phase", "outcome"), "Runs of phases by how they ended.", True),
    Metric("nextrust.build.outcomes", "counter", "builds", ("phase", "cell", "outcome"),
           "Programs of scenarios: built, prebuilt or failed.", True),
    Metric("nextrust.scenario.outcomes", "counter", "items", ("phase", "cell", "verdict"),
           "Scenarios and marked tests by verdict.", True),
    Metric("nextrust.scenario.duration", "timer", "seconds", ("phase", "cell"),
           "Wall time of one scenario or marked test."),
    Metric("nextrust.phase.duration", "timer", "seconds", ("phase",),
           "Wall time of a phase in a run, from its first item to its last.", True),
    Metric("nextrust.hook.duration", "timer", "seconds", ("event",), "Wall time of a hook's event.", True),
    Metric("nextrust.hook.decisions", "counter", "events", ("event", "decision"), "Events of hooks by decision.", True),
    Metric("nextrust.guard.actions", "counter", "actions", ("guard", "action"),
           "What guards did: repeated, refused, overridden or cleared.", True),
    Metric("nextrust.external.calls", "counter", "calls", ("service", "outcome"), "Calls of external services.", True),
    Metric("nextrust.external.duration", "timer", "seconds", ("service",), "Wall time of a call of a service."),
    Metric("nextrust.cache.lookups", "counter", "lookups", ("cache", "result"), "Cache lookups: hit or miss.", True),
    Metric("nextrust.exploration.states", "counter", "states", ("phase", "cell"), "States that explorations visited."),
    Metric("nextrust.exploration.schedules", "counter", "schedules", ("phase", "cell"),
           "Schedules that explorations sampled."),
    Metric("nextrust.exploration.state.rate", "gauge", "states per second", ("phase", "cell"),
           "States visited per second, in the newest run."),
    Metric("nextrust.exploration.schedule.rate", "gauge", "schedules per second", ("phase", "cell"),
           "Schedules sampled per second, in the newest run."),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _TABLE}
"""By name, in the order in which they are shown."""
