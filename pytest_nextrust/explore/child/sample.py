"""Sampling: schedules drawn at random where the graph is too large to see whole.

* ``uniform``: at every point each thread that can move is as likely as any other.
* ``pct``: probabilistic concurrency testing. Threads get random priorities; the highest that can move moves; at d-1
  random points the running thread's priority falls below all others. A bug of depth d is hit by one schedule with
  probability at least 1/(n * k^(d-1)), n threads and k macro-steps in a run.

Which way a thread goes that chooses, or whose wait may end at any time, is drawn by a generator of its own.

Both keep the memoised macro-steps of the search, so a schedule costs dictionary lookups. A thread that spins (it is
back in a local state it was in since shared memory last changed) gives way, and a run that is long without ending is
continued in turn, thread after thread: where even that comes back to a state it was in, nothing can end it.

Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
bugs", ASPLOS 2010.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation

__all__ = ["Chooser", "Node", "Sample", "guarantee", "pct", "sample", "uniform"]

Chooser = Callable[["Node", int], int]
"""Picks a thread from the state's node and the number of macro-steps so far."""

PATIENCE = 4
"""A run is continued in turn once it is this many times as long as the longest that ended."""

FIRST_LENGTH = 1_000

MOST_NODES = 200_000
"""States whose successors are kept; past it all are forgotten, which costs time and nothing else."""


@dataclass(slots=True)
class Sample:
    """What sampling saw: schedules run, macro-steps of the longest that ended, the first violation and its path."""

    schedules: int = 0
    longest: int = 0
    violation: Violation | None = None
    path: list[int] = field(default_factory=list)


def guarantee(threads: int, steps: int, depth: int, schedules: int) -> float:
    """The probability that at least one of ``schedules`` PCT runs shows a bug of this depth, if there is one."""
    once = 1.0 / (threads * max(steps, 1) ** (depth - 1))
    return float(1.0 - (1.0 - once) ** schedules)


@dataclass(slots=True)
class Node:
    """A state, the threads that can move in it, and the states after moves as far as they have been looked up."""

    state: State
    ready: tuple[int, ...]
    after: list[Node | None]
    """By move: a thread's number, or that of one of its other ways."""
    violated: bool


class Nodes:
    """The states met so far, each once. ``ways``: what draws the way of a thread that may go several."""

    def __init__(self, system: TransitionSystem, ways: random.Random) -> None:
        self.system = system
        self.has_ways = system.signals_from > system.count
        self._ways = ways
        self._known: dict[State, Node] = {}
        self.start = self.node(system.start)

    def node(self, state: State) -> Node:
        """The node of a state."""
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= MOST_NODES:
                self._known.clear()
            system = self.system
            # Daemons could go on when the program has ended; a schedule does not.
            ready = () if system.is_final(state) else tuple(system.ready(state))
            known = Node(state, ready, [None] * system.signals_from, system.violation(state) is not None)
            self._known[state] = known
        return known

    def follow(self, node: Node, move: int) -> Node:
        """The node after a move. Raises Reclassified."""
        state = self.system.after(node.state, move)
        assert state is not None
        after = node.after[move] = self.node(state)
        return after

    def move_of(self, state: State, thread: int) -> int:
        """A move of a thread that can move: its only one, or one that is drawn. Raises Reclassified."""
        moves = self.system.moves_of(state, thread)
        return moves[0] if len(moves) == 1 else moves[int(self._ways.random() * len(moves))]


def uniform(rng: random.Random) -> Chooser:
    """A chooser for one schedule: every thread that can move is equally likely."""
    draw = rng.random

    def choose(node: Node, steps: int) -> int:
        del steps
        ready = node.ready
        return ready[int(draw() * len(ready))]

    return choose


def pct(threads: int, rng: random.Random, depth: int, length: int) -> Chooser:
    """A chooser for one schedule of depth ``depth`` over runs of about ``length`` macro-steps."""
    order = list(range(threads))
    rng.shuffle(order)
    changes = {1 + int(rng.random() * length) for _ in range(depth - 1)}
    seen: set[tuple[int, int, int]] = set()

    def choose(node: Node, steps: int) -> int:
        ready, state = node.ready, node.state
        for running in order:
            if running in ready:
                break
        position = (running, state[running], state[threads])
        if steps in changes or position in seen:
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
    system: TransitionSystem,
    chooser: Callable[[int], Chooser],
    schedules: int,
    enough: Callable[[], bool] | None = None,
    ways: random.Random | None = None,
) -> Sample:
    """Run schedules until a violation, or all of them, or ``enough()``. Raises Reclassified.

    ``chooser`` makes the chooser of one schedule from the macro-steps of the longest run that ended so far.
    """
    seen = Sample()
    nodes = Nodes(system, ways or random.Random(0))
    while seen.schedules < schedules and not (enough is not None and seen.schedules & 0xFF == 0xFF and enough()):
        seen.violation = _one(nodes, chooser(seen.longest or FIRST_LENGTH), seen)
        seen.schedules += 1
        if seen.violation is not None:
            return seen
        seen.longest = max(seen.longest, len(seen.path))
    return seen


def _one(nodes: Nodes, choose: Chooser, seen: Sample) -> Violation | None:
    node = nodes.start
    path: list[int] = []
    seen.path = path
    patience = PATIENCE * (seen.longest or FIRST_LENGTH)
    steps = 0
    while node.ready and not node.violated:
        if steps >= patience:
            return _in_turn(nodes, node.state, path)
        move = choose(node, steps)
        if nodes.has_ways:
            move = nodes.move_of(node.state, move)
        node = node.after[move] or nodes.follow(node, move)
        path.append(move)
        steps += 1
    return nodes.system.violation(node.state) or _unfinished(nodes.system, node.state)


def _unfinished(system: TransitionSystem, state: State) -> Violation | None:
    """Nobody can move: the program has ended, or threads wait for each other, or loop in what is their own."""
    if system.is_final(state):
        return None
    return Violation("deadlock" if system.somebody_waits(state) else "divergence", state)


def _in_turn(nodes: Nodes, state: State, path: list[int]) -> Violation | None:
    """Continue fairly, each thread in turn by one macro-step; coming back to a state means that nothing ends it.

    Unless a thread went one of several ways meanwhile: by another one it may end. It goes on for as long again then.
    """
    system = nodes.system
    met: set[State] = set()
    shared: set[int] = set()
    chose = False
    left = len(path)
    while system.ready(state) and not system.is_final(state):
        if state in met and not chose:
            kind = "deadlock" if len(shared) == 1 else "livelock"
            return Violation(kind, state)
        if chose and len(path) > 2 * left:
            return None
        met.add(state)
        for thread in range(system.count):
            moves = system.moves_of(state, thread)
            if not moves:
                continue
            chose = chose or len(moves) > 1
            move = nodes.move_of(state, thread)
            after = system.after(state, move)
            assert after is not None
            state = after
            path.append(move)
            shared.add(state[system.count])
            violation = system.violation(state)
            if violation is not None:
                return violation
    return system.violation(state) or _unfinished(system, state)
