"""What the subcommands of ``nextrust status`` share: the log's folder, warnings, the JSON answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import envelope, write_answer

if TYPE_CHECKING:
    from pytest_nextrust.status import Problem

__all__ = ["DEFAULT_DIR", "add_dir_option", "answer", "warn"]

DEFAULT_DIR = "docs/ci-status"


def add_dir_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--dir DIR`` as ``args.dir``, a Path."""
    parser.add_argument(
        "--dir", type=Path, default=Path(DEFAULT_DIR), metavar="DIR", help=f"the log's folder ({DEFAULT_DIR})"
    )


def warn(problems: Iterable[Problem]) -> None:
    """Tell a journal's problems on stderr."""
    for problem in problems:
        print(f"nextrust status: journal {problem}", file=sys.stderr)


def answer(args: argparse.Namespace, **fields: Any) -> None:
    """Write the JSON answer of the subcommand, if ``--json`` asks for it."""
    write_answer(args, envelope("status", ok=True, exit=0, action=args.action, dir=str(args.dir), **fields))
