"""A command failed: record it, compare it with the known issues, and give the model what is known or being asked."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event


def nextrust_post_tool_use_failure(event: Event, context: Context) -> list[Answer]:
    """Never blocks: what failed has failed."""
    if event.is_interrupt or not event.command:
        return []  # somebody stopped it: that says nothing of the command
    from pytest_nextrust.failures.issues.answering import answers

    if event.notification:
        from pytest_nextrust.failures.issues.background import with_command

        event = with_command(event)
    return answers(event, context)
