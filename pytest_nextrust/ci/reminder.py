"""The monthly reminder to rotate tokens: one issue, and never a second one while it is open.

The issue is found again by its mark, which counts only where this token's own account wrote it: anybody's issue with
that text in it neither stands for the reminder nor hides it.

Boundary: the issue's text, and whether there is to be one; asking and sending is ``github``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.ci.workflows import GUIDE, SECRETS
from pytest_nextrust.github.client import GithubClient
from pytest_nextrust.github.records import TrackerIssue

__all__ = ["KEY", "issue_text", "remind"]

KEY = "token-rotation"

_TITLE = "Rotate the tokens of the environment production"


def issue_text(root: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Title and body: what is to be rotated, and where it is told how (the project's page, where it has one)."""
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    page = f"`{GUIDE}`"
    if server and repository and (root / GUIDE).is_file():
        page = f"[{GUIDE}]({server}/{repository}/blob/HEAD/{GUIDE})"
    tasks = "\n".join(f"- [ ] `{name}`: {use}" for name, use in SECRETS.items())
    return _TITLE, f"{tasks}\n\nHow: {page}. While this issue is open there will be no other."


def remind(root: Path, environ: Mapping[str, str], **given: Any) -> tuple[TrackerIssue, bool]:
    """The open issue, and whether it is new. ``given`` is for ``GithubClient.from_environment``. Raises GithubError."""
    client = GithubClient.from_environment(environ, **given)
    found = client.find_issue(KEY)
    if found is not None:
        return found, False
    title, body = issue_text(root, environ)
    return client.create_issue(title, body, key=KEY), True
