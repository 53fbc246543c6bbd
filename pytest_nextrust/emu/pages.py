"""Pages, protections, and where their bytes are.

Boundary: constants, the ``Backing`` interface with one implementation in plain Python, and the errors of memory.

Sources: ``<mach/vm_prot.h>`` for protections, ``<mach/kern_return.h>`` for codes; NeXT's page is 8 KB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pytest_nextrust.emu.records import Access

__all__ = [
    "EXECUTE",
    "KERN_INVALID_ADDRESS",
    "KERN_INVALID_ARGUMENT",
    "KERN_NO_SPACE",
    "KERN_PROTECTION_FAILURE",
    "PAGE",
    "READ",
    "TOP",
    "WRITE",
    "Backing",
    "BytesBacking",
    "GuestFault",
    "VmError",
    "round_page",
    "trunc_page",
]

PAGE = 0x2000
TOP = 1 << 32
READ, WRITE, EXECUTE = 1, 2, 4

KERN_INVALID_ADDRESS = 1
KERN_PROTECTION_FAILURE = 2
KERN_NO_SPACE = 3
KERN_INVALID_ARGUMENT = 4


def trunc_page(address: int) -> int:
    """Round down to a page boundary."""
    return address & ~(PAGE - 1)


def round_page(size: int) -> int:
    """Round up to a page boundary."""
    return (size + PAGE - 1) & ~(PAGE - 1)


class GuestFault(Exception):
    """An access the guest's page tables refuse. ``protection``: the page exists but forbids it; else there is none."""

    def __init__(self, address: int, access: Access, protection: bool) -> None:
        super().__init__(address, access, protection)
        self.address = address
        self.access: Access = access
        self.protection = protection

    def __str__(self) -> str:
        why = "forbidden by its protection" if self.protection else "not mapped"
        return f"{self.access} at 0x{self.address:08x}: {why}"


class VmError(Exception):
    """A refused change of the address space; ``code`` is the kern_return_t."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} (kern_return {self.code})"


class Backing(Protocol):
    """Where the bytes are. Addresses and sizes are whole pages for map, unmap and protect; protections are Mach bits.

    ``read`` and ``write`` ignore protections; the address space has checked them where they matter.
    """

    def map(self, address: int, size: int, prot: int) -> None: ...
    def unmap(self, address: int, size: int) -> None: ...
    def protect(self, address: int, size: int, prot: int) -> None: ...
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


class BytesBacking:
    """Pages in a dictionary: for using the kernel without an emulator."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def map(self, address: int, size: int, prot: int) -> None:
        """Add zeroed pages; ``prot`` is not kept. Raises ValueError for a page that exists already."""
        del prot
        for page in range(address, address + size, PAGE):
            if page in self._pages:
                raise ValueError(f"page 0x{page:08x} is mapped already")
            self._pages[page] = bytearray(PAGE)

    def unmap(self, address: int, size: int) -> None:
        """Remove pages. Raises KeyError for one that is not there."""
        for page in range(address, address + size, PAGE):
            del self._pages[page]

    def protect(self, address: int, size: int, prot: int) -> None:
        """Check that the pages exist; protections are the address space's business."""
        del prot
        for page in range(address, address + size, PAGE):
            self._pages[page]

    def read(self, address: int, size: int) -> bytes:
        """Read bytes. Raises KeyError for a page that is not there."""
        return b"".join(bytes(self._pages[page][low:high]) for page, low, high in _pieces(address, size))

    def write(self, address: int, data: bytes) -> None:
        """Write bytes. Raises KeyError for a page that is not there."""
        done = 0
        for page, low, high in _pieces(address, len(data)):
            self._pages[page][low:high] = data[done : done + high - low]
            done += high - low


def _pieces(address: int, size: int) -> Iterator[tuple[int, int, int]]:
    end = address + size
    while address < end:
        page = trunc_page(address)
        stop = min(end, page + PAGE)
        yield page, address - page, stop - page
        address = stop
