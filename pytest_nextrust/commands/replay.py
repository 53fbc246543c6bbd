"""``nextrust replay TOKEN``: the failing run that a token says, exactly, from the saved program alone.

The program is looked for in the folder of saved programs, or given by ``--program``; no compiler is needed. Exit
status: 1 where the finding is reproduced, 2 for a token that is damaged or of another program, 4 where the same
program does something else.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_nextrust.commands.answer import add_artifacts_option, add_json_option
from pytest_nextrust.commands.explore import failed, report
from pytest_nextrust.errors import HarnessFault

__all__ = ["HELP", "add_arguments", "run"]

HELP = "run a failing exploration again from its token"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The token, and where its program is."""
    parser.add_argument("token", metavar="TOKEN", help="as it was printed")
    parser.add_argument("--program", metavar="FILE", help="the saved program; default: looked for by its hash")
    parser.add_argument(
        "--build",
        action="store_true",
        help="where the program is not there, compile it from the sources that its settings name; default: never",
    )
    parser.add_argument("--full", action="store_true", help="show every instruction")
    add_artifacts_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Replay; the exit status. Raises UsageFault."""
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.explore.replay import replay
    from pytest_nextrust.explore.store import FOLDER
    from pytest_nextrust.project.root import from_root

    args.token = args.token.strip()
    folder = Path(args.artifacts) if args.artifacts is not None else from_root(FOLDER)
    program = Path(args.program) if args.program is not None else None
    try:
        with Sandbox() as machine:
            request, answer = replay(machine, args.token, folder, program, _progress, may_build=args.build)
    except HarnessFault as error:
        return failed(args, "replay", error)
    return report(args, "replay", request, answer)


def _progress(line: str) -> None:
    print(f"nextrust replay: {line}", file=sys.stderr)
