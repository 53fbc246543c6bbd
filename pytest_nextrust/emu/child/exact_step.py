"""One instruction executed by ``emu.exact`` instead of the emulator: its state from the CPU, its memory the guest's.

Boundary: between the two; what an instruction does is ``emu.exact``'s, when it is asked is ``cpu``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_nextrust.emu.memory import EXECUTE, READ, WRITE, GuestFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import Access

__all__ = ["LONGEST", "GuestBus", "Observer"]

LONGEST = 24
"""Bytes of the longest instruction, rounded up."""

Observer = Callable[[bool, int, int], None]
"""Gets every access: whether it writes, its address, its size."""


class GuestBus:
    """The guest's memory with its protections, as it is now.

    ``observer``: who gets what is accessed from now on. ``size``: of the access that was refused last.
    """

    def __init__(self, uc: Any) -> None:
        self._uc = uc
        self.observer: Observer | None = None
        self._regions = [(start, end + 1, prot) for start, end, prot in uc.mem_regions()]
        self.size = 0

    def read(self, address: int, size: int) -> bytes:
        """Bytes at ``address``. Raises GuestFault."""
        self._check(address, size, "read", READ)
        data = bytes(self._uc.mem_read(address, size))
        self._seen(False, address, size)
        return data

    def write(self, address: int, data: bytes) -> None:
        """Store. Raises GuestFault, nothing stored."""
        self._check(address, len(data), "write", WRITE)
        self._uc.mem_write(address, data)
        self._seen(True, address, len(data))

    def code(self, address: int) -> bytes:
        """The bytes of the instruction at ``address``, as far as there are pages to hold code."""
        data = b""
        while len(data) < LONGEST:
            here = address + len(data)
            region = next((each for each in self._regions if each[0] <= here < each[1] and each[2] & EXECUTE), None)
            if region is None:
                break
            data += bytes(self._uc.mem_read(here, min(LONGEST - len(data), region[1] - here)))
        return data

    def _seen(self, writes: bool, address: int, size: int) -> None:
        if self.observer is not None:
            self.observer(writes, address, size)

    def _check(self, address: int, size: int, access: Access, needed: int) -> None:
        at = address
        while at < address + size:
            region = next((each for each in self._regions if each[0] <= at < each[1]), None)
            if region is None or not region[2] & needed:
                self.size = size
                raise GuestFault(at, access, protection=region is not None)
            at = region[1]
