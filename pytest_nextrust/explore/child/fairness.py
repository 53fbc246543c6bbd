"""Threads that repeat for ever: can one of them starve, and how often may others pass it?

*Starvation*: a cycle of whole states that schedules every thread and in which one thread never completes a round.
*Overtaking*: the most rounds that others complete between the moment when a thread begins to wait for its turn and the
end of that round; unbounded where a cycle inside that time contains another thread's completion. A thread begins to
wait at the end of its *doorway*, where the program marks one, and else with its first shared access of a round. Of a
program with a doorway only a thread past it starves: a ticket that is drawn by ``cas`` may be lost to others for ever,
and is not yet held.

Both are read off the complete graph of the repeating program. Sources: Lamport, "A new solution of Dijkstra's
concurrent programming problem", CACM 17(8), 1974 (bounded waiting); Tarjan 1972 for the components.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_nextrust.explore.child.liveness import components
from pytest_nextrust.explore.child.search import Graph
from pytest_nextrust.explore.child.transition_system import TransitionSystem

__all__ = ["Edge", "overtaking", "rounds", "starving"]

Edge = tuple[int, int, int, bool]
"""State before, state after, the thread that moved, and whether it completed a round."""


def rounds(system: TransitionSystem, graph: Graph) -> list[Edge]:
    """Every edge of the graph with its thread and whether that thread's round ended on it."""
    edges = []
    for before, row in enumerate(graph.edges):
        state = graph.states[before]
        for thread, after in enumerate(row[: system.count]):
            if after >= 0:
                step = system.engine.macro_step(thread, state[thread], state[system.count])
                edges.append((before, after, thread, any(event[0] == "round" for event in step.events)))
    return edges


def starving(
    system: TransitionSystem, graph: Graph, edges: Iterable[Edge], thread: int, *, waiting: bool = False
) -> list[int] | None:
    """The states of a component that schedules every thread and never completes ``thread``'s round; None if none
    does. ``waiting``: only while the thread waits for its turn.
    """
    kept = [edge for edge in edges if not (edge[2] == thread and edge[3])]
    if waiting:
        entered = _entered(system, graph, thread)
        kept = [edge for edge in kept if entered[edge[0]] and entered[edge[1]]]
    for component in _cyclic(len(graph.states), kept):
        members = set(component)
        movers = {edge[2] for edge in kept if edge[0] in members and edge[1] in members}
        if len(movers) == system.count:
            return sorted(component)
    return None


def overtaking(system: TransitionSystem, graph: Graph, edges: Iterable[Edge], thread: int) -> int | None:
    """How many rounds others complete at most while ``thread`` waits for its turn; None: no bound."""
    waiting = _entered(system, graph, thread)
    kept = [edge for edge in edges if waiting[edge[0]] and waiting[edge[1]] and not (edge[2] == thread and edge[3])]
    out: list[list[Edge]] = [[] for _ in graph.states]
    for edge in kept:
        out[edge[0]].append(edge)
    best = [0] * len(graph.states)
    where = [-1] * len(graph.states)
    successors = [[edge[1] for edge in row] for row in out]
    for number, component in enumerate(components(successors)):
        for state in component:
            where[state] = number
        inside = [edge for state in component for edge in out[state] if where[edge[1]] == number]
        if any(edge[3] for edge in inside):
            return None
        most = max((best[edge[1]] + edge[3] for state in component for edge in out[state]), default=0)
        for state in component:
            best[state] = most
    return max(best)


def _entered(system: TransitionSystem, graph: Graph, thread: int) -> list[bool]:
    table = system.engine.threads[thread].table
    return [table[state[thread]].entered for state in graph.states]


def _cyclic(size: int, edges: Iterable[Edge]) -> Iterator[list[int]]:
    successors: list[list[int]] = [[] for _ in range(size)]
    for before, after, _, _ in edges:
        successors[before].append(after)
    for component in components(successors):
        if len(component) > 1 or component[0] in successors[component[0]]:
            yield component
