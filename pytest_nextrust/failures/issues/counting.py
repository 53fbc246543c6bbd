"""Counting the runs of a command where they matter: each failure, and the pass that ends a row of them.

Boundary: loads nothing but the guards, since every command that passes is looked at here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event

__all__ = ["count"]


def count(event: Event, context: Context, status: int) -> tuple[int, list[str]]:
    """Count a run of the event's command; its failures in a row now, and messages. Not in a dry run."""
    if context.dry_run:
        return 1 if status else 0, []
    from pytest_nextrust.base.state_database import Database, state_path
    from pytest_nextrust.errors import GuardError
    from pytest_nextrust.guards.failures import Failures

    path, command = state_path(context.root), context.redactor.text(event.command)
    session = context.redactor.text(event.session_id)
    try:
        with Database(path) as database:
            failures = Failures(database)
            if status == 0 and not (path.exists() and failures.count(command).consecutive):
                return 0, []  # a command that never failed is not worth a write
            # Handled again after a kill, the event must not count twice: two failures in a row cost a call outside.
            once = f"{event.session_id}:{event.name}:{event.delivery}" if event.identity else ""
            now = failures.record(command, status, commit=context.commit(), session=session, event=once)
    except GuardError as error:
        return 1, [f"the failure is not counted: {error}"]
    return now.consecutive, []
