"""The record of one run in the status log: its start, every item, its end, the projections, and ``.done`` markers.

A worker uses ``item`` alone; start, projections and end are the controller's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.project.criteria import Fault, check_criterion
from pytest_nextrust.project.matrix import Cell, Matrix
from pytest_nextrust.project.phases import Phases, clear_done, mark_done
from pytest_nextrust.status.environment import Environment
from pytest_nextrust.status.index import keep_index
from pytest_nextrust.status.journal import LARGEST, Journal
from pytest_nextrust.status.projections import Follower, Projector
from pytest_nextrust.status.records import (
    SATISFYING,
    Item,
    ItemKey,
    PhaseCheck,
    PhaseDone,
    PhaseReopened,
    RunEnd,
    RunItems,
    RunStart,
    Shard,
    counts,
)
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.status.summary import displayed_folder

__all__ = ["RunRecorder", "complete"]

PART = LARGEST // 2
"""Characters of the items in one entry: an entry has at most LARGEST bytes, of which other details need some too."""

_NAMES = len('{"phase":,"scenario":,"cell":},')
LONGEST = 4000
"""Characters of a message that the journal keeps; the terminal and the report have all of it."""


class RunRecorder:
    """Writes the record of one run. ``folder`` is the status folder; raises StatusError where it cannot be written.

    ``toolchain`` returns what is wrong with a toolchain; ``notes`` takes remarks for the user; ``trusted``: whether
    commands of the project may be run; ``log`` is the log as far as it was read already, ``redactor`` takes secrets out
    of what is written.
    """

    def __init__(
        self,
        folder: Path,
        phases: Phases,
        root: Path,
        *,
        run: str,
        toolchain: Fault = lambda name: f"whether {name} is here is not known",
        notes: list[str] | None = None,
        log: Follower | None = None,
        redactor: Redactor | None = None,
        trusted: bool = True,
    ) -> None:
        self.run = run
        self._trusted = trusted
        self.notes: list[str] = [] if notes is None else notes
        self._toolchain = toolchain
        self.journal = Journal(folder, redactor=redactor)
        self._phases = phases
        self._root = root
        self._log = log or Follower(folder)
        self._projector = Projector(folder, phases, root=root, follower=self._log)
        self._began = time.monotonic()

    def start(
        self,
        environment: Environment,
        *,
        phase: str,
        items: Sequence[ItemKey],
        argv: Sequence[str],
        forced: bool,
        shard: Shard | None = None,
    ) -> None:
        """Announce the run and everything it is going to report on, in as many entries as that takes."""
        self._began = time.monotonic()
        first, *more = _parts(items)
        entry = RunStart(
            self.run,
            phase=phase,
            commit=environment.commit,
            attempt=environment.attempt,
            host=environment.host,
            job=environment.job,
            items=first,
            argv=_shortened(argv),
            forced=forced,
            shard=shard,
        )
        details = entry.details()
        if not forced:
            del details["forced"]  # whoever looks for runs that were forced finds those and no others
        self.journal.append(entry.TYPE, details, run=self.run)
        for part in more:
            RunItems(self.run, part).append_to(self.journal)

    def item(self, item: Item) -> None:
        """Record one item, durably."""
        if len(item.message) > LONGEST:
            from dataclasses import replace

            item = replace(item, message=item.message[:LONGEST] + " ...")
        item.append_to(self.journal)

    def refresh(self) -> None:
        """Draw the projections, if a second has passed."""
        self._projector.refresh()

    def store(self) -> RunStore:
        """What the log says now; it goes on with the log. Reads what was added since the last time."""
        return self._log.catch_up().store

    def end(self, *, exit: int, items: Sequence[Item]) -> None:
        """Record the end, draw the projections, and index the log."""
        RunEnd(self.run, exit=exit, counts=counts(items), seconds=time.monotonic() - self._began).append_to(
            self.journal
        )
        self._projector.finish()
        keep_index(self.journal.folder)

    def draw(self) -> None:
        """Draw the projections."""
        self._projector.finish()

    def mark(
        self,
        phases: Collection[str],
        commit: str,
        names: Mapping[str, Mapping[str, Collection[str]]],
        *,
        standins: str,
    ) -> tuple[str, ...]:
        """Write the marker of every one of ``phases`` that is complete, and take away those that no longer are."""
        store = self.store()
        done = []
        for phase in phases:
            absent = self._phases[phase].absent(self._root, displayed_folder(self._root, self.journal.folder))
            checks = self._check(store, phase, names.get(phase, {}), commit, standins)
            broken = [check for check in checks if not check.holds]
            whole = complete(store, phase, names.get(phase, {}), run=self.run, commit=commit, standins=standins)
            if whole and not absent and not broken:
                held = [check.criterion for check in checks]
                mark_done(self._root, phase, {"commit": commit, "run": self.run, "criteria": held})
                PhaseDone(self.run, phase, commit, tuple(held)).append_to(self.journal)
                done.append(phase)
            elif (broken or _failed(store, phase, commit, self.run)) and clear_done(self._root, phase):
                why = f"{broken[0].criterion}: {broken[0].message}" if broken else "an item of it failed"
                PhaseReopened(self.run, phase, commit, why).append_to(self.journal)
            if whole:
                self.notes += [f"{phase} is not done: {path} does not exist" for path in absent]
                self.notes += [f"{phase} is not done: {check.criterion}: {check.message}" for check in broken]
        return tuple(done)

    def _check(
        self, store: RunStore, phase: str, names: Mapping[str, Collection[str]], commit: str, standins: str
    ) -> tuple[PhaseCheck, ...]:
        """Ask every criterion of a phase that has a check, and record the answers."""

        def scenario(name: str) -> str:
            only = {cell: {name} for cell, known in names.items() if name in known}
            if not only:
                return f"there is no scenario {name} in this phase"
            whole = complete(store, phase, only, run=self.run, commit=commit, standins=standins, tests=False)
            return "" if whole else f"{name} has not passed in every cell"

        found = []
        for criterion in self._phases[phase].criteria:
            if criterion.kind:
                holds, message = check_criterion(
                    criterion,
                    root=self._root,
                    status_dir=displayed_folder(self._root, self.journal.folder),
                    toolchain=self._toolchain,
                    scenario=scenario,
                    trusted=self._trusted,
                )
                found.append(PhaseCheck(self.run, phase, criterion.text, holds, commit, message))
                found[-1].append_to(self.journal)
        return tuple(found)


def _parts(items: Sequence[ItemKey]) -> list[tuple[ItemKey, ...]]:
    """The items in parts that each fit into an entry; one part at least."""
    parts: list[list[ItemKey]] = [[]]
    room = PART
    for key in items:
        size = len(json.dumps([key.phase, key.scenario, key.cell])) + _NAMES
        if size > room and parts[-1]:
            parts.append([])
            room = PART
        parts[-1].append(key)
        room -= size
    return [tuple(part) for part in parts]


def _shortened(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line, as far as it fits: a shell may give a run as many paths as a disk has."""
    room = PART // 4
    for number, argument in enumerate(argv):
        room -= len(json.dumps(argument))
        if room < 0:
            return (*argv[:number], f"... and {len(argv) - number} more")
    return tuple(argv)


def _failed(store: RunStore, phase: str, commit: str, run: str) -> bool:
    """Whether something of a phase failed in a run; without a run, at a commit."""
    known = store.verdicts(run=run) if run else store.verdicts(commit=commit)
    return any(item.phase == phase and item.verdict not in SATISFYING for item in known.values())


def complete(
    store: RunStore,
    phase: str,
    names: Mapping[str, Collection[str]],
    *,
    run: str,
    commit: str,
    standins: str,
    cells: Sequence[Cell] = Matrix().cells,
    tests: bool = True,
) -> bool:
    """Whether everything the phase has (``names``: cell to scenarios) is verified, in every cell, for this commit.

    Without a commit only this run counts. What was skipped is not verified. With ``standins`` "reject" a stand-in does
    not count, so the phase is complete only where every cell has run on its own host. ``tests``: marked tests that were
    announced belong to it too.
    """
    scope = {"commit": commit} if commit else {"run": run}
    verdicts = store.verdicts(**scope)
    announced = {key for key in store.announced(**scope) if key.phase == phase}
    wanted = {ItemKey(phase, name, cell.id) for cell in cells for name in names.get(cell.id, ())}
    wanted |= {key for key in announced if tests and "::" in key.scenario}
    if not wanted:
        return False
    for key in wanted:
        item = verdicts.get(key)
        if item is None or item.verdict not in SATISFYING or (item.stand_in and standins == "reject"):
            return False
    return True
