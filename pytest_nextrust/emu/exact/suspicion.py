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
SHIFTS_IN_MEMORY = frozenset({0xE0C0, 0xE1C0, 0xE2C0})
"""ASR, ASL and LSR: the emulator takes them for logical or arithmetic by a bit of the operand's mode, and sets no V."""
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
    if decoded.name == "chk" and _moves_a_register(opcode):
        return "always"
    if opcode & 0xFFC0 in SHIFTS_IN_MEMORY or _moves_a7_by_one(opcode):
        return "always"
    if decoded.name in ("divs", "divu", "div.l") and (_is_signed(opcode, code) or _moves_a_register(opcode)):
        return "division"
    return ""


def _moves_a7_by_one(opcode: int) -> bool:
    """ADDX and SUBX of bytes at -(a7), on either side; CAS of a byte at (a7)+ and -(a7)."""
    if opcode in (0x0ADF, 0x0AE7):
        return True
    extended = opcode >> 12 in (0x9, 0xD) and opcode & 0x1F8 == 0x108
    return extended and (opcode & 7 == 7 or opcode >> 9 & 7 == 7)


def _is_signed(opcode: int, code: bytes) -> bool:
    return bool(opcode & 0x100 if opcode >> 12 == 8 else code[2] & 0x08)


def _moves_a_register(opcode: int) -> bool:
    return opcode >> 3 & 7 in (3, 4)


def division_overflows(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether the emulator must not divide: the least integer by -1, which kills it; or by zero with (An)+ or -(An).

    There it leaves the register where it was, though the exception is taken behind the instruction.
    """
    execution = Execution(state, code, bus)
    try:
        opcode = execution.word()
        division = Division(execution, opcode)
    except GuestFault:
        return False  # The emulator faults as the CPU does.
    if not division.divisor:
        return _moves_a_register(opcode)
    return division.divisor == -1 and division.dividend == -1 << division.width - 1


def float_is_special(state: MachineState, code: bytes, bus: Bus) -> bool:
    """Whether this floating-point instruction meets operands that the emulator gets wrong."""
    del state, code, bus
    return False
