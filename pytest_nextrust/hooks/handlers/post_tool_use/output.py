"""A command passed: its failures in a row are over, and a long output is kept on disk and summarised."""

from __future__ import annotations

from pytest_nextrust.hookapi import decisions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event


def nextrust_post_tool_use(event: Event, context: Context) -> Answer | None:
    """Most calls printed little and never failed: for them nothing is loaded but this."""
    import os

    if not event.command:
        return None
    if not context.dry_run and os.path.exists(f"{context.folder}/.nextrust/state.sqlite"):  # noqa: PTH110
        from pytest_nextrust.failures.issues.counting import count

        count(event, context, 0)
    response = event.tool_response
    size = sum(len(text) for text in response.values() if isinstance(text, str)) if isinstance(response, dict) else 0
    if size <= context.settings.issues.large:
        return None
    from pytest_nextrust.failures.issues import output

    text = context.redactor.text(output.printed(response))
    where = "nowhere: a dry run keeps nothing"
    if not context.dry_run:
        where = output.keep_log(context.root, text, event.identity, keep=context.settings.issues.keep)
    return decisions.context(f"{output.summarise(text).text()}\nall of it, without secrets: {where}")
