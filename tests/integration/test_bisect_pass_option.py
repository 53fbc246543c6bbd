"""``nextrust bisect --pass``: a fault of a compiler traced to a pass, or to what code generation needs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.project.compiler_issues import load_known_issues
from pytest_nextrust.scenario.model import shipped_folder
from tests.integration.status_answers import schema

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
BRANCH = "branch-after-copy-clang"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON answer, by its schema."""
    capsys.readouterr()
    assert cli.main(["bisect", "--json", "-", *arguments]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("bisect"))
    return found


def source(name: str, file: str) -> str:
    folder = shipped_folder()
    assert folder is not None
    return str(folder / name / file)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; scratch folders go where the test sees them."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(folder))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "nextrust.toml").write_text("")
    monkeypatch.chdir(tmp_path / "project")
    return folder


@pytest.mark.needs_compiler("clang")
def test_a_scenario_is_traced_to_a_pass(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The copy before a branch of clang 19: by SimplifyCFG on ``pick``, whose code before and after is shown; nothing
    is left behind, in the cache neither but for the runtime."""
    found = answer(capsys, "--pass", BRANCH, "--toolchain", "clang-19", "--checks", "2")
    assert (found["outcome"], found["finding"]) == ("pass", "budget")
    culprit = found["first_bad_pass"]
    assert (culprit["number"], culprit["function"]) == (26, "pick")
    assert culprit["name"].startswith("SimplifyCFG")
    [searched] = found["searches"]
    assert searched["passes"] == 349
    assert len(searched["trials"]) <= 14
    assert {trial["limit"]: trial["result"] for trial in searched["trials"]}[25] == "passed"
    assert found["changed"] == ["pick"]
    added = [line for line in found["diff"] if line.startswith("+")]
    assert any("move.l d2, d0" in line for line in added)
    assert list(scratch.iterdir()) == []


@pytest.mark.needs_compiler("clang")
def test_sources_are_held_against_what_they_must_come_to(capsys: pytest.CaptureFixture[str]) -> None:
    """A lost index, by the program's source and the status that is right: no pass makes it, so it is what code
    generation needs. Held against the wrong status that it has, the program does not fail, and status 1 says so."""
    file = source("stack-index-clang", "index.c")
    options = ["--toolchain", "clang-19", "--checks", "0"]
    folder = shipped_folder()
    assert folder is not None
    found = answer(capsys, "--pass", file, *options, "--expect-exit", "66")
    assert (found["outcome"], found["first_bad_pass"]) == ("codegen", None)
    assert [trial["limit"] for trial in found["searches"][0]["trials"]] == [-1, 0]
    capsys.readouterr()
    assert cli.main(["bisect", "--pass", file, *options, "--expect-exit", "66"]) == 0
    assert "needed for code generation" in capsys.readouterr().out
    message = found["searches"][0]["trials"][0]["message"]
    wrong = message.rpartition(" ")[2]
    assert answer(capsys, "--pass", file, *options, "--expect-exit", wrong, status=1)["outcome"] == "passed"


@pytest.mark.needs_compiler("clang")
def test_an_exploration_is_an_oracle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that exports ``nextrust_thread_0`` is explored: two unlocked additions lose one, whatever the passes."""
    file = tmp_path / "lost.c"
    add = '{ int seen = n; __asm__ volatile("" : "+d"(seen)); n = seen + 1; }'
    file.write_text(
        f"static volatile int n;\nvoid nextrust_thread_0(void) {add}\nvoid nextrust_thread_1(void) {add}\n"
        "int nextrust_check(void) { return n != 2; }\nint main(void) { return 0; }\n"
    )
    found = answer(capsys, "--pass", str(file), "--toolchain", "clang-19", "--level", "2")
    assert found["outcome"] == "codegen"
    assert found["finding"] not in ("exit", "passed", "budget")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pass", "no-such"], "neither a scenario nor a file"),
        (["--pass", "hello-c"], "no limit on passes"),
        (["--pass", "hello-c", "--pass", "hello-asm"], "several scenarios"),
        (["--pass", "null-store", "--good", "HEAD"], "--good: is about commits"),
        (["--pass", "null-store", "--", "true"], "-- COMMAND: a command is about commits"),
        (["--pass", BRANCH, "--level", "2"], "--level: is for sources"),
        (["--pass", BRANCH, "--cell", "here"], "no cell 'here'"),
        (["--pass", BRANCH, "--checks", "many"], "--checks many: not a number"),
        (["--pass", BRANCH, "--toolchain", "none"], "no such toolchain"),
        (["--pass", "atomics-clang"], "checks atomics of many functions"),
        (["--pass", "fat-m68030"], "builds no program"),
        (["--pass", "gone.c"], "no such file"),
        (["--pass", "a.c", "--cell", "x"], "--cell: is a scenario's"),
        (["--level", "2", "--good", "HEAD", "--", "true"], "--level: is about passes"),
        (["--scenario", "s"], "--good: missing"),
    ],
)
def test_what_cannot_be_traced(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that say nothing, or two things, end with status 2 and words that say which; also in JSON."""
    assert cli.main(["bisect", *arguments]) == 2
    assert message in capsys.readouterr().err
    found = answer(capsys, *arguments, status=2)
    assert found["errors"]


def documented() -> list[tuple[str, str]]:
    """The smallest scenarios of every documented fault of LLVM, and the toolchain of the release it was seen in."""
    issues = [issue for issue in load_known_issues().values() if issue.component.startswith("LLVM")]
    names = dict.fromkeys(name for issue in issues for name in issue.minimal)
    return [(name, "rust" if name.endswith("-rust") else "clang-19") for name in names]


@pytest.mark.campaign
@pytest.mark.needs_compiler("clang", "rust")
@pytest.mark.parametrize(("name", "toolchain"), documented() if FULL else documented()[:2])
def test_every_documented_fault_is_traced(name: str, toolchain: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each to a pass or to what code generation needs."""
    found = answer(capsys, "--pass", name, "--toolchain", toolchain)
    assert found["outcome"] in ("pass", "codegen")
