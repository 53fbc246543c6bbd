"""Stop: what is queued for outside models is sent, as ``[hooks.external] send`` says.

With ``background`` (the default) a process is started that outlives the hook, since a model may think for longer than
a Stop event may take; with ``wait`` it happens here, within the time that is left. This never blocks the end of a
turn. A turn that a hook made go on (``stop_hook_active``) has had its sender.
"""

from __future__ import annotations

import os

from pytest_nextrust.hookapi import decisions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event

__all__ = ["nextrust_stop"]

_MARGIN = 5.0
"""Seconds kept for recording the outcome."""


def nextrust_stop(event: Event, context: Context) -> list[Answer]:
    """Send, or have it sent; a note for the user says what was recorded."""
    queue = f"{context.folder}/.nextrust/external/queue"
    if event.stop_hook_active or not os.path.isdir(queue) or not os.listdir(queue):  # noqa: PTH112, PTH208
        return []
    if context.settings.external.send != "wait":
        from pytest_nextrust.llm.asking import start_sender

        start_sender(context)
        return []
    from pytest_nextrust.llm.sending import send

    limit = max(0.0, context.remaining() - _MARGIN)
    return [decisions.note(f"{one.ticket}: {one.state}: {one.message}") for one in send(context, limit=limit)]
