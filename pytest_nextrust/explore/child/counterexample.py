"""From a violation to the path that shows it: the fewest context switches where the graph allows, else fewer by trying.

Boundary: child process only. Moves of the transition system; what they are as instructions is ``execute``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from pytest_nextrust.explore.answer import Slice
from pytest_nextrust.explore.child import fairness
from pytest_nextrust.explore.child.accesses import Reclassified
from pytest_nextrust.explore.child.critical_sections import Unprotected
from pytest_nextrust.explore.child.effort import UNBOUNDED, Effort
from pytest_nextrust.explore.child.liveness import bottom_components
from pytest_nextrust.explore.child.program_calls import MoreThreads
from pytest_nextrust.explore.child.search import Graph, shortest_by_switches
from pytest_nextrust.explore.child.step_options import MoreChoices
from pytest_nextrust.explore.child.termination import kept_from_ending
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation
from pytest_nextrust.explore.request import ExploreRequest, Fairness
from pytest_nextrust.explore.symmetry_guess import Asymmetric

__all__ = ["HANGS", "Counterexample", "as_met", "fewer_switches", "find_in_graph", "find_in_loop", "switches"]

VISITS = 400_000
"""States that the search for the fewest switches may visit. No limit here is a time: a token replays what it did."""

CONTRADICTIONS = (Reclassified, Asymmetric, Unprotected, MoreChoices, MoreThreads)
"""What states that the search has not come to may show to be wrong of what is guessed."""

HALF = 0.5
"""Of the time, which the search for the fewest switches may take; the rest is for what is shrunk without it."""

STEPS = 3_000_000
"""Moves that may be followed while a path is shrunk."""

HANGS = ("deadlock", "livelock", "divergence")
"""The kinds that no state shows by itself."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A finding before it is confirmed: the violation, the moves that lead there, and those that repeat from there on.

    ``number`` is that of the state, or of the schedule where they are drawn. For a replay there are no moves but
    ``slices``. ``shortest``: no run that shows it has fewer context switches, as far as was looked.
    """

    violation: Violation
    moves: tuple[int, ...] = ()
    loop: tuple[int, ...] = ()
    number: int = 0
    slices: tuple[Slice, ...] | None = None
    loop_from: int = -1
    shortest: bool = True

    @classmethod
    def replayed(cls, request: ExploreRequest) -> Counterexample:
        schedule = request.schedule or ()
        choices = request.choices or ((),) * len(schedule)
        slices = tuple(Slice(*piece, chosen) for piece, chosen in zip(schedule, choices, strict=True))
        return cls(Violation(request.kind, ()), slices=slices, loop_from=request.loop_from)

    @classmethod
    def sampled(
        cls,
        system: TransitionSystem,
        violation: Violation,
        path: Sequence[int],
        schedules: int,
        effort: Effort = UNBOUNDED,
    ) -> Counterexample:
        if violation.kind in HANGS:
            return cls(violation, tuple(path), number=schedules)
        moves = fewest(system, lambda state: same(system, state, violation), effort)
        if moves is not None:
            return cls(_at_end(system, moves, violation), tuple(moves), number=schedules)
        moves = fewer_switches(system, path, violation, effort)
        return cls(_at_end(system, moves, violation), tuple(moves), number=schedules, shortest=False)


class Astray(AssertionError):
    """What was kept of a search does not lead to what it found: its guesses were wrong."""


class _TooMany(Exception):
    """The search for the fewest switches has visited enough."""


def same(system: TransitionSystem, state: State, violation: Violation) -> bool:
    """Whether a state shows the same kind of finding."""
    found = system.violation(state)
    return found is not None and found.kind == violation.kind


def fewest(system: TransitionSystem, wanted: Callable[[State], bool], effort: Effort = UNBOUNDED) -> list[int] | None:
    """The path with the fewest switches; None where it would take too long, or states that the search has not come to
    contradict its guesses and there is no time to begin again. Raises CONTRADICTIONS.
    """
    visits = 0

    def counted(state: State) -> bool:
        nonlocal visits
        visits += 1
        if visits > VISITS or (visits & 0xF == 1 and effort.is_over(HALF)):
            raise _TooMany
        return wanted(state)

    try:
        return shortest_by_switches(system, counted)
    except _TooMany:
        return None
    except CONTRADICTIONS:
        if effort.may_begin_again:
            raise
        return None


def switches(path: Sequence[int], count: int) -> int:
    """The context switches of a path."""
    threads = [move % count for move in path]
    return sum(a != b for a, b in pairwise(threads))


def fewer_switches(
    system: TransitionSystem, path: Sequence[int], violation: Violation, effort: Effort = UNBOUNDED
) -> list[int]:
    """The same finding with fewer switches, by moving whole runs of a thread next to each other while that helps."""
    best = list(path)
    left = STEPS
    improved = True
    while improved:
        improved = False
        for candidate in _joined(best, system.count):
            if switches(candidate, system.count) < switches(best, system.count):
                left -= len(candidate)
                if left < 0 or effort.is_over():
                    return best
                try:
                    kept = _followed(system, candidate, violation)
                except CONTRADICTIONS:
                    if effort.may_begin_again:
                        raise
                    kept = None
                if kept is not None:
                    best, improved = kept, True
                    break
    return best


def _joined(path: Sequence[int], count: int) -> Iterable[list[int]]:
    runs: list[list[int]] = []
    for move in path:
        if runs and runs[-1][-1] % count == move % count:
            runs[-1].append(move)
        else:
            runs.append([move])
    for at, run in enumerate(runs):
        later = next((i for i in range(at + 1, len(runs)) if runs[i][0] % count == run[0] % count), None)
        if later is None:
            continue
        middle = runs[at + 1 : later]
        for block in ([run, runs[later], *middle], [*middle, run, runs[later]]):
            yield [move for piece in (*runs[:at], *block, *runs[later + 1 :]) for move in piece]


def _at_end(system: TransitionSystem, moves: Iterable[int], violation: Violation) -> Violation:
    """The violation as a path to one of its kind shows it: it may be another thread's than the one that was met."""
    state = system.start
    for move in moves:
        after = system.after(state, move)
        assert after is not None
        state = after
    return system.violation(state) or violation


def _followed(system: TransitionSystem, path: Sequence[int], violation: Violation) -> list[int] | None:
    """The path up to where it shows the finding; None where it does not, or cannot be taken."""
    state = system.start
    for at, move in enumerate(path):
        if same(system, state, violation):
            return list(path[:at])
        after = system.after(state, move)
        if after is None:
            return None
        state = after
    return list(path) if same(system, state, violation) else None


def breadth_first(system: TransitionSystem, graph: Graph, number: int) -> list[int]:
    """The moves by which the search first came to a state, or to one that it stands for."""
    if graph.way is not None:
        return _real(system, [graph.states[met] for met in graph.way(number)])
    parent: dict[int, tuple[int, int]] = {}
    for before, row in enumerate(graph.edges):
        for move, after in enumerate(row):
            if after > 0 and after not in parent:
                parent[after] = (before, move)
        if number in parent or number == 0:
            break
    way = []
    while number:
        way.append(number)
        number = parent[number][0]
    return _real(system, [graph.states[number] for number in reversed(way)])


def _real(system: TransitionSystem, way: Iterable[State]) -> list[int]:
    """Moves from the start through states that these stand for."""
    state = system.start
    path = []
    for kept in way:
        following = enumerate(system.successors(state))
        ways = [(move, after) for move, after in following if after is not None and system.lowest(after) == kept]
        if not ways:
            raise Astray("a state that was kept follows one that was")
        move, state = ways[0]
        path.append(move)
    return path


def find_in_graph(
    system: TransitionSystem, graph: Graph, fairness: Fairness = "strong", effort: Effort = UNBOUNDED
) -> Counterexample | None:
    """What a search of threads that end has found; ``fairness`` as ``never_ends`` takes it. Raises Reclassified."""
    if graph.violation is not None:
        if graph.violation.kind in HANGS:
            number = graph.states.index(system.lowest(graph.violation.state))
            return _never_going_on(system, graph, graph.violation, [number], effort)
        return _violated(system, graph, graph.violation, effort)
    hang = kept_from_ending(system, graph, fairness) if graph.complete else None
    if hang is None:
        return None
    violation, members = hang
    if violation.kind == "endless":
        return _endless(system, graph, violation, members, effort)
    return _never_going_on(system, graph, violation, members, effort)


def _never_going_on(
    system: TransitionSystem, graph: Graph, violation: Violation, members: Sequence[int], effort: Effort
) -> Counterexample:
    """A way to one of these states, from where nothing leads on."""
    wanted = {graph.states[member] for member in members}
    moves = fewest(system, lambda state: state in wanted, effort)
    way = breadth_first(system, graph, members[0]) if moves is None else moves
    return Counterexample(violation, tuple(way), number=members[0], shortest=moves is not None)


def _violated(system: TransitionSystem, graph: Graph, violation: Violation, effort: Effort) -> Counterexample:
    number = graph.states.index(system.lowest(violation.state))
    moves = fewest(system, lambda state: same(system, state, violation), effort)
    if moves is not None:
        return Counterexample(_at_end(system, moves, violation), tuple(moves), number=number)
    way = _showing(system, breadth_first(system, graph, number), violation)
    moves = fewer_switches(system, way, violation, effort)
    return Counterexample(_at_end(system, moves, violation), tuple(moves), number=number, shortest=False)


def as_met(system: TransitionSystem, graph: Graph) -> Counterexample | None:
    """The violation of a search that was contradicted, by the way on which it was met: nothing new is executed for it.

    None where the search kept too few states to lead there, taking threads for symmetric that are not.
    """
    violation = graph.violation
    if violation is None:
        return None
    number = graph.states.index(system.lowest(violation.state))
    try:
        moves = _showing(system, breadth_first(system, graph, number), violation)
    except (Astray, Reclassified, Asymmetric):
        return None
    return Counterexample(_at_end(system, moves, violation), tuple(moves), number=number)


def _showing(system: TransitionSystem, path: Sequence[int], violation: Violation) -> list[int]:
    """The same path with threads exchanged so that it shows the finding, which it may not as the search kept it."""
    for others in system.exchanges():
        moves = _followed(system, [others[move] if move < system.count else move for move in path], violation)
        if moves is not None:
            return moves
    raise Astray("some exchange of threads leads to what the search found")


def find_in_loop(
    system: TransitionSystem, graph: Graph, *, doorway: bool = False, effort: Effort = UNBOUNDED
) -> Counterexample | None:
    """What a search of threads that repeat for ever has found. Raises Reclassified.

    ``doorway``: a thread starves only where it waits for its turn.
    """
    if graph.violation is not None:
        return find_in_graph(system, graph, effort=effort)
    if not graph.complete:
        return None
    edges = fairness.rounds(system, graph)
    out = [tuple(child for child in row if child >= 0) for row in graph.edges]
    completing = {edge[0] for edge in edges if edge[3]}
    for component in bottom_components(out):
        if not completing & set(component):
            shared = {graph.states[member][system.count] for member in component}
            kind = "deadlock" if len(shared) == 1 else "livelock"
            violation = Violation(kind, graph.states[component[0]])
            return Counterexample(violation, tuple(breadth_first(system, graph, component[0])), (), component[0])
    for thread in range(system.count):
        members = fairness.starving(system, graph, edges, thread, waiting=doorway)
        if members is not None:
            return _starved(system, graph, edges, thread, members, effort)
    return None


def _endless(
    system: TransitionSystem, graph: Graph, violation: Violation, members: Sequence[int], effort: Effort
) -> Counterexample:
    """A way into a component, and moves inside it after which the same threads are where they were, each having moved,
    or having waited where it never moves inside.

    The states are as the threads really reach them: where symmetric states are kept once, those that they stand for.
    """
    inside = {graph.states[member] for member in members}
    found = fewest(system, lambda state: system.lowest(state) in inside, effort)
    moves = breadth_first(system, graph, members[0]) if found is None else found
    start = system.start
    for move in moves:
        after = system.after(start, move)
        assert after is not None
        start = after
    at, loop = start, list[int]()
    for thread in system.ready(start):
        if all(move % system.count != thread for move in loop):
            wanted = partial(_moved, system.count, thread)
            way = _inside(system, inside, at, wanted) or _inside(system, inside, at, partial(_waits, system, thread))
            assert way is not None
            loop, at = loop + way[0], way[1]
    if at != start:
        back = _inside(system, inside, at, lambda after, _: after == start)
        assert back is not None
        loop += back[0]
    return Counterexample(violation, tuple(moves), tuple(loop), members[0], shortest=found is not None)


def _moved(count: int, thread: int, after: State, move: int) -> bool:
    del after
    return move % count == thread


def _waits(system: TransitionSystem, thread: int, after: State, move: int) -> bool:
    del move
    return thread not in system.ready(after)


def _inside(
    system: TransitionSystem, inside: Container[State], start: State, wanted: Callable[[State, int], bool]
) -> tuple[list[int], State] | None:
    """The shortest way through these states to a wanted move (by the state after it and itself), and where it ends.

    None where there is none.
    """
    ways: dict[State, list[int]] = {start: []}
    todo = [start]
    for at in todo:
        for move, after in enumerate(system.successors(at)):
            if after is None or system.lowest(after) not in inside:
                continue
            if wanted(after, move):
                return [*ways[at], move], after
            if after not in ways:
                ways[after] = [*ways[at], move]
                todo.append(after)
    return None


def _starved(
    system: TransitionSystem,
    graph: Graph,
    edges: Sequence[fairness.Edge],
    thread: int,
    members: list[int],
    effort: Effort,
) -> Counterexample:
    inside = set(members)
    kept = [e for e in edges if e[0] in inside and e[1] in inside and not (e[2] == thread and e[3])]
    start = members[0]
    at, loop = start, list[int]()
    for mover in range(system.count):
        goal = {edge[0] for edge in kept if edge[2] == mover}
        loop += (way := _way(kept, at, goal))[0]
        edge = next(edge for edge in kept if edge[0] == way[1] and edge[2] == mover)
        loop.append(mover)
        at = edge[1]
    loop += _way(kept, at, {start})[0]
    violation = Violation("starvation", graph.states[start], thread)
    moves = fewest(system, lambda state: state == graph.states[start], effort)
    first = breadth_first(system, graph, start) if moves is None else moves
    return Counterexample(violation, tuple(first), tuple(loop), start, shortest=moves is not None)


def _way(edges: Sequence[fairness.Edge], start: int, goal: set[int]) -> tuple[list[int], int]:
    """The shortest way along these edges to one of ``goal``: its moves and where it ends."""
    out: dict[int, list[fairness.Edge]] = {}
    for edge in edges:
        out.setdefault(edge[0], []).append(edge)
    ways: dict[int, list[int]] = {start: []}
    todo = [start]
    for at in todo:
        if at in goal:
            return ways[at], at
        for edge in out.get(at, ()):
            if edge[1] not in ways:
                ways[edge[1]] = [*ways[at], edge[2]]
                todo.append(edge[1])
    raise AssertionError("a strongly connected component has a way between any two states")
