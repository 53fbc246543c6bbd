"""What the kernel keeps for a guest: the task with its memory and ports, the process with its files, and the thread.

Boundary: state, and what happens to it as time passes: timers, waiting, delivery of signals. The calls that change it
are in ``unix`` and ``mach``; ``dispatch`` takes traps to them.

Sources: 4.3BSD's u area; NeXT ``<machine/vmparam.h>`` for the default limits (6 MB data, 512 KB stack, no core files).
Process numbers and names are fixed, so that two runs are the same (decisions).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.ends import GivesWay, Interrupted, NeverReturns, Unimplemented, UnixError
from pytest_nextrust.emu.kernel.errno import name_of
from pytest_nextrust.emu.kernel.files import Descriptors
from pytest_nextrust.emu.kernel.inodes import Inodes
from pytest_nextrust.emu.kernel.jail import Jail
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError
from pytest_nextrust.emu.kernel.mach.ports import Ports
from pytest_nextrust.emu.kernel.quota import Quota
from pytest_nextrust.emu.kernel.signals import SIG_DFL, SIG_IGN, Signal, SignalState, bit
from pytest_nextrust.emu.kernel.streams import InputFile, OutputFile
from pytest_nextrust.emu.kernel.task_threads import FULL, Sleep, TaskThreads, Thread
from pytest_nextrust.emu.kernel.threads import ThreadCall
from pytest_nextrust.emu.kernel.timers import Timers
from pytest_nextrust.emu.memory import AddressSpace
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import NotRunnable

__all__ = [
    "DOMAIN_NAME",
    "HOST_NAME",
    "PARENT_PID",
    "PID",
    "PROCESS_GROUP",
    "RLIMIT_STACK",
    "RLIM_INFINITY",
    "Process",
    "Task",
]

PID, PARENT_PID, PROCESS_GROUP = 100, 99, 100
HOST_NAME = b"next"
DOMAIN_NAME = b""

RLIM_INFINITY = 0x7FFF_FFFF
RLIMIT_STACK = 3
_DATA_LIMIT = 6 * 1024 * 1024


class Process:
    """Files, limits and identity of the guest.

    Raises OSError for a root, NotRunnable for a working directory, that cannot be entered.
    """

    def __init__(
        self, request: RunRequest, clock: VirtualClock, root: str, deliver: Callable[[int, bytes], None] | None
    ) -> None:
        epoch = clock.now_us // 1_000_000
        self.epoch = epoch
        self.jail = Jail(root)
        self.inodes = Inodes(Path(root).stat(), epoch)
        try:
            self.jail.enter(os.fsencode(request.cwd))
        except UnixError as error:
            self.jail.close()
            raise NotRunnable(
                "working directory",
                f"the guest's root has no such directory ({name_of(error.errno)})",
                place=request.cwd,
                remedy="create it in the root, or leave cwd at /",
            ) from error
        self.quota = Quota(self.jail.root)
        self.umask = 0o022
        self.limits = [(RLIM_INFINITY, RLIM_INFINITY) for _ in range(6)]
        self.limits[2] = (_DATA_LIMIT, RLIM_INFINITY)
        self.limits[RLIMIT_STACK] = (request.stack, RLIM_INFINITY)
        self.limits[4] = (0, RLIM_INFINITY)
        self.priority = 0
        self.group = PROCESS_GROUP
        self.output = OutputFile(request.max_output, 0, epoch, deliver and partial(deliver, 1))
        self.error = OutputFile(request.max_output, 0, epoch, deliver and partial(deliver, 2))
        self.files = Descriptors()
        for stream in (InputFile(request.stdin, epoch, request.stdin_fd, request.wall), self.output, self.error):
            self.files.install(stream)

    def close(self) -> None:
        """Close all files and the root."""
        self.files.close_all()
        self.jail.close()


class Task:
    """A guest: address space, port names, process, signals, timers, and the thread whose trap is being served.

    ``root`` is the host folder that the guest sees as ``/``. ``deliver`` gets what is written to descriptors 1 and 2 as
    it comes. ``check_time`` raises what ends the run where its wall limit is past: calls that take long ask it.
    Raises OSError and NotRunnable as ``Process`` does.
    """

    def __init__(
        self,
        memory: AddressSpace,
        request: RunRequest,
        clock: VirtualClock,
        root: str,
        *,
        deliver: Callable[[int, bytes], None] | None = None,
        check_time: Callable[[], None] = lambda: None,
    ) -> None:
        self.check_time = check_time
        self.memory = memory
        self.clock = clock
        self.ports = Ports()
        self.process = Process(request, clock, root, deliver)
        self.signals = SignalState()
        self.timers = Timers(clock)
        self.threads = TaskThreads(memory, request, interrupted=self._interrupted, pass_time=self._pass_time)
        self.threads.ended = self.ports.end_thread

    @property
    def thread(self) -> Thread:
        """The thread whose trap is being served."""
        return self.threads.current

    def thread_port(self, slot: int) -> int:
        """The name of a thread's port."""
        return self.ports.of_thread("thread", slot)

    def thread_request(self, call: ThreadCall, slot: int) -> int:
        """What a message asks of the kernel's threads. Raises KernError(RESOURCE_SHORTAGE)."""
        answer = self.threads.call(call, (slot, 0, 0, 0), lambda _: None)
        if answer == FULL:
            raise KernError(Kern.RESOURCE_SHORTAGE)
        return answer

    def thread_state(self, slot: int) -> tuple[int, ...]:
        """The 18 words of another thread. Raises KernError(INVALID_ARGUMENT)."""
        return self.threads.state_of(self._other(slot))

    def set_thread_state(self, slot: int, words: Sequence[int]) -> None:
        """Give another thread 18 words. Raises KernError(INVALID_ARGUMENT)."""
        self.threads.set_state(self._other(slot), words)

    def abort_thread(self, slot: int) -> None:
        """End the call of UNIX or Mach in which another thread waits. Raises KernError(INVALID_ARGUMENT)."""
        self.threads.abort(self._other(slot))

    def _other(self, slot: int) -> int:
        if slot == self.thread.slot:
            raise KernError(Kern.INVALID_ARGUMENT)
        return slot

    def close(self) -> None:
        """Close every host file. What the guest wrote to its standard streams stays."""
        self.process.close()

    def post(self, signal: int) -> None:
        """Send the process a signal; it is delivered when the call returns."""
        self.signals.post(signal)

    def deliver(self, registers: Registers) -> None:
        """Post what the timers are due, and deliver what is pending and not masked. May raise GuestKilled.

        Handlers run on the first thread; what a signal does without one happens whoever runs.
        """
        self._post_expired()
        if self.thread.slot:
            self._deliver_defaults()
            return
        while (signal := self.signals.next_deliverable()) is not None:
            if self.signals.actions[signal].handler in (SIG_DFL, SIG_IGN):
                self.signals.pending &= ~bit(signal)
                self.signals.default_action(signal, self._stopped)
            else:
                self.signals.deliver(signal, registers, self.memory)
        self.signals.restore_mask_now()

    def _deliver_defaults(self) -> None:
        ready = self.signals.pending & ~self.signals.mask
        for signal in range(1, ready.bit_length() + 1):
            if ready & bit(signal) and self.signals.actions[signal].handler in (SIG_DFL, SIG_IGN):
                self.signals.pending &= ~bit(signal)
                self.signals.default_action(signal, self._stopped)

    def wait(self, until_us: int | None, *, restart: bool, why: str, over: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until ``until_us``, or for ever where it is None.

        ``over``: whether what the call waits for is there, which another thread can bring about.

        Raises Interrupted when a signal comes first, NeverReturns(why) where neither can happen, and GivesWay where
        other threads run meanwhile.
        """
        held = self.thread.waiting
        if isinstance(held, Sleep):
            # The call is made again: it waits no longer than it was to.
            until_us = held.until_us
        self.thread.waiting = None
        while True:
            self._post_expired()
            if self.thread.is_aborted:
                self.thread.is_aborted = False
                raise Interrupted(restart=False)
            if not self.thread.slot and self.signals.next_deliverable() is not None:
                raise Interrupted(restart=restart)
            if until_us is not None and self.clock.now_us >= until_us:
                return
            if self.threads.others_run:
                self.threads.give_way(Sleep(until_us, partial(self._is_over, until_us, over), why or "for a time"))
                raise GivesWay
            if not self._pass_time(until_us):
                raise NeverReturns(why)

    def _is_over(self, until_us: int | None, over: Callable[[], bool]) -> bool:
        return (until_us is not None and self.clock.now_us >= until_us) or over()

    def _interrupted(self) -> bool:
        return self.signals.next_deliverable() is not None

    def _pass_time(self, until_us: int | None) -> bool:
        """Let time pass until then, or until the timer's signal comes first; False where neither will be."""
        due = self.timers.real_due_us
        if self.signals.ignored(Signal.SIGALRM) or self.signals.mask & bit(Signal.SIGALRM):
            due = None
        wakes = [at for at in (until_us, due) if at is not None]
        if not wakes:
            return False
        self.clock.skip(max(0, min(wakes) - self.clock.now_us))
        self._post_expired()
        return True

    def _post_expired(self) -> None:
        for signal in self.timers.expired():
            self.signals.post(signal)

    def _stopped(self, signal: int) -> None:
        name = Signal(signal).name
        raise Unimplemented("signal", signal, name, (), f"{name} stops the process, and nobody is there to continue it")
