"""Which signal a CPU exception becomes, and with what code.

Boundary: the table. Delivery is ``signals``'.

Sources: the NeXT kernel's ``trap`` (vector to Mach exception), ``machine_exception`` and Mach 2.5's ``ux_exception``
(Mach exception to signal). In particular: a page that is not there is KERN_INVALID_ADDRESS and SIGSEGV; one that is
there and forbids the access, page 0 among them (the kernel allocates and protects it), is KERN_PROTECTION_FAILURE and
SIGBUS; an address error is KERN_PROTECTION_FAILURE; both line emulator traps are EXC_EMULATION and SIGEMT.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.signals import Signal
from pytest_nextrust.emu.memory import GuestFault

__all__ = ["signal_for"]

_BUS_ERROR, _ADDRESS_ERROR, _TRACE, _BREAKPOINT = 0x08, 0x0C, 0x24, 0xBC
_ARITHMETIC = frozenset({0x14, 0x18, 0x1C, *range(0xC0, 0xE0, 4)})
_EMULATION = frozenset({0x28, 0x2C})


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
