"""Running under pytest-xdist: a scheduler of phases and cells, and the controller, which notices what is lost.

All items of a phase in a cell run on one worker in the order of collection, whatever ``--dist`` says but ``each``,
which the plugin refuses. A phase starts in a cell when what it depends on has ended there, or on the worker that has
that before it; phases of a cell that may run side by side do, where a worker has nothing else. When a worker dies, the
item it was running is recorded as ``crashed`` before the rest is given to another worker, so that a phase depending on
it is refused there.

Each item has one verdict: the worker's, where it recorded one, else ``crashed``, which the controller records when
that worker has ended. So workers end before the run does (``Controller.pytest_sessionfinish``), and one that shows no
sign of life, or hangs in an item, is ended (``heartbeat``), wherever it is.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import execnet
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from pytest_nextrust.base.convert import from_plain
from pytest_nextrust.plugin.bounds import end_worker, is_local
from pytest_nextrust.plugin.heartbeat import Watch
from pytest_nextrust.plugin.recording import Recording
from pytest_nextrust.plugin.session import Session
from pytest_nextrust.status.records import Item, Shard

__all__ = ["CellScheduling", "Controller"]


class CellScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's scheduling by scope, a scope being a phase in a cell.

    ``unit_of`` gives the cell and the phase of a node id; ``needs`` all phases that a phase builds on; ``may_share``
    says whether two phases may run at the same time in one cell. ``crashed`` is called with the node id that a dying
    worker was running: the base class gives that item to the next worker again, which would take one worker after
    another down with it.

    A worker runs its last item only when it has another, or is shut down. So where all wait for each other's last items
    (a phase that depends on two which two workers hold), one of them is shut down.
    """

    def __init__(
        self,
        config: pytest.Config,
        log: Any,
        *,
        unit_of: Callable[[str], tuple[str, str]],
        needs: Callable[[str], Sequence[str]],
        may_share: Callable[[str, str], bool],
        crashed: Callable[[str, str], None],
    ) -> None:
        super().__init__(config, log)
        self._unit_of = unit_of
        self._needs = needs
        self._may_share = may_share
        self._crashed = crashed
        self._units: dict[str, tuple[str, str]] = {}
        self._owner: dict[str, Any] = {}

    def _split_scope(self, nodeid: str) -> str:
        cell, phase = self._unit_of(nodeid)
        scope = f"{phase} in {cell}"
        self._units[scope] = (cell, phase)
        return scope

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """An item ended; where it was the last of its phase in its cell, another worker may have waited for that."""
        super().mark_test_complete(node, item_index, duration)
        scope = self._split_scope(self.registered_collections[node][item_index])
        if not self._open(scope):
            for other in self.nodes:
                if other is not node:
                    self._reschedule(other)

    def _open(self, scope: str) -> bool:
        """Whether something of it has not ended: it waits, or runs on its owner."""
        owner = self._owner.get(scope)
        unit = self.workqueue.get(scope) or self.assigned_work.get(owner, {}).get(scope, {})
        return not all(unit.values())

    def _blockers(self, scope: str, node: Any) -> Iterator[str]:
        """The scopes that keep this one from being given to ``node`` now."""
        cell, phase = self._units[scope]
        for other, (its_cell, its_phase) in self._units.items():
            if its_cell != cell or other == scope or not self._open(other):
                continue
            waits = other in self.workqueue
            if its_phase in self._needs(phase):
                if waits or self._owner.get(other) is not node:
                    yield other
            elif not waits and self._owner.get(other) is not node and not self._may_share(phase, its_phase):
                yield other

    def _choose(self, node: Any) -> str | None:
        """What ``node`` does next: what goes on from its own work, then what nothing depends on, then anything."""
        free = [scope for scope in self.workqueue if next(self._blockers(scope, node), None) is None]

        def rank(scope: str) -> int:
            cell, phase = self._units[scope]
            owners = [self._owner.get(f"{need} in {cell}") for need in self._needs(phase)]
            own = any(owner is node for owner in owners)
            return 0 if own else 2 if any(owner is not None for owner in owners) else 1

        return min(free, key=rank, default=None)

    def _assign_work_unit(self, node: Any) -> None:
        scope = self._choose(node) if self.workqueue else None
        if scope is None:
            return
        self.workqueue.move_to_end(scope, last=False)
        self._owner[scope] = node
        super()._assign_work_unit(node)

    def _reschedule(self, node: Any) -> None:
        """Give ``node`` more, if it has little left; with nothing left to give, let those end that wait for more."""
        low = 2
        while not node.shutting_down and self.workqueue and self._pending_of(self.assigned_work[node]) <= low:
            waiting = len(self.workqueue)
            self._assign_work_unit(node)
            if len(self.workqueue) == waiting:
                break
            low = 1  # a single item would not be run yet
        if self.workqueue:
            self._end_a_stall()
            return
        for other in self.nodes:
            if not other.shutting_down and self._pending_of(self.assigned_work[other]) <= 1:
                other.shutdown()

    def _end_a_stall(self) -> None:
        """Where every worker holds at most its last item and none may be given more, end those that some scope is
        waiting for, but one: that one gets it."""
        alive = [node for node in self.nodes if not node.shutting_down]
        ending = len(alive) < len(self.nodes)
        busy = any(self._pending_of(self.assigned_work[node]) > 1 for node in alive)
        if not alive or ending or busy or any(self._choose(node) is not None for node in alive):
            return
        for scope in self.workqueue:
            blockers = list(self._blockers(scope, None))
            if not any(other in self.workqueue for other in blockers):
                held = [self._owner.get(other) for other in blockers]
                for node in [node for node in alive if any(owner is node for owner in held)][1:]:
                    node.shutdown()
                return

    def remove_node(self, node: Any) -> str | None:
        """Take a node away; what it had begun is over, what it had not goes back to the front of the queue."""
        workload = self.assigned_work.pop(node)
        waiting = [nodeid for unit in workload.values() for nodeid, done in unit.items() if not done]
        running: str | None = waiting[0] if waiting else None
        if running is not None:
            self._crashed(running, node.gateway.id)
        for scope, unit in reversed(list(workload.items())):
            if running in unit:
                unit[running] = True
            left = {nodeid: done for nodeid, done in unit.items() if not done}
            if left:
                self._owner.pop(scope, None)
                self.workqueue[scope] = left
                self.workqueue.move_to_end(scope, last=False)
        for other in self.nodes:
            self._reschedule(other)
        return running


class Controller:
    """The controller's hooks: hands the plan to workers, announces the run, and notices what is lost."""

    def __init__(self, session: Session, recording: Recording) -> None:
        self.session = session
        self.recording = recording
        self._announced = False
        self._nodes: list[Any] = []
        self._replace: Callable[[Any], Any] | None = None
        self._watch = Watch(session.settings.worker_timeout)
        self._watch.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        worker, channel = node.gateway.id, node.gateway.newchannel()
        node.workerinput["nextrust"] = {**self.session.for_worker(), "heartbeat": channel}
        self._nodes.append(node)
        self._watch.add(worker, partial(self._end, node))
        channel.setcallback(partial(self._watch.heard, worker))

    def _end(self, node: Any) -> None:
        """End a worker. One elsewhere is called down at once: that its connection ends may never be seen here."""
        if is_local(node.gateway):
            end_worker(node.gateway)
        elif not node._down:
            node._down = True
            end_worker(node.gateway)
            node.notify_inproc("errordown", node=node, error="it did not answer")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> CellScheduling:
        plan, phases = self.session.plan, self.session.phases

        def may_share(one: str, other: str) -> bool:
            return one in phases and other in phases and phases.may_share(one, other)

        return CellScheduling(
            config,
            log,
            unit_of=self._unit_of,
            needs=lambda phase: [p.id for p in phases.closure(phase)[:-1]] if plan and phase in phases else (),
            may_share=may_share,
            crashed=self._crashed,
        )

    def _unit_of(self, nodeid: str) -> tuple[str, str]:
        pending = self.session.expected.get(nodeid)
        return (pending.cell, pending.phase) if pending is not None else (nodeid.rsplit("::", 1)[0], "")

    def _crashed(self, nodeid: str, worker: str) -> None:
        self.recording.lost(nodeid, f"worker {worker} {self._watch.ended.get(worker, 'died')} while it ran")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        if self._announced:
            return
        self._announced = True
        faults, config = self.recording.collection_errors, self.recording.config
        if faults and not config.option.continue_on_collection_errors:
            # xdist would run the rest, and half the scenarios would pass for a phase: stop, as without workers.
            raise pytest.Session.Interrupted(f"{faults} error{'s' if faults > 1 else ''} during collection")
        sidecar = Path(self.session.for_worker()["sidecar"])
        collected: dict[str, Any] = json.loads(sidecar.read_bytes()) if sidecar.exists() else {}
        found = collected.get("items", {})
        for phase, cells in collected.get("tests", {}).items():
            self.session.tests[phase] = {cell: set(names) for cell, names in cells.items()}
        if collected.get("shard") is not None:
            self.session.shard = from_plain(Shard, collected["shard"])
        for nodeid in ids:
            if nodeid in found:
                self.session.expected[nodeid] = from_plain(Item, found[nodeid])
            elif self.session.mode == "phase":
                self.session.fault(f"{nodeid}: no worker reported what it is")
        if not ids and not faults:
            raise pytest.UsageError(self.session.nothing())
        self.recording.announce()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker ended. One that does not hand over its results has lost something, whatever its exit status."""
        worker = node.gateway.id
        self._watch.remove(worker)
        self._replace_here()
        output = getattr(node, "workeroutput", {})
        if worker in self._watch.ended:
            self.session.fault(f"worker {worker} {self._watch.ended[worker]}")
        elif error is not None:
            self.session.fault(f"worker {worker} died: {error}")
        elif "nextrust" not in output:
            self.session.fault(f"worker {worker} ended without handing over its results")

    def _replace_here(self) -> None:
        """A worker elsewhere that was ended is replaced by one on this machine: what did not answer would not answer a
        new one either, and xdist would wait for that without end."""
        distributed = self.recording.config.pluginmanager.get_plugin("dsession")
        if distributed is None or self._replace is not None:
            return
        self._replace = replace = distributed._clone_node

        def clone(node: Any) -> Any:
            if node.gateway.id not in self._watch.ended or is_local(node.gateway):
                return replace(node)
            spec, manager = execnet.XSpec("popen"), distributed.nodemanager
            manager.group.allocate_id(spec)
            new = manager.setup_node(spec, distributed.queue.put)
            distributed._active_nodes.add(new)
            return new

        distributed._clone_node = clone

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """No worker outlives the run: before what is missing is looked for, each has ended, by itself or by SIGKILL.

        A worker that still ran would go on recording items that were called lost. A second Ctrl-C is not heard
        meanwhile: it would leave the run without its end.
        """
        with _undisturbed():
            self._watch.stop()
            distributed = self.recording.config.pluginmanager.get_plugin("dsession")
            manager = getattr(distributed, "nodemanager", None)
            if manager is not None:
                manager.teardown_nodes()  # asks, and after ten seconds kills
                for node in self._nodes:
                    if is_local(node.gateway):
                        node.gateway._io.wait()
            return (yield)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Without SIGINT, where this may be asked for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
