"""A check sent as one check run: made, given all its annotations 50 at a time, and completed by the last request.

What was sent of it before, by this process or another, is found by its external id, and only what is missing is sent:
annotations arrive in order, 50 with each request or none of them, so that their number says how far it came.

Boundary: which requests; ``client`` makes them. Source: docs.github.com/rest/checks: annotations are added to those
there are; a conclusion completes the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_nextrust.github.checks import Check
from pytest_nextrust.github.client import ANNOTATIONS, GithubClient
from pytest_nextrust.github.records import CheckRun

__all__ = ["SentCheck", "requests_of", "send_check"]


@dataclass(frozen=True)
class SentCheck:
    """A check run that is as it is to be, and how many requests that took: none where it was so before."""

    run: CheckRun
    requests: int


def requests_of(check: Check, head: str, *, made: bool = False, sent: int = 0) -> Iterator[dict[str, Any]]:
    """The bodies of the requests that are left to make, where ``sent`` annotations have arrived: the first makes the
    run unless it is ``made``, the last completes it."""
    rest = [each.plain() for each in check.annotations[sent:]]
    parts = [rest[first : first + ANNOTATIONS] for first in range(0, len(rest), ANNOTATIONS)] or [[]]
    for number, part in enumerate(parts):
        fields: dict[str, Any] = {"name": check.name}
        if not made and number == 0:
            fields |= {"head_sha": head, "external_id": check.external_id(head)}
            if check.details_url:
                fields["details_url"] = check.details_url
        output: dict[str, Any] = {"title": check.title, "summary": check.summary}
        if check.text:
            output["text"] = check.text
        fields["output"] = {**output, "annotations": part} if part else output
        last = number == len(parts) - 1
        yield (
            {**fields, "status": "completed", "conclusion": check.conclusion}
            if last
            else {
                **fields,
                "status": "in_progress",
            }
        )


def send_check(client: GithubClient, check: Check, head: str) -> SentCheck:
    """Send what is missing of ``check`` at the commit ``head``. Raises GithubError; sending it again goes on."""
    run = client.find_check_run(head, check.name, check.external_id(head))
    if run is not None and run.status == "completed":
        return SentCheck(run, 0)
    requests = 0
    sent = 0 if run is None else run.output.annotations_count
    for fields in requests_of(check, head, made=run is not None, sent=sent):
        run = client.create_check_run(fields) if run is None else client.update_check_run(run, fields)
        requests += 1
    assert run is not None
    return SentCheck(run, requests)
