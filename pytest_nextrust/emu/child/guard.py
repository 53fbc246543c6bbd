"""What must not be left to the emulator, found in each block of code before its first execution.

The static check cannot see what a program reaches through pointers it computes. So every block that the emulator has
translated is decoded here once, before it runs, and the run stops in front of an instruction that the emulator would
execute although the CPU would not, or would execute as another one. This costs nothing per execution.

Boundary: inspects bytes; ``guest_run`` decides what becomes of the guest.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_nextrust.isa.decode import CPU_BITS, decode
from pytest_nextrust.isa.operands import NONE

__all__ = ["MARGIN", "InstructionGuard", "Suspect", "missing_vector"]

ADDRESS, ILLEGAL, LINE_A, LINE_F = 3, 4, 10, 11

MARGIN = 24
"""Bytes to look at beyond a block: the emulator may have taken its last instruction for a shorter one."""

REMEMBERED = 1 << 16
"""Blocks whose result is kept."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """The instruction at ``pc``, ``steps`` instructions into its block: its exception, or why it cannot be run."""

    pc: int
    steps: int
    name: str
    vector: int
    limit: str = ""


class InstructionGuard:
    """Inspects blocks for one CPU, and remembers the results."""

    def __init__(self, cpu: str) -> None:
        self._bit = CPU_BITS[cpu]
        self._known: dict[tuple[int, bytes], Suspect | None] = {}

    def inspect(self, pc: int, data: bytes, size: int) -> Suspect | None:
        """The first suspect in the block of ``size`` bytes at ``pc``; ``data`` goes up to MARGIN bytes beyond it."""
        key = (pc, data)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._first_suspect(pc, data, size)
        return self._known[key]

    def _first_suspect(self, pc: int, data: bytes, size: int) -> Suspect | None:
        if pc & 1:
            return Suspect(pc, 0, "odd address", ADDRESS)
        at = steps = 0
        while at < size:
            here = data[at : at + MARGIN]
            instruction = decode(here, pc + at)
            if instruction is None:
                # Where the bytes end early the emulator reads on, and faults.
                whole = len(here) == MARGIN
                return Suspect(pc + at, steps, "undefined", missing_vector(here)) if whole else None
            if instruction.limit:
                return Suspect(pc + at, steps, instruction.name, ILLEGAL, instruction.limit)
            if not instruction.cpus & self._bit:
                if instruction.cpus == NONE:
                    return Suspect(pc + at, steps, instruction.name, ILLEGAL)
                return Suspect(pc + at, steps, instruction.name, missing_vector(here))
            if instruction.vector is not None:
                return Suspect(pc + at, steps, instruction.name, instruction.vector)
            at += instruction.length
            steps += 1
        return None


def missing_vector(data: bytes) -> int:
    """The exception for an instruction that a CPU does not have."""
    line = data[0] >> 4
    return LINE_A if line == 10 else LINE_F if line == 15 else ILLEGAL
