"""Which instructions the emulator must not be left alone with: by their words, and by the operands they meet.

Boundary: tells; ``execute`` does. The answers are as narrow as measurements against qemu-m68k and Musashi allow: what
is not named here the emulator does rightly (tests/unit/emu_exact).
"""

from __future__ import annotations

from typing import Literal

from pytest_nextrust.emu.exact.execution import Execution
from pytest_nextrust.emu.exact.integer import Division
from pytest_nextrust.emu.exact.state import Bus, MachineState
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.isa.decode import CPU_BITS, decode

__all__ = ["Watch", "division_overflows", "float_is_special", "watch"]

Watch = Literal["always", "division", "float", ""]
"""What has to be looked at before the emulator may execute an instruction: it never may; the operands of a division;
those of a floating-point instruction; nothing."""

A7_INDIRECT, LINK_A7, LINK_LONG_A7, UNLK_A7 = 0x4E97, 0x4E57, 0x480F, 0x4E5F
NAMES = frozenset({"cmp2/chk2", "trapcc", "pack", "unpk"})


def watch(code: bytes, cpu: str) -> Watch:
    """What to look at before the emulator executes the instruction that ``code`` starts with on ``cpu``.

    Nothing for what the CPU does not have, or may not have with this operand: that is an exception.
    """
    decoded = decode(code, 0)
    if decoded is None or decoded.invalid or decoded.vector is not None or not decoded.cpus & CPU_BITS[cpu]:
        return ""
    opcode = int.from_bytes(code[:2], "big")
    if decoded.name in NAMES or opcode in (A7_INDIRECT, LINK_A7, LINK_LONG_A7, UNLK_A7):
        return "always"
    if opcode & 0xFFC0 == 0xE1C0 or _moves_a7_by_one(opcode):
        return "always"
    if decoded.name in ("divs", "div.l") and _is_signed(opcode, code):
        return "division"
    return ""


def _moves_a7_by_one(opcode: int) -> bool:
    """ADDX and SUBX of bytes at -(a7), on either side."""
    extended = opcode >> 12 in (0x9, 0xD) and opcode & 0x1F8 == 0x108
    return extended and (opcode & 7 == 7 or opcode >> 9 & 7 == 7)


def _is_signed(opcode: int, code: bytes) -> bool:
    return opcode >> 12 == 8 or bool(code[2] & 0x08)


def division_overflows(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether the quotient of this signed division is one that kills the emulator: of the least integer by -1."""
    execution = Execution(state, code, bus)
    try:
        division = Division(execution, execution.word())
    except GuestFault:
        return False  # The emulator faults as the CPU does.
    return division.divisor == -1 and division.dividend == -1 << division.width - 1


def float_is_special(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether this floating-point instruction meets operands that the emulator gets wrong."""
    del state, code, bus
    return False
