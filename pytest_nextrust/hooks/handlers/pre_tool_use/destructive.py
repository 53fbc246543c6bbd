"""Refuses a shell command that would destroy what cannot be brought back.

The command is parsed (``shell``), so that what runs is judged and not what is written: ``echo "rm -rf /"``
passes, ``sh -c "$X"`` does not where X was set to it. A command that cannot be read is left to the user.
"""

from __future__ import annotations

from pytest_nextrust.hookapi.decisions import ask, deny
from pytest_nextrust.shell.plain import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event

__all__ = ["nextrust_pre_tool_use"]


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """One answer for each danger in the command."""
    if not event.command:
        return []
    from pytest_nextrust.hooks.command_steps import steps_of
    from pytest_nextrust.shell.danger import Places, dangers

    places = Places(context.folder, context.environ.get("HOME", ""))
    try:
        found = dangers(steps_of(event, context), places)
    except unreadable() as fault:
        return [ask(f"The command could not be checked for what it would destroy: {fault.fault}.")]
    answers = {"deny": deny, "ask": ask}
    return [answers[danger.kind](f"Destructive command: {danger.reason}.") for danger in found]
