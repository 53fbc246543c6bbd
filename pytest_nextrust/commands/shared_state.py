"""What a command remembers of what it handled: for all runners, in the branch ``nextrust-status``, or here alone.

Boundary: the option, and what is made of it; ``slash.ledger`` and ``status.branch`` do the work.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.slash.ledger import Ledger
    from pytest_nextrust.status.branch import StatusBranch

__all__ = ["add_state_option", "github_here", "open_branch", "open_ledger"]


def add_state_option(parser: argparse.ArgumentParser) -> None:
    """``--state``."""
    parser.add_argument(
        "--state",
        choices=("branch", "local"),
        help="remember what was handled for all runners, in the branch nextrust-status, or on this machine alone "
        "(default: branch in GitHub Actions, else local)",
    )


def open_branch(args: argparse.Namespace, context: Context) -> StatusBranch | None:
    """The branch that remembers, or None for this machine alone."""
    from pytest_nextrust.status.branch import StatusBranch

    shared = args.state == "branch" or (args.state is None and os.environ.get("GITHUB_ACTIONS") == "true")
    return StatusBranch(context.root) if shared else None


def open_ledger(args: argparse.Namespace, context: Context) -> Ledger:
    """The ledger of commands; what the branch brings of failures and markers is put back. Raises ConfigError."""
    from pytest_nextrust.guards.restore import restore
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.slash.ledger import Ledger
    from pytest_nextrust.status.archive import read_log

    phases = Phases.load(context.root)
    return Ledger(
        context.status_dir,
        branch=open_branch(args, context),
        pulled=lambda: restore(context.root, phases, read_log(context.status_dir).records),
        redactor=context.redactor,
    )


def github_here(*, required: bool = False) -> GithubClient | None:
    """GitHub, as the environment says; None without a token, unless it is ``required``. Raises GithubError."""
    from pytest_nextrust.github.client import GithubClient

    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    return GithubClient.from_environment() if token or required else None
