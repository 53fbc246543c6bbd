"""Choosing: which files are looked at, which items run, in which order, and what is announced.

Under a phase: the shipped scenarios, the project's, then the tests marked for it; everything else is deselected.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.plugin.collection import PENDING, EmptyPhase, ScenarioFile, ScenarioItem
from pytest_nextrust.plugin.plan import RunPlan
from pytest_nextrust.plugin.session import Session
from pytest_nextrust.plugin.shards import cut
from pytest_nextrust.project.matrix import Cell, Matrix
from pytest_nextrust.scenario.model import FILE_NAME
from pytest_nextrust.status.records import Item

__all__ = ["Selection", "arguments"]


def arguments(session: Session, given: list[str], defaults: list[str]) -> list[str]:
    """What pytest is to look at: the arguments given, else (for a phase) what it would look at by itself, ``defaults``.

    The scenario folders are not among them: see ``Selection``. Raises UsageError for a scenario that does not exist.
    """
    wanted, known = session.settings.scenario, session.catalogue
    if given or session.mode == "node":
        return given
    if wanted is not None:
        if wanted not in known.files:
            searched = ", ".join(map(str, known.folders)) or "no folder at all"
            names = ", ".join(sorted(known.files)) or "none"
            raise pytest.UsageError(f"--nextrust-scenario {wanted}: no such scenario in {searched}; known: {names}")
        return []
    return defaults


class Selection:
    """The collection hooks of one process.

    Without a path argument the scenario folders are collected here, and not as arguments: pytest would load every
    ``conftest.py`` above a folder that lies outside the rootdir, as the shipped one does.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.hookimpl
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if file_path.name != FILE_NAME or not self.session.settings.paths:
            return None
        if self.session.settings.scenario not in (None, file_path.parent.name):
            return None
        return ScenarioFile.at(parent, file_path)

    def _scenario_items(self, session: pytest.Session) -> list[pytest.Item]:
        """The items of every scenario there is; none where paths were given, which pytest has looked at."""
        if self.session.settings.paths:
            return []
        wanted = self.session.settings.scenario
        return [
            item
            for name, file in self.session.catalogue.files.items()
            if wanted in (None, name)
            for item in session.genitems(ScenarioFile.at(session, file))
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        if self.session.mode == "node":
            return
        items[:0] = self._scenario_items(session)
        self._note_tests(items)
        chosen = [item for item in items if self._wanted(item)]
        dropped = [item for item in items if not self._wanted(item)]
        if not chosen and not session.testsfailed and not _is_worker(session):
            items.clear()  # what was dropped must not be announced on the way out
            raise pytest.UsageError(self.session.nothing())
        if chosen and self.session.mode == "phase":
            chosen += self._empty_phases(session, chosen)
        plan = self.session.plan
        if plan is not None and plan.shard is not None and chosen:
            try:
                mine, self.session.shard = cut([item.stash[PENDING] for item in chosen], plan)
            except UsageFault as error:
                items.clear()  # pytest goes on to the end of the collection, where what is left is announced
                raise pytest.UsageError(str(error)) from None
            dropped += [item for item in chosen if item.nodeid not in mine]
            chosen = [item for item in chosen if item.nodeid in mine]
        if plan is not None:
            chosen.sort(key=lambda item: _place(plan, item.stash[PENDING]))
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        items[:] = chosen

    def _wanted(self, item: pytest.Item) -> bool:
        name, plan = self.session.settings.scenario, self.session.plan
        if isinstance(item, ScenarioItem):
            if name is not None and item.scenario.name != name:
                return False
            return plan is None or plan.runs(item.phase, item.cell.id)
        if name is not None or plan is None or not self._marked(item):
            return False
        return plan.runs(item.stash[PENDING].phase, item.stash[PENDING].cell)

    def _note_tests(self, items: Iterable[pytest.Item]) -> None:
        """Keep which marked tests there are, in every cell of the matrix: a phase is not done without those that -k,
        -m or the choice of cells leave out."""
        for item in items:
            if isinstance(item, ScenarioItem) or not self._marked(item):
                continue
            cpus = item.get_closest_marker("nextrust").kwargs.get("cpu")  # type: ignore[union-attr]
            pending = item.stash[PENDING]
            known = self.session.tests.setdefault(pending.phase, {})
            for cell in Matrix().cells:
                if not cpus or cell.cpu in ((cpus,) if isinstance(cpus, str) else cpus):
                    known.setdefault(cell.id, set()).add(pending.scenario)

    def _marked(self, item: pytest.Item) -> bool:
        """Whether this is a test marked for a phase; gives it its pending item."""
        if PENDING in item.stash:
            return True
        marker = item.get_closest_marker("nextrust")
        callspec = getattr(item, "callspec", None)
        cell = callspec.params.get("nextrust_cell") if callspec is not None else None
        if marker is None or not marker.kwargs.get("phase") or not isinstance(cell, Cell):
            return False
        nodeid = self.session.nodeid(item)
        name = nodeid.replace(f"[{cell.id}]", "").replace(f"-{cell.id}", "").replace(f"{cell.id}-", "")
        item.stash[PENDING] = self.session.pending(
            phase=marker.kwargs["phase"],
            scenario=name,
            cell=cell,
            nodeid=item.nodeid,
            reproduction=f"{shlex.join(self.session.command)} '{nodeid}'",
        )
        return True

    def _empty_phases(self, session: pytest.Session, chosen: Iterable[pytest.Item]) -> list[pytest.Item]:
        """Failing items for the phases of the plan that have nothing; not where the user narrowed what is looked at."""
        plan = self.session.plan
        if plan is None or self.session.settings.paths or self.session.settings.scenario:
            return []
        full = {item.stash[PENDING].phase for item in chosen}
        cells = {cell.id: cell for cell in self.session.settings.cells}
        return [
            EmptyPhase.from_parent(
                session,
                name=f"{phase}[{cell}]",
                nodeid=f"nextrust::{phase}[{cell}]",
                cell=cells[cell],
                phase=phase,
                scenario_name="(nothing)",
                reproduction=self.session.phase_reproduction(phase, cell),
            )
            for phase, ids in plan.cells.items()
            if phase not in full
            for cell in ids
        ]

    # First: xdist notifies the controller from the same hook, which then reads what is written here.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.testsfailed and not session.config.option.continue_on_collection_errors and not _is_worker(session):
            return  # pytest is about to stop: nothing will run, so nothing is announced
        expected = {item.nodeid: item.stash[PENDING] for item in session.items if PENDING in item.stash}
        self.session.expected.update(
            {nodeid: dataclasses.replace(pending, nodeid=nodeid) for nodeid, pending in expected.items()}
        )
        workerinput = getattr(session.config, "workerinput", None)
        if workerinput is not None:
            sidecar = Path(workerinput["nextrust"]["sidecar"])
            if not sidecar.exists():
                collected = {
                    "items": {nodeid: to_plain(pending) for nodeid, pending in self.session.expected.items()},
                    "tests": {
                        phase: {cell: sorted(names) for cell, names in cells.items()}
                        for phase, cells in self.session.tests.items()
                    },
                    "shard": to_plain(self.session.shard),
                }
                atomic_replace(sidecar, json.dumps(collected).encode())


def _place(plan: RunPlan, pending: Item) -> tuple[int, float]:
    """Where an item runs: phases in their order, in each the likely failures first where that is asked for."""
    return plan.rank(pending.phase), -plan.chance(pending.key)


def _is_worker(session: pytest.Session) -> bool:
    return hasattr(session.config, "workerinput")
