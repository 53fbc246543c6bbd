"""What a hook answers to a failed command: what is known of it, what mends it, or who has been asked.

Boundary: the text, and the calls that follow a decision; ``failure`` decides.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.errors import NextrustError
from pytest_nextrust.failures.issues.failure import ExaminedFailure, escalate, examine
from pytest_nextrust.failures.issues.match import Match
from pytest_nextrust.hookapi import decisions

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event

__all__ = ["answers"]

_LEAST = 20.0
"""Seconds that must be left of an event's time for a fix to be begun in it."""


def answers(event: Event, context: Context) -> list[Answer]:
    """Examine a failure and do what was decided; the answers to model and user. Raises StatusError, OSError."""
    given = _recovered(context)
    failure = examine(event, context)
    parts = []
    if failure.summary:
        where = f"\nall of it, without secrets: {failure.log}" if failure.log else ""
        parts.append(f"{failure.summary}{where}")
    parts += [_about(one) for one in failure.matched.matches[:3]]
    if failure.decision == "auto-fix":
        parts.append(_fix(event, context, failure))
    elif failure.decision == "escalate":
        parts.append(
            f"This command has failed {failure.runs} times in a row, and no known issue explains it. "
            + escalate(failure, context)
        )
    if parts:
        given.append(decisions.context("\n".join(parts)))
    return [*given, *map(decisions.note, failure.notes)]


def _recovered(context: Context) -> list[Answer]:
    """Undo what an interrupted fix left, before the files are described."""
    # landing.pending's own look, without what that module loads.
    if context.dry_run or not os.path.exists(f"{context.folder}/.nextrust/autofix/landing"):  # noqa: PTH110
        return []
    from pytest_nextrust.failures.fixes.run import recover_quietly

    found = recover_quietly(context.root)
    return [] if found is None else [decisions.context(str(found)), decisions.note(str(found))]


def _about(one: Match) -> str:
    sure = "Known issue" if one.sure else "Possibly known issue"
    advice = f" What helps: {one.issue.advice}" if one.issue.advice else ""
    return f"{sure} {one.explain()}\n  {one.issue.title}.{advice}"


def _fix(event: Event, context: Context, failure: ExaminedFailure) -> str:
    from pytest_nextrust.failures.fixes.run import fix, preview

    best = failure.best
    assert best is not None, "the decision to mend rests on a match"
    command = shlex.quote(context.redactor.text(event.command))
    first, then = (f"nextrust issues fix {best.issue.id}{dry} -- {command}" for dry in (" --dry-run", ""))
    try:
        planned = preview(best.issue, failure.table, context.root, event.command)
    except NextrustError as error:
        return f"Its fix cannot be used: {error}"
    if planned.apply is None:
        return "What the fix looked at: " + "; ".join([*planned.steps, *planned.findings])
    if context.settings.issues.auto_fix != "apply" or context.dry_run or context.remaining() < _LEAST:
        return f"It can be mended: {'; '.join(planned.steps)}. See first: {first}; then: {then}"
    outcome = fix(
        best.issue,
        failure.table,
        context.root,
        event.command,
        record=context.record,
        redactor=context.redactor,
        environ=context.environ,
        folder=_folder(event, context),
        seconds=context.remaining() - _LEAST / 2,
    )
    return f"Auto-fix: {outcome.state}: {outcome.message}" + (f" (log: {outcome.log})" if outcome.log else "")


def _folder(event: Event, context: Context) -> str:
    """Where the command was run, relative to the project; the project itself where that is outside or not given."""
    given = context.inside(str(Path(event.cwd).resolve())) if event.cwd and "\0" not in event.cwd else None
    return str(given) if given is not None else "."
