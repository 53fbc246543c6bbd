"""``nextrust status rebuild``: draw ``pipeline-log.json`` and ``pipeline-log.md`` from the log, archives included."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, existing_log, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "draw pipeline-log.json and pipeline-log.md from the journal and its archives"
DESCRIPTION: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond what every subcommand has."""


def run(args: argparse.Namespace) -> int:
    """Write both files; 0. Raises StatusError, ConfigError."""
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status import rebuild

    root = Path.cwd()
    phases = Phases.load(root)
    existing_log(args.dir)
    log, files = rebuild(args.dir, phases, root=root)
    warn(log.problems, entries=len(log.ledger))
    if args.json != "-":
        for file in files:
            print(f"{file}: {counted(len(log.ledger), 'record')}")
    problems = [{"line": p.line, "offset": p.offset, "message": p.message} for p in log.problems]
    answer(args, files=[str(file) for file in files], records=len(log.ledger), problems=problems)
    return 0
