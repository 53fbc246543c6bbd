"""``nextrust status clear-backoff``: forget the failures of a commit, and record who said so."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, project_redactor
from pytest_nextrust.errors import UsageFault

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "forget the failures of a commit that is refused"
DESCRIPTION = "Forget the failures of a commit, so that it runs again. Who did it, and why, is recorded in the log."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--commit`` and ``--why``."""
    parser.add_argument(
        "--commit",
        metavar="HASH",
        help="the commit, in full or its first 7 digits or more (default: what is checked out)",
    )
    parser.add_argument("--why", metavar="TEXT", default="", help="the reason, for the record (default: $NEXTRUST_WHY)")


def run(args: argparse.Namespace) -> int:
    """Clear; 0, also where there was nothing to clear. Raises UsageFault, GuardError, StatusError, ConfigError."""
    from pytest_nextrust.base.convert import load_project
    from pytest_nextrust.base.state_database import Database, state_path
    from pytest_nextrust.guards.backoff import Backoff
    from pytest_nextrust.guards.override import record_clear
    from pytest_nextrust.metrics.sinks import open_emitter

    root = Path.cwd()
    # Opened first: faulty settings are told before anything is changed.
    with open_emitter(root, load_project(root).metrics) as emitter, Database(state_path(root)) as database:
        backoff = Backoff(database)
        counts = backoff.commits()
        commit = _commit(args.commit, counts)
        failures = counts.get(commit, 0)
        if failures:
            # The record first: killed in between, the commit is still refused and the command is given again.
            record_clear(
                args.dir,
                commit,
                failures,
                environ=os.environ,
                reason=args.why.strip()[:500],
                redactor=project_redactor(),
            )
            backoff.clear(commit)
            emitter.count("nextrust.guard.actions", guard="backoff", action="cleared")
    if args.json != "-":
        had = f"had failed {counted(failures, 'time')}, now cleared" if failures else "no failures"
        print(f"{commit[:12]}: {had}")
    answer(args, commit=commit, cleared=failures)
    return 0


def _commit(given: str | None, known: dict[str, int]) -> str:
    """The full hash meant. Raises UsageFault."""
    if given is None:
        from pytest_nextrust.status.environment import git_commit

        head = git_commit(Path.cwd())
        if not head:
            raise UsageFault("--commit", "nothing is checked out here", remedy="name the commit with --commit")
        return head
    text = given.strip().lower()
    if not 7 <= len(text) <= 64 or set(text) - set("0123456789abcdef"):
        raise UsageFault("--commit", "not a commit's hash", place=given, remedy="7 to 64 hexadecimal digits")
    meant = [commit for commit in known if commit.startswith(text)]
    if len(meant) > 1:
        raise UsageFault("--commit", f"{len(meant)} commits begin so", place=given, remedy="give more digits")
    return meant[0] if meant else text
