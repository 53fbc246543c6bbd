"""What an operation has changed of the registers that a call must leave as they were.

A program that wants this looked at exports ``nextrust_registers``, eleven words that its threads load into d2-d7 and
a2-a6 before their first operation and do not change between operations. Floating point registers are as nobody has used
them. Operations of a signal handler are not looked at: they begin with what the interrupted code holds.

Boundary: values of registers; who runs what is others'. Convention: System V ABI, Motorola 68000 supplement.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pytest_nextrust.emu.child.thread_state import KEPT, kept_floats, register_of

__all__ = ["SYMBOL", "KeptRegisters"]

SYMBOL = "nextrust_registers"

_FLOATS = range(2, 8)
_SLOT = 16
_BYTES = 10
"""Bytes of a floating point register, in a slot of so many."""


@dataclass(frozen=True, slots=True)
class KeptRegisters:
    """``values`` of d2-d7 and a2-a6 outside of operations."""

    values: tuple[int, ...]

    @classmethod
    def parsed(cls, data: bytes) -> KeptRegisters:
        """From the words at the symbol."""
        return cls(struct.unpack(f">{len(KEPT)}I", data))

    def changed(self, state: bytes, unused_floats: bytes) -> str:
        """The first register that is not as it was, in words; "" where all are.

        ``unused_floats``: the stepper's block of a thread that has not used floating point.
        """
        for number, value in zip(KEPT, self.values, strict=True):
            found = register_of(state, number)
            if found != value:
                return f"{'da'[number // 8]}{number % 8} was 0x{value:08x} and is 0x{found:08x}"
        floats = kept_floats(state)
        for at, number in enumerate(_FLOATS if floats else ()):
            held = floats[at * _SLOT : at * _SLOT + _BYTES]
            if held != unused_floats[number * _SLOT : number * _SLOT + _BYTES]:
                return f"fp{number} changed"
        return ""
