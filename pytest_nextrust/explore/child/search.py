"""The search over whole states: every reachable one, or the first that violates something.

Spin loops are cycles, not bounds, so a search that ends has seen everything that can happen. It is breadth first: the
first violation it meets is one with the fewest macro-steps before it.

Boundary: numbers and tuples, as ``transition_system``'s.
"""

from __future__ import annotations

import struct
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from pytest_nextrust.explore.child.checkpoint import Keeper, SearchState, SearchToResume
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation

__all__ = ["Enough", "Graph", "SearchFigures", "explore_states", "shortest_by_switches"]

Node = tuple[State, int]
"""A state and the thread that moved last; parents are kept with the move that led on."""

Parents = dict[Node, tuple[Node, int] | None]


class SearchFigures(NamedTuple):
    """How far a search is: states met, of which some have been left behind, and the depth of the next one."""

    met: int
    left: int
    depth: int

    @property
    def frontier(self) -> int:
        """The states that are still to be gone on from."""
        return self.met - self.left


Enough = Callable[[SearchFigures], bool]
"""Is asked now and then whether a search is to end."""


@dataclass(slots=True)
class Graph:
    """What a search saw. ``edges[i][m]`` is the number of the state after move m from state i, -1 for none.

    ``ends``, where a quick way is there to say so, answers whether the program always ends, and, where it is given
    True, in every fair run (see ``termination``). ``starved``: the system had no memory for more.
    ``stuck`` so answers the least state of a component that nothing leaves and that has no final state, ``way`` by
    which states the search came to one.
    """

    states: Sequence[State] = ()
    edges: Sequence[tuple[int, ...]] = ()
    finals: Sequence[int] = ()
    transitions: int = 0
    violation: Violation | None = None
    complete: bool = False
    starved: bool = False
    stuck: Callable[[], int | None] | None = None
    way: Callable[[int], Sequence[int]] | None = None
    ends: Callable[[bool], bool] | None = None


def explore_states(system: TransitionSystem, enough: Enough | None = None, keeper: Keeper | None = None) -> Graph:
    """See every reachable state, or stop at the first violation, or when ``enough(how far it is)``.

    ``complete`` is true only when nothing reachable was left out. ``keeper``: whose checkpoints are read and written.
    Raises Reclassified, Asymmetric; Unfinished.
    """
    states: list[State] = [system.start]
    edges: list[tuple[int, ...]] = []
    finals: list[int] = []
    graph = Graph(states, edges, finals)
    taught = array("I")
    graph.violation = system.violation_of_any(system.start)
    if keeper is not None and (resumed := keeper.to_resume()) is not None:
        with closing(resumed):
            taught = _resumed(system, keeper, resumed, states, edges, finals)
        graph.transitions = resumed.header.transitions
    index: dict[State, int] = {state: number for number, state in enumerate(states)}
    at = len(edges)
    depth, level_end = _level(edges)
    while at < len(states) and graph.violation is None:
        if at >= level_end:
            depth, level_end = depth + (at > 0), len(states)
        state, learned = states[at], system.learned
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
        if system.learned != learned:
            taught.append(at)
        at += 1
        if at & 0xF == 0 and enough is not None:
            ended = enough(SearchFigures(len(states), at, depth))
            if keeper is not None:
                keeper.look(system, lambda: _put_aside(system, graph, taught), last=ended)
            if ended:
                return graph
    graph.complete = graph.violation is None
    return graph


def _level(edges: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The depth of the last state that was left behind, and the first state that is deeper."""
    met, depth, level_end = 1, 0, 0
    for at, row in enumerate(edges):
        if at >= level_end:
            depth, level_end = depth + (at > 0), met
        met = max(met, 1 + max(row, default=0))
    return depth, level_end


def _resumed(
    system: TransitionSystem,
    keeper: Keeper,
    resumed: SearchToResume,
    states: list[State],
    edges: list[tuple[int, ...]],
    finals: list[int],
) -> array[int]:
    """Take a checkpoint into the lists of a search; answers from which states something was learned."""
    header = resumed.header
    states[:] = struct.iter_unpack(f"={header.width}i", resumed.numbers(header.states * header.width))
    edges[:] = struct.iter_unpack(f"={header.moves}i", resumed.numbers(header.left * header.moves))
    finals[:] = resumed.numbers(header.finals)
    taught = resumed.numbers(header.taught)
    keeper.teach(system, states, taught)
    return taught


def _put_aside(system: TransitionSystem, graph: Graph, taught: array[int]) -> SearchState:
    state, row = struct.Struct(f"={system.count + 2}i").pack, struct.Struct(f"={system.moves}i").pack
    return SearchState(
        False,
        len(graph.states),
        len(graph.edges),
        graph.transitions,
        [b"".join(state(*found) for found in graph.states)],
        [b"".join(row(*found) for found in graph.edges)],
        array("I", graph.finals).tobytes(),
        taught.tobytes(),
    )


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
