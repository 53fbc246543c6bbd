"""``nextrust bisect --pass``: a fault of a compiler traced to a pass, or to what code generation needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.project.compiler_issues import load_known_issues
from pytest_nextrust.scenario.model import shipped_folder
from tests.integration.status_answers import schema

pytestmark = pytest.mark.usefixtures("scratch")

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


@pytest.mark.needs_compiler("clang")
def test_a_scenario_is_traced_to_a_pass(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The copy before a branch of clang 19: by SimplifyCFG on ``pick``, whose code before and after is shown, with the
    copy suspected; nothing is left behind but the folder for a report, in the project."""
    found = answer(capsys, "--pass", BRANCH, "--toolchain", "clang-19", "--checks", "2", "--no-shrink")
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
    [suspect] = found["suspects"]
    assert (suspect["function"], suspect["instruction"]) == ("pick", "move.l d2, d0")
    assert list(scratch.iterdir()) == []
    folder = Path(found["folder"])
    assert folder == Path("artifacts/nextrust/reports/branch-after-copy-clang-clang-19")
    assert {path.name for path in folder.iterdir()} == set(found["files"])
    report = (folder / "report.md").read_text()
    for part in ("pass 26 of 349 is **SimplifyCFGPass on pick**", "move.l d2, d0", "exit status 66", "unsigned v = n"):
        assert part in report
    assert str(scratch) not in report
    script = (folder / "reproduce.sh").read_text()
    assert "clang-19 --target=m68k-unknown-linux-gnu -mcpu=M68030" in script
    assert "pytest_nextrust" not in script


@pytest.mark.needs_compiler("clang", "qemu")
def test_the_script_needs_nothing_of_this_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run elsewhere with nothing but PATH, it builds the program with stock tools, which fails under qemu-m68k too."""
    options = ["--toolchain", "clang-19", "--no-shrink", "--out", str(tmp_path / "report")]
    found = answer(capsys, "--pass", "branch-after-spill-clang", *options)
    assert found["outcome"] == "codegen"
    script = tmp_path / "report" / "reproduce.sh"
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run([str(script)], cwd="/", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    status = re.search(r"ended with status (\d+)", done.stdout)
    assert status
    wanted = re.search(r"exit status (\d+) is right", done.stdout)
    assert wanted
    assert status[1] != wanted[1]
    assert done.stdout.strip() in (tmp_path / "report" / "report.md").read_text()


CVISE = """#!{python}
import pathlib, subprocess, sys
*options, script, name = sys.argv[1:]
assert options[:4] == ["--tidy", "--n", "1", "--timeout"]
source = pathlib.Path(name)
trial = pathlib.Path("trial")
trial.mkdir()
lines = source.read_text().splitlines(keepends=True)
for line in list(lines):
    (trial / name).write_text("".join(other for other in lines if other is not line))
    if subprocess.run([script], cwd=trial).returncode == 0:
        lines.remove(line)
        source.write_text("".join(lines))
{end}
"""
"""A stand-in that takes lines away, one after another: what is tried here is how it is asked, and what it is told."""

INDEX = """
static int unused = 3;
int main(void)
{
\tvolatile long index = 2;
\tvolatile int beside = 1;
\tchar bytes[4] = {1, 2, 3, 4};
\tbytes[index] = 7;
\treturn bytes[2];
}
"""


@pytest.fixture
def shrinker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the stand-in first on PATH, with a last line of its own."""

    def put(end: str) -> None:
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "cvise"
        program.write_text(CVISE.format(python=sys.executable, end=end))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    return put


@pytest.mark.needs_compiler("gnu", "clang")
@pytest.mark.parametrize(("end", "whole"), [("", True), ("import signal; signal.pause()", False)])
def test_the_source_is_shrunk(
    tmp_path: Path, shrinker: Callable[[str], None], end: str, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not needed for the failure goes; what makes the program right by GNU C stays; the report is about the
    smaller program. A shrinker that does not end is ended after its time, with what it had by then."""
    shrinker(end)
    file = tmp_path / "index.c"
    file.write_text(INDEX)
    options = ["--toolchain", "clang-19", "--expect-exit", "7", "--level", "0", "--checks", "0"]
    options += ["--shrink", "60s" if whole else "8s", "--out", str(tmp_path / "report")]
    found = answer(capsys, "--pass", str(file), *options)
    assert found["note"].startswith("shrunk from")
    smaller = (tmp_path / "report" / "index.c").read_text()
    assert "unused" not in smaller
    assert "bytes[index] = 7" in smaller
    assert file.read_text() == INDEX
    assert found["outcome"] == "codegen"
    report = (tmp_path / "report" / "report.md").read_text()
    assert ("to its end" in report) == whole
    assert "gnu gets it right" in report


@pytest.mark.needs_compiler("gnu", "clang")
def test_without_a_shrinker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where C-Vise is missing the answer says so, with its package; where it was asked for, that is an error."""
    monkeypatch.setattr("pytest_nextrust.compilers.shrink.CVISE", "no-such-cvise")
    file = tmp_path / "index.c"
    file.write_text(INDEX)
    options = ["--pass", str(file), "--toolchain", "clang-19", "--expect-exit", "7", "--level", "0", "--checks", "0"]
    assert "apt-get install cvise" in answer(capsys, *options)["note"]
    assert cli.main(["bisect", *options, "--shrink", "5s"]) == 2
    assert "no-such-cvise: not found" in capsys.readouterr().err


@pytest.mark.needs_compiler("clang")
def test_sources_are_held_against_what_they_must_come_to(capsys: pytest.CaptureFixture[str]) -> None:
    """A lost index, by the program's source and the status that is right: no pass makes it, so it is what code
    generation needs. Held against the wrong status that it has, the program does not fail, and status 1 says so."""
    file = source("stack-index-clang", "index.c")
    options = ["--toolchain", "clang-19", "--checks", "0", "--no-shrink"]
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
        "int nextrust_check(void) { return n != 2; }\n"
    )
    found = answer(capsys, "--pass", str(file), "--toolchain", "clang-19", "--level", "2", "--no-shrink")
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
        (["--pass", "atomics-torn-load", "--toolchain", "clang-19"], "expects a finding"),
        (["--pass", BRANCH, "--routine", "all"], "the scenario checks no atomics"),
        (
            ["--pass", "atomics-clang", "--toolchain", "clang-19", "--routine", "gone"],
            "--routine gone: no such operation",
        ),
        (["--level", "2", "--routine", "all", "--good", "HEAD", "--", "true"], "is about passes"),
        (["--pass", "fat-m68030"], "builds no program"),
        (["--pass", "gone.c"], "no such file"),
        (["--pass", "a.c", "--cell", "x"], "--cell: is a scenario's"),
        (["--pass", BRANCH, "--shrink", "soon"], "--shrink"),
        (["--pass", BRANCH, "--shrink", "5s", "--no-shrink"], "--no-shrink: given beside --shrink"),
        (["--pass", BRANCH, "--no-shrink", "--out", "nextrust.toml", "--toolchain", "clang-19"], "cannot write"),
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
    found = answer(capsys, "--pass", name, "--toolchain", toolchain, "--no-shrink")
    assert found["outcome"] in ("pass", "codegen")


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu", "clang", "cvise")
def test_the_real_shrinker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """C-Vise itself, for as long as is given: no larger than before, traced to the same pass on the same function."""
    options = ["--toolchain", "clang-19", "--checks", "0", "--shrink", "5m" if FULL else "20s"]
    found = answer(capsys, "--pass", BRANCH, *options, "--out", str(tmp_path / "report"))
    assert found["outcome"] == "pass"
    smaller = "".join((tmp_path / "report" / "branch.c").read_text().split())
    assert len(smaller) <= len("".join(Path(source(BRANCH, "branch.c")).read_text().split()))
    assert found["first_bad_pass"]["name"].startswith("SimplifyCFG")
    assert f"to {len(smaller)} characters" in found["note"]
