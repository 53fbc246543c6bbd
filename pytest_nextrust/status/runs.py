"""Questions to the journal: what did a run leave out, what is the newest verdict, has a phase passed.

A function of what was read, kept up to date record by record: adding one costs the same however long the log is.
An item that a run announced and that never reported is ``crashed`` once that run has ended; while it goes on (or was
killed: the journal cannot tell which) the item is pending, and no verdict.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from pytest_nextrust.status.journal import JournalView, Record
from pytest_nextrust.status.records import BAD, SATISFYING, Item, ItemKey, RunEnd, RunItems, RunStart, moment

__all__ = ["PhaseState", "Run", "RunStore", "Verdicts", "lost"]

State = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Run:
    """One run as far as the journal has it. ``end`` is None while it goes on, and for ever where it was killed.

    ``started`` is the time of its first entry. ``spans``: for every phase, when its first item began and its last one
    ended, in seconds since 1970.
    """

    id: str
    start: RunStart | None = None
    items: dict[ItemKey, Item] = field(default_factory=dict)
    end: RunEnd | None = None
    started: str = ""
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

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
class PhaseState:
    """How a phase stands in a cell.

    ``failed``: something is bad, see ``items``; ``passed``: everything asked for satisfies and something passed;
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
    """The runs in a journal, oldest first, and their verdicts together."""

    def __init__(self, view: JournalView | None = None) -> None:
        self._runs: dict[str, Run] = {}
        self._events: list[Item] = []
        self._unfinished: dict[str, None] = {}
        self._touched: dict[str, tuple[int, str]] = {}
        self._numbers: dict[str, int] = {}
        self._began: dict[str, str] = {}
        self._count = 0
        self._newest: dict[str, Verdicts] = {}
        self._of_run: dict[str, Verdicts] = {}
        self._announced: dict[str, set[ItemKey]] = {}
        self._stale = False
        for record in view.records if view is not None else ():
            self.add(record)

    def resume(self, count: int, began: Mapping[str, str]) -> None:
        """Some runs were left out: so many there are with them, and then work on each phase began."""
        self._count = count
        self._began = dict(began)

    def add(self, record: Record) -> None:
        """Take one more record into account; they come in the order of the log."""
        entry = Item.read(record) or RunStart.read(record) or RunItems.read(record) or RunEnd.read(record)
        if entry is None:
            return
        run = self._runs.get(entry.run)
        if run is None:
            self._numbers[entry.run] = len(self._runs)
            self._count += 1
            run = self._runs[entry.run] = Run(entry.run, started=record.time)
        if isinstance(entry, RunStart):
            self._start(run, entry, record.time)
        elif isinstance(entry, RunItems):
            self._more(run, entry, record.time)
        elif isinstance(entry, Item):
            self._item(run, entry, record.time)
        else:
            missing = run.missing
            self._runs[run.id] = replace(run, end=entry)
            self._unfinished.pop(run.id, None)
            for key in missing:
                self._event(run.commit, lost(run.id, key))

    def _start(self, run: Run, entry: RunStart, time: str) -> None:
        # A start that comes late, or twice, changes the commit or the plan of what is sorted in already.
        self._stale = self._stale or bool(run.items) or run.start is not None or run.end is not None
        self._runs[run.id] = replace(run, start=entry)
        self._announced.setdefault(entry.commit, set()).update(entry.items)
        for phase in {key.phase for key in entry.items}:
            self._touch(phase, run.id, time)
        if run.end is None:
            self._unfinished[run.id] = None

    def _more(self, run: Run, entry: RunItems, time: str) -> None:
        for phase in {key.phase for key in entry.items}:
            self._touch(phase, run.id, time)
        if run.start is None:
            return  # the plan of which this is a part is not there
        self._stale = self._stale or bool(run.items) or run.end is not None
        self._runs[run.id] = replace(run, start=replace(run.start, items=run.start.items + entry.items))
        self._announced.setdefault(run.commit, set()).update(entry.items)

    def _item(self, run: Run, entry: Item, time: str) -> None:
        run.items[entry.key] = entry
        self._announced.setdefault(run.commit, set()).add(entry.key)
        self._event(run.commit, entry)
        self._touch(entry.phase, run.id, time)
        ended = moment(time)
        if ended is not None:
            began = ended - max(entry.seconds, 0.0)
            first, last = run.spans.get(entry.phase, (began, ended))
            run.spans[entry.phase] = (min(first, began), max(last, ended))

    def _touch(self, phase: str, run: str, time: str) -> None:
        number = self._numbers[run]
        self._began.setdefault(phase, time)
        if number >= self._touched.get(phase, (-1, ""))[0]:
            self._touched[phase] = (number, run)

    def _event(self, commit: str, item: Item) -> None:
        self._events.append(item)
        self._newest.setdefault(commit, {})[item.key] = item
        self._of_run.setdefault(item.run, {})[item.key] = item

    def _resort(self) -> None:
        """Sort everything in again, where an entry came that changes what earlier ones mean."""
        if not self._stale:
            return
        self._stale = False
        events, self._events = self._events, []
        self._newest, self._of_run, self._announced = {}, {}, {}
        known = {run.id: {*run.expected, *run.items} for run in self._runs.values()}
        for run in self._runs.values():
            self._announced.setdefault(run.commit, set()).update(known[run.id])
        for item in events:
            # One that was missing at a run's end is not, where a later start takes it out of the plan.
            if item.key in known[item.run]:
                self._event(self._runs[item.run].commit, item)

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(self._runs.values())

    def unfinished(self, count: int) -> tuple[Run, ...]:
        """The last ``count`` runs that have a start and no end, oldest first."""
        return tuple(self._runs[name] for name in islice(reversed(self._unfinished), count))[::-1]

    def __len__(self) -> int:
        return self._count

    def newest_runs(self, count: int) -> tuple[Run, ...]:
        """The last ``count`` runs that were announced, oldest first."""
        last = islice((run for run in reversed(self._runs.values()) if run.start is not None), count)
        return tuple(last)[::-1]

    def run(self, run: str) -> Run | None:
        return self._runs.get(run)

    def newest_run(self, phase: str) -> Run | None:
        """The newest run that had anything to do with a phase."""
        known = self._touched.get(phase)
        return None if known is None else self._runs[known[1]]

    def began(self, phase: str) -> str:
        """The time of the first entry that had anything to do with a phase; empty where there is none."""
        return self._began.get(phase, "")

    def verdicts(self, *, commit: str | None = None, run: str | None = None) -> Verdicts:
        """The newest verdict of every item, of one commit or one run where one is given; lost ones are ``crashed``."""
        self._resort()
        if run is None and commit is not None:
            return dict(self._newest.get(commit, {}))
        if run is None:
            return {item.key: item for item in self._events}
        known = self._runs.get(run)
        if known is None or (commit is not None and known.commit != commit):
            return {}
        return dict(self._of_run.get(run, {}))

    def announced(self, *, commit: str | None = None, run: str | None = None) -> frozenset[ItemKey]:
        """Every item that some run, of one commit or one run where one is given, set out to report on."""
        self._resort()
        if run is not None:
            known = self._runs.get(run)
            if known is None or (commit is not None and known.commit != commit):
                return frozenset()
            return frozenset((*known.expected, *known.items))
        if commit is not None:
            return frozenset(self._announced.get(commit, ()))
        return frozenset(key for keys in self._announced.values() for key in keys)

    def phase_state(
        self,
        phase: str,
        cell: str,
        *,
        commit: str | None = None,
        run: str | None = None,
        expected: Collection[str] | None = None,
    ) -> PhaseState:
        """How ``phase`` stands in ``cell`` at ``commit`` (or in ``run``), by the newest verdict of each item.

        ``expected`` names the scenarios the phase has; without it, whatever was ever announced counts, so a run
        narrowed to one scenario could stand for the whole: give it where it is known. An empty ``commit`` (no git) is
        no commit at all: nothing is known of it. No expected item at all is ``unknown``.
        """
        if commit == "" and run is None:
            return PhaseState("unknown")
        if expected is None:
            keys = [k for k in self.announced(commit=commit, run=run) if (k.phase, k.cell) == (phase, cell)]
        else:
            keys = [ItemKey(phase, name, cell) for name in expected]
        return judge(sorted(keys), self.verdicts(commit=commit, run=run))


def judge(keys: Iterable[ItemKey], verdicts: Mapping[ItemKey, Item]) -> PhaseState:
    """The state that these items add up to."""
    keys = tuple(keys)
    items = tuple(verdicts[key] for key in keys if key in verdicts)
    missing = tuple(key for key in keys if key not in verdicts)
    if any(item.verdict in BAD for item in items):
        return PhaseState("failed", items, missing)
    if missing or not any(item.verdict in SATISFYING for item in items):
        return PhaseState("unknown", items, missing)
    return PhaseState("passed", items, missing)
