"""The steps of the command that a tool call carries: one reader for every handler that judges commands.

Boundary: reads; the handlers judge. The steps of an event are kept, since several handlers look at the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["steps_of"]

_kept: list[tuple[Event, list[CommandStep]]] = []


def steps_of(event: Event, context: Context) -> list[CommandStep]:
    """What the event's command would run. Raises UsageFault for a command that cannot be read."""
    if _kept and _kept[0][0] is event:
        return _kept[0][1]
    folder = event.cwd or context.folder
    if event.language == "powershell":
        from pytest_nextrust.shell.powershell import walk_powershell

        steps = list(walk_powershell(event.command, cwd=folder, environ=context.environ))
    else:
        from pytest_nextrust.shell.walk import walk

        steps = list(walk(event.command, cwd=folder, environ=context.environ))
    _kept[:] = [(event, steps)]
    return steps
