"""The first wrong step of a run of several threads: after it, no order of the calls explains what memory holds.

A critical section that writes more than once passes through bytes that no order explains, so a step counts only where
the bytes stay unexplained until the failure. Calls count from their call on, not from their first access, which is
milder than the search. Where memory is explained to the end, it is the return whose result no order explains.

Boundary: child process only; looks on while a run is executed, and judges nothing that the search has not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_nextrust.emu.child.thread_state import kept_floats
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import FirstWrongStep
from pytest_nextrust.explore.child.execute import Executed, ObservedHistory, ScheduleExecutor
from pytest_nextrust.explore.child.linearize import Explanations, Linearizability
from pytest_nextrust.explore.child.step_options import Mark
from pytest_nextrust.explore.child.trace import changed

__all__ = ["Watch", "clobbering"]

LISTED = 4
"""Memories that a message lists."""


def clobbering(run: Sequence[Executed], thread: int, message: str) -> FirstWrongStep | None:
    """The last instruction of ``thread`` that changed the register that ``message``, of ``KeptRegisters``, names."""
    name = message.partition(" ")[0]
    for step in range(len(run) - 1, -1, -1):
        before, after = run[step].before, run[step].after
        if run[step].thread != thread:
            continue
        if name in dict(changed(before, after)) or (
            name.startswith("fp") and kept_floats(before) != kept_floats(after) != b""
        ):
            return FirstWrongStep(step, run[step].pc, f"changes {name}, which nothing puts right: {message}")
    return None


class _FromCalls(ObservedHistory):
    """A history in which an operation is open from its call mark on."""

    def _pass(self, thread: int, pc: Address) -> None:
        super()._pass(thread, pc)
        pending = self._pending[thread]
        if pending[-1] >= 0:
            self._event(thread, ("call", pending[-1], b""))
            pending[-1] = -1


class Watch:
    """Looks on at a run. ``objects`` are the (address, size) whose bytes the monitor's explanations speak of.

    ``judged`` is the history that says when a result is refuted.
    """

    def __init__(
        self,
        executor: ScheduleExecutor,
        marks: Mapping[Address, Mark],
        monitor: Linearizability | None,
        objects: Sequence[tuple[Address, int]],
        judged: ObservedHistory,
    ) -> None:
        self._executor = executor
        self._monitor = monitor
        self._objects = objects
        self._judged = judged
        self._begun = _FromCalls(executor, marks, frozenset(), monitor)
        self._state = self._begun.state
        self._explained: list[bool] = []
        self._known: dict[tuple[Explanations, bytes], bool] = {}
        self._refuted = -1

    def note(self, done: Executed) -> None:
        """Take what the instruction means, and whether memory after it is explained."""
        self._judged.note(done)
        if self._monitor is None:
            return
        if self._judged.refuted is not None and self._refuted < 0:
            self._refuted = len(self._explained)
        self._begun.note(done)
        self._explained.append(self._is_explained())

    def first_wrong_step(self, run: Sequence[Executed]) -> FirstWrongStep | None:
        """The step of ``run``, which was noted whole; None where there is no monitor or nothing to tell."""
        if self._monitor is None or not run:
            return None
        last = max((at for at, explained in enumerate(self._explained) if explained), default=-1)
        if self._objects and 0 <= last + 1 < len(run):
            return FirstWrongStep(last + 1, run[last + 1].pc, self._memory())
        if self._refuted >= 0:
            return FirstWrongStep(self._refuted, run[self._refuted].pc, f"{self._judged.refuted}")
        return None

    def _bytes(self) -> bytes:
        return b"".join(self._executor.read(address, size) for address, size in self._objects)

    def _is_explained(self) -> bool:
        if self._begun.state is None:
            # A result is refuted: there is nothing left that memory could be judged by.
            return not self._explained or self._explained[-1]
        self._state = state = self._begun.state
        memory = self._bytes()
        key = (state, memory)
        if key not in self._known:
            self._known[key] = memory in self._reachable()
        return self._known[key]

    def _reachable(self) -> frozenset[bytes]:
        if self._monitor is None or self._state is None:
            return frozenset()
        return self._monitor.reachable(self._state)

    def _memory(self) -> str:
        wanted = sorted(self._reachable())
        listed = " or ".join(f"0x{memory.hex()}" for memory in wanted[:LISTED])
        more = f" or {len(wanted) - LISTED} others" if len(wanted) > LISTED else ""
        return (
            "from here on the objects hold what no order of the calls begun so far leaves; in the end it is "
            f"0x{self._bytes().hex()}, where the meaning leaves {listed}{more}"
        )
