"""The Prometheus text file, as node_exporter's textfile collector takes it.

A run is short and a counter must never go back, so counts are kept in the guards' database and the file is drawn from
it: counters since the database was made, the newest gauges, and timers as summaries with the 0.5, 0.95 and 0.99
quantiles of the newest 1,000 durations of each series. The file is replaced while the writers' lock is held, so that
an older drawing never takes the place of a newer one.

Sources: prometheus.io "Exposition formats" (text format 0.0.4), node_exporter "Textfile Collector".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.base.state_database import Database
from pytest_nextrust.errors import NextrustError
from pytest_nextrust.metrics.emitter import Measurement
from pytest_nextrust.metrics.names import METRICS, Metric

if TYPE_CHECKING:
    import sqlite3

__all__ = ["KEPT", "QUANTILES", "PrometheusSink", "quantile", "render"]

QUANTILES = (0.5, 0.95, 0.99)
KEPT = 1000
"""Durations of a series from which its quantiles are taken."""


class PrometheusSink:
    """Adds to the database and draws ``path`` anew."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database

    def send(self, samples: Sequence[Measurement]) -> str:
        from pytest_nextrust.base.files import atomic_replace, make_folder

        def work(connection: sqlite3.Connection) -> None:
            # Drawing twice, where the database is replaced in between, does no harm.
            _add(connection, samples)
            atomic_replace(self.path, render(connection))

        try:
            make_folder(self.path.parent)
            self.database.write(work)
        except NextrustError as error:
            return f"metrics file {self.path}: {error.fault}"
        except OSError as error:
            return f"metrics file {self.path}: {error.strerror or error}"
        finally:
            self.database.close()
        return ""


def _series(sample: Measurement) -> str:
    return json.dumps([sample.metric.name, *sample.labels])


def _add(connection: sqlite3.Connection, samples: Iterable[Measurement]) -> None:
    for sample in samples:
        series = _series(sample)
        if sample.metric.kind == "counter":
            connection.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (series) DO UPDATE SET value = value + excluded.value",
                (series, sample.value),
            )
        elif sample.metric.kind == "gauge":
            connection.execute("REPLACE INTO gauges VALUES (?, ?)", (series, sample.value))
        else:
            connection.execute(
                "INSERT INTO timers VALUES (?, 1, ?) "
                "ON CONFLICT (series) DO UPDATE SET count = count + 1, total = total + excluded.total",
                (series, sample.value),
            )
            connection.execute("INSERT INTO samples (series, seconds) VALUES (?, ?)", (series, sample.value))
            connection.execute(
                "DELETE FROM samples WHERE series = :series AND id <= "
                "(SELECT id FROM samples WHERE series = :series ORDER BY id DESC LIMIT 1 OFFSET :kept)",
                {"series": series, "kept": KEPT},
            )


def render(connection: sqlite3.Connection) -> bytes:
    """The whole file: every metric that has a value, in the order of the table, its series sorted."""
    counters = _read(connection, "SELECT series, value FROM counters")
    gauges = _read(connection, "SELECT series, value FROM gauges")
    timers = _read(connection, "SELECT series, count, total FROM timers")
    lines: list[str] = []
    for metric in METRICS.values():
        found = {"counter": counters, "gauge": gauges, "timer": timers}[metric.kind].get(metric.name, {})
        if not found:
            continue
        name = metric.prometheus
        kind = "summary" if metric.kind == "timer" else metric.kind
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {kind}"]
        for labels, values in sorted(found.items()):
            if metric.kind == "timer":
                lines += _summary(connection, metric, labels, int(values[0]), values[1])
            else:
                lines.append(f"{name}{_labels(metric, labels)} {_number(values[0])}")
    return "".join(f"{text}\n" for text in lines).encode()


def _read(connection: sqlite3.Connection, statement: str) -> Mapping[str, dict[tuple[str, ...], tuple[float, ...]]]:
    """Name to labels to values; a series that this release does not know is left where it is."""
    found: dict[str, dict[tuple[str, ...], tuple[float, ...]]] = {}
    for series, *values in connection.execute(statement):
        name, *labels = json.loads(series)
        if name in METRICS and len(labels) == len(METRICS[name].labels):
            found.setdefault(name, {})[tuple(labels)] = tuple(values)
    return found


def _summary(
    connection: sqlite3.Connection, metric: Metric, labels: tuple[str, ...], count: int, total: float
) -> Iterable[str]:
    rows = connection.execute(
        "SELECT seconds FROM samples WHERE series = ? ORDER BY seconds", (json.dumps([metric.name, *labels]),)
    )
    durations = [seconds for (seconds,) in rows]
    for share in QUANTILES:
        if durations:
            yield f"{metric.prometheus}{_labels(metric, labels, quantile=share)} {_number(quantile(durations, share))}"
    yield f"{metric.prometheus}_sum{_labels(metric, labels)} {_number(total)}"
    yield f"{metric.prometheus}_count{_labels(metric, labels)} {count}"


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that at least ``share`` of them do not exceed (nearest rank)."""
    rank = -(-round(share * len(ordered) * 1_000_000) // 1_000_000)
    return ordered[max(rank, 1) - 1]


def _labels(metric: Metric, values: tuple[str, ...], *, quantile: float | None = None) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, values, strict=True)]
    pairs += [] if quantile is None else [f'quantile="{quantile}"']
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    # A surrogate cannot be written as UTF-8, which the format is.
    text = value.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
