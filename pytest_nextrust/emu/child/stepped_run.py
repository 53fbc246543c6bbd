"""A run that is followed instruction by instruction: the state before and after each, and what the kernel did.

Whoever executes the same program elsewhere needs no kernel of its own: what a trap, a signal or an exception made of
registers and memory is in the step, to be taken over.

Boundary: watches ``guest_run`` at work, and changes nothing of what it does. The floating-point registers are read only
around the instructions that can change them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child import float_state
from pytest_nextrust.emu.child.backing import Change
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.guest_run import GuestRun
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.child.rerun_log import RerunLog
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.memory import EXECUTE, READ, WRITE, AddressSpace, GuestFault
from pytest_nextrust.emu.records import Access, End, RunRequest
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.macho import MachFile

__all__ = ["Step", "StepKind", "SteppedRun"]

StepKind = Literal["instruction", "trap", "exception", "none"]
"""``instruction``: it was executed; ``trap``: the kernel answered it; ``exception``: it did not complete; ``none``: no
instruction, a handler was entered or the stack has grown."""


@dataclass(slots=True)
class Step:
    """One step. ``count`` instructions came before it; ``code`` are the bytes at its pc, more than the instruction has.

    ``after`` is None where the program ended here. ``floats``: both states have the floating-point registers as they
    were. ``stores``: address and size of what the instruction itself stored; ``changes``: the kernel's of memory.
    """

    count: int
    before: MachineState
    code: bytes
    kind: StepKind = "instruction"
    vector: int | None = None
    after: MachineState | None = None
    floats: bool = False
    stores: tuple[tuple[int, int], ...] = ()
    changes: tuple[Change, ...] = ()


class SteppedRun(GuestRun):
    """A program on a CPU, one instruction at a time. ``follow`` runs it."""

    def __init__(self, cpu: Cpu, request: RunRequest, root: str) -> None:
        super().__init__(cpu, request, root)
        self._slice = 1
        self._before_step: Callable[[Step], None] = lambda _: None
        self._on_step: Callable[[Step], None] = lambda _: None
        self._stores: set[tuple[int, int]] = set()
        self._taken: int | None = None
        self._signalled = False
        self._noted: list[Change] = []
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

    def check(self, address: int, size: int, access: Access) -> None:
        """Raise GuestFault where the pages, as they are now, refuse this access. No stack grows by it."""
        needed = {"read": READ, "write": WRITE, "fetch": EXECUTE}[access]
        at = address
        while at < address + size:
            region = self._memory.region_at(at)
            if region is None or not region.prot & needed:
                raise GuestFault(at, access, protection=region is not None)
            at = region.end

    def state(self) -> MachineState:
        """Every register now, the floating-point ones too."""
        return self._with_floats(self._cpu.registers())

    def follow(self, before_step: Callable[[Step], None], on_step: Callable[[Step], None]) -> End:
        """Run to the end, or until one of these raises. ``before_step`` gets what is about to be executed.

        Raises HarnessFault where the emulator fails.
        """
        self._before_step, self._on_step = before_step, on_step
        cpu = self._cpu
        hook = cpu.uc.hook_add(const.UC_HOOK_MEM_WRITE, self._on_store)
        cpu.observer = self._on_exact_access
        try:
            return self._until_it_ends()
        finally:
            cpu.uc.hook_del(hook)
            cpu.observer = None
            cpu.stops_at_suspects = False
            self._kernel.close()

    # -- what a run does between two steps -----------------------------------------------------------------------------

    def _step(self) -> None:
        registers = self._cpu.registers()
        code = self._bytes_at(registers.pc)
        floats = code[:1] >= b"\xf0"
        before = self._with_floats(registers) if floats else MachineState(registers)
        step = Step(self._counter.value, before, code, floats=floats)
        self._before_step(step)
        self._stores, self._noted = set(), []
        self._taken, self._signalled = None, False
        try:
            super()._step()
        except BaseException:
            # It ends here, or before it where a limit is reached.
            if self._happened(step):
                self._on_step(self._finished(step, None))
            raise
        if self._happened(step):
            after = self._cpu.registers()
            self._on_step(self._finished(step, self._with_floats(after) if floats else MachineState(after)))
        elif self._noted:
            step.kind, step.changes = "none", tuple(self._noted)
            step.after = MachineState(self._cpu.registers())
            self._on_step(step)

    def _happened(self, step: Step) -> bool:
        return self._counter.value > step.count or self._taken is not None or self._signalled

    def _finished(self, step: Step, after: MachineState | None) -> Step:
        step.after = after
        # The emulator tells of a store before it is refused.
        step.stores = tuple(store for store in sorted(self._stores) if self._stored(*store))
        step.changes = tuple(self._noted)
        if self._signalled:
            step.kind = "none"
        elif int.from_bytes(step.code[:2], "big") & 0xFFF0 == 0x4E40:
            step.kind = "trap"
        elif self._taken is not None:
            step.kind, step.vector = "exception", self._taken
        return step

    def _stored(self, address: int, size: int) -> bool:
        try:
            self.check(address, size, "write")
        except GuestFault:
            return False
        return True

    def _with_floats(self, registers: Registers) -> MachineState:
        fp, fpcr, fpsr = float_state.unpack(self._cpu.floats())
        return MachineState(registers, fp, fpcr, fpsr, self._cpu.fpiar)

    def _alarm(self) -> None:
        self._signalled = True
        super()._alarm()

    def _pace(self, begun: float, executed: int) -> None:
        del begun, executed
        self._check_time()

    def _on_store(self, uc: object, access: int, address: int, size: int, value: int, data: object) -> None:
        del uc, access, value, data
        self._stores.add((address & 0xFFFF_FFFF, size))

    def _on_exact_access(self, writes: bool, address: int, size: int) -> None:
        if writes:
            self._stores.add((address, size))

    def noted(self, changes: list[Change]) -> None:
        """Take what was done to memory from outside the CPU."""
        self._noted += changes


class _Notes(RerunLog):
    """In the place of a rerun's log: hands each note on, and keeps no state, for nothing is executed again."""

    def __init__(self, run: SteppedRun) -> None:
        self._run = run
        self._recorder = run._recorder

    def note(self, count: int, after: int, registers: Registers | None, *, flush: bool = False) -> None:
        del count, after, registers, flush
        self._run.noted(self._recorder.take())
