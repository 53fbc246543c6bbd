"""The search over whole states: every reachable one, or the first that violates something.

Spin loops are cycles, not bounds, so a search that ends has seen everything that can happen. It is breadth first: the
first violation it meets is one with the fewest macro-steps before it.

Boundary: numbers and tuples, as ``transition_system``'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation

__all__ = ["Graph", "explore_states", "shortest_by_switches"]

Node = tuple[State, int]
"""A state and the thread that moved last; parents are kept with the move that led on."""

Parents = dict[Node, tuple[Node, int] | None]


@dataclass(slots=True)
class Graph:
    """What a search saw. ``edges[i][m]`` is the number of the state after move m from state i, -1 for none.

    ``ends``, where a quick way is there to say so, answers whether the program always ends, and, where it is given
    True, in every fair run (see ``termination``). ``starved``: the system had no memory for more.
    """

    states: Sequence[State] = ()
    edges: Sequence[tuple[int, ...]] = ()
    finals: Sequence[int] = ()
    transitions: int = 0
    violation: Violation | None = None
    complete: bool = False
    starved: bool = False
    ends: Callable[[bool], bool] | None = None


def explore_states(system: TransitionSystem, enough: Callable[[int], bool] | None = None) -> Graph:
    """See every reachable state, or stop at the first violation, or when ``enough(states so far)``.

    ``complete`` is true only when nothing reachable was left out. Raises Reclassified, Asymmetric.
    """
    states: list[State] = [system.start]
    edges: list[tuple[int, ...]] = []
    finals: list[int] = []
    graph = Graph(states, edges, finals)
    index: dict[State, int] = {system.start: 0}
    graph.violation = system.violation_of_any(system.start)
    at = 0
    while at < len(states) and graph.violation is None:
        state = states[at]
        row = []
        for after in system.kept(state):
            if after is None:
                row.append(-1)
                continue
            known = index.get(after)
            if known is None:
                known = index[after] = len(states)
                states.append(after)
                graph.violation = graph.violation or system.violation_of_any(after)
            row.append(known)
            graph.transitions += 1
        edges.append(tuple(row))
        if system.is_final(state):
            finals.append(at)
        at += 1
        if at & 0xF == 0 and enough is not None and enough(len(states)):
            return graph
    graph.complete = graph.violation is None
    return graph


def shortest_by_switches(system: TransitionSystem, wanted: Callable[[State], bool]) -> list[int]:
    """The moves of a path to a wanted state with the fewest context switches, and of those the fewest macro-steps.

    Raises ValueError where no wanted state is reachable.
    """
    start = (system.start, -1)
    parents: Parents = {}
    level: list[tuple[Node, Node | None, int]] = [(start, None, -1)]
    while level:
        queue = deque[Node]()
        for node, parent, move in level:
            if node not in parents:
                parents[node] = None if parent is None else (parent, move)
                queue.append(node)
        level = []
        while queue:
            node = queue.popleft()
            state, last = node
            if wanted(state):
                return _path(parents, node)
            for move, after in enumerate(system.successors(state)):
                thread = move % system.count
                if after is None or (after, thread) in parents:
                    continue
                if last in (-1, thread):
                    parents[after, thread] = (node, move)
                    queue.append((after, thread))
                else:
                    level.append(((after, thread), node, move))
    raise ValueError("no such state is reachable")


def _path(parents: Parents, node: Node) -> list[int]:
    path = []
    step = parents[node]
    while step is not None:
        node, move = step
        path.append(move)
        step = parents[node]
    return path[::-1]
