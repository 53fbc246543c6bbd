"""The reminder: one issue while it is open, whoever else writes what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.ci.reminder import KEY, issue_text, remind
from pytest_nextrust.ci.workflows import GUIDE
from pytest_nextrust.github.client import mark
from tests.unit import servers

ENVIRON = {"GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "ghs_planted0123456789abcdefghijklmnopqrst"}


def issue(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    user = {"login": "github-actions[bot]" if kind == "Bot" else "somebody", "type": kind, "id": 1}
    return {"number": number, "title": "t", "body": body, "state": "open", "user": user, "html_url": "https://h/1"}


def asked(*answers: servers.Script) -> tuple[int, bool, list[str]]:
    """The issue's number, whether it is new, and the request lines."""
    with servers.raw_server(*answers) as (url, requests):
        found, opened = remind(Path(), {**ENVIRON, "GITHUB_API_URL": url})
    return found.number, opened, [request.decode(errors="replace").split(" HTTP")[0] for request in requests]


def test_one_is_open() -> None:
    """It is named, and nothing is sent."""
    number, opened, requests = asked(servers.plain([issue(7, f"x\n\n{mark(KEY)}")]))
    assert (number, opened) == (7, False)
    assert [line.split(" ")[0] for line in requests] == ["GET"]


@pytest.mark.parametrize("others", [[], [issue(7, f"x\n\n{mark(KEY)}", "User")], [issue(7, "Rotate the tokens")]])
def test_none_is_open(others: list[dict[str, Any]]) -> None:
    """One is opened, where somebody else's issue has the mark too, or only the title."""
    listed = servers.plain(others)
    made = servers.plain(issue(8, f"x\n\n{mark(KEY)}"), status="201 Created")
    number, opened, requests = asked(listed, listed, made)
    assert (number, opened) == (8, True)
    assert requests[-1] == "POST /repos/o/r/issues"


def test_the_page_is_linked_where_the_project_has_it(tmp_path: Path) -> None:
    """At the repository's own address; else it is named."""
    environ = {**ENVIRON, "GITHUB_SERVER_URL": "https://github.com"}
    assert f"How: `{GUIDE}`" in issue_text(tmp_path, environ)[1]
    (tmp_path / GUIDE).parent.mkdir(parents=True)
    (tmp_path / GUIDE).touch()
    assert f"(https://github.com/o/r/blob/HEAD/{GUIDE})" in issue_text(tmp_path, environ)[1]
