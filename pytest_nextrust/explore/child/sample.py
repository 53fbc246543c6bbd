"""Sampling: schedules drawn at random where the graph is too large to see whole.

* ``uniform``: at every point each thread that can move is as likely as any other.
* ``pct``: probabilistic concurrency testing. Threads get random priorities; the highest that can move moves; at d-1
  random points the running thread's priority falls below all others. A bug of depth d is hit by one schedule with
  probability at least 1/(n * k^(d-1)), n threads and k legs in a run.

Both keep the memoised legs of the search, so a schedule costs dictionary lookups. A thread that spins (it is back in a
local state it was in since shared memory last changed) gives way, and a run that is long without ending is continued in
turn, thread after thread: where even that comes back to a state it was in, nothing can end it.

Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
bugs", ASPLOS 2010.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_nextrust.explore.child.transition_system import Bad, Space, State

__all__ = ["Chooser", "Node", "Sample", "guarantee", "pct", "sample", "uniform"]

Chooser = Callable[["Node", int], int]
"""Picks a thread from the state's node and the number of legs so far."""

PATIENCE = 4
"""A run is continued in turn once it is this many times as long as the longest that ended."""

FIRST_LENGTH = 1_000

MOST_NODES = 200_000
"""States whose successors are kept; past it all are forgotten, which costs time and nothing else."""


@dataclass(slots=True)
class Sample:
    """What sampling saw: schedules run, legs in the longest that ended, and the first bad state with its path."""

    schedules: int = 0
    longest: int = 0
    legs: int = 0
    bad: Bad | None = None
    path: list[int] = field(default_factory=list)


def guarantee(threads: int, legs: int, depth: int, schedules: int) -> float:
    """The probability that at least one of ``schedules`` PCT runs shows a bug of this depth, if there is one."""
    once = 1.0 / (threads * max(legs, 1) ** (depth - 1))
    return float(1.0 - (1.0 - once) ** schedules)


@dataclass(slots=True)
class Node:
    """A state, the threads that can move in it, and the states after them as far as they have been looked up."""

    state: State
    ready: tuple[int, ...]
    after: list[Node | None]
    bad: bool


class Nodes:
    """The states met so far, each once."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._known: dict[State, Node] = {}
        self.start = self.node(space.start)

    def node(self, state: State) -> Node:
        """The node of a state."""
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= MOST_NODES:
                self._known.clear()
            space = self.space
            known = Node(state, tuple(space.ready(state)), [None] * space.count, space.wrong(state) is not None)
            self._known[state] = known
        return known

    def follow(self, node: Node, thread: int) -> Node:
        """The node after a thread's leg. Raises Reclassified."""
        state = self.space.after(node.state, thread)
        assert state is not None
        after = node.after[thread] = self.node(state)
        return after


def uniform(rng: random.Random) -> Chooser:
    """A chooser for one schedule: every thread that can move is equally likely."""
    draw = rng.random

    def choose(node: Node, legs: int) -> int:
        del legs
        ready = node.ready
        return ready[int(draw() * len(ready))]

    return choose


def pct(threads: int, rng: random.Random, depth: int, length: int) -> Chooser:
    """A chooser for one schedule of depth ``depth`` over runs of about ``length`` legs."""
    order = list(range(threads))
    rng.shuffle(order)
    changes = {1 + int(rng.random() * length) for _ in range(depth - 1)}
    seen: set[tuple[int, int, int]] = set()

    def choose(node: Node, legs: int) -> int:
        ready, state = node.ready, node.state
        for running in order:
            if running in ready:
                break
        position = (running, state[running], state[threads])
        if legs in changes or position in seen:
            # A change point, or a spin: nothing it can see has changed since it was last here.
            order.remove(running)
            order.append(running)
            seen.discard(position)
            for running in order:
                if running in ready:
                    break
            position = (running, state[running], state[threads])
        seen.add(position)
        return running

    return choose


def sample(
    space: Space,
    chooser: Callable[[int], Chooser],
    schedules: int,
    enough: Callable[[], bool] | None = None,
) -> Sample:
    """Run schedules until a bad state, or all of them, or ``enough()``. Raises Reclassified.

    ``chooser`` makes the chooser of one schedule from the legs of the longest run that ended so far.
    """
    seen = Sample()
    nodes = Nodes(space)
    while seen.schedules < schedules and not (enough is not None and seen.schedules & 0xFF == 0xFF and enough()):
        seen.bad = _one(nodes, chooser(seen.longest or FIRST_LENGTH), seen)
        seen.schedules += 1
        if seen.bad is not None:
            return seen
        seen.longest = max(seen.longest, len(seen.path))
    return seen


def _one(nodes: Nodes, choose: Chooser, seen: Sample) -> Bad | None:
    node = nodes.start
    path: list[int] = []
    seen.path = path
    patience = PATIENCE * (seen.longest or FIRST_LENGTH)
    legs = 0
    while node.ready and not node.bad:
        if legs >= patience:
            return _in_turn(nodes.space, node.state, path)
        thread = choose(node, legs)
        node = node.after[thread] or nodes.follow(node, thread)
        path.append(thread)
        legs += 1
    seen.legs += legs
    return nodes.space.wrong(node.state) or _unfinished(nodes.space, node.state)


def _unfinished(space: Space, state: State) -> Bad | None:
    if space.is_final(state):
        return None
    return Bad("divergence", state, "a thread loops for ever in memory that is its own")


def _in_turn(space: Space, state: State, path: list[int]) -> Bad | None:
    """Continue fairly, one leg of each thread after the other; coming back to a state means that nothing ends it."""
    met: set[State] = set()
    shared: set[int] = set()
    while space.ready(state):
        if state in met:
            kind = "deadlock" if len(shared) == 1 else "livelock"
            return Bad(kind, state, "even when every thread gets its turn, none of them gets on")
        met.add(state)
        for thread in range(space.count):
            after = space.after(state, thread)
            if after is not None:
                state = after
                path.append(thread)
                shared.add(state[space.count])
                bad = space.wrong(state)
                if bad is not None:
                    return bad
    return space.wrong(state) or _unfinished(space, state)
