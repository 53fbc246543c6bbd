"""The eleven commands do what they say, to GitHub's stand-in and to the project, and what is outside stays outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.guards.backoff import Backoff
from pytest_nextrust.guards.restore import record_failure
from pytest_nextrust.project.phases import done_path, mark_done
from pytest_nextrust.slash.actions import failing_part
from pytest_nextrust.slash.added import added_commands
from pytest_nextrust.slash.table import COMMANDS
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import Item, PhaseDone
from tests.unit.slash.conftest import SHA, Desk

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
LOG = b"".join(
    [
        *(b"2026-03-04T04:00:%02d.0000000Z step %d\r\n" % (number % 60, number) for number in range(100)),
        b"2026-03-04T04:01:00.0000000Z \x1b[31m##[error]undefined reference to @all #12 ``` </details>\n",
        f"2026-03-04T04:01:00.0000000Z export GITHUB_TOKEN={TOKEN}\n".encode(),
        *(b"2026-03-04T04:02:00.0000000Z after %d\n" % number for number in range(100)),
    ]
)


def said(desk: Desk, text: str) -> str:
    outcome = desk.say(text)
    assert outcome.state == "done", outcome.reason or outcome.answer
    assert outcome.answered
    return outcome.answer.partition("\n\n")[2]


def failed(desk: Desk, text: str) -> str:
    outcome = desk.say(text)
    assert outcome.state == "failed", outcome.reason or outcome.answer
    return outcome.answer


def test_help_lists_every_command(desk: Desk) -> None:
    """Those that act, and the argument of each."""
    answer = said(desk, "/ci-help")
    assert len(COMMANDS) == 11
    for command in COMMANDS:
        assert f"| `{command.usage}` |".replace("o3|gemini", "o3\\|gemini") in answer


def test_status_and_check_phase(desk: Desk) -> None:
    """Phases, verdicts and failures of the log; what is somebody's text mentions nobody."""
    item = Item("r", "first", "hello", "ubuntu-latest-release-m68040", "failed", message="@all see #1")
    item.append_to(Journal(desk.context.status_dir))
    answer = said(desk, "/ci-status")
    assert "| `second` | `Second @all #1` | not started | - |" in answer
    assert "* failed: `hello[ubuntu-latest-release-m68040]` `@all see #1`" in answer
    assert "1 failed" in answer
    answer = said(desk, "/ci-check-phase")
    assert answer.startswith("Phase `first`, `First`: ")
    assert "* missing: `made`" in answer


def test_get_logs(desk: Desk) -> None:
    """The lines around the first error, without times, colours and secrets, in a block that nothing in it ends."""
    run = desk.github.resources.add_run(SHA, created_at="2026-03-04T04:30:00Z")
    desk.github.resources.add_job(run, "build (ubuntu-latest, release)", log=LOG)
    answer = said(desk, "/ci-get-logs build (ubuntu-latest, release)")
    assert TOKEN not in answer
    head, _, rest = answer.partition("\n\n")
    assert head == "Job `build (ubuntu-latest, release)` (attempt 1) ended with `failure`; what failed:"
    assert rest.startswith("````text\nstep 60\n")
    assert rest.endswith("\n````")
    assert "\n##[error]undefined reference to @all #12 ``` </details>\nexport GITHUB_TOKEN=" in rest
    assert "after 37" in rest
    assert "after 90" not in rest


def test_get_logs_of_what_is_not_there(desk: Desk) -> None:
    """Another name, and a job of another commit: the jobs of this one are named."""
    desk.github.resources.add_job(desk.github.resources.add_run("a" * 40), "elsewhere")
    run = desk.github.resources.add_run(SHA, created_at="2026-03-04T04:30:00Z")
    desk.github.resources.add_job(run, "build")
    answer = failed(desk, "/ci-get-logs elsewhere")
    assert f"JOB: no job 'elsewhere' at commit {SHA[:12]}" in answer
    assert "remedy: jobs: build" in answer


def test_the_failing_part_of_a_log() -> None:
    """Without an error its end; a long line is no fault."""
    assert failing_part("a\nb\n") == ("a\nb", False)
    assert failing_part("\n".join(map(str, range(200))))[0].splitlines()[0] == "120"
    assert failing_part("")[1] is False
    assert failing_part("x\nFAILED tests/a.py::b\ny") == ("x\nFAILED tests/a.py::b\ny", True)


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out"])
def test_retry_job(desk: Desk, conclusion: str) -> None:
    """The job that failed is started again, once: a second time it runs already."""
    run = desk.github.resources.add_run(SHA, created_at="2026-03-04T04:30:00Z")
    job = desk.github.resources.add_job(run, "build", conclusion)
    assert said(desk, "/ci-retry-job build") == "Job `build` (attempt 1) is started again, with the jobs that need it."
    assert (run["status"], run["run_attempt"]) == ("queued", 2)
    job["status"] = "in_progress"
    assert said(desk, f"/ci-retry-job {job['id']}").endswith("is `in_progress`: nothing was started.")
    assert len(desk.github.sent("POST .*/rerun")) == 1


def test_a_job_that_passed_is_not_started(desk: Desk) -> None:
    """Nor is one of a skipped step."""
    run = desk.github.resources.add_run(SHA, created_at="2026-03-04T04:30:00Z")
    desk.github.resources.add_job(run, "build", "success")
    assert "the job ended with success" in failed(desk, "/ci-retry-job build")
    assert desk.github.sent("POST .*/rerun") == []


def test_reset_phase(desk: Desk) -> None:
    """The mark is gone, and an entry says so to other runners; a phase that was not done stays as it is."""
    mark_done(desk.root, "first", {"commit": SHA, "run": "r", "criteria": []})
    PhaseDone("r", "first", SHA).append_to(Journal(desk.context.status_dir))
    answer = said(desk, "/ci-reset-phase first")
    assert answer == "`first` is open again. Phases that depend on it stay as they are: `second`."
    assert not done_path(desk.root, "first").exists()
    (entry,) = [r.details for r in read_log(desk.context.status_dir).records if r.type == "phase-reopened"]
    assert (entry["phase"], entry["user"], entry["commit"]) == ("first", "someone", SHA)
    assert said(desk, "/ci-reset-phase first") == "`first` was not done: nothing was changed."
    assert "no such phase" in failed(desk, "/ci-reset-phase third")


def test_clear_backoff(desk: Desk) -> None:
    """The pull request's commit, whatever is checked out; by whom is on record."""
    with Database(state_path(desk.root)) as database:
        for number in range(3):
            occasion = f"{number}.1"
            record_failure(desk.context.status_dir, SHA, occasion=occasion, what="failed")
            Backoff(database).fail(SHA, occasion=occasion, what="failed")
        assert said(desk, "/ci-clear-backoff") == f"Commit `{SHA[:12]}` had failed 3 times; it runs again."
        assert not Backoff(database).standing(SHA).refused
    (entry,) = [r.details for r in read_log(desk.context.status_dir).records if r.type == "backoff-cleared"]
    assert (entry["user"], entry["why"], len(entry["entries"])) == ("someone", "/ci-clear-backoff (comment-1)", 3)
    assert said(desk, "/ci-clear-backoff") == f"Commit `{SHA[:12]}` had no failures that count."


def test_clear_cache(desk: Desk) -> None:
    """Those of the pull request and of its base branch, and no others."""
    base = desk.github.resources.pulls[7]["base"]["ref"]
    for ref in ("refs/pull/7/merge", "refs/pull/7/head", f"refs/heads/{base}", "refs/heads/other", "refs/pull/8/merge"):
        desk.github.resources.add_cache("nextrust-1", ref)
    assert said(desk, "/ci-clear-cache").startswith("3 caches deleted, ")
    left = {cache["ref"] for cache in desk.github.resources.caches.values()}
    assert left == {"refs/heads/other", "refs/pull/8/merge"}
    assert said(desk, "/ci-clear-cache") == "There was no cache to delete."


def head_of(desk: Desk) -> str:
    """Make the pull request's head the project's commit."""
    commit = desk.context.commit()
    desk.github.resources.pulls[7]["head"]["sha"] = commit
    desk.github.resources.add_run(commit, created_at="2026-03-04T04:00:00Z")
    return commit


@pytest.mark.parametrize(
    ("text", "kind"),
    [("/ci-force-review o3", "design"), ("/ci-force-review gemini", "review"), ("/ci-ai-review", "review")],
)
def test_reviews(desk: Desk, text: str, kind: str) -> None:
    """A request of the pull request's commit is queued for the model that is meant; offline the answer says why not."""
    commit = head_of(desk)
    answer = said(desk, text)
    assert answer == (
        f"`{kind}-001` was not answered: `[hooks.external] offline is set`. It is asked again with the next request."
    )
    (file,) = (desk.root / ".nextrust" / "external" / "queue").glob("*.json")
    queued = json.loads(file.read_text())
    assert (queued["kind"], queued["commit"], queued["phase"]) == (kind, commit, "first")
    again = said(desk, text)
    assert f"`{kind}-00{1 if text == '/ci-ai-review' else 2}`" in again


def test_a_review_that_is_on_record_is_the_answer(desk: Desk) -> None:
    """In a block: what a model writes mentions nobody."""
    head_of(desk)
    said(desk, "/ci-ai-review")
    (file,) = (desk.root / ".nextrust" / "external" / "queue").glob("*.json")
    queued = json.loads(file.read_text())
    details = {
        "message": "m",
        "ticket": "review-001",
        "request": queued["id"],
        "model": "gemini",
        "response": "@all ok",
    }
    Journal(desk.context.status_dir).append("review", details)
    file.unlink()
    assert said(desk, "/ci-ai-review") == "`review-001`, answered by `gemini`:\n\n```text\n@all ok\n```"


def test_design_help(desk: Desk) -> None:
    """The newest failure of this commit, or the one that has the word in it, is put to the design model."""
    journal = Journal(desk.context.status_dir)
    assert said(desk, "/ci-design-help") == "No failure is on record: nothing to ask about."
    failure: dict[str, Any] = {"phase": "first", "cell": "c", "verdict": "failed"}
    journal.append("item", {"run": "r", "scenario": "atomics", "message": "error: lock is not free", **failure})
    journal.append("item", {"run": "r", "scenario": "hello", "message": "error: no output", **failure})
    answer = said(desk, "/ci-design-help atomics")
    assert answer.startswith("`design-001` was not answered")
    assert said(desk, "/ci-design-help").startswith("`design-002` was not answered")
    (text,) = [
        json.loads(file.read_text())["text"]
        for file in (desk.root / ".nextrust" / "external" / "queue").glob("*.json")
        if "design-001" in file.read_text()
    ]
    assert "lock is not free" in text
    assert said(desk, "/ci-design-help nothing") == "No failure about `nothing` is on record: nothing to ask about."


# -- commands of a project ---------------------------------------------------------------------------------------------

PLUGIN = """
from pytest_nextrust.hookapi.slash import SlashArgument, SlashCommand

def nextrust_slash_commands():
    board = SlashArgument("BOARD", "the name of a board", r"[a-z0-9-]+")
    return [SlashCommand("flash-board", "put an image on it", lambda call: f"on {call.argument}", board, acting=True)]
"""


@pytest.mark.parametrize("place", ["conftest.py", ".nextrust/hooks/boards.py"])
def test_a_project_adds_its_own(desk: Desk, project: Path, place: str) -> None:
    """By the hook, wherever hooks are found; who may ask and how its argument is typed is as for the others."""
    (project / place).parent.mkdir(parents=True, exist_ok=True)
    (project / place).write_text(PLUGIN, encoding="utf-8")
    theirs = Desk(project, desk.github, added_commands(project))
    assert "`/ci-flash-board BOARD`" in said(theirs, "/ci-help")
    assert said(theirs, "/ci-flash-board next-68040") == "on next-68040"
    assert theirs.say("/ci-flash-board Next").state == "refused"
    assert theirs.say("/ci-flash-board next", user="reader").state == "refused"
