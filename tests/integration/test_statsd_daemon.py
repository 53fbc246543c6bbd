"""What the real StatsD daemon makes of what is sent to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.metrics.emitter import Emitter
from pytest_nextrust.metrics.names import METRICS
from pytest_nextrust.metrics.statsd import StatsdSink
from tests.integration.conftest import CELL, Project
from tests.integration.statsd_daemon import running


def test_the_daemon_takes_every_metric(tmp_path: Path) -> None:
    """Every metric with awkward labels: counted, timed and gauged as sent, and no line is a bad one."""
    with running(tmp_path) as daemon:
        with Emitter([StatsdSink("127.0.0.1", daemon.port)]) as emitter:
            for metric in METRICS.values():
                labels = dict.fromkeys(metric.labels, "odd: |@#\n\u20ac label")
                {"counter": emitter.count, "timer": emitter.time, "gauge": emitter.gauge}[metric.kind](
                    metric.name, 1.5, **labels
                )
            for _ in range(200):
                emitter.count("nextrust.run.outcomes", phase="many", outcome="passed")
        assert emitter.faults == []
        counters = daemon.wait_for("counters", "nextrust.run.outcomes.many.passed")
        tables = {"counter": counters, "timer": daemon.table("timers"), "gauge": daemon.table("gauges")}
        for metric in METRICS.values():
            name = ".".join([metric.name, *["odd_label"] * len(metric.labels)])
            assert tables[metric.kind][name] == {"counter": 1.5, "timer": [1500], "gauge": 1.5}[metric.kind]
        assert counters["nextrust.run.outcomes.many.passed"] == 200
        assert daemon.bad_lines() == 0


def test_the_daemon_sees_a_bad_line(tmp_path: Path) -> None:
    """The twin: what does not obey the protocol is counted as such."""
    import socket

    with running(tmp_path) as daemon, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"name:nonsense|c\ngood:1|c", ("127.0.0.1", daemon.port))
        daemon.wait_for("counters", "good")
        assert daemon.bad_lines() == 1


def test_a_run_reaches_the_daemon(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its host name too, which is looked up."""
    project.scenario("good", "first")
    with running(tmp_path) as daemon:
        monkeypatch.setenv("STATSD_HOST", "localhost")
        monkeypatch.setenv("STATSD_PORT", str(daemon.port))
        project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).assert_outcomes(passed=1)
        counters = daemon.wait_for("counters", "nextrust.run.outcomes.first.passed")
        assert counters[f"nextrust.scenario.outcomes.first.{CELL}.passed"] == 1
        assert len(daemon.table("timers")[f"nextrust.scenario.duration.first.{CELL}"]) == 1
        assert daemon.bad_lines() == 0
