"""``nextrust checks``: a run's log on GitHub, or told to the workflow; every way of it says what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from tests.github_api import Fault, StandIn, standing_in
from tests.github_api.description import description
from tests.integration.conftest import CELL, Project
from tests.unit.status.helpers import COMMIT, DARWIN, LINUX, end, item, journal_in, start

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "checks.json").read_text(encoding="utf-8"))
AGAIN = "pytest --nextrust-phase phase-1 --nextrust-scenario b"
HEAD = "ce587453ced02b1526dfb4cb910479d431683101"


@pytest.fixture
def github() -> Iterator[StandIn]:
    with standing_in() as standin:
        yield standin


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a run in its log: one item passed, one failed, one was expected to fail."""
    (tmp_path / "nextrust.toml").write_text("")
    journal = journal_in(tmp_path / "docs" / "ci-status")
    entries = (
        start(("a", LINUX), ("b", LINUX), ("a", DARWIN)),
        item("a", program_sha256="ab" * 32),
        item("b", verdict="failed", message="it is @octocat's fault\n::error::x", reproduction=AGAIN),
        item("a", DARWIN, "expected-failure", known_issue="ld-1"),
        end(1, passed=1, failed=1, expected_failure=1),
    )
    for entry in entries:
        entry.append_to(journal)
    return tmp_path


def run(root: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with the summary in ``root``."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "checks", "--commit", COMMIT, *arguments],
        cwd=root,
        env={**kept, "HOME": str(root), "GITHUB_STEP_SUMMARY": str(root / "summary"), **environ},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


def answer(root: Path, *arguments: str, **environ: str) -> dict[str, Any]:
    """The JSON answer, which fits its schema and the exit status."""
    done = run(root, *arguments, "--json", "-", **environ)
    plain: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(plain, SCHEMA)
    assert plain["exit"] == done.returncode
    return plain


def test_sent(root: Path, github: StandIn) -> None:
    """One check run for each cell and phase, with its conclusion; a second time nothing is sent."""
    said = answer(root, **github.environ)
    assert [(each["name"], each["conclusion"], each["state"], each["requests"]) for each in said["checks"]] == [
        (f"nextrust cell {DARWIN}", "neutral", "sent", 1),
        (f"nextrust cell {LINUX}", "failure", "sent", 1),
        ("nextrust phase phase-1", "failure", "sent", 1),
    ]
    assert (said["exit"], said["told_because"]) == (0, "")
    held = list(github.resources.check_runs.values())
    assert [run["head_sha"] for run in held] == [COMMIT] * 3
    assert AGAIN in held[1]["output"]["summary"]
    assert "ab" * 32 in held[1]["output"]["text"]
    assert [each["state"] for each in answer(root, **github.environ)["checks"]] == ["known"] * 3
    assert len(github.resources.check_runs) == 3
    assert (root / "summary").read_text().count("## nextrust\n") == 2


def test_a_real_run(project: Project, github: StandIn) -> None:
    """A run of pytest, then the command: the failure is shown at a line of the scenario, with the line to repeat."""
    project.scenario("right")
    project.scenario("wrong", expect="exit = 1")
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        named = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        assert project.pytester.run("git", *named, *command).ret == 0
    assert project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).ret == 1
    (item,) = [each for each in project.records() if each["verdict"] == "failed"]
    (commit,) = [each["commit"] for each in project.records("run-start")]
    done = run(project.path, "--commit", commit, **github.environ)
    assert done.stdout.splitlines() == [
        f"nextrust cell {CELL}: failure: sent in 1 request",
        "nextrust phase first: failure: sent in 1 request",
    ]
    annotations = [each for group in github.resources.annotations.values() for each in group]
    assert {(each["path"], each["start_line"]) for each in annotations} == {("scenarios/wrong/scenario.toml", 7)}
    assert all(each["message"].endswith(f"to reproduce:\n{item['reproduction']}") for each in annotations)
    for each in github.resources.check_runs.values():
        assert f"`{item['reproduction']}`" in each["output"]["summary"]
        assert item["program_sha256"] in each["output"]["text"]


def test_the_head_of_a_pull_request(root: Path, github: StandIn, tmp_path: Path) -> None:
    """Checks of a pull request belong to its head, not to the merge that is checked out; ``--head`` names another."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": HEAD}}}))
    given = {**github.environ, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    assert answer(root, **given)["head"] == HEAD
    assert answer(root, "--head", "f" * 40, **given)["head"] == "f" * 40
    assert {run["head_sha"] for run in github.resources.check_runs.values()} == {HEAD, "f" * 40}
    for bad in ("{", "[]", '{"pull_request": {"head": {"sha": "main"}}}'):
        event.write_text(bad)
        assert run(root, **given).returncode == 2


def test_links_to_artifacts(root: Path, github: StandIn) -> None:
    """The summary links what the workflow run has uploaded."""
    workflow = github.resources.add_run(COMMIT)
    artifact = github.resources.add_artifact(workflow, "nextrust-log")
    page = f"https://github.com/octo-org/next/actions/runs/{workflow['id']}"
    given = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": str(workflow["id"])}
    answer(root, **github.environ, **given)
    for check in github.resources.check_runs.values():
        assert f"[`nextrust-log`](<{page}/artifacts/{artifact['id']}>)" in check["output"]["summary"]
        assert check["details_url"] == page


@pytest.mark.parametrize("token", [False, True], ids=["no-token", "read-only"])
def test_told(root: Path, github: StandIn, token: bool) -> None:
    """Where the token may only read, or there is none: the job summary and annotations, and it says so."""
    github.may_write = False
    environ = github.environ if token else {}
    done = run(root, **environ)
    why = "the token may only read" if token else "GITHUB_TOKEN is not set"
    assert done.returncode == 0
    assert why in done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert lines[0].startswith("::error file=nextrust.toml,line=1,title=failed%3A phase-1 b[")
    assert lines[0].endswith(f"%0A%0Ato reproduce:%0A{AGAIN}")
    assert "@octocat" not in lines[0]
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]
    summary = (root / "summary").read_text()
    assert why in summary
    assert f"`{AGAIN}`" in summary
    assert github.resources.check_runs == {}
    said = answer(root, **environ)
    assert [each["state"] for each in said["checks"]] == ["told"] * 3
    # One refusal is enough to know.
    assert len(github.sent("POST")) == (2 if token else 0)


def test_refused(root: Path, github: StandIn) -> None:
    """One that GitHub refuses is reported, shown as annotations, and keeps no other back."""
    github.fail("POST", Fault.invalid())
    said = answer(root, **github.environ)
    assert [each["state"] for each in said["checks"]] == ["refused", "sent", "sent"]
    assert "refused as it stands" in said["errors"][0]["message"]
    assert said["exit"] == 1


def test_an_outage(root: Path) -> None:
    """Where GitHub is not reached nothing is hidden: exit status 1, the summary and the annotations are there."""
    with standing_in() as standin:
        environ = standin.environ
    done = run(root, "--limit", "1", **environ)
    assert done.returncode == 1
    assert "GitHub was not reached" in done.stderr
    assert "::error " in done.stdout
    assert "GitHub was not reached" in (root / "summary").read_text()


def test_narrowed(root: Path, github: StandIn) -> None:
    """One kind, one cell, one phase; a cell of which nothing is recorded has a check that says so."""
    names = [each["name"] for each in answer(root, "--for", "phases", **github.environ)["checks"]]
    assert names == ["nextrust phase phase-1"]
    said = answer(root, "--for", "cells", "--cell", "lost", "--job-status", "failure", **github.environ)
    assert [(each["name"], each["conclusion"]) for each in said["checks"]] == [("nextrust cell lost", "failure")]
    said = answer(root, "--phase", "phase-1", "--cell", LINUX, **github.environ)
    assert [each["name"] for each in said["checks"]] == [f"nextrust cell {LINUX}", "nextrust phase phase-1"]


def test_a_cancelled_job(root: Path, github: StandIn) -> None:
    """What passed in a job that was cancelled is not green; a finding stays one."""
    said = answer(root, "--for", "cells", "--job-status", "cancelled", **github.environ)
    assert [each["conclusion"] for each in said["checks"]] == ["cancelled", "failure"]


def test_dry_run(root: Path, github: StandIn) -> None:
    """The requests are printed, fit GitHub's description, and nothing is sent, with or without a token."""
    done = run(root, "--dry-run", **github.environ)
    assert (done.returncode, github.received) == (0, [])
    lines = done.stdout.splitlines()
    assert [line.split(" {")[0] for line in lines] == ["POST /check-runs"] * 3
    operation = description().operation("POST", "/repos/octo-org/next/check-runs")
    assert operation is not None
    for each in answer(root, "--dry-run")["requests"]:
        assert description().faults_of_request(operation, "", json.dumps(each["body"]).encode()) == []
    assert not (root / "summary").exists()


def test_nothing_recorded(root: Path, github: StandIn) -> None:
    """A commit of which nothing is recorded: exit status 1, and the summary says so."""
    said = answer(root, "--commit", "e" * 40, **github.environ)
    assert (said["exit"], said["checks"]) == (1, [])
    assert "nothing is recorded of commit eeeeeeeeeeee" in said["errors"][0]["message"]
    assert "No check: nothing is recorded." in (root / "summary").read_text()


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["--commit", "abc"], {}, "not a commit's whole hash"),
        (["--job-status", "green"], {}, "invalid choice"),
        (["--limit", "0"], {}, "expected seconds"),
        (["--summary", "."], {}, "cannot write"),
        ([], {"GITHUB_TOKEN": "x" * 20, "GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY is not set"),
        ([], {"GITHUB_TOKEN": "x" * 20, "GITHUB_API_URL": "http://example.org"}, "in clear"),
    ],
)
def test_usage(root: Path, arguments: list[str], environ: dict[str, str], words: str) -> None:
    """What cannot be acted on is exit status 2, and says what."""
    done = run(root, *arguments, **environ)
    assert done.returncode == 2
    assert words in done.stderr
