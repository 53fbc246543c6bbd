"""``nextrust bisect``: by a scenario and cell, by a command, by a token; its answers, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.testing import ILLEGAL, exits
from tests.integration.conftest import CELL, Project
from tests.integration.status_answers import schema


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def state(folder: Path) -> dict[str, bytes]:
    """Every file, .git's among them; but for the user's cache, which is in the home folder that tests have here."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if name.parts[0] != ".cache"}


@pytest.fixture
def repository(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folder as a repository; scratch folders go where the test sees them."""
    monkeypatch.chdir(project.path)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("scratch")))
    git(project.path, "init", "--quiet", "--initial-branch=main")
    commit(project.path, "begin")
    return project.path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON answer, by its schema."""
    capsys.readouterr()
    assert cli.main(["bisect", "--json", "-", *arguments]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("bisect"))
    return found


def test_a_scenario_in_a_cell(project: Project, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A commit that cannot be verified is skipped, one that dies of a signal is another finding; what broke it is named
    with its verdict and message; scratch and repository are as before."""
    project.scenario("s")
    good = commit(repository, "well")
    project.scenario("s", head="cpus = 7")
    commit(repository, "not a scenario")
    project.scenario("s")
    commit(repository, "well again")
    project.scenario("s", made=exits(1))
    bad = commit(repository, "broken")
    commit(repository, "beside")
    before = state(repository)
    found = answer(capsys, "--good", good, "--scenario", "s", "--cell", CELL, "--reruns", "1", "--propose")
    assert (found["outcome"], found["finding"], found["first_bad"]["commit"]) == ("found", "failed", bad)
    there = next(step for step in found["steps"] if step["commit"] == bad)
    assert there["runs"] == ["failed", "failed"]
    assert "exit" in there["message"]
    assert found["first_bad"]["paths"] == ["scenarios/s/program.macho"]
    assert found["reverted"]["verdict"] == "passed"
    assert found["proposal"]["command"] == f"git revert {bad}"
    assert f"pytest --nextrust-scenario s --nextrust-cell {CELL}" in found["proposal"]["body"]
    assert state(repository) == before
    assert os.listdir(os.environ["TMPDIR"]) == []  # noqa: PTH208


def test_other_verdicts_are_skipped(project: Project, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A signal where the finding is a wrong exit status, and a scenario that is not there: status 1 and both named."""
    project.scenario("s")
    good = commit(repository, "well")
    (repository / "scenarios" / "s" / "scenario.toml").unlink()
    gone = commit(repository, "gone")
    project.scenario("s", made=ILLEGAL)
    other = commit(repository, "another way")
    project.scenario("s", made=exits(1))
    bad = commit(repository, "wrong status")
    found = answer(capsys, "--good", good, "--scenario", "s", "--cell", CELL, "--reruns", "0", status=1)
    assert found["outcome"] == "range" or found["finding"] == "failed"
    judged = {step["commit"]: step["judged"] for step in found["steps"]}
    assert judged[gone] == "skip"
    assert (judged[good], judged[bad]) == ("good", "bad")
    assert other in judged


def test_a_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0 is good, 125 and one of --skip are skipped, others are bad; what it prints is the message."""
    good = commit(repository, "well")
    for number in range(6):
        (repository / "n").write_text(str(number), encoding="utf-8")
        commit(repository, f"change {number}")
    script = (
        'n=$(cat n 2>/dev/null || echo 0); test "$n" = 1 && exit 9; test "$n" -lt 3 || { echo "it is $n"; exit 1; }'
    )
    assert cli.main(["bisect", "--good", good, "--skip", "9", "--reruns", "0", "--", "sh", "-c", script]) == 0
    out = capsys.readouterr().out
    assert "change 3\n" in out
    assert "it is 3" in out
    found = answer(capsys, "--good", good, "--reruns", "0", "--propose", "--", "sh", "-c", script.replace("9", "125"))
    assert found["first_bad"]["subject"] == "change 3"
    assert found["no_proposal"] == "its verdict was not repeated: give --reruns 1 or more"


def test_a_run_that_hangs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is ended with what it started, and looked for where the bad commit hangs."""
    good = commit(repository, "well")
    (repository / "hang").touch()
    bad = commit(repository, "hangs")
    script = "test ! -e hang || { sleep 60 & wait; }"
    found = answer(capsys, "--good", good, "--wall", "1s", "--reruns", "0", "--", "sh", "-c", script)
    assert (found["finding"], found["first_bad"]["commit"]) == ("budget", bad)


def test_a_flaky_finding(repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It fails at its first run only: flaky, status 1, and nothing is searched."""
    good = commit(repository, "well")
    commit(repository, "more")
    script = f"test -e {tmp_path}/ran || {{ touch {tmp_path}/ran; exit 1; }}"
    found = answer(capsys, "--good", good, "--", "sh", "-c", script, status=1)
    assert (found["outcome"], found["steps"][0]["runs"]) == ("flaky", ["failed", "passed"])


SOURCE = """
volatile int counter;
void nextrust_setup(void) { counter = 5; }
void nextrust_thread_0(void) { __sync_fetch_and_add(&counter, 1); }
void nextrust_thread_1(void) { __sync_fetch_and_add(&counter, 1); }
int nextrust_check(void) { return counter - 7; }
"""


@pytest.mark.needs_compiler("gnu")
def test_a_token(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exploration is done again from the sources at each commit, though the token's program is the last one's; one
    that does not compile is skipped."""
    source = repository / "race.c"
    source.write_text(SOURCE, encoding="utf-8")
    good = commit(repository, "well")
    source.write_text("int", encoding="utf-8")
    commit(repository, "does not compile")
    source.write_text(SOURCE + "int more = 1;\n", encoding="utf-8")
    commit(repository, "well again")
    racing = SOURCE.replace("__sync_fetch_and_add(&counter, 1)", "counter = counter + 1")
    source.write_text(racing, encoding="utf-8")
    bad = commit(repository, "a race")
    source.write_text(racing + "int other = 2;\n", encoding="utf-8")
    commit(repository, "beside")
    assert cli.main(["explore", "race.c", "--json", "explored.json"]) == 1
    token = json.loads((repository / "explored.json").read_text(encoding="utf-8"))["findings"][0]["token"]
    found = answer(capsys, "--good", good, "--reruns", "0", "--token", token)
    assert (found["finding"], found["first_bad"]["commit"]) == ("final", bad)
    assert found["reproduction"].startswith("nextrust explore race.c --cpu m68030")
    assert {step["judged"] for step in found["steps"]} >= {"good", "bad"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_half_way(repository: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals) -> None:
    """The repository is as before. SIGTERM takes the clone away; after SIGKILL the next search does."""
    good = commit(repository, "well")
    (repository / "bad").touch()
    commit(repository, "bad")
    before, scratch = state(repository), Path(os.environ["TMPDIR"])
    os.mkfifo(scratch / "begun")
    words = [sys.executable, "-m", "pytest_nextrust.cli", "bisect", "--good", good, "--", "sh", "-c"]
    process = subprocess.Popen([*words, f"echo begun > {scratch}/begun; read nothing < {scratch}/begun"])
    assert (scratch / "begun").read_text(encoding="utf-8") == "begun\n"
    process.send_signal(number)
    assert process.wait() == -number
    assert state(repository) == before
    if number == signal.SIGKILL:
        assert list(scratch.glob("nextrust-bisect-*"))
        found = answer(capsys, "--good", good, "--", "sh", "-c", "test ! -e bad")
        assert found["outcome"] == "found"
    assert list(scratch.glob("nextrust-bisect-*")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nextrust bisect: nothing says what fails"),
        (("--scenario", "s"), "--cell: missing"),
        (("--scenario", "s", "--cell", CELL, "--", "true"), "nextrust bisect: scenario and words are two findings"),
        (("--cell", CELL, "--", "true"), "--cell: is a scenario's"),
        (("--scenario", "s", "--cell", "m68k"), "--cell: no cell"),
        (("--token", "nx1x"), "TOKEN nx1x"),
        (("--reruns", "-1", "--", "true"), "--reruns -1: not a number"),
        (("--wall", "long", "--", "true"), "--wall long: not a time"),
        (("--", "true"), "--bad "),
    ],
)
def test_what_cannot_be_searched(
    repository: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Status 2 and the reason, in JSON too."""
    commit(repository, "more")
    found = answer(capsys, "--good", "HEAD~1", *arguments, status=2)
    (fault,) = found["errors"]
    assert f"{fault['path']}: {fault['message']}".startswith(message)
