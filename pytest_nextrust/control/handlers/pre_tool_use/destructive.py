"""Refuses a shell command that would destroy what cannot be brought back.

The command is parsed (``control.shell``), so that what runs is judged and not what is written: ``echo "rm -rf /"``
passes, ``sh -c "$X"`` does not where X was set to it. A command that cannot be read is left to the user.
"""

from __future__ import annotations

from pytest_nextrust.control.context import Context
from pytest_nextrust.control.decisions import Answer, ask, deny
from pytest_nextrust.control.events import Event
from pytest_nextrust.errors import UsageFault

__all__ = ["MATCHER", "nextrust_pre_tool_use"]

MATCHER = "Bash"


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """One answer for each danger in the command."""
    from pytest_nextrust.control.shell.danger import Places, dangers

    places = Places(str(context.root), context.environ.get("HOME", ""))
    try:
        found = dangers(event.command, cwd=event.cwd or str(context.root), environ=context.environ, places=places)
    except UsageFault as fault:
        return [ask(f"The command could not be checked for what it would destroy: {fault.fault}.")]
    answers = {"deny": deny, "ask": ask}
    return [answers[danger.kind](f"Destructive command: {danger.reason}.") for danger in found]
