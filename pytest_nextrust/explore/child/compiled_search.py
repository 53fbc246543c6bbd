"""The search over whole states by the compiled part: the same states, edges and numbers as ``search`` finds.

The compiled part holds the states and what follows what; a step, a move of the monitor or an exchange that it has not
met is asked of the transition system, once. A step whose reads it has met in another shared memory it takes itself,
where the shared memory that it leaves has a number. States stay packed: four bytes for each thread, the shared state
and the monitor's, four for each edge, and eight to sixteen in the index. A graph of it decodes what is looked at.

Signals are not for it (``fits``); the plain search does those, and all where the compiled part is not there.

Boundary: child process only. The layout of what is passed is ``native/search.c``'s.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from typing import IO, Any, NamedTuple, Protocol, TypeVar, overload

from pytest_nextrust.explore.child.checkpoint import Keeper, SearchState, SearchToResume
from pytest_nextrust.explore.child.decision_tree import path
from pytest_nextrust.explore.child.local_states import MacroStep, OperationEvent
from pytest_nextrust.explore.child.program_calls import exit_status
from pytest_nextrust.explore.child.renamed_symmetry import RenamedSymmetry
from pytest_nextrust.explore.child.search import Enough, Graph, SearchFigures, explore_states
from pytest_nextrust.explore.child.search_library import (
    COMPLETE,
    EXCHANGE,
    FOLLOW,
    JUDGE,
    MONITOR,
    NO_MEMORY,
    NONE,
    PAUSE,
    RENAME,
    STEP,
    THREADS,
    library,
)
from pytest_nextrust.explore.child.spill import Spill
from pytest_nextrust.explore.child.symmetry import Symmetry
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation
from pytest_nextrust.native.loading import core

__all__ = ["Asked", "CompiledSearch", "Elsewhere", "explore_states_compiled", "fits", "seen"]

KINDS = {"ready": 1, "done": 2, "fault": 3, "clobbered": 3, "exited": 4, "given up": 4, "killed": 5, "failed": 5}
HALTED_WRONG = 5
CHOICES = 4
"""Above the kind's bits: the choices but one."""
ENDS, NO_MEMORY_FOR_ENDS = 0, -1
T = TypeVar("T")

FEW, MANY = 16, 256
"""States between two questions whether it is enough: as the plain search asks, and once there are 4,096."""


def seen(
    system: TransitionSystem,
    enough: Enough | None = None,
    keeper: Keeper | None = None,
    spill: Spill | None = None,
    elsewhere: Elsewhere | None = None,
) -> Graph:
    """What a search sees, by the compiled part where that is there and can. Raises Reclassified, Asymmetric;
    Unfinished.
    """
    if fits(system):
        return explore_states_compiled(system, enough, keeper, spill, elsewhere)
    return explore_states(system, enough, keeper)


def fits(system: TransitionSystem) -> bool:
    """Whether the compiled part is there and can search this system."""
    return core() is not None and system.moves == system.signals_from


def explore_states_compiled(
    system: TransitionSystem,
    enough: Enough | None = None,
    keeper: Keeper | None = None,
    spill: Spill | None = None,
    elsewhere: Elsewhere | None = None,
) -> Graph:
    """See every reachable state, as ``explore_states``, but that it asks ``enough`` less often. Raises Reclassified,
    Asymmetric, MemoryError; Unfinished. ``spill`` moves what it has into files;
    ``elsewhere``, it goes on once it is large.
    """
    search = CompiledSearch(system, keep_log=elsewhere is not None)
    graph = Graph(
        _States(search), _Numbered(search.done, search.row), ends=search.ends, stuck=search.stuck, way=search.way
    )
    start = system.start
    graph.violation = system.violation_of_any(start)
    if graph.violation is None:
        try:
            if keeper is not None and (resumed := keeper.to_resume()) is not None:
                with closing(resumed):
                    if spill is not None:
                        spill.look(search, coming=resumed.header.size)
                    search.resume(keeper, resumed)
            if not search.run(graph, enough, keeper, spill, elsewhere):
                assert elsewhere is not None
                elsewhere.go_on(search, graph, enough)
        except MemoryError:
            graph.starved, graph.complete = True, False
    graph.transitions = search.transitions()
    graph.finals = search.finals()
    return graph


class Asked(NamedTuple):
    """What the compiled part asks: of which state and which of its moves, or with which state of the monitor
    (``number``) and of which class of symmetric threads (``members``).
    """

    state: State
    move: int
    number: int
    members: int


class Elsewhere(Protocol):
    """Where a search goes on once it is large."""

    def is_time(self, figures: SearchFigures) -> bool: ...
    def go_on(self, search: CompiledSearch, graph: Graph, enough: Enough | None) -> None: ...


class CompiledSearch:
    """One search of the compiled part, and what it is told."""

    def __init__(self, system: TransitionSystem, *, keep_log: bool = False) -> None:
        self.library = functions = library()
        self.system = system
        self.width = system.count + 2
        self.row_of = struct.Struct(f"={system.moves}i").unpack
        self.state_of = struct.Struct(f"={self.width}i").unpack
        self._pack = struct.Struct(f"={self.width}i").pack
        self._taught = array("I")
        self._answers: Mapping[int, Callable[[Asked], int]] = {
            STEP: self._step,
            MONITOR: self._monitor,
            FOLLOW: self._follow,
            RENAME: self._rename,
            EXCHANGE: self._exchange,
        }
        self._events: dict[tuple[OperationEvent, ...], int] = {(): 0}
        self._members: list[int] = []
        self._orbits = 0
        self._told: set[tuple[int, int, int]] = set()
        """The thread, local state and leaf of each step whose effect has been told."""
        self._vectors = 0
        self._asked = (ctypes.c_uint32 * (3 + THREADS))()
        handle = functions.nextrust_search_new(*self.settings)
        if not handle:
            raise MemoryError
        self.handle = ctypes.c_void_p(handle)
        if keep_log:
            functions.nextrust_search_keep_log(self.handle)
        self._files: list[IO[bytes]] = []
        weakref.finalize(self, _freed, functions, self.handle, self._files)
        for thread, local in enumerate(system.start[: system.count]):
            self._tell_kind(thread, local)
        self._check(functions.nextrust_search_shares(self.handle, len(system.engine.order)))
        self._symmetry = system.symmetry if isinstance(system.symmetry, Symmetry) else None
        self._renamed = system.symmetry if isinstance(system.symmetry, RenamedSymmetry) else None
        for threads in self._symmetry.classes if self._symmetry is not None else ():
            self.library.nextrust_search_class(self.handle, len(threads), _numbers(threads))
            self._members.append(0)
        if self._renamed is not None:
            self._tell_exchanges(self._renamed)
        self._tell_members()
        self._tell_vectors()
        self._check(self.library.nextrust_search_start(self.handle, self._pack(*system.start)))

    def resume(self, keeper: Keeper, resumed: SearchToResume) -> None:
        """Take a checkpoint. Raises MemoryError; Unfinished."""
        header, library = resumed.header, self.library
        self._check(library.nextrust_search_reserve(self.handle, header.states))
        for array_of, size in (("state", header.states * header.width), ("row", header.left * header.moves)):
            resumed.fill(_memory(getattr(library, f"nextrust_search_{array_of}")(self.handle, 0), 4 * size))
        finals, self._taught = resumed.numbers(header.finals), resumed.numbers(header.taught)
        library.nextrust_search_written(self.handle, header.states)
        keeper.teach(self.system, _States(self), self._taught)
        self._tell_members()
        self._tell_vectors()
        # What it asked for, it needs again; a plain search has noted less.
        for number in tuple(self._taught) if header.compiled else range(header.left):
            library.nextrust_search_back_to(self.handle, number)
            code = STEP
            while code in self._answers:
                code = library.nextrust_search_run(self.handle, number + 1)
                self.answer(code)
        transitions = ctypes.c_uint64(header.transitions)
        found = (header.left, transitions, header.finals, finals.tobytes())
        self._check(library.nextrust_search_resume(self.handle, *found))

    def put_aside(self) -> SearchState:
        """How far the search is, as it is in memory: to be used before it goes on."""
        library, met, left = self.library, self.count(), self.done()
        states = _memory(library.nextrust_search_state(self.handle, 0), 4 * met * self.width)
        edges = _memory(library.nextrust_search_row(self.handle, 0), 4 * left * self.system.moves)
        finals = array("I", self.finals()).tobytes()
        return SearchState(True, met, left, self.transitions(), [states], [edges], finals, self._taught.tobytes())

    def log(self, begin: int) -> bytes:
        """What it was told, in words, from one of them on: what another search of this program is to take."""
        count = self.library.nextrust_search_log_count(self.handle) - begin
        return ctypes.string_at(self.library.nextrust_search_log(self.handle) + 4 * begin, 4 * count) if count else b""

    @property
    def settings(self) -> tuple[int, int, int, bool, bool]:
        """What ``nextrust_search_new`` takes."""
        system = self.system
        waited_for = sum(1 << thread for thread in system.waited_for)
        return system.count, system.moves // system.count, waited_for, system.judges, system.names_operations

    def packed(self, state: State) -> bytes:
        """A state as the compiled part has it; ``state_of`` makes it one again."""
        return self._pack(*state)

    def judged(self, state: State) -> Violation | None:
        """What is wrong with a state. Raises Reclassified, Asymmetric."""
        learned = self.system.learned
        violation = self.system.violation_of_any(state)
        if learned != self.system.learned:
            self._tell_vectors()
        return violation

    def begin_merge(self, counts: Sequence[int]) -> None:
        """Drop all states for those of parts that have so many. Raises MemoryError."""
        self._check(self.library.nextrust_search_merge(self.handle, len(counts), _numbers(counts)))

    def number_merged(self, part: int, first: int, count: int, number: int) -> None:
        """Say by which numbers states of a part go from now on."""
        self.library.nextrust_search_merge_numbers(self.handle, part, first, count, number)

    def merge(self, parts: int, part: int, first: int, count: int, left: int, rows: bytes) -> None:
        """Take states of a part, and after them in ``rows`` the edges of the first ``left`` of them."""
        edges = rows[4 * count * self.width :]
        self.library.nextrust_search_merge_rows(self.handle, parts, part, first, count, left, rows, edges)

    def end_merge(self, left: int) -> None:
        """All are there, of which so many have been left behind. Raises MemoryError."""
        self._check(self.library.nextrust_search_merge_end(self.handle, left))

    def spill(self, files: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> bool:
        """Move states and edges into files, and what the look for endless runs takes; whether there is room."""
        self._files += files
        return bool(self.library.nextrust_search_spill(self.handle, *(file.fileno() for file in files)))

    def run(
        self,
        graph: Graph,
        enough: Enough | None,
        keeper: Keeper | None = None,
        spill: Spill | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> bool:
        """Search until everything has been seen, or a violation, or ``enough``; False where it is to go on elsewhere.

        Raises Reclassified, Asymmetric, MemoryError: then nothing is lost but what was being looked at.
        """
        until = self.done() + FEW
        while True:
            code = self.library.nextrust_search_run(self.handle, until)
            if self.answer(code):
                self._learned()
            elif code == JUDGE:
                learned = self.system.learned
                self._judge(graph)
                if learned != self.system.learned:
                    self._learned()
            elif code == PAUSE:
                until += FEW if until < FEW * MANY else MANY
                if spill is not None:
                    spill.look(self)
                ended = enough is not None and enough(self.figures())
                if keeper is not None:
                    keeper.look(self.system, self.put_aside, last=ended)
                if ended:
                    return True
                if elsewhere is not None and elsewhere.is_time(self.figures()):
                    return False
            elif code == NO_MEMORY:
                raise MemoryError
            else:
                graph.complete = code == COMPLETE
                return True

    def answer(self, code: int) -> bool:
        """Answer what was asked by a code; whether anything was. Raises Reclassified, Asymmetric, MemoryError."""
        answer = self._answers.get(code)
        if answer is not None:
            self.library.nextrust_search_wanted(self.handle, self._asked)
            state = self.state_at(self.library.nextrust_search_wanted_of(self.handle))
            self._check(answer(Asked(state, *self._asked[:3])))
            self._tell_vectors()
        return answer is not None

    def asked_about(self) -> int:
        """The number of the state that is to be looked at."""
        self.library.nextrust_search_wanted(self.handle, self._asked)
        return self._asked[1]

    def learn(self, state: State) -> None:
        """Know whatever there is to be known of what follows a state. Raises Reclassified, Asymmetric, MemoryError."""
        packed = self._pack(*state)
        while self.answer(self.library.nextrust_search_ask_of(self.handle, packed)):
            pass

    def _learned(self) -> None:
        """Take note of the state from which something was learned."""
        at = self.done()
        if not self._taught or self._taught[-1] != at:
            self._taught.append(at)

    # -- what it asks --------------------------------------------------------------------------------------------------

    def _taken(self, asked: Asked) -> MacroStep:
        """The macro-step that is asked about."""
        choice, thread = divmod(asked.move, self.system.count)
        return self.system.engine.macro_step(thread, asked.state[thread], asked.state[self.system.count], choice)

    def _step(self, asked: Asked) -> int:
        step, state, move = self._taken(asked), asked.state, asked.move
        thread = move % self.system.count
        if self._renamed is not None:
            self._renamed.follow(state, thread)
            self._tell_members()
        events = self._events.setdefault(step.events, len(self._events))
        kind = self._kind(thread, step.local)
        after = ctypes.c_uint32(NONE if step.blocked else step.local)
        told: int = self.library.nextrust_search_step(
            self.handle, move, state[thread], state[self.system.count], after, kind, step.shared, events
        )
        if told and move == thread:
            self._tell_effect(thread, state, after, events)
        return told

    def _tell_effect(self, thread: int, state: State, after: ctypes.c_uint32, events: int) -> None:
        """Say what the step does wherever the bytes that it reads are the same."""
        engine, local = self.system.engine, state[thread]
        reads, leaf = path(
            engine.threads[thread].table[local].tree, engine.vectors[state[self.system.count]].__getitem__
        )
        if leaf is None or (thread, local, id(leaf)) in self._told:
            return
        self._told.add((thread, local, id(leaf)))
        read = [place << 8 | value for places, values in reads for place, value in zip(places, values, strict=True)]
        written = [place << 8 | value for place, value in leaf.effect.writes]
        every = _numbers([*read, *written])
        sizes = len(read), len(written)
        self._check(self.library.nextrust_search_effect(self.handle, thread, local, after, events, *sizes, every))

    def _monitor(self, asked: Asked) -> int:
        step, state = self._taken(asked), asked.state
        thread = asked.move % self.system.count
        after = self.system.advance(state[-1], thread, step.events)
        told: int = self.library.nextrust_search_monitor(
            self.handle, thread, state[-1], self._events[step.events], after & NONE
        )
        return told

    def _follow(self, asked: Asked) -> int:
        symmetry = self._symmetry
        assert symmetry is not None
        found = symmetry.follow(asked.state, asked.move)
        assert found is not None
        self._tell_members()
        told: int = self.library.nextrust_search_followed(self.handle, *found, asked.state[self.system.count])
        return told

    def _rename(self, asked: Asked) -> int:
        watched, number = asked.number, asked.members
        symmetry = self._symmetry
        assert symmetry is not None
        order = tuple(self._asked[3 : 3 + len(symmetry.classes[number])])
        after = symmetry.exchanged(number, order, watched)
        told: int = self.library.nextrust_search_renamed(self.handle, number, watched, _numbers(order), after)
        return told

    def _exchange(self, asked: Asked) -> int:
        after = self.system.after(asked.state, asked.move)
        assert after is not None
        self.system.lowest(after)
        return True

    def _judge(self, graph: Graph) -> None:
        number = self.asked_about()
        if graph.violation is None:
            graph.violation = self.system.violation_of_any(self.state(number))
            if graph.violation is not None:
                self.library.nextrust_search_violated(self.handle, number)

    def _tell_vectors(self) -> None:
        vectors = self.system.engine.vectors
        while self._vectors < len(vectors):
            self._check(self.library.nextrust_search_vector(self.handle, vectors[self._vectors]))
            self._vectors += 1

    def _tell_members(self) -> None:
        symmetry = self._symmetry
        for number, told in enumerate(self._members):
            assert symmetry is not None
            for locals_ in symmetry.correspondences(number, told):
                for thread, local in zip(symmetry.classes[number], locals_, strict=True):
                    self._tell_kind(thread, local)
                self._check(self.library.nextrust_search_member(self.handle, number, _numbers(locals_)))
                self._members[number] += 1

        if self._renamed is not None:
            for orbit in self._renamed.orbits[self._orbits :]:
                self._tell_kind(orbit.thread, orbit.local)
                images = _numbers(orbit.images)
                self._check(
                    self.library.nextrust_search_orbit(self.handle, orbit.thread, orbit.local, orbit.number, images)
                )
            self._orbits = len(self._renamed.orbits)

    def _tell_exchanges(self, symmetry: RenamedSymmetry) -> None:
        memory, every = symmetry.memory, range(self.system.count)
        following = {one: other for threads in symmetry.classes for one, other in pairwise(threads)}
        flat = [_numbers([number for row in rows for number in row]) for rows in (memory.orders, memory.positions)]
        after = _numbers([following.get(thread, NONE) for thread in every])
        self._check(self.library.nextrust_search_exchanges(self.handle, len(memory.orders), *flat, after))
        words, names, renamed = list[int](), list[int](), list[int]()
        for position, width, images in memory.words:
            words += position, width, len(names), len(images)
            for name in sorted(images):
                names.append(name)
                renamed += images[name]
        every_word = (len(memory.words), _numbers(words), len(names), _numbers(names), _numbers(renamed))
        self._check(self.library.nextrust_search_words(self.handle, *every_word))

    def _tell_kind(self, thread: int, local: int) -> None:
        self._check(self.library.nextrust_search_kind(self.handle, thread, local, self._kind(thread, local)))

    def _kind(self, thread: int, local: int) -> int:
        found = self.system.engine.threads[thread].table[local]
        kind = KINDS.get(found.kind, 0)
        if found.kind == "exited" and exit_status(found.state):
            kind = HALTED_WRONG
        return kind | (found.choices - 1) << CHOICES

    def _check(self, told: int) -> None:
        if not told:
            raise MemoryError

    # -- what it has ---------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many states have been met."""
        met: int = self.library.nextrust_search_count(self.handle)
        return met

    def done(self) -> int:
        """How many states have been left behind: those that have edges."""
        left: int = self.library.nextrust_search_done(self.handle)
        return left

    def figures(self) -> SearchFigures:
        """How far it is."""
        return SearchFigures(self.count(), self.done(), self.library.nextrust_search_depth(self.handle))

    def transitions(self) -> int:
        """How many edges there are."""
        met: int = self.library.nextrust_search_transitions(self.handle)
        return met

    def state(self, number: int) -> State:
        """A state by number."""
        return self.state_at(self.library.nextrust_search_state(self.handle, number))

    def state_at(self, address: int) -> State:
        """The state that the compiled part has there."""
        return self.state_of(ctypes.string_at(address, 4 * self.width))

    def row(self, number: int) -> tuple[int, ...]:
        """The edges of a state by number."""
        size = 4 * self.system.moves
        return self.row_of(ctypes.string_at(self.library.nextrust_search_row(self.handle, number), size))

    def find(self, state: State) -> int:
        """The number of a state; ``NONE`` where it has none. Raises MemoryError."""
        found = ctypes.c_uint32()
        self._check(self.library.nextrust_search_find(self.handle, self._pack(*state), ctypes.byref(found)))
        return found.value

    def finals(self) -> Sequence[int]:
        """The final states that were left behind, by number."""
        count = self.library.nextrust_search_finals(self.handle)
        data = ctypes.string_at(self.library.nextrust_search_final(self.handle), 4 * count)
        return struct.unpack(f"={count}I", data)

    def ends(self, fair_runs: bool) -> bool:
        """Whether every state has a way to the end and, where asked, every fair run ends. Raises MemoryError."""
        return self._ending(fair_runs) is None

    def stuck(self) -> int | None:
        """The least state of a component that nothing leaves and that has no final state. Raises MemoryError."""
        return self._ending(False)

    def _ending(self, fair_runs: bool) -> int | None:
        first = ctypes.c_uint32()
        code = self.library.nextrust_search_ending(self.handle, fair_runs, ctypes.byref(first))
        if code == NO_MEMORY_FOR_ENDS:
            raise MemoryError
        return None if code == ENDS else first.value

    def way(self, number: int) -> Sequence[int]:
        """The states by which the search first came to one, from behind the start to itself. Raises MemoryError."""
        self._check(self.library.nextrust_search_way(self.handle, number))
        count = self.library.nextrust_search_way_length(self.handle)
        data = ctypes.string_at(self.library.nextrust_search_way_states(self.handle), 4 * count)
        return struct.unpack(f"={count}I", data)


class _Numbered(Sequence[T]):
    """What a search has by number, decoded where it is looked at: ``count`` of them, each answered by ``item``."""

    def __init__(self, count: Callable[[], int], item: Callable[[int], T]) -> None:
        self._count, self._item = count, item

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[T]: ...
    def __getitem__(self, number: int | slice) -> T | Sequence[T]:
        if isinstance(number, slice):
            return [self._item(at) for at in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._item(number)

    def __iter__(self) -> Iterator[T]:
        return map(self._item, range(len(self)))


class _States(_Numbered[State]):
    """The states of a search, which it finds by value too."""

    def __init__(self, search: CompiledSearch) -> None:
        super().__init__(search.count, search.state)
        self._find = search.find

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        number = self._find(value)
        if number == NONE or number < start or (stop is not None and number >= stop):
            raise ValueError("no such state")
        return number

    def __contains__(self, value: object) -> bool:
        return isinstance(value, tuple) and self._find(value) != NONE


def _freed(library: ctypes.CDLL, handle: ctypes.c_void_p, files: list[IO[bytes]]) -> None:
    library.nextrust_search_free(handle)
    for file in files:
        file.close()


def _memory(address: int, size: int) -> memoryview:
    """Bytes of the compiled part, which stay where they are until it goes on."""
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


def _numbers(values: Sequence[int]) -> Any:
    return (ctypes.c_uint32 * len(values))(*values)
