"""All checks of a commit, sent; or told to the workflow alone, where the token may only read or there is none.

The job summary is written in any case. Which way was taken, and why, is part of the answer and of the summary.

Boundary: the order of things; what a check says is ``checks``, how one is sent is ``sending``.
Sources: docs.github.com/actions, default variables (GITHUB_SERVER_URL, GITHUB_RUN_ID, GITHUB_EVENT_PATH); GitHub's
webhook ``pull_request`` (``pull_request.head.sha``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import GithubError, UsageFault
from pytest_nextrust.github.checks import Check
from pytest_nextrust.github.client import GithubClient
from pytest_nextrust.github.sending import send_check

__all__ = ["Published", "head_commit", "links_of_run", "publish", "run_page"]

_NO_API = frozenset({"GITHUB_TOKEN is not set", "the token may only read"})
"""Faults with which checks are told to the workflow alone."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Published:
    """What became of one check. ``state``: sent, known (it was there before), refused (``message`` says why), or told:
    only in the job summary and the step's annotations."""

    check: Check
    state: str
    requests: int = 0
    url: str = ""
    message: str = ""


def publish(client: GithubClient, checks: Sequence[Check], head: str) -> Iterator[Published]:
    """Send each check. One that GitHub refuses as it stands does not keep the others back; any other fault would meet
    them too, and they are not tried."""
    failed: GithubError | None = None
    for check in checks:
        if failed is not None:
            yield _unsent(check, failed)
            continue
        try:
            sent = send_check(client, check, head)
        except GithubError as error:
            failed = None if error.kind == "final" else error
            yield _unsent(check, error)
            continue
        state = "sent" if sent.requests else "known"
        yield Published(check, state, sent.requests, sent.run.html_url or "")


def _unsent(check: Check, error: GithubError) -> Published:
    if may_be_told(error):
        return Published(check, "told", message=error.fault)
    return Published(check, "refused", message=str(error))


def may_be_told(error: GithubError) -> bool:
    """Whether checks are told to the workflow alone where ``error`` came of asking."""
    return error.words in _NO_API


def head_commit(environ: Mapping[str, str], commit: str) -> str:
    """The commit that checks belong to: the head of the pull request that the event is about, since what is checked out
    for one is a merge that nobody sees; else ``commit``. Raises UsageFault for an event that cannot be read."""
    name = environ.get("GITHUB_EVENT_PATH", "")
    if not name or not environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return commit
    try:
        event = json.loads(Path(name).read_bytes())
        head = event["pull_request"]["head"]["sha"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "name the commit with --head"
        raise UsageFault("GITHUB_EVENT_PATH", "no event of a pull request", place=name, remedy=remedy) from error
    if not isinstance(head, str) or not _COMMIT.fullmatch(head):
        raise UsageFault("GITHUB_EVENT_PATH", "its head is no commit", place=name, remedy="name it with --head")
    return head


def run_page(environ: Mapping[str, str]) -> str:
    """The page of this workflow run; empty outside of one."""
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID", "")
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run.isdecimal() else ""


def links_of_run(client: GithubClient, environ: Mapping[str, str]) -> dict[str, str]:
    """The artifacts of this workflow run as far as they are uploaded, by name. Raises GithubError."""
    page = run_page(environ)
    if not page:
        return {}
    run = int(environ["GITHUB_RUN_ID"])
    return {each.name: f"{page}/artifacts/{each.id}" for each in client.artifacts(run) if not each.expired}
