"""``nextrust status merge``: join the logs of jobs that ran on different machines."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "add the entries of other logs, without doubles"
DESCRIPTION = (
    "Add the entries of other logs to the one in --dir, byte for byte and without doubles: merging again adds nothing. "
    "They go to its archives, which everything that reads the log reads; the order is the same whichever way they are "
    "named. Safe while others write. Draw the projections anew afterwards: nextrust status rebuild."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``DIR_OR_FILE...``."""
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="DIR_OR_FILE", help="a log's folder (with its archives), or a journal"
    )


def run(args: argparse.Namespace) -> int:
    """Merge; 0, also where nothing was new. Raises StatusError."""
    from pytest_nextrust.status.merge import merge

    done = merge(args.dir, args.sources)
    problems = [problem for source in done.sources for problem in source.problems]
    warn(problems)
    if args.json != "-":
        for source in done.sources:
            print(f"{source.path}: {counted(source.entries, 'entry')}")
        print(f"added {counted(done.added, 'entry')}, {done.known} {'was' if done.known == 1 else 'were'} there")
    answer(
        args,
        added=done.added,
        known=done.known,
        sources=[{"path": str(source.path), "entries": source.entries} for source in done.sources],
        archives=[{"file": str(path), "entries": number} for path, number in done.archives],
        problems=[{"line": p.line, "offset": p.offset, "message": p.message} for p in problems],
    )
    return 0
