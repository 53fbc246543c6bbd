"""``nextrust slash``: the slash commands of a comment on a pull request, as GitHub delivers it to a workflow.

The event is the file that GITHUB_EVENT_PATH names; nothing of a comment is on the command line. Exit status: 0 carried
out, refused, or nothing to do; 1 a command failed; 2 the event, the log or GitHub cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.commands.escalate import context_here
from pytest_nextrust.commands.shared_state import add_state_option, github_here, open_ledger

__all__ = ["HELP", "add_arguments", "run"]

HELP = "carry out the slash commands of a pull request's comment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--list``, ``--state`` and ``--json``."""
    parser.add_argument("--list", action="store_true", help="print the table of commands instead")
    add_state_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Handle one event. Raises UsageFault, ConfigError, StatusError, GithubError: exit status 2."""
    from pytest_nextrust.slash.actions import table
    from pytest_nextrust.slash.added import added_commands
    from pytest_nextrust.slash.table import commands_of

    context = context_here()
    commands = commands_of(added_commands(context.root))
    if args.list:
        rows = [{"command": each.usage, "acting": each.acting, "summary": each.summary} for each in commands.values()]
        if args.json != "-":
            print("\n".join(table(commands.values())))
        write_answer(args, envelope("slash", ok=True, exit=0, list=rows))
        return 0

    from pytest_nextrust.slash.event import read_comment, read_event
    from pytest_nextrust.slash.service import SlashService

    environ = os.environ
    comment = read_comment(
        environ.get("GITHUB_EVENT_NAME", ""),
        read_event(environ.get("GITHUB_EVENT_PATH", "")),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        now=datetime.now(UTC),
    )
    ledger = open_ledger(args, context)
    github = github_here()
    outcome = SlashService(context, ledger, commands, github).handle(comment)
    status = 1 if outcome.state == "failed" else 0
    if args.json != "-":
        why = f": {outcome.reason}" if outcome.reason else ""
        print(f"{outcome.state}{why}" + (f" ({', '.join(outcome.commands)})" if outcome.commands else ""))
        if outcome.answer and not outcome.answered:
            print(outcome.answer)
    if comment is not None and github is None:
        print("nextrust slash: GITHUB_TOKEN is not set: nobody is answered, and nothing acts", file=sys.stderr)
    write_answer(
        args,
        envelope(
            "slash",
            ok=status == 0,
            exit=status,
            state=outcome.state,
            reason=outcome.reason,
            commands=list(outcome.commands),
            answer=outcome.answer,
            answered=outcome.answered,
        ),
    )
    return status
