"""Symmetric threads, which may change places: not declared, but found out, as what is shared is.

Threads are *symmetric* as long as the same way through their code does the same to what others see: from corresponding
local states and the same shared memory every one of them leaves the same shared memory, ends in the same kind of state,
and calls and returns from operations of the same meaning with the same results. The search guesses that threads are
symmetric and takes each macro-step of one of them with all of them; the local states they come to correspond. Nothing
is assumed about registers, stacks or code, which may differ in any way: a stack address is an address because it never
shows. Where one does show, or anything else distinguishes two of them, that contradicts the guess: ``Asymmetric`` is
raised, and the search starts again with fewer threads taken for symmetric.

Two whole states that differ by an exchange of symmetric threads then have the same future but for that exchange, so the
search keeps one of them: that in which the numbers of corresponding states ascend. The operations in the monitor's
state are renamed with it. Threads in corresponding states stay in their order, whatever the monitor makes of their
operations: that may keep two states where one would do, and costs nothing to find out.

Boundary: numbers and tuples, as ``transition_system``'s. Sources: Ip and Dill, "Better verification through symmetry",
Formal Methods in System Design 9, 1996; Clarke et al., "Exploiting symmetry in temporal logic model checking", same
issue.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import permutations, product
from math import factorial
from typing import Protocol, runtime_checkable

from pytest_nextrust.explore.child.local_states import MacroStep
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.traps import BASE
from pytest_nextrust.explore.symmetry_guess import Asymmetric, Partition

__all__ = ["Naming", "Symmetry"]

State = tuple[int, ...]
Order = tuple[int, ...]
"""Whose place each thread takes, by position in its class."""
ALONE = 10_000
"""Macro-steps of one thread by itself that are looked at before a search."""

ARRANGEMENTS = 720
"""Orders in which an end is judged, at most; threads that could end in more are not taken for symmetric."""


@runtime_checkable
class Naming(Protocol):
    """A monitor that knows its operations by name, so that they can be exchanged."""

    def same_meaning(self, one: int, other: int) -> bool:
        """Whether two operations mean the same."""

    def seen(self, operation: int, result: bytes) -> bytes:
        """What counts of a result as the machine left it."""

    def renamed(self, state: Hashable, names: Mapping[int, int]) -> Hashable:
        """The state in which every operation that is a key has the other's name."""


class _Class:
    """Threads taken for symmetric, by position: their corresponding local states and corresponding operations."""

    def __init__(self, threads: tuple[int, ...]) -> None:
        self.threads = threads
        self.size = len(threads)
        self.members: list[tuple[int, ...]] = []
        """By number of a correspondence: the local state of every thread."""
        self.numbers: list[dict[int, int]] = [{} for _ in threads]
        """By position: the number of a local state's correspondence."""
        self.operations: list[dict[int, int]] = [{} for _ in threads]
        """By position: the operation that corresponds to one of the first thread's."""
        self.firsts: list[dict[int, int]] = [{} for _ in threads]
        """By position: the first thread's operation that corresponds to one of its own."""
        self.taken: set[tuple[int, int]] = set()
        """Correspondences and shared states from which everybody's macro-step has been compared."""

    def corresponds(self, at: int, first: int, own: int) -> bool:
        """Whether two operations are each other's, from now on where neither has been met."""
        return self.operations[at].setdefault(first, own) == own and self.firsts[at].setdefault(own, first) == first

    def names(self, order: Order) -> dict[int, int]:
        """The new names of all operations where the thread at each position takes the place of ``order``'s."""
        return {
            own: self.operations[to][first]
            for to, origin in enumerate(order)
            if to != origin
            for own, first in self.firsts[origin].items()
        }


class Symmetry:
    """The classes of one exploration and the states' lowest forms. Most calls raise Asymmetric and Reclassified.

    ``naming``: the monitor, where it knows operations; ``rename`` renames the operations of a monitor's state, by
    number.
    """

    def __init__(
        self,
        engine: Engine,
        partition: Partition,
        naming: Naming | None,
        rename: Callable[[int, Mapping[int, int]], int],
    ) -> None:
        self._engine = engine
        self._naming = naming
        self._rename = rename
        self._classes = [_Class(threads) for threads in partition]
        self._renamed: list[dict[tuple[int, Order], int]] = [{} for _ in partition]
        for group in self._classes:
            steps = [MacroStep(engine.initial[t].local, 0, engine.initial[t].events) for t in group.threads]
            self._same(group, steps)

    def begin(self, start: State) -> None:
        """Look at what each thread does by itself, where most asymmetries show. Raises Asymmetric."""
        for group in self._classes:
            shared = start[len(self._engine.threads)]
            for _ in group.threads:
                shared = self._alone(group, shared)

    def follow(self, state: State, thread: int) -> tuple[int, int] | None:
        """See that all threads like this one do from their corresponding states what it does. Raises Asymmetric.

        Answers the number of the thread's class and of the correspondence that its state belongs to; None where it is
        in no class.
        """
        shared = state[len(self._engine.threads)]
        for which, group in enumerate(self._classes):
            if thread in group.threads:
                number = group.numbers[group.threads.index(thread)][state[thread]]
                if (number, shared) not in group.taken:
                    self._together(group, number, shared)
                return which, number
        return None

    @property
    def compared(self) -> int:
        """From how many corresponding states everybody's macro-steps have been compared."""
        return sum(len(group.taken) for group in self._classes)

    @property
    def classes(self) -> Partition:
        """The threads of each class, by position."""
        return tuple(group.threads for group in self._classes)

    def correspondences(self, number: int, start: int) -> list[tuple[int, ...]]:
        """The corresponding local states of a class, by position, from the ``start``-th that was found."""
        return self._classes[number].members[start:]

    def lowest(self, state: State) -> State:
        """The state that stands for all that differ from this one by an exchange of symmetric threads."""
        for number, group in enumerate(self._classes):
            numbers = [known[state[thread]] for known, thread in zip(group.numbers, group.threads, strict=True)]
            ascending = sorted(numbers)
            if numbers != ascending:
                order = tuple(sorted(range(group.size), key=numbers.__getitem__))
                state = self._placed(group, ascending, state, self.exchanged(number, order, state[-1]))
        return state

    def places(self, state: State) -> Order:
        """The thread whose place each thread takes in the lowest form of a state."""
        taken = list(range(len(self._engine.threads)))
        for group in self._classes:
            numbers = [known[state[thread]] for known, thread in zip(group.numbers, group.threads, strict=True)]
            for place, origin in enumerate(sorted(range(group.size), key=numbers.__getitem__)):
                taken[group.threads[origin]] = group.threads[place]
        return tuple(taken)

    def arrangements(self, state: State) -> Iterator[State]:
        """The states that this one stands for, of those that memory keeps apart. Raises Asymmetric for too many."""
        found = [state]
        for number, group in enumerate(self._classes):
            numbers = [known[state[thread]] for known, thread in zip(group.numbers, group.threads, strict=True)]
            if not self._own_memory(group, numbers):
                continue
            if factorial(group.size) > ARRANGEMENTS:
                raise Asymmetric(other.threads for other in self._classes if other is not group)
            found = [
                self._placed(group, [numbers[at] for at in order], one, self.exchanged(number, order, one[-1]))
                for one in found
                for order in permutations(range(group.size))
            ]
        yield from dict.fromkeys(found)

    def exchanges(self) -> Iterator[tuple[int, ...]]:
        """The thread that each may stand in for, as whole tuples of threads, the identity first."""
        for chosen in product(*(permutations(group.threads) for group in self._classes)):
            parts = list(range(len(self._engine.threads)))
            for group, others in zip(self._classes, chosen, strict=True):
                for thread, other in zip(group.threads, others, strict=True):
                    parts[thread] = other
            yield tuple(parts)

    # -- what threads do -----------------------------------------------------------------------------------------------

    def _alone(self, group: _Class, shared: int) -> int:
        """Follow one run of a thread without the others; answers shared memory after it."""
        number = 0
        seen = set[tuple[int, int]]()
        first = self._engine.threads[group.threads[0]].table
        while (number, shared) not in seen and len(seen) < ALONE:
            seen.add((number, shared))
            if first[group.members[number][0]].kind != "ready":
                break
            number, shared = self._together(group, number, shared)
        return shared

    def _together(self, group: _Class, number: int, shared: int) -> tuple[int, int]:
        """Everybody's macro-step from one correspondence; answers the one they come to, and shared memory."""
        members = group.members[number]
        steps = [
            self._engine.macro_step(thread, local, shared) for thread, local in zip(group.threads, members, strict=True)
        ]
        after = self._same(group, steps)
        group.taken.add((number, shared))
        return after, steps[0].shared

    def _same(self, group: _Class, steps: Sequence[MacroStep]) -> int:
        """The correspondence that these macro-steps lead to. Raises Asymmetric where they differ."""
        agreeing = [at for at, step in enumerate(steps) if self._agrees(group, at, steps[0], step)]
        known = [numbers.get(step.local) for numbers, step in zip(group.numbers, steps, strict=True)]
        agreeing = [at for at in agreeing if known[at] == known[0]]
        if len(agreeing) < group.size:
            raise self._split(group, agreeing)
        if known[0] is not None:
            return known[0]
        for numbers, step in zip(group.numbers, steps, strict=True):
            numbers[step.local] = len(group.members)
        group.members.append(tuple(step.local for step in steps))
        return len(group.members) - 1

    def _agrees(self, group: _Class, at: int, first: MacroStep, own: MacroStep) -> bool:
        if first.shared != own.shared or len(first.events) != len(own.events):
            return False
        tables = self._engine.threads
        one, other = tables[group.threads[0]].table[first.local], tables[group.threads[at]].table[own.local]
        if (
            one.held != other.held
            or one.kind != other.kind
            or (one.fault and one.fault.vector) != (other.fault and other.fault.vector)
        ):
            return False
        for (kind, operation, result), (its, counterpart, answer) in zip(first.events, own.events, strict=True):
            if kind != its or not group.corresponds(at, operation, counterpart):
                return False
            if self._naming is not None:
                if not self._naming.same_meaning(operation, counterpart):
                    return False
                if kind == "return" and self._naming.seen(operation, result) != self._naming.seen(counterpart, answer):
                    return False
        return True

    def _split(self, group: _Class, agreeing: Sequence[int]) -> Asymmetric:
        """The contradiction: those who agree with the first are one class, the others another."""
        others = [thread for at, thread in enumerate(group.threads) if at not in agreeing]
        parts = [tuple(group.threads[at] for at in agreeing), tuple(others)]
        return Asymmetric([other.threads for other in self._classes if other is not group] + parts)

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def _placed(self, group: _Class, numbers: Sequence[int], state: State, watched: int) -> State:
        placed = list(state)
        for at, thread in enumerate(group.threads):
            placed[thread] = group.members[numbers[at]][at]
        placed[-1] = watched
        return tuple(placed)

    def exchanged(self, number: int, order: Order, watched: int) -> int:
        """The monitor's state where the thread at each position takes the place of ``order``'s."""
        if self._naming is None or watched < 0:
            return watched
        known = self._renamed[number].get((watched, order))
        if known is None:
            known = self._rename(watched, self._classes[number].names(order))
            self._renamed[number][watched, order] = known
        return known

    def _own_memory(self, group: _Class, numbers: Sequence[int]) -> bool:
        """Whether some thread would leave other bytes of its own in another's place."""
        for at, thread in enumerate(group.threads):
            locals_ = self._engine.threads[thread]
            left = [locals_.unpack(locals_.table[group.members[number][at]].private) for number in set(numbers)]
            kept = [{address: value for address, value in one.items() if address < BASE} for one in left]
            if any(one != kept[0] for one in kept):
                return True
        return False
