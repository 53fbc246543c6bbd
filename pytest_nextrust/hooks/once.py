"""An event that is delivered twice is handled once: the dispatcher's interface to the guards.

The guards (``guards``, docs/guards.md) are loaded when an event needs them, and only then. Without them, or
with a database that cannot be used, every event is handled each time it comes: what breaks a guard must not stop work.

A PreToolUse that only this package's own handlers see is decided first and claimed only where there is an answer: they
change nothing, so that a call without objections needs no database. Every other event is claimed before its handlers
run.

Boundary: the one place where the dispatcher knows the guards' names.
"""

from __future__ import annotations

import importlib

from pytest_nextrust.hookapi.decisions import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from pytest_nextrust.base.state_database import Database
    from pytest_nextrust.errors import NextrustError
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hooks.supervisor import Report

__all__ = ["once", "run_of"]

_GUARDS = "pytest_nextrust.guards"


def run_of(event: Event, context: Context) -> dict[str, str]:
    """What an event belongs to: session, commit, CI run and attempt. Another of any of these is another event."""
    environ = context.environ
    return {
        "session": event.session_id,
        "commit": context.commit(),
        "run_id": environ.get("GITHUB_RUN_ID", ""),
        "attempt": environ.get("GITHUB_RUN_ATTEMPT", ""),
    }


def once(event: Event, context: Context, report: Report, handle: Callable[[], list[Answer]]) -> None:
    """Handle the event, or give the answers that it was given before; then the fact ``repeated`` is reported.

    An event without an id is handled each time: a second delivery then looks like doing the same again, and a guard
    that took one for the other would leave a second failure uncounted.
    """
    pure = event.name == "PreToolUse" and not context.snapshot.plugins.get("PreToolUse")
    given = handle() if pure else None
    guards = _load("idempotency") if event.identity and not context.dry_run and given != [] else None
    if guards is None:
        if given is None:
            handle()
        return
    _Claimed(guards, event, context, report).handle(handle if given is None else lambda: given)


class _Claimed:
    """One event under its claim."""

    def __init__(self, guards: ModuleType, event: Event, context: Context, report: Report) -> None:
        self.guards = guards
        self.event = event
        self.context = context
        self.report = report
        self.handled = False

    def handle(self, handle: Callable[[], list[Answer]]) -> None:
        store = importlib.import_module("pytest_nextrust.base.state_database")
        try:
            with store.Database(store.state_path(self.context.root)) as database, self._claim(database) as claim:
                if claim.first:
                    self.handled = True
                    plain = [{"kind": a.kind, "text": a.text, "handler": a.handler} for a in handle()]
                    # What is stored is written: it goes through the redactor as everything does.
                    plain = self.context.redactor.plain(plain)
                    claim.decide(plain)
                    claim.finish(plain)
                    return
                stored = claim.answer
        except _guard_error() as error:
            self.report("fact", {"guard": str(error)})
            if not self.handled:
                handle()
            return
        self.report("fact", {"repeated": True})
        self.report("start", "repeated")
        for plain in stored if isinstance(stored, list) else []:
            self.report("answer", plain)
        self.report("end", "repeated")

    def _claim(self, database: Database) -> Any:
        key = self.guards.event_key(self.event.name, {"id": self.event.delivery}, **run_of(self.event, self.context))
        return self.guards.Claims(database).claim(key)


def _guard_error() -> type[NextrustError]:
    """What the guards raise; every one of theirs is one of these."""
    from pytest_nextrust import errors

    found: type[NextrustError] = getattr(errors, "GuardError", errors.NextrustError)
    return found


def _load(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{_GUARDS}.{name}")
    except ModuleNotFoundError as error:
        if error.name is not None and _GUARDS.startswith(error.name):
            return None
        raise
