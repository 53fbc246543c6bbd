"""Whether a program that is scheduled fairly always ends, read off the complete graph of whole states.

Two things keep it from ending. A *bottom* component (one that no path leaves) without a final state: from there it can
never end, whatever the scheduler does. And an *endless* fair run: it stays in a component that it could leave, and yet
every thread that has not returned keeps moving, as when two threads defer to each other for ever.

A run is *strongly fair* where every thread that can move again and again does so, *weakly fair* where every thread that
from some point on can always move does. Where no thread ever waits for a word of memory (``emu.kernel.threads``) the
two are the same: a thread that has not returned can move, always. A preemptive scheduler whose time slices end anywhere
gives the strong one with probability 1: a thread that waits for a lock which is free again and again is scheduled, some
time, while it is free. Weak fairness is what remains where slices may for ever end at the wrong places. A signal that
may come is delivered in the end. A component holds a fair run where each of its threads has returned, moves in it, or
has no move: in none of its states (strong), in some of them (weak). That run takes all of the component's edges again
and again, since each can be reached from every other. Where a thread never moves in it and could in some states, a
strongly fair run may still stay in what is left without those states, which is looked at in turn (Emerson and Lei,
"Modalities for model checking", SCP 8, 1987).

Where symmetric states are kept once, a thread's part is taken by others along an edge. The states' threads are then
followed along the edges, as pairs: what a pair leads to it also comes back from (the exchanges are a finite group), so
the pairs fall into classes by what is joined, and each class must hold one that has returned or moves. That is the
annotated quotient of Emerson and Sistla, and decides what the unfolded component would.

Boundary: numbers and tuples, as ``transition_system``'s. Sources: Emerson and Sistla, "Utilizing symmetry when model
checking under fairness assumptions", TOPLAS 19(4), 1997; Lehmann, Pnueli and Stavi, "Impartiality, justice and
fairness", ICALP 1981 (weak fairness is their justice).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_nextrust.explore.child.liveness import components, is_bottom
from pytest_nextrust.explore.child.search import Graph
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation
from pytest_nextrust.explore.request import Fairness

__all__ = ["kept_from_ending", "never_ends", "stuck"]

Pair = tuple[int, int]
"""A state of the graph, by number, and one of its threads."""


def never_ends(system: TransitionSystem, graph: Graph, fairness: Fairness = "strong") -> Violation | None:
    """What keeps a program from ending, at the nearest state; None where nothing does. Needs a complete graph.

    Under any ``fairness`` endless fair runs are looked for beside what can never end. Raises Reclassified, Asymmetric.
    """
    found = kept_from_ending(system, graph, fairness)
    return None if found is None else found[0]


def stuck(system: TransitionSystem, graph: Graph) -> Violation | None:
    """The nearest state from which the program can never end, if there is one; needs a complete graph."""
    return never_ends(system, graph, "none")


def kept_from_ending(
    system: TransitionSystem, graph: Graph, fairness: Fairness = "strong"
) -> tuple[Violation, list[int]] | None:
    """As ``never_ends``, with the states, sorted, of the component that a run then never leaves."""
    if graph.ends is not None and graph.ends(fairness != "none"):
        return None
    if graph.stuck is not None and (least := graph.stuck()) is not None:
        reached = _reached(graph, least)
        inside = {member: [child for child in graph.edges[member] if child >= 0] for member in reached}
        return Violation(_hang(system, graph, inside, reached), graph.states[least]), reached
    edges = [tuple(child for child in row if child >= 0) for row in graph.edges]
    finals = frozenset(graph.finals)
    unfinished = [found for found in components(edges) if finals.isdisjoint(found)]
    members = min((sorted(found) for found in unfinished if is_bottom(edges, found)), default=None)
    if members is not None:
        return Violation(_hang(system, graph, edges, members), graph.states[members[0]]), members
    members = None if fairness == "none" else _endless(system, graph, edges, unfinished, strong=fairness == "strong")
    return None if members is None else (Violation("endless", graph.states[members[0]]), members)


def _reached(graph: Graph, start: int) -> list[int]:
    """The states that can be come to from one, sorted."""
    found, todo = {start}, [start]
    while todo:
        new = {child for child in graph.edges[todo.pop()] if child >= 0} - found
        found |= new
        todo += new
    return sorted(found)


def _hang(
    system: TransitionSystem,
    graph: Graph,
    edges: Sequence[Sequence[int]] | Mapping[int, Sequence[int]],
    members: Sequence[int],
) -> str:
    """What it is that a bottom component without a final state shows."""
    states = [graph.states[member] for member in members]
    shared = {state[system.count] for state in states}
    lone = any(_kind(system, state, thread) == "diverges" for state in states for thread in range(system.count))
    if lone and not system.engine.interrupts and all(not edges[member] for member in members):
        return "divergence"
    return "deadlock" if len(shared) == 1 else "livelock"


def _endless(
    system: TransitionSystem,
    graph: Graph,
    edges: Sequence[Sequence[int]],
    unfinished: Iterable[list[int]],
    *,
    strong: bool,
) -> list[int] | None:
    found: list[list[int]] = []
    todo = list(unfinished)
    for members in todo:
        if len(members) == 1 and members[0] not in edges[members[0]]:
            continue
        shut_out = _unfair(system, graph, set(members), strong=strong)
        if not shut_out:
            found.append(members)
        elif strong and len(shut_out) < len(members):
            todo += _components_within(edges, set(members) - shut_out)
    return sorted(min(found, key=min)) if found else None


def _components_within(edges: Sequence[Sequence[int]], members: set[int]) -> list[list[int]]:
    """The components of what these states are to each other."""
    numbers = sorted(members)
    place = {member: at for at, member in enumerate(numbers)}
    inside = [tuple(place[child] for child in edges[member] if child in place) for member in numbers]
    return [[numbers[at] for at in found] for found in components(inside)]


def _unfair(system: TransitionSystem, graph: Graph, members: set[int], *, strong: bool) -> set[int]:
    """The states of a component that no fair run stays in, of those in which it takes all edges again and again: where
    a thread could move that never does in it, or a signal stays due. None are where each thread has returned, moves, or
    waits.
    """
    joined: dict[Pair, Pair] = {}
    moved: set[Pair] = set()
    waits: set[Pair] = set()
    no_signal: set[Pair] = set()
    for member in members:
        state = graph.states[member]
        for thread in range(system.count):
            if _kind(system, state, thread) != "ready":
                moved.add((member, thread))  # It has returned, or runs on in memory that is its own.
            elif all(graph.edges[member][move] < 0 for move in range(thread, system.signals_from, system.count)):
                waits.add((member, thread))
            if not system.is_due(state, thread):
                no_signal.add((member, thread))
        for move, after in enumerate(graph.edges[member]):
            if after not in members:
                continue
            moved.add((member, move % system.count))
            for thread, place in enumerate(system.places(state, move)):
                _join(joined, (member, thread), (after, place))
    pairs = [(member, thread) for member in members for thread in range(system.count)]
    going = {_root(joined, pair) for pair in (moved if strong else moved | waits)}
    shut_out = {pair[0] for pair in pairs if _root(joined, pair) not in going and (pair not in waits or not strong)}
    silent = {_root(joined, pair) for pair in no_signal}
    return shut_out | {pair[0] for pair in pairs if _root(joined, pair) not in silent}


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
