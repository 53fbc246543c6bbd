"""``nextrust status rotate``: move old entries from the journal to the archives."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, existing_log

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "move entries older than 30 days to archive/YYYY-MM.jsonl"
DESCRIPTION = (
    "Move entries older than some days to archive/YYYY-MM.jsonl in the log's folder. Runs move whole, and what has to "
    "do with the current phase stays. Everything that reads the log reads the archives too. Safe while others write."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--days N``."""
    parser.add_argument(
        "--days", type=days, metavar="N", help="how many days an entry stays (default: rotate_after_days, or 30)"
    )


def days(text: str) -> float:
    """A number from 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of days from 0")
    return number


def run(args: argparse.Namespace) -> int:
    """Rotate; 0, also where nothing was old enough. Raises StatusError, ConfigError."""
    from pytest_nextrust.base.convert import load_project
    from pytest_nextrust.project.phases import Phases, read_done
    from pytest_nextrust.status import rotate

    root = Path.cwd()
    project = load_project(root)
    phases = Phases.from_config(project)
    existing_log(args.dir)
    current = phases.current(read_done(root, phases))
    wanted = project.rotate_after_days if args.days is None else args.days
    done = rotate(args.dir, days=wanted, current=current.id if current is not None else None)
    if args.json != "-":
        for path, number in done.archives:
            print(f"{path}: {counted(number, 'entry')}")
        print(f"moved {counted(done.moved, 'entry')} older than {counted(wanted, 'day')}, kept {done.kept}")
    archives = [{"file": str(path), "entries": number} for path, number in done.archives]
    answer(args, moved=done.moved, kept=done.kept, days=wanted, archives=archives)
    return 0
