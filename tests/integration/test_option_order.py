"""``--nextrust-order``: likely failures first, none left out, with workers too; and ``nextrust likely``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import Item, ItemKey, RunEnd, RunStart, Verdict
from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project
from tests.integration.status_answers import schema

PHASE_OF = {"early": "first", "last": "first", "middle": "first", "after": "second", "beside": "apart"}
IGNORED = "docs/\nartifacts/\n__pycache__/\n.pytest_cache/\n.cache/\nrunpytest-*\nstdout\nstderr\n"
"""What runs leave, and what pytester keeps in the project's folder."""

RUN = ("--nextrust-phase", "all", "--nextrust-cell", CELL)
LIKELY = (*RUN, "--nextrust-order", "likely")


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(project: Project, message: str) -> None:
    git(project.path, "add", ".")
    git(project.path, "commit", "--quiet", "--allow-empty", "-m", message)


def record(project: Project, number: int, *, bad: bool) -> None:
    """Write what a run of this commit records, without the run."""
    journal, run = Journal(project.path / "docs" / "ci-status"), f"run-{number}"
    head = git(project.path, "rev-parse", "HEAD").strip()
    keys = [ItemKey(phase, name, CELL) for name, phase in PHASE_OF.items()]
    RunStart(run, "all", commit=head, items=tuple(keys)).append_to(journal)
    for key in keys:
        verdict: Verdict = "failed" if bad and key.scenario == "last" else "passed"
        Item(run, key.phase, key.scenario, key.cell, verdict, seconds=1.0).append_to(journal)
    RunEnd(run, int(bad)).append_to(journal)


def live(project: Project, *, real: bool) -> None:
    """Six runs: ``last`` breaks in two that changed lib/, and is well in the next; then lib/ changes once more."""
    git(project.path, "init", "--quiet", "--initial-branch=main")
    (project.path / ".gitignore").write_text(IGNORED, encoding="utf-8")
    (project.path / "lib").mkdir()
    for name, phase in PHASE_OF.items():
        project.scenario(name, phase)
    for number in range(6):
        bad = number in (1, 4)
        if bad:
            (project.path / "lib" / f"f{number}").touch()
        (project.path / "scenarios" / "last" / "program.macho").write_bytes(exits(int(bad)))
        commit(project, f"change {number}")
        if real:
            assert project.run(*RUN).ret == int(bad)
        else:
            record(project, number, bad=bad)
    (project.path / "lib" / "new").touch()
    commit(project, "lib once more")


@pytest.fixture
def past(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a past, as recorded."""
    monkeypatch.chdir(project.path)
    live(project, real=False)
    return project


def order(project: Project) -> list[str]:
    """The scenarios of the newest run, in the order in which it announced them."""
    return [key["scenario"] for key in project.records("run-start")[-1]["items"]]


@pytest.mark.parametrize("workers", [0, 2])
def test_likely_failures_come_first(past: Project, workers: int) -> None:
    """Within their phase: the phase that depends on it stays behind. Nothing is left out, and the run says why."""
    result = past.run_workers(*LIKELY, workers=workers) if workers else past.run(*LIKELY)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nextrust: likely failures first, by 6 runs and 1 changed path since *"])
    assert order(past) == ["last", "early", "middle", "after", "beside"]
    ran = [item["scenario"] for item in past.records("item")][-5:]
    assert ran == ["last", "early", "middle", "after", "beside"]


def test_collected_is_the_default(past: Project) -> None:
    """Without the option, and with its other value, the order is that of collection; the ini twin counts too."""
    assert past.run(*RUN).ret == 0
    assert order(past) == ["early", "last", "middle", "after", "beside"]
    past.pytester.makeini("[pytest]\nnextrust_order = likely\n")
    assert past.run(*RUN, "--nextrust-order", "collected").ret == 0
    assert order(past) == ["early", "last", "middle", "after", "beside"]
    assert past.run(*RUN, "--nextrust-shard", "1/1").ret == 0
    assert order(past) == ["last", "early", "middle", "after", "beside"]


def test_without_a_past_the_order_stays(project: Project) -> None:
    """No commit, and a repository without a run: as collected, and the header says so."""
    for name, phase in PHASE_OF.items():
        project.scenario(name, phase)
    result = project.run(*LIKELY)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nextrust: as collected: HEAD: no commit of this repository"])
    git(project.path, "init", "--quiet")
    (project.path / "lib").mkdir()
    (project.path / "lib" / "f").touch()
    commit(project, "first")
    result = project.run(*LIKELY, "--nextrust-status-dir", "fresh")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nextrust: as collected: no run of a commit is recorded"])


def test_another_value_is_refused(project: Project) -> None:
    """With the values there are."""
    project.scenario("one")
    result = project.run(*RUN, "--nextrust-order", "random")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--nextrust-order random: no such choice", "*one of collected, likely"])


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, object]:
    assert cli.main(["likely", *arguments, "--json", "-"]) == status
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("likely"))
    return found


def test_the_list(past: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With reasons, by the schema; another base is another change."""
    assert cli.main(["likely", "--top", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 changed path since ")
    assert lines[1].endswith(f"first last[{CELL}]: failed in 2 of the last 2 runs that touched lib/")
    assert lines[2] == "and 4 items less likely"
    found = answer(capsys)
    assert (found["changed"], found["runs"]) == (["lib/new"], 6)
    assert answer(capsys, "--base", "HEAD")["changed"] == []
    (past.path / "untracked").touch()
    assert answer(capsys)["changed"] == ["lib/new", "untracked"]


def test_the_back_test_of_a_real_log(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the run in which ``last`` broke again: first by what is likely, second of three as collected."""
    monkeypatch.chdir(project.path)
    live(project, real=True)
    capsys.readouterr()
    found = answer(capsys, "--backtest", "--top", "1")["backtest"]
    assert isinstance(found, dict)
    places = {each["order"]: (each["runs"], each["position"]) for each in found["broke"]}
    assert places["likely"] == (1, 1.0)
    assert places["collected"] == (1, 2.0)
    assert cli.main(["likely", "--backtest"]) == 0
    assert "what broke: bad now, good the time before (1 run)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--base", "nowhere"), "--base nowhere: no commit of this repository"),
        (("--top", "0"), "--top 0: not a number above zero"),
        (("--backtest", "--base", "HEAD"), "--base HEAD: a back-test has a base for every run"),
    ],
)
def test_what_cannot_be_answered(
    past: Project, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Status 2, with the option and its value."""
    assert past.records("run-start")
    assert cli.main(["likely", *arguments]) == 2
    assert message in capsys.readouterr().err
