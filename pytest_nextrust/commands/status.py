"""``nextrust status``: show the status log, add an entry to it, draw its projections anew."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_nextrust.status import Problem

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show, extend or rebuild the status log"

DEFAULT_DIR = "docs/ci-status"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``show``, ``rebuild`` and ``append``, each with ``--dir`` and ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print phases, verdicts, failures and recent activities")
    rebuild = actions.add_parser("rebuild", help="draw pipeline-log.json and pipeline-log.md from the journal")
    append = actions.add_parser(
        "append",
        help="add one entry; exit status 0 only when it is durable",
        description="Add one entry. Exit status 0: it is on the device. Any other: it was not acknowledged.",
    )
    append.add_argument("type", metavar="TYPE", help="what kind of entry: letters, digits, _ . and -")
    append.add_argument("details", metavar="JSON", help="its details, a JSON object; - reads it from stdin")
    for action in (show, rebuild, append):
        action.add_argument(
            "--dir", type=Path, default=Path(DEFAULT_DIR), metavar="DIR", help=f"the log's folder ({DEFAULT_DIR})"
        )
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises StatusError, ConfigError, UsageFault: exit status 2."""
    actions = {"show": _show, "rebuild": _rebuild, "append": _append}
    return actions[args.action](args)


def _show(args: argparse.Namespace) -> int:
    from pytest_nextrust.phases import Phases
    from pytest_nextrust.status import Journal, observe, render_markdown
    from pytest_nextrust.status.summary import summarize

    root = Path.cwd()
    phases = Phases.load(root)
    view = Journal(args.dir).read()
    facts = observe(root, phases, args.dir)
    _warn(view.problems)
    if args.json != "-":
        sys.stdout.write(render_markdown(view, phases, facts).decode())
    _answer(args, log=summarize(view, phases, facts))
    return 0


def _rebuild(args: argparse.Namespace) -> int:
    from pytest_nextrust.phases import Phases
    from pytest_nextrust.status import rebuild

    root = Path.cwd()
    view, files = rebuild(args.dir, Phases.load(root), root=root)
    _warn(view.problems)
    if args.json != "-":
        for file in files:
            print(f"{file}: {len(view.records)} records")
    problems = [{"line": p.line, "offset": p.offset, "message": p.message} for p in view.problems]
    _answer(args, files=[str(file) for file in files], records=len(view.records), problems=problems)
    return 0


def _append(args: argparse.Namespace) -> int:
    from pytest_nextrust.status import Journal, check_details

    details = _details(args.details)
    check_details(args.type, details)
    record = Journal(args.dir).append(args.type, details)
    if args.json != "-":
        print(f"{record.seq} {record.time} {record.type}")
    _answer(args, record={"seq": record.seq, "timestamp": record.time, "type": record.type, "run": record.run})
    return 0


def _details(text: str) -> dict[str, Any]:
    try:
        plain = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise UsageFault(
            "JSON", f"not JSON: {error}", remedy='give an object, for instance \'{"message": "LLVM built"}\''
        ) from error
    if not isinstance(plain, dict):
        raise UsageFault("JSON", "not an object", remedy='give an object, for instance \'{"message": "LLVM built"}\'')
    return plain


def _warn(problems: Iterable[Problem]) -> None:
    for problem in problems:
        print(f"nextrust status: journal {problem}", file=sys.stderr)


def _answer(args: argparse.Namespace, **fields: Any) -> None:
    write_answer(args, envelope("status", ok=True, exit=0, action=args.action, dir=str(args.dir), **fields))
