"""``nextrust status show --trend``: the last runs, and what was flaky, from journal and archives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import Item, ItemKey, RunEnd, RunStart
from tests.integration.status_answers import answer

CELL = "ubuntu-latest-debug-m68030"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs, fifty days apart: two of one commit that differ in one item, and one of another commit."""
    monkeypatch.chdir(tmp_path)
    runs = (("r1", "a" * 40, "passed"), ("r2", "a" * 40, "failed"), ("r3", "b" * 40, "passed"))
    for number, (run, commit, verdict) in enumerate(runs):
        then = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=50 * number)
        journal = Journal(tmp_path / "log", clock=lambda then=then: then)  # type: ignore[misc]
        keys = tuple(ItemKey("phase-2", name, CELL) for name in ("hello", "steady"))
        RunStart(run, "phase-2", commit=commit, items=keys).append_to(journal)
        for key in keys:
            outcome = verdict if key.scenario == "hello" else "passed"
            line = "pytest --nextrust-scenario hello" if outcome == "failed" else ""
            Item(run, *key_parts(key), outcome, seconds=1.5, reproduction=line).append_to(journal)  # type: ignore[arg-type]
        RunEnd(run, 0, {}, 4.0).append_to(journal)
    return tmp_path


def key_parts(key: ItemKey) -> tuple[str, str, str]:
    return key.phase, key.scenario, key.cell


def test_the_trend_names_the_flaky_item_and_both_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pass rate and time of every run, and the item that one commit passed and failed, with the line to try it."""
    assert cli.main(["status", "show", "--dir", "log", "--trend"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("## Trend of the last 3 runs\n")
    row = "| `r2` | 2026-02-20 00:00:00 UTC | `aaaaaaaaaaaa` | phase-2 | 50.0% (1 of 2) | 4.0 s | phase-2 1.5 s |"
    assert row in out
    assert "1 flaky of 2 that ran more than once at one commit:" in out
    assert f"- phase-2 hello in {CELL} at `aaaaaaaaaaaa`: passed in run `r1`, failed in run `r2`" in out
    assert "  - reproduce: `pytest --nextrust-scenario hello`" in out


def test_the_number_of_runs_and_the_archives(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--trend N`` takes the last N; rotated runs count as before."""
    before = answer(capsys, "show", "--dir", "log", "--trend", "3")["trend"]
    assert answer(capsys, "rotate", "--dir", "log", "--days", "0")["moved"] > 0
    assert answer(capsys, "show", "--dir", "log", "--trend", "3")["trend"] == before
    last = answer(capsys, "show", "--dir", "log", "--trend", "1")["trend"]
    assert [run["run"] for run in last["runs"]] == ["r3"]
    assert (last["flaky"], last["repeated"]) == ([], 0)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1" * 30])
def test_a_bad_number_is_refused(capsys: pytest.CaptureFixture[str], number: str) -> None:
    """The usual message of a wrong argument."""
    with pytest.raises(SystemExit):
        cli.main(["status", "show", "--trend", number])
    assert "expected a whole number from 1" in capsys.readouterr().err
