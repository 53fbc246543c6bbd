"""The table of metrics, the emitter, and what each sink writes."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pytest_nextrust.control.guards.database import Database, state_path
from pytest_nextrust.control.metrics import notices, statsd
from pytest_nextrust.control.metrics.emitter import LONGEST_LABEL, Emitter, Sample
from pytest_nextrust.control.metrics.names import METRICS
from pytest_nextrust.control.metrics.notices import NoticeSink
from pytest_nextrust.control.metrics.prometheus import KEPT, PrometheusSink, quantile
from pytest_nextrust.control.metrics.sinks import open_emitter
from pytest_nextrust.control.metrics.statsd import StatsdSink, datagrams, line, parse_address
from pytest_nextrust.errors import ConfigError
from tests.conftest import REQUIRED

DATA = resources.files("pytest_nextrust") / "data"


def sample(name: str, value: float, *labels: str) -> Sample:
    return Sample(METRICS[name], value, labels)


def one_of_each(emitter: Emitter, value: float = 2.5) -> None:
    for metric in METRICS.values():
        labels = {label: f"a-{label}" for label in metric.labels}
        {"counter": emitter.count, "timer": emitter.time, "gauge": emitter.gauge}[metric.kind](
            metric.name, value, **labels
        )


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


def promtool(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    tool = shutil.which("promtool")
    if tool is None:
        if REQUIRED:
            pytest.fail("needs promtool (Debian: prometheus), and NEXTRUST_TOOLCHAINS=required", pytrace=False)
        pytest.skip("needs promtool")
    return subprocess.run([tool, *arguments], input=text, capture_output=True, timeout=60)


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
    for wrong in (
        lambda: emitter.count("nextrust.no.such", 1),
        lambda: emitter.time("nextrust.run.outcomes", 1, **labels),
        lambda: emitter.count("nextrust.run.outcomes", 1, phase="p"),
        lambda: emitter.count("nextrust.run.outcomes", 1, **labels, more="x"),
        lambda: emitter.count("nextrust.run.outcomes", -1, **labels),
        lambda: emitter.count("nextrust.run.outcomes", math.nan, **labels),
        lambda: emitter.count("nextrust.run.outcomes", math.inf, **labels),
    ):
        with pytest.raises(ValueError, match=r"nextrust\."):
            wrong()


class Kept:
    """A sink that keeps what it gets, or says that it could not."""

    def __init__(self, fault: str = "") -> None:
        self.got: list[list[Sample]] = []
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


# StatsD.


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (sample("nextrust.run.outcomes", 1, "phase-1", "passed"), b"nextrust.run.outcomes.phase-1.passed:1|c"),
        (sample("nextrust.hook.duration", 0.0123456, "pre"), b"nextrust.hook.duration.pre:12.346|ms"),
        (sample("nextrust.hook.duration", 0, "pre"), b"nextrust.hook.duration.pre:0|ms"),
        (sample("nextrust.hook.duration", 100.0, "pre"), b"nextrust.hook.duration.pre:100000|ms"),
        (
            sample("nextrust.exploration.state.rate", 1e7, "p", "c"),
            b"nextrust.exploration.state.rate.p.c:10000000|g",
        ),
        (
            sample("nextrust.run.outcomes", 1, "a.b:c|d@e\nf", "\u20ac"),
            b"nextrust.run.outcomes.a_b_c_d_e_f._:1|c",
        ),
    ],
)
def test_lines(measured: Sample, expected: bytes) -> None:
    """The protocol's three types; labels keep no character that means something in it."""
    assert line(measured) == expected


LABEL = st.text(min_size=0, max_size=LONGEST_LABEL)
PROTOCOL = re.compile(rb"[A-Za-z0-9_.-]+:\d+(\.\d{1,3})?\|(c|ms|g)")


@given(st.lists(st.tuples(st.sampled_from(sorted(METRICS)), st.floats(0, 1e12), LABEL), max_size=60))
def test_datagrams_obey_the_protocol(drawn: list[tuple[str, float, str]]) -> None:
    """Whatever is measured: every line is one, in order, none lost, no datagram above 1432 bytes."""
    samples = [sample(name, value, *[label] * len(METRICS[name].labels)) for name, value, label in drawn]
    packets = list(datagrams(samples))
    assert all(0 < len(packet) <= statsd.DATAGRAM for packet in packets)
    lines = [text for packet in packets for text in packet.split(b"\n")]
    assert lines == [line(one) for one in samples]
    assert all(PROTOCOL.fullmatch(text) for text in lines)
    assert len(packets) <= 1 + sum(len(text) + 1 for text in lines) // (statsd.DATAGRAM // 2)


@pytest.mark.parametrize(
    ("text", "port", "expected"),
    [
        ("host", "", ("host", 8125)),
        ("host:9", "", ("host", 9)),
        ("host", "77", ("host", 77)),
        ("host:9", "77", ("host", 9)),
        ("[::1]:9", "", ("::1", 9)),
        ("::1", "", ("::1", 8125)),
        ("127.0.0.1", "", ("127.0.0.1", 8125)),
    ],
)
def test_addresses(text: str, port: str, expected: tuple[str, int]) -> None:
    """Host, host and port, either kind of IPv6."""
    assert parse_address(text, port) == expected


@pytest.mark.parametrize("text", ["", "a b", "host:0", "host:65536", "host:x", "a:b:c", "host:", "host:99999999999"])
def test_what_is_no_address(text: str) -> None:
    """Refused with the accepted form."""
    with pytest.raises(ConfigError, match="is no host and port"):
        parse_address(text)


SAMPLE = [sample("nextrust.run.outcomes", 1, "p", "passed")]


def test_a_datagram_arrives() -> None:
    """On both kinds of loopback."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as receiver:
            try:
                receiver.bind((host, 0))
            except OSError:
                continue  # a machine without IPv6
            receiver.settimeout(5)
            assert StatsdSink(host, receiver.getsockname()[1]).send(SAMPLE) == ""
            assert receiver.recv(2000) == b"nextrust.run.outcomes.p.passed:1|c"


def test_a_closed_port_is_nothing() -> None:
    """Sent twice to where nobody listens (the second would hear of the first): no fault, no exception."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sink = StatsdSink("127.0.0.1", port)
    assert [sink.send(SAMPLE), sink.send(SAMPLE)] == ["", ""]


def test_a_name_is_asked_for_once(tmp_path: Path) -> None:
    """The first process asks, those that follow take its answer, also that there is none; until it is old."""
    asked: list[str] = []
    now = 1000.0

    def lookup(found: Any) -> Callable[[str, int], Any]:
        def look(host: str, port: int) -> Any:
            asked.append(host)
            return found

        return look

    def sink(host: str, found: Any) -> str:
        cache = tmp_path / f"{host}.json"
        return StatsdSink(host, 9, cache=cache, limit=5, clock=lambda: now, lookup=lookup(found)).send(SAMPLE)

    address = (int(socket.AF_INET), ("127.0.0.1", 9))
    for _ in range(3):
        assert sink("there", address) == ""
        assert sink("gone", None) == "StatsD: no address for gone: metrics were not sent"
    assert asked == ["there", "gone"]
    now += statsd.KEEP_NOTHING_SECONDS + 1
    sink("there", address)
    sink("gone", None)
    assert asked == ["there", "gone", "gone"]
    now += statsd.KEEP_SECONDS + 1
    sink("there", address)
    assert asked[-1] == "there"
    now -= 86400
    sink("there", address)
    assert asked[-2:] == ["there", "there"]


def test_a_name_service_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The flush gives up in its time; the next process does not wait at all."""
    release = threading.Event()

    def hang(host: str, port: int) -> None:
        release.wait(30)

    cache = tmp_path / "statsd.json"
    sink = StatsdSink("slow.example", 9, cache=cache, limit=0.01, lookup=hang)
    assert "no address" in sink.send(SAMPLE)
    second = StatsdSink("slow.example", 9, cache=cache, lookup=lambda host, port: pytest.fail("asked"))
    assert second._thread is None
    assert "no address" in second.send(SAMPLE)
    release.set()


@pytest.mark.parametrize("kept", ["", "[", "{}", "[]", '{"for": 1}', '{"for": ["h", 9], "until": 1001, "address": 5}'])
def test_a_cache_that_cannot_be_read_is_asked_again(tmp_path: Path, kept: str) -> None:
    """Half a file, or somebody else's."""
    cache = tmp_path / "statsd.json"
    cache.write_text(kept)
    found = (int(socket.AF_INET), ("127.0.0.1", 9))
    sink = StatsdSink("h", 9, cache=cache, limit=5, clock=lambda: 1000.0, lookup=lambda host, port: found)
    assert sink.send(SAMPLE) == ""


# The Prometheus text file.


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(state_path(tmp_path)) as database:
        yield database


def families(path: Path) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(path.read_text())}


def test_promtool_and_the_reference_parser_read_the_file(tmp_path: Path, database: Database) -> None:
    """Every metric at once: promtool has nothing to say, and the parser finds all of them with type and help."""
    path = tmp_path / "metrics" / "nextrust.prom"
    with Emitter([PrometheusSink(path, database)]) as emitter:
        one_of_each(emitter)
        emitter.count("nextrust.run.outcomes", phase='quote " back \\ line\n', outcome="\udc80")
    assert emitter.faults == []
    found = families(path)
    for metric in METRICS.values():
        family = found[metric.prometheus.removesuffix("_total")]
        assert family.type == {"timer": "summary"}.get(metric.kind, metric.kind)
        assert family.documentation == metric.help
    phases = {one.labels["phase"] for one in found["nextrust_run_outcomes"].samples}
    assert phases == {"a-phase", 'quote " back \\ line\n'}
    done = promtool("check", "metrics", text=path.read_bytes())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_promtool_sees_a_fault() -> None:
    """The same check does refuse: a counter without its suffix."""
    done = promtool("check", "metrics", text=b"# HELP a b\n# TYPE a counter\na 1\n")
    assert done.returncode != 0


def test_counters_add_up_and_gauges_do_not(tmp_path: Path, database: Database) -> None:
    """Over processes; timers have their sum, count and quantiles."""
    path = tmp_path / "m.prom"
    for number in range(1, 101):
        with Emitter([PrometheusSink(path, Database(database.path))]) as emitter:
            emitter.count("nextrust.run.outcomes", phase="p", outcome="passed")
            emitter.gauge("nextrust.exploration.state.rate", number, phase="p", cell="c")
            emitter.time("nextrust.hook.duration", number / 100, event="pre")
    found = families(path)
    values = {
        (one.name, one.labels.get("quantile", "")): one.value for family in found.values() for one in family.samples
    }
    assert values["nextrust_run_outcomes_total", ""] == 100
    assert values["nextrust_exploration_state_rate", ""] == 100
    assert values["nextrust_hook_duration_seconds_count", ""] == 100
    assert values["nextrust_hook_duration_seconds_sum", ""] == pytest.approx(50.5)
    assert [values["nextrust_hook_duration_seconds", share] for share in ("0.5", "0.95", "0.99")] == [0.5, 0.95, 0.99]


def test_quantiles_are_of_the_newest(tmp_path: Path, database: Database) -> None:
    """A thousand durations of a series are kept, not more; the count goes on."""
    path = tmp_path / "m.prom"
    with Emitter([PrometheusSink(path, database)]) as emitter:
        for number in range(KEPT + 500):
            emitter.time("nextrust.hook.duration", 100.0 if number < 500 else 1.0, event="pre")
            emitter.time("nextrust.hook.duration", 7.0, event="post")
    kept = database.read(lambda c: c.execute("SELECT series, count(*) FROM samples GROUP BY series").fetchall(), [])
    assert [count for _, count in kept] == [KEPT, KEPT]
    text = path.read_text()
    assert 'nextrust_hook_duration_seconds{event="pre",quantile="0.99"} 1\n' in text
    assert f'nextrust_hook_duration_seconds_count{{event="pre"}} {KEPT + 500}\n' in text


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_by_its_definition(values: list[float], share: float) -> None:
    """The smallest value that at least the share of all do not exceed."""
    ordered = sorted(values)
    wanted = min(v for v in ordered if sum(o <= v for o in ordered) >= share * len(ordered) - 1e-9)
    assert quantile(ordered, share) == wanted


@pytest.mark.parametrize("obstacle", ["folder", "file-above"])
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, database: Database, obstacle: str) -> None:
    """One line; the old content, if there was any, stays."""
    path = tmp_path / "sub" / "m.prom"
    if obstacle == "folder":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    with Emitter([PrometheusSink(path, database)]) as emitter:
        one_of_each(emitter)
    (fault,) = emitter.faults
    assert fault.startswith(f"metrics file {path}: ")
    assert list(tmp_path.rglob("*.tmp")) == []


def test_series_of_another_release_are_left_alone(tmp_path: Path, database: Database) -> None:
    """A name that is no longer (or not yet) in the table is not drawn, and not lost."""
    database.write(lambda c: c.execute('INSERT INTO counters VALUES (\'["nextrust.old.name", "x"]\', 3)'))
    with Emitter([PrometheusSink(tmp_path / "m.prom", database)]) as emitter:
        one_of_each(emitter)
    assert "old" not in (tmp_path / "m.prom").read_text()
    assert database.read(lambda c: c.execute("SELECT max(value) FROM counters").fetchone()[0], 0) == 3


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
