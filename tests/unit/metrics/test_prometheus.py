"""The Prometheus text file: what reads it, what it adds up, and where it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.metrics.emitter import Emitter
from pytest_nextrust.metrics.names import METRICS
from pytest_nextrust.metrics.prometheus import KEPT, PrometheusSink, quantile
from tests.unit.metrics.metrics_support import one_of_each, promtool


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
    query = "SELECT series, count(*) FROM samples GROUP BY series"
    kept: list[tuple[str, int]] = database.read(lambda c: c.execute(query).fetchall(), [])
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
