"""Signals: numbers, those of CPU exceptions, default actions, masks, the frame a handler is given, and sigreturn.

Boundary: state and frames; which call posts a signal is decided elsewhere.

Sources: 4.3BSD ``<signal.h>`` and sigvec(2) for numbers, actions and masks; the NeXT kernel's ``_sendsig`` and
``_sigreturn`` for the frame: a 24-byte sigcontext {onstack, mask, sp, pc, ps, d0} below the user's stack pointer (or at
the top of the signal stack), and a 12-byte {sig, code, scp} below that, to which sp then points. For exceptions the
NeXT kernel's ``trap`` (vector to Mach exception), ``machine_exception`` and Mach 2.5's ``ux_exception`` (Mach exception
to signal). In particular: a page that is not there is KERN_INVALID_ADDRESS and SIGSEGV; one that is there and forbids
the access, page 0 among them (the kernel allocates and protects it), is KERN_PROTECTION_FAILURE and SIGBUS; an address
error is KERN_PROTECTION_FAILURE; both line emulator traps are EXC_EMULATION and SIGEMT.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.kernel.ends import GuestKilled
from pytest_nextrust.emu.memory import AddressSpace, GuestFault
from pytest_nextrust.emu.registers import SR_USER_MASK, WORD, Registers

__all__ = ["NSIG", "SIG_DFL", "SIG_IGN", "UNMASKABLE", "Action", "Signal", "SignalState", "bit", "signal_for"]

NSIG = 32
SIG_DFL = 0
SIG_IGN = 1
SV_ONSTACK = 1
SV_INTERRUPT = 2


class Signal(enum.IntEnum):
    """Signal numbers."""

    SIGHUP = 1
    SIGINT = 2
    SIGQUIT = 3
    SIGILL = 4
    SIGTRAP = 5
    SIGIOT = 6
    SIGEMT = 7
    SIGFPE = 8
    SIGKILL = 9
    SIGBUS = 10
    SIGSEGV = 11
    SIGSYS = 12
    SIGPIPE = 13
    SIGALRM = 14
    SIGTERM = 15
    SIGURG = 16
    SIGSTOP = 17
    SIGTSTP = 18
    SIGCONT = 19
    SIGCHLD = 20
    SIGTTIN = 21
    SIGTTOU = 22
    SIGIO = 23
    SIGXCPU = 24
    SIGXFSZ = 25
    SIGVTALRM = 26
    SIGPROF = 27
    SIGWINCH = 28
    SIGLOST = 29
    SIGUSR1 = 30
    SIGUSR2 = 31


def bit(signal: int) -> int:
    """The signal's bit in a mask."""
    return 1 << (signal - 1)


UNMASKABLE = bit(Signal.SIGKILL) | bit(Signal.SIGSTOP) | bit(Signal.SIGCONT)
"""What no mask can hold (mask bits 8, 16 and 18)."""

_IGNORED = frozenset({Signal.SIGURG, Signal.SIGCONT, Signal.SIGCHLD, Signal.SIGIO, Signal.SIGWINCH})
_STOPS = frozenset({Signal.SIGSTOP, Signal.SIGTSTP, Signal.SIGTTIN, Signal.SIGTTOU})
_CORE = frozenset(
    {
        Signal.SIGQUIT,
        Signal.SIGILL,
        Signal.SIGTRAP,
        Signal.SIGIOT,
        Signal.SIGEMT,
        Signal.SIGFPE,
        Signal.SIGBUS,
        Signal.SIGSEGV,
        Signal.SIGSYS,
    }
)
_CODED = frozenset({Signal.SIGILL, Signal.SIGEMT, Signal.SIGFPE})
"""The signals whose handler is told u_code; the others get 0."""

_BUS_ERROR, _ADDRESS_ERROR, _TRACE, _BREAKPOINT = 0x08, 0x0C, 0x24, 0xBC
_ARITHMETIC = frozenset({0x14, 0x18, 0x1C, *range(0xC0, 0xE0, 4)})
_EMULATION = frozenset({0x28, 0x2C})
"""Offsets of exception vectors."""

SIGCONTEXT = struct.Struct(">iIIIiI")
FRAME = struct.Struct(">III")


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of sigvec: the handler (or SIG_DFL, SIG_IGN), the mask while it runs, and its flags."""

    handler: int = SIG_DFL
    mask: int = 0
    flags: int = 0


def _defaults() -> list[Action]:
    return [Action() for _ in range(NSIG)]


@dataclass(slots=True)
class SignalState:
    """What a process knows about its signals. ``restore_mask`` is the mask from before a sigpause, until delivery."""

    actions: list[Action] = field(default_factory=_defaults)
    mask: int = 0
    pending: int = 0
    on_stack: bool = False
    stack: int = 0
    restore_mask: int | None = None
    code: int = 0

    def ignored(self, signal: int) -> bool:
        """Would this signal be thrown away now?"""
        handler = self.actions[signal].handler
        return handler == SIG_IGN or (handler == SIG_DFL and signal in _IGNORED)

    def post(self, signal: int) -> None:
        """Mark a signal as pending, unless it is ignored."""
        if not self.ignored(signal):
            self.pending |= bit(signal)

    def next_deliverable(self) -> int | None:
        """The lowest pending signal that the mask lets through."""
        ready = self.pending & ~self.mask
        return (ready & -ready).bit_length() if ready else None

    def interrupts(self, signal: int) -> bool:
        """Does this signal's handler ask that waiting calls are not restarted?"""
        return bool(self.actions[signal].flags & SV_INTERRUPT)

    def set_mask(self, mask: int) -> int:
        """Replace the mask; answers the old one."""
        old, self.mask = self.mask, mask & ~UNMASKABLE & WORD
        return old

    def default_action(self, signal: int, stopped: Callable[[int], None]) -> None:
        """What happens to a signal nobody handles: GuestKilled, or ``stopped`` for one that stops the process."""
        if signal in _STOPS:
            stopped(signal)
        elif signal not in _IGNORED:
            raise GuestKilled(signal, signal in _CORE)

    def deliver(self, signal: int, regs: Registers, memory: AddressSpace) -> None:
        """Build the frame and point the registers at the handler. A frame that cannot be written kills with SIGILL."""
        action = self.actions[signal]
        was_on_stack = self.on_stack
        sp = regs.sp
        if action.flags & SV_ONSTACK and not was_on_stack:
            sp = self.stack
            self.on_stack = True
        saved = self.mask if self.restore_mask is None else self.restore_mask
        context = (sp - SIGCONTEXT.size) & WORD
        frame = (context - FRAME.size) & WORD
        status = regs.sr - 0x10000 if regs.sr & 0x8000 else regs.sr
        code = self.code if signal in _CODED else 0
        image = FRAME.pack(signal, code & WORD, context) + SIGCONTEXT.pack(
            int(was_on_stack), saved, regs.sp, regs.pc, status, regs.d[0]
        )
        try:
            memory.copyout(frame, image)
        except GuestFault:
            self.actions[Signal.SIGILL] = Action()
            raise GuestKilled(Signal.SIGILL, core=True) from None
        self.restore_mask = None
        self.pending &= ~bit(signal)
        self.mask = (self.mask | action.mask | bit(signal)) & ~UNMASKABLE
        self.code = 0
        regs.sp = frame
        regs.pc = action.handler

    def restore_mask_now(self) -> None:
        """Put back the mask from before a sigpause that no handler has taken over."""
        if self.restore_mask is not None:
            self.mask, self.restore_mask = self.restore_mask, None

    def sigreturn(self, regs: Registers, memory: AddressSpace) -> None:
        """Undo a delivery: the sigcontext's address is on the user's stack at sp + 4. Raises GuestFault."""
        context = memory.read_u32((regs.sp + 4) & WORD)
        on_stack, mask, sp, pc, status, d0 = SIGCONTEXT.unpack(memory.copyin(context, SIGCONTEXT.size))
        self.on_stack = bool(on_stack & 1)
        self.set_mask(mask)
        regs.sp = sp
        regs.pc = pc
        regs.sr = status & SR_USER_MASK
        regs.d[0] = d0


def signal_for(vector: int, fault: GuestFault | None) -> tuple[Signal, int]:
    """The signal and its code for an exception vector (its number, not its offset); the code is the vector's offset."""
    offset = vector * 4
    if fault is not None or offset == _BUS_ERROR:
        protection = fault is not None and fault.protection
        return (Signal.SIGBUS if protection else Signal.SIGSEGV), 0
    if offset == _ADDRESS_ERROR:
        return Signal.SIGBUS, 0
    if offset in _ARITHMETIC:
        return Signal.SIGFPE, offset
    if offset in _EMULATION:
        return Signal.SIGEMT, offset
    if offset in (_TRACE, _BREAKPOINT):
        return Signal.SIGTRAP, 0
    return Signal.SIGILL, offset
