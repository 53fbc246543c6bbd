"""``nextrust review``: reviews of a phase by a review model: ask, list what is queued, send it.

Exit status: 0 done, 1 something stays queued or was put aside, 2 usage or unreadable input.
"""

from __future__ import annotations

import argparse

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.commands.escalate import add_queue_actions, context_here, run_queue_action
from pytest_nextrust.errors import UsageFault

__all__ = ["HELP", "add_arguments", "run"]

HELP = "have a phase reviewed by a model; list and send what is queued"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``request``, ``list``, ``send``, ``retry`` and ``drop``, each with ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    ask = actions.add_parser("request", help="queue the reviews that are due, or one of a phase")
    ask.add_argument("phase", nargs="?", default="", metavar="PHASE", help="this phase, done or not, once for a commit")
    add_json_option(ask)
    add_queue_actions(actions)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises ConfigError, UsageFault, StatusError: exit status 2."""
    if args.action != "request":
        return run_queue_action(args, "review", "review")
    from pytest_nextrust.llm.asking import ask_review, due_reviews

    context = context_here()
    due = due_reviews(context)
    if args.phase:
        names = {phase.id: phase.name for phase in context.phases}
        if args.phase not in names:
            raise UsageFault("PHASE", f"no phase {args.phase!r}", remedy=f"one of {', '.join(names)}")
        due = [one for one in due if one[0] == args.phase] or [
            (args.phase, names[args.phase], f"commit-{context.commit()}")
        ]
    asked = [(phase, ask_review(context, phase, name, occasion)) for phase, name, occasion in due]
    if args.json != "-":
        for _, one in asked:
            print(one.message)
        if not asked:
            print("no review is due")
    fields = [{"phase": phase, "state": one.state, "ticket": one.ticket} for phase, one in asked]
    write_answer(args, envelope("review", ok=True, exit=0, action="request", asked=fields))
    return 0
