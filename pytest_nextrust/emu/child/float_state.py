"""The floating-point unit in a saved context: its registers and control words, read and written.

The rounding mode and precision stand twice: in FPCR, and as the emulator's arithmetic wants them, which must be written
with it. The gate runs an instruction after such a write.

Boundary: bytes of the context; what is computed with them is ``emu.exact``'s.
Source: QEMU 5.0 ``target/m68k/cpu.h`` (``CPUM68KState``) and ``include/fpu/softfloat-types.h`` (``float_status``).
"""

from __future__ import annotations

import struct

__all__ = ["OFFSET", "SIZE", "Floats", "control_of", "number_of", "pack", "unpack"]

OFFSET, SIZE = 112, 160
"""Where the block is in the CPU state, and its bytes: fp0-fp7, the last result, FPCR, FPSR, arithmetic state."""

_BLOCK = struct.Struct("=" + 9 * "QH6x" + "II8s")
_NUMBER = struct.Struct("=QH")
_CONTROL = struct.Struct("=I")

_ROUNDING = {0: 0, 1: 3, 2: 1, 3: 2}
"""FPCR's rounding (nearest, to zero, down, up) as the emulator numbers it."""
_PRECISION = {0: 80, 1: 32, 2: 64, 3: 64}
"""FPCR's precision (extended, single, double) in bits; what is undefined counts as double."""
MODE, FLAGS, PRECISION = 1, 2, 3
"""Bytes of the arithmetic state: rounding mode, exceptions so far, rounding precision."""

Floats = tuple[list[int], int, int]
"""fp0-fp7 as sign << 79 | exponent << 64 | mantissa, FPCR, FPSR."""


def unpack(block: bytes) -> Floats:
    """What a block holds."""
    fields = _BLOCK.unpack(block)
    return [fields[2 * at + 1] << 64 | fields[2 * at] for at in range(8)], fields[18], fields[19]


def number_of(block: bytes, register: int) -> tuple[int, int]:
    """One register: its mantissa, and its exponent with the sign above it."""
    mantissa, exponent = _NUMBER.unpack_from(block, 16 * register)
    return mantissa, exponent


def control_of(block: bytes) -> int:
    """FPCR."""
    return int(_CONTROL.unpack_from(block, 144)[0])


def pack(floats: Floats, block: bytes) -> bytes:
    """``block`` with other registers and control words; the last result stays."""
    registers, control, status = floats
    fields = list(_BLOCK.unpack(block))
    for at, value in enumerate(registers):
        fields[2 * at], fields[2 * at + 1] = value & (1 << 64) - 1, value >> 64
    arithmetic = bytearray(fields[20])
    arithmetic[MODE] = _ROUNDING[control >> 4 & 3]
    arithmetic[PRECISION] = _PRECISION[control >> 6 & 3]
    fields[18:] = control, status, bytes(arithmetic)
    return _BLOCK.pack(*fields)
