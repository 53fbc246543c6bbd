"""``nextrust status``: append is durable or fails, show and rebuild answer as documented, errors are one message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.base.files import Lock
from pytest_nextrust.status.journal import Journal


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert cli.main(["status", *arguments, "--json", "-"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    schema = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "status.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    return found


def test_append_then_show(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is appended is in the default folder's journal and on the page."""
    assert cli.main(["status", "append", "build_failure", '{"message": "undefined reference"}']) == 0
    assert capsys.readouterr().out.startswith("1 20")
    assert Journal(project / "docs" / "ci-status").read().records[0].details == {"message": "undefined reference"}
    assert cli.main(["status", "show"]) == 0
    page = capsys.readouterr().out
    assert "build_failure: undefined reference" in page
    assert "## Current phase: phase-1" in page


def test_an_answer_that_cannot_be_written_is_told_before_anything_is_done(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry is not appended where its answer would be lost: the caller would take it for not acknowledged."""
    assert cli.main(["status", "append", "note", "{}", "--json", "no/such/file"]) == 2
    assert "--json no/such/file: cannot write" in capsys.readouterr().err
    assert not (project / "docs").exists()


@pytest.mark.parametrize("action", ["show", "phases"])
def test_a_folder_without_a_log_is_told(project: Path, capsys: pytest.CaptureFixture[str], action: str) -> None:
    """Where there is no log, as in a mistyped folder, that is said beside what is shown; else nothing."""
    assert cli.main(["status", action, "--dir", "mistyped"]) == 0
    assert capsys.readouterr().err == "nextrust status: mistyped: no such folder: nothing is recorded there\n"
    assert not (project / "mistyped").exists()
    Journal(project / "log").append("note", {})
    assert cli.main(["status", action, "--dir", "log"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["journal.jsonl", "archive/2026-01.jsonl"], ids=["journal", "archive"])
@pytest.mark.parametrize(
    "command", [("show",), ("rebuild",), ("rotate", "--days", "0"), ("append", "note", "{}")], ids=lambda c: c[0]
)
def test_a_pipe_in_a_files_place_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, command: tuple[str, ...]
) -> None:
    """A named pipe where the journal or an archive should be is not waited for: one message, exit status 2."""
    pipe = project / "log" / name
    pipe.parent.mkdir(parents=True)
    if name != "journal.jsonl":
        then = datetime(2026, 1, 2, tzinfo=UTC)
        for _ in range(2):
            Journal(project / "log", clock=lambda: then).append("note", {})
    os.mkfifo(pipe)
    status = cli.main(["status", *command, "--dir", "log"])
    if command[0] == "append" and name != "journal.jsonl":
        assert status == 0  # it has nothing to do with archives
        return
    assert status == 2
    told = capsys.readouterr().err
    assert name in told
    assert "not a file" in told or "neither a folder nor a file" in told


def test_answers_in_json_fit_the_schema(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each action's answer is by the schema, and only the answer is on stdout."""
    assert answer(capsys, "append", "note", '{"run": "r"}')["record"]["run"] == "r"
    shown = answer(capsys, "show")
    log_schema = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "pipeline-log.json").read_text())
    jsonschema.validate(shown["log"], log_schema)
    assert answer(capsys, "rebuild")["records"] == 1
    assert json.loads((project / "docs/ci-status/pipeline-log.json").read_text())["schema"] == "nextrust/pipeline-log/1"
    assert (project / "docs/ci-status/pipeline-log.md").is_file()


def test_errors_are_answered_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal has the envelope, the fault and what to do."""
    refused = answer(capsys, "append", "note", "[1]", status=2)
    assert refused["ok"] is False
    assert refused["errors"][0]["message"] == "not an object"
    assert refused["errors"][0]["remedy"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["append", "note", "{"], "JSON: not JSON"),
        (["append", "note", "[" * 100_000], "JSON: not JSON"),
        (["append", "note", '"text"'], "not an object"),
        (["append", "note", '{"x": NaN}'], "cannot be written"),
        (["append", "note", '{"x":' * 80 + "1" + "}" * 80], "nested more than"),
        (["append", "a b", "{}"], "no record type"),
        (["append", "item", "{}"], "verdict: missing"),
        (["append", "run-end", '{"run": "r", "exit": "0"}'], "exit: expected an integer"),
        (["append", "note", "{}", "--dir", "file"], "name a folder, not a file"),
        (["show", "--dir", "file"], "name a folder, not a file"),
        (["rebuild", "--dir", "file"], "not a folder"),
        (["merge", "file", "absent", "--dir", "log"], "No such file"),
        (["append", "note", "{}", "--dir", "file/inner"], "name a folder, not a file"),
    ],
)
def test_every_fault_is_one_message(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], fault: str
) -> None:
    """Exit status 2, the fault on stderr, nothing on stdout, nothing written."""
    (project / "file").write_text("")
    assert cli.main(["status", *arguments]) == 2
    out, err = capsys.readouterr()
    assert fault in err
    assert "Traceback" not in err
    assert out == ""
    assert sorted(path.name for path in project.iterdir()) == ["file"]


def test_a_held_lock_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its limit append gives up, names the holder, and nothing was written."""
    monkeypatch.setattr("pytest_nextrust.status.journal.LOCK_TIMEOUT", 0.05)
    (project / "log").mkdir()
    with Lock(project / "log" / "journal.lock"):
        thread_status = []
        thread = threading.Thread(
            target=lambda: thread_status.append(cli.main(["status", "append", "note", "{}", "--dir", "log"]))
        )
        thread.start()
        thread.join(30)
    assert thread_status == [2]
    assert f"held by process {os.getpid()} on host" in capsys.readouterr().err
    assert Journal(project / "log").read().records == ()


def test_damage_is_told_and_survived(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A torn log is shown with what is whole in it, and the problem on stderr."""
    for n in range(3):
        assert cli.main(["status", "append", "note", json.dumps({"message": f"n{n}"}), "--dir", "log"]) == 0
    path = project / "log" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    capsys.readouterr()
    assert cli.main(["status", "show", "--dir", "log"]) == 0
    out, err = capsys.readouterr()
    assert "note: n1" in out
    assert "note: n2" not in out
    assert "journal line 3 (byte " in err
    rebuilt = answer(capsys, "rebuild", "--dir", "log")
    assert (rebuilt["records"], len(rebuilt["problems"])) == (2, 1)


def test_show_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking makes no folder, lock or file."""
    assert cli.main(["status", "show"]) == 0
    assert "Nothing recorded yet." in capsys.readouterr().out
    assert list(project.iterdir()) == []


def test_the_projects_own_phases_are_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Phases come from the settings of the folder the command is called in; faults there are told."""
    (project / "nextrust.toml").write_text('[[phase]]\nid = "phase-6"\nname = "Windows"\ndepends = ["phase-5"]\n')
    assert cli.main(["status", "show"]) == 0
    assert "phase-6: Windows" in capsys.readouterr().out
    (project / "nextrust.toml").write_text('[[phase]]\nid = "phase-6"\nname = "Windows"\ndepends = ["phase-7"]\n')
    assert cli.main(["status", "show"]) == 2
    assert "phase-6.depends: no phase 'phase-7'" in capsys.readouterr().err


def test_details_from_stdin(project: Path) -> None:
    """``-`` reads the details from stdin, as a program of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "status", "append", "note", "-"],
        input='{"message": "from stdin"}',
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert Journal(project / "docs" / "ci-status").read().records[0].details == {"message": "from stdin"}


def test_a_closed_or_binary_stdin_is_a_fault(project: Path) -> None:
    """Bytes that are not text are refused like any other bad JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "status", "append", "note", "-"],
        input=b"\xff\xfe{}",
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 2
    assert b"not JSON" in done.stderr
    assert b"Traceback" not in done.stderr


def test_merge_joins_logs_and_answers(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two machines' logs become one; the answer follows the schema and says what was new; again, nothing is."""
    for name in ("a", "b"):
        for n in range(2):
            assert cli.main(["status", "append", "note", json.dumps({"message": f"{name}{n}"}), "--dir", name]) == 0
    capsys.readouterr()
    assert cli.main(["status", "merge", "a", "b/journal.jsonl", "--dir", "all"]) == 0
    assert capsys.readouterr().out == "a: 2 entries\nb/journal.jsonl: 2 entries\nadded 4 entries, 0 were there\n"
    again = answer(capsys, "merge", "b", "a", "--dir", "all")
    assert (again["added"], again["known"], again["archives"]) == (0, 4, [])
    assert again["sources"] == [{"path": "b", "entries": 2}, {"path": "a", "entries": 2}]
    assert cli.main(["status", "show", "--dir", "all"]) == 0
    assert "note: b1" in capsys.readouterr().out


def test_a_merge_tells_what_it_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A torn line in a source is told on stderr and in the answer; the rest is merged."""
    assert cli.main(["status", "append", "note", "{}", "--dir", "a"]) == 0
    with (project / "a" / "journal.jsonl").open("ab") as stream:
        stream.write(b"torn")
    capsys.readouterr()
    told = answer(capsys, "merge", "a", "--dir", "all")
    assert told["added"] == 1
    assert "a/journal.jsonl: torn" in told["problems"][0]["message"]


@pytest.mark.parametrize("action", ["show", "rebuild"])
def test_a_file_that_is_no_journal_is_told_in_few_words(
    project: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    """Random bytes have a problem in every line: five are told, the rest counted, and that it is no journal."""
    (project / "log").mkdir()
    (project / "log" / "journal.jsonl").write_bytes(b"\x00\xff noise\n" * 1000)
    assert cli.main(["status", action, "--dir", "log"]) == 0
    err = capsys.readouterr().err
    assert err.count("checksum") == 5
    assert "and 995 more" in err
    assert "not one line is an entry" in err
