"""A run that is followed instruction by instruction: the state before and after each, and what the kernel did.

Whoever executes the same program elsewhere needs no kernel of its own: what a trap, a signal or an exception made of
registers and memory is in the step, to be taken over.

Boundary: watches ``guest_run`` at work, and changes nothing of what it does. The floating-point registers are read only
around the instructions that can change them.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child.backing import Change
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.guest_run import GuestRun
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.child.rerun_log import RerunLog
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.memory import AddressSpace, GuestFault
from pytest_nextrust.emu.records import End, RunRequest
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.macho import MachFile

__all__ = ["Step", "StepKind", "SteppedRun", "Store"]

StepKind = Literal["instruction", "exact", "trap", "exception", "none"]
"""``instruction``: the emulator executed it; ``exact``: the product itself did; ``trap``: the kernel answered it;
``exception``: it did not complete; ``none``: no instruction, a handler was entered or the stack has grown."""

FLOAT_PAYLOAD = 264
"""Bytes of a saved context up to the floating-point status register."""
FP0, SLOT, FPCR, FPSR = 112, 16, 256, 260
"""Where they are: a slot is a mantissa of 8 bytes, then sign and exponent in 2, in the host's order."""


@dataclass(frozen=True, slots=True)
class Store:
    """Bytes that an instruction stores, and what was there before."""

    address: int
    before: bytes


@dataclass(slots=True)
class Step:
    """One step. ``count`` instructions came before it; ``code`` are the bytes at its pc, more than the instruction has.

    ``after`` is None where the program ended here. ``floats``: both states have the floating-point registers as they
    were. ``stores`` are the instruction's own; ``changes`` what the kernel, or exact execution, did to memory.
    """

    count: int
    before: MachineState
    code: bytes
    kind: StepKind = "instruction"
    vector: int | None = None
    after: MachineState | None = None
    floats: bool = False
    stores: list[Store] | None = None
    changes: tuple[Change, ...] = ()


class SteppedRun(GuestRun):
    """A program on a CPU, one instruction at a time. ``follow`` runs it."""

    def __init__(self, cpu: Cpu, request: RunRequest, root: str) -> None:
        super().__init__(cpu, request, root)
        self._slice = 1
        self._on_step: Callable[[Step], None] = lambda _: None
        self._stores: list[Store] = []
        self._taken: int | None = None
        self._signalled = False
        self._noted: list[Change] = []
        self._loaded_again = False
        self._floats = _Floats(cpu)
        self._step_taken: Step | None = None
        self._rerun_log = _Notes(self)
        kernel = self._kernel
        exception = kernel.exception

        def watched(vector: int, regs: Registers, fault: GuestFault | None = None) -> None:
            self._taken = vector
            exception(vector, regs, fault)

        kernel.exception = watched  # type: ignore[method-assign]

    @property
    def memory(self) -> AddressSpace:
        """The guest's address space."""
        return self._memory

    @property
    def file(self) -> MachFile:
        """The program."""
        return self._loaded.file

    @property
    def count(self) -> int:
        """Instructions so far."""
        return self._counter.value

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the guest's memory as they are now."""
        return self._recorder.read(address, size)

    def state(self) -> MachineState:
        """Every register now, the floating-point ones too."""
        return self._floats.state(self._cpu.registers())

    def follow(self, on_step: Callable[[Step], None]) -> End:
        """Run to the end, or until ``on_step`` raises. Raises HarnessFault where the emulator fails."""
        self._on_step = on_step
        uc = self._cpu.uc
        hook = uc.hook_add(const.UC_HOOK_MEM_WRITE, self._on_store)
        try:
            return self._until_it_ends()
        finally:
            uc.hook_del(hook)
            self._cpu.guard = None
            self._kernel.close()

    # -- what a run does between two steps -----------------------------------------------------------------------------

    def _step(self) -> None:
        registers = self._cpu.registers()
        code = self._bytes_at(registers.pc)
        floats = code[:1] >= b"\xf0"
        before = self._floats.state(registers) if floats else MachineState(registers)
        step = Step(self._counter.value, before, code, floats=floats)
        self._stores, self._noted = [], []
        self._taken, self._signalled, self._loaded_again = None, False, False
        try:
            super()._step()
        except BaseException:
            # It ends here, or before it where a limit is reached.
            if self._happened(step):
                self._on_step(self._finished(step, None))
            raise
        if self._happened(step):
            after = self._cpu.registers()
            self._on_step(self._finished(step, self._floats.state(after) if floats else MachineState(after)))
        elif self._noted:
            step.kind, step.changes = "none", tuple(self._noted)
            step.after = MachineState(self._cpu.registers())
            self._on_step(step)

    def _happened(self, step: Step) -> bool:
        return self._counter.value > step.count or self._taken is not None or self._signalled

    def _finished(self, step: Step, after: MachineState | None) -> Step:
        step.after = after
        step.stores = self._stores
        step.changes = (*self._noted, *self._recorder.take()) if after is None else tuple(self._noted)
        opcode = int.from_bytes(step.code[:2], "big")
        if self._signalled:
            step.kind = "none"
        elif opcode & 0xFFF0 == 0x4E40:
            step.kind = "trap"
        elif self._taken is not None:
            step.kind, step.vector = "exception", self._taken
        elif self._loaded_again:
            step.kind = "exact"
        return step

    def _alarm(self) -> None:
        self._signalled = True
        super()._alarm()

    def _pace(self, begun: float, executed: int) -> None:
        del begun, executed
        self._check_time()

    def _on_store(self, uc: Any, access: int, address: int, size: int, value: int, data: object) -> None:
        del access, value, data
        self._stores.append(Store(address & 0xFFFF_FFFF, bytes(uc.mem_read(address, size))))

    def noted(self, changes: list[Change], registers: Registers | None) -> None:
        """Take what was done from outside the emulator."""
        self._noted += changes
        self._loaded_again = self._loaded_again or registers is not None


class _Notes(RerunLog):
    """In the place of a rerun's log: hands each note on, and keeps no state, for nothing is executed again."""

    def __init__(self, run: SteppedRun) -> None:
        self._run = run
        self._recorder = run._recorder

    def note(self, count: int, after: int, registers: Registers | None, *, flush: bool = False) -> None:
        del count, after, flush
        self._run.noted(self._recorder.take(), registers)


class _Floats:
    """The floating-point registers of a CPU, from its saved context."""

    def __init__(self, cpu: Cpu) -> None:
        self._uc = cpu.uc
        self._context = cpu.uc.context_save()
        self._payload: Any = (ctypes.c_char * FLOAT_PAYLOAD).from_address(self._context.context.value + layout.HEADER)

    def state(self, registers: Registers) -> MachineState:
        self._uc.context_update(self._context)
        raw = bytes(self._payload.raw)
        fp = [_number(raw, at + 8, 2) << 64 | _number(raw, at, 8) for at in range(FP0, FP0 + 8 * SLOT, SLOT)]
        return MachineState(registers, fp, _number(raw, FPCR, 4), _number(raw, FPSR, 4))


def _number(raw: bytes, at: int, size: int) -> int:
    return int.from_bytes(raw[at : at + size], sys.byteorder)
