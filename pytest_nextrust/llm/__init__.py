"""Asking models outside: escalation of an error to a design model, review of a finished phase.

A request is written to disk before anything is sent, and leaves the disk only when its answer is on record: queue,
answer file, decision, status log, in this order. See docs/escalation.md and docs/review.md.

Boundary: importing this package loads nothing; a handler that asks nobody pays for nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.llm.asking import Asked

__all__ = ["request_design"]


def request_design(
    context: Context, error: str, *, command: str = "", issues: Sequence[str] = (), force: bool = False
) -> Asked:
    """Escalate an error unless it is a known issue (``issues``: ids that match it) or has been asked about already.

    Returns at once: what is new is queued, and sent later. ``command`` is what failed. ``force`` asks all the same.
    Raises StatusError and OSError where the request cannot be made durable.
    """
    from pytest_nextrust.llm.asking import ask_design

    return ask_design(context, error, command=command, issues=issues, force=force)
