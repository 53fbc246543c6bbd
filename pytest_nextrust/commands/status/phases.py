"""``nextrust status phases``: which phases there are, how each stands, and which may run side by side now."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.status.common import answer, tell_missing, warn

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "list the phases: status, time, criteria, and which may run side by side now"
DESCRIPTION: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond what every subcommand has."""


def run(args: argparse.Namespace) -> int:
    """Print one block per phase; 0. Raises StatusError, ConfigError."""
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status import Follower, observe

    root = Path.cwd()
    phases = Phases.load(root)
    log = Follower(args.dir)
    ledger = log.catch_up()
    tell_missing(args.dir)
    warn(log.problems)
    summary = ledger.summary(phases, observe(root, phases, args.dir), log.problems)
    ready = [phase["id"] for phase in summary["phases"] if phase["ready"]]
    if args.json != "-":
        for phase in summary["phases"]:
            print("\n".join(_lines(phase)))
        print(f"ready: {', '.join(ready) or 'none'}")
    answer(args, phases=summary["phases"], ready=ready)
    return 0


def _lines(phase: Mapping[str, Any]) -> Iterator[str]:
    progress = phase["progress"]
    parts = [phase["status"].replace("_", " ")]
    if progress["total"]:
        parts.append(
            f"{progress['satisfied']} of {counted(progress['total'], 'item')} in {phase['elapsed_seconds']:.1f} s"
        )
    if phase["days"] is not None:
        expected = phase["expected_duration_days"]
        days = "days" if expected is None else f"of {counted(expected, 'day')}"
        parts.append(f"{phase['days']:.1f} {days}" + (" (overdue)" if phase["overdue"] else ""))
    yield f"{phase['id']}: {phase['name']}: {', '.join(parts)}"
    if phase["depends"]:
        yield f"  depends on {', '.join(phase['depends'])}"
    if phase["ready"]:
        beside = f", beside {', '.join(phase['beside'])}" if phase["beside"] else ""
        yield f"  ready to run{beside}"
    for file in phase["expected_files"]:
        if not file["exists"]:
            yield f"  missing: {file['path']}"
    for criterion in phase["criteria"]:
        state = {True: "holds", False: "does not hold", None: "not checked" if criterion["check"] else "for a person"}
        why = f": {criterion['message']}" if criterion["message"] else ""
        yield f"  {state[criterion['holds']]}: {criterion['text']}{why}"
