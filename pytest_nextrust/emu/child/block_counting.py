"""Counting by blocks: the compiled part adds each block's instructions when it is entered, and asks at sites.

A run stops before the block that would go past its limit; what is left is executed one instruction at a time. Sites are
asked by one hook whose bounds are set for the translation of a single block, so that no other code pays for it.
Floating-point instructions are asked together, by stretches: they are executed, and taken back if one met what the
emulator gets wrong. Where that happened they are asked one by one from then on.

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
from pytest_nextrust.emu.child.stretches import MOST_WORDS, Look, Looks, Stretch, careful_looks, swift_looks
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.child.blocks import Block
    from pytest_nextrust.emu.child.sites import Site

__all__ = ["BlockCount"]

NONE = 1
NOTHING, LIMIT, UNKNOWN, SITE, ROLLED_BACK, DOUBT = range(6)
CONDITIONS = {"always": 1, "dividend": 2, "numbers": 3}
NUMBERS, LOOK = 3, 4
PLACES = 9
NO_LOOKS = Looks(None, ())
NOWHERE = (1 << 64) - 2
"""Bounds of a hook that no instruction is in."""

SHORT = 24
"""Runs that are not longer are single steps: a run needs the translation without a count, which steps throw away."""

BEGIN, END = 0x1122_3344_5566_7788, 0x1122_3344_5566_7799
HOOK_SIZE = 128


class _Exponents(ctypes.Structure):
    """``exponents`` of core.c."""

    _fields_ = (("least", ctypes.c_uint16), ("range", ctypes.c_uint16))


class _StretchEntry(ctypes.Structure):
    """``stretch`` of core.c."""

    _fields_ = (
        ("next", ctypes.c_void_p),
        ("begin", ctypes.c_uint32),
        ("asked", ctypes.c_uint16),
        ("checked", ctypes.c_uint16),
        ("before", _Exponents * PLACES),
        ("behind", _Exponents * PLACES),
        ("swift", ctypes.c_uint8),
        ("by_fpcr", ctypes.c_uint8),
        ("words_used", ctypes.c_uint8),
        ("words", ctypes.c_uint8 * MOST_WORDS),
    )

    @classmethod
    def of(cls, stretch: Stretch, block: int) -> _StretchEntry:
        """What the compiled part is told of a stretch of the block at ``block``."""
        made = cls(begin=block + stretch.begin, swift=stretch.swift, by_fpcr=stretch.by_fpcr)
        made.words_used = len(stretch.words)
        made.words[: len(stretch.words)] = stretch.words
        for register, (least, greatest) in stretch.asked:
            made.asked |= 1 << register
            made.before[register] = _Exponents(least, greatest - least)
        for place, (least, greatest) in stretch.checked:
            made.checked |= 1 << place
            made.behind[place] = _Exponents(least, greatest - least)
        return made


class _SiteEntry(ctypes.Structure):
    """``site_entry`` of core.c."""

    _fields_ = (
        ("address", ctypes.c_uint32),
        ("block", ctypes.c_uint32),
        ("condition", ctypes.c_uint8),
        ("high", ctypes.c_uint8),
        ("low", ctypes.c_uint8),
        ("stretch", ctypes.POINTER(_StretchEntry)),
    )

    @classmethod
    def of(cls, look: Look, block: int) -> _SiteEntry:
        """What the compiled part is told of a look into the block at ``block``."""
        entry = cls(block + look.offset, block, LOOK)
        if look.stretch is not None:
            entry.condition = NUMBERS
            entry.stretch = ctypes.pointer(_StretchEntry.of(look.stretch, block))
        elif look.site is not None:
            entry.condition, entry.high, entry.low = CONDITIONS[look.site.condition], look.site.high, look.site.low
        return entry


class _BlockCounter(ctypes.Structure):
    """``counter`` of core.c."""

    _fields_ = (
        ("total", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("block", ctypes.c_void_p),
        ("pending", ctypes.POINTER(_StretchEntry)),
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
        ("stretches", ctypes.c_void_p),
        ("back_to", ctypes.POINTER(_StretchEntry)),
        ("saved", ctypes.c_uint32 * MOST_WORDS),
    )


class BlockCount:
    """Counts by blocks. Raises HarnessFault where the emulator or the compiled part is not what it must be."""

    def __init__(self, cpu: CountedCpu, core: ctypes.CDLL) -> None:
        self._cpu = cpu
        self._core = core
        self._blocks: dict[int, tuple[int, Block]] = {}
        self._sites: dict[int, Site] = {}
        self._careful: set[int] = set()
        self._hooking: int | None = None
        core.nextrust_core_layout.restype = ctypes.c_uint64
        core.nextrust_core_last_block.restype = ctypes.c_uint32
        if core.nextrust_core_layout() != ctypes.sizeof(_BlockCounter) << 16 | ctypes.sizeof(_StretchEntry):
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
        counter.why, counter.halted, counter.pending = NOTHING, 0, None
        start(self._cpu, until, 0, self._cpu.pc())
        event = self._cpu.event
        counter.halted = 1
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
        looks = self._looks_into(pc, block)
        if looks.within and not hooked:
            self._counter.halted = 1
            self._blocks[pc] = count, block
            return False
        if block.suspect is None:
            # The library counts the place where a run is to end as an instruction of its block.
            count = len(block.offsets)
        self._blocks[pc] = count, block
        begins = ctypes.byref(_StretchEntry.of(looks.begins, pc)) if looks.begins is not None else None
        self._told(self._core.nextrust_core_block(ctypes.byref(self._counter), pc, size, count, begins))
        for site in block.sites:
            self._sites[pc + site.offset] = site
        for look in looks.within:
            entry = _SiteEntry.of(look, pc)
            self._told(self._core.nextrust_core_site(ctypes.byref(self._counter), ctypes.byref(entry)))
        return True

    def _looks_into(self, pc: int, block: Block) -> Looks:
        if not block.sites:
            return NO_LOOKS
        looks = None
        if not any(pc + site.offset in self._careful for site in block.sites):
            looks = swift_looks(block.code, block.offsets, block.sites)
        return looks or careful_looks(block.offsets, block.sites)

    def let_pass(self, pc: int) -> None:
        """As ``Counting.let_pass``."""
        self._counter.passing = pc

    def forget(self) -> None:
        """As ``Counting.forget``."""
        self._blocks.clear()
        self._sites.clear()
        self._careful.clear()
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
            return self._roll_back()
        if counter.why == DOUBT:
            return self._be_careful(int(counter.site))
        if counter.why == SITE:
            return self._at_site()
        return Progress(self._before(until) if until != NEVER else total, None)

    def _looked_at_late(self, event: Event | None) -> Progress | None:
        """Where the run ended behind a stretch, or in one, that was not looked at yet: that it was wrong, or may be."""
        counter = self._counter
        if event is None or event.kind in ("suspect", "unhooked") or event.access == "fetch":
            if not self._core.nextrust_core_was_wrong(ctypes.byref(counter)):
                return None
        elif counter.pending and counter.pending.contents.swift:
            # Its looks tell nothing before its end.
            counter.back_to = counter.pending
        else:
            return None
        if event is not None:
            # The block that comes next has been translated, and will not be announced again as it is.
            self._cpu.flush()
        return self._roll_back()

    def _at_site(self) -> Progress:
        """The run has come to the site that the compiled part names."""
        pc = int(self._counter.site)
        return Progress(self._before(pc), Event("site", pc, site=self._sites[pc]))

    def _be_careful(self, pc: int) -> Progress:
        """The run has come to ``pc``, where a stretch begins: from now on its block is looked at site by site."""
        last = int(self._core.nextrust_core_last_block(ctypes.byref(self._counter)))
        begin = last if last in self._blocks else pc
        self._careful.update(begin + site.offset for site in self._blocks[begin][1].sites)
        self._cpu.uc.ctl_remove_cache(begin, begin + 1)
        return Progress(self._before(pc), Event("again", pc))

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

    def _roll_back(self) -> Progress:
        """Back to before the stretch that met an operand the emulator gets wrong: what it may have changed."""
        counter = self._counter
        done = counter.back_to.contents
        words = self._cpu.words()
        words[layout.PC] = counter.site = done.begin
        for at, number in enumerate(done.words[: done.words_used]):
            # Those of the floating-point unit are behind the array.
            ctypes.c_uint32.from_address(ctypes.addressof(words) + 4 * number).value = counter.saved[at]
        self._cpu.take_context()
        return self._be_careful(int(done.begin)) if done.swift else self._at_site()

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def _watch(self, pc: int) -> None:
        """Have the block at ``pc`` translated again, with calls from the first look within it to the last."""
        within = self._looks_into(pc, self._blocks[pc][1]).within
        self._hooking = pc
        self._bounds[:] = [pc + within[0].offset, pc + within[-1].offset]
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
