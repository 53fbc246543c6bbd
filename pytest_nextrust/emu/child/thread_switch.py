"""The threads of a run on one CPU: when another's turn comes, and what changes in the CPU then.

A thread that does not run is a saved CPU state, floating point included. Threads are switched between two instructions,
and the log of the run notes each switch, so that it can be repeated.

Boundary: the CPU's side; who runs next, and for how long, is ``kernel.task_threads``' and its scheduler's.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.rerun_log import RerunLog
from pytest_nextrust.emu.kernel.dispatch import Kernel
from pytest_nextrust.emu.kernel.task_threads import Thread, Waiting

__all__ = ["ThreadSwitch"]


class ThreadSwitch:
    """Switches the threads of ``kernel`` on ``cpu``. ``count`` answers the instructions so far."""

    def __init__(self, cpu: Cpu, kernel: Kernel, log: RerunLog, count: Callable[[], int]) -> None:
        self._cpu = cpu
        self._kernel = kernel
        self._threads = kernel.task.threads
        self._log = log
        self._count = count
        self._until: int | None = None

    @property
    def is_due(self) -> bool:
        """Whether another thread's turn may be now."""
        threads = self._threads
        if not threads.are_switched:
            return False
        return threads.gives_way or self._until is None or self._until <= self._count()

    def most(self, count: int) -> int:
        """How many of ``count`` instructions the thread may take before another's turn may be."""
        return count if self._until is None else min(count, self._until - self._count())

    def switch(self) -> None:
        """Give the CPU to the thread whose turn it is, which may be the one that has it.

        Raises GuestDeadlocked, GuestExit, GuestKilled, and HarnessFault where a schedule cannot be followed.
        """
        old = self._threads.current
        if self._until is None and self._threads.scheduler.follows is False and not self._threads.gives_way:
            # The first thread's turn begins where there is a second one.
            self._until = self._count() + self._threads.scheduler.share()
            return
        gone = old.slot not in self._threads.slots()
        if not gone:
            old.registers = self._cpu.registers()
        new = self._threads.turn(0 if self._until is None else self._until - self._count())
        share = self._threads.scheduler.share()
        if new is not old:
            if not gone:
                old.context = self._cpu.save()
            if new.context is None:
                self._begin(new)
                share -= self._threads.scheduler.follows
            else:
                self._cpu.restore(new.context)
        self._until = self._count() + share
        self._set(new)
        if new is not old or new.is_set:
            self._log.note_context(self._count(), self._cpu.save())
        new.is_set = False

    def _begin(self, new: Thread) -> None:
        self._cpu.clear_registers()
        if not new.is_set:
            new.registers, new.is_set = self._threads.first_registers(new.slot), True

    def _set(self, new: Thread) -> None:
        """Registers that others set, and a handler's call where a signal waits for the thread's turn."""
        signals = self._kernel.task.signals
        if new.slot == 0 and isinstance(new.waiting, Waiting) and signals.next_deliverable() is not None:
            self._kernel.deliver(new.registers)
            # It waits again when the handler has returned to the call.
            new.is_set, new.waiting = True, None
        if new.is_set:
            self._cpu.load(new.registers)
