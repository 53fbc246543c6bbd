"""What the manual says an instruction does, where this project has its pseudo-code as a program.

Boundary: ``emu.exact`` knows the instructions that the emulator gets wrong or lacks; for every other one the answer is
that nothing is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pytest_nextrust.emu.exact.execute import execute, handler
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.exact.suspicion import watch
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.records import Access
from pytest_nextrust.errors import HarnessFault

__all__ = ["Expected", "expected"]

ACCESS, LINE_F = 2, 15


@dataclass(frozen=True, slots=True)
class Expected:
    """The state after the instruction, or the exception that it takes; and what it stores."""

    state: MachineState
    vector: int | None
    stores: dict[int, int]

    def memory(self, address: int, size: int) -> bytes | None:
        """The bytes there after it; None where it does not store all of them."""
        if any(address + at not in self.stores for at in range(size)):
            return None
        return bytes(self.stores[address + at] for at in range(size))


class Memory(Protocol):
    """The guest's memory before the instruction. ``check`` raises GuestFault."""

    def read(self, address: int, size: int) -> bytes: ...
    def check(self, address: int, size: int, access: Access) -> None: ...


class _StoresApart:
    """Memory before the instruction, and what it stores apart from that."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.stores: dict[int, int] = {}

    def read(self, address: int, size: int) -> bytes:
        self._memory.check(address, size, "read")
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._memory.check(address, len(data), "write")
        for at, byte in enumerate(data):
            self.stores[address + at] = byte


def expected(cpu: str, before: MachineState, code: bytes, memory: Memory) -> Expected | None:
    """What the instruction that ``code`` starts with does with this memory. None: not decided."""
    opcode = int.from_bytes(code[:2], "big")
    # Of the floating-point unit it has what the machine asks it for, and not the rest of the same opcodes.
    if handler(opcode) is None or (opcode >> 12 == LINE_F and not watch(code, cpu)):
        return None
    state = MachineState(before.registers.copy(), list(before.fp), before.fpcr, before.fpsr, before.fpiar)
    bus = _StoresApart(memory)
    try:
        vector = execute(state, code, bus, cpu)
    except GuestFault:
        vector = ACCESS
    except HarnessFault:
        return None
    return Expected(state, vector, bus.stores)
