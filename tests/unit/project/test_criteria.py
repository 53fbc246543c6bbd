"""Success criteria: each kind of check holds and does not, says why, and never hangs or raises; markers follow them."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from pytest_nextrust.base.convert import read_document
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project import criteria
from pytest_nextrust.project.criteria import check_criterion
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.phases import CHECKS, Criterion, Phase, Phases, done_path, mark_done
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.recorder import RunRecorder
from pytest_nextrust.status.records import Item, ItemKey, PhaseCheck, RunStart

PYTHON = sys.executable


def asked(root: Path, **check: object) -> tuple[bool, str]:
    """The answer for one criterion, where only the toolchain gnu and the scenario hello are well."""
    criterion = Criterion("it works", **check)  # type: ignore[arg-type]
    return check_criterion(
        criterion,
        root=root,
        status_dir="log",
        toolchain=lambda name: "" if name == "gnu" else f"{name} is not here",
        scenario=lambda name: "" if name == "hello" else f"{name} has not passed",
    )


@pytest.mark.parametrize(
    "check",
    [
        {"file": "there"},
        {"file": "{status_dir}/journal.jsonl"},
        {"command": (PYTHON, "-c", "pass")},
        {"toolchain": "gnu"},
        {"scenario": "hello"},
    ],
    ids=["file", "status-file", "command", "toolchain", "scenario"],
)
def test_what_holds(tmp_path: Path, check: dict[str, object]) -> None:
    """A check that is fulfilled holds and has nothing to say."""
    (tmp_path / "log").mkdir()
    (tmp_path / "there").write_text("")
    (tmp_path / "log" / "journal.jsonl").write_text("")
    assert asked(tmp_path, **check) == (True, "")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"file": "not/there"}, "not/there does not exist"),
        ({"file": "x" * 5000}, "File name too long"),
        ({"file": "a\0b"}, "does not exist"),
        ({"command": (PYTHON, "-c", "import sys; sys.exit('no such target')")}, "ended with 1: no such target"),
        ({"command": ("no-such-program-here", "x")}, "no-such-program-here x cannot be run: No such file"),
        ({"toolchain": "clang"}, "clang is not here"),
        ({"scenario": "bye"}, "bye has not passed"),
        ({"service": "127.0.0.1:99999"}, "nothing answers at 127.0.0.1:99999"),
        ({"service": "host.invalid:80"}, "nothing answers at host.invalid:80"),
    ],
    ids=["file", "long", "null", "command", "no-program", "toolchain", "scenario", "port", "host"],
)
def test_what_does_not_hold(tmp_path: Path, check: dict[str, object], why: str) -> None:
    """A check that is not fulfilled says what was found, in a line of bounded length."""
    holds, message = asked(tmp_path, **check)
    assert not holds
    assert why in message or len(message) == 300
    assert len(message) <= 300


def test_a_service_is_asked_by_a_connection(tmp_path: Path) -> None:
    """While something listens it holds, on IPv4; afterwards it does not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert asked(tmp_path, service=address) == (True, "")
    holds, message = asked(tmp_path, service=address)
    assert not holds
    assert "Connection refused" in message


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting is bounded."""
    monkeypatch.setattr(criteria, "COMMAND_LIMIT", 0.05)
    holds, message = asked(tmp_path, command=(PYTHON, "-c", "import time; time.sleep(60)"))
    assert not holds
    assert "did not end within 0.05 s" in message


def test_a_text_alone_is_for_a_person(tmp_path: Path) -> None:
    """It has no check, and asking it is a mistake of the caller."""
    assert Criterion("MCP server responds to queries").kind == ""
    with pytest.raises(ValueError, match="has no check"):
        asked(tmp_path)


def test_criteria_are_read_from_a_document() -> None:
    """Texts and tables side by side; every kind of check has a one-line form."""
    table = {
        "id": "p",
        "name": "P",
        "success_criteria": [
            "in words",
            {"text": "f", "file": "x"},
            {"text": "c", "command": ["cc", "--version it"]},
            {"text": "t", "toolchain": "gnu"},
            {"text": "s", "service": "[::1]:8125"},
            {"text": "n", "scenario": "hello"},
        ],
    }
    phase = read_document(Phase, table, subject="phases")
    assert [criterion.check for criterion in phase.criteria] == [
        "",
        "file x",
        "command cc '--version it'",
        "toolchain gnu",
        "service [::1]:8125",
        "scenario hello",
    ]
    assert {criterion.kind for criterion in phase.criteria} == {"", *CHECKS}


@pytest.mark.parametrize(
    ("criterion", "fault"),
    [
        ({"text": "two", "file": "x", "toolchain": "gnu"}, "success_criteria[0].toolchain: beside file"),
        ({"file": "x"}, "success_criteria[0].text: missing"),
        ({"text": " "}, "success_criteria[0].text: empty"),
        ({"text": "s", "service": "localhost"}, "success_criteria[0].service: 'localhost' does not fit"),
        ({"text": "s", "scenarios": "x"}, "did you mean scenario?"),
        (7, "success_criteria[0]: expected a string or a table"),
    ],
    ids=["two-checks", "no-text", "blank", "no-port", "misspelled", "number"],
)
def test_bad_criteria_are_refused(criterion: object, fault: str) -> None:
    """Every fault has its place in the document."""
    with pytest.raises(ConfigError) as caught:
        read_document(Phase, {"id": "p", "name": "P", "success_criteria": [criterion]}, subject="phases")
    assert fault in str(caught.value)


CELLS = [cell.id for cell in Matrix().cells]


def finished(root: Path, *checks: Criterion, verdict: str = "passed", run: str = "run-1") -> RunRecorder:
    """A run in which the scenario hello of the phase p came to ``verdict`` in every cell, and its marking."""
    phases = Phases([Phase("p", "P", success_criteria=checks)])
    recorder = RunRecorder(root / "log", phases, root, run=run, toolchain=lambda name: "" if name == "gnu" else "gone")
    keys = tuple(ItemKey("p", "hello", cell) for cell in CELLS)
    RunStart(run, "p", commit="c", items=keys).append_to(recorder.journal)
    for cell in CELLS:
        recorder.item(Item(run, "p", "hello", cell, verdict))  # type: ignore[arg-type]
    recorder.mark(["p"], "c", {"p": {cell: {"hello"} for cell in CELLS}}, standins="accept")
    return recorder


def test_a_phase_is_done_when_all_checks_hold(tmp_path: Path) -> None:
    """The marker names the criteria that held; each answer is in the journal; words alone are not asked."""
    finished(tmp_path, Criterion("words"), Criterion("tools", toolchain="gnu"), Criterion("hi", scenario="hello"))
    marker = json.loads(done_path(tmp_path, "p").read_text())
    assert marker == {"phase": "p", "commit": "c", "run": "run-1", "criteria": ["tools", "hi"]}
    found = [check for record in read_log(tmp_path / "log").records if (check := PhaseCheck.read(record))]
    assert [(check.criterion, check.holds, check.message) for check in found] == [("tools", True, ""), ("hi", True, "")]


def test_a_check_that_does_not_hold_keeps_a_phase_open(tmp_path: Path) -> None:
    """All scenarios passed, one criterion does not hold: no marker, an older one goes, and the user is told why."""
    mark_done(tmp_path, "p", {})
    recorder = finished(tmp_path, Criterion("tools", toolchain="gnu"), Criterion("docs", file="docs/port.md"))
    assert not done_path(tmp_path, "p").exists()
    assert recorder.notes == ["p is not done: docs: docs/port.md does not exist"]


@pytest.mark.parametrize(
    ("name", "verdict", "why"),
    [("hello", "failed", "hello has not passed in every cell"), ("bye", "passed", "there is no scenario bye")],
)
def test_a_scenario_is_asked_in_every_cell(tmp_path: Path, name: str, verdict: str, why: str) -> None:
    """A criterion on a scenario that failed, or that the phase does not have, does not hold."""
    finished(tmp_path, Criterion("it runs", scenario=name), verdict=verdict)
    (check,) = [found for record in read_log(tmp_path / "log").records if (found := PhaseCheck.read(record))]
    assert not check.holds
    assert why in check.message
    assert not done_path(tmp_path, "p").exists()
