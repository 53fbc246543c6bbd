"""Questions to the journal: what did a run leave out, what is the newest verdict, may a phase be built on.

Pure functions of what was read. An item that a run announced and that never reported is ``crashed`` once that run has
ended; while it goes on (or was killed: the journal cannot tell) the item is pending and settles nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pytest_nextrust.status.journal import JournalView
from pytest_nextrust.status.records import BAD, SATISFYING, Item, ItemKey, RunEnd, RunStart

__all__ = ["Outcome", "Run", "RunStore", "Verdicts", "lost"]

State = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Run:
    """One run as far as the journal has it. ``end`` is None while it goes on, and for ever where it was killed."""

    id: str
    start: RunStart | None = None
    items: Mapping[ItemKey, Item] = field(default_factory=dict)
    end: RunEnd | None = None
    started: str = ""

    @property
    def commit(self) -> str:
        return self.start.commit if self.start else ""

    @property
    def expected(self) -> tuple[ItemKey, ...]:
        return self.start.items if self.start else ()

    @property
    def missing(self) -> tuple[ItemKey, ...]:
        """Items that were announced and have not reported."""
        return tuple(key for key in self.expected if key not in self.items)


@dataclass(frozen=True)
class Outcome:
    """How a phase stands in a cell.

    ``failed``: something is bad, see ``items``; ``passed``: everything asked for may be built on and something passed;
    ``unknown``: not everything has reported.
    """

    state: State
    items: tuple[Item, ...] = ()
    missing: tuple[ItemKey, ...] = ()

    @property
    def bad(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.verdict in BAD)


Verdicts = dict[ItemKey, Item]


def lost(run: str, key: ItemKey) -> Item:
    """The item for one that was announced and never reported."""
    again = ["pytest", "--nextrust-phase", key.phase, "--nextrust-scenario", key.scenario, "--nextrust-cell", key.cell]
    return Item(
        run,
        key.phase,
        key.scenario,
        key.cell,
        "crashed",
        message="announced, but nothing was reported",
        reproduction=shlex.join(again),
    )


class RunStore:
    """The runs in a journal, oldest first, and what they say together."""

    def __init__(self, view: JournalView) -> None:
        self.runs, self._events = _gather(view)

    def run(self, run: str) -> Run | None:
        return next((each for each in self.runs if each.id == run), None)

    def verdicts(self, *, commit: str | None = None, run: str | None = None) -> Verdicts:
        """The newest verdict of every item, of one commit or one run where one is given; lost ones are ``crashed``."""
        wanted = {r.id for r in self.runs if (commit is None or r.commit == commit) and (run is None or r.id == run)}
        return {item.key: item for item in self._events if item.run in wanted}

    def announced(self, *, commit: str | None = None, run: str | None = None) -> frozenset[ItemKey]:
        """Every item that some run, of one commit or one run where one is given, set out to report on."""
        return frozenset(
            key
            for each in self.runs
            if (commit is None or each.commit == commit) and (run is None or each.id == run)
            for key in (*each.expected, *each.items)
        )

    def outcome(
        self,
        phase: str,
        cell: str,
        *,
        commit: str | None = None,
        run: str | None = None,
        expected: Collection[str] | None = None,
    ) -> Outcome:
        """How ``phase`` stands in ``cell`` at ``commit`` (or in ``run``), by the newest verdict of each item.

        ``expected`` names the scenarios the phase has; without it, whatever was ever announced counts, so a run
        narrowed to one scenario could stand for the whole: give it where it is known. An empty ``commit`` (no git) is
        no commit at all: nothing is known of it. No expected item at all is ``unknown``.
        """
        if commit == "" and run is None:
            return Outcome("unknown")
        if expected is None:
            keys = [k for k in self.announced(commit=commit, run=run) if (k.phase, k.cell) == (phase, cell)]
        else:
            keys = [ItemKey(phase, name, cell) for name in expected]
        return judge(sorted(keys), self.verdicts(commit=commit, run=run))


def judge(keys: Iterable[ItemKey], verdicts: Mapping[ItemKey, Item]) -> Outcome:
    """The outcome of these items together."""
    keys = tuple(keys)
    items = tuple(verdicts[key] for key in keys if key in verdicts)
    missing = tuple(key for key in keys if key not in verdicts)
    if any(item.verdict in BAD for item in items):
        return Outcome("failed", items, missing)
    if missing or not any(item.verdict in SATISFYING for item in items):
        return Outcome("unknown", items, missing)
    return Outcome("passed", items, missing)


def _gather(view: JournalView) -> tuple[tuple[Run, ...], tuple[Item, ...]]:
    """The runs in the order of their first entries, and every verdict in the order it was given."""
    runs: dict[str, Run] = {}
    items: dict[str, dict[ItemKey, Item]] = {}
    events: list[Item] = []
    for record in view.records:
        entry = RunStart.read(record) or Item.read(record) or RunEnd.read(record)
        if entry is None:
            continue
        run = runs.setdefault(entry.run, Run(entry.run, items=items.setdefault(entry.run, {}), started=record.time))
        if isinstance(entry, RunStart):
            runs[entry.run] = replace(run, start=entry)
        elif isinstance(entry, Item):
            items[entry.run][entry.key] = entry
            events.append(entry)
        else:
            runs[entry.run] = replace(run, end=entry)
            events.extend(lost(entry.run, key) for key in run.missing)
    return tuple(runs.values()), tuple(events)
