"""The table of metrics, the emitter, and what each sink writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.metrics import notices
from pytest_nextrust.metrics.emitter import LONGEST_LABEL, Emitter, Measurement
from pytest_nextrust.metrics.names import METRICS
from pytest_nextrust.metrics.notices import NoticeSink
from pytest_nextrust.metrics.prometheus import PrometheusSink
from pytest_nextrust.metrics.sinks import open_emitter
from pytest_nextrust.metrics.statsd import StatsdSink
from tests.unit.metrics.metrics_support import one_of_each, promtool

DATA = resources.files("pytest_nextrust") / "data"


# The table and what is derived from it.


def test_every_metric_is_whole() -> None:
    """A name of the one form, a help text that is a sentence, distinct labels, a unit."""
    for metric in METRICS.values():
        assert re.fullmatch(r"nextrust(\.[a-z]+){2,3}", metric.name)
        assert metric.help.endswith(".")
        assert len(set(metric.labels)) == len(metric.labels) > 0
        assert metric.unit
        assert (metric.unit == "seconds") == (metric.kind == "timer")
    assert sum(metric.notice for metric in METRICS.values()) <= notices.MOST


def series_names() -> dict[str, set[str]]:
    """Metric to the names its series have in Prometheus."""
    endings = {"counter": [""], "gauge": [""], "timer": ["", "_sum", "_count"]}
    return {m.name: {m.prometheus + ending for ending in endings[m.kind]} for m in METRICS.values()}


def expressions(dashboard: dict[str, Any]) -> list[str]:
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return found + [v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]


def used(texts: list[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r"\bnextrust_\w+", text)}


def unknown_and_unused(names: set[str]) -> tuple[set[str], set[str]]:
    table = series_names()
    return names - set().union(*table.values()), {name for name, forms in table.items() if not forms & names}


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    """Both directions: each name in an expression is in the table, each metric of the table is on a panel."""
    names = used(expressions(json.loads((DATA / "grafana-dashboard.json").read_text())))
    assert unknown_and_unused(names) == (set(), set())


def test_the_comparison_sees_a_wrong_name() -> None:
    """Its twin: a name that is not there, and a metric left out, are told."""
    names = used(["rate(nextrust_run_outcome_total[1d])"])
    unknown, unused = unknown_and_unused(names)
    assert unknown == {"nextrust_run_outcome_total"}
    assert unused == set(METRICS)


def test_labels_in_expressions_are_the_metrics_own() -> None:
    """A selector or a grouping by a label that a metric lacks would always be empty."""
    by_series = {form: METRICS[name] for name, forms in series_names().items() for form in forms}
    alerts = (DATA / "prometheus-alerts.yml").read_text()
    for text in [*expressions(json.loads((DATA / "grafana-dashboard.json").read_text())), alerts]:
        for name, selector in re.findall(r"\b(nextrust_\w+)(?:\{([^}]*)\})?", text):
            allowed = {*by_series[name].labels, "quantile"}
            assert set(re.findall(r"(\w+)\s*=", selector)) <= allowed, text
        for expr in text.splitlines() if "\n" in text else [text]:
            groups = re.findall(r"by \(([^)]*)\)[^)]*?(nextrust_\w+)", expr)
            for labels, name in groups:
                assert {label.strip() for label in labels.split(",")} <= set(by_series[name].labels), expr
    assert used([alerts]) <= set(by_series)


def test_panels_do_not_overlap() -> None:
    """Every panel has its place and its own id."""
    panels = json.loads((DATA / "grafana-dashboard.json").read_text())["panels"]
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    assert len(places) == len({p["id"] for p in panels}) == len(panels)


def test_promtool_takes_the_alerts(tmp_path: Path) -> None:
    """The rules are valid, and so is every expression of the dashboard (as a rule of its own)."""
    file = tmp_path / "alerts.yml"
    file.write_text((DATA / "prometheus-alerts.yml").read_text())
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stderr.decode()
    targets = json.loads((DATA / "grafana-dashboard.json").read_text())["panels"]
    rules = [
        {"record": f"r{number}", "expr": target["expr"].replace("$phase", ".*").replace("$cell", ".*")}
        for number, target in enumerate(target for panel in targets for target in panel["targets"])
    ]
    file.write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stderr.decode()


# The emitter.


def test_a_wrong_measurement_is_a_mistake_in_the_code() -> None:
    """An unknown name, another kind, wrong labels, a value that is none: at once, with or without sinks."""
    emitter = Emitter()
    labels = {"phase": "p", "outcome": "passed"}
    calls: tuple[Callable[[], None], ...] = (
        lambda: emitter.count("nextrust.no.such", 1),
        lambda: emitter.time("nextrust.run.outcomes", 1, **labels),
        lambda: emitter.count("nextrust.run.outcomes", 1, phase="p"),
        lambda: emitter.count("nextrust.run.outcomes", 1, **labels, more="x"),
        lambda: emitter.count("nextrust.run.outcomes", -1, **labels),
        lambda: emitter.count("nextrust.run.outcomes", math.nan, **labels),
        lambda: emitter.count("nextrust.run.outcomes", math.inf, **labels),
    )
    for wrong in calls:
        with pytest.raises(ValueError, match=r"nextrust\."):
            wrong()


class Kept:
    """A sink that keeps what it gets, or says that it could not."""

    def __init__(self, fault: str = "") -> None:
        self.got: list[list[Measurement]] = []
        self.fault = fault

    def send(self, samples: Any) -> str:
        self.got.append(list(samples))
        return self.fault


def test_a_sink_that_fails_hides_nothing_from_the_others() -> None:
    """Every sink gets everything once; what went wrong is told."""
    bad, good = Kept("gone"), Kept()
    with Emitter([bad, good]) as emitter:
        one_of_each(emitter)
    assert emitter.faults == ["gone"]
    assert emitter.flush() == []
    assert [len(got) for got in good.got] == [len(METRICS)]


def test_labels_are_bounded() -> None:
    """A value is cut, and an empty one has a name."""
    kept = Kept()
    with Emitter([kept]) as emitter:
        emitter.count("nextrust.run.outcomes", phase="x" * 1000, outcome="")
    assert kept.got[0][0].labels == ("x" * LONGEST_LABEL, "none")


# Notices.


def test_notices() -> None:
    """One line per metric, summed over its labels, with the protocol's escapes."""
    written: list[str] = []
    with Emitter([NoticeSink(written.append)]) as emitter:
        emitter.count("nextrust.run.outcomes", 2, phase="p", outcome="passed")
        emitter.count("nextrust.run.outcomes", phase="q", outcome="50%\nfailed")
        emitter.time("nextrust.hook.duration", 0.5, event="pre")
        emitter.count("nextrust.exploration.states", 7, phase="p", cell="c")
    assert written == [
        "::notice title=Metric::nextrust.run.outcomes=3 (50%25%0Afailed 1, passed 2)\n",
        "::notice title=Metric::nextrust.hook.duration n=1 p50=0.500s p95=0.500s p99=0.500s\n",
    ]


def test_notices_are_ten_at_most() -> None:
    """What GitHub keeps of a step."""
    written: list[str] = []
    with Emitter([NoticeSink(written.append)]) as emitter:
        one_of_each(emitter)
    assert 0 < len(written) <= 10


def test_a_stream_that_is_gone_is_told() -> None:
    """No exception leaves the sink."""

    def broken(text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with Emitter([NoticeSink(broken)]) as emitter:
        one_of_each(emitter)
    assert emitter.faults == ["notices: [Errno 32] Broken pipe"]


# Which sinks there are.


def kinds(emitter: Emitter) -> list[str]:
    return [type(sink).__name__ for sink in emitter._sinks]


def test_sinks_by_settings_and_environment(tmp_path: Path) -> None:
    """None by default; the environment wins over the file of settings; notices in Actions only."""
    quiet: list[str] = []
    assert kinds(open_emitter(tmp_path, {}, environ={}, write=quiet.append)) == []
    table = {"statsd": "10.0.0.1:99", "file": "m.prom"}
    emitter = open_emitter(tmp_path, table, environ={"GITHUB_ACTIONS": "true"}, write=quiet.append)
    assert kinds(emitter) == ["StatsdSink", "PrometheusSink", "NoticeSink"]
    environ = {"STATSD_HOST": "10.0.0.2", "STATSD_PORT": "98", "NEXTRUST_METRICS_FILE": "n.prom"}
    first, second = open_emitter(tmp_path, table, environ=environ)._sinks
    assert isinstance(first, StatsdSink)
    assert (first.host, first.port) == ("10.0.0.2", 98)
    assert isinstance(second, PrometheusSink)
    assert second.path == tmp_path / "n.prom"


def test_faulty_settings_are_all_told(tmp_path: Path) -> None:
    """By dotted path."""
    with pytest.raises(ConfigError) as caught:
        open_emitter(tmp_path, {"statsd": 1, "file": [], "more": ""}, environ={})
    assert [fault.path for fault in caught.value.faults] == ["metrics.file", "metrics.more", "metrics.statsd"]
    with pytest.raises(ConfigError, match=r"metrics\.statsd: 'x:y' is no host"):
        open_emitter(tmp_path, {"statsd": "x:y"}, environ={})
