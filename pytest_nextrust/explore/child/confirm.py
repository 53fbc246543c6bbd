"""A finding as it is shown: the schedule as slices of instructions, run again for real, judged again, and told.

What the search found is not believed until the concrete run shows it too; where that does not, the harness is at fault.

Boundary: child process only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import PC, register_of
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.answer import Finding, Parted, Slice
from pytest_nextrust.explore.child.counterexample import Found
from pytest_nextrust.explore.child.execute import Concrete, Executed, History, shared_bytes, slices_of
from pytest_nextrust.explore.child.first_wrong_step import Watch
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.trace import LOOP_STEPS, STEPS, Narrator, stop_text
from pytest_nextrust.explore.child.transition_system import Space

if TYPE_CHECKING:
    from pytest_nextrust.explore.child.worker import Exploration

__all__ = ["show"]

HANGS = {
    "deadlock": "deadlock: nobody can finish, and nothing changes any more",
    "livelock": "livelock: memory keeps changing, and nobody can finish",
    "divergence": "divergence: a thread loops for ever in memory that is its own",
}


def show(on: Exploration, found: Found, space: Space | None = None) -> Finding:
    """Run what was found. Raises HarnessFault where the run does not show it."""
    if found.slices is None:
        assert space is not None
        slices, loop_from = _sliced(on, found, space)
    else:
        slices, loop_from = list(found.slices), found.loop_from
    shared = shared_bytes(_run(on, slices))
    stepper = Stepper(on.cpu, on.image.regions)
    try:
        # A handler that waits for the thread it interrupted is a deadlock, although no other thread is there.
        order = None if space is None or on.interrupts is not None else frozenset(space.engine.order)
        return _Shown(on, found, shared, stepper, order).finding(slices, loop_from)
    finally:
        stepper.close()


def _concrete(on: Exploration, stepper: Stepper) -> Concrete:
    return Concrete(stepper, on.image.starts, on.interrupts, on.request.loop)


def _run(on: Exploration, slices: Sequence[Slice]) -> list[Executed]:
    stepper = Stepper(on.cpu, on.image.regions)
    try:
        return _concrete(on, stepper).run(slices)
    finally:
        stepper.close()


def _sliced(on: Exploration, found: Found, space: Space) -> tuple[list[Slice], int]:
    """The moves as slices, and where the loop begins."""
    shared = frozenset(space.engine.order)
    legs = on.request.reduce
    kind, thread = found.bad.kind, found.bad.thread
    finish = [t for t in range(space.count) if kind in ("final", "history", "starvation") or t == thread]
    stepper = Stepper(on.cpu, on.image.regions)
    try:
        concrete = _concrete(on, stepper)
        begun: set[int] = set()
        slices = slices_of(concrete, found.moves, space.count, shared, legs, finish, begun)
        if not found.loop:
            return slices, -1
        return slices + slices_of(concrete, found.loop, space.count, shared, legs, (), begun), len(slices)
    finally:
        stepper.close()


def _touched(run: Sequence[Executed]) -> set[int]:
    return {address + i for done in run for _, address, size, _ in done.touches for i in range(size)}


def _within(parted: Parted | None, dropped: int) -> Parted | None:
    """The same step in a trace without its first ``dropped``; None where it is one of them."""
    if parted is None or parted.step < dropped:
        return None
    return dataclasses.replace(parted, step=parted.step - dropped)


class _Shown:
    """One finding, run over ``stepper``. ``order``: every byte that the search takes for shared."""

    def __init__(
        self, on: Exploration, found: Found, shared: frozenset[int], stepper: Stepper, order: frozenset[int] | None
    ) -> None:
        self.on = on
        self.order = order
        self.found = found
        self.shared = shared
        self.kind = found.bad.kind
        self.narrator = Narrator(on.image, on.request.cpu)
        self.concrete = _concrete(on, stepper)
        self.history = History(self.concrete, on.marks, shared, on.monitor)

    def finding(self, slices: Sequence[Slice], loop_from: int) -> Finding:
        first = slices if loop_from < 0 else slices[:loop_from]
        watch = self._watch()
        run = self.concrete.run(first, watch.note)
        loop: Sequence[Executed] = ()
        way: Sequence[Executed] = ()
        if loop_from >= 0:
            loop = self._repeat(slices[loop_from:])
        elif self.kind in HANGS:
            way, loop = self.concrete.turn()
        if self.order is not None and self.kind in HANGS and loop and not self.order & _touched(loop):
            # Nobody else ever touches what it loops over: with the reduction that is seen before the graph is.
            self.kind = "divergence"
        message = self._message(run, loop)
        if message is None:
            raise HarnessFault(
                "explore",
                f"the schedule was run again and does not show the {self.kind} that the search found",
                remedy="report this: the search and a plain run of the same instructions disagree",
            )
        shared = self.shared | shared_bytes([*run, *way, *loop])
        threads = [piece.thread for piece in slices]
        return Finding(
            kind=self.kind,
            message=message,
            slices=tuple(slices),
            trace=self.narrator.steps(run[-STEPS:], shared),
            loop=self.narrator.steps(loop[:LOOP_STEPS], shared),
            state=self.found.number,
            loop_from=loop_from,
            switches=sum(a != b for a, b in pairwise(threads)),
            holds=self.narrator.waits([*run, *way], loop) if loop else (),
            parted=_within(watch.parted(run), max(len(run) - STEPS, 0)),
        )

    def _watch(self) -> Watch:
        on = self.on
        objects = [(on.image.address(name), size) for name, size in on.request.objects]
        return Watch(self.concrete, on.marks, on.monitor, objects, self.history)

    def _repeat(self, slices: Sequence[Slice]) -> list[Executed]:
        # The search takes what is below a stack pointer for dead, and this does not: there it may differ once.
        for _ in range(2):
            before = self.concrete.whole()
            loop = self.concrete.run(slices)
            if self.concrete.whole() == before:
                return loop
        return []

    def _message(self, run: Sequence[Executed], loop: Sequence[Executed]) -> str | None:
        """What the run shows, in words; None where it does not show this kind of finding."""
        if self.kind in HANGS:
            return HANGS[self.kind] if loop else None
        if self.kind == "starvation":
            return self._starvation(loop)
        if self.kind == "fault":
            last = run[-1] if run else None
            if last is None or last.stop is None:
                return None
            where = self.on.image.symbol(last.pc)
            return f"thread {last.thread} in {where} died of {stop_text(self.on.image, last.stop)}"
        if self.kind == "history":
            return self.history.refuted
        if self.kind == "final" and not self.concrete.running:
            return self.on.final_message(self.concrete.memory, self.history.state)
        return None

    def _starvation(self, loop: Sequence[Executed]) -> str | None:
        movers = {done.thread for done in loop}
        completed = {done.thread for done in loop if register_of(done.before, PC) == SENTINEL}
        starved = sorted(movers - completed)
        if len(movers) < len(self.on.image.starts) or not starved:
            return None
        names = " and ".join(f"thread {thread}" for thread in starved)
        return f"starvation: {names} may run for ever without completing a round while every thread keeps running"
