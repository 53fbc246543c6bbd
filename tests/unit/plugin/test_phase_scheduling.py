"""The scheduler against simulated workers: everything runs once, in an order the phases allow, and nothing hangs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.plugin.xdist import CellScheduling
from pytest_nextrust.project.phases import Phase, Phases


class Worker:
    """As xdist's: runs its items in order, and its last one only when it is told that no more will come."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.queue: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down, "given work after it was told to end"
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def can_run(self) -> bool:
        return len(self.queue) > 1 or (self.shutting_down and bool(self.queue))


class Run:
    """A whole run: ``phases`` in ``cells``, with ``items`` per phase and cell, on ``workers`` workers."""

    def __init__(self, phases: Phases, cells: list[str], items: dict[str, int], workers: int) -> None:
        self.phases = phases
        self.ids = [f"{p.id}|{cell}|{n}" for p in phases for cell in cells for n in range(items[p.id])]
        self.ended: list[str] = []
        self.crashes: list[str] = []
        config: Any = SimpleNamespace(
            getvalue=lambda name: ["popen"] * workers, option=SimpleNamespace(loadscopereorder=False)
        )

        def log(*args: object) -> None:
            """xdist's log."""

        log.loadscopesched = log  # type: ignore[attr-defined]
        self.scheduler = CellScheduling(
            config,
            log,
            unit_of=lambda nodeid: (nodeid.split("|")[1], nodeid.split("|")[0]),
            needs=lambda phase: [p.id for p in phases.closure(phase)[:-1]],
            may_share=phases.may_share,
            crashed=lambda nodeid, worker: self.crashes.append(nodeid),
        )
        self.workers = [Worker(f"gw{n}") for n in range(workers)]
        for worker in self.workers:
            self.scheduler.add_node(worker)
            self.scheduler.add_node_collection(worker, self.ids)
        self.together: set[tuple[str, str]] = set()
        self.by: dict[str, str] = {}

    def go(self, choose: Any, *, kill: bool = False) -> None:
        """Run to the end, letting ``choose`` say which worker is next; with ``kill`` one dies in between."""
        self.scheduler.schedule()
        while self.scheduler.has_pending:
            able = [worker for worker in self.scheduler.nodes if worker.can_run]
            assert able, f"nothing goes on; left: {list(self.scheduler.workqueue)}"
            worker = able[choose(len(able))]
            self._check(self.ids[worker.queue[0]], worker)
            if kill and len(self.ended) == len(self.ids) // 2:
                kill = False
                self._die(worker)
                continue
            index = worker.queue.pop(0)
            self.ended.append(self.ids[index])
            self.by[self.ids[index]] = worker.gateway.id
            self.scheduler.mark_test_complete(worker, index)
            if worker.shutting_down and not worker.queue:
                self.scheduler.remove_node(worker)

    def _die(self, worker: Worker) -> None:
        self.ended.append(self.ids[worker.queue[0]])
        self.scheduler.remove_node(worker)
        fresh = Worker("again")
        self.scheduler.add_node(fresh)
        self.scheduler.add_node_collection(fresh, self.ids)
        self.scheduler.schedule()

    def _check(self, nodeid: str, worker: Worker) -> None:
        """What ``nodeid`` builds on has ended in its cell, and nothing runs beside it there that may not."""
        phase, cell, _ = nodeid.split("|")
        below = {p.id for p in self.phases.closure(phase)[:-1]}
        for other in self.ids:
            its_phase, its_cell, _ = other.split("|")
            if its_cell == cell and its_phase in below:
                assert other in self.ended, f"{nodeid} before {other}"
        for other_worker in self.scheduler.nodes:
            if other_worker is not worker and other_worker.queue:
                its_phase, its_cell, _ = self.ids[other_worker.queue[0]].split("|")
                if its_cell == cell and its_phase != phase:
                    assert self.phases.may_share(phase, its_phase), f"{phase} beside {its_phase}"
                    self.together.add((phase, its_phase))


GRAPHS = st.integers(1, 6).flatmap(
    lambda n: st.lists(
        st.tuples(st.sets(st.integers(0, n - 1), max_size=3), st.sampled_from(["", "a", "b"]), st.integers(1, 4)),
        min_size=n,
        max_size=n,
    )
)


@settings(max_examples=300, deadline=None)
@given(GRAPHS, st.integers(1, 3), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_any_phases_run_once_in_an_order_they_allow(
    graph: list[tuple[set[int], str, int]], cells: int, workers: int, kill: bool, random: Any
) -> None:
    """Any dependencies and groups, any number of cells and workers, any timing, a worker dying or none: every item ends
    once, after all it builds on, never beside a phase of another group in its cell, and the run never stalls."""
    phases = Phases(
        [
            Phase(f"p{i}", "P", depends=tuple(f"p{n}" for n in sorted(needs) if n < i), parallel_group=group)
            for i, (needs, group, _) in enumerate(graph)
        ]
    )
    items = {f"p{i}": count for i, (_, _, count) in enumerate(graph)}
    run = Run(phases, [f"c{n}" for n in range(cells)], items, workers)
    run.go(random.randrange, kill=kill)
    assert sorted(run.ended) == sorted(run.ids)


def shipped(workers: int) -> Run:
    """One cell with phases as shipped: 2 and 4 both need 1 and share a group."""
    phases = Phases(
        [
            Phase("1", "environment", parallel_group="e"),
            Phase("2", "objects", depends=("1",), parallel_group="build"),
            Phase("3", "target", depends=("2",), parallel_group="target"),
            Phase("4", "emulation", depends=("1",), parallel_group="build"),
        ]
    )
    return Run(phases, ["c"], {"1": 4, "2": 5, "3": 4, "4": 5}, workers)


def test_phases_of_one_cell_run_side_by_side() -> None:
    """With two workers the two that may share do, on different workers; a third never runs beside another group."""
    run = shipped(2)
    turns = iter(range(1000))
    run.go(lambda n: next(turns) % n)
    assert ("2", "4") in run.together or ("4", "2") in run.together
    assert run.by["2|c|0"] != run.by["4|c|0"]


def test_one_worker_does_all() -> None:
    """Alone it runs everything in dependency order, and nothing beside anything."""
    run = shipped(1)
    run.go(lambda n: 0)
    assert run.ended == run.ids
    assert run.together == set()


def test_a_chain_stays_on_its_worker() -> None:
    """Phases that only follow each other do not move between workers: what one built is warm for the next."""
    phases = Phases([Phase("1", "a"), Phase("2", "b", depends=("1",))])
    run = Run(phases, ["c0", "c1", "c2", "c3"], {"1": 3, "2": 3}, 2)
    turns = iter(range(1000))
    run.go(lambda n: next(turns) % n)
    for cell in ("c0", "c1", "c2", "c3"):
        assert len({worker for nodeid, worker in run.by.items() if f"|{cell}|" in nodeid}) == 1
