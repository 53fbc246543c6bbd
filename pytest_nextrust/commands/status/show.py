"""``nextrust status show``: print what the log says now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_nextrust.commands.status.common import answer, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "print phases, verdicts, failures and recent activities"
DESCRIPTION: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond what every subcommand has."""


def run(args: argparse.Namespace) -> int:
    """Print the Markdown; 0. Raises StatusError, ConfigError."""
    from pytest_nextrust.phases import Phases
    from pytest_nextrust.status import Journal, observe, render_markdown
    from pytest_nextrust.status.summary import summarize

    root = Path.cwd()
    phases = Phases.load(root)
    view = Journal(args.dir).read()
    facts = observe(root, phases, args.dir)
    warn(view.problems)
    if args.json != "-":
        sys.stdout.write(render_markdown(view, phases, facts).decode())
    answer(args, log=summarize(view, phases, facts))
    return 0
