"""The search over whole states: every reachable one, the shortest schedule to a bad one, and what can never finish.

A whole state is the tuple of the threads' local states, the shared state and the monitor's; a step is one thread's leg.
Spin loops are cycles, not bounds. The search is breadth first, so the first path to a state has the fewest legs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from pytest_nextrust.explore.steps import Engine

__all__ = ["Graph", "Monitor", "explore"]

State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Monitor:
    """Judges histories along the way: ``advance(monitor state, thread, events)``; None means the history is refused."""

    initial: Hashable
    advance: Callable[[Hashable, int, tuple[tuple[str, int, bytes], ...]], Hashable | None]


@dataclass(slots=True)
class Graph:
    """What a search found. ``parents[i]`` is (state, thread) of the first path to state i; ``bad`` lists findings."""

    states: list[State] = field(default_factory=list)
    parents: list[tuple[int, int]] = field(default_factory=list)
    edges: list[tuple[int, ...]] = field(default_factory=list)
    finals: list[int] = field(default_factory=list)
    bad: list[tuple[str, int]] = field(default_factory=list)
    transitions: int = 0
    complete: bool = True


def explore(engine: Engine, monitor: Monitor | None = None, max_states: int = 5_000_000) -> Graph:
    """See every reachable state. Raises Reclassified from the engine."""
    graph = Graph()
    monitors: list[Hashable] = [monitor.initial if monitor else None]
    monitor_ids: dict[Hashable, int] = {monitors[0]: 0}
    moves: dict[tuple[int, int, tuple[tuple[str, int, bytes], ...]], int] = {}
    count = len(engine.threads)
    kinds = [[] for _ in range(count)]
    start = (*engine.initial_locals, engine.initial_shared, 0)
    index = {start: 0}
    states, parents, edges = graph.states, graph.parents, graph.edges
    states.append(start)
    parents.append((-1, -1))
    at = 0
    locals_of = [thread.locals for thread in engine.threads]
    leg_of = engine.leg
    while at < len(states):
        state = states[at]
        shared, watched = state[count], state[count + 1]
        out = []
        done = 0
        for thread in range(count):
            local_id = state[thread]
            local = locals_of[thread][local_id]
            if local.kind != "ready":
                if local.kind == "done":
                    done += 1
                elif local.kind == "fault":
                    graph.bad.append(("fault", at))
                continue
            leg = local.quick.get(shared)
            if leg is None:
                leg = leg_of(thread, local_id, shared)
            next_watched = watched
            if leg.events and monitor is not None:
                key = (watched, thread, leg.events)
                known = moves.get(key)
                if known is None:
                    after = monitor.advance(monitors[watched], thread, leg.events)
                    if after is None:
                        known = -1
                    else:
                        known = monitor_ids.get(after, -2)
                        if known == -2:
                            known = monitor_ids[after] = len(monitors)
                            monitors.append(after)
                    moves[key] = known
                next_watched = known
            nxt = (*state[:thread], leg.local, *state[thread + 1 : count], leg.shared, next_watched)
            known = index.get(nxt)
            if known is None:
                known = index[nxt] = len(states)
                states.append(nxt)
                parents.append((at, thread))
                if next_watched == -1:
                    graph.bad.append(("history", known))
            out.append(known)
        graph.transitions += len(out)
        edges.append(tuple(out))
        if done == count:
            graph.finals.append(at)
        at += 1
        if len(states) > max_states:
            graph.complete = False
            break
    return graph
