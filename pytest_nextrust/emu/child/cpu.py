"""One emulated CPU: models by what they really are, registers without disturbing them, runs of an exact length.

What the emulator would execute wrongly it does not execute: the run stops in front of it and ``emu.exact`` does it.
Whoever runs a CPU sees one that is right.

Boundary: steers Unicorn, with ``counting``. Memory is in ``backing``; the meaning of a stop in ``guest_run``.

Two facts of Unicorn 2.1.4 shape it, each checked when a CPU is made and again by the gate:

* The model constants are shifted by one: value 2 is the 68030, 3 the 68040. The writable bits of CACR show which.
* SR must be written before A7 (reset leaves user mode with an inconsistent stack bank), and never read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Literal

from pytest_nextrust.base.light_dataclass import dataclass, replace
from pytest_nextrust.emu.black_box import BLOCK_AT, BlackBox
from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child import float_state
from pytest_nextrust.emu.child.block_counting import BlockCount
from pytest_nextrust.emu.child.blocks import MARGIN, BlockInspector, Suspect
from pytest_nextrust.emu.child.counting import NEVER, Counting, Event, LibraryCount, Progress, start
from pytest_nextrust.emu.child.cpu_exceptions import ADDRESS
from pytest_nextrust.emu.child.deadly import deadly_places
from pytest_nextrust.emu.child.exact_step import GuestBus, Observer
from pytest_nextrust.emu.child.library import Uc, UcError, m68k
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.child.sites import Site, site_of
from pytest_nextrust.emu.exact.execute import execute
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.exact.suspicion import division_overflows, float_is_special
from pytest_nextrust.emu.memory import EXECUTE, GuestFault
from pytest_nextrust.emu.records import Access
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.native.loading import core, state

__all__ = ["CPUS", "NEVER", "Cpu", "Stop"]

CPUS = {"m68030": 2, "m68040": 3}
"""CPU name to the library's model value (not to its constant's name)."""

CACR_MASKS = {"m68030": 0x0000_3F1F, "m68040": 0x8000_8000}
"""The bits of the cache control register that each CPU lets software set."""

BUFFER = 32 << 20
"""Bytes of translated code the library may keep; its own default reserves 1 GiB."""

SCRATCH = 0x1_0000

PIECE, OVERLAP = 1 << 20, 4
"""Bytes of memory that are searched at once, and of the next piece with them."""

_ACCESS: dict[int, Access] = {
    const.UC_MEM_READ_UNMAPPED: "read",
    const.UC_MEM_READ_PROT: "read",
    const.UC_MEM_WRITE_UNMAPPED: "write",
    const.UC_MEM_WRITE_PROT: "write",
    const.UC_MEM_FETCH_UNMAPPED: "fetch",
    const.UC_MEM_FETCH_PROT: "fetch",
}

StopKind = Literal["count", "until", "exception", "fault", "suspect"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run stopped, and after how many instructions.

    ``count``: all that was asked for; ``until``: before the instruction at that address; ``exception``: ``vector``, the
    instruction that took it counted; ``fault``: an access of ``size`` bytes at ``address``, the instruction that tried
    it not counted, and nothing of it done; ``suspect``: before a block at ``address`` with an instruction that must not
    be executed. ``exact``: an exception of an instruction at ``address`` that was not the emulator's, so that pc is
    what the CPU would have stacked.
    """

    kind: StopKind
    executed: int
    vector: int = 0
    address: int = 0
    size: int = 0
    access: Access = "read"
    suspect: Suspect | None = None
    exact: bool = False


LEFT = Stop("count", 0)
"""The answer that an instruction may be left to the emulator."""


def _odd_address(pc: int) -> Stop:
    """The exception after a jump to an odd address."""
    return Stop("exception", 1, vector=ADDRESS, address=pc, exact=True)


class Cpu:
    """A CPU model with its own memory. Raises HarnessFault where the library is not what it must be.

    ``counting`` says how instructions are counted. ``stops_at_suspects``: whether a block with a suspect stops a run.
    ``emulates``: an instruction is left to the emulator whatever it is. ``observer`` gets the accesses of instructions
    that the emulator does not execute. ``fpiar`` is the register, which the emulator does not have.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.uc = Uc(const.UC_ARCH_M68K, const.UC_MODE_BIG_ENDIAN, cpu=CPUS[name])
        self.uc.ctl_set_tcg_buffer_size(BUFFER)
        self.event: Event | None = None
        self.emulates = False
        self.stops_at_suspects = False
        self.observer: Observer | None = None
        self.fpiar = 0
        self._inspector = BlockInspector(name)
        self._step_sites: dict[int, Site | None] = {}
        self._deadly: frozenset[int] | None = None
        self._exits_until: int | None = None
        self._unwatched = False
        self.uc.reg_write(m68k.UC_M68K_REG_SR, 0)
        self.uc.reg_write(m68k.UC_M68K_REG_A7, 0)
        self._pristine = self.uc.context_save()
        self._context = self.uc.context_save()
        view = self._context.address + layout.HEADER
        self._words: Any = (ctypes.c_uint32 * layout.CONTEXT_WORDS).from_address(view)
        self._floats: Any = (ctypes.c_char * float_state.SIZE).from_address(view + float_state.OFFSET)
        self._library = LibraryCount(self)
        self._counting: Counting = self._library
        self._probe_model()
        self.counting = self._choose_counting()
        self.uc.hook_add(const.UC_HOOK_INTR, self._on_exception)
        self.uc.hook_add(const.UC_HOOK_MEM_INVALID, self._on_invalid)
        self.uc.hook_add(const.UC_HOOK_EDGE_GENERATED, self._on_block)
        self.reset()

    # -- state ---------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget everything: registers as after power-on but in user mode, no memory, no translated code."""
        for begin, end, _ in tuple(self.uc.mem_regions()):
            self.uc.mem_unmap(begin, end - begin + 1)
        self.clear_registers()
        self._counting.forget()
        self.flush()

    def clear_registers(self) -> None:
        """Registers as after power-on, but in user mode."""
        self.uc.context_restore(self._pristine)
        self.fpiar = 0

    def flush(self) -> None:
        """Forget translated code."""
        self.code_changed()
        self._step_sites.clear()
        self._unwatched = False
        self.uc.ctl_flush_tb()

    def code_changed(self) -> None:
        """Look at executable memory again before anything is executed."""
        self._deadly = None

    def take_context(self) -> None:
        """Make what ``words`` answered the CPU's state, after it was changed."""
        self.uc.context_restore(self._context)

    def words(self) -> Any:
        """The context's words now; see ``context``."""
        self.uc.context_update(self._context)
        return self._words

    def floats(self) -> bytes:
        """The floating-point block of the context now; see ``float_state``."""
        self.uc.context_update(self._context)
        return bytes(self._floats.raw)

    def registers(self) -> Registers:
        """The integer registers now. Raises HarnessFault where the condition codes cannot be known."""
        words = self.words()[:]
        try:
            ccr = layout.decode_ccr(words)
        except ValueError as error:
            raise HarnessFault("emulator", str(error)) from error
        return Registers(words[0:8], words[8:16], words[layout.PC], (words[layout.SR] & 0xFF00) | ccr)

    def load(self, regs: Registers) -> None:
        """Set the integer registers; of SR only the condition codes, for a guest never leaves user mode."""
        self._fill(regs)
        self.take_context()

    def _fill(self, regs: Registers) -> None:
        words = self.words()
        words[0:8] = regs.d
        words[8:16] = regs.a
        words[layout.PC] = regs.pc
        words[layout.CC_OP : layout.CC_Z + 1] = layout.encode_ccr(regs.sr)

    def pc(self) -> int:
        """The program counter now."""
        return int(self.words()[layout.PC])

    def save(self) -> Any:
        """A copy of the whole CPU state, floating point included, for ``restore``."""
        return self.uc.context_save(), self.fpiar

    def restore(self, saved: Any) -> None:
        """Go back to a state that ``save`` returned."""
        context, self.fpiar = saved
        self.uc.context_restore(context)

    def tell_on_death(self, box: BlackBox) -> None:
        """Where the emulator ends this process, leave in ``box`` which block of code was entered last."""
        self._counting.tell_on_death(box.descriptor, BLOCK_AT)

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self, pc: int) -> Stop | None:
        """Execute one instruction, the one at the current pc, which is ``pc``: None where it completed, else why not.

        Code must not change between two steps, unless there is a ``flush`` or ``reset``.
        Raises HarnessFault when the library stops for a reason of its own.
        """
        if pc & 1:
            return _odd_address(pc)
        if pc not in self._step_sites:
            self._step_sites[pc] = site_of(GuestBus(self.uc).code(pc), self.name)
        site = self._step_sites[pc]
        if site is not None:
            stop = self._exactly(site, pc)
            if stop is not LEFT:
                return stop
        progress = self.emulate(pc)
        if progress.event is None:
            return None
        stop = self._stopped(progress.event, progress.executed, 1)
        return None if stop.kind == "count" else stop

    def emulate(self, pc: int) -> Progress:
        """Let the emulator execute the instruction at the current pc, which is ``pc``, be it right or wrong."""
        self._emulate(pc, NEVER, 1)
        started = int(self._library.counter.value)
        event = self.event
        if event is None:
            if not started:
                raise HarnessFault("emulator", "stopped without a reason", place=f"at 0x{self.pc():08x}")
            return Progress(1, None)
        return Progress(started if event.kind == "exception" or event.access == "fetch" else started - 1, event)

    def emulate_until(self, pc: int, until: int) -> Event | None:
        """The same with all instructions from ``pc`` to ``until``; None: it is there, else why it is not."""
        self._emulate(pc, until, 0)
        return self.event

    def _emulate(self, pc: int, until: int, most: int) -> None:
        if not self._unwatched:
            # What was translated for runs may not count instructions.
            self.uc.ctl_flush_tb()
            self._unwatched = True
        self._set_exits(until)
        self.emulates = True
        try:
            start(self, until, most, pc)
        finally:
            self.emulates = False

    def ask(self, pc: int) -> Event | None:
        """What a run would be stopped for before it executes the instruction at ``pc``: a suspect, or a site."""
        code = GuestBus(self.uc).code(pc)
        if len(code) < 2:
            return None
        found = self._inspector.inspect(pc, code, 2)
        if found.suspect is not None and self.stops_at_suspects:
            return Event("suspect", pc, suspect=found.suspect)
        return Event("site", pc, site=found.sites[0]) if found.sites else None

    def flush_unwatched(self) -> None:
        """Forget code that was translated for single steps, without a look at what is in it."""
        if self._unwatched:
            self.flush()

    def run(self, count: int, until: int = NEVER, *, slack: int = 0) -> Stop:
        """Execute at most ``count`` (at least 1) instructions from the current pc, and stop before ``until``.

        Up to ``slack`` instructions may be missing where stopping earlier is cheaper.
        Raises HarnessFault when the library stops for a reason of its own.
        """
        executed = 0
        while True:
            self._set_exits(until)
            stop = self._not_shown(self.pc(), until)
            if stop is not None:
                return replace(stop, executed=stop.executed + executed)
            progress = self._counting.run(until, count - executed, slack)
            executed += progress.executed
            event = progress.event
            if event is None and executed < count and self.pc() != until and not progress.executed:
                raise HarnessFault("emulator", "stopped without a reason", place=f"at 0x{self.pc():08x}")
            if event is not None and event.site is not None and executed < count:
                stop = self._exactly(event.site, event.pc)
                if stop is None:
                    executed += 1
                elif stop is LEFT:
                    self._counting.let_pass(event.pc)
                else:
                    return replace(stop, executed=stop.executed + executed)
            elif event is not None and event.kind not in ("site", "unhooked", "again"):
                return self._stopped(event, executed, count)
            if executed >= count or (event is None and executed and executed + slack >= count):
                return Stop("count", executed)
            if until != NEVER and self.pc() == until:
                return Stop("until", executed)

    def _set_exits(self, until: int) -> None:
        """Have the library stop in front of what it would die of, and of ``until``."""
        if self._deadly is None:
            self._deadly = deadly_places(self._executable())
            self.uc.ctl_exits_enabled(bool(self._deadly))
            self._exits_until = None
        if self._deadly and until != self._exits_until:
            self.uc.ctl_set_exits([until, *self._deadly])
            self._exits_until = until

    def _executable(self) -> Iterator[tuple[int, bytes]]:
        for begin, end, prot in self.uc.mem_regions():
            if prot & EXECUTE:
                for at in range(begin, end + 1, PIECE):
                    yield at, bytes(self.uc.mem_read(at, min(PIECE + OVERLAP, end + 1 - at)))

    def _not_shown(self, pc: int, until: int) -> Stop | None:
        """What becomes of an instruction that the emulator may not even see; None: it may."""
        if pc & 1:
            return _odd_address(pc)
        if self._deadly and pc in self._deadly:
            site = site_of(GuestBus(self.uc).code(pc), self.name)
            if site is not None and site.kind == "always":
                return self._exactly(site, pc)
            # It was one, and the guest has changed it.
            self.code_changed()
            self._set_exits(until)
        return None

    def _exactly(self, site: Site, pc: int) -> Stop | None:
        """Execute the instruction at ``pc`` by ``emu.exact`` where it must be: None; LEFT where the emulator may."""
        bus = GuestBus(self.uc)
        code = bus.code(pc)
        state = MachineState(self.registers(), *float_state.unpack(self.floats()), self.fpiar)
        if site.kind == "division" and not division_overflows(state, code, bus):
            return LEFT
        if site.kind == "float" and not float_is_special(state, code, bus):
            return LEFT
        bus.observer = self.observer
        try:
            vector = execute(state, code, bus, self.name)
        except GuestFault as fault:
            return Stop("fault", 0, address=fault.address, size=bus.size, access=fault.access)
        self._load_state(state)
        return None if vector is None else Stop("exception", 1, vector=vector, address=pc, exact=True)

    def _load_state(self, state: MachineState) -> None:
        self._fill(state.registers)
        self._floats.raw = float_state.pack((state.fp, state.fpcr, state.fpsr), bytes(self._floats.raw))
        self.take_context()
        self.fpiar = state.fpiar

    def _stopped(self, event: Event, executed: int, count: int) -> Stop:
        if event.kind == "exception":
            return Stop("exception", executed, vector=event.vector)
        if event.kind == "suspect":
            if executed >= count:
                # The block is translated now, and must be asked about again when it is entered.
                self.flush()
                return Stop("count", count)
            return Stop("suspect", executed, address=event.pc, suspect=event.suspect)
        if event.access == "fetch" and executed >= count:
            # The instruction before the fetch is complete; where it was the last one asked for, the next run faults.
            return Stop("count", count)
        return Stop("fault", executed, address=event.address, size=event.size, access=event.access)

    def _on_exception(self, uc: Any, vector: int, data: object) -> None:
        del data
        self.event = Event("exception", vector=vector)
        uc.emu_stop()

    def _on_invalid(self, uc: Any, access: int, address: int, size: int, value: int, data: object) -> bool:
        del uc, value, data
        self.event = Event("fault", address=address, size=size, access=_ACCESS[access])
        return False

    def _on_block(self, uc: Any, block: Any, previous: Any, data: object) -> None:
        del previous, data
        if self._unwatched:
            return
        begin, size = int(block.pc), int(block.size)
        try:
            code = bytes(uc.mem_read(begin, size + MARGIN))
        except UcError:
            code = bytes(uc.mem_read(begin, size))
        found = self._inspector.inspect(begin, code, size)
        if found.suspect is not None and self.stops_at_suspects:
            self.event = Event("suspect", begin, suspect=found.suspect)
        elif not self._counting.enter(begin, size, int(block.icount), found):
            self.event = Event("unhooked", begin, size=size)
        else:
            return
        uc.emu_stop()

    # -- how instructions are counted ----------------------------------------------------------------------------------

    def _choose_counting(self) -> str:
        """Count by blocks where that can be; in words, how it is done, and why not better."""
        compiled = core()
        if compiled is None:
            return f"one by one: the compiled part is {state()}"
        try:
            self._counting = BlockCount(self, compiled)
        except HarnessFault as error:
            # Equal results, only slower: a platform on which the compiled part does not find its way is no failure.
            self.uc.context_restore(self._pristine)
            return f"one by one: {error}"
        return "by blocks"

    # -- what the library must be --------------------------------------------------------------------------------------

    def _probe_model(self) -> None:
        """Tell the model by the cache control bits that it keeps, in supervisor mode, and go back."""
        self.uc.mem_map(SCRATCH, 0x2000, const.UC_PROT_READ | const.UC_PROT_EXEC)
        self.uc.mem_write(SCRATCH, bytes.fromhex("4e7b 0002 4e7a 0002 4e71"))  # movec d0,cacr; movec cacr,d0; nop
        self.uc.reg_write(m68k.UC_M68K_REG_SR, 0x2000)
        self.uc.reg_write(m68k.UC_M68K_REG_D0, 0xFFFF_FFFF)
        self.uc.emu_start(SCRATCH, NEVER, 0, 2)
        kept = self.words()[0]
        self.uc.reg_write(m68k.UC_M68K_REG_CR_CACR, 0)
        self.uc.context_restore(self._pristine)
        self.uc.mem_unmap(SCRATCH, 0x2000)
        if kept != CACR_MASKS[self.name]:
            raise HarnessFault(
                "emulator",
                f"its model {CPUS[self.name]} keeps CACR bits 0x{kept:08x}, so it is no {self.name}",
                remedy="install the release of unicorn that this package asks for",
            )
