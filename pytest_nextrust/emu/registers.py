"""The integer registers of the guest at one instruction boundary, as the kernel reads and changes them.

Boundary: a plain snapshot. The CPU core fills it after it has stopped, the kernel changes it, the core loads it back;
nothing here talks to the emulator. Floating point registers are not here: no trap reads or changes them.

Sources: M68000 Family Programmer's Reference Manual, section 1 (register set, condition code register).
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass, field

__all__ = ["CARRY", "SR_USER_MASK", "WORD", "Registers"]

WORD = 0xFFFF_FFFF
"""What a 32-bit register holds at most."""

CARRY = 0x0001
"""The C bit of the condition codes."""

SR_USER_MASK = 0xC0FF
"""The SR bits that user code may set through the kernel (trace bits and the low byte), as NeXT's kernel masks them."""


def _eight() -> list[int]:
    return [0] * 8


@dataclass(slots=True)
class Registers:
    """d0-d7, a0-a7 and pc as unsigned 32-bit values; sr as 16 bits with the condition codes in the low five."""

    d: list[int] = field(default_factory=_eight)
    a: list[int] = field(default_factory=_eight)
    pc: int = 0
    sr: int = 0

    @property
    def sp(self) -> int:
        """The user stack pointer, a7."""
        return self.a[7]

    @sp.setter
    def sp(self, value: int) -> None:
        self.a[7] = value & WORD

    @property
    def carry(self) -> bool:
        """The C condition code; setting it leaves X, N, Z and V alone."""
        return bool(self.sr & CARRY)

    @carry.setter
    def carry(self, value: bool) -> None:
        self.sr = (self.sr | CARRY) if value else (self.sr & ~CARRY)

    def copy(self) -> Registers:
        """An independent snapshot of the same values."""
        return Registers(list(self.d), list(self.a), self.pc, self.sr)
