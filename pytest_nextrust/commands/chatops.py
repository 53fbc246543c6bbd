"""``nextrust chatops``: tell chats and services what happened; answer what is asked in a chat.

Exit status: 0 done, also where a webhook failed (it is noted); 2 the configuration, the log or a request's file cannot
be used; of ``run``, 1 where a command failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.commands.escalate import context_here
from pytest_nextrust.commands.shared_state import add_state_option, github_here, open_branch, open_ledger
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.chatops.desk import ChatDesk
    from pytest_nextrust.chatops.settings import ChatopsSettings
    from pytest_nextrust.hookapi.context import Context

__all__ = ["HELP", "add_arguments", "run"]

HELP = "tell chats what happened, answer what they ask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``notify``, ``serve`` and ``run``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    notify = actions.add_parser("notify", help="send what the status log has that was not sent yet")
    notify.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    add_state_option(notify)
    add_json_option(notify)
    serve = actions.add_parser("serve", help="answer the slash commands of Slack and Discord, until it is ended")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1)")
    serve.add_argument("--port", type=int, default=8765, help="the port to listen at; 0: any (8765)")
    add_state_option(serve)
    dispatched = actions.add_parser("run", help="carry out what serve handed to a workflow by repository_dispatch")
    add_state_option(dispatched)
    add_json_option(dispatched)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises UsageFault, ConfigError, StatusError, GithubError: exit status 2."""
    actions = {"notify": _notify, "serve": _serve, "run": _run_dispatched}
    return actions[args.action](args)


def _notify(args: argparse.Namespace) -> int:
    from pytest_nextrust.chatops.notify import Notifier
    from pytest_nextrust.chatops.settings import load_chatops
    from pytest_nextrust.guards.backoff import BackoffSettings
    from pytest_nextrust.project.documents import load_project

    context = context_here()
    settings = load_chatops(context.root)
    project = load_project(context.root)
    limit = BackoffSettings.read(project.backoff, place=str(project.source or "")).limit
    branch = None if args.dry_run else open_branch(args, context)
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


def _desk(args: argparse.Namespace, context: Context, settings: ChatopsSettings, *, dispatch: bool) -> ChatDesk:
    from pytest_nextrust.chatops.desk import ChatDesk
    from pytest_nextrust.slash.added import added_commands
    from pytest_nextrust.slash.table import commands_of

    ledger, github = open_ledger(args, context), github_here(required=dispatch)
    commands = commands_of(added_commands(context.root))
    return ChatDesk(context, settings, ledger, commands, github, dispatch)


def _serve(args: argparse.Namespace) -> int:
    from pytest_nextrust.chatops.settings import load_chatops

    context = context_here()
    settings = load_chatops(context.root)
    secret = _slack_secret(settings)
    _check_extra()
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.chatops.server import ChatServer, serve
    from pytest_nextrust.chatops.worker import ChatWorker
    from pytest_nextrust.status.journal import Journal

    desk = _desk(args, context, settings, dispatch=settings.run == "dispatch")
    redactor = Redactor(os.environ, names=[settings.slack.secret_env] if settings.slack is not None else [])
    journal = Journal(context.status_dir, redactor=redactor)
    worker = ChatWorker(desk.handle, journal, redactor, report=_complain)
    server = ChatServer(settings, worker, slack_secret=secret)
    serve(server, args.host, args.port, ready=lambda url: print(f"listening at {url}", flush=True))
    return 0


def _complain(text: str) -> None:
    print(f"nextrust chatops: {text}", file=sys.stderr, flush=True)


def _slack_secret(settings: ChatopsSettings) -> str:
    """The signing secret; empty where Slack is not set up. Raises UsageFault where nothing could be served."""
    if settings.slack is None and settings.discord is None:
        raise UsageFault("chatops serve", "no chat is set up", remedy="write [chatops.slack] or [chatops.discord]")
    if settings.slack is None:
        return ""
    name = settings.slack.secret_env
    if not (secret := os.environ.get(name, "").strip()):
        raise UsageFault("chatops serve", f"{name} is not set", remedy="export the app's signing secret")
    return secret


def _check_extra() -> None:
    import importlib

    for name in ("starlette", "uvicorn", "nacl", "slack_sdk"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            remedy = "pip install 'pytest-nextrust[chatops]'"
            raise UsageFault("chatops serve", f"{name} is not installed", remedy=remedy) from error


def _run_dispatched(args: argparse.Namespace) -> int:
    from pytest_nextrust.chatops.desk import read_dispatch
    from pytest_nextrust.chatops.settings import load_chatops

    context = context_here()
    settings = load_chatops(context.root)
    outcome = _desk(args, context, settings, dispatch=False).handle_dispatch(read_dispatch(os.environ))
    if args.json != "-":
        print(f"{outcome.state}\n{outcome.text}")
    status = 1 if outcome.state == "failed" else 0
    answer = envelope("chatops", ok=not status, exit=status, action="run", state=outcome.state, answer=outcome.text)
    write_answer(args, answer)
    return status
