"""``nextrust escalate``: errors put to a design model: ask, list what is queued, send it, take it up again.

Exit status: 0 done, 1 something stays queued or was put aside, 2 usage or unreadable input.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.llm.queue import QueuedRequest

__all__ = ["HELP", "add_arguments", "add_queue_actions", "context_here", "run", "run_queue_action"]

HELP = "put an error to a design model; list and send what is queued"

LIMIT = 600.0
"""Seconds for sending, where --limit does not say otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``request``, ``list``, ``send``, ``retry`` and ``drop``, each with ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    ask = actions.add_parser("request", help="queue a request about an error, unless one is on record")
    ask.add_argument("error", metavar="FILE|-", help="a file with the error's output; - reads it from stdin")
    ask.add_argument("--command", dest="failed", default="", metavar="LINE", help="the command that failed")
    ask.add_argument("--issue", action="append", default=[], metavar="ID", help="a known issue that explains it")
    ask.add_argument("--force", action="store_true", help="ask although it is known or was asked before")
    add_json_option(ask)
    add_queue_actions(actions)


def add_queue_actions(actions: Any) -> None:
    """What both kinds of requests have in common."""
    listed = actions.add_parser("list", help="what is queued, what was put aside, what was spent today")
    send = actions.add_parser("send", help="send what is queued and due")
    send.add_argument("ticket", nargs="?", default="", metavar="TICKET", help="only this one")
    send.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help=f"for all together ({LIMIT:.0f})")
    send.add_argument("--force", action="store_true", help="also what is to wait")
    retry = actions.add_parser("retry", help="queue a request again that was put aside")
    drop = actions.add_parser("drop", help="take a request out of the queue, unanswered; the status log says so")
    for action in (retry, drop):
        action.add_argument("ticket", metavar="TICKET", help="as design-001")
    for action in (listed, send, retry, drop):
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises ConfigError, UsageFault, StatusError: exit status 2."""
    if args.action != "request":
        # The queue is one: what a hook queued of either kind is sent from here.
        return run_queue_action(args, "escalate", "")
    from pytest_nextrust.llm import request_design

    context = context_here()
    asked = request_design(context, _read(args.error), command=args.failed, issues=args.issue, force=args.force)
    if args.json != "-":
        print(asked.message)
    fields = {"state": asked.state, "ticket": asked.ticket, "fingerprint": asked.fingerprint, "file": asked.file}
    write_answer(args, envelope("escalate", ok=True, exit=0, action="request", request=fields))
    return 0


def context_here() -> Context:
    """The project that the working folder is in."""
    from pytest_nextrust.hookapi.context import Context, flag, project_root
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    root = project_root(os.environ, str(Path.cwd()))
    return Context(root, load_snapshot(root, keep=not flag(os.environ, "DRY_RUN")), os.environ, deadline=float("inf"))


def run_queue_action(args: argparse.Namespace, command: str, kind: str) -> int:
    """``list``, ``send``, ``retry`` or ``drop`` for the requests of a kind; of both where ``kind`` is empty."""
    context = context_here()
    actions = {"list": _list, "send": _send, "retry": _retry, "drop": _drop}
    status, fields = actions[args.action](args, context, kind)
    write_answer(args, envelope(command, ok=status == 0, exit=status, action=args.action, **fields))
    return status


def _list(args: argparse.Namespace, context: Context, kind: str) -> tuple[int, dict[str, Any]]:
    from dataclasses import asdict

    from pytest_nextrust.llm.asking import offline, paths_of
    from pytest_nextrust.llm.budget import CallBudget
    from pytest_nextrust.llm.queue import Queue

    paths, rules = paths_of(context), context.settings.external
    queue = Queue(paths)
    queued, failed = queue.listing(), queue.listing(failed=True)
    spent = CallBudget(paths, rules).today()
    entries = [(state, e) for state, listing in (("queued", queued), ("failed", failed)) for e in listing.entries]
    chosen = [(state, entry) for state, entry in entries if kind in ("", entry.kind)]
    if args.json != "-":
        for state, entry in chosen:
            print(f"{entry.ticket} {state}: {entry.subject}" + (f" ({entry.last_error})" if entry.last_error else ""))
        limits = f"${spent.usd:.2f} of ${rules.usd_per_day:.2f}, {spent.calls} of {rules.calls_per_day} calls"
        print(f"{len(chosen)} requests; today (UTC) {limits}" + (f"; {why}" if (why := offline(context)) else ""))
    for fault in (*queued.faults, *failed.faults):
        print(f"nextrust: no request: {fault}", file=sys.stderr)
    requests = [_plain(state, entry) for state, entry in chosen]
    return 0, {"requests": requests, "spent": asdict(spent), "offline": offline(context)}


def _plain(state: str, entry: QueuedRequest) -> dict[str, Any]:
    names = ("ticket", "kind", "id", "subject", "phase", "commit", "created", "attempts", "not_before", "last_error")
    return {"state": state, **{name: getattr(entry, name) for name in names}}


def _send(args: argparse.Namespace, context: Context, kind: str) -> tuple[int, dict[str, Any]]:
    from pytest_nextrust.llm.asking import offline, paths_of
    from pytest_nextrust.llm.queue import Queue
    from pytest_nextrust.llm.sending import send

    if not args.limit > 0:
        raise UsageFault("--limit", "not above 0", place=str(args.limit), remedy="give seconds")
    if args.ticket:
        _named(Queue(paths_of(context)), args.ticket, failed=False)
    sent = []
    for one in send(context, limit=args.limit, only=args.ticket or kind, force=args.force or bool(args.ticket)):
        sent.append({"ticket": one.ticket, "state": one.state, "message": one.message})
        if args.json != "-":
            print(f"{one.ticket} {one.state}: {one.message}", flush=True)
    why = offline(context)
    if args.json != "-" and (why or not sent):
        idle = "nothing was due (--force: what waits too), or another process is sending"
        print(f"nothing was sent: {why}" if why else idle)
    status = 1 if any(one["state"] != "recorded" for one in sent) else 0
    return status, {"sent": sent, "offline": why}


def _retry(args: argparse.Namespace, context: Context, kind: str) -> tuple[int, dict[str, Any]]:  # noqa: ARG001
    from pytest_nextrust.llm.asking import paths_of
    from pytest_nextrust.llm.queue import Queue

    queue = Queue(paths_of(context))
    entry = _named(queue, args.ticket, failed=True)
    if not context.dry_run:
        queue.bring_back(entry)
    if args.json != "-":
        print(f"{entry.ticket} {'would be' if context.dry_run else 'is'} queued again")
    return 0, {"requests": [_plain("queued", entry)]}


def _drop(args: argparse.Namespace, context: Context, kind: str) -> tuple[int, dict[str, Any]]:  # noqa: ARG001
    from pytest_nextrust.llm.asking import paths_of
    from pytest_nextrust.llm.queue import DROPPED, Queue

    queue = Queue(paths_of(context))
    entry = _named(queue, args.ticket, failed=None)
    if not context.dry_run:
        details = {"message": f"{entry.ticket} dropped: {entry.subject}", "ticket": entry.ticket, "request": entry.id}
        context.record(DROPPED, details)
        queue.drop(entry)
    if args.json != "-":
        print(f"{entry.ticket} {'would be' if context.dry_run else 'is'} dropped")
    return 0, {"requests": [_plain("dropped", entry)]}


def _named(queue: Any, ticket: str, *, failed: bool | None) -> QueuedRequest:
    """The request with this ticket, queued or put aside (``failed`` None: either). Raises UsageFault."""
    where = (False, True) if failed is None else (failed,)
    found: list[QueuedRequest] = [entry for each in where for entry in queue.listing(failed=each).entries]
    for entry in found:
        if entry.ticket == ticket:
            return entry
    known = ", ".join(entry.ticket for entry in found) or "there is none"
    state = "put aside" if failed else "queued"
    raise UsageFault("TICKET", f"no request {ticket!r} is {state}", remedy=f"one of: {known}")


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise UsageFault(
            "FILE", f"cannot be read: {getattr(error, 'strerror', None) or error}", place=name, remedy="give a file"
        ) from error
    text = data.decode("utf-8", "replace")
    if not text.strip():
        raise UsageFault("FILE", "empty", place=name, remedy="give the output of what failed")
    return text
