"""A guest without a CPU: memory, registers and a kernel, and traps issued the way libc's stubs issue them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.dispatch import Kernel
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.memory import PAGE, AddressSpace
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.registers import Registers
from tests.unit.bytes_backing import BytesBacking

TEXT = 0x2000
DATA = 0x10000
STACK_TOP = 0x0400_0000
STACK = 0x80000
LIMIT = 96 << 20

HEADER = struct.Struct(">IIIIII")
INTEGER, BOOLEAN, PORT = 0x02200018, 0x00200018, 0x06200018


@dataclass
class Answer:
    """What a stub sees: d0, d1, and the error if carry was set."""

    d0: int
    d1: int
    error: int | None


@dataclass
class Guest:
    """One process. ``scratch`` hands out data memory; ``count`` is how many instructions it has executed."""

    root: Path
    request: RunRequest = field(default_factory=lambda: RunRequest(b""))
    count: int = 0

    def __post_init__(self) -> None:
        self.memory = AddressSpace(BytesBacking(), limit=LIMIT)
        self.memory.reserve_page_zero()
        self.memory.map(TEXT, PAGE, 5, 7, "__TEXT")
        self.memory.map(DATA, 8 * PAGE, 3, 7, "__DATA")
        self.memory.map(STACK_TOP - STACK, STACK, 3, 7, "stack")
        self.clock = VirtualClock(lambda: self.count)
        self.kernel = Kernel(Task(self.memory, self.request, self.clock, str(self.root)), self.request.trace_traps)
        self.regs = Registers(pc=TEXT)
        self.regs.sp = STACK_TOP - 0x1002
        self._scratch = DATA

    def put(self, data: bytes) -> int:
        """Place bytes in data memory; answers where."""
        at = self._scratch
        self.memory.copyout(at, data)
        self._scratch = (at + len(data) + 3) & ~3
        return at

    def room(self, size: int) -> int:
        """Room for an answer."""
        return self.put(bytes(size))

    def text(self, string: bytes | str) -> int:
        """A C string."""
        return self.put((string.encode() if isinstance(string, str) else string) + b"\0")

    def unix(self, number: int, *args: int) -> Answer:
        """``trap #4``."""
        self.regs.d[0] = number
        self.regs.d[1 : 1 + len(args)] = [arg & 0xFFFF_FFFF for arg in args]
        pc = self.regs.pc
        self.kernel.trap(36, self.regs)
        self.after = self.regs.pc
        if self.regs.pc == pc + 2:
            self.regs.pc = pc
        return Answer(self.regs.d[0], self.regs.d[1], self.regs.d[0] if self.regs.carry else None)

    def ok(self, number: int, *args: int) -> int:
        """``trap #4`` that must succeed; answers d0."""
        answer = self.unix(number, *args)
        assert answer.error is None, f"call {number} failed with errno {answer.error}"
        return answer.d0

    def mach(self, number: int, *args: int) -> int:
        """``trap #3``; answers d0."""
        self.regs.d[0] = number
        self.regs.d[1 : 1 + len(args)] = [arg & 0xFFFF_FFFF for arg in args]
        pc = self.regs.pc
        self.kernel.trap(35, self.regs)
        if self.regs.pc == pc + 2:
            self.regs.pc = pc
        return self.regs.d[0]

    def open(self, path: bytes | str, flags: int = 0, mode: int = 0o644) -> Answer:
        """open(2)."""
        self._scratch = DATA
        return self.unix(5, self.text(path), flags, mode)

    def message(self, remote: int, local: int, number: int, body: bytes = b"", *, simple: bool = True) -> bytes:
        """A message as MIG writes it."""
        return HEADER.pack(int(simple), 24 + len(body), 0x100, local, remote, number) + body

    def ask(self, number: int, body: bytes = b"", *, simple: bool = True, remote: int | None = None) -> bytes:
        """msg_rpc to the kernel, by default to the task; answers the reply's bytes."""
        self._scratch = DATA
        remote = self.mach(10) if remote is None else remote
        local = self.mach(11)
        message = self.message(remote, local, number, body, simple=simple)
        at = self.put(message.ljust(8192, b"\0"))
        assert self.mach(22, at, 0, len(message), 8192, 0, 0) == 0
        size = self.memory.read_u32(at + 4)
        return self.memory.copyin(at, size)


def integer(*values: int) -> bytes:
    """Items of 32-bit integers."""
    return b"".join(struct.pack(">II", INTEGER, value & 0xFFFF_FFFF) for value in values)


def boolean(value: bool) -> bytes:
    """One boolean item."""
    return struct.pack(">II", BOOLEAN, int(value))


def words(data: bytes) -> tuple[int, ...]:
    """Big-endian 32-bit words."""
    return struct.unpack(f">{len(data) // 4}I", data)
