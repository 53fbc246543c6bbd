"""``nextrust checks``: the status log as GitHub checks, or as job summary and annotations where none may be written.

Exit status: 0 sent or told, 1 a check could not be sent or nothing is recorded, 2 usage or unreadable input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import Fault, GithubError, UsageFault
from pytest_nextrust.github.conclusions import JOB_STATUSES
from pytest_nextrust.project.options import DEFAULT_STATUS_DIR
from pytest_nextrust.project.root import find_root, from_root

if TYPE_CHECKING:
    from pytest_nextrust.github.checks import Check
    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.github.publishing import Published

__all__ = ["HELP", "add_arguments", "run"]

HELP = "the status log as GitHub checks, job summary and annotations"

KINDS = {"cells": ("cell",), "phases": ("phase",), "all": ("cell", "phase")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which part of the log, what became of the job, and where it goes."""
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help=f"the log's folder ({DEFAULT_STATUS_DIR} of the project)"
    )
    parser.add_argument("--commit", metavar="HASH", help="the commit that was verified, in full (what is checked out)")
    parser.add_argument("--head", metavar="HASH", help="the commit that the checks belong to (the pull request's head)")
    parser.add_argument("--for", dest="kinds", choices=tuple(KINDS), default="all", help="which checks (all)")
    parser.add_argument("--cell", action="append", default=[], metavar="ID", help="only this cell; repeatable")
    parser.add_argument("--phase", action="append", default=[], metavar="ID", help="only this phase; repeatable")
    parser.add_argument("--job-status", choices=JOB_STATUSES, default="success", help="how the job ended (success)")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="add the job summary to FILE ($GITHUB_STEP_SUMMARY)"
    )
    parser.add_argument(
        "--limit", type=_seconds, metavar="SECONDS", help="how long each request is retried and limits waited for (300)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the requests, one a line, and send nothing")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Draw the checks, send them, write the summary. Raises StatusError, ConfigError, UsageFault: exit status 2."""
    from pytest_nextrust.github.publishing import head_commit
    from pytest_nextrust.status.environment import git_commit

    commit = _hash("--commit", args.commit) or git_commit(Path(find_root()))
    head = _hash("--head", args.head) or head_commit(os.environ, commit)
    if not head:
        raise UsageFault("--commit", "nothing is checked out here", remedy="name the commit with --commit")
    if args.dry_run:
        return _dry_run(args, commit, head)
    client, why = _client(args.limit)
    checks = _checks(args, commit, client)
    published = _publish(client, why, checks, head)
    _tell(args, published, why)
    return _answer(args, commit, head, published, why)


def _seconds(text: str) -> float:
    """A number above 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds, above 0 and at most a day")
    return number


def _hash(option: str, given: str | None) -> str:
    if given is None:
        return ""
    text = given.strip().lower()
    if len(text) not in (40, 64) or set(text) - set("0123456789abcdef"):
        raise UsageFault(option, "not a commit's whole hash", place=given, remedy="40 or 64 hexadecimal digits")
    return text


def _client(limit: float | None) -> tuple[GithubClient | None, str]:
    """The client; None, and why, where there is no token. Raises GithubError for what is set wrongly."""
    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.github.publishing import may_be_told

    try:
        given = {} if limit is None else {"limit": limit}
        return GithubClient.from_environment(os.environ, **given), ""
    except GithubError as error:
        if not may_be_told(error):
            raise
        return None, error.fault


def _checks(args: argparse.Namespace, commit: str, client: GithubClient | None) -> Sequence[Check]:
    from pytest_nextrust.github.checks import CheckSource, draw_checks
    from pytest_nextrust.github.publishing import run_page
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status.projections import Follower

    root = Path(find_root())
    folder = from_root(DEFAULT_STATUS_DIR) if args.dir is None else args.dir
    source = CheckSource(
        Follower(folder).catch_up().store,
        commit,
        root,
        job=args.job_status,
        details_url=run_page(os.environ),
        links=_links(client),
        phase_names={phase.id: phase.name for phase in Phases.load(root)},
    )
    return draw_checks(source, cells=args.cell, phases=args.phase, kinds=KINDS[args.kinds])


def _links(client: GithubClient | None) -> dict[str, str]:
    """The run's artifacts; its page alone where they cannot be listed, and why on stderr."""
    from pytest_nextrust.github.publishing import links_of_run, run_page

    page = run_page(os.environ)
    found = {"workflow run": page} if page else {}
    if client is not None:
        try:
            found |= links_of_run(client, os.environ)
        except GithubError as error:
            print(f"nextrust checks: without links to artifacts: {error}", file=sys.stderr)
    return found


def _dry_run(args: argparse.Namespace, commit: str, head: str) -> int:
    """Print what would be sent if nothing of it were there."""
    from pytest_nextrust.github.sending import requests_of

    checks = _checks(args, commit, None)
    requests = [(check, number, body) for check in checks for number, body in enumerate(requests_of(check, head))]
    if args.json != "-":
        for _, number, body in requests:
            print(("PATCH /check-runs/ID " if number else "POST /check-runs ") + json.dumps(body))
    fields = [{"method": "PATCH" if number else "POST", "body": body} for _, number, body in requests]
    write_answer(args, envelope("checks", ok=True, exit=0, commit=commit, head=head, dry_run=True, requests=fields))
    return 0


def _publish(client: GithubClient | None, why: str, checks: Sequence[Check], head: str) -> list[Published]:
    from pytest_nextrust.github.publishing import Published, publish

    if client is None:
        return [Published(check, "told", message=why) for check in checks]
    return list(publish(client, checks, head))


def _tell(args: argparse.Namespace, published: Sequence[Published], why: str) -> None:
    """The job summary always; annotations on the step's output for checks that are not on GitHub."""
    from pytest_nextrust.github.markdown import code
    from pytest_nextrust.github.workflow import annotation_lines, append_summary, draw_summary

    apart = [each for each in published if each.state in ("told", "refused")]
    reasons = dict.fromkeys([*([why] if why else []), *(each.message for each in apart)])
    notes = [f"No check run, only this summary and annotations: {code(reason)}" for reason in reasons]
    text = draw_summary([each.check for each in published], notes)
    file = args.summary or (Path(given) if (given := os.environ.get("GITHUB_STEP_SUMMARY")) else None)
    if file is not None:
        append_summary(file, text)
    out = sys.stderr if args.json == "-" else sys.stdout
    for line in annotation_lines(annotation for each in apart for annotation in _once(each, args.kinds)):
        print(line, file=out)
    for reason in reasons:
        print(f"nextrust checks: no check run, only the job summary and annotations: {reason}", file=sys.stderr)


def _once(published: Published, kinds: str) -> Sequence[Any]:
    """A check's annotations: where cells and phases are both shown, each is in one of either, and told once."""
    from pytest_nextrust.github.checks import NAMES

    both = kinds == "all" and published.check.name.startswith(NAMES["phase"])
    return () if both else published.check.annotations


def _answer(args: argparse.Namespace, commit: str, head: str, published: Sequence[Published], why: str) -> int:
    refused = [each for each in published if each.state == "refused"]
    exit = 1 if refused or not published else 0
    if args.json != "-":
        for each in published:
            requests = f" in {counted(each.requests, 'request')}" if each.requests else ""
            print(f"{each.check.name}: {each.check.conclusion}: {each.state}{requests}")
    errors = [Fault(each.check.name, each.message) for each in refused]
    if not published:
        message = f"nothing is recorded of commit {commit[:12]}"
        print(f"nextrust checks: {message}", file=sys.stderr)
        errors.append(Fault("--commit", message, "see the step that runs pytest"))
    for each in refused:
        print(f"nextrust checks: {each.check.name}: {each.message}", file=sys.stderr)
    fields = [
        {
            "name": each.check.name,
            "conclusion": each.check.conclusion,
            "state": each.state,
            "annotations": len(each.check.annotations),
            "requests": each.requests,
            "url": each.url,
            "message": each.message,
        }
        for each in published
    ]
    answer = {"commit": commit, "head": head, "dry_run": False, "checks": fields, "told_because": why}
    write_answer(args, envelope("checks", ok=not exit, exit=exit, errors=errors, **answer))
    return exit
