"""``nextrust status rebuild``: draw ``pipeline-log.json`` and ``pipeline-log.md`` from the journal."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_nextrust.commands.status.common import answer, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "draw pipeline-log.json and pipeline-log.md from the journal"
DESCRIPTION: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond what every subcommand has."""


def run(args: argparse.Namespace) -> int:
    """Write both files; 0. Raises StatusError, ConfigError."""
    from pytest_nextrust.phases import Phases
    from pytest_nextrust.status import rebuild

    root = Path.cwd()
    view, files = rebuild(args.dir, Phases.load(root), root=root)
    warn(view.problems)
    if args.json != "-":
        for file in files:
            print(f"{file}: {len(view.records)} records")
    problems = [{"line": p.line, "offset": p.offset, "message": p.message} for p in view.problems]
    answer(args, files=[str(file) for file in files], records=len(view.records), problems=problems)
    return 0
