"""A project with two phases, GitHub's stand-in beside it, and comments as GitHub delivers them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from pytest_nextrust.github.client import GithubClient
from pytest_nextrust.hookapi.context import Context
from pytest_nextrust.hookapi.slash import SlashCommand
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.slash.event import read_comment
from pytest_nextrust.slash.ledger import Ledger
from pytest_nextrust.slash.service import SlashOutcome, SlashService
from pytest_nextrust.slash.table import commands_of
from pytest_nextrust.status.archive import read_log
from tests.github_api import StandIn, standing_in
from tests.github_api.server import REPOSITORY
from tests.github_api.webhooks import comment_event, faults_of_event

SHA = "ce587453ced02b1526dfb4cb910479d431683101"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

SETTINGS = """
shipped_phases = false
[[phase]]
id = "first"
name = "First"
expected_files = ["made"]
[[phase]]
id = "second"
name = "Second @all #1"
depends = ["first"]
[hooks.external]
send = "manual"
offline = true
"""


class Clock:
    """The time, which goes on when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Desk:
    """A service over a project, and what it is given: comments by ``user``, numbered from 1."""

    def __init__(self, root: Path, github: StandIn, commands: list[SlashCommand] | None = None) -> None:
        self.root = root
        self.github = github
        self.clock = Clock()
        self.context = Context(str(root), load_snapshot(str(root), keep=False), {}, deadline=float("inf"))
        self.ledger = Ledger(self.context.status_dir, clock=self.clock)
        self.service = SlashService(
            self.context, self.ledger, commands_of(commands or ()), GithubClient.from_environment(github.environ)
        )
        self._last = 0

    def event(self, text: str, *, user: str = "someone", **fields: Any) -> dict[str, Any]:
        """An event by GitHub's schema, of a new comment."""
        self._last += 1
        given = {
            "comment__id": self._last,
            "comment__created_at": self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "comment__user__login": user,
            "issue__number": 7,
            "repository__full_name": REPOSITORY,
            **fields,
        }
        event = comment_event(text, **given)
        assert faults_of_event(event) == []
        return event

    def deliver(self, event: dict[str, Any], *, name: str = "issue_comment") -> SlashOutcome:
        return self.service.handle(read_comment(name, event, repository=REPOSITORY, now=self.clock.now))

    def say(self, text: str, **fields: Any) -> SlashOutcome:
        """A comment, a minute after the one before."""
        self.clock.pass_by(60)
        return self.deliver(self.event(text, **fields))

    def records(self) -> list[dict[str, Any]]:
        return [dict(r.details) for r in read_log(self.context.status_dir).records if r.type == "slash"]

    def answers(self) -> list[str]:
        return [str(each["body"]) for each in self.github.resources.comments_on(7)]


@pytest.fixture
def github() -> Iterator[StandIn]:
    """Pull request 7 at SHA, whose first workflow run came an hour ago; ``someone`` may write, ``reader`` may read."""
    with stamina.set_testing(True, attempts=3), standing_in() as github:
        github.resources.add_pull(7, SHA)
        github.resources.add_run(SHA, created_at="2026-03-04T04:00:00Z")
        github.resources.permissions.update(someone="write", boss="admin", reader="read")
        yield github


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a commit."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "nextrust.toml").write_text(SETTINGS, encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "nextrust.toml"], ["commit", "--quiet", "-m", "start"]):
        names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *names, *command], cwd=root, check=True, capture_output=True)
    return root


@pytest.fixture
def desk(project: Path, github: StandIn) -> Desk:
    return Desk(project, github)
