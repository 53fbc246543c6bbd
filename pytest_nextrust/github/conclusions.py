"""The conclusion of a check run: what an item's verdict and the job's own status come to, in one table.

Sources: GitHub's OpenAPI description (``conclusion`` of a check run, a job and a workflow run), docs.github.com/actions
(``job.status``: success, failure, cancelled; ``needs.*.result``: skipped too); the verdicts are ``status.records``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_nextrust.status.records import VERDICTS

__all__ = ["CONCLUSIONS", "JOB_STATUSES", "STATES", "conclusion", "worst"]

CONCLUSIONS = ("failure", "timed_out", "action_required", "cancelled", "neutral", "success", "skipped")
"""From the worst: of several the first counts. ``skipped`` is last: one item that passed says more than one skipped."""

JOB_STATUSES = ("success", "failure", "cancelled", "skipped", "timed_out", "action_required", "neutral")
"""What a job, or what it needs, came to."""

NOTHING = "nothing"
"""The state of a cell or phase of which nothing is recorded."""

PENDING = "pending"
"""The state of an item that was announced and has not reported."""

STATES = (*VERDICTS, PENDING, NOTHING)

_TABLE = """
                 success         failure         cancelled skipped         timed_out action_required neutral
passed           success         failure         cancelled skipped         timed_out action_required success
expected-failure neutral         failure         cancelled skipped         timed_out action_required neutral
skipped          skipped         failure         cancelled skipped         timed_out action_required skipped
failed           failure         failure         failure   failure         failure   failure         failure
crashed          failure         failure         failure   failure         failure   failure         failure
unexpected-pass  failure         failure         failure   failure         failure   failure         failure
budget           timed_out       timed_out       timed_out timed_out       timed_out timed_out       timed_out
infra-error      action_required action_required cancelled action_required timed_out action_required action_required
pending          failure         failure         cancelled failure         timed_out action_required failure
nothing          failure         failure         cancelled skipped         timed_out action_required failure
"""
"""A row for each state, a column for each status of the job.

A finding stays one whatever became of its job. ``budget`` is no verdict for want of time; ``infra-error`` is a fault of
the surroundings, which somebody has to mend, or the mark of a job that was ended. What was announced and has not
reported is lost where the job went to its end. ``expected-failure`` is counted apart, never as passed.
"""


def _read() -> Mapping[tuple[str, str], str]:
    statuses, *rows = (line.split() for line in _TABLE.strip().splitlines())
    return {(state, status): each for state, *row in rows for status, each in zip(statuses, row, strict=True)}


_BY = _read()


def conclusion(states: Iterable[str], job: str = "success") -> str:
    """What items in these ``states`` come to in a job of this status; no items at all are ``nothing``."""
    return worst(_BY[state, job] for state in (*states,) or (NOTHING,))


def worst(conclusions: Iterable[str]) -> str:
    """The worst of several."""
    return min(conclusions, key=CONCLUSIONS.index)
