"""The seam to the guards: what keeps a repeated event from being handled twice, and what refuses before any handler.

The guards (``control.guards``) are loaded when an event needs them, and only then. Without them every event is handled
each time it comes.

Boundary: the one place where the dispatcher knows the guards' names.
"""

from __future__ import annotations

import importlib

from pytest_nextrust.control.decisions import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from pytest_nextrust.control.context import Context
    from pytest_nextrust.control.events import Event

__all__ = ["finish", "key_of", "recall"]

_GUARDS = "pytest_nextrust.control.guards"


def key_of(event: Event, context: Context) -> str:
    """What makes an event the same one: session, commit, CI run and attempt, and the assistant's id of the event.

    Empty where the assistant gave no id: doing the same again is then not told from hearing of it twice, and a guard
    that took one for the other would let a second failure pass uncounted.
    """
    if not event.identity:
        return ""
    environ = context.environ
    run, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "")
    return ":".join((event.session_id, context.commit(), run, attempt, event.name, event.identity))


def recall(event: Event, context: Context) -> list[Answer] | None:
    """Take the event up: the answers it was given before, or None where it is to be handled now."""
    guard, key = _load("idempotency"), key_of(event, context)
    if guard is None or not key or context.dry_run:
        return None
    stored: Any = guard.begin(context.root, key)
    return None if stored is None else [Answer.read(one) for one in stored]


def finish(event: Event, context: Context, answers: Iterable[Answer]) -> None:
    """The event was handled, and these were its answers: what is said should it come again."""
    guard, key = _load("idempotency"), key_of(event, context)
    if guard is None or not key or context.dry_run:
        return
    guard.finish(context.root, key, [{"kind": a.kind, "text": a.text, "handler": a.handler} for a in answers])


def _load(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{_GUARDS}.{name}")
    except ModuleNotFoundError as error:
        if error.name is not None and _GUARDS.startswith(error.name):
            return None
        raise
