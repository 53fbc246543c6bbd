"""Puts each prompt on record: session, phase, commit, hash and length; see ``usage.audit``.

It answers nothing: what a hook of this event says can become part of the prompt.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event

__all__ = ["nextrust_user_prompt_submit"]


def nextrust_user_prompt_submit(event: Event, context: Context) -> None:
    """One entry of the status log. Raises StatusError, which is recorded and keeps no prompt back."""
    if event.notification:
        return  # nobody wrote it
    from pytest_nextrust.usage.audit import TYPE, details

    context.record(TYPE, details(event, context))
