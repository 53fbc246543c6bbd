"""A small NeXT kernel for one guest process: UNIX calls, Mach traps and messages, files, signals, time.

Boundary: plain Python over an ``AddressSpace``; no emulator in here. See docs/kernel.md for every call and its limits.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.core import Kernel
from pytest_nextrust.emu.kernel.ends import GuestExit, GuestKilled, GuestWaited, Unimplemented

__all__ = ["GuestExit", "GuestKilled", "GuestWaited", "Kernel", "Unimplemented"]
