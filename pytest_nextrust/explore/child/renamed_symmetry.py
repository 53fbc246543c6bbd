"""Symmetric threads that have memory of their own among what they share, and hold each other's names.

A whole state is exchanged as ``renaming`` says for shared memory and, for threads, by *orbits* of local states: which
local state every other thread is in under every exchange. These are not made up but met: from the start, where every
thread stands before its first shared access, each macro-step of a thread is taken under every exchange, by the thread
and from the local state and the shared memory that it makes of them. All must read what corresponds and write what
corresponds; the local states that they come to are the orbit. So nothing is assumed of what is in registers and on
stacks, and of shared memory only what was compared: a number that looks like an address and is none, or a word of which
a half is written, makes a step differ.

What is compared is what a step reads and what it makes of that, once for each leaf of the memo of ``macro_steps``: it
holds in every shared memory in which these bytes are so. Then the exchanges are automorphisms of all that can be
reached, as the start is exchanged for itself, and one state of those that differ by an exchange is enough. It is that
one in which the numbers of orbits ascend, and of those the one of the least shared memory, and then local states.

A difference teaches what is renamed, where a table of one number for each thread explains it; else it contradicts that
the threads are symmetric (``Asymmetric``). Before a search some runs by lot are followed, in which nearly all shows.

Boundary: numbers and tuples, as ``transition_system``'s. Sources: as ``symmetry``; Emerson and Sistla, "Symmetry and
model checking", Formal Methods in System Design 9, 1996.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_nextrust.explore.child.accesses import Reclassified
from pytest_nextrust.explore.child.decision_tree import Leaf, path
from pytest_nextrust.explore.child.local_states import Local, MacroStep, StepEffect
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.renaming import WORD, MemoryExchanges, Unlearnable
from pytest_nextrust.explore.symmetry_guess import Asymmetric, Partition, Renaming

__all__ = ["Orbit", "RenamedSymmetry"]

State = tuple[int, ...]

WALKS, LONGEST = 6, 600
"""Runs by lot that are followed before a search, and their macro-steps."""


@dataclass(frozen=True, slots=True)
class Orbit:
    """The local states that a thread's local state becomes, by exchange; each is another thread's, or the same's.

    ``number`` is one for all of them.
    """

    thread: int
    local: int
    number: int
    images: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A macro-step as it is remembered: who takes it, the addresses of each access in order, and the
    numbers written."""

    thread: int
    after: Local
    step: MacroStep
    leaf: Leaf[StepEffect]
    reads: tuple[tuple[int, ...], ...]
    writes: tuple[tuple[tuple[int, ...], int], ...]


class RenamedSymmetry:
    """The exchanges of one exploration and the states' lowest forms. Most calls raise Asymmetric and Reclassified.

    For threads whose events nobody judges.
    """

    def __init__(self, engine: Engine, partition: Partition, renaming: Renaming) -> None:
        self._engine = engine
        self._partition = partition
        self._count = len(engine.threads)
        self.learn(renaming)

    def learn(self, renaming: Renaming) -> None:
        """Begin again with a renaming. Raises Asymmetric, Reclassified."""
        engine = self._engine
        try:
            self.memory = MemoryExchanges(self._partition, self._count, renaming, engine.order)
        except Unlearnable:
            raise Asymmetric(()) from None
        if self.memory.missing:
            raise Reclassified(self.memory.missing)
        self.orbits: list[Orbit] = []
        """Every local state that has been met, in the order of meeting."""
        self._orbits: list[dict[int, Orbit]] = [{} for _ in engine.threads]
        self._numbers = 0
        self._compared: set[tuple[int, int, int]] = set()
        self._start()

    def begin(self, start: State, successor: Callable[[State, int], State | None]) -> None:
        """Follow some runs, and learn what they teach. ``successor`` answers the state after a thread's macro-step,
        None where it has none. Raises Asymmetric, Reclassified.
        """
        # What only one of several threads has been seen to share so far would make them differ.
        self._rehearse(start, successor)
        while True:
            try:
                self._rehearse(start, successor, self.follow)
            except Asymmetric as contradiction:
                if contradiction.renaming is None:
                    raise
                self.learn(contradiction.renaming)
            else:
                return

    def _rehearse(
        self,
        start: State,
        successor: Callable[[State, int], State | None],
        follow: Callable[[State, int], None] = lambda *_: None,
    ) -> None:
        rng = random.Random(0)
        for walk in range(-self._count, WALKS):
            state = start
            for _ in range(LONGEST):
                # The first runs are of each thread, as far as it gets, and then of the others.
                ready = [thread for thread in range(self._count) if self._local(thread, state).kind == "ready"]
                following = ((thread, successor(state, thread)) for thread in ready)
                ways = [(thread, after) for thread, after in following if after is not None]
                if not ways:
                    break
                way = min(ways, key=lambda way: (way[0] - walk) % self._count) if walk < 0 else rng.choice(ways)
                follow(state, way[0])
                if way[1] == state and len(ways) > 1:
                    way = rng.choice(ways)
                    follow(state, way[0])
                state = way[1]

    def _local(self, thread: int, state: State) -> Local:
        return self._engine.threads[thread].table[state[thread]]

    @property
    def compared(self) -> int:
        """How many macro-steps have been compared under all exchanges."""
        return len(self._compared)

    @property
    def classes(self) -> Partition:
        """The threads of each class."""
        return self._partition

    def exchanges(self) -> Iterator[tuple[int, ...]]:
        """The thread that each may stand in for, as whole tuples of threads, the identity first."""
        yield from self.memory.orders

    # -- what threads do -----------------------------------------------------------------------------------------------

    def follow(self, state: State, thread: int) -> None:
        """See that a thread's next macro-step is what every exchange makes of it. Raises Asymmetric."""
        local, vector = self._local(thread, state), self._engine.vectors[state[self._count]]
        self._engine.macro_step(thread, state[thread], state[self._count])
        _, leaf = path(local.tree, vector.__getitem__)
        if (thread, state[thread], id(leaf)) not in self._compared:
            self._compare(thread, state[thread], vector)

    def _compare(self, thread: int, local: int, vector: bytes) -> None:
        memory, engine = self.memory, self._engine
        images = self._orbits[thread][local].images
        taken = []
        for exchange, order in enumerate(memory.orders):
            shared = engine.intern_vector(memory.exchanged(exchange, vector))
            taken.append(self._taken(order[thread], images[exchange], shared))
        try:
            self._same_way(taken)
        except Unlearnable:
            raise Asymmetric(self._alike(thread, taken)) from None
        self._meet(thread, [one.step.local for one in taken])
        # What holds of a step under all exchanges holds of what each makes of it: they are a group.
        self._compared.update((one.thread, local, id(one.leaf)) for one, local in zip(taken, images, strict=True))

    def _taken(self, thread: int, local: int, shared: int) -> _Taken:
        engine = self._engine
        table = engine.threads[thread].table
        step = engine.macro_step(thread, local, shared)
        reads, leaf = path(table[local].tree, engine.vectors[shared].__getitem__)
        assert leaf is not None
        places = engine.order
        read = tuple(tuple(places[position] for position in at) for at, _ in reads)
        return _Taken(thread, table[step.local], step, leaf, read, self._written(leaf.effect))

    def _written(self, effect: StepEffect) -> tuple[tuple[tuple[int, ...], int], ...]:
        """What was written, bytes beside each other together: four at most, as words are."""
        runs: list[list[tuple[int, int]]] = []
        for position, value in effect.writes:
            address = self._engine.order[position]
            if runs and len(runs[-1]) < WORD and address == runs[-1][-1][0] + 1:
                runs[-1].append((address, value))
            else:
                runs.append([(address, value)])
        return tuple(
            (tuple(address for address, _ in run), int.from_bytes(bytes(value for _, value in run), "big"))
            for run in runs
        )

    def _same_way(self, taken: Sequence[_Taken]) -> None:
        """Raises Unlearnable where steps differ, Asymmetric where that teaches something."""
        memory, vectors, first = self.memory, self._engine.vectors, taken[0]
        if not all(self._alike_in_kind(exchange, first, own) for exchange, own in enumerate(taken)):
            raise Unlearnable
        for at in range(len(first.reads)):
            self._same_place(first.thread, [own.reads[at] for own in taken])
        for at, (addresses, _) in enumerate(first.writes):
            self._same_place(first.thread, [own.writes[at][0] for own in taken])
            self._same_name(first.thread, addresses, [own.writes[at][1] for own in taken])
        for exchange, own in enumerate(taken):
            if memory.exchanged(exchange, vectors[first.step.shared]) != vectors[own.step.shared]:
                raise Unlearnable
        self._whole_words({byte for addresses in first.reads for byte in addresses})
        self._whole_words({byte for addresses, _ in first.writes for byte in addresses})

    def _alike_in_kind(self, exchange: int, first: _Taken, own: _Taken) -> bool:
        return (
            own.step.blocked == first.step.blocked
            and self._same_kind(exchange, first.after, own.after)
            and [len(addresses) for addresses in own.reads] == [len(addresses) for addresses in first.reads]
            and [len(addresses) for addresses, _ in own.writes] == [len(addresses) for addresses, _ in first.writes]
        )

    def _same_kind(self, exchange: int, first: Local, own: Local) -> bool:
        address = self.memory.address
        return (
            own.kind == first.kind
            and own.may_wait == first.may_wait
            and (own.fault and own.fault.vector) == (first.fault and first.fault.vector)
            and own.held == {(address(exchange, at), size) for at, size in first.held}
        )

    def _same_place(self, thread: int, accesses: Sequence[tuple[int, ...]]) -> None:
        """Raise Asymmetric where an access is not to where each exchange moves it."""
        memory = self.memory
        for exchange, addresses in enumerate(accesses):
            if addresses != tuple(memory.address(exchange, byte) for byte in accesses[0]):
                raise Asymmetric((), memory.with_own(accesses, thread))

    def _same_name(self, thread: int, word: tuple[int, ...], numbers: Sequence[int]) -> None:
        """Raise Asymmetric where what is written to a word is not what each exchange makes of it."""
        memory = self.memory
        if any(number != memory.name(at, word, numbers[0]) for at, number in enumerate(numbers)):
            raise Asymmetric((), memory.with_names(word, numbers, thread))

    def _whole_words(self, accessed: set[int]) -> None:
        """Raise Unlearnable where a part of a word that holds names is accessed: what it means is not known."""
        for position, width, _ in self.memory.words:
            within = [byte in accessed for byte in self._engine.order[position : position + width]]
            if any(within) and not all(within):
                raise Unlearnable

    def _alike(self, thread: int, taken: Sequence[_Taken]) -> list[tuple[int, ...]]:
        """The threads that may still be symmetric: those whose steps are of the same kind as the one's."""
        different = {
            order[thread]
            for exchange, order in enumerate(self.memory.orders)
            if not self._alike_in_kind(exchange, taken[0], taken[exchange])
        }
        split = []
        for group in self._partition:
            split.append(tuple(one for one in group if one not in different))
            split.append(tuple(one for one in group if one in different))
        return split

    def _start(self) -> None:
        """Take where threads begin. Raises Asymmetric, also where memory at the start is not as it would be."""
        engine, memory = self._engine, self.memory
        for thread in range(self._count):
            begun = [engine.initial[order[thread]].local for order in memory.orders]
            tables = [engine.threads[order[thread]].table for order in memory.orders]
            locals_ = [table[local] for table, local in zip(tables, begun, strict=True)]
            if not all(self._same_kind(exchange, locals_[0], own) for exchange, own in enumerate(locals_)):
                raise Asymmetric(())
            self._meet(thread, begun)
        vector = engine.vectors[engine.initial_shared]
        for word in memory.own_words():
            try:
                self._same_name(
                    0, word, [memory.read(exchange, word, vector) for exchange in range(len(memory.orders))]
                )
            except Unlearnable:
                raise Asymmetric(()) from None
        if any(memory.exchanged(exchange, vector) != vector for exchange in range(len(memory.orders))):
            raise Asymmetric(())

    def _meet(self, thread: int, images: Sequence[int]) -> None:
        """Take note that a thread's local state becomes these. Raises Asymmetric where it, or one of them, becomes
        others already.
        """
        memory = self.memory
        known = self._orbits[thread].get(images[0])
        if known is not None:
            if known.images != tuple(images):
                raise Asymmetric(())
            return
        for exchange, order in enumerate(memory.orders):
            to, local = order[thread], images[exchange]
            own = tuple(images[after[exchange]] for after in memory.after)
            there = self._orbits[to].get(local)
            if there is None:
                there = self._orbits[to][local] = Orbit(to, local, self._numbers, own)
                self.orbits.append(there)
            if there.images != own or there.number != self._numbers:
                raise Asymmetric(())
        self._numbers += 1

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def exchanged(self, exchange: int, state: State) -> State:
        """A state after an exchange."""
        after = list(state)
        for thread, to in enumerate(self.memory.orders[exchange]):
            after[to] = self._orbits[thread][state[thread]].images[exchange]
        vector = self._engine.vectors[state[self._count]]
        after[self._count] = self._engine.intern_vector(self.memory.exchanged(exchange, vector))
        return tuple(after)

    def _lowering(self, state: State) -> int:
        """The exchange after which a state is in its lowest form."""
        numbers = [self._orbits[thread][state[thread]].number for thread in range(self._count)]
        fitting = []
        for exchange, order in enumerate(self.memory.orders):
            placed = [0] * self._count
            for thread, to in enumerate(order):
                placed[to] = numbers[thread]
            if all(placed[one] <= placed[other] for g in self._partition for one, other in pairwise(g)):
                fitting.append(exchange)
        if len(fitting) == 1:
            return fitting[0]
        vector = self._engine.vectors[state[self._count]]
        return min(
            fitting, key=lambda exchange: (self.memory.exchanged(exchange, vector), self._placed(exchange, state))
        )

    def _placed(self, exchange: int, state: State) -> list[int]:
        """The threads' local states after an exchange."""
        after = [0] * self._count
        for thread, to in enumerate(self.memory.orders[exchange]):
            after[to] = self._orbits[thread][state[thread]].images[exchange]
        return after

    def lowest(self, state: State) -> State:
        """The state that stands for all that differ from this one by an exchange of symmetric threads."""
        exchange = self._lowering(state)
        return state if exchange == 0 else self.exchanged(exchange, state)

    def places(self, state: State) -> tuple[int, ...]:
        """The thread whose place each thread takes in the lowest form of a state."""
        return self.memory.orders[self._lowering(state)]

    def arrangements(self, state: State) -> Iterator[State]:
        """The states that this one stands for."""
        yield from dict.fromkeys(self.exchanged(exchange, state) for exchange in range(len(self.memory.orders)))
