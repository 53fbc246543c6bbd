"""One run of one program: the loop between the CPU and the kernel, its limits, and the record of how it ended.

Boundary: decides when to stop and what a stop means; the CPU counts, the kernel answers. Everything that can differ
between two runs of one request is in the wall limit; counts, traps, signals and faults repeat exactly.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from pytest_nextrust.emu import loader
from pytest_nextrust.emu.black_box import BlackBox
from pytest_nextrust.emu.child.backing import ChangeRecorder, UnicornBacking
from pytest_nextrust.emu.child.blocks import Suspect
from pytest_nextrust.emu.child.cpu import NEVER, Cpu, Stop
from pytest_nextrust.emu.child.cpu_exceptions import (
    ACCESS,
    ILLEGAL,
    RTR,
    TRAP_0,
    CpuException,
    instruction_address,
    interpret,
)
from pytest_nextrust.emu.child.fault_report import Cause, report_fault
from pytest_nextrust.emu.child.rerun_log import LONGEST, RerunLog
from pytest_nextrust.emu.child.thread_switch import ThreadSwitch
from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.dispatch import Kernel
from pytest_nextrust.emu.kernel.ends import (
    GuestDeadlocked,
    GuestExit,
    GuestGaveUp,
    GuestKilled,
    GuestWaited,
    Unimplemented,
)
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.memory import AddressSpace, GuestFault
from pytest_nextrust.emu.records import End, FaultReport, RunRecord, RunRequest
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.isa.unsupported import refuse_unsupported

__all__ = ["GuestRun", "run"]

FIRST_SLICE = 1 << 23
SMALLEST_SLICE = 1 << 13
SLACK = 1 << 10
"""Instructions by which a slice may be shorter: no block of code is longer."""
LONG, SHORT = 0.2, 0.05
"""Seconds: a slice that took longer is halved, a shorter one doubled. The wall limit is looked at between slices."""

SERVED = frozenset(TRAP_0 + n for n in (2, 3, 4, 5, 6))


class _Over(Exception):
    """The run is over by one of its limits."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class _Counter:
    """Instructions so far. Apart from the process, so that the clock, which asks for it, holds no process alive."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def __call__(self) -> int:
        return self.value


class GuestRun:
    """A program on a CPU. ``now`` answers seconds of wall time; ``deliver`` is as for ``run``."""

    def __init__(
        self,
        cpu: Cpu,
        request: RunRequest,
        root: str,
        now: Callable[[], float] = time.monotonic,
        deliver: Callable[[int, bytes], None] | None = None,
        box: BlackBox | None = None,
    ) -> None:
        self._cpu = cpu
        self._box = box
        self._request = request
        self._now = now
        self._started = now()
        file = loader.open_program(request.program, cpu.name)
        refuse_unsupported(file, cpu.name)
        cpu.reset()
        cpu.stops_at_suspects = True
        self._recorder = ChangeRecorder(UnicornBacking(cpu.uc, cpu.code_changed))
        self._memory = AddressSpace(self._recorder)
        self._loaded = loader.load(file, request, self._memory)
        cpu.load(self._loaded.registers)
        self._recorder.take()
        self._counter = _Counter()
        self._slice = FIRST_SLICE
        self._until = self._loaded.own_code
        self._reached: int | None = None
        self._cause: Cause | None = None
        self._suspect: tuple[int, int, Suspect] | None = None
        """At how many instructions the guest comes to it, where it is, and what it is."""
        self._rerun_log = RerunLog(cpu, self._recorder, now)
        self._deliver = deliver
        task = Task(
            self._memory,
            request,
            VirtualClock(self._counter),
            root,
            deliver=None if deliver is None and box is None else self._pass_on,
            check_time=self._check_time,
        )
        self._kernel = Kernel(task, request.trace_traps)
        self._task_threads = task.threads
        task.threads.describe = self._describe
        self._threads = ThreadSwitch(cpu, self._kernel, self._rerun_log, self._counter)

    def run(self) -> RunRecord:
        """Run to the end. Raises HarnessFault where the emulator fails."""
        if self._box is not None:
            self._box.begin()
            self._cpu.tell_on_death(self._box)
        try:
            end = self._until_it_ends()
        finally:
            self._kernel.close()
            if self._box is not None:
                self._box.end()
        # What is executed again has been looked at, and its exceptions are in the notes.
        self._cpu.stops_at_suspects = False
        fault = self._fault() if self._cause is not None else None
        kernel = self._kernel
        return RunRecord(
            program_sha256=hashlib.sha256(self._request.program).hexdigest(),
            cpu=self._cpu.name,
            end=end,
            stdout=kernel.stdout,
            stderr=kernel.stderr,
            instructions=self._counter.value,
            own_code=self._reached is not None and self._counter.value > self._reached,
            seconds=self._now() - self._started,
            traps=tuple(kernel.traps),
            traps_total=kernel.traps_total,
            fault=fault,
            truncated=tuple(kernel.truncated),
        )

    def _until_it_ends(self) -> End:
        try:
            while True:
                self._step()
        except GuestExit as ended:
            self._cause = None
            return End("exit", ended.status)
        except GuestKilled as killed:
            return End("signal", killed.signal, self._cause.name if self._cause is not None else "")
        except Unimplemented as call:
            self._cause = None
            return End("unimplemented", call.number, str(call))
        except GuestGaveUp:
            self._cause = None
            return End("assumption", 0, "what the program assumes is not so: this run says nothing")
        except GuestDeadlocked as deadlock:
            self._cause = None
            return End("deadlock", len(deadlock.waits), "; ".join(deadlock.waits))
        except GuestWaited as waited:
            self._cause = None
            return End("time", int(self._now() - self._started), f"it waited {waited}")
        except _Over as over:
            self._cause = None
            return over.end

    # -- one stretch of execution --------------------------------------------------------------------------------------

    def _step(self) -> None:
        alarm = self._kernel.next_alarm()
        left = self._request.budget - self._counter.value
        if left <= 0:
            raise _Over(End("budget", self._counter.value))
        if alarm is not None and alarm <= self._counter.value:
            self._alarm()
            return
        count = left if alarm is None else min(left, alarm - self._counter.value)
        if self._task_threads.are_switched:
            if self._threads.is_due:
                self._watch_again()
                self._threads.switch()
                return
            count = self._threads.most(count)
        if self._suspect is not None:
            count = min(count, self._suspect[0] - self._counter.value)
            if not count:
                self._refuse(*self._suspect[1:])
                return
        begun = self._now()
        if self._box is not None:
            self._box.at(self._cpu.pc(), self._counter.value)
        # A slice need not be exact: what comes after it is the same run.
        stop = self._cpu.run(min(count, self._slice), self._until, slack=SLACK if count > self._slice else 0)
        self._counter.value += stop.executed
        if stop.kind == "until":
            self._reached = self._counter.value
            self._until = NEVER
        elif stop.kind == "exception":
            self._watch_again()
            self._exception(stop)
        elif stop.kind == "fault":
            self._watch_again()
            self._access(stop)
        elif stop.suspect is not None:
            self._suspect = (self._counter.value + stop.suspect.steps, stop.address + stop.suspect.offset, stop.suspect)
            self._cpu.stops_at_suspects = False
            self._cpu.flush()
        self._pace(begun, stop.executed)

    def _pass_on(self, descriptor: int, data: bytes) -> None:
        if self._box is not None:
            self._box.wrote(data)
        if self._deliver is None:
            return
        begun = self._now()
        self._deliver(descriptor, data)
        # However long the reader takes, it is not the guest's time.
        self._started += self._now() - begun

    def _check_time(self) -> None:
        spent = self._now() - self._started
        if spent > self._request.wall:
            raise _Over(End("time", int(spent), f"more than {self._request.wall:g} s"))

    def _pace(self, begun: float, executed: int) -> None:
        self._check_time()
        now = self._now()
        if now - begun > LONG:
            self._slice = max(SMALLEST_SLICE, self._slice // 2)
        elif now - begun < SHORT and executed + SLACK >= self._slice:
            self._slice *= 2
        self._rerun_log.maybe_keep(self._counter.value)

    def _alarm(self) -> None:
        self._watch_again()
        registers = self._cpu.registers()
        self._kernel.deliver(registers)
        self._cpu.load(registers)
        self._rerun_log.note(self._counter.value, self._counter.value, registers)

    def _exception(self, stop: Stop) -> None:
        registers = self._cpu.registers()
        vector = stop.vector
        if stop.exact:
            self._take(CpuException(vector, stop.address), registers)
            return
        pc = instruction_address(vector, registers)
        if vector in SERVED:
            self._cause = None
            self._kernel.trap(vector, registers)
        else:
            data = self._bytes_at(pc)
            if vector == ILLEGAL and data[:2] == RTR:
                self._return_and_restore(registers)
                return
            self._take(interpret(vector, registers, data, self._cpu.name), registers)
            return
        self._go_on(registers)

    def _take(self, exception: CpuException, registers: Registers) -> None:
        if exception.vector is not None:
            before = registers.copy()
            before.pc = exception.pc
            self._cause = Cause(exception.vector, exception.pc, before, self._counter.value - 1)
            if exception.vector >= TRAP_0:
                self._kernel.trap(exception.vector, registers)
            else:
                self._kernel.exception(exception.vector, registers)
        self._go_on(registers)

    def _go_on(self, registers: Registers) -> None:
        self._cause = None
        flush = self._kernel.flush_requested
        if flush:
            self._cpu.flush()
            self._kernel.flush_requested = False
        self._cpu.load(registers)
        self._rerun_log.note(self._counter.value, self._counter.value, registers, flush=flush)

    def _watch_again(self) -> None:
        """Look at blocks again, and at those translated meanwhile when they are next entered."""
        if self._suspect is not None:
            self._suspect = None
            self._cpu.stops_at_suspects = True
            self._cpu.flush()

    def _refuse(self, pc: int, suspect: Suspect) -> None:
        """The guest has come to an instruction that the emulator is not trusted with: do what the CPU would."""
        self._watch_again()
        registers = self._cpu.registers()
        if registers.pc != pc:
            raise HarnessFault("emulator", f"went another way than its block at 0x{pc:08x}")
        if suspect.limit:
            opcode = int.from_bytes(self._bytes_at(pc)[:2], "big")
            raise Unimplemented("instruction", opcode, suspect.name, (pc,), suspect.limit)
        self._cause = Cause(suspect.vector, pc, registers.copy(), self._counter.value)
        before = self._counter.value
        self._counter.value += 1
        self._kernel.exception(suspect.vector, registers)
        self._cause = None
        self._cpu.load(registers)
        self._rerun_log.note(before, self._counter.value, registers)

    def _return_and_restore(self, registers: Registers) -> None:
        """RTR, which the emulator does not have: condition codes and pc from the stack."""
        try:
            frame = self._memory.copyin(registers.sp, 6)
        except GuestFault as fault:
            self._counter.value -= 1
            self._access(Stop("fault", 0, address=fault.address, size=2, access="read"))
            return
        registers.sr = registers.sr & 0xFF00 | frame[1] & 0x1F
        registers.pc = int.from_bytes(frame[2:], "big")
        registers.sp += 6
        self._cpu.load(registers)
        self._rerun_log.note(self._counter.value, self._counter.value, registers)

    def _access(self, stop: Stop) -> None:
        registers = self._cpu.registers()
        backed = self._memory.backed
        try:
            self._memory.check(stop.address, stop.size, stop.access)
        except GuestFault as fault:
            refused = fault
        else:
            if self._memory.backed == backed:
                raise HarnessFault(
                    "emulator", f"refused a {stop.access} that is allowed", place=f"0x{stop.address:08x}"
                )
            # The check has let the stack grow: the instruction is tried again.
            self._rerun_log.note(self._counter.value, self._counter.value, None)
            return
        self._cause = Cause(ACCESS, registers.pc, registers.copy(), self._counter.value, refused, stop.size)
        before = self._counter.value
        # An attempt counts as an instruction, or a handler that returns to it would never spend the budget.
        self._counter.value += 1
        self._kernel.exception(ACCESS, registers, refused)
        self._cause = None
        self._cpu.load(registers)
        self._rerun_log.note(before, self._counter.value, registers)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _describe(self, address: int) -> str:
        return self._loaded.file.describe(address) or f"0x{address:08x}"

    def _bytes_at(self, pc: int) -> bytes:
        region = self._memory.region_at(pc)
        if region is None or not region.max_prot:
            return b""
        return self._recorder.read(pc, min(LONGEST, region.end - pc))

    def _fault(self) -> FaultReport:
        assert self._cause is not None
        data = self._bytes_at(self._cause.pc)
        return report_fault(
            self._cause, data, self._loaded.file, self._cpu.name, self._rerun_log, self._request.last_instructions
        )


def run(
    cpu: Cpu,
    request: RunRequest,
    root: str,
    now: Callable[[], float] = time.monotonic,
    deliver: Callable[[int, bytes], None] | None = None,
    box: BlackBox | None = None,
) -> RunRecord:
    """Run ``request`` on ``cpu``, its files in ``root``. Raises NotRunnable, HarnessFault.

    ``deliver`` gets what the guest writes to its standard output (1) and error (2) as it comes; ``box`` is what is left
    of the run if this process dies.
    """
    return GuestRun(cpu, request, root, now, deliver, box).run()
