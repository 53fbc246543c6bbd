"""What the status tests share: a clock that moves only when read, and logs made with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import Item, ItemKey, RunEnd, RunStart

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LINUX = "ubuntu-latest-debug-m68030"
DARWIN = "macos-latest-debug-m68030"


class Clock:
    """Time that goes on by one second each time it is asked for."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def journal_in(folder: Path) -> Journal:
    return Journal(folder, clock=Clock())


def item(scenario: str, cell: str = LINUX, verdict: str = "passed", *, run: str = "run-1", **more: object) -> Item:
    more = {"phase": "phase-1", "seconds": 0.25, "stand_in": cell == DARWIN, **more}
    return Item(run=run, scenario=scenario, cell=cell, verdict=verdict, **more)  # type: ignore[arg-type]


def start(*keys: tuple[str, str], run: str = "run-1", commit: str = COMMIT, phase: str = "phase-1") -> RunStart:
    items = tuple(ItemKey(phase, scenario, cell) for scenario, cell in keys)
    return RunStart(run, phase, commit=commit, host="next", items=items, argv=("pytest",))


def end(exit: int = 0, *, run: str = "run-1", **counts: int) -> RunEnd:
    return RunEnd(run, exit, {name.replace("_", "-"): n for name, n in counts.items()}, seconds=1.5)
