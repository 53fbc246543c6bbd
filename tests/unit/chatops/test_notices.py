"""What a log has to tell: once, whenever and wherever it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.notices import NAMES, Notice, find_notices
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.records import PhaseDone, PhaseReopened, RunStart
from tests.unit.chatops.support import CELL, COMMIT, LogFile


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    return LogFile(tmp_path)


def told(log: LogFile, *kinds: str) -> list[Notice]:
    return [notice for notice in find_notices(read_log(log.folder).records) if not kinds or notice.kind in kinds]


def test_a_phase_is_told_when_it_becomes_done(log: LogFile) -> None:
    """A phase that stays done is told once, one that was reopened and done at another commit again."""
    log.add(PhaseDone("r1", "first", COMMIT), PhaseDone("r2", "first", "b" * 40))
    assert [notice.fields["commit"] for notice in told(log)] == [COMMIT]
    log.add(PhaseReopened("r3", "first", COMMIT), PhaseDone("r4", "first", "d" * 40), PhaseDone("r4", "second", COMMIT))
    assert [(n.kind, n.fields["phase"], n.fields["commit"][:1]) for n in told(log)] == [
        ("phase-done", "first", "c"),
        ("phase-done", "first", "d"),
        ("phase-done", "second", "c"),
    ]


@pytest.mark.parametrize("verdict", ["failed", "crashed", "unexpected-pass"])
def test_a_finding_has_what_reproduces_it(log: LogFile, verdict: str) -> None:
    """A verdict that is a defect is told, with every field that a template may name."""
    log.run("r1", verdict)
    (notice,) = told(log)
    assert set(notice.fields) == set(NAMES)
    found = {name: value for name, value in notice.fields.items() if name != "time"}
    assert found == {
        "event": "finding",
        "message": "expected 4, found 3",
        "phase": "first",
        "scenario": "s0",
        "cell": CELL,
        "verdict": verdict,
        "commit": COMMIT,
        "run": "r1",
        "reproduction": "pytest --nextrust-scenario s0",
        "user": "",
        "answer": "",
    }


@pytest.mark.parametrize("verdict", ["passed", "skipped", "expected-failure", "infra-error", "budget"])
def test_what_is_no_finding_is_not_told(log: LogFile, verdict: str) -> None:
    """A verdict that is no defect in the code under test is nobody's news."""
    log.run("r1", verdict)
    assert told(log) == []


def test_a_finding_is_new_once(log: LogFile) -> None:
    """While it stands it is not told again; after a pass it is, but not for the same commit."""
    log.run("r1", "failed")
    log.run("r2", "crashed", commit="b" * 40)
    assert len(told(log)) == 1
    log.run("r3", "passed")
    log.run("r4", "failed")
    assert len(told(log)) == 1, "another attempt at the same commit"
    log.run("r5", "passed")
    log.run("r6", "failed", commit="b" * 40)
    assert [notice.fields["commit"] for notice in told(log)] == [COMMIT, "b" * 40]
    log.run("r7", "failed", "failed", commit="b" * 40)
    assert [notice.fields["scenario"] for notice in told(log)] == ["s0", "s0", "s1"]


def test_without_a_commit_each_run_is_one(log: LogFile) -> None:
    """Where there is no commit the run stands for it."""
    for run, verdict in (("r1", "failed"), ("r2", "passed"), ("r3", "failed")):
        log.run(run, verdict, commit="")
    assert [notice.fields["run"] for notice in told(log)] == ["r1", "r3"]


def test_a_commit_is_refused_with_the_third_failure(log: LogFile) -> None:
    """The failure that reaches the limit is told, later ones and a repeated occasion are not."""
    log.failures("1.1", "1.2", "1.2")
    assert told(log) == []
    log.failures("2.1", "2.2")
    (notice,) = told(log)
    assert (notice.kind, notice.fields["commit"]) == ("backoff", COMMIT)
    assert notice.fields["message"] == "it has failed 3 times and is refused; the last: s0"
    log.failures("3.1", "3.2", commit="b" * 40)
    assert len(told(log)) == 1


def test_after_a_clearing_it_is_told_again(log: LogFile) -> None:
    """Failures that were cleared no longer count; those after it reach the limit anew."""
    cleared = [f"{record.log}:{record.seq}" for record in log.failures("1", "2", "3")]
    log.note("backoff-cleared", message="cleared", commit=COMMIT, failures=3, entries=cleared)
    log.failures("4", "5")
    assert len(told(log)) == 1
    log.failures("6")
    first, second = told(log)
    assert first.key != second.key


def test_budgets_and_commands(log: LogFile) -> None:
    """Each entry about a budget is told, and each command that was carried out; a refused one is not."""
    log.note("budget", message="80 % of $5 spent", scope="day", spent=4.0, limit=5.0, level="near")
    log.note("budget", message="$5 spent", scope="day", spent=5.1, limit=5.0, level="over")
    for state in ("claimed", "done", "failed", "refused"):
        log.note("slash", message=f"{state} for ada: /ci-status", state=state, key="k", user="ada", claim="c")
    assert [(notice.kind, notice.fields["message"]) for notice in told(log)] == [
        ("budget", "80 % of $5 spent"),
        ("budget", "$5 spent"),
        ("command", "done for ada: /ci-status"),
        ("command", "failed for ada: /ci-status"),
    ]
    assert len({notice.key for notice in told(log)}) == 4


def test_keys_are_the_same_whoever_reads(log: LogFile, tmp_path: Path) -> None:
    """A copy of the log gives the same keys, and none of them is taken for a secret on its way into the log."""
    log.run("r1", *["failed"] * 200)
    keys = [notice.key for notice in told(log)]
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "journal.jsonl").write_bytes((tmp_path / "journal.jsonl").read_bytes())
    assert [notice.key for notice in find_notices(read_log(tmp_path / "copy").records)] == keys
    assert Redactor({}).plain(keys) == keys
    assert len(set(keys)) == 200


def test_entries_of_something_else_say_nothing(log: LogFile) -> None:
    """An entry that lacks what it needs, or has it of another type, is passed over."""
    log.add(RunStart("r1", phase="first", commit=COMMIT))
    log.note("item", verdict="failed")
    log.note("phase-done", phase=4)
    log.note("backoff-cleared", commit=COMMIT, entries="all")
    log.note("commit-failure", occasion="1")
    assert told(log) == []
