"""``nextrust status show``: print what the log says now; with ``--trend`` how the last runs went."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_nextrust.commands.status.common import answer, count, tell_missing, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "print phases, verdicts, failures and recent activities"
DESCRIPTION: str | None = None

RUNS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--trend [N]``."""
    parser.add_argument(
        "--trend",
        type=count,
        nargs="?",
        const=RUNS,
        metavar="N",
        help=f"instead: pass rate, time per phase and flaky items over the last N runs ({RUNS})",
    )


def run(args: argparse.Namespace) -> int:
    """Print the Markdown; 0. Raises StatusError, ConfigError."""
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status import Follower, draw_markdown, draw_trend, observe

    root = Path.cwd()
    phases = Phases.load(root)
    log = Follower(args.dir)
    ledger = log.catch_up()
    tell_missing(args.dir)
    warn(log.problems, entries=len(log.ledger))
    summary = ledger.summary(phases, observe(root, phases, args.dir), log.problems, runs=args.trend)
    if args.json != "-":
        shown = draw_markdown(summary).decode() if args.trend is None else draw_trend(summary["trend"])
        sys.stdout.write(shown)
    if args.trend is None:
        answer(args, log=summary)
    else:
        answer(args, trend=summary["trend"])
    return 0
