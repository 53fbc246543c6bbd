"""Success criteria: each kind of check holds and does not, says why, and never hangs or raises."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base.convert import read_document
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project import criteria
from pytest_nextrust.project.criteria import check_criterion
from pytest_nextrust.project.phases import CHECKS, Criterion, Phase

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
        ({"file": "../there"}, "is not in the project"),
        ({"file": "/etc/passwd"}, "is not in the project"),
        ({"file": "root"}, "is not in the project"),
        ({"command": (PYTHON, "-c", "import sys; sys.exit('no such target')")}, "ended with 1: no such target"),
        ({"command": ("no-such-program-here", "x")}, "no-such-program-here x cannot be run: No such file"),
        ({"toolchain": "clang"}, "clang is not here"),
        ({"scenario": "bye"}, "bye has not passed"),
        ({"service": "127.0.0.1:99999"}, "nothing answers at 127.0.0.1:99999"),
        ({"service": "host.invalid:80"}, "nothing answers at host.invalid:80"),
    ],
    ids=[
        "file",
        "long",
        "null",
        "up",
        "absolute",
        "link",
        "command",
        "no-program",
        "toolchain",
        "scenario",
        "port",
        "host",
    ],
)
def test_what_does_not_hold(tmp_path: Path, check: dict[str, object], why: str) -> None:
    """A check that is not fulfilled says what was found, in a line of bounded length."""
    (tmp_path / "root").symlink_to("/")
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


@pytest.mark.parametrize("check", [{"command": (PYTHON, "-c", "open('canary', 'w')")}, {"service": "127.0.0.1:9"}])
def test_a_stranger_s_project_has_nothing_asked(tmp_path: Path, check: dict[str, Any]) -> None:
    """No command is run and no service spoken to: it does not hold, and says why. The twin runs it."""
    criterion = Criterion("x", **check)
    given: dict[str, Any] = {
        "root": tmp_path, "status_dir": "log", "toolchain": lambda name: "", "scenario": lambda name: "",
    }  # fmt: skip
    holds, message = check_criterion(criterion, **given, trusted=False)
    assert not holds
    assert "does not trust the project" in message
    assert not (tmp_path / "canary").exists()
    if "command" in check:
        assert check_criterion(criterion, **given) == (True, "")
        assert (tmp_path / "canary").exists()
