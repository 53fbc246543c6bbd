"""The search over whole states: every reachable one, or the first bad one, and what can never finish.

A whole state is the tuple of the threads' local states, the shared state and the monitor's; a transition is one
thread's leg. Spin loops are cycles, not bounds, so a search that ends has seen everything that can happen. It is
breadth first: the first bad state it meets is one with the fewest legs before it.

Boundary: numbers and tuples. What a leg does is ``steps``', what a history means is ``linearize``'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pytest_nextrust.explore.child.liveness import bottom_components
from pytest_nextrust.explore.child.local_states import OperationEvent
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.symmetry import Naming, Partition, Symmetry

__all__ = ["Bad", "Graph", "Monitor", "Space", "State", "search", "shortest_by_switches", "stuck"]

State = tuple[int, ...]
"""A local state per thread, the shared state, the monitor's state: numbers, each into its own table."""

Node = tuple[State, int]
"""A state and the thread that moved last; parents are kept with the move that led on."""

Parents = dict[Node, tuple[Node, int] | None]

REFUSED = -1
"""The monitor state of a history that has no explanation."""


class Monitor(Protocol):
    """Judges histories: the state before any event, and the one after some (None: nothing explains them)."""

    initial: Hashable

    def advance(self, state: Hashable, thread: int, events: tuple[OperationEvent, ...]) -> Hashable | None: ...


class Silent:
    """A monitor that accepts everything."""

    initial: Hashable = ()

    def advance(self, state: Hashable, thread: int, events: tuple[OperationEvent, ...]) -> Hashable | None:
        del thread, events
        return state


@dataclass(frozen=True, slots=True)
class Bad:
    """A finding: its kind, the state that shows it, and why."""

    kind: str
    state: State
    message: str = ""
    thread: int | None = None


class Space:
    """The states of one program and how they follow each other.

    ``judge`` looks at a final state: None, or what is wrong with it. ``alike``: threads to be taken for alike (see
    ``symmetry``), where the monitor can exchange operations and no signals or repeating threads are there; it changes
    what ``search`` keeps, and not how states follow each other here. Raises Asymmetric.
    """

    def __init__(
        self,
        engine: Engine,
        monitor: Monitor | None = None,
        judge: Callable[[State], str | None] | None = None,
        alike: Partition = (),
    ) -> None:
        self.engine = engine
        self.count = len(engine.threads)
        self.monitors: list[Hashable] = []
        self.moves = self.count * 2 if engine.interrupts else self.count
        self._monitor = monitor or Silent()
        self._judge = judge
        self._monitor_ids: dict[Hashable, int] = {}
        self._moves: dict[tuple[int, int, tuple[OperationEvent, ...]], int] = {}
        self._locals = [thread.table for thread in engine.threads]
        watched = self._intern(self._monitor.initial)
        for thread, events in enumerate(engine.initial_events):
            watched = self._advance(watched, thread, events) if events else watched
        self.start: State = (*engine.initial_locals, engine.initial_shared, watched)
        self._symmetry: Symmetry | None = None
        self._naming = self._monitor if isinstance(self._monitor, Naming) else None
        options = engine.options
        exchangeable = options.reduce and not options.loop and options.interrupts is None
        if alike and exchangeable and (monitor is None or self._naming is not None):
            self._symmetry = Symmetry(engine, alike, self._naming, self._rename)
            self._symmetry.begin(self.start)

    def lowest(self, state: State) -> State:
        """The state that stands for this one in a graph: itself, unless threads are alike."""
        return state if self._symmetry is None else self._symmetry.lowest(state)

    def exchanges(self) -> Iterator[tuple[int, ...]]:
        """Whose part each thread may play: all exchanges of threads that are alike, the identity first."""
        if self._symmetry is None:
            yield tuple(range(self.count))
        else:
            yield from self._symmetry.exchanges()

    def kept(self, state: State) -> Iterator[State | None]:
        """The states after each move as a graph keeps them. Raises Reclassified, Asymmetric."""
        symmetry = self._symmetry
        if symmetry is None:
            yield from self.successors(state)
            return
        for thread, after in enumerate(self.successors(state)):
            if after is not None:
                symmetry.follow(state, thread)
                after = symmetry.lowest(after)
            yield after

    def successors(self, state: State) -> tuple[State | None, ...]:
        """The state after each move: a leg of each thread, then a signal to each; None where there is no such move.

        Where signals are delivered and a thread's next instruction is private, only that thread moves (it may be
        interrupted before it): neither can be told apart by the others, nor keep them from anything. Nobody is put off
        for ever: a delivery leads out of every cycle of such steps, and after the last one there is none. Raises
        Reclassified.
        """
        if self.engine.reduces_deliveries:
            mover = self._unseen(state)
            if mover is not None:
                alone = (mover, mover + self.count)
                return tuple([self.after(state, move) if move in alone else None for move in range(self.moves)])
        return tuple([self.after(state, move) for move in range(self.moves)])

    def _unseen(self, state: State) -> int | None:
        """A thread whose next step no other thread can tell from its absence."""
        shared = state[self.count]
        for thread in range(self.count):
            local = self._locals[thread][state[thread]]
            if local.kind == "ready":
                leg = local.quick.get(shared) or self.engine.leg(thread, state[thread], shared)
                signal = self.engine.interruption(thread, state[thread], shared)
                if leg.private and (signal is None or signal.private):
                    return thread
        return None

    def after(self, state: State, move: int) -> State | None:
        """The state after one move. Raises Reclassified."""
        count = self.count
        thread = move if move < count else move - count
        shared, watched = state[count], state[count + 1]
        if move < count:
            local = self._locals[thread][state[thread]]
            if local.kind != "ready":
                return None
            leg = local.quick.get(shared) or self.engine.leg(thread, state[thread], shared)
        else:
            signal = self.engine.interruption(thread, state[thread], shared)
            if signal is None:
                return None
            leg = signal
        if leg.events:
            watched = self._advance(watched, thread, leg.events)
        return (*state[:thread], leg.local, *state[thread + 1 : count], leg.shared, watched)

    def ready(self, state: State) -> list[int]:
        """The threads that can take another leg."""
        return [thread for thread in range(self.count) if self._locals[thread][state[thread]].kind == "ready"]

    def is_final(self, state: State) -> bool:
        """Whether every thread has returned."""
        return all(self._locals[thread][state[thread]].kind == "done" for thread in range(self.count))

    def wrong(self, state: State) -> Bad | None:
        """What is wrong with a state by itself: a refused history, a fault, a final state that does not check."""
        if state[self.count + 1] == REFUSED:
            return Bad("history", state, "no order of the operations explains these results")
        for thread in range(self.count):
            local = self._locals[thread][state[thread]]
            if local.kind == "fault":
                return Bad("fault", state, str(local.fault), thread)
        if self._judge is not None and self.is_final(state):
            message = self._judge(state)
            if message is not None:
                return Bad("final", state, message)
        return None

    def found(self, state: State) -> Bad | None:
        """What is wrong with a state, or with one that it stands for. Raises Asymmetric."""
        bad = self.wrong(state)
        if bad is None and self._symmetry is not None and self._judge is not None and self.is_final(state):
            return next((bad for bad in map(self.wrong, self.arrangements(state)) if bad is not None), None)
        return bad

    def arrangements(self, state: State) -> Iterator[State]:
        """The states that this one stands for, of those that memory keeps apart: itself, unless threads are alike."""
        if self._symmetry is None:
            yield state
        else:
            yield from self._symmetry.arrangements(state)

    def _rename(self, watched: int, names: Mapping[int, int]) -> int:
        assert self._naming is not None
        return self._intern(self._naming.renamed(self.monitors[watched], names))

    def _intern(self, monitor: Hashable) -> int:
        known = self._monitor_ids.get(monitor)
        if known is None:
            known = self._monitor_ids[monitor] = len(self.monitors)
            self.monitors.append(monitor)
        return known

    def _advance(self, watched: int, thread: int, events: tuple[OperationEvent, ...]) -> int:
        key = (watched, thread, events)
        known = self._moves.get(key)
        if known is None:
            after = self._monitor.advance(self.monitors[watched], thread, events)
            known = self._moves[key] = REFUSED if after is None else self._intern(after)
        return known


@dataclass(slots=True)
class Graph:
    """What a search saw. ``edges[i][m]`` is the number of the state after move m from state i, -1 for none."""

    states: list[State] = field(default_factory=list)
    edges: list[tuple[int, ...]] = field(default_factory=list)
    finals: list[int] = field(default_factory=list)
    transitions: int = 0
    bad: Bad | None = None
    complete: bool = False


def search(space: Space, enough: Callable[[int], bool] | None = None) -> Graph:
    """See every reachable state, or stop at the first bad one, or when ``enough(states so far)``.

    ``complete`` is true only when nothing reachable was left out. Raises Reclassified, Asymmetric.
    """
    graph = Graph()
    index: dict[State, int] = {space.start: 0}
    graph.states.append(space.start)
    states = graph.states
    graph.bad = space.found(space.start)
    at = 0
    while at < len(states) and graph.bad is None:
        state = states[at]
        row = []
        for after in space.kept(state):
            if after is None:
                row.append(-1)
                continue
            known = index.get(after)
            if known is None:
                known = index[after] = len(states)
                states.append(after)
                graph.bad = graph.bad or space.found(after)
            row.append(known)
            graph.transitions += 1
        graph.edges.append(tuple(row))
        if space.is_final(state):
            graph.finals.append(at)
        at += 1
        if at & 0xF == 0 and enough is not None and enough(len(states)):
            return graph
    graph.complete = graph.bad is None
    return graph


def stuck(space: Space, graph: Graph) -> Bad | None:
    """The nearest state from which the program can never finish, if there is one; needs a complete graph."""
    edges = [tuple(child for child in row if child >= 0) for row in graph.edges]
    traps = sorted(bottom_components(edges, frozenset(graph.finals)))
    if not traps:
        return None
    members = traps[0]
    states = [graph.states[member] for member in members]
    shared = {state[space.count] for state in states}
    lone = any(
        space.engine.threads[thread].table[state[thread]].kind == "diverges"
        for state in states
        for thread in range(space.count)
    )
    if lone and not space.engine.interrupts and all(not edges[member] for member in members):
        return Bad("divergence", states[0], "a thread loops for ever in memory that is its own")
    if len(shared) == 1:
        return Bad("deadlock", states[0], f"{len(states)} states, and shared memory is the same in all of them")
    return Bad("livelock", states[0], f"{len(states)} states that change shared memory and never finish")


def shortest_by_switches(space: Space, wanted: Callable[[State], bool]) -> list[int]:
    """The moves of a path to a wanted state with the fewest context switches, and of those the fewest legs.

    Raises ValueError where no wanted state is reachable.
    """
    start = (space.start, -1)
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
            for move, after in enumerate(space.successors(state)):
                thread = move % space.count
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
