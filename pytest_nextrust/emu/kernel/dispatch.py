"""Takes a trap or an exception to what answers it, as NeXT's kernel does, and keeps the trace.

Boundary: the tables of traps and the ways out of a call. What a call does is in ``unix`` and ``mach``, what it works on
in ``state``. Nothing here talks to the emulator: memory is an ``AddressSpace``, registers a ``Registers``, time a
``VirtualClock``.

Sources: the NeXT kernel's trap handlers (``trap #2`` to ``trap #6``), ``unix_syscall``, ``trap``, ``nosys``; 4.3BSD's
``syscall`` for the carry convention. UNIX number 0 is ``indir``: the real number in d1, its arguments from d2.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import replace
from pytest_nextrust.emu.kernel.call_names import THREAD_CALLS, mach_name, unix_name
from pytest_nextrust.emu.kernel.calls import Syscall, table
from pytest_nextrust.emu.kernel.ends import (
    GivesWay,
    GuestExit,
    GuestGaveUp,
    GuestKilled,
    Interrupted,
    JustReturn,
    NeverReturns,
    Unimplemented,
    UnixError,
)
from pytest_nextrust.emu.kernel.errno import Errno, from_host
from pytest_nextrust.emu.kernel.mach.traps import MACH_TABLE
from pytest_nextrust.emu.kernel.signals import SIG_DFL, SIG_IGN, bit, signal_for
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.kernel.threads import TAKES
from pytest_nextrust.emu.kernel.unix.descriptors import DESCRIPTOR_CALLS
from pytest_nextrust.emu.kernel.unix.opening import OPEN_CALLS
from pytest_nextrust.emu.kernel.unix.paths import PATH_CALLS
from pytest_nextrust.emu.kernel.unix.processes import PROCESS_CALLS
from pytest_nextrust.emu.kernel.unix.signalling import SIGNAL_CALLS
from pytest_nextrust.emu.kernel.unix.times import TIME_CALLS
from pytest_nextrust.emu.kernel.unix.transfers import TRANSFER_CALLS
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.records import TrapRecord
from pytest_nextrust.emu.registers import WORD, Registers

__all__ = ["UNIX_TABLE", "Kernel"]

UNIX_TABLE = table(
    *TRANSFER_CALLS, *DESCRIPTOR_CALLS, *OPEN_CALLS, *PATH_CALLS, *PROCESS_CALLS, *SIGNAL_CALLS, *TIME_CALLS
)
"""The UNIX calls (``trap #4``) by number; one that is not in here is not implemented."""

TRAP_0, ACCESS = 32, 2
"""The vectors of ``trap #0``, and of an access that is refused."""

MOST_ARGUMENTS = 6
"""How many arguments of a call that is not implemented are shown."""

KERN_INVALID_ARGUMENT = 4
UNNAMED_MACH_TRAPS = "kern_invalid"


class Kernel:
    """One guest process's kernel. ``trace_traps``: how many traps it keeps.

    ``close`` gives up what the host holds for the guest.
    """

    def __init__(self, task: Task, trace_traps: int) -> None:
        self.task = task
        self.flush_requested = False
        self.traps: list[TrapRecord] = []
        self.traps_total = 0
        self._trace_limit = trace_traps

    @property
    def stdout(self) -> bytes:
        """What the guest wrote to standard output, up to the request's limit."""
        return bytes(self.task.process.output.collected)

    @property
    def stderr(self) -> bytes:
        """What the guest wrote to standard error, up to the request's limit."""
        return bytes(self.task.process.error.collected)

    @property
    def truncated(self) -> tuple[str, ...]:
        """The streams cut at the request's ``max_output``."""
        streams = (("stdout", self.task.process.output), ("stderr", self.task.process.error))
        return tuple(name for name, stream in streams if stream.truncated)

    def close(self) -> None:
        """Close every host file. The collected output stays."""
        self.task.close()

    # -- traps and exceptions ------------------------------------------------------------------------------------------

    def trap(self, vector: int, regs: Registers) -> None:
        """Serve ``trap #(vector - 32)``; pc is at the trap instruction, and the registers become what follows it.

        Raises GuestExit, GuestKilled or Unimplemented where the run ends here.
        """
        self.task.thread.registers = regs
        pc, number = regs.pc, vector - TRAP_0
        regs.pc = (pc + 2) & WORD
        try:
            if number == 4:
                self._unix(regs, pc)
            elif number == 3:
                self._mach(regs, pc)
            elif number in (2, 5, 6):
                self._machine(regs, pc, number)
            else:
                self.exception(vector, regs)
                return
            self.task.thread.waiting = None
        except GivesWay:
            # Signals wait until its turn comes, for a call that waits has something to say to them.
            regs.pc = pc
            return
        self.task.deliver(regs)

    def exception(self, vector: int, regs: Registers, fault: GuestFault | None = None) -> None:
        """Turn a CPU exception into its signal, delivered to a handler; else raise GuestKilled.

        ``vector`` is the vector's number; pc is what the CPU would stack: the faulting instruction for access faults
        and illegal instructions, the next one for divide by zero, CHK, TRAPV and trap #n. A signal of this kind that is
        blocked or ignored would come again and again on a NeXT; here it kills, so that the run ends (a decision).
        """
        signal, code = signal_for(vector, fault)
        signals = self.task.signals
        if signals.actions[signal].handler in (SIG_DFL, SIG_IGN) or signals.mask & bit(signal):
            raise GuestKilled(signal, core=True)
        signals.code = code
        signals.deliver(signal, regs, self.task.memory)

    def next_alarm(self) -> int | None:
        """The instruction count at which the next timer falls due; None where no timer runs."""
        return self.task.timers.next_count()

    def deliver(self, regs: Registers) -> None:
        """Deliver the signals that are due. May raise GuestKilled."""
        self.task.deliver(regs)

    # -- the three kinds of trap ---------------------------------------------------------------------------------------

    def _record(self, record: TrapRecord) -> None:
        self.traps_total += 1
        if self.task.thread.slot:
            record = replace(record, thread=self.task.thread.slot)
        if len(self.traps) < self._trace_limit:
            self.traps.append(record)

    def _machine(self, regs: Registers, pc: int, number: int) -> None:
        if number == 2:
            self.flush_requested = True
            record = TrapRecord("machine", 2, "flush_caches", (), regs.d[0], None, pc)
        elif number == 5:
            regs.d[0] = self.task.thread.user_register
            record = TrapRecord("machine", 5, "get_user_register", (), regs.d[0], None, pc)
        else:
            self.task.thread.user_register = regs.d[0]
            record = TrapRecord("machine", 6, "set_user_register", (regs.d[0],), regs.d[0], None, pc)
        self._record(record)

    def _unix(self, regs: Registers, pc: int) -> None:
        number, args = regs.d[0], (*regs.d[1:], *regs.a[:2])
        if number == 0:
            number, args = args[0], args[1:]
        call = UNIX_TABLE.get(number)
        if call is None:
            name = unix_name(number)
            shown = args[:MOST_ARGUMENTS]
            self._record(TrapRecord("unix", number, name, shown, None, None, pc))
            raise Unimplemented("unix", number, name, shown, "no such call" if name == "nosys" else "")
        args = args[: call.takes]
        answer: int | None = None
        error: int | None = None
        try:
            result = call.serve(self.task, *args)
            answer, second = result if isinstance(result, tuple) else (result, 0)
            regs.d[0], regs.d[1] = answer & WORD, second & WORD
            regs.carry = False
        except UnixError as failure:
            error = failure.errno
        except GuestFault:
            error = Errno.EFAULT
        except OSError as failure:
            error = from_host(failure).errno
        except JustReturn:
            pass
        except Interrupted as interruption:
            signal = self.task.signals.next_deliverable()
            if interruption.restart and (signal is None or not self.task.signals.interrupts(signal)):
                regs.pc = pc
            else:
                error = Errno.EINTR
        except (GuestExit, GuestKilled):
            self._record(TrapRecord("unix", number, call.name, args, None, None, pc))
            raise
        except NeverReturns as wait:
            self._record(TrapRecord("unix", number, call.name, args, None, None, pc))
            raise Unimplemented("unix", number, call.name, args, str(wait)) from wait
        if error is not None:
            answer = regs.d[0] = int(error)
            regs.carry = True
        shown_error = int(error) if error is not None else None
        self._record(
            TrapRecord("unix", number, call.name, args, answer & WORD if answer is not None else None, shown_error, pc)
        )

    def _mach(self, regs: Registers, pc: int) -> None:
        number = regs.d[0]
        if number in THREAD_CALLS:
            self._thread_call(regs, pc, number)
            return
        self.task.thread.message = ""
        call = MACH_TABLE.get(number)
        name = call.name if call else mach_name(number)
        args = tuple(regs.d[1 : 1 + (call.takes if call else 0)])
        try:
            regs.d[0] = self._mach_result(call, number, name, args)
        except NeverReturns as wait:
            self._record(TrapRecord("mach", number, self._message(name), args, None, None, pc))
            raise Unimplemented("mach", number, self._message(name), args, str(wait)) from wait
        except (GuestExit, GuestKilled, Unimplemented):
            self._record(TrapRecord("mach", number, self._message(name), args, None, None, pc))
            raise
        else:
            self._record(TrapRecord("mach", number, self._message(name), args, regs.d[0], None, pc))

    def _thread_call(self, regs: Registers, pc: int, number: int) -> None:
        """A call of ``threads``, which is in the trace once it is over."""
        args = tuple(regs.d[1:5])
        shown = args[: TAKES.get(number, 1)]
        record = TrapRecord("mach", number, THREAD_CALLS[number], shown, None, None, pc, self.task.thread.slot)
        threads = self.task.threads
        try:
            regs.d[0] = threads.call(number, args, self._failed)
        except GivesWay:
            if threads.current.waiting is None:
                self._record(record)
            raise
        except (GuestKilled, GuestGaveUp):
            self._record(record)
            raise
        except GuestFault as fault:
            regs.pc = pc
            self.exception(ACCESS, regs, fault)
            return
        self._record(replace(record, result=regs.d[0]))

    def _failed(self, text: bytes) -> None:
        self.task.process.error.write(text + b"\n")

    def _message(self, name: str) -> str:
        plain = name.removesuffix("_trap").removesuffix("_old")
        return f"{plain}({self.task.thread.message})" if self.task.thread.message else name

    def _mach_result(self, call: Syscall | None, number: int, name: str, args: tuple[int, ...]) -> int:
        if call is not None:
            result = call.serve(self.task, *args)
            return (result[0] if isinstance(result, tuple) else result) & WORD
        if name == UNNAMED_MACH_TRAPS:
            return KERN_INVALID_ARGUMENT
        raise Unimplemented("mach", number, name, tuple(self.task.thread.registers.d[1 : 1 + MOST_ARGUMENTS]))
