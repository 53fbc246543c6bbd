"""Notices in GitHub Actions: ``::notice title=Metric::name=value`` lines, one per metric, summed over its labels.

Ten at most: GitHub keeps ten annotations of a kind per step and drops the rest. Timers show their quantiles.

Source: GitHub "Workflow commands for GitHub Actions" (escapes: %25, %0D, %0A in the message).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_nextrust.metrics.emitter import Measurement
from pytest_nextrust.metrics.names import METRICS
from pytest_nextrust.metrics.prometheus import QUANTILES, quantile

__all__ = ["MOST", "NoticeSink", "lines"]

MOST = 10


class NoticeSink:
    """Writes the lines with ``write``, which gets each with its newline.

    A hook, whose stdout is its answer, gives stderr's.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def send(self, samples: Sequence[Measurement]) -> str:
        try:
            for text in lines(samples):
                self._write(text + "\n")
        except (OSError, ValueError) as error:
            return f"notices: {error}"
        return ""


def lines(samples: Sequence[Measurement]) -> list[str]:
    """The notices of these samples, in the order of the table."""
    found = []
    for metric in METRICS.values():
        mine = [sample for sample in samples if sample.metric is metric]
        if mine and metric.notice:
            found.append(f"::notice title=Metric::{_escaped(_described(mine))}")
    return found[:MOST]


def _described(samples: Sequence[Measurement]) -> str:
    metric = samples[0].metric
    if metric.kind == "timer":
        durations = sorted(sample.value for sample in samples)
        shares = " ".join(f"p{round(share * 100)}={quantile(durations, share):.3f}s" for share in QUANTILES)
        return f"{metric.name} n={len(durations)} {shares}"
    if metric.kind == "gauge":
        return f"{metric.name}={samples[-1].value:g}"
    parts: dict[str, float] = {}
    for sample in samples:
        parts[sample.labels[-1]] = parts.get(sample.labels[-1], 0) + sample.value
    split = ", ".join(f"{label} {number:g}" for label, number in sorted(parts.items()))
    return f"{metric.name}={sum(parts.values()):g} ({split})"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
