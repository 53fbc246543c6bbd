"""What the subcommands of ``nextrust status`` share: the log's folder, warnings, the JSON answer."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import envelope, write_answer

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.status import Problem

__all__ = [
    "DEFAULT_DIR",
    "add_dir_option",
    "answer",
    "count",
    "existing_log",
    "project_redactor",
    "tell_missing",
    "warn",
]

DEFAULT_DIR = "docs/ci-status"

TOLD = 5
"""How many of a journal's problems are told one by one."""


def add_dir_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--dir DIR`` as ``args.dir``, a Path."""
    parser.add_argument(
        "--dir", type=Path, default=Path(DEFAULT_DIR), metavar="DIR", help=f"the log's folder ({DEFAULT_DIR})"
    )


def count(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def project_redactor() -> Redactor:
    """Knows the secrets of the project that this folder belongs to. Raises ConfigError for its settings."""
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.hookapi.context import project_root
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    rules = load_snapshot(project_root(os.environ), keep=False).settings.secrets
    return Redactor(os.environ, names=rules.variables, minimum=rules.minimum)


def existing_log(folder: Path) -> None:
    """Raise StatusError where ``folder`` holds no log: a mistyped folder must not be made, or filled."""
    from pytest_nextrust.errors import StatusError

    if missing := _missing(folder):
        raise StatusError(
            "status log", missing, place=str(folder), remedy="give the log's folder with --dir; nothing was written"
        )


def tell_missing(folder: Path) -> None:
    """Say on stderr that ``folder`` holds no log, which is where every project starts, or a mistyped folder."""
    if missing := _missing(folder):
        print(f"nextrust status: {folder}: {missing}: nothing is recorded there", file=sys.stderr)


def _missing(folder: Path) -> str:
    """What is there instead of a log; empty where there is one."""
    from pytest_nextrust.status import Journal, archives

    if Journal(folder).path.exists() or archives(folder):
        return ""
    if folder.exists() and not folder.is_dir():
        return "not a folder"
    return "no journal in this folder" if folder.is_dir() else "no such folder"


def warn(problems: Iterable[Problem], *, entries: int | None = None) -> None:
    """Tell a journal's problems on stderr: the first few, since a file that is no journal has one in every line.

    ``entries`` is how many entries were found, where that is to be told if there are none.
    """
    problems = tuple(problems)
    for problem in problems[:TOLD]:
        print(f"nextrust status: journal {problem}", file=sys.stderr)
    if len(problems) > TOLD:
        print(f"nextrust status: and {len(problems) - TOLD} more", file=sys.stderr)
    if problems and entries == 0:
        print(
            "nextrust status: not one line is an entry: this is no journal, or nothing of it is whole", file=sys.stderr
        )


def answer(args: argparse.Namespace, **fields: Any) -> None:
    """Write the JSON answer of the subcommand, if ``--json`` asks for it."""
    write_answer(args, envelope("status", ok=True, exit=0, action=args.action, dir=str(args.dir), **fields))
