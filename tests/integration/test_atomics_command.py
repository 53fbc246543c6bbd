"""nextrust atomics: exit statuses, what is shown, the JSON answer and its schema, tokens, and bad input."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.atomics import RUNTIMES
from pytest_nextrust.cli import main
from tests.atomics_mutants import mutants, write_right

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/atomics.json").read_text())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Failing programs are saved under the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["atomics", *argv, "--json", "-"])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert said["exit"] == status
    assert said["ok"] == (status == 0)
    return status, said


@pytest.mark.needs_compiler("gnu")
def test_a_right_runtime_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0: every routine that is there has a cell that passed, the others are missing, all is proved."""
    source = write_right("tas_asm", folder / "sources")
    status, said = answer(capsys, str(source), "--overlap", "mixed")
    assert status == 0
    assert said["verdict"] == "passed"
    assert {cell["routine"] for cell in said["cells"]} >= {"__sync_fetch_and_add_4", "__atomic_load_4"}
    assert {cell["verdict"] for cell in said["cells"]} == {"passed"}
    assert "__sync_fetch_and_add_1" in said["missing"]
    assert said["explorations"]
    assert all(e["complete"] and e["method"] == "proof" for e in said["explorations"])
    assert said["totals"]["proofs"] == said["totals"]["histories"] == len(said["explorations"])


@pytest.mark.needs_compiler("gnu")
def test_a_broken_runtime_is_shown_and_replayed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1: a finding with a trace and a token of at most 120 characters that replays it by itself."""
    source = write_right("tas_asm", folder / "sources")
    text = source.read_text()
    # Test, then set: the lock's byte is looked at and written by two instructions.
    assert text.count("\ttas\theld\n\tbmi.s\tacquire\n") == 1
    changed = "\ttst.b\theld\n\tbmi.s\tacquire\n\tst\theld\n"
    source.write_text(text.replace("\ttas\theld\n\tbmi.s\tacquire\n", changed))
    status, said = answer(capsys, str(source), "--threads", "2", "--ops", "1")
    assert status == 1
    shown = [found for found in said["findings"] if found["token"]]
    assert shown
    assert len(shown[0]["token"]) <= 120
    assert shown[0]["command"] == f"nextrust replay {shown[0]['token']}"
    assert {step["thread"] for step in shown[0]["trace"]} == {0, 1}
    assert main(["replay", shown[0]["token"]]) == 1
    assert shown[0]["token"] in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu")
def test_what_one_call_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed register is a finding although no schedule is needed; its command is the whole check's."""
    source = mutants()["clobbered-register"].write(folder / "sources")
    status, said = answer(capsys, str(source), "--budget", "30s")
    assert status == 1
    found = next(found for found in said["findings"] if found["kind"] == "register")
    assert "d7" in found["message"]
    assert found["command"].startswith("nextrust atomics ")


@pytest.mark.needs_compiler("gnu")
def test_no_routine_at_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 for sources that export none."""
    source = folder / "nothing.c"
    source.write_text("int nothing(void) { return 0; }\n")
    status, said = answer(capsys, str(source))
    assert status == 2
    assert "no routine" in said["errors"][0]["message"]


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("wanted", ["all", "__sync_fetch_and_add_1", "___sync_fetch_and_add_1,__atomic_load_4"])
def test_a_required_routine_is_missing(folder: Path, capsys: pytest.CaptureFixture[str], wanted: str) -> None:
    """Exit status 2, naming it."""
    status, said = answer(capsys, str(write_right("tas_asm", folder / "sources")), "--require", wanted)
    assert status == 2
    assert "__sync_fetch_and_add_1" in said["errors"][0]["path"]


@pytest.mark.needs_compiler("gnu")
def test_a_budget_that_is_spent(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 3 where the time is over before the verdict."""
    status, said = answer(capsys, str(RUNTIMES["cas"]), "--budget", "1ms")
    assert status == 3
    assert said["verdict"] == "budget"
    assert said["totals"]["undone"] > 0


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        (["missing.c"], "missing.c"),
        (["."], "."),
        ([], "SOURCE"),
        (["x.c", "--budget", "0"], "--budget"),
        (["x.c", "--threads", "2"], "--threads"),
        (["x.c", "--level", "9"], "--level"),
        (["x.c", "--compiler", "gnu"], "--compiler"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], argv: list[str], place: str) -> None:
    """Exit status 2 and an error that names what is wrong."""
    status, said = answer(capsys, *argv)
    assert status == 2
    assert place in said["errors"][0]["path"]


@pytest.mark.needs_compiler("gnu")
def test_sources_that_are_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2: a source that does not compile, another machine's object, and what no compiler takes."""
    (folder / "bad.c").write_text("this is not C\n")
    (folder / "bad.o").write_bytes(b"\x7fELF" + bytes(60))
    (folder / "bad.txt").write_text("")
    for name in ("bad.c", "bad.o", "bad.txt"):
        status, said = answer(capsys, str(folder / name))
        assert status == 2
        assert said["errors"][0]["message"]
