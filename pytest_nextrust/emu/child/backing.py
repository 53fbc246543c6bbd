"""The guest's bytes: the emulator's memory as a ``Backing``, and a recorder that notes every change of it.

Boundary: no policy; the address space decides what may be mapped where. The recorder exists so that a run can be
repeated from its notes alone, without asking the kernel (and with it the host's files) a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_nextrust.emu.child.library import UcError
from pytest_nextrust.emu.memory import EXECUTE, Backing

__all__ = ["Change", "ChangeRecorder", "UnicornBacking", "apply"]

Change = tuple[str, int, Any, int]
"""An operation ("map", "unmap", "protect", "write"), its address, its size or bytes, and its protection."""


class UnicornBacking:
    """Memory of one emulated CPU. Mach's protection bits are the library's.

    ``code_changed`` is called where pages become executable.
    """

    def __init__(self, uc: Any, code_changed: Callable[[], None]) -> None:
        # Any: the library's own annotations leave out what its methods answer.
        self._uc = uc
        self._code_changed = code_changed

    def map(self, address: int, size: int, prot: int) -> None:
        """Add zeroed pages. Raises MemoryError where the host has none."""
        try:
            self._uc.mem_map(address, size, prot)
        except UcError as error:
            raise MemoryError(f"the host has no memory for 0x{size:x} bytes of the guest at 0x{address:08x}") from error
        self._may_be_code(prot)

    def unmap(self, address: int, size: int) -> None:
        """Remove pages."""
        self._uc.mem_unmap(address, size)

    def protect(self, address: int, size: int, prot: int) -> None:
        """Change the protection of pages."""
        self._uc.mem_protect(address, size, prot)
        self._may_be_code(prot)

    def read(self, address: int, size: int) -> bytes:
        """Read bytes, whatever the protection."""
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        """Write bytes, whatever the protection."""
        self._uc.mem_write(address, data)

    def _may_be_code(self, prot: int) -> None:
        if prot & EXECUTE:
            self._code_changed()


class ChangeRecorder:
    """A backing that passes everything on and keeps the changes since ``take``. ``weight`` is their size in bytes."""

    def __init__(self, inner: Backing) -> None:
        self._inner = inner
        self._changes: list[Change] = []

    def take(self) -> list[Change]:
        """The changes since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def map(self, address: int, size: int, prot: int) -> None:
        self._inner.map(address, size, prot)
        self._changes.append(("map", address, size, prot))

    def unmap(self, address: int, size: int) -> None:
        self._inner.unmap(address, size)
        self._changes.append(("unmap", address, size, 0))

    def protect(self, address: int, size: int, prot: int) -> None:
        self._inner.protect(address, size, prot)
        self._changes.append(("protect", address, size, prot))

    def read(self, address: int, size: int) -> bytes:
        return self._inner.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        data = bytes(data)
        self._inner.write(address, data)
        self._changes.append(("write", address, data, 0))


def apply(changes: list[Change], backing: Backing) -> None:
    """Make the recorded changes again."""
    for operation, address, value, prot in changes:
        if operation == "write":
            backing.write(address, value)
        elif operation == "unmap":
            backing.unmap(address, value)
        elif operation == "map":
            backing.map(address, value, prot)
        else:
            backing.protect(address, value, prot)
