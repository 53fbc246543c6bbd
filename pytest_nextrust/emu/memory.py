"""The guest's address space: which pages exist, what may be done to them, and every access the kernel makes.

Boundary: bookkeeping in plain Python. Bytes live behind a ``Backing``, and every change of guest memory by the kernel
goes through one, so that a caller can log or replay it.

Protections, page size and result codes are Mach's (``<mach/vm_prot.h>``, ``<mach/kern_return.h>``); the page is NeXT's
8 KB. ``allocate`` anywhere is first fit from the lowest address, as Mach's ``vm_map_find`` does it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from pytest_nextrust.base.light_dataclass import dataclass, replace
from pytest_nextrust.emu.records import Access

__all__ = [
    "DEFAULT_LIMIT",
    "EXECUTE",
    "PAGE",
    "READ",
    "TOP",
    "WRITE",
    "AddressSpace",
    "Backing",
    "GuestFault",
    "Region",
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

DEFAULT_LIMIT = 1 << 30
"""Bytes a guest may have mapped in all; past it allocation fails as on a machine whose swap is full."""

_NEEDED: dict[Access, int] = {"read": READ, "write": WRITE, "fetch": EXECUTE}


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


@dataclass(frozen=True, slots=True)
class Region:
    """Pages with the same attributes: [start, end), current and maximum protection, and what they are for."""

    start: int
    end: int
    prot: int
    max_prot: int
    name: str = ""

    @property
    def size(self) -> int:
        return self.end - self.start


class AddressSpace:
    """One task's memory. ``limit`` bounds the bytes backed at one time."""

    def __init__(self, backing: Backing, *, limit: int = DEFAULT_LIMIT) -> None:
        self._backing = backing
        self._limit = limit
        self._regions: list[Region] = []
        self._backed = 0
        self._stack: tuple[int, int] | None = None

    # -- shape ---------------------------------------------------------------------------------------------------------

    def regions(self) -> tuple[Region, ...]:
        """All regions by address."""
        return tuple(self._regions)

    @property
    def backed(self) -> int:
        """Bytes of memory that exist now."""
        return self._backed

    def region_at(self, address: int) -> Region | None:
        """The region that holds ``address``."""
        index = bisect_right(self._regions, address, key=lambda region: region.start) - 1
        if index >= 0 and address < self._regions[index].end:
            return self._regions[index]
        return None

    def next_region(self, address: int) -> Region | None:
        """The region that holds ``address``, or else the first one after it."""
        held = self.region_at(address)
        if held is not None:
            return held
        index = bisect_right(self._regions, address, key=lambda region: region.start)
        return self._regions[index] if index < len(self._regions) else None

    def map(self, address: int, size: int, prot: int, max_prot: int = 7, name: str = "") -> None:
        """Add zero-filled pages at a fixed place. A region whose ``max_prot`` is 0 is reserved, and takes no memory.

        Raises ValueError for addresses or sizes that are not whole pages, VmError (KERN_NO_SPACE) where something is
        mapped already, the range leaves the address space, or the limit is reached.
        """
        if address % PAGE or size % PAGE or size <= 0 or address < 0:
            raise ValueError(f"map(0x{address:x}, 0x{size:x}): addresses and sizes are whole pages of 0x{PAGE:x} bytes")
        if address + size > TOP:
            raise VmError(KERN_NO_SPACE, f"0x{address:08x}+0x{size:x} leaves the address space")
        if any(True for _ in self._overlapping(address, address + size)):
            raise VmError(KERN_NO_SPACE, f"0x{address:08x}+0x{size:x} is in use")
        if max_prot and self._backed + size > self._limit:
            raise VmError(KERN_NO_SPACE, f"0x{size:x} bytes more than the limit of 0x{self._limit:x} allows")
        self._insert(Region(address, address + size, prot & max_prot, max_prot, name))
        if max_prot:
            self._backing.map(address, size, prot & max_prot)
            self._backed += size

    def reserve_page_zero(self) -> None:
        """Allocate and protect page 0 as the kernel's execve does, if the program's __PAGEZERO has not."""
        if self.region_at(0) is None:
            self.map(0, PAGE, 0, 0, "__PAGEZERO")

    def allocate(self, address: int | None, size: int, name: str = "vm_allocate") -> int:
        """Mach's vm_allocate: zeroed read-write pages (rwx at most) at ``address``, or the lowest free place for None.

        The size is rounded up and the address down to pages; size 0 allocates nothing and answers 0. Raises VmError.
        """
        if size == 0:
            return 0
        if address is None:
            size = round_page(size)
            address = self._first_fit(size)
        else:
            start = trunc_page(address)
            size = round_page(address + size) - start
            address = start
            if any(low < address + size and address < high for low, high in self._stack_room()):
                raise VmError(KERN_NO_SPACE, f"0x{address:08x} is in the stack's room")
        self.map(address, size, READ | WRITE, 7, name)
        return address

    def deallocate(self, address: int, size: int) -> None:
        """Mach's vm_deallocate: every page the range touches goes; holes in it are no error."""
        start, end = self._range(address, size)
        for region in tuple(self._overlapping(start, end)):
            self._regions.remove(region)
            low, high = max(region.start, start), min(region.end, end)
            for left, right in ((region.start, low), (high, region.end)):
                if left < right:
                    self._insert(replace(region, start=left, end=right))
            if region.max_prot:
                self._backing.unmap(low, high - low)
                self._backed -= high - low

    def protect(self, address: int, size: int, prot: int, *, set_maximum: bool = False) -> None:
        """Mach's vm_protect over every page the range touches.

        Raises VmError: KERN_INVALID_ADDRESS where the range has a hole, KERN_PROTECTION_FAILURE for more than the
        maximum allows. Nothing is changed then.
        """
        start, end = self._range(address, size)
        touched = tuple(self._overlapping(start, end))
        if not touched and start < end:
            raise VmError(KERN_INVALID_ADDRESS, f"0x{start:08x} is not mapped")
        at = start
        for region in touched:
            if region.start > at:
                raise VmError(KERN_INVALID_ADDRESS, f"0x{at:08x} is not mapped")
            if prot & ~region.max_prot:
                raise VmError(KERN_PROTECTION_FAILURE, f"0x{region.start:08x} allows at most {region.max_prot}")
            at = region.end
        if at < end:
            raise VmError(KERN_INVALID_ADDRESS, f"0x{at:08x} is not mapped")
        for region in touched:
            self._change(region, max(region.start, start), min(region.end, end), prot, set_maximum)

    def _change(self, region: Region, low: int, high: int, prot: int, set_maximum: bool) -> None:
        self._regions.remove(region)
        for left, right in ((region.start, low), (high, region.end)):
            if left < right:
                self._insert(replace(region, start=left, end=right))
        max_prot = prot if set_maximum else region.max_prot
        current = region.prot & prot if set_maximum else prot
        self._insert(replace(region, start=low, end=high, prot=current, max_prot=max_prot))
        if region.max_prot and not max_prot:
            # A region that may never be touched again keeps its place but gives its memory back.
            self._backing.unmap(low, high - low)
            self._backed -= high - low
        elif region.max_prot and current != region.prot:
            self._backing.protect(low, high - low, current)

    def _insert(self, region: Region) -> None:
        self._regions.insert(bisect_right(self._regions, region.start, key=lambda other: other.start), region)

    def _overlapping(self, start: int, end: int) -> Iterator[Region]:
        index = max(0, bisect_right(self._regions, start, key=lambda region: region.start) - 1)
        for region in self._regions[index:]:
            if region.start >= end:
                return
            if region.end > start:
                yield region

    def _range(self, address: int, size: int) -> tuple[int, int]:
        if size == 0:
            return trunc_page(address), trunc_page(address)
        if address + size > TOP:
            raise VmError(KERN_INVALID_ARGUMENT, f"0x{address:08x}+0x{size:x} leaves the address space")
        return trunc_page(address), round_page(address + size)

    def _first_fit(self, size: int) -> int:
        at = 0
        for start, end in sorted([(region.start, region.end) for region in self._regions] + self._stack_room()):
            if start - at >= size:
                return at
            at = max(at, end)
        if TOP - at >= size:
            return at
        raise VmError(KERN_NO_SPACE, f"no hole of 0x{size:x} bytes")

    def _stack_room(self) -> list[tuple[int, int]]:
        return [self._stack] if self._stack is not None else []

    # -- stack ---------------------------------------------------------------------------------------------------------

    def set_stack(self, top: int, limit: int) -> None:
        """Say where the stack may grow: down from ``top`` to at most ``limit`` bytes (rounded up to pages) below it."""
        self._stack = (max(0, trunc_page(top - round_page(limit))), top)

    def grow_stack(self, address: int, sp: int) -> bool:
        """Map the pages from ``address`` up to the stack's mapped part, if ``address`` is in the stack's room.

        Answers whether the access is worth trying again. Where ``sp`` is does not matter: NeXT's kernel allocates the
        whole stack at exec, so every address in it may be touched; mapping it late only saves the host's memory.
        """
        del sp
        if self._stack is None:
            return False
        floor, top = self._stack
        if not floor <= address < top or self.region_at(address) is not None:
            return False
        start = trunc_page(address)
        above = self.next_region(start)
        end = min(top, above.start) if above is not None else top
        try:
            self.map(start, round_page(end) - start, READ | WRITE, 7, "stack")
        except VmError:
            return False
        return True

    # -- contents ------------------------------------------------------------------------------------------------------

    def check(self, address: int, size: int, access: Access) -> None:
        """Raise GuestFault at the first byte of the range that may not be accessed so."""
        at, end = address, address + size
        need = _NEEDED[access]
        while at < end:
            region = self.region_at(at) if at < TOP else None
            if region is None and self.grow_stack(at, at):
                region = self.region_at(at)
            if region is None:
                raise GuestFault(at & (TOP - 1), access, protection=False)
            if not region.prot & need:
                raise GuestFault(at, access, protection=True)
            at = region.end

    def copyin(self, address: int, size: int) -> bytes:
        """Read guest memory as the guest may. Raises GuestFault."""
        if size <= 0:
            return b""
        self.check(address, size, "read")
        return self._backing.read(address, size)

    def copyout(self, address: int, data: bytes) -> None:
        """Write guest memory as the guest may: all of it or, on a GuestFault, nothing."""
        if not data:
            return
        self.check(address, len(data), "write")
        self._backing.write(address, data)

    def load(self, address: int, data: bytes) -> None:
        """Write regardless of protection, to build a program's image. Raises GuestFault where nothing is mapped."""
        at, end = address, address + len(data)
        while at < end:
            region = self.region_at(at)
            if region is None or not region.max_prot:
                raise GuestFault(at, "write", protection=region is not None)
            at = region.end
        if data:
            self._backing.write(address, data)

    def read_cstring(self, address: int, limit: int) -> bytes | None:
        """The bytes before the first NUL at ``address``, or None where the first ``limit`` bytes hold none.

        Raises GuestFault where the string runs into memory that cannot be read.
        """
        found = bytearray()
        at = address
        while len(found) < limit:
            room = min(limit - len(found), PAGE - at % PAGE)
            piece = self.copyin(at, room)
            end = piece.find(b"\0")
            if end >= 0:
                return bytes(found + piece[:end])
            found += piece
            at += room
        return None

    def read_u32(self, address: int) -> int:
        """A big-endian unsigned 32-bit value, at any alignment."""
        return int.from_bytes(self.copyin(address, 4), "big")

    def write_u32(self, address: int, value: int) -> None:
        """Store the low 32 bits of ``value``, big-endian."""
        self.copyout(address, (value & 0xFFFF_FFFF).to_bytes(4, "big"))
