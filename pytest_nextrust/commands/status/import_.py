"""``nextrust status import``: take over what an earlier pipeline recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, project_redactor

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "take over an earlier pipeline's log, known issues and phases"
DESCRIPTION = (
    "Append what earlier files hold to the log, each entry with its own time and its origin: pipeline-log.json "
    "(activities), pipeline-log.md (dated lines), known-issues.json. Phases as JSON are printed as [[phase]] tables "
    "for nextrust.toml. Importing again adds nothing; a fault in any file, and nothing is imported."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``FILE...``."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what to import")


def run(args: argparse.Namespace) -> int:
    """Import; 0, also where everything was known. Raises ConfigError with every fault, StatusError."""
    from pytest_nextrust.status import import_files
    from pytest_nextrust.status.importer import tables

    done = import_files(args.dir, args.files, redactor=project_redactor())
    toml = tables(phase for source in done.sources for phase in source.phases)
    left = [{"file": str(source.path), "what": what} for source in done.sources for what in source.left]
    if args.json != "-":
        there = "was" if done.known == 1 else "were"
        print(f"imported {counted(len(done.added), 'entry')}, {done.known} {there} there already")
        for each in left:
            print(f"{each['file']}: not imported: {each['what']}")
        if toml:
            print(f"\n# phases: add these to nextrust.toml\n{toml}", end="")
    answer(args, imported=len(done.added), known=done.known, left=left, phases_toml=toml)
    return 0
