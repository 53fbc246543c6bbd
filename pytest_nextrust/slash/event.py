"""A comment as GitHub delivers it: who wrote what on which pull request, or why it is not looked at.

The event is read from the file that GITHUB_EVENT_PATH names: nothing of it is ever part of a command line.

Boundary: reads what the event says; asks nobody. Sources: the webhook ``issue_comment`` in GitHub's description of
webhooks (npm ``@octokit/webhooks-schemas``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.slash.grammar import addressed
from pytest_nextrust.status.records import moment

__all__ = ["ASSOCIATIONS", "LONGEST_DELAY", "CommentEvent", "read_comment", "read_event"]

ASSOCIATIONS = ("OWNER", "MEMBER", "COLLABORATOR")
"""Who may ask: the author's association with the repository."""

LONGEST_DELAY = 86400.0
"""Seconds between a comment and its delivery. An older event is a replay."""

_LARGEST = 32_000_000


@dataclass(frozen=True)
class CommentEvent:
    """A comment. ``created`` is in seconds since 1970; ``refused`` says why it is not looked at (empty: it is), and
    ``strange`` that whoever wrote it gets no answer: a bot, an edit, another repository."""

    id: int
    user: str
    association: str
    text: str
    pull: int
    created: float
    refused: str = ""
    strange: bool = False

    @property
    def key(self) -> str:
        return f"comment-{self.id}"


def read_event(path: str) -> dict[str, Any]:
    """The event in a file. Raises UsageFault."""
    subject, remedy = "GITHUB_EVENT_PATH", "nextrust slash is run by a workflow with on: issue_comment"
    if not path:
        raise UsageFault(subject, "is not set", remedy=remedy)
    try:
        if Path(path).stat().st_size > _LARGEST:
            raise UsageFault(subject, f"larger than {_LARGEST} bytes", place=path, remedy=remedy)
        plain = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageFault(subject, error.strerror or str(error), place=path, remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise UsageFault(subject, f"not JSON: {error}", place=path, remedy=remedy) from error
    if not isinstance(plain, dict):
        raise UsageFault(subject, "not an object", place=path, remedy=remedy)
    return plain


def read_comment(name: str, plain: dict[str, Any], *, repository: str, now: datetime) -> CommentEvent | None:
    """The comment in an event called ``name``; None where it has nothing to do with commands.

    Raises UsageFault for an event that is not as GitHub describes it.
    """
    if name != "issue_comment":
        raise UsageFault(
            "GITHUB_EVENT_NAME", f"{name[:40]!r} has no comment", remedy="on: issue_comment, types: [created]"
        )
    try:
        comment, issue = plain["comment"], plain["issue"]
        text, user = comment["body"] or "", comment["user"] or {}
        found = CommentEvent(
            id=int(comment["id"]),
            user=str(user.get("login", "")),
            association=str(comment["author_association"]),
            text=str(text),
            pull=int(issue["number"]),
            created=moment(str(comment["created_at"])) or 0.0,
        )
        if not addressed(found.text):
            return None
        strange, refused = _strange(plain, comment, issue, user, repository), ""
        if not strange:
            refused = _refused(found, issue, now)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fault = f"not an issue_comment: {type(error).__name__}: {error}"
        raise UsageFault("GITHUB_EVENT_PATH", fault, remedy="on: issue_comment, types: [created]") from error
    return CommentEvent(
        found.id,
        found.user,
        found.association,
        found.text,
        found.pull,
        found.created,
        strange or refused,
        bool(strange),
    )


def _strange(
    plain: dict[str, Any], comment: dict[str, Any], issue: dict[str, Any], user: dict[str, Any], repository: str
) -> str:
    """Why nobody is answered; empty where there is no such reason."""
    action = str(plain["action"])
    if action != "created":
        return f"{action[:20]}: only a comment that was just written counts, as it was written"
    if str(plain["repository"]["full_name"]).casefold() != repository.casefold():
        return "from another repository"
    if user.get("type") != "User" or str(user.get("login", "")).endswith("[bot]"):
        return "not written by a person"
    if comment.get("performed_via_github_app"):
        return "written by an app"
    if plain["sender"]["id"] != user["id"]:
        return "sent by somebody other than its author"
    if not isinstance(issue.get("pull_request"), dict):
        return "not on a pull request"
    return ""


def _refused(found: CommentEvent, issue: dict[str, Any], now: datetime) -> str:
    if issue["state"] != "open":
        return "the pull request is closed"
    if abs(now.timestamp() - found.created) > LONGEST_DELAY:
        return "older than a day: write it again"
    if found.association not in ASSOCIATIONS:
        return f"only {', '.join(ASSOCIATIONS)} of the repository may ask"
    return ""
