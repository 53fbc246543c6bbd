"""The length of an m68k instruction, where it goes on, which CPU has it, and whether the emulator runs it rightly.

A decoder of this package's own, because a check must know for certain what it reads: disassemblers show invalid forms
as if they were instructions, and the emulator executes some of them. It knows the user and supervisor instructions of
the 68020, 68030, 68040 and 68881/68882, and answers None for what none of them has.

Boundary: bytes in, facts out; whether code is reached is ``flow``'s question.
Source: M68000 Family Programmer's Reference Manual, sections 4-6 (instructions) and 8 (format summary).
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.isa.decode_fpu import line_f
from pytest_nextrust.isa.decode_integer import LINES
from pytest_nextrust.isa.operands import BOTH, M68030, M68040, FlowKind, InstructionReader, Invalid, Undefined

__all__ = ["CPU_BITS", "Decoded", "decode"]

CPU_BITS = {"m68030": M68030, "m68040": M68040}

ILLEGAL = 4


@dataclass(frozen=True, slots=True)
class Decoded:
    """One instruction of ``length`` bytes.

    ``flow``: how it goes on; ``branch``, ``jump``, ``call`` to ``target`` where that is known. ``refs``: addresses in
    it that may be code (operands of lea, pea, and 32-bit immediates). ``base``: of a PC-relative indexed operand.
    ``cpus``: the CPUs that have it (see ``CPU_BITS``). ``vector``: the exception it takes in user mode and the emulator
    would not raise; ``invalid`` where that is because its operand cannot be. ``limit``: why the emulator cannot run it.
    ``scaled``: an index of it is scaled, or in an extension word of the full format: neither is on a 68000 or 68010.
    """

    length: int
    name: str
    flow: FlowKind = "next"
    target: int | None = None
    refs: tuple[int, ...] = ()
    base: int | None = None
    cpus: int = BOTH
    vector: int | None = None
    invalid: bool = False
    limit: str = ""
    scaled: bool = False


def decode(data: bytes, pc: int) -> Decoded | None:
    """Decode the instruction at the start of ``data``, at ``pc``. None: no CPU has it, or its bytes end early."""
    if len(data) < 2:
        return None
    reader = InstructionReader(data, pc)
    line = reader.opcode >> 12
    try:
        if line == 15:
            line_f(reader)
        else:
            LINES[line](reader)
    except Undefined:
        return None
    except Invalid:
        return Decoded(2, reader.name, "stop", vector=ILLEGAL, invalid=True)
    return Decoded(
        reader.at,
        reader.name,
        reader.flow,
        reader.target,
        tuple(reader.refs),
        reader.base,
        reader.cpus,
        reader.vector,
        limit=reader.limit,
        scaled=reader.scaled,
    )
