"""Running the emulator for an exact number of instructions, and what its hooks see meanwhile.

Boundary: one library call after the other, and how many instructions each was; what a stop means is ``cpu``'s.

How many instructions ran is known only to the library: ``count`` limits a run, and a counter in its private state holds
how far it came when it stopped earlier. The counter is found by its behaviour over known runs. A Python hook on every
instruction would cost a factor of 60. ``block_counting`` is the faster way, where its compiled part is there; this one
is its reference.
"""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child import float_state
from pytest_nextrust.emu.child.library import UcError
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.errors import HarnessFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.child.blocks import Block, Suspect
    from pytest_nextrust.emu.child.sites import Site
    from pytest_nextrust.emu.records import Access

__all__ = ["NEVER", "Counting", "Event", "LibraryCount", "Progress", "allocated", "start"]

NEVER = 1 << 63
"""An ``until`` no 32-bit program counter reaches."""

SCRATCH = 0x1_0000
LOOP = bytes.fromhex("5280 60fc")
"""addq.l #1,d0; bra to it"""
PROBES = (7, 33, 101)

PRECISION = 0xC0
"""The bits of FPCR that ask for less than extended precision."""

EventKind = Literal["exception", "fault", "suspect", "site", "unhooked", "again"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a hook stopped the library for.

    ``suspect`` and ``unhooked``: before the block at ``pc``, which has one, or sites that no hook watches yet;
    ``site``: before the instruction at ``pc``; ``again``: before it too, and only to be gone on from there.
    """

    kind: EventKind
    pc: int = 0
    vector: int = 0
    address: int = 0
    size: int = 0
    access: Access = "read"
    suspect: Suspect | None = None
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """``executed`` instructions are complete, the one that took an exception counted; ``event``: why no more are."""

    executed: int
    event: Event | None


class CountedCpu(Protocol):
    """What counting needs of a CPU."""

    uc: Any
    event: Event | None
    emulates: bool

    def pc(self) -> int: ...
    def words(self) -> Any: ...
    def floats(self) -> bytes: ...
    def take_context(self) -> None: ...
    def flush(self) -> None: ...
    def flush_unwatched(self) -> None: ...
    def ask(self, pc: int) -> Event | None: ...
    def emulate(self, pc: int) -> Progress: ...


class Counting(Protocol):
    """A way to run exactly so many instructions."""

    def run(self, until: int, wanted: int, slack: int) -> Progress:
        """Execute at most ``wanted``, up to ``slack`` fewer, and stop before ``until``. Raises HarnessFault."""
        ...

    def enter(self, pc: int, size: int, count: int, block: Block) -> bool:
        """A block has been translated: whether it may run now, or must be translated again with hooks at its sites."""
        ...

    def let_pass(self, pc: int) -> None:
        """Do not stop at the site at ``pc`` once."""
        ...

    def forget(self) -> None:
        """There is another program."""
        ...

    def tell_on_death(self, file: int, at: int) -> None:
        """Where a signal ends the process, write the address of the last block to ``file``, if it is known."""
        ...


def start(cpu: CountedCpu, until: int, count: int, pc: int) -> None:
    """Let the library run; ``cpu.event`` is what its hooks saw. Raises HarnessFault where it stops by itself."""
    cpu.event = None
    try:
        cpu.uc.emu_start(pc, until, 0, count)
    except UcError as error:
        if cpu.event is None:
            raise HarnessFault("emulator", f"stopped: {error}", place=f"at 0x{cpu.pc():08x}") from error


class LibraryCount:
    """Counts by the library's own limit, and watches sites by a Python hook at each."""

    def __init__(self, cpu: CountedCpu) -> None:
        self._cpu = cpu
        self.counter = self._find_counter()
        self._sites: dict[int, Site] = {}
        self._hooks: dict[int, Any] = {}
        self._passing = -1

    def run(self, until: int, wanted: int, slack: int) -> Progress:
        """As ``Counting.run``."""
        del slack
        self._cpu.flush_unwatched()
        start(self._cpu, until, wanted, self._cpu.pc())
        started = int(self.counter.value)
        event = self._cpu.event
        if event is None:
            return Progress(min(started, wanted), None)
        if event.kind == "unhooked":
            self._watch(event.pc, event.size)
        if event.kind == "site":
            # The library counted the instruction before it asked this hook.
            return Progress(min(started, wanted + 1) - 1, event)
        if event.kind == "fault" and event.access != "fetch":
            return Progress(started - 1, event)
        return Progress(started, event)

    def enter(self, pc: int, size: int, count: int, block: Block) -> bool:
        """As ``Counting.enter``."""
        del count
        known = True
        if self._sites:
            for at in range(pc, pc + size, 2):
                self._sites.pop(at, None)
        for site in block.sites:
            self._sites[pc + site.offset] = site
            known = known and pc + site.offset in self._hooks
        return known

    def _watch(self, pc: int, size: int) -> None:
        """Hook the sites of the block at ``pc``; not while the library runs."""
        uc = self._cpu.uc
        for at in range(pc, pc + size, 2):
            if at in self._sites and at not in self._hooks:
                self._hooks[at] = uc.hook_add(const.UC_HOOK_CODE, self._on_site, None, at, at)
        uc.ctl_remove_cache(pc, pc + size)

    def let_pass(self, pc: int) -> None:
        """As ``Counting.let_pass``."""
        self._passing = pc

    def forget(self) -> None:
        """As ``Counting.forget``."""
        for hook in self._hooks.values():
            self._cpu.uc.hook_del(hook)
        self._hooks.clear()
        self._sites.clear()
        self._passing = -1

    def tell_on_death(self, file: int, at: int) -> None:
        """As ``Counting.tell_on_death``: the library keeps no such address."""

    def _on_site(self, uc: Any, address: int, size: int, data: object) -> None:
        del size, data
        site = self._sites.get(address)
        if site is None or self._cpu.emulates:
            return
        if address == self._passing:
            self._passing = -1
            return
        if self._may_be_wrong(site):
            self._cpu.event = Event("site", address, site=site)
            uc.emu_stop()

    def _may_be_wrong(self, site: Site) -> bool:
        if site.condition == "dividend":
            words = self._cpu.words()
            return words[site.high] == 0x8000_0000 and (site.low == site.high or not words[site.low])
        if site.condition == "numbers":
            return site.from_memory or not _are_plain(site, self._cpu.floats())
        return True

    def _find_counter(self) -> ctypes.c_uint64:
        """Find the library's instruction counter by three runs of known length.

        The counter stands next to the limit it is compared with, and is one past it when the limit stopped the run.
        """
        uc = self._cpu.uc
        handle = uc.handle
        size = allocated(handle)
        uc.mem_map(SCRATCH, 0x2000, const.UC_PROT_READ | const.UC_PROT_EXEC)
        uc.mem_write(SCRATCH, LOOP)
        places: set[int] | None = None
        for count in PROBES:
            uc.emu_start(SCRATCH, NEVER, 0, count)
            image = ctypes.string_at(handle, size)
            wanted = struct.pack("=QQ", count + 1, count)
            found = {at for at in range(0, size - 15, 8) if image[at : at + 16] == wanted}
            places = found if places is None else places & found
        uc.mem_unmap(SCRATCH, 0x2000)
        if not places or len(places) != 1:
            raise HarnessFault(
                "emulator",
                f"its instruction counter was looked for and {len(places or ())} candidates were found",
                remedy="install the release of unicorn that this package asks for",
            )
        return ctypes.c_uint64.from_address(handle + places.pop())


def _are_plain(site: Site, block: bytes) -> bool:
    """Whether FPCR and the registers that a site reads are such that the emulator is right."""
    if site.by_fpcr and float_state.control_of(block) & PRECISION:
        return False
    for at in range(8):
        if site.registers >> at & 1:
            mantissa, exponent = float_state.number_of(block, at)
            exponent &= 0x7FFF
            is_zero = not exponent and not mantissa
            if not is_zero and not (site.least <= exponent <= site.greatest and mantissa >> 63):
                return False
    return True


def allocated(address: int) -> int:
    """How many bytes the C library allocated at ``address``. Raises HarnessFault where it cannot tell."""
    libc = ctypes.CDLL(None)
    for name in ("malloc_usable_size", "malloc_size"):
        function = getattr(libc, name, None)
        if function is not None:
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_size_t
            return int(function(address))
    raise HarnessFault(
        "emulator", "this C library cannot tell the size of an allocation, so nothing in it is looked at"
    )
