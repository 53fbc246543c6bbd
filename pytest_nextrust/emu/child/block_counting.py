"""Counting by blocks: the compiled part adds each block's instructions when it is entered, and asks at sites.

A run stops before the block that would go past its limit; what is left is executed one instruction at a time. Sites are
asked by one hook whose bounds are set for the translation of a single block, so that no other code pays for it; where
its operand comes from memory, a floating-point instruction is executed first, and taken back if it met what the
emulator gets wrong.

Boundary: as ``counting``, whose ``LibraryCount`` is the reference. Everything the compiled part knows it is told here.
"""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any

from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child.counting import NEVER, CountedCpu, Event, Progress, allocated, start
from pytest_nextrust.emu.child.cpu_exceptions import instruction_address
from pytest_nextrust.emu.child.library import UcError, address, m68k
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.child.blocks import Block
    from pytest_nextrust.emu.child.sites import Site

__all__ = ["BlockCount"]

NONE = 1
NOTHING, LIMIT, UNKNOWN, SITE, ROLLED_BACK = range(5)
NO_REGISTER = 255
CONDITIONS = {"always": 1, "dividend": 2, "numbers": 3}
NOWHERE = (1 << 64) - 2
"""Bounds of a hook that no instruction is in."""

STATUS = 260
"""Where FPSR is in the CPU state."""

SHORT = 24
"""Runs that are not longer are single steps: a run needs the translation without a count, which steps throw away."""

BEGIN, END = 0x1122_3344_5566_7788, 0x1122_3344_5566_7799
HOOK_SIZE = 128


class _BlockCounter(ctypes.Structure):
    """``counter`` of core.c."""

    _fields_ = (
        ("total", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("block", ctypes.c_void_p),
        ("pending", ctypes.c_uint32),
        ("halted", ctypes.c_uint32),
        ("why", ctypes.c_uint32),
        ("passing", ctypes.c_uint32),
        ("site", ctypes.c_uint32),
        ("unknown", ctypes.c_uint32),
        ("blocks_mask", ctypes.c_uint32),
        ("blocks_used", ctypes.c_uint32),
        ("sites_mask", ctypes.c_uint32),
        ("sites_used", ctypes.c_uint32),
        ("state", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("blocks", ctypes.c_void_p),
        ("sites", ctypes.c_void_p),
        ("mantissa", ctypes.c_uint64),
        ("exponent", ctypes.c_uint16),
        ("status", ctypes.c_uint32),
        ("target_at", ctypes.c_uint32),
        ("moved", ctypes.c_uint32),
        ("moved_at", ctypes.c_uint32),
        ("least", ctypes.c_uint32),
        ("range", ctypes.c_uint32),
    )


class _SiteEntry(ctypes.Structure):
    """``site_entry`` of core.c."""

    _fields_ = (
        ("address", ctypes.c_uint32),
        ("least", ctypes.c_uint16),
        ("range", ctypes.c_uint16),
        *((name, ctypes.c_uint8) for name in ("condition", "high", "low", "first", "second")),
        *((name, ctypes.c_uint8) for name in ("from_memory", "target", "by_fpcr")),
    )

    @classmethod
    def of(cls, site: Site, address: int) -> _SiteEntry:
        """What the compiled part is told of a site."""
        first, second, *_ = *(at for at in range(8) if site.registers >> at & 1), NO_REGISTER, NO_REGISTER
        return cls(
            address,
            site.least,
            site.greatest - site.least,
            CONDITIONS[site.condition],
            site.high,
            site.low,
            first,
            second,
            site.from_memory if site.moves is None else 2 + site.moves,
            site.target,
            site.by_fpcr,
        )


class BlockCount:
    """Counts by blocks. Raises HarnessFault where the emulator or the compiled part is not what it must be."""

    def __init__(self, cpu: CountedCpu, core: ctypes.CDLL) -> None:
        self._cpu = cpu
        self._core = core
        self._blocks: dict[int, tuple[int, Block]] = {}
        self._sites: dict[int, Site] = {}
        self._hooking: int | None = None
        core.nextrust_core_layout.restype = ctypes.c_uint64
        core.nextrust_core_last_block.restype = ctypes.c_uint32
        if core.nextrust_core_layout() != ctypes.sizeof(_BlockCounter):
            raise HarnessFault("compiled part", "is of another release", remedy="install the package again")
        self._counter = _BlockCounter(halted=1, stop=address("uc_emu_stop"), state=self._find_state())
        self._told(core.nextrust_core_forget(ctypes.byref(self._counter)))
        self._hook(const.UC_HOOK_BLOCK, core.nextrust_core_on_block, 1, 0)
        handle = self._hook(const.UC_HOOK_CODE, core.nextrust_core_on_site, BEGIN, END)
        self._bounds: Any = (ctypes.c_uint64 * 2).from_address(self._find_bounds(handle))
        self._bounds[:] = [NOWHERE, NOWHERE]

    # -- Counting ------------------------------------------------------------------------------------------------------

    def run(self, until: int, wanted: int, slack: int) -> Progress:
        """As ``Counting.run``."""
        if wanted <= SHORT:
            return self._stepped(until, wanted, 0)
        self._cpu.flush_unwatched()
        counter = self._counter
        counter.total, counter.limit = 0, wanted
        counter.why, counter.halted, counter.pending = NOTHING, 0, NONE
        start(self._cpu, until, 0, self._cpu.pc())
        event = self._cpu.event
        counter.halted = 1
        if event is None or event.kind in ("suspect", "unhooked"):
            late = self._looked_at_late(event)
            if late is not None:
                return late
        if event is None:
            return self._by_itself(until, wanted, slack)
        if event.kind in ("suspect", "unhooked"):
            if event.kind == "unhooked":
                self._watch(event.pc)
            return Progress(int(counter.total), event)
        if event.kind == "fault":
            whole = event.access == "fetch"
            return Progress(int(counter.total) if whole else self._before(self._cpu.pc()), event)
        pc = instruction_address(event.vector, Registers(pc=self._cpu.pc()))
        return Progress(self._before(pc) + 1, event)

    def enter(self, pc: int, size: int, count: int, block: Block) -> bool:
        """As ``Counting.enter``."""
        hooked, self._hooking = self._hooking == pc, None
        self._bounds[:] = [NOWHERE, NOWHERE]
        if block.sites and not hooked:
            self._counter.halted = 1
            self._blocks[pc] = count, block
            return False
        if block.suspect is None:
            # The library counts the place where a run is to end as an instruction of its block.
            count = len(block.offsets)
        self._blocks[pc] = count, block
        self._told(self._core.nextrust_core_block(ctypes.byref(self._counter), pc, size, count))
        for site in block.sites:
            self._sites[pc + site.offset] = site
            entry = _SiteEntry.of(site, pc + site.offset)
            self._told(self._core.nextrust_core_site(ctypes.byref(self._counter), ctypes.byref(entry)))
        return True

    def let_pass(self, pc: int) -> None:
        """As ``Counting.let_pass``."""
        self._counter.passing = pc

    def forget(self) -> None:
        """As ``Counting.forget``."""
        self._blocks.clear()
        self._sites.clear()
        self._hooking = None
        self._told(self._core.nextrust_core_forget(ctypes.byref(self._counter)))

    def tell_on_death(self, file: int, at: int) -> None:
        """As ``Counting.tell_on_death``."""
        self._core.nextrust_core_on_death(ctypes.byref(self._counter), file, ctypes.c_long(at))

    # -- how a run ended -----------------------------------------------------------------------------------------------

    def _by_itself(self, until: int, wanted: int, slack: int) -> Progress:
        """The compiled part has stopped the run, or ``until`` is reached."""
        counter = self._counter
        total = int(counter.total)
        if counter.why == LIMIT:
            if total and wanted - total <= slack:
                return Progress(total, None)
            return self._stepped(until, wanted, total)
        if counter.why == UNKNOWN:
            raise HarnessFault("emulator", "came to code that it had not announced", place=f"0x{counter.unknown:08x}")
        if counter.why == ROLLED_BACK:
            self._roll_back()
        if counter.why in (SITE, ROLLED_BACK):
            return self._at_site()
        return Progress(self._before(until) if until != NEVER else total, None)

    def _looked_at_late(self, event: Event | None) -> Progress | None:
        """Where the run ended right behind an instruction whose operand was not looked at yet: that it was wrong."""
        if not self._core.nextrust_core_was_wrong(ctypes.byref(self._counter)):
            return None
        if event is not None:
            # The block that comes next has been translated, and will not be announced again as it is.
            self._cpu.flush()
        self._roll_back()
        return self._at_site()

    def _at_site(self) -> Progress:
        """The run has come to the site that the compiled part names."""
        pc = int(self._counter.site)
        return Progress(self._before(pc), Event("site", pc, site=self._sites[pc]))

    def _before(self, pc: int) -> int:
        """How many instructions came before the one at ``pc``, which is in the block that was entered last."""
        begin = int(self._core.nextrust_core_last_block(ctypes.byref(self._counter)))
        if begin not in self._blocks:
            return int(self._counter.total)
        count, block = self._blocks[begin]
        if pc - begin in block.offsets:
            return int(self._counter.total) - count + block.offsets.index(pc - begin)
        return int(self._counter.total)

    def _stepped(self, until: int, wanted: int, executed: int) -> Progress:
        """The rest of a run, one instruction at a time."""
        while executed < wanted:
            pc = self._cpu.pc()
            if pc == until and executed:
                break
            event = self._cpu.ask(pc)
            if event is not None and (event.kind != "site" or self._counter.passing != pc):
                return Progress(executed, event)
            self._counter.passing = NONE
            progress = self._cpu.emulate(pc)
            executed += progress.executed
            if progress.event is not None:
                return Progress(executed, progress.event)
        return Progress(executed, None)

    def _roll_back(self) -> None:
        """Back to before the instruction that met an operand the emulator gets wrong: what it may have changed."""
        counter = self._counter
        words = self._cpu.words()
        begin = ctypes.addressof(words)
        words[layout.PC] = counter.site
        ctypes.memmove(begin + counter.target_at, ctypes.byref(counter, _BlockCounter.mantissa.offset), 8)
        ctypes.memmove(begin + counter.target_at + 8, ctypes.byref(counter, _BlockCounter.exponent.offset), 2)
        ctypes.memmove(begin + STATUS, ctypes.byref(counter, _BlockCounter.status.offset), 4)
        if counter.moved_at:
            words[counter.moved_at // 4] = counter.moved
        self._cpu.take_context()

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def _watch(self, pc: int) -> None:
        """Have the block at ``pc`` translated again, with calls from its first site to the one behind its last.

        Behind it, because what an operand from memory was is looked at before anything else is executed.
        """
        block = self._blocks[pc][1]
        first, last = block.sites[0].offset, block.sites[-1].offset
        end = min((offset for offset in block.offsets if offset > last), default=last)
        self._hooking = pc
        self._bounds[:] = [pc + first, pc + end]
        # Not the whole block: a loop's body and the block that leads into it overlap, and would undo each other.
        self._cpu.uc.ctl_remove_cache(pc, pc + 1)

    def _hook(self, kind: int, callback: Any, begin: int, end: int) -> int:
        try:
            handle: int = self._cpu.uc.hook_add_native(kind, callback, ctypes.byref(self._counter), begin, end)
        except UcError as error:
            raise HarnessFault("emulator", f"refuses a hook: {error}") from error
        return handle

    @staticmethod
    def _find_bounds(handle: int) -> int:
        image = ctypes.string_at(handle, min(allocated(handle), HOOK_SIZE))
        at = image.find(BEGIN.to_bytes(8, "little") + END.to_bytes(8, "little"))
        if at < 0:
            raise HarnessFault("emulator", "its hooks have no bounds where they were looked for")
        return handle + at

    def _find_state(self) -> int:
        """Find the CPU's registers by what they hold."""
        uc = self._cpu.uc
        registers = (
            *range(m68k.UC_M68K_REG_D0, m68k.UC_M68K_REG_D0 + 8),
            *range(m68k.UC_M68K_REG_A0, m68k.UC_M68K_REG_A0 + 8),
        )
        values = [0x5EED_0000 + 0x0101 * at for at in range(16)]
        for register, value in zip(registers, values, strict=True):
            uc.reg_write(register, value)
        engine = uc.handle
        find = self._core.nextrust_core_find_state
        find.restype, find.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
        found = find(engine, allocated(engine), struct.pack("=16I", *values))
        if found is None:
            raise HarnessFault("emulator", "its registers were not found in its memory")
        uc.reg_write(registers[3], 0x600D_CAFE)
        if ctypes.c_uint32.from_address(found + 12).value != 0x600D_CAFE:
            raise HarnessFault("emulator", "its registers are not where they were found")
        return int(found)

    @staticmethod
    def _told(status: int) -> None:
        if not status:
            raise MemoryError("no memory for the table of translated blocks")
