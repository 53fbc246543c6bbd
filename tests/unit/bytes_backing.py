"""Memory for the kernel's tests: pages in a dictionary, in place of an emulator's."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nextrust.emu.memory import PAGE, trunc_page

__all__ = ["BytesBacking"]


class BytesBacking:
    """Pages in a dictionary: the kernel can be used without an emulator."""

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
