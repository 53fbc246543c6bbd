"""Running under pytest-xdist: a scheduler that keeps a cell together, and the controller's guard against losses.

All items of a cell run on one worker in the order of collection (phases in dependency order), whatever ``--dist`` says
but ``each``, which the plugin refuses. When a worker dies, the item it was running is recorded as ``crashed`` before
the rest of the cell is given to another worker, so that a phase depending on it is refused there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from pytest_nextrust.collect import Results
from pytest_nextrust.session import Session
from pytest_nextrust.status.records import Item
from pytest_nextrust.wire import from_wire

__all__ = ["CellScheduling", "Guard"]


class CellScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's scheduling by scope, the scope being the cell.

    ``crashed`` is called with the node id that a dying worker was running. The base class gives that item to the next
    worker again, which would take one worker after another down with it.
    """

    def __init__(
        self, config: pytest.Config, log: Any, *, cell_of: Callable[[str], str], crashed: Callable[[str, str], None]
    ) -> None:
        super().__init__(config, log)
        self._cell_of = cell_of
        self._crashed = crashed

    def _split_scope(self, nodeid: str) -> str:
        return self._cell_of(nodeid)

    def remove_node(self, node: Any) -> str | None:
        """Take a node away; what it had begun is over, what it had not goes back to the front of the queue."""
        workload = self.assigned_work.pop(node)
        waiting = [nodeid for unit in workload.values() for nodeid, done in unit.items() if not done]
        running: str | None = waiting[0] if waiting else None
        if running is None:
            return None
        self._crashed(running, node.gateway.id)
        for cell, unit in reversed(list(workload.items())):
            if running in unit:
                unit[running] = True
            left = {nodeid: done for nodeid, done in unit.items() if not done}
            if left:
                self.workqueue[cell] = left
                self.workqueue.move_to_end(cell, last=False)
        for other in self.assigned_work:
            self._reschedule(other)
        return running


class Guard:
    """The controller's hooks: hands the plan to workers, announces the run, and notices what is lost."""

    def __init__(self, session: Session, results: Results) -> None:
        self.session = session
        self.results = results
        self._announced = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["nextrust"] = self.session.for_worker()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> CellScheduling:
        return CellScheduling(config, log, cell_of=self._cell_of, crashed=self._crashed)

    def _cell_of(self, nodeid: str) -> str:
        blank = self.session.expected.get(nodeid)
        return blank.cell if blank is not None else nodeid.rsplit("::", 1)[0]

    def _crashed(self, nodeid: str, worker: str) -> None:
        self.results.lost(nodeid, f"worker {worker} died while it ran")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        if self._announced:
            return
        self._announced = True
        faults, config = self.results.collection_errors, self.results.config
        if faults and not config.option.continue_on_collection_errors:
            # xdist would run the rest, and half the scenarios would pass for a phase: stop, as without workers.
            raise pytest.Session.Interrupted(f"{faults} error{'s' if faults > 1 else ''} during collection")
        sidecar = Path(self.session.for_worker()["sidecar"])
        found: dict[str, Any] = json.loads(sidecar.read_bytes()) if sidecar.exists() else {}
        for nodeid in ids:
            if nodeid in found:
                self.session.expected[nodeid] = from_wire(Item, found[nodeid])
            elif self.session.mode == "phase":
                self.results.faults.append(f"{nodeid}: no worker said what it is")
        if not ids and not faults:
            raise pytest.UsageError(self.session.nothing())
        self.results.announce()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker ended. One that does not hand over its last words has lost something, whatever its exit status."""
        output = getattr(node, "workeroutput", {})
        if error is not None:
            self.results.faults.append(f"worker {node.gateway.id} died: {error}")
        elif "nextrust" not in output:
            self.results.faults.append(f"worker {node.gateway.id} ended without handing over its results")
