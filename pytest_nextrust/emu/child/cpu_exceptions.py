"""CPU exceptions as a NeXT kernel gets them, from what the emulator reports.

The emulator names a vector and leaves the pc where its own kernel wants it. Here the pc becomes what the CPU would have
stacked (the next instruction for divide, CHK and TRAPV; the instruction itself for the rest), TRAPV is executed, and
privileged coprocessor instructions that the emulator does not know are privilege violations in user mode, not line-F.

Boundary: registers and the instruction's bytes in, a vector and registers out.
Source: M68000 Family Programmer's Reference Manual, and MC68030 User's Manual section 8 (exception stack frames).
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.registers import CARRY, WORD, Registers
from pytest_nextrust.isa.decode import decode

__all__ = ["VECTORS", "CpuException", "instruction_address", "interpret"]

ACCESS, ADDRESS, ILLEGAL, DIVIDE, CHK, TRAPV, PRIVILEGE, LINE_A, LINE_F = 2, 3, 4, 5, 6, 7, 8, 10, 11
TRAP_0 = 32
RTE = 256
"""What the emulator reports for a return from exception, which user mode must not execute."""

VECTORS = {
    ACCESS: "access fault",
    ADDRESS: "address error",
    ILLEGAL: "illegal instruction",
    DIVIDE: "integer divide by zero",
    CHK: "CHK out of bounds",
    TRAPV: "TRAPV overflow",
    PRIVILEGE: "privilege violation",
    LINE_A: "unimplemented line-A instruction",
    LINE_F: "unimplemented line-F instruction",
    48: "floating-point branch on unordered",
    49: "floating-point inexact result",
    50: "floating-point divide by zero",
    51: "floating-point underflow",
    52: "floating-point operand error",
    53: "floating-point overflow",
    54: "floating-point signalling NaN",
    **{TRAP_0 + n: f"trap #{n}" for n in range(16)},
}

OVERFLOW = 2
TRAPV_OPCODE = 0x4E76
RTR = b"\x4e\x77"


@dataclass(frozen=True, slots=True)
class CpuException:
    """One exception: its vector (None: none after all, go on), and the address of the instruction that took it."""

    vector: int | None
    pc: int


def interpret(vector: int, regs: Registers, data: bytes, cpu: str) -> CpuException:
    """What the emulator's report means; ``data`` are the bytes at ``instruction_address``. Changes ``regs.pc``."""
    pc = instruction_address(vector, regs)
    opcode = int.from_bytes(data[:2], "big")
    if vector == ILLEGAL and opcode == TRAPV_OPCODE:
        regs.pc = (pc + 2) & WORD
        return CpuException(TRAPV if regs.sr & OVERFLOW else None, pc)
    if vector == DIVIDE:
        regs.sr &= ~CARRY  # PRM DIVS: C is always cleared.
    if vector in (DIVIDE, CHK):
        instruction = decode(data, pc)
        regs.pc = (pc + (instruction.length if instruction is not None else 2)) & WORD
        return CpuException(vector, pc)
    if vector == RTE or (vector in (ILLEGAL, LINE_F) and _privileged(opcode, cpu)):
        return CpuException(PRIVILEGE, pc)
    return CpuException(vector, pc)


def instruction_address(vector: int, regs: Registers) -> int:
    """The address of the instruction itself: the emulator has moved past the first word of a CHK."""
    return (regs.pc - 2) & WORD if vector == CHK else regs.pc


def _privileged(opcode: int, cpu: str) -> bool:
    """Coprocessor instructions that user mode may not execute: MMU, FSAVE, FRESTORE, cache and page flushes."""
    if opcode & 0xF000 != 0xF000:
        return False
    coprocessor, kind = opcode >> 9 & 7, opcode >> 6 & 7
    if coprocessor == 1:
        return kind in (4, 5)
    if cpu == "m68040":
        return coprocessor == 2
    return coprocessor == 0
