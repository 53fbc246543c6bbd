"""Taking measurements, and handing them on: one emitter per process, any number of sinks.

Measurements are kept until ``flush``: nothing is sent, written or resolved before. A wrong name, kind or label is a
mistake in the code that measures, and raises ValueError at once; what goes wrong in a sink is a line of text in what
``flush`` returns, never an exception: a run does not fail for its metrics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from pytest_nextrust.metrics.names import METRICS, Metric, MetricKind

__all__ = ["LONGEST_LABEL", "Emitter", "Measurement", "Sink"]

LONGEST_LABEL = 100
"""Characters of a label's value; the rest is cut."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement. ``labels`` are the values in the order of the metric's labels; a timer's value is in seconds."""

    metric: Metric
    value: float
    labels: tuple[str, ...]


class Sink(Protocol):
    """Where samples go."""

    def send(self, samples: Sequence[Measurement]) -> str:
        """Pass the measurements on; returns what went wrong in one line, empty where nothing did. Never raises."""
        ...


class Emitter:
    """A context manager that flushes at its end."""

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = tuple(sinks)
        self._samples: list[Measurement] = []
        self.faults: list[str] = []

    def count(self, name: str, number: float = 1, /, **labels: str) -> None:
        """Add to a counter. Raises ValueError."""
        self._take("counter", name, number, labels)

    def time(self, name: str, seconds: float, /, **labels: str) -> None:
        """One duration. Raises ValueError."""
        self._take("timer", name, seconds, labels)

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        """What something stands at now. Raises ValueError."""
        self._take("gauge", name, value, labels)

    def _take(self, kind: MetricKind, name: str, value: float, labels: dict[str, str]) -> None:
        metric = METRICS.get(name)
        if metric is None or metric.kind != kind:
            raise ValueError(f"{name} is no {kind} of the table of metrics")
        if labels.keys() != set(metric.labels):
            raise ValueError(f"{name} has the labels {', '.join(metric.labels)}, not {', '.join(labels) or 'none'}")
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}: {value} is not a number from 0")
        values = tuple(str(labels[label])[:LONGEST_LABEL] or "none" for label in metric.labels)
        if self._sinks:
            self._samples.append(Measurement(metric, float(value), values))

    def flush(self) -> list[str]:
        """Hand everything to every sink; returns (and adds to ``faults``) what went wrong."""
        samples, self._samples = self._samples, []
        if not samples:
            return []
        faults = [fault for sink in self._sinks if (fault := sink.send(samples))]
        self.faults += faults
        return faults

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
