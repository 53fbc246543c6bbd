"""The kernel: takes a trap or an exception with the guest's registers, and answers as NeXT's kernel does.

Boundary: dispatch, the trap trace, delivery of signals. What each call does is in the tables it dispatches to. Nothing
here talks to the emulator: memory is an ``AddressSpace``, registers a ``Registers``, time a ``VirtualClock``.

Sources: the NeXT kernel's trap handlers (``trap #2`` to ``trap #6``), ``_unix_syscall`` and ``_trap``; 4.3BSD's
``syscall`` for the carry convention. Number 0 is ``indir``: the real number in d1, its arguments from d2.
"""

from __future__ import annotations

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.ends import GuestExit, GuestKilled, Interrupted, Unimplemented, UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.signals import Signal, SignalState
from pytest_nextrust.emu.memory import AddressSpace, GuestFault
from pytest_nextrust.emu.records import RunRequest, TrapRecord
from pytest_nextrust.emu.registers import WORD, Registers

__all__ = ["Kernel"]

TRAP_0 = 32
"""The vector of ``trap #0``."""


class Kernel:
    """One guest process's kernel. ``root`` is the host folder that the guest sees as ``/``."""

    def __init__(self, memory: AddressSpace, request: RunRequest, clock: VirtualClock, root: str) -> None:
        self.memory = memory
        self.request = request
        self.clock = clock
        self.root = root
        self.signals = SignalState()
        self.user_register = 0
        self.flush_requested = False
        self.traps: list[TrapRecord] = []
        self.traps_total = 0
        self._stdin_at = 0
        self._out = {1: bytearray(), 2: bytearray()}
        self._truncated: list[str] = []

    @property
    def stdout(self) -> bytes:
        return bytes(self._out[1])

    @property
    def stderr(self) -> bytes:
        return bytes(self._out[2])

    @property
    def truncated(self) -> tuple[str, ...]:
        """The streams cut at the request's ``max_output``."""
        return tuple(self._truncated)

    def trap(self, vector: int, regs: Registers) -> None:
        """Serve ``trap #(vector - 32)`` with pc at the trap instruction; the registers are changed to what follows."""
        number = vector - TRAP_0
        if number == 4:
            self._unix(regs)
        elif number == 2:
            self.flush_requested = True
            self._machine(regs, 2, "cache_flush", ())
        elif number == 5:
            regs.d[0] = self.user_register
            self._machine(regs, 5, "get_user_register", ())
        elif number == 6:
            self.user_register = regs.d[0]
            self._machine(regs, 6, "set_user_register", (regs.d[0],))
        elif number == 3:
            raise Unimplemented("mach", regs.d[0], "?", tuple(regs.d[1:7]))
        else:
            self.exception(vector, regs)
            return
        self.deliver(regs)

    def exception(self, vector: int, regs: Registers, fault: GuestFault | None = None) -> None:
        """Turn a CPU exception into its signal: delivered to a handler, or GuestKilled."""
        raise GuestKilled(Signal.SIGSEGV if fault else Signal.SIGILL, core=True)

    def next_alarm(self) -> int | None:
        """The instruction count at which the next timer signal falls due."""
        return None

    def deliver(self, regs: Registers) -> None:
        """Deliver what is pending and not masked, at an instruction boundary."""

    def close(self) -> None:
        """Give up what the host holds for the guest."""

    def _machine(self, regs: Registers, number: int, name: str, args: tuple[int, ...]) -> None:
        self._record(TrapRecord("machine", number, name, args, regs.d[0], None, regs.pc))
        regs.pc = (regs.pc + 2) & WORD

    def _record(self, record: TrapRecord) -> None:
        self.traps_total += 1
        if len(self.traps) < self.request.trace_traps:
            self.traps.append(record)

    def _unix(self, regs: Registers) -> None:
        pc = regs.pc
        number, args = regs.d[0], tuple(regs.d[1:8])
        if number == 0:
            number, args = args[0], args[1:]
        regs.pc = (pc + 2) & WORD
        name, count = {1: ("exit", 1), 3: ("read", 3), 4: ("write", 3)}.get(number, ("?", 6))
        if number == 1:
            self._record(TrapRecord("unix", 1, "exit", args[:1], None, None, pc))
            raise GuestExit(args[0])
        try:
            regs.d[0] = self._transfer(number, args)
            regs.d[1] = 0
            regs.carry = False
            error = None
        except UnixError as failure:
            regs.d[0] = error = failure.errno
            regs.carry = True
        except Interrupted:
            regs.pc = pc
            error = None
        self._record(TrapRecord("unix", number, name, args[:count], regs.d[0], error, pc))

    def _transfer(self, number: int, args: tuple[int, ...]) -> int:
        if number == 3 and args[0] == 0:
            piece = self.request.stdin[self._stdin_at : self._stdin_at + args[2]]
            self._stdin_at += len(piece)
            self.memory.copyout(args[1], piece)
            return len(piece)
        if number == 4 and args[0] in self._out:
            self._out[args[0]] += self.memory.copyin(args[1], args[2])
            return args[2]
        if number in (3, 4):
            raise UnixError(Errno.EBADF)
        raise Unimplemented("unix", number, "?", args[:6])
