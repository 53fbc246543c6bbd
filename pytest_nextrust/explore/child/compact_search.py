"""A search that keeps of each state a hash, for what does not fit memory (hash compaction).

Only the states of the level that is being left and of the next one are kept whole; of each state there is a hash in a
set, and the number of its parent with the move that led on, some 16 bytes in all. Two states of one hash are taken for
one, and then what only the second leads to is left out. So what it finds is there, and what it does not find may be.

The hashes are of a family of which any two states have one with probability 2^-bits over the keys (see
``native/hashes.c``), and a search's keys are drawn for it alone. It does not depend on them until it first leaves a
state out, and if it does and ends with n states, that one was among the first n + 1 that are reached breadth first: so
this happens with probability n(n+1)/2^(bits+1) at most, the birthday bound of n + 1 states. An exploration of several
rounds is wrong where any of them is: as many times that.

There are no edges, so runs that never end are not looked for; a state in which nobody can move is met like a bad one.

Boundary: child process only. Sources: Wolper and Leroy, "Reliable hashing without collision detection", CAV 1993; Stern
and Dill, "Improved probabilistic verification by hash compaction", CHARME 1995.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from pytest_nextrust.explore.child.compiled_search import FEW, MANY, CompiledSearch
from pytest_nextrust.explore.child.search import Enough, Graph
from pytest_nextrust.explore.child.search_library import COMPLETE, JUDGE, NO_MEMORY, NO_WAY_ON, PAUSE
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation

__all__ = ["HASH_BITS", "StateHashing", "explore_states_compact", "omission"]

HASH_BITS = 64


@dataclass(frozen=True, slots=True)
class StateHashing:
    """How states are hashed: to so many bits, 64 at most, by keys that are drawn from what ``seed`` says."""

    seed: str
    bits: int = HASH_BITS

    def keys(self, words: int) -> tuple[int, ...]:
        """The keys for states of so many words: 64 bits each, two for each word and two more."""
        count = 2 * (words + 1)
        return struct.unpack(f"<{count}Q", hashlib.shake_256(self.seed.encode()).digest(8 * count))


def omission(states: int, bits: int, searches: int = 1) -> float:
    """The probability, at most, that one of so many searches leaves a state out and ends with no more than these."""
    return min(1.0, searches * states * (states + 1) / 2.0 ** (bits + 1))


def explore_states_compact(system: TransitionSystem, hashing: StateHashing, enough: Enough | None = None) -> Graph:
    """See every reachable state whose hash no state before it has, or stop at the first bad one, or in which nobody can
    move, or when ``enough(how far it is)``.

    Of the answer's states only those on the way to what was found are there. Raises Reclassified, Asymmetric.
    """
    search = CompiledSearch(system)
    states = _StatesOnTheWay(search)
    graph = Graph(states, way=states.way)
    graph.violation = system.violation_of_any(system.start)
    try:
        keys = hashing.keys(search.width)
        if not search.library.nextrust_search_hash(search.handle, hashing.bits, (ctypes.c_uint64 * len(keys))(*keys)):
            raise MemoryError
        if graph.violation is None:
            _run(search, states, graph, enough)
    except MemoryError:
        graph.starved = True
    graph.transitions = search.transitions()
    return graph


def _run(search: CompiledSearch, states: _StatesOnTheWay, graph: Graph, enough: Enough | None) -> None:
    """Search until all has been seen, or something is wrong. Raises Reclassified, Asymmetric, MemoryError."""
    library, handle, system = search.library, search.handle, search.system
    until = search.done() + FEW
    while graph.violation is None:
        code = library.nextrust_search_run_hashed(handle, until)
        if search.answer(code):
            continue
        if code in (JUDGE, NO_WAY_ON):
            number = search.asked_about()
            state = search.state_at(library.nextrust_search_whole(handle, number))
            if code == JUDGE:
                graph.violation = search.judged(state)
            else:
                graph.violation = _hang(system, state)
            if graph.violation is not None:
                states.found(number)
        elif code == PAUSE:
            until += FEW if until < FEW * MANY else MANY
            if enough is not None and enough(search.figures()):
                return
        elif code == NO_MEMORY:
            raise MemoryError
        else:
            assert code == COMPLETE
            break
    graph.complete = graph.violation is None


def _hang(system: TransitionSystem, state: State) -> Violation | None:
    """What a state shows in which nobody can move, and which is not final; nothing where a thread was cut short."""
    kinds = {system.engine.threads[thread].table[state[thread]].kind for thread in range(system.count)}
    if "unfinished" in kinds:
        return None
    return Violation("divergence" if "diverges" in kinds else "deadlock", state)


class _StatesOnTheWay(Sequence[State]):
    """The states by number, of which only those on the way to what was found can be had."""

    def __init__(self, search: CompiledSearch) -> None:
        self._search = search
        self._known: dict[int, State] = {0: search.system.start}

    def found(self, number: int) -> None:
        """Work out the states on the way to one."""
        system, state = self._search.system, self._known[0]
        for at in self.way(number):
            after = system.after(state, self._search.library.nextrust_search_move(self._search.handle, at))
            assert after is not None
            state = self._known[at] = system.lowest(after)

    def way(self, number: int) -> Sequence[int]:
        """The states by which the search came to one, from behind the start to itself."""
        way = []
        while number:
            way.append(number)
            number = self._search.library.nextrust_search_parent(self._search.handle, number)
        return way[::-1]

    def __len__(self) -> int:
        return self._search.count()

    @overload
    def __getitem__(self, number: int) -> State: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[State]: ...
    def __getitem__(self, number: int | slice) -> State | Sequence[State]:
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        try:
            return self._known[number]
        except KeyError:
            raise IndexError(number) from None

    def index(self, value: State, start: int = 0, stop: int | None = None) -> int:
        for number, state in self._known.items():
            if state == value and number >= start and (stop is None or number < stop):
                return number
        raise ValueError("no such state")
