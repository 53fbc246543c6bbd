"""Execute one instruction exactly, on a state and a memory, without the emulator.

It knows the instructions that ``suspicion`` finds, in every form that a CPU has them in; not the rest.

Boundary: which instruction is which, and what becomes of the state. What they do is in ``integer`` and
``float_instructions``.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_nextrust.emu.exact import float_instructions, integer
from pytest_nextrust.emu.exact.execution import Execution
from pytest_nextrust.emu.exact.state import Bus, MachineState
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.isa.decode import CPU_BITS, decode

__all__ = ["execute", "handler"]

Handler = Callable[[Execution, int], int | None]

LONGEST = 24
ILLEGAL, PRIVILEGE, LINE_A, LINE_F = 4, 8, 10, 11
BEHIND = frozenset({5, 6, 7})
"""The exceptions that are taken behind their instruction: division by zero, CHK and CHK2, TRAPcc and FTRAPcc."""

CAS2 = frozenset({0x0CFC, 0x0EFC})
"""Words and longs; they stand where CAS would have an immediate operand."""

_INTEGER: tuple[tuple[int, int, Handler], ...] = (
    (0xF9C0, 0x00C0, integer.compare_two),
    (0xFFC0, 0x0AC0, integer.compare_and_swap),
    (0xFDC0, 0x0CC0, integer.compare_and_swap),
    (0xF140, 0x4100, integer.check),
    (0xFFF8, 0x4808, integer.link),
    (0xFFC0, 0x4C40, integer.divide),
    (0xFFF8, 0x4E50, integer.link),
    (0xFFF8, 0x4E58, integer.unlink),
    (0xFFC0, 0x4E80, integer.jump_to_subroutine),
    (0xF1F0, 0x8140, integer.pack),
    (0xF1F0, 0x8180, integer.unpack),
    (0xF0C0, 0x80C0, integer.divide),
    (0xFCC0, 0xE0C0, integer.shift_in_memory),
)
"""Mask, value, and what executes an opcode that is so, in the order in which they are tried."""


def handler(opcode: int) -> Handler | None:
    """What executes the instructions of this opcode; None: nothing here does."""
    if opcode in CAS2:
        return None
    line = opcode >> 12
    if line in (0x9, 0xD) and opcode & 0x130 == 0x100 and opcode & 0xC0 != 0xC0:
        return integer.add_or_subtract_extended
    if line == 5 and opcode & 0xF8 == 0xF8 and opcode & 7 in (2, 3, 4):
        return integer.trap_on_condition
    if opcode & 0xFE00 == 0xF200:
        return _float_handler(opcode)
    for mask, value, found in _INTEGER:
        if opcode & mask == value:
            return found
    return None


def _float_handler(opcode: int) -> Handler | None:
    kind, mode = opcode >> 6 & 7, opcode >> 3 & 7
    if kind == 0:
        return float_instructions.general
    if kind in (2, 3):
        return float_instructions.branch
    if kind != 1:
        return None
    if mode == 1:
        return float_instructions.decrement_and_branch
    trap = mode == 7 and opcode & 7 in (2, 3, 4)
    return float_instructions.trap_on_condition if trap else float_instructions.set_byte


def execute(state: MachineState, code: bytes, bus: Bus, cpu: str) -> int | None:
    """Execute the one instruction that ``code`` starts with, at the state's pc.

    None: it is done, and pc has moved on. Else the vector of the exception that it takes: pc is then what the CPU would
    have stacked, as ``child.cpu_exceptions`` has it, and nothing else has changed; but the condition codes, and what an
    operand moves, for an exception that is taken behind its instruction. Raises GuestFault, with nothing of the
    instruction done; HarnessFault for an instruction that is not known here.
    """
    pc = state.registers.pc
    # Where the bytes end early, that is a fault when they are fetched, and no illegal instruction.
    decoded = decode(code.ljust(LONGEST, b"\0"), pc)
    opcode = int.from_bytes(code[:2], "big")
    if decoded is None or decoded.invalid or not decoded.cpus & CPU_BITS[cpu]:
        return {10: LINE_A, 15: LINE_F}.get(opcode >> 12, ILLEGAL)
    if decoded.vector is not None:
        return decoded.vector
    function = handler(opcode)
    if function is None:
        raise HarnessFault("exact execution", f"knows no {decoded.name}", place=f"0x{opcode:04x} at 0x{pc:08x}")
    execution = Execution(state, code, bus)
    execution.word()
    vector = function(execution, opcode)
    if vector is None:
        execution.finish()
    elif vector in BEHIND:
        execution.trap_behind()
    return vector
