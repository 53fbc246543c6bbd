"""Whole states and how they follow each other: the transition system of one program under one guess of what is shared.

A whole state is the tuple of the threads' local states, the shared state and the monitor's; a transition is one
thread's macro-step, or the delivery of a signal to it. Nothing here is searched: states are computed where asked for.

Boundary: numbers and tuples. What a macro-step does is ``macro_steps``', what a history means is ``linearize``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_nextrust.emu.child.thread_state import PC, register_of
from pytest_nextrust.explore.child.local_states import OperationEvent
from pytest_nextrust.explore.child.macro_steps import Engine, ThreadBegun
from pytest_nextrust.explore.child.program_calls import UNBORN, exit_status
from pytest_nextrust.explore.child.renamed_symmetry import RenamedSymmetry
from pytest_nextrust.explore.child.symmetry import Naming, Symmetry
from pytest_nextrust.explore.child.traps import BASE
from pytest_nextrust.explore.symmetry_guess import Partition, Renaming

__all__ = ["Monitor", "State", "TransitionSystem", "Violation"]

State = tuple[int, ...]
"""A local state per thread, the shared state, the monitor's state: numbers, each into its own table."""

REFUSED = -1
"""The monitor state of a history that has no explanation."""


HALTED = frozenset({"exited", "killed", "failed", "given up"})
"""The kinds of a local state with which the whole program has ended."""


class Monitor(Protocol):
    """Judges histories: the state before any event, and the one after some (None: no order explains them)."""

    @property
    def initial(self) -> Hashable: ...
    def advance(self, state: Any, thread: int, events: tuple[OperationEvent, ...]) -> Hashable | None: ...


class AcceptAll:
    """A monitor that accepts everything."""

    initial: Hashable = ()

    def advance(self, state: Hashable, thread: int, events: tuple[OperationEvent, ...]) -> Hashable | None:
        del thread, events
        return state


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with a state: the kind of finding (see ``answer.Finding``), the state, and whose fault it is."""

    kind: str
    state: State
    thread: int | None = None


class TransitionSystem:
    """The states of one program and how they follow each other.

    ``judge`` says whether a final state is right. ``begun``: the first threads of the engine, where they do not begin
    as it says itself, and the others do not take part. ``symmetric``: threads to be taken for symmetric
    (see ``symmetry``), where the monitor can exchange operations and there are no signals and no threads that repeat;
    it changes what a search keeps (``kept``), not how states follow each other (``successors``). ``renaming``: what an
    exchange of them does to shared memory (see ``renamed_symmetry``). Raises Asymmetric.
    """

    def __init__(
        self,
        engine: Engine,
        monitor: Monitor | None = None,
        judge: Callable[[State], bool] | None = None,
        symmetric: Partition = (),
        begun: Sequence[ThreadBegun] | None = None,
        renaming: Renaming | None = None,
    ) -> None:
        begun = engine.initial if begun is None else begun
        self.engine = engine
        self.count = len(begun)
        self.monitors: list[Hashable] = []
        self.signals_from = self.count * engine.options.choices
        """Moves below it are macro-steps: every thread's first choice, every thread's second, and so on."""
        self.moves = self.signals_from + (self.count if engine.interrupts else 0)
        self._monitor = monitor or AcceptAll()
        self._judge = judge
        self._monitor_ids: dict[Hashable, int] = {}
        self._moves: dict[tuple[int, int, tuple[OperationEvent, ...]], int] = {}
        self.waited_for = [thread for thread in range(self.count) if thread not in engine.options.daemons]
        self._locals = [thread.table for thread in engine.threads[: self.count]]
        watched = self._intern(self._monitor.initial)
        for thread, own in enumerate(begun):
            # What is refused stays so, whatever the threads after it have done.
            if own.events and watched != REFUSED:
                watched = self.advance(watched, thread, own.events)
        self.start: State = (*(own.local for own in begun), engine.initial_shared, watched)
        self._symmetry: Symmetry | RenamedSymmetry | None = None
        self._naming = self._monitor if isinstance(self._monitor, Naming) else None
        options = engine.options
        exchangeable = options.reduce and not options.loop and options.interrupts is None and options.choices == 1
        if symmetric and exchangeable and renaming is not None:
            assert monitor is None
            self._symmetry = RenamedSymmetry(engine, symmetric, renaming)
            self._symmetry.begin(self.start, self.after)
        elif symmetric and exchangeable and (monitor is None or self._naming is not None):
            self._symmetry = Symmetry(engine, symmetric, self._naming, self._rename)
            self._symmetry.begin(self.start)

    @property
    def symmetry(self) -> Symmetry | RenamedSymmetry | None:
        """Who is symmetric; None where nobody is."""
        return self._symmetry

    @property
    def learned(self) -> int:
        """How much has been executed, met and compared so far: it grows with whatever is new."""
        engine, symmetry = self.engine, self._symmetry
        known = engine.executed + engine.delivered + len(engine.vectors) + len(self.monitors)
        known += sum(len(thread.table) for thread in engine.threads)
        return known if symmetry is None else known + symmetry.compared

    @property
    def names_operations(self) -> bool:
        """Whether the monitor's states are renamed where threads change places."""
        return self._symmetry is not None and self._naming is not None

    @property
    def judges(self) -> bool:
        """Whether final states are judged."""
        return self._judge is not None

    def lowest(self, state: State) -> State:
        """The state that stands for this one in a graph: itself, unless threads are symmetric."""
        return state if self._symmetry is None else self._symmetry.lowest(state)

    def places(self, state: State, move: int) -> tuple[int, ...]:
        """The thread whose place each thread takes in the graph's form of the state after a move: its own, unless
        threads are symmetric.
        """
        if self._symmetry is None:
            return tuple(range(self.count))
        after = self.after(state, move)
        assert after is not None
        return self._symmetry.places(after)

    def is_due(self, state: State, thread: int) -> bool:
        """Whether a signal may be delivered to the thread."""
        return self.engine.interrupts and self.after(state, self.signals_from + thread) is not None

    def exchanges(self) -> Iterator[tuple[int, ...]]:
        """The thread that each may stand in for: all exchanges of symmetric threads, the identity first."""
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
        if isinstance(symmetry, RenamedSymmetry):
            yield from self._renamed(symmetry, state)
            return
        for thread, after in enumerate(self.successors(state)):
            if after is not None:
                symmetry.follow(state, thread)
                after = symmetry.lowest(after)
            yield after

    def _renamed(self, symmetry: RenamedSymmetry, state: State) -> Iterator[State | None]:
        ready = [] if self.engine.has_ended and self.has_halted(state) else range(self.moves)
        following: list[State | None] = [None] * self.moves
        for thread in ready:
            following[thread] = self.after(state, thread)
            if self._locals[thread][state[thread]].kind == "ready":
                symmetry.follow(state, thread)
        for after in following:
            yield None if after is None else symmetry.lowest(after)

    def successors(self, state: State) -> tuple[State | None, ...]:
        """The state after each move: a macro-step of each thread, then a signal to each; None for an impossible move.

        Where signals are delivered and a thread's next instruction is private, only that thread moves (it may be
        interrupted before it): the others can observe neither, nor does either keep them from anything. No thread is
        put off for ever: a delivery leads out of every cycle of such steps, and after the last one there is none.
        Where the whole program has ended nobody moves. Raises Reclassified.
        """
        if self.engine.has_ended and self.has_halted(state):
            return (None,) * self.moves
        if self.engine.reduces_deliveries:
            mover = self._unseen(state)
            if mover is not None:
                alone = (mover, mover + self.signals_from)
                return tuple([self.after(state, move) if move in alone else None for move in range(self.moves)])
        return tuple([self.after(state, move) for move in range(self.moves)])

    def _unseen(self, state: State) -> int | None:
        """A thread whose next step no other thread can observe."""
        shared = state[self.count]
        for thread in range(self.count):
            local = self._locals[thread][state[thread]]
            if local.kind == "ready":
                step = local.quick.get(shared) or self.engine.macro_step(thread, state[thread], shared)
                signal = self.engine.interruption(thread, state[thread], shared)
                if step.private and (signal is None or signal.private):
                    return thread
        return None

    def after(self, state: State, move: int) -> State | None:
        """The state after one move. Raises Reclassified."""
        count = self.count
        thread = move % count
        shared, watched = state[count], state[count + 1]
        if move < self.signals_from:
            local = self._locals[thread][state[thread]]
            choice = move // count
            if local.kind != "ready" or choice >= local.choices:
                return None
            step = (None if choice else local.quick.get(shared)) or self.engine.macro_step(
                thread, state[thread], shared, choice
            )
            if step.blocked:
                return None
        else:
            signal = self.engine.interruption(thread, state[thread], shared)
            if signal is None:
                return None
            step = signal
        if step.events:
            watched = self.advance(watched, thread, step.events)
        return (*state[:thread], step.local, *state[thread + 1 : count], step.shared, watched)

    def memory(self, state: State) -> dict[int, int]:
        """Every byte that may differ from the image in a whole state."""
        memory = dict(zip(self.engine.order, self.engine.vectors[state[self.count]], strict=True))
        for thread, local in zip(self.engine.threads, state[: self.count], strict=False):
            private = thread.unpack(thread.table[local].private)
            memory.update((address, value) for address, value in private.items() if address < BASE)
        return memory

    def ready(self, state: State) -> list[int]:
        """The threads that can take another macro-step."""
        ready = [thread for thread in range(self.count) if self._locals[thread][state[thread]].kind == "ready"]
        if self.engine.has_ended and self.has_halted(state):
            return []
        return [thread for thread in ready if self.is_enabled(state, thread)]

    def is_enabled(self, state: State, thread: int) -> bool:
        """Whether the thread, which is ready, has a move: it does not wait."""
        if not self._locals[thread][state[thread]].may_wait:
            return True
        return any(self.after(state, move) is not None for move in range(thread, self.signals_from, self.count))

    def moves_of(self, state: State, thread: int) -> list[int]:
        """The moves of a thread, but for signals: one, unless it may go several ways; none where it waits."""
        local = self._locals[thread][state[thread]]
        if local.kind != "ready" or (self.engine.has_ended and self.has_halted(state)):
            return []
        moves = range(thread, thread + local.choices * self.count, self.count)
        if local.choices == 1 and not local.may_wait:
            return list(moves)
        return [move for move in moves if self.after(state, move) is not None]

    def somebody_waits(self, state: State) -> bool:
        """Whether a thread has begun, and waits for a word."""
        return any(
            local.kind == "ready" and register_of(local.state, PC) != UNBORN
            for local in (self._locals[thread][state[thread]] for thread in range(self.count))
        )

    def has_halted(self, state: State) -> bool:
        """Whether the whole program has ended, by one thread's doing."""
        return any(self._locals[thread][state[thread]].kind in HALTED for thread in range(self.count))

    def is_final(self, state: State) -> bool:
        """Whether every thread has returned that the program waits for, or the whole program has ended."""
        if self.engine.has_ended and self.has_halted(state):
            return True
        return all(self._locals[thread][state[thread]].kind == "done" for thread in self.waited_for)

    def violation(self, state: State) -> Violation | None:
        """What is wrong with a state by itself: a refused history, a fault, a final state that does not check."""
        if state[self.count + 1] == REFUSED:
            return Violation("history", state)
        for thread in range(self.count):
            local = self._locals[thread][state[thread]]
            if local.kind == "fault":
                return Violation("fault", state, thread)
            if local.kind == "clobbered":
                return Violation("register", state, thread)
            if local.kind == "failed":
                return Violation("assertion", state, thread)
            if local.kind == "killed" or (local.kind == "exited" and exit_status(local.state)):
                return Violation("final", state, thread)
        if self._judge is not None and self.is_final(state) and not self._judge(state):
            return Violation("final", state)
        return None

    def violation_of_any(self, state: State) -> Violation | None:
        """What is wrong with a state, or with one that it stands for. Raises Asymmetric."""
        found = self.violation(state)
        if found is None and self._symmetry is not None and self._judge is not None and self.is_final(state):
            return next(filter(None, map(self.violation, self.arrangements(state))), None)
        return found

    def arrangements(self, state: State) -> Iterator[State]:
        """The states that this one stands for, of different memory: itself, unless threads are symmetric."""
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

    def advance(self, watched: int, thread: int, events: tuple[OperationEvent, ...]) -> int:
        """The monitor's state after these events of a thread, by number; REFUSED where no order explains them."""
        key = (watched, thread, events)
        known = self._moves.get(key)
        if known is None:
            after = self._monitor.advance(self.monitors[watched], thread, events)
            known = self._moves[key] = REFUSED if after is None else self._intern(after)
        return known
