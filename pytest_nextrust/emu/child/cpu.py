"""One emulated CPU: models by what they really are, registers without disturbing them, runs of an exact length.

Boundary: the one module that steers Unicorn. Memory is in ``backing``; the meaning of a stop in ``guest_run``.

Three facts of Unicorn 2.1.4 shape it, each checked when a CPU is made and again by the gate:

* The model constants are shifted by one: value 2 is the 68030, 3 the 68040. The writable bits of CACR show which.
* SR must be written before A7 (reset leaves user mode with an inconsistent stack bank), and never read.
* How many instructions ran is known only to the library: ``count`` limits a run, and a counter in its private state
  holds how far it came when it stopped earlier. The counter is found by its behaviour over known runs. A Python
  hook on every instruction would cost a factor of 60.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass
from typing import Any, Literal

from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child.guard import MARGIN, InstructionGuard, Suspect
from pytest_nextrust.emu.child.library import Uc, UcError, m68k
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.records import Access
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault

__all__ = ["CPUS", "NEVER", "Cpu", "Stop"]

CPUS = {"m68030": 2, "m68040": 3}
"""CPU name to the library's model value (not to its constant's name)."""

CACR_MASKS = {"m68030": 0x0000_3F1F, "m68040": 0x8000_8000}
"""The bits of the cache control register that each CPU lets software set."""

NEVER = 1 << 63
"""An ``until`` no 32-bit program counter reaches."""

BUFFER = 32 << 20
"""Bytes of translated code the library may keep; its own default reserves 1 GiB."""

SCRATCH = 0x1_0000
LOOP = bytes.fromhex("5280 60fc")
"""addq.l #1,d0; bra to it"""
PROBES = (7, 33, 101)

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
    it not counted, and nothing of it done; ``suspect``: before a block with an instruction that the guard stops.
    """

    kind: StopKind
    executed: int
    vector: int = 0
    address: int = 0
    size: int = 0
    access: Access = "read"
    suspect: Suspect | None = None


class Cpu:
    """A CPU model with its own memory. Raises HarnessFault where the library is not what it must be."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.uc = Uc(const.UC_ARCH_M68K, const.UC_MODE_BIG_ENDIAN, cpu=CPUS[name])
        self.uc.ctl_set_tcg_buffer_size(BUFFER)
        self._event: Stop | None = None
        self.guard: InstructionGuard | None = None
        self.uc.reg_write(m68k.UC_M68K_REG_SR, 0)
        self.uc.reg_write(m68k.UC_M68K_REG_A7, 0)
        self._pristine = self.uc.context_save()
        self._context = self.uc.context_save()
        view = self._context.context.value + layout.HEADER
        self._words: Any = (ctypes.c_uint32 * layout.CONTEXT_WORDS).from_address(view)
        self._counter = self._find_counter()
        self._probe_model()
        self.uc.hook_add(const.UC_HOOK_INTR, self._on_exception)
        self.uc.hook_add(const.UC_HOOK_MEM_INVALID, self._on_invalid)
        self.uc.hook_add(const.UC_HOOK_EDGE_GENERATED, self._on_block)
        self.reset()

    # -- state ---------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget everything: registers as after power-on but in user mode, no memory, no translated code."""
        for start, end, _ in tuple(self.uc.mem_regions()):
            self.uc.mem_unmap(start, end - start + 1)
        self.uc.context_restore(self._pristine)
        self.flush()

    def flush(self) -> None:
        """Forget translated code."""
        self.uc.ctl_flush_tb()

    def registers(self) -> Registers:
        """The integer registers now. Raises HarnessFault where the condition codes cannot be known."""
        self.uc.context_update(self._context)
        words = self._words[:]
        try:
            ccr = layout.decode_ccr(words)
        except ValueError as error:
            raise HarnessFault("emulator", str(error)) from error
        return Registers(words[0:8], words[8:16], words[layout.PC], (words[layout.SR] & 0xFF00) | ccr)

    def load(self, regs: Registers) -> None:
        """Set the integer registers; of SR only the condition codes, for a guest never leaves user mode."""
        self.uc.context_update(self._context)
        words = self._words
        words[0:8] = regs.d
        words[8:16] = regs.a
        words[layout.PC] = regs.pc
        words[layout.CC_OP : layout.CC_Z + 1] = layout.encode_ccr(regs.sr)
        self.uc.context_restore(self._context)

    def pc(self) -> int:
        """The program counter now."""
        self.uc.context_update(self._context)
        return int(self._words[layout.PC])

    def save(self) -> Any:
        """A copy of the whole CPU state, floating point included, for ``restore``."""
        return self.uc.context_save()

    def restore(self, saved: Any) -> None:
        """Go back to a state that ``save`` returned."""
        self.uc.context_restore(saved)

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self, pc: int) -> Stop | None:
        """Execute one instruction, the one at the current pc, which is ``pc``: None where it completed, else why not.

        Raises HarnessFault when the library stops for a reason of its own.
        """
        event = self._start(NEVER, 1, pc)
        started = int(self._counter.value)
        if event is not None:
            stop = self._stopped(event, 0, started, 1)
            return None if stop.kind == "count" else stop
        if not started:
            raise HarnessFault("emulator", "stopped without a reason", place=f"at 0x{self.pc():08x}")
        return None

    def run(self, count: int, until: int = NEVER) -> Stop:
        """Execute at most ``count`` (at least 1) instructions from the current pc, and stop before ``until``.

        Raises HarnessFault when the library stops for a reason of its own.
        """
        executed = 0
        while True:
            wanted = count - executed
            event = self._start(until, wanted, self.pc())
            started = int(self._counter.value)
            if event is not None:
                return self._stopped(event, executed, started, count)
            if started > wanted:
                return Stop("count", count)
            executed += started
            if until != NEVER and self.pc() == until:
                return Stop("until", executed)
            if executed >= count:
                return Stop("count", count)
            if not started:
                raise HarnessFault("emulator", "stopped without a reason", place=f"at 0x{self.pc():08x}")

    def _start(self, until: int, count: int, pc: int) -> Stop | None:
        """Let the library run; what its hooks saw when it stopped."""
        self._event = None
        try:
            self.uc.emu_start(pc, until, 0, count)
        except UcError as error:
            if self._event is None:
                raise HarnessFault("emulator", f"stopped: {error}", place=f"at 0x{self.pc():08x}") from error
        return self._event

    def _stopped(self, event: Stop, before: int, started: int, count: int) -> Stop:
        if event.kind == "exception":
            return Stop("exception", before + started, vector=event.vector)
        if event.kind == "suspect":
            if before + started >= count:
                # The block is translated now, and must be asked about again when it is entered.
                self.flush()
                return Stop("count", count)
            return Stop("suspect", before + started, suspect=event.suspect)
        if event.access == "fetch":
            # The instruction before the fetch is complete; where it was the last one asked for, the next run faults.
            if before + started >= count:
                return Stop("count", count)
            return Stop("fault", before + started, address=event.address, size=event.size, access="fetch")
        return Stop("fault", before + started - 1, address=event.address, size=event.size, access=event.access)

    def _on_exception(self, uc: Any, vector: int, data: object) -> None:
        del data
        self._event = Stop("exception", 0, vector=vector)
        uc.emu_stop()

    def _on_invalid(self, uc: Any, access: int, address: int, size: int, value: int, data: object) -> bool:
        del uc, value, data
        self._event = Stop("fault", 0, address=address, size=size, access=_ACCESS[access])
        return False

    def _on_block(self, uc: Any, block: Any, previous: Any, data: object) -> None:
        del previous, data
        if self.guard is None:
            return
        start, size = int(block.pc), int(block.size)
        try:
            code = bytes(uc.mem_read(start, size + MARGIN))
        except UcError:
            code = bytes(uc.mem_read(start, size))
        suspect = self.guard.inspect(start, code, size)
        if suspect is not None:
            self._event = Stop("suspect", 0, suspect=suspect)
            uc.emu_stop()

    # -- what the library must be --------------------------------------------------------------------------------------

    def _find_counter(self) -> ctypes.c_uint64:
        """Find the library's instruction counter by three runs of known length.

        The counter stands next to the limit it is compared with, and is one past it when the limit stopped the run.
        """
        handle = self.uc._uch.value
        size = _allocated(handle)
        self.uc.mem_map(SCRATCH, 0x2000, const.UC_PROT_READ | const.UC_PROT_EXEC)
        self.uc.mem_write(SCRATCH, LOOP)
        places: set[int] | None = None
        for count in PROBES:
            self.uc.emu_start(SCRATCH, NEVER, 0, count)
            image = ctypes.string_at(handle, size)
            wanted = struct.pack("=QQ", count + 1, count)
            found = {at for at in range(0, size - 15, 8) if image[at : at + 16] == wanted}
            places = found if places is None else places & found
        self.uc.mem_unmap(SCRATCH, 0x2000)
        if not places or len(places) != 1:
            raise HarnessFault(
                "emulator",
                f"its instruction counter was looked for and {len(places or ())} candidates were found",
                remedy="install the release of unicorn that this package asks for",
            )
        return ctypes.c_uint64.from_address(handle + places.pop())

    def _probe_model(self) -> None:
        """Tell the model by the cache control bits that it keeps, in supervisor mode, and go back."""
        self.uc.mem_map(SCRATCH, 0x2000, const.UC_PROT_READ | const.UC_PROT_EXEC)
        self.uc.mem_write(SCRATCH, bytes.fromhex("4e7b 0002 4e7a 0002 4e71"))  # movec d0,cacr; movec cacr,d0; nop
        self.uc.reg_write(m68k.UC_M68K_REG_SR, 0x2000)
        self.uc.reg_write(m68k.UC_M68K_REG_D0, 0xFFFF_FFFF)
        self.uc.emu_start(SCRATCH, NEVER, 0, 2)
        self.uc.context_update(self._context)
        kept = self._words[0]
        self.uc.reg_write(m68k.UC_M68K_REG_CR_CACR, 0)
        self.uc.context_restore(self._pristine)
        self.uc.mem_unmap(SCRATCH, 0x2000)
        if kept != CACR_MASKS[self.name]:
            raise HarnessFault(
                "emulator",
                f"its model {CPUS[self.name]} keeps CACR bits 0x{kept:08x}, so it is no {self.name}",
                remedy="install the release of unicorn that this package asks for",
            )


def _allocated(address: int) -> int:
    """How many bytes the C library allocated at ``address``."""
    libc = ctypes.CDLL(None)
    for name in ("malloc_usable_size", "malloc_size"):
        function = getattr(libc, name, None)
        if function is not None:
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_size_t
            return int(function(address))
    raise HarnessFault(
        "emulator", "this C library cannot tell the size of an allocation, so nothing in it is looked at"
    )
