"""``nextrust status``: show the status log, add an entry to it, draw its projections anew.

One module per subcommand; each has ``HELP``, ``add_arguments(parser)`` and ``run(args) -> exit status``, as a command
has. ``common`` is what they share. Boundary: only the words of the command line; the log itself is ``status``.
"""

from __future__ import annotations

import argparse
from types import ModuleType

from pytest_nextrust.commands.answer import add_json_option, try_answer
from pytest_nextrust.commands.status import append, clear_backoff, import_, merge, phases, rebuild, rotate, show
from pytest_nextrust.commands.status.common import add_dir_option

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show, extend, rotate, merge, rebuild or import the status log; list the phases"

ACTIONS: dict[str, ModuleType] = {
    "show": show,
    "append": append,
    "rebuild": rebuild,
    "rotate": rotate,
    "merge": merge,
    "import": import_,
    "phases": phases,
    "clear-backoff": clear_backoff,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Each subcommand with its own arguments, and with ``--dir`` and ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, module in ACTIONS.items():
        action = actions.add_parser(name, help=module.HELP, description=module.DESCRIPTION)
        module.add_arguments(action)
        add_dir_option(action)
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises StatusError, ConfigError, UsageFault: exit status 2."""
    try_answer(args)
    status: int = ACTIONS[args.action].run(args)
    return status
