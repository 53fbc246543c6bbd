"""``nextrust hook EVENT``: a coding assistant's event on stdin, the answer as its hooks are to give it.

Exit status: 0 (with or without a JSON decision), 2 where blocking by status is the rule, 1 for a call that names no
event. No other: to the assistant anything else is a hook that failed, and the tool call goes ahead. So a fault of this
program refuses a PreToolUse too, by status 2, whatever the fault is.
"""

from __future__ import annotations

import os
import sys
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["HELP", "add_arguments", "answer", "run"]

HELP = "answer a coding assistant's hook event on stdin"

PRE = "PreToolUse"
UNKNOWN, BLOCKED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The event's name."""
    parser.add_argument(
        "event",
        metavar="EVENT",
        nargs="?",
        help="PreToolUse, PostToolUse, PostToolUseFailure, Stop or UserPromptSubmit, in any spelling; pre and post "
        "will do; left out, the event itself says",
    )
    parser.epilog = "exit status: 0 answered (see stdout), 2 blocked, 1 no such event"


def run(args: argparse.Namespace) -> int:
    """Answer one event."""
    return answer([args.event] if args.event is not None else [])


def answer(arguments: Sequence[str]) -> int:
    """Answer one event; the exit status. Does not return where it meets a fault of its own."""
    given = arguments[0] if arguments else ""
    # Set first: from here on nothing that is wrong in this program may open the gate.
    sys.excepthook = partial(_excepthook, PRE in given or given.lower().startswith("pre"))
    return _answer(arguments)


def _answer(arguments: Sequence[str]) -> int:
    from pytest_nextrust.hookapi.events import event_name
    from pytest_nextrust.hooks.dispatcher import dispatch

    data = b"" if sys.stdin is None or sys.stdin.closed else sys.stdin.buffer.read()
    called = _named_in(data) if len(arguments) == 0 or event_name(arguments[0]) is None else ""
    name = event_name(arguments[0]) if len(arguments) == 1 else event_name(called) if not arguments else None
    if name is None:
        if called and event_name(called) is None and arguments in ([], [called]):
            return _let_pass(called)
        return _unknown(arguments, data)
    reply = dispatch(name, data, os.environ)
    written = _write(2, reply.stderr)
    if not _write(1, reply.stdout) and '"deny"' in reply.stdout:
        # The decision cannot be written; the status remains, and the reason if stderr took it.
        return BLOCKED if name == PRE and written is not None else reply.status
    return reply.status


def _named_in(data: bytes) -> str:
    """The event by the name in it, as an assistant spells names; empty where it has none."""
    import json

    try:
        name = json.loads(data)["hook_event_name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return name if isinstance(name, str) and name.isalnum() and name[:1].isupper() else ""


def _let_pass(called: str) -> int:
    """An event that is not known here, and no mistake: the settings and the event give it the same name."""
    from pytest_nextrust.hooks.outcome import let_pass

    reply = let_pass(called, os.environ)
    _write(2, reply.stderr)
    return reply.status


def _unknown(arguments: Sequence[str], data: bytes) -> int:
    """No event of ours: a fault in the settings. A PreToolUse, by its own word, is refused; nothing else is."""
    given = " ".join(arguments)[:200]
    _write(2, f"nextrust hook: {given or '(nothing)'}: no such event; see nextrust hook --help\n")
    return BLOCKED if b'"PreToolUse"' in data[:100_000] else UNKNOWN


def _write(descriptor: int, text: str) -> bool:
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return False
    return True


def _excepthook(closed: bool, kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """What nobody foresaw: no traceback; a PreToolUse is refused, anything else passes."""
    what = str(error).partition("\n")[0][:300]
    _write(2, f"nextrust hook: fault of its own: {kind.__name__}: {what}\n")
    os._exit(BLOCKED if closed else UNKNOWN)
