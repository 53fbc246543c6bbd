"""How every command answers in JSON: one envelope, one option, one writer.

``--json -`` writes the answer, and only the answer, to stdout; ``--json FILE`` writes it to FILE. Readers ignore keys
they do not know. The schemas are in ``pytest_nextrust/schemas``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust import __version__
from pytest_nextrust.errors import Fault, FaultsError, NextrustError, UsageFault

__all__ = ["add_json_option", "envelope", "faults_of", "try_answer", "write_answer"]


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json FILE|-`` as ``args.json`` (None when it is not given)."""
    parser.add_argument("--json", metavar="FILE|-", help="write the answer as JSON to FILE, or to stdout with -")


def add_artifacts_option(parser: argparse.ArgumentParser, what: str = "programs") -> None:
    """Add ``--artifacts DIR``: where explored programs are saved (None when it is not given)."""
    folder = "artifacts/nextrust/programs"
    parser.add_argument("--artifacts", metavar="DIR", help=f"where {what} are saved; default: {folder}")


def faults_of(error: NextrustError) -> tuple[Fault, ...]:
    """What an error says, as the entries of an answer's ``errors``."""
    for each in (error, error.__cause__):
        if isinstance(each, FaultsError):
            return each.faults
    return (Fault(" ".join(part for part in (error.subject, error.place) if part), error.fault, error.remedy),)


def envelope(command: str, *, ok: bool, exit: int, errors: Iterable[Fault] = (), **fields: Any) -> dict[str, Any]:
    """The keys that every answer has, followed by the command's own."""
    return {
        "schema": f"nextrust/{command}/1",
        "tool": __version__,
        "ok": ok,
        "exit": exit,
        "errors": [{"path": e.path, "message": e.message, "remedy": e.remedy} for e in errors],
        **fields,
    }


def try_answer(args: argparse.Namespace) -> None:
    """Raise UsageFault where ``--json FILE`` cannot be written: before the work, whose result would be lost.

    An empty file is left where there was none.
    """
    if getattr(args, "json", None) in (None, "-"):
        return
    try:
        with Path(args.json).open("ab"):
            pass
    except OSError as error:
        raise _unwritable(args.json, error) from error


def write_answer(args: argparse.Namespace, answer: Mapping[str, Any]) -> None:
    """Write the answer where ``--json`` says, if it says; raises UsageFault for a file that cannot be written."""
    if args.json is None:
        return
    text = json.dumps(answer, indent=2) + "\n"
    if args.json == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(args.json).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(args.json, error) from error


def _unwritable(place: str, error: OSError) -> UsageFault:
    remedy = "name a file that can be written, or -"
    return UsageFault("--json", f"cannot write: {error.strerror}", place=place, remedy=remedy)
