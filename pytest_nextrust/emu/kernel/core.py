"""The kernel: takes a trap or an exception with the guest's registers, and answers as NeXT's kernel does.

Boundary: dispatch, the trap trace, waiting, delivery of signals. What each call does is in the tables it dispatches to.
Nothing here talks to the emulator: memory is an ``AddressSpace``, registers a ``Registers``, time a ``VirtualClock``.

Sources: the NeXT kernel's trap handlers (``trap #2`` to ``trap #6``), ``unix_syscall``, ``trap``, ``nosys``; 4.3BSD's
``syscall`` for the carry convention. UNIX number 0 is ``indir``: the real number in d1, its arguments from d2.
"""

from __future__ import annotations

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.calls import Call
from pytest_nextrust.emu.kernel.ends import (
    GuestExit,
    GuestKilled,
    Interrupted,
    JustReturn,
    NeverReturns,
    Unimplemented,
    UnixError,
)
from pytest_nextrust.emu.kernel.errno import Errno, from_host
from pytest_nextrust.emu.kernel.exceptions import signal_for
from pytest_nextrust.emu.kernel.mach import MACH_TABLE
from pytest_nextrust.emu.kernel.mach.ports import Ports
from pytest_nextrust.emu.kernel.names import mach_name, unix_name
from pytest_nextrust.emu.kernel.process import Process
from pytest_nextrust.emu.kernel.signals import SIG_DFL, SIG_IGN, Signal, SignalState, bit
from pytest_nextrust.emu.kernel.timers import Timers
from pytest_nextrust.emu.kernel.unix import UNIX_TABLE
from pytest_nextrust.emu.memory import AddressSpace, GuestFault
from pytest_nextrust.emu.records import RunRequest, TrapRecord
from pytest_nextrust.emu.registers import WORD, Registers

__all__ = ["Kernel"]

TRAP_0 = 32
"""The vector of ``trap #0``."""

MOST_ARGUMENTS = 6
"""How many arguments of a call that is not implemented are shown."""

KERN_INVALID_ARGUMENT = 4
UNNAMED_MACH_TRAPS = "kern_invalid"


class Kernel:
    """One guest process's kernel. ``root`` is the host folder that the guest sees as ``/``.

    Raises OSError where ``root`` cannot be opened. ``close`` gives up what the host holds for the guest.
    """

    def __init__(self, memory: AddressSpace, request: RunRequest, clock: VirtualClock, root: str) -> None:
        self.memory = memory
        self.request = request
        self.clock = clock
        self.signals = SignalState()
        self.timers = Timers(clock)
        self.process = Process(request, clock, root)
        self.ports = Ports()
        self.regs = Registers()
        self.user_register = 0
        self.flush_requested = False
        self.traps: list[TrapRecord] = []
        self.traps_total = 0
        self.message_name = ""

    @property
    def stdout(self) -> bytes:
        """What the guest wrote to standard output, up to the request's limit."""
        return bytes(self.process.output.collected)

    @property
    def stderr(self) -> bytes:
        """What the guest wrote to standard error, up to the request's limit."""
        return bytes(self.process.error.collected)

    @property
    def truncated(self) -> tuple[str, ...]:
        """The streams cut at the request's ``max_output``."""
        streams = (("stdout", self.process.output), ("stderr", self.process.error))
        return tuple(name for name, stream in streams if stream.truncated)

    def close(self) -> None:
        """Close every host file. The collected output stays."""
        self.process.close()

    # -- traps and exceptions ------------------------------------------------------------------------------------------

    def trap(self, vector: int, regs: Registers) -> None:
        """Serve ``trap #(vector - 32)``; pc is at the trap instruction, and the registers become what follows it.

        Raises GuestExit, GuestKilled or Unimplemented where the run ends here.
        """
        self.regs = regs
        pc, number = regs.pc, vector - TRAP_0
        regs.pc = (pc + 2) & WORD
        if number == 4:
            self._unix(regs, pc)
        elif number == 3:
            self._mach(regs, pc)
        elif number in (2, 5, 6):
            self._machine(regs, pc, number)
        else:
            self.exception(vector, regs)
            return
        self.deliver(regs)

    def exception(self, vector: int, regs: Registers, fault: GuestFault | None = None) -> None:
        """Turn a CPU exception into its signal, delivered to a handler; else raise GuestKilled.

        ``vector`` is the vector's number; pc is what the CPU would stack: the faulting instruction for access faults
        and illegal instructions, the next one for divide by zero, CHK, TRAPV and trap #n. A signal of this kind that is
        blocked or ignored would come again and again on a NeXT; here it kills, so that the run ends (a decision).
        """
        signal, code = signal_for(vector, fault)
        action = self.signals.actions[signal]
        if action.handler in (SIG_DFL, SIG_IGN) or self.signals.mask & bit(signal):
            raise GuestKilled(signal, core=True)
        self.signals.code = code
        self.signals.deliver(signal, regs, self.memory)

    def next_alarm(self) -> int | None:
        """The instruction count at which the next timer falls due; None where no timer runs."""
        return self.timers.next_count()

    def deliver(self, regs: Registers) -> None:
        """Post what the timers are due, and deliver what is pending and not masked. May raise GuestKilled."""
        self._post_expired()
        while (signal := self.signals.next_deliverable()) is not None:
            if self.signals.actions[signal].handler in (SIG_DFL, SIG_IGN):
                self.signals.pending &= ~bit(signal)
                self.signals.default_action(signal, self._stopped)
            else:
                self.signals.deliver(signal, regs, self.memory)
        self.signals.restore_mask_now()

    def post(self, signal: int) -> None:
        """Send the process a signal; it is delivered when the call returns."""
        self.signals.post(signal)

    def wait(self, until_us: int | None, *, restart: bool, why: str) -> None:
        """Let time pass until ``until_us``, or for ever where it is None.

        Raises Interrupted when a signal comes first, NeverReturns(why) where neither can happen.
        """
        while True:
            self._post_expired()
            if self.signals.next_deliverable() is not None:
                raise Interrupted(restart=restart)
            if until_us is not None and self.clock.now_us >= until_us:
                return
            due = self.timers.real_due_us
            if self.signals.ignored(Signal.SIGALRM) or self.signals.mask & bit(Signal.SIGALRM):
                due = None
            wakes = [at for at in (until_us, due) if at is not None]
            if not wakes:
                raise NeverReturns(why)
            self.clock.skip(max(0, min(wakes) - self.clock.now_us))

    def _post_expired(self) -> None:
        for signal in self.timers.expired():
            self.signals.post(signal)

    def _stopped(self, signal: int) -> None:
        name = Signal(signal).name
        raise Unimplemented("signal", signal, name, (), f"{name} stops the process, and nobody is there to continue it")

    # -- the three kinds of trap ---------------------------------------------------------------------------------------

    def _record(self, record: TrapRecord) -> None:
        self.traps_total += 1
        if len(self.traps) < self.request.trace_traps:
            self.traps.append(record)

    def _machine(self, regs: Registers, pc: int, number: int) -> None:
        if number == 2:
            self.flush_requested = True
            record = TrapRecord("machine", 2, "flush_caches", (), regs.d[0], None, pc)
        elif number == 5:
            regs.d[0] = self.user_register
            record = TrapRecord("machine", 5, "get_user_register", (), regs.d[0], None, pc)
        else:
            self.user_register = regs.d[0]
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
            result = call.serve(self, *args)
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
            signal = self.signals.next_deliverable()
            if interruption.restart and (signal is None or not self.signals.interrupts(signal)):
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
        self.message_name = ""
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

    def _message(self, name: str) -> str:
        plain = name.removesuffix("_trap").removesuffix("_old")
        return f"{plain}({self.message_name})" if self.message_name else name

    def _mach_result(self, call: Call | None, number: int, name: str, args: tuple[int, ...]) -> int:
        if call is not None:
            result = call.serve(self, *args)
            return (result[0] if isinstance(result, tuple) else result) & WORD
        if name == UNNAMED_MACH_TRAPS:
            return KERN_INVALID_ARGUMENT
        raise Unimplemented("mach", number, name, tuple(self.regs.d[1 : 1 + MOST_ARGUMENTS]))
