"""The scheduler, with workers that only remember what they were sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pytest_nextrust.plugin.xdist import CellScheduling


class Node:
    """A worker as the scheduler sees it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


ITEMS = [f"{cell}-{n}" for n in range(3) for cell in "abc"]


def scheduler(workers: int) -> tuple[CellScheduling, list[Node], list[tuple[str, str]]]:
    config: Any = SimpleNamespace(
        getvalue=lambda name: ["popen"] * workers, option=SimpleNamespace(loadscopereorder=False)
    )
    crashed: list[tuple[str, str]] = []
    log: Any = SimpleNamespace(loadscopesched=lambda *_: None)
    made = CellScheduling(
        config,
        log,
        unit_of=lambda i: (i[0], "p"),
        needs=lambda phase: (),
        may_share=lambda one, other: False,
        crashed=lambda i, worker: crashed.append((i, worker)),
    )
    nodes = [Node(f"gw{n}") for n in range(workers)]
    for node in nodes:
        made.add_node(node)
        made.add_node_collection(node, ITEMS)
    made.schedule()
    return made, nodes, crashed


def test_a_cell_goes_to_one_worker_whole_and_in_order() -> None:
    """Each worker gets all items of its cell, in the order of collection."""
    _, nodes, _ = scheduler(2)
    cells = [[ITEMS[i] for i in node.sent][:3] for node in nodes]
    assert cells == [["a-0", "a-1", "a-2"], ["b-0", "b-1", "b-2"]]


def test_a_dead_worker_leaves_its_rest_to_others_but_not_what_killed_it() -> None:
    """What was running is reported as crashed and not run again; the rest of its cells runs elsewhere, in order."""
    made, nodes, crashed = scheduler(1)
    made.mark_test_complete(nodes[0], 0)
    assert made.remove_node(nodes[0]) == "a-1"
    assert crashed == [("a-1", "gw0")]
    fresh = Node("gw1")
    made.add_node(fresh)
    made.add_node_collection(fresh, ITEMS)
    made.schedule()
    assert ITEMS[fresh.sent[0]] == "a-2"
    for index in fresh.sent:
        made.mark_test_complete(fresh, index)
    done: list[int] = []
    while len(done) != len(fresh.sent):
        done = list(fresh.sent)
        for index in done:
            made.mark_test_complete(fresh, index)
    assert {ITEMS[i] for i in fresh.sent} == set(ITEMS) - {"a-0", "a-1"}
    assert made.tests_finished


def test_a_worker_that_is_done_takes_nothing_with_it() -> None:
    """Removing an idle worker reports nothing."""
    made, nodes, crashed = scheduler(1)
    for index in range(len(ITEMS)):
        if index in nodes[0].sent:
            made.mark_test_complete(nodes[0], index)
    while not all(made._pending_of(work) == 0 for work in made.assigned_work.values()):
        for index in list(nodes[0].sent):
            made.mark_test_complete(nodes[0], index)
    assert made.remove_node(nodes[0]) is None
    assert crashed == []
