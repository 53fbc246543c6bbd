"""Whether a program that is scheduled fairly always ends, read off the complete graph of whole states.

Two things keep it from ending. A *bottom* component (one that no path leaves) without a final state: from there it can
never end, whatever the scheduler does. And an *endless* fair run: it stays in a component that it could leave, and yet
every thread that has not returned keeps moving, as when two threads defer to each other for ever.

A run is *fair* where every thread that can always move moves again and again: weak fairness, which is what a preemptive
scheduler gives that starves nobody. Threads here never block: one that has not returned can move, always; strong
fairness (a thread that can move again and again does) asks for the same. A signal that may come is delivered in the
end. A component holds a fair run where each of its threads has returned or moves in it: that run takes all of the
component's edges again and again, since each can be reached from every other.

Where symmetric states are kept once, a thread's part is taken by others along an edge. The states' threads are then
followed along the edges, as pairs: what a pair leads to it also comes back from (the exchanges are a finite group), so
the pairs fall into classes by what is joined, and each class must hold one that has returned or moves. That is the
annotated quotient of Emerson and Sistla, and decides what the unfolded component would.

Boundary: numbers and tuples, as ``transition_system``'s. Sources: Emerson and Sistla, "Utilizing symmetry when model
checking under fairness assumptions", TOPLAS 19(4), 1997; Lehmann, Pnueli and Stavi, "Impartiality, justice and
fairness", ICALP 1981 (weak fairness is their justice).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_nextrust.explore.child.liveness import components, is_bottom
from pytest_nextrust.explore.child.search import Graph
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation

__all__ = ["kept_from_ending", "never_ends", "stuck"]

Pair = tuple[int, int]
"""A state of the graph, by number, and one of its threads."""


def never_ends(system: TransitionSystem, graph: Graph, *, fair_runs: bool = True) -> Violation | None:
    """What keeps a program from ending, at the nearest state; None where nothing does. Needs a complete graph.

    ``fair_runs``: look for endless fair runs beside what can never end. Raises Reclassified, Asymmetric.
    """
    found = kept_from_ending(system, graph, fair_runs=fair_runs)
    return None if found is None else found[0]


def stuck(system: TransitionSystem, graph: Graph) -> Violation | None:
    """The nearest state from which the program can never end, if there is one; needs a complete graph."""
    return never_ends(system, graph, fair_runs=False)


def kept_from_ending(
    system: TransitionSystem, graph: Graph, *, fair_runs: bool = True
) -> tuple[Violation, list[int]] | None:
    """As ``never_ends``, with the states, sorted, of the component that a run then never leaves."""
    if graph.ends is not None and graph.ends(fair_runs):
        return None
    edges = [tuple(child for child in row if child >= 0) for row in graph.edges]
    finals = frozenset(graph.finals)
    unfinished = [found for found in components(edges) if finals.isdisjoint(found)]
    members = min((sorted(found) for found in unfinished if is_bottom(edges, found)), default=None)
    if members is not None:
        return Violation(_hang(system, graph, edges, members), graph.states[members[0]]), members
    members = _endless(system, graph, edges, unfinished) if fair_runs else None
    return None if members is None else (Violation("endless", graph.states[members[0]]), members)


def _hang(system: TransitionSystem, graph: Graph, edges: Sequence[Sequence[int]], members: Sequence[int]) -> str:
    """What it is that a bottom component without a final state shows."""
    states = [graph.states[member] for member in members]
    shared = {state[system.count] for state in states}
    lone = any(_kind(system, state, thread) == "diverges" for state in states for thread in range(system.count))
    if lone and not system.engine.interrupts and all(not edges[member] for member in members):
        return "divergence"
    return "deadlock" if len(shared) == 1 else "livelock"


def _endless(
    system: TransitionSystem, graph: Graph, edges: Sequence[Sequence[int]], unfinished: Iterable[list[int]]
) -> list[int] | None:
    found = [
        members
        for members in unfinished
        if (len(members) > 1 or members[0] in edges[members[0]]) and _has_fair_run(system, graph, set(members))
    ]
    return sorted(min(found, key=min)) if found else None


def _has_fair_run(system: TransitionSystem, graph: Graph, members: set[int]) -> bool:
    """Whether each thread has returned, or moves inside the component, where no signal stays due."""
    joined: dict[Pair, Pair] = {}
    moved: set[Pair] = set()
    no_signal: set[Pair] = set()
    for member in members:
        state = graph.states[member]
        for thread in range(system.count):
            if _kind(system, state, thread) != "ready":
                moved.add((member, thread))  # It has returned, or runs on in memory that is its own.
            if not system.is_due(state, thread):
                no_signal.add((member, thread))
        for move, after in enumerate(graph.edges[member]):
            if after not in members:
                continue
            moved.add((member, move % system.count))
            for thread, place in enumerate(system.places(state, move)):
                _join(joined, (member, thread), (after, place))
    classes = {_root(joined, (member, thread)) for member in members for thread in range(system.count)}
    return all(classes == {_root(joined, pair) for pair in pairs} for pairs in (moved, no_signal))


def _root(joined: dict[Pair, Pair], pair: Pair) -> Pair:
    """The pair that stands for all that this one is joined with."""
    while (up := joined.setdefault(pair, pair)) != pair:
        joined[pair] = joined[up]
        pair = joined[pair]
    return pair


def _join(joined: dict[Pair, Pair], one: Pair, other: Pair) -> None:
    joined[_root(joined, one)] = _root(joined, other)


def _kind(system: TransitionSystem, state: State, thread: int) -> str:
    return system.engine.threads[thread].table[state[thread]].kind
