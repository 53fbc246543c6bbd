"""The router of an assistant's hook events, from bytes on stdin to what is printed: under 60 lines, ``once`` recalls
repeats, ``handler_index`` finds handlers, ``supervisor`` limits them, ``outcome`` joins and records their answers."""

from __future__ import annotations

import time
from functools import partial

from pytest_nextrust.hookapi.context import Context, flag, project_root
from pytest_nextrust.hookapi.events import LIMITS, Event, read_event
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.hooks import handler_index, outcome
from pytest_nextrust.hooks.once import once
from pytest_nextrust.hooks.supervisor import call_handler, supervise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_nextrust.hookapi.decisions import Answer, Reply
    from pytest_nextrust.hooks.supervisor import Finished, Report

__all__ = ["dispatch", "handle"]


def dispatch(name: str, data: bytes, environ: Mapping[str, str]) -> Reply:
    """Answer the event ``name`` (one of EVENTS) that came as ``data``. Raises nothing for what is in it."""
    if flag(environ, "SKIP_HOOKS"):
        return outcome.skipped(name, data, environ)
    run = supervise(partial(handle, name, data, environ), limit=LIMITS[name], meanwhile=outcome.prepare)
    return outcome.reply_to(name, data, environ, run)


def handle(name: str, data: bytes, environ: Mapping[str, str], report: Report, finished: Finished) -> None:
    """Handle one event in the child, without the handlers that are ``finished``; every outcome is reported."""
    began = time.monotonic()
    event = read_event(data, name)
    root = project_root(environ, event.cwd if isinstance(event, Event) else "")
    report("fact", {"root": root})
    snapshot = load_snapshot(root, keep=not flag(environ, "DRY_RUN"))
    report("fact", outcome.facts_of(snapshot))
    report("limit", limit := snapshot.settings.limits.get(name, LIMITS[name]))
    if not isinstance(event, Event):
        raise event
    _answer(event, Context(root, snapshot, environ, deadline=began + limit), report, finished)


def _answer(event: Event, context: Context, report: Report, finished: Finished) -> None:
    report("fact", outcome.facts_of_event(event))

    def handled() -> list[Answer]:
        given = [answer for answers in finished.values() for answer in answers]
        for handler, call in handler_index.handlers(event, context):
            if handler not in finished:
                given += call_handler(handler, report, partial(call, event, context))
        return given

    once(event, context, report, handled)
