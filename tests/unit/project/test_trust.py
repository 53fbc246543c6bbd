"""A job about a pull request from a fork is known by its event; what cannot be read is not taken for trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.project.trust import comes_from_fork


def environ(folder: Path, event: Any, name: str = "pull_request") -> dict[str, str]:
    """What GitHub gives a job about ``event``."""
    file = folder / "event.json"
    file.write_text(event if isinstance(event, str) else json.dumps(event))
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}


def pull(head: Any, base: Any) -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": head}, "base": {"repo": base}}}


@pytest.mark.parametrize(
    ("event", "name", "fork"),
    [
        (pull({"id": 2}, {"id": 1}), "pull_request", True),
        (pull({"id": 2}, {"id": 1}), "pull_request_target", True),
        (pull(None, {"id": 1}), "pull_request", True),
        (pull({"id": 1}, {"id": 1}), "pull_request", False),
        ({"ref": "refs/heads/main"}, "push", False),
        ("{", "pull_request", True),
        ({"pull_request": 5}, "pull_request", True),
        ([], "pull_request", True),
    ],
    ids=["fork", "target", "fork-gone", "branch", "push", "cut", "another-shape", "no-object"],
)
def test_which_jobs_are_a_strangers(tmp_path: Path, event: Any, name: str, fork: bool) -> None:
    """By the ids of the two repositories."""
    assert comes_from_fork(environ(tmp_path, event, name)) is fork


def test_an_event_that_is_not_there(tmp_path: Path) -> None:
    """A file that is named and missing is a stranger's; outside GitHub's jobs nothing is."""
    given = environ(tmp_path, {})
    assert comes_from_fork({**given, "GITHUB_EVENT_PATH": str(tmp_path / "absent")})
    assert not comes_from_fork({})
