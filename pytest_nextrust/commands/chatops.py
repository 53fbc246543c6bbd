"""``nextrust chatops``: tell chats and services what happened; answer what is asked in a chat.

Exit status: 0 done, also where a webhook failed (it is noted); 2 the configuration, the log or a request's file cannot
be used; of ``run``, 1 where a command failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.commands.escalate import context_here

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context

__all__ = ["HELP", "add_arguments", "run"]

HELP = "tell chats what happened, answer what they ask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``notify``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    notify = actions.add_parser("notify", help="send what the status log has that was not sent yet")
    notify.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    _add_state_option(notify)
    add_json_option(notify)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises UsageFault, ConfigError, StatusError, GithubError: exit status 2."""
    actions = {"notify": _notify}
    return actions[args.action](args)


def _add_state_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        choices=("branch", "local"),
        help="remember what was handled for all runners, in the branch nextrust-status, or on this machine alone "
        "(default: branch in GitHub Actions, else local)",
    )


def _branch(args: argparse.Namespace, context: Context) -> Any:
    """The branch that remembers, or None for this machine alone."""
    from pytest_nextrust.status.branch import StatusBranch

    shared = args.state == "branch" or (args.state is None and os.environ.get("GITHUB_ACTIONS") == "true")
    return StatusBranch(context.root) if shared else None


def _notify(args: argparse.Namespace) -> int:
    from pytest_nextrust.chatops.notify import Notifier
    from pytest_nextrust.chatops.settings import load_chatops
    from pytest_nextrust.guards.backoff import BackoffSettings
    from pytest_nextrust.project.documents import load_project

    context = context_here()
    settings = load_chatops(context.root)
    project = load_project(context.root)
    limit = BackoffSettings.read(project.backoff, place=str(project.source or "")).limit
    branch = None if args.dry_run else _branch(args, context)
    notifier = Notifier(settings, context.status_dir, os.environ, branch, limit)
    messages = notifier.preview() if args.dry_run else notifier.run()
    if args.json != "-":
        for message in messages:
            print(f"{message.state} {message.webhook}: {', '.join(message.events)}")
            if args.dry_run:
                print(f"  {message.body.decode()}")
        if not messages:
            print("nothing to tell" if settings.webhooks else "no [[chatops.webhook]] is set up")
    for note in notifier.notes:
        print(f"nextrust chatops: {note}", file=sys.stderr)
    plain = [
        {"webhook": each.webhook, "state": each.state, "events": list(each.events), "reason": each.reason}
        for each in messages
    ]
    write_answer(args, envelope("chatops", ok=True, exit=0, action="notify", messages=plain, notes=notifier.notes))
    return 0
