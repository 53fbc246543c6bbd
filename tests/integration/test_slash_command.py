"""``nextrust slash``: an event from GITHUB_EVENT_PATH is carried out once, however often and however many at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.archive import read_log
from tests.github_api import StandIn, standing_in
from tests.github_api.server import REPOSITORY
from tests.github_api.webhooks import comment_event, faults_of_event
from tests.integration.status_answers import schema

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SHA = "ce587453ced02b1526dfb4cb910479d431683101"


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def github() -> Iterator[StandIn]:
    with standing_in() as github:
        github.resources.add_pull(7, SHA)
        github.resources.add_run(SHA, created_at="2026-01-01T00:00:00Z")
        yield github


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone of a bare repository."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    git(tmp_path, "clone", "--quiet", "hub.git", "seed")
    seed = tmp_path / "seed"
    (seed / "nextrust.toml").write_text('shipped_phases = false\n[[phase]]\nid = "first"\nname = "First"\n')
    (seed / ".gitignore").write_text("docs/\nartifacts/\n")
    git(seed, "add", ".")
    git(seed, "commit", "--quiet", "-m", "start")
    git(seed, "push", "--quiet", "origin", "HEAD:main")
    return clone(tmp_path, "project")


def clone(where: Path, name: str) -> Path:
    git(where, "clone", "--quiet", "hub.git", name)
    return where / name


def event_file(where: Path, text: str, number: int = 1, user: str = "someone", **fields: Any) -> Path:
    event = comment_event(
        text,
        comment__id=number,
        comment__created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        comment__user__login=user,
        issue__number=7,
        repository__full_name=REPOSITORY,
        **fields,
    )
    assert faults_of_event(event) == []
    file = where / f"event-{number}.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    return file


def environ(github: StandIn, event: Path) -> dict[str, str]:
    return {**github.environ, "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(event)}


def deliver(
    github: StandIn, project: Path, event: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """One delivery, by a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GH_", "CI"))}
    command = [sys.executable, "-m", "pytest_nextrust.cli", "slash", *arguments]
    return subprocess.run(
        command, cwd=project, env={**kept, **environ(github, event), **more}, capture_output=True, text=True
    )


def records(project: Path) -> list[dict[str, Any]]:
    log = read_log(project / "docs" / "ci-status")
    assert log.problems == ()
    return [dict(record.details) for record in log.records if record.type == "slash"]


def test_the_answer(
    github: StandIn,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the schema: carried out, refused, failed, nothing; exit status 1 for a command that failed alone."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    github.resources.permissions["someone"] = "write"

    def answer(text: str, number: int, user: str, status: int = 0) -> dict[str, Any]:
        for name, value in environ(github, event_file(tmp_path, text, number, user)).items():
            monkeypatch.setenv(name, value)
        assert cli.main(["slash", "--json", "-"]) == status
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        jsonschema.validate(found, schema("slash"))
        return found

    done = answer("/ci-help", 1, "reader")
    assert (done["state"], done["commands"], done["answered"]) == ("done", ["/ci-help"], True)
    refused = answer("/ci-clear-cache", 2, "stranger")
    assert (refused["state"], refused["ok"]) == ("refused", True)
    assert "the right to write" in refused["reason"]
    assert answer("/ci-get-logs nowhere", 3, "other", status=1)["state"] == "failed"
    assert answer("hello", 4, "other")["state"] == "nothing"
    assert len(github.resources.comments_on(7)) == 3


def test_the_table(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` needs no event; as JSON each command says whether it acts."""
    monkeypatch.chdir(project)
    assert cli.main(["slash", "--list"]) == 0
    assert "| `/ci-force-review o3\\|gemini` |" in capsys.readouterr().out
    assert cli.main(["slash", "--list", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("slash"))
    assert len(found["list"]) == 11
    assert {"command": "/ci-help", "acting": False, "summary": "this table"} in found["list"]


def test_without_an_event(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one message."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    assert cli.main(["slash"]) == 2
    assert "nextrust slash: GITHUB_EVENT_PATH: is not set" in capsys.readouterr().err


def test_a_command_on_one_runner_is_known_to_the_next(github: StandIn, project: Path, tmp_path: Path) -> None:
    """``/ci-clear-backoff`` clears what other runners counted, and is not carried out again by a fresh one."""
    github.resources.permissions["someone"] = "write"
    failure = {"message": "failed", "commit": SHA, "occasion": "1.1", "what": "1 of 1 item failed"}
    status = [sys.executable, "-m", "pytest_nextrust.cli", "status"]
    for command in (["append", "commit-failure", json.dumps(failure)], ["push"]):
        subprocess.run([*status, *command], cwd=project, check=True, capture_output=True)
    event = event_file(tmp_path, "/ci-clear-backoff")
    first = deliver(github, clone(tmp_path, "runner-1"), event, "--json", "-", GITHUB_ACTIONS="true")
    assert json.loads(first.stdout)["state"] == "done", first.stderr
    (answer,) = github.resources.comments_on(7)
    assert "had failed 1 time; it runs again." in answer["body"]
    again = deliver(github, clone(tmp_path, "runner-2"), event, "--json", "-", GITHUB_ACTIONS="true")
    assert json.loads(again.stdout)["reason"] == "it was carried out before"
    pulled = subprocess.run([*status, "pull", "--json", "-"], cwd=project, check=True, capture_output=True, text=True)
    assert json.loads(pulled.stdout)["added"] == 4
    assert [record["state"] for record in records(project)] == ["claimed", "done", "refused"]
    assert len(github.resources.comments_on(7)) == 1


@pytest.mark.campaign
@pytest.mark.parametrize("state", ["local", "branch"])
def test_many_deliveries_at_once(github: StandIn, project: Path, tmp_path: Path, state: str) -> None:
    """Each comment is carried out once and answered once, by whichever process; every other delivery is refused."""
    comments, deliveries, runners = ((50, 20, 12) if state == "local" else (10, 5, 5)) if FULL else (2, 3, 3)
    places = [project] if state == "local" else [clone(tmp_path, f"runner-{number}") for number in range(runners)]
    jobs: dict[int, dict[str, Any]] = {}
    events = []
    for number in range(comments):
        github.resources.permissions[f"user-{number}"] = "write"
        run = github.resources.add_run(SHA, created_at="2026-01-01T00:00:00Z")
        jobs[number] = github.resources.add_job(run, f"build-{number}")
        events.append(event_file(tmp_path, f"/ci-retry-job build-{number}", number + 1, f"user-{number}"))
    with ThreadPoolExecutor(runners) as pool:
        done = list(
            pool.map(
                lambda each: deliver(github, places[each % len(places)], events[each % comments], "--state", state),
                range(comments * deliveries),
            )
        )
    assert [each.stderr for each in done if each.returncode] == []
    outcomes = Counter(each.stdout.partition(":")[0].partition(" ")[0].strip() for each in done)
    assert outcomes == {"done": comments, "refused": comments * (deliveries - 1)}
    assert len(github.sent("POST .*/rerun")) == comments
    assert {run["run_attempt"] for run in github.resources.runs.values() if run["status"] == "queued"} == {2}
    answers = Counter(each["body"].rpartition("nextrust:")[2] for each in github.resources.comments_on(7))
    assert answers == {f"slash:comment-{number + 1} -->": 1 for number in range(comments)}
    if state == "branch":
        command = [sys.executable, "-m", "pytest_nextrust.cli", "status", "pull"]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    found = records(project)
    assert Counter(record["key"] for record in found if record["state"] == "done") == {
        f"comment-{number + 1}": 1 for number in range(comments)
    }
    assert len([record for record in found if record["state"] == "refused"]) == comments * (deliveries - 1)
