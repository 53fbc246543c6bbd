"""The concrete confirmation of a finding: the schedule as slices of instructions, run again for real and judged again.

What the search found is not believed until the concrete run shows it too; where that does not, the harness is at fault.

Boundary: child process only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

from pytest_nextrust.emu.child.thread_state import A7, D0, PC, register_of
from pytest_nextrust.emu.kernel.threads import ThreadCall
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.answer import Finding, FirstWrongStep, Slice
from pytest_nextrust.explore.child.counterexample import Counterexample
from pytest_nextrust.explore.child.execute import (
    LOOP_LIMIT,
    Executed,
    ObservedHistory,
    ScheduleExecutor,
    shared_bytes,
    slices_of,
)
from pytest_nextrust.explore.child.first_wrong_step import Watch, clobbering
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.program_calls import exit_status, failed_object, failed_text, killed_by
from pytest_nextrust.explore.child.subject import Subject
from pytest_nextrust.explore.child.trace import DESTROYED, LOOP_STEPS, STEPS, BlockedThread, Narrator, stop_text
from pytest_nextrust.explore.child.transition_system import TransitionSystem

__all__ = ["confirm", "kept_steps"]

HANGS = {
    "deadlock": "deadlock: nobody can finish, and nothing changes any more",
    "livelock": "livelock: memory keeps changing, and nobody can finish",
    "divergence": "divergence: a thread loops for ever in memory that is its own",
}


def confirm(subject: Subject, found: Counterexample, system: TransitionSystem | None = None) -> Finding:
    """Run what was found in ``system`` (None: a replay). Raises HarnessFault where the run does not show it."""
    if found.slices is None:
        assert system is not None
        slices, loop_from = _sliced(subject, found, system)
    else:
        slices, loop_from = list(found.slices), found.loop_from
    with subject.executor() as executor:
        shared = shared_bytes(executor.run(slices))
    # A handler that waits for the thread it interrupted is a deadlock, although no other thread is there.
    order = None if system is None or subject.interrupts is not None else frozenset(system.engine.order)
    with subject.executor() as executor:
        return _Confirmation(subject, found, shared, executor, order).finding(slices, loop_from)


def _sliced(subject: Subject, found: Counterexample, system: TransitionSystem) -> tuple[list[Slice], int]:
    """The moves as slices, and where the loop begins."""
    shared = frozenset(system.engine.order)
    reduced = subject.request.reduce
    kind, thread = found.violation.kind, found.violation.thread
    at_end, daemons = kind in ("final", "history"), subject.request.daemons
    finish = [
        t
        for t in range(system.count)
        if kind in ("starvation", "endless") or t == thread or (at_end and t not in daemons)
    ]
    with subject.executor() as executor:
        begun: set[int] = set()
        count, signals = system.count, system.signals_from
        executor.sections = system.engine.sections
        slices = slices_of(executor, found.moves, count, signals, shared, reduced, finish, begun)
        if not found.loop:
            return slices, -1
        loop = slices_of(executor, found.loop, count, signals, shared, reduced, (), begun)
        return slices + loop, len(slices)


def _touched(run: Sequence[Executed]) -> set[int]:
    return {address + i for done in run for _, address, size, _ in done.touches for i in range(size)}


def kept_steps(run: Sequence[Executed], shared: frozenset[int]) -> Sequence[int]:
    """Which of a run's steps an answer holds: all, or of a long run what touches shared bytes and the last ones.

    The last steps alone may be those of a program that says what is wrong.
    """
    if len(run) <= STEPS:
        return range(len(run))
    last = range(len(run) - STEPS // 2, len(run))
    touching = [at for at, done in enumerate(run[: last.start]) if not shared.isdisjoint(_touched((done,)))]
    return [*touching[-(STEPS - len(last)) :], *last]


def _within(step: FirstWrongStep | None, kept: Sequence[int]) -> FirstWrongStep | None:
    """The same step in a trace of some steps; None where it is not one of them."""
    if step is None or step.step not in kept:
        return None
    return dataclasses.replace(step, step=kept.index(step.step))


class _Confirmation:
    """One finding, run by ``executor``. ``order``: every byte that the search takes for shared."""

    def __init__(
        self,
        subject: Subject,
        found: Counterexample,
        shared: frozenset[int],
        executor: ScheduleExecutor,
        order: frozenset[int] | None,
    ) -> None:
        self.subject = subject
        self.order = order
        self.found = found
        self.shared = shared
        self.kind = found.violation.kind
        self.rested: set[int] = set()
        """The threads that could not move at some time in a loop."""
        self.narrator = Narrator(subject.image)
        self.executor = executor
        self.history = ObservedHistory(executor, subject.marks, shared, subject.monitor, subject.kept)

    def finding(self, slices: Sequence[Slice], loop_from: int) -> Finding:
        first = slices if loop_from < 0 else slices[:loop_from]
        subject = self.subject
        watch = Watch(self.executor, subject.marks, subject.monitor, subject.objects, self.history)
        run = self.executor.run(first, watch.note)
        if run:
            self.last = run[-1]
        loop: Sequence[Executed] = ()
        way: Sequence[Executed] = ()
        if loop_from >= 0:
            loop = self._repeat(slices[loop_from:])
        elif self.kind in HANGS:
            way, loop = self.executor.turn()
        if self.order is not None and self.kind in HANGS and loop and not self.order & _touched(loop):
            # Nobody else ever touches what it loops over: with the reduction that is seen before the graph is.
            self.kind = "divergence"
        self.narrator.follow([*run, *way, *loop])
        message = self._message(run, loop)
        if message is None:
            raise HarnessFault(
                "explore",
                f"the schedule was run again and does not show the {self.kind} that the search found",
                remedy="report this: the search and a plain run of the same instructions disagree",
            )
        shared = self.shared | shared_bytes([*run, *way, *loop]) | self._waited_for()
        threads = [piece.thread for piece in slices]
        kept = kept_steps(run, shared)
        return Finding(
            kind=self.kind,
            message=message,
            slices=tuple(slices),
            trace=self.narrator.steps([run[at] for at in kept], shared),
            loop=self.narrator.steps(loop[:LOOP_STEPS], shared),
            state=self.found.number,
            shortest=self.found.shortest,
            loop_from=loop_from,
            switches=sum(a != b for a, b in pairwise(threads)),
            holds=self.narrator.waits([*run, *way], loop) + self._blocked([*run, *way, *loop]),
            first_wrong_step=_within(self._first_wrong_step(watch, run), kept),
        )

    def _first_wrong_step(self, watch: Watch, run: Sequence[Executed]) -> FirstWrongStep | None:
        if self.kind != "register" or self.history.clobbered is None:
            return watch.first_wrong_step(run)
        return clobbering(run, *self.history.clobbered)

    def _waited_for(self) -> frozenset[int]:
        """The bytes that threads wait for."""
        words = filter(None, map(self.executor.waits_for, self.executor.waiting))
        return frozenset(byte for address, size in words for byte in range(address, address + size))

    def _blocked(self, run: Sequence[Executed]) -> tuple[str, ...]:
        """Who waits for which word, where the program hangs."""
        if self.kind not in (*HANGS, "endless", "starvation"):
            return ()
        return self.narrator.blocked(run, map(self._wait, self.executor.waiting))

    def _wait(self, thread: int) -> BlockedThread:
        """What a thread that waits waits for."""
        executor = self.executor
        word = executor.waits_for(thread)
        assert word is not None
        value = int.from_bytes(executor.read(*word), "big")
        wants = executor.register(thread, D0) == ThreadCall.ACQUIRE and value != DESTROYED
        return BlockedThread(thread, executor.pc(thread), executor.register(thread, A7), *word, value, wants)

    def _clobbered(self) -> str | None:
        if self.history.clobbered is None:
            return None
        thread, changed = self.history.clobbered
        return f"a call by thread {thread} changes a register that it must preserve: {changed}"

    def _repeat(self, slices: Sequence[Slice]) -> list[Executed]:
        # The search takes what is below a stack pointer for dead, and this does not: there it may differ once.
        for _ in range(2):
            before = self.executor.whole()
            self.rested.clear()
            loop = self.executor.run(slices, self._note_who_rests)
            if self.executor.whole() == before:
                return loop
        return []

    def _ended(self) -> str | None:
        """What the whole program ended by, in words, where that is the finding; None where it is not."""
        thread = self.last.thread
        state = self.last.after
        where = f"thread {thread} in {self.narrator.place(thread, self.last.pc, register_of(state, A7))}"
        if self.kind == "assertion" and self.executor.ended == "failed":
            about = failed_object(state)
            of = f": {self.subject.image.symbol(about)}" if about else ""
            return f"{where}: {failed_text(self.executor, state)}{of}"
        if self.kind != "final":
            return None
        if self.executor.ended == "killed":
            return f"{where} kills the program by signal {killed_by(state)}"
        status = exit_status(state)
        return f"the program ends with status {status}, by {where}" if status else None

    def _note_who_rests(self, done: Executed) -> None:
        del done
        self.rested |= set(range(self.executor.count)) - set(self.executor.running)

    def _message(self, run: Sequence[Executed], loop: Sequence[Executed]) -> str | None:
        """What the run shows, in words; None where it does not show this kind of finding."""
        if self.kind == "deadlock" and not self.executor.running:
            waits = [self._wait(thread) for thread in self.executor.waiting]
            waiting = ", ".join(
                f"thread {wait.thread} waits for {self.narrator.awaited(wait.address)}" for wait in waits
            )
            return f"deadlock: {waiting}, and nobody can go on" if waiting else None
        if self.kind in HANGS:
            if not loop and self.executor.running:
                # A loop may be longer than can be followed, that of a counter for one.
                return f"{HANGS[self.kind]} (not within {LOOP_LIMIT:,} instructions more, each thread in turn)"
            return HANGS[self.kind] if loop else None
        if self.kind == "starvation":
            return self._starvation(loop)
        if self.kind == "endless":
            return self._endless(loop)
        if self.kind == "fault":
            last = run[-1] if run else None
            if last is None or last.stop is None:
                return None
            image = self.subject.image
            return f"thread {last.thread} in {image.symbol(last.pc)} died of {stop_text(image, last.stop)}"
        if self.executor.ended:
            return self._ended()
        if self.kind == "history":
            return self.history.refuted
        if self.kind == "register":
            return self._clobbered()
        ended = not self.subject.request.is_program and set(self.executor.running) <= set(self.subject.request.daemons)
        if self.kind == "final" and ended and self.history.refuted is None:
            return self.subject.final_message(self.executor.memory, self.history.state)
        return None

    def _endless(self, loop: Sequence[Executed]) -> str | None:
        if not loop or not set(self.executor.running) <= {done.thread for done in loop} | self.rested:
            return None
        moves = "every thread moves that has not returned"
        if self.subject.kernel is not None:
            moves = "every thread moves, or waits now and then"
        return f"an endless fair run: {len(loop)} instructions repeat, in which {moves}"

    def _starvation(self, loop: Sequence[Executed]) -> str | None:
        movers = {done.thread for done in loop}
        completed = {done.thread for done in loop if register_of(done.after, PC) == SENTINEL}
        starved = sorted(movers - completed)
        if len(movers) < len(self.subject.image.starts) or not starved:
            return None
        names = " and ".join(f"thread {thread}" for thread in starved)
        return f"starvation: {names} may run for ever without completing a round while every thread keeps running"
