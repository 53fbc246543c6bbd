"""The report of a fault: the exception by name, the instruction, the symbol it is in, and the instructions before it.

Boundary: gathers and formats what the run and its log know.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child.cpu_exceptions import ACCESS, VECTORS
from pytest_nextrust.emu.child.rerun_log import Diverged, RerunLog
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.records import FaultReport, Instruction
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble
from pytest_nextrust.macho import MachFile

__all__ = ["Cause", "report_fault"]


@dataclass(frozen=True, slots=True)
class Cause:
    """An exception as it was taken: at ``pc`` with these registers, after ``count`` complete instructions."""

    vector: int
    pc: int
    registers: Registers
    count: int
    access: GuestFault | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """The exception in words."""
        if self.vector == ACCESS and self.access is not None:
            return str(self.access)
        return VECTORS.get(self.vector, f"exception {self.vector}")


def instruction(data: bytes, pc: int, file: MachFile, cpu: str) -> Instruction:
    """The instruction at the start of ``data``."""
    decoded = decode(data, pc)
    data = data[: decoded.length if decoded is not None else 2]
    return Instruction(pc, data, disassemble(data, pc, cpu), file.describe(pc))


def report_fault(cause: Cause, data: bytes, file: MachFile, cpu: str, log: RerunLog, wanted: int) -> FaultReport:
    """Everything known of ``cause``; ``data`` are the bytes at its pc. Reruns the guest to see what led there."""
    try:
        led = log.last(cause.count, wanted)
        last = tuple(instruction(seen, pc, file, cpu) for pc, seen in led)
    except Diverged as error:
        last = (Instruction(cause.pc, b"", f"the rerun went another way: {error}"),)
    registers = cause.registers
    access = cause.access
    return FaultReport(
        vector=cause.vector,
        name=cause.name,
        pc=cause.pc,
        symbol=file.describe(cause.pc),
        instruction=instruction(data, cause.pc, file, cpu).text,
        d=tuple(registers.d),
        a=tuple(registers.a),
        sr=registers.sr,
        address=access.address if access is not None else None,
        access=access.access if access is not None else None,
        size=cause.size,
        last=last,
    )
