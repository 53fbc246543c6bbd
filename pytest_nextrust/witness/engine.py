"""What the comparison asks of another emulator: to hold the guest's memory and to execute one instruction at a time.

An engine has no kernel. It is told what happened from outside its CPU, and never comes to a trap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_nextrust.emu.exact.state import MachineState

__all__ = ["Engine", "EngineLost", "EngineStop", "Piece", "Remedy"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Mapped memory: its address, its size, and what it begins with."""

    address: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class EngineStop:
    """Why an engine did not complete an instruction: one of these vectors, in the engine's own words."""

    vectors: frozenset[int]
    name: str


class EngineLost(Exception):
    """An engine that can go on no further with this program, and why."""


class Remedy(Exception):
    """An engine that is not installed: what to do about it."""


class Engine(Protocol):
    """One CPU with memory. ``floats`` in ``load`` and ``state``: the floating-point registers too."""

    name: str
    version: str

    def start(self, pieces: Sequence[Piece], state: MachineState) -> None:
        """Begin anew with this memory and these registers. Raises EngineLost."""
        ...

    def load(self, state: MachineState, *, floats: bool) -> None:
        """Set the registers; of SR only the condition codes."""
        ...

    def state(self, *, floats: bool) -> MachineState:
        """The registers now; where ``floats`` is not set the floating-point ones are meaningless."""
        ...

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory. Raises EngineLost where the engine has none."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Store bytes, whatever the protection. Raises EngineLost."""
        ...

    def protect(self, address: int, size: int, prot: int) -> None:
        """These pages now have this protection in Mach's bits; 0: they are not there."""
        ...

    def step(self) -> EngineStop | None:
        """Execute the instruction at pc: None where it completed. Raises EngineLost."""
        ...

    def touched(self) -> list[tuple[int, int]]:
        """Address and size of what the last instruction has stored, where the engine tells; else nothing."""
        ...

    def close(self) -> None:
        """Give up what the host holds for it."""
        ...
