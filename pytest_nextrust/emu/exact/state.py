"""What one exactly executed instruction works on: the registers, the floating-point unit's too, and the memory.

Boundary: plain records, and the protocol that whoever owns the guest's memory fills.
"""

from __future__ import annotations

from typing import Protocol

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.registers import Registers

__all__ = ["NAN", "Bus", "MachineState"]

NAN = 0x7FFF << 64 | (1 << 64) - 1
"""The non-signalling NaN that the floating-point unit makes, and that its registers hold after a reset."""


class Bus(Protocol):
    """Guest memory as an instruction sees it. Both raise ``emu.memory.GuestFault``, and have then done nothing."""

    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


def _eight_nans() -> list[int]:
    return [NAN] * 8


@dataclass(slots=True)
class MachineState:
    """The integer registers; fp0-fp7, each sign << 79 | exponent << 64 | mantissa; and the three control registers."""

    registers: Registers
    fp: list[int] = field(default_factory=_eight_nans)
    fpcr: int = 0
    fpsr: int = 0
    fpiar: int = 0
