"""Musashi, by the Python package machine68k, as an engine.

The library holds one machine for each process, with its memory in one piece from address 0. What is below the guest's
first page is used here: exception vectors, a supervisor stack, and a few instructions that move the floating-point
registers, which the package does not show.

Boundary: one process at a time uses it. What Musashi cannot execute without ending its process must not be asked of it:
``known`` says what that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.memory import EXECUTE, PAGE, READ, WRITE
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.witness.engine import EngineLost, EngineStop, Piece, Remedy

__all__ = ["Musashi"]

LARGEST = 256 << 20
"""Bytes that the library can address."""
CHUNK = 1 << 16
"""Its memory comes in pieces of this size."""

CATCH, NOTHING = 0x0600, 0x0700
"""Where every exception goes, and nothing is executed; and where a NOP stands."""
FLOATS_OUT, FLOATS_IN, FLOATS_AT = 0x0A00, 0x0B00, 0x0C00
SUPERVISOR_STACK, FRAME = 0x1800, 0x40
"""Where it begins, and the bytes of the largest frame, rounded up."""

STORE, FETCH_FLOATS = 0x6800, 0x4800
"""Extension words of fmove.x to and from memory."""
TO_CONTROL, TO_STATUS, FROM_CONTROL, FROM_STATUS = 0x9000, 0x8800, 0xB000, 0xA800
POST_A0 = 0xF218
"""A floating-point instruction with the operand (a0)+."""

SUPERVISOR, CODES = 0x2000, 0x1F
ACCESS = 2
WIDTHS = (1, 2, 4)


class Musashi:
    """A 68030 or 68040. Raises Remedy where the package is not installed."""

    name = "musashi"

    def __init__(self, cpu: str) -> None:
        try:
            import machine68k
        except ImportError:
            raise Remedy("pip install 'pytest-nextrust[witness]' (machine68k, which needs a C compiler)") from None
        self.version = f"machine68k {version('machine68k')}"
        self._library: Any = machine68k
        self._type = {"m68030": machine68k.CPUType.M68030, "m68040": machine68k.CPUType.M68040}[cpu]
        self._machine: Any = None
        self._size = 0
        self._used: list[tuple[int, int]] = []
        self._pages: dict[int, int] = {}
        self._accesses: list[tuple[str, int, int, int]] = []
        self._begun = self._goes_on = 0

    # -- memory --------------------------------------------------------------------------------------------------------

    def start(self, pieces: Sequence[Piece], state: MachineState) -> None:
        end = max(piece.address + piece.size for piece in pieces)
        size = -(-end // CHUNK) * CHUNK
        if size > LARGEST:
            raise EngineLost(f"the program's memory goes up to 0x{end:08x}, and Musashi's ends at 0x{LARGEST:08x}")
        if self._machine is None or size > self._size:
            self._make(size)
        for address, length in self._used:
            if length:
                self._memory.clear_block(address, length, 0)
        self._used, self._pages = [], {}
        for piece in pieces:
            self._memory.w_block(piece.address, piece.data)
        self.load(state, floats=True)

    def _make(self, size: int) -> None:
        self.close()
        self._machine = self._library.Machine(self._type, size >> 10)
        self._memory, self._cpu, self._size, self._used = self._machine.mem, self._machine.cpu, size, []
        for vector in range(256):
            self._memory.w32(4 * vector, CATCH)
        self._memory.w32(0, SUPERVISOR_STACK)
        self._memory.w16(NOTHING, 0x4E71)
        out = [POST_A0 << 16 | STORE | at << 7 for at in range(8)]
        back = [POST_A0 << 16 | FETCH_FLOATS | at << 7 for at in range(8)]
        out += [POST_A0 << 16 | FROM_CONTROL, POST_A0 << 16 | FROM_STATUS]
        # Last, for moving a number sets the status.
        back += [POST_A0 << 16 | TO_CONTROL, POST_A0 << 16 | TO_STATUS]
        for address, words in ((FLOATS_OUT, out), (FLOATS_IN, back)):
            for at, word in enumerate(words):
                self._memory.w32(address + 4 * at, word)
        self._cpu.pulse_reset()
        self._cpu.execute(1)  # only eats the cycles of the reset
        self._cpu.w_sr(0)
        self._cpu.w_isp(SUPERVISOR_STACK)
        self._memory.set_invalid_func(lambda mode, width, address: self._accesses.append((mode, width, address, 0)))
        self._memory.set_trace_func(lambda *access: self._accesses.append(access))
        self._cpu.set_instr_hook_callback(self._on_instruction)

    def _execute_one(self) -> None:
        self._begun = 0
        self._cpu.execute(1)
        if self._begun == 2:
            self._cpu.w_pc(self._goes_on)

    def _on_instruction(self, pc: int) -> None:
        """Called before each instruction. Some take no cycles, and another would follow: a NOP does instead."""
        self._begun += 1
        if self._begun == 2:
            self._goes_on = pc
            self._cpu.w_pc(NOTHING)

    def read(self, address: int, size: int) -> bytes:
        if address + size > self._size:
            raise EngineLost(
                f"the program uses memory at 0x{address:08x}, and Musashi was given 0x{self._size:08x} bytes"
            )
        return bytes(self._memory.r_block(address, size))

    def write(self, address: int, data: bytes) -> None:
        if address + len(data) > self._size:
            raise EngineLost(
                f"the program uses memory at 0x{address:08x}, and Musashi was given 0x{self._size:08x} bytes"
            )
        self._memory.w_block(address, bytes(data))

    def protect(self, address: int, size: int, prot: int) -> None:
        self._used.append((address, min(size, max(0, self._size - address))))
        for page in range(address // PAGE, (address + size) // PAGE):
            self._pages[page] = prot

    # -- registers -----------------------------------------------------------------------------------------------------

    def load(self, state: MachineState, *, floats: bool) -> None:
        if floats:
            self._load_floats(state)
        cpu, registers = self._cpu, state.registers
        cpu.w_sr(registers.sr & CODES)
        for at in range(8):
            cpu.w_reg(at, registers.d[at])
            cpu.w_reg(8 + at, registers.a[at])
        cpu.w_pc(registers.pc)

    def state(self, *, floats: bool) -> MachineState:
        read = self._cpu.r_reg
        registers = Registers([read(at) for at in range(8)], [read(8 + at) for at in range(8)], read(16), read(17))
        return self._with_floats(registers) if floats else MachineState(registers)

    def _with_floats(self, registers: Registers) -> MachineState:
        self._stub(FLOATS_OUT)
        self.load(MachineState(registers), floats=False)
        raw = self._memory.r_block(FLOATS_AT, 8 * 12 + 8)
        fp = [int.from_bytes(raw[at : at + 2] + raw[at + 4 : at + 12], "big") for at in range(0, 96, 12)]
        return MachineState(registers, fp, int.from_bytes(raw[96:100], "big"), int.from_bytes(raw[100:104], "big"))

    def _load_floats(self, state: MachineState) -> None:
        raw = b"".join(
            (fp >> 64).to_bytes(2, "big") + bytes(2) + (fp & (1 << 64) - 1).to_bytes(8, "big") for fp in state.fp
        )
        self._memory.w_block(FLOATS_AT, raw + state.fpcr.to_bytes(4, "big") + state.fpsr.to_bytes(4, "big"))
        self._stub(FLOATS_IN)

    def _stub(self, address: int) -> None:
        cpu = self._cpu
        cpu.w_sr(0)
        cpu.w_reg(8, FLOATS_AT)
        cpu.w_pc(address)
        for _ in range(10):
            self._execute_one()
        if cpu.r_reg(16) != address + 40:
            raise HarnessFault(
                "Musashi", "its floating-point registers could not be moved", remedy="install machine68k 0.4.1"
            )

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self) -> EngineStop | None:
        cpu = self._cpu
        self._accesses.clear()
        pc = cpu.r_reg(16)
        if not self._pages.get(pc // PAGE, 0) & EXECUTE:
            return EngineStop(frozenset({ACCESS}), f"fetch at 0x{pc:08x}: no such access is allowed")
        self._memory.set_trace_mode(True)
        self._execute_one()
        self._memory.set_trace_mode(False)
        vector = None
        if cpu.r_sr() & SUPERVISOR:
            vector = (self._memory.r16(cpu.r_reg(15) + 6) & 0xFFF) >> 2
            # Writing SR so switches no stack pointer: the caller loads the guest's.
            cpu.w_sr(0)
            cpu.w_isp(SUPERVISOR_STACK)
        for mode, width, address, _ in self._accesses:
            if address == NOTHING and self._begun == 2:
                continue
            if vector is not None and (address == 4 * vector or SUPERVISOR_STACK - FRAME <= address < SUPERVISOR_STACK):
                continue
            if not self._may(address, WIDTHS[width], mode):
                kind = "read" if mode == "R" else "write"
                return EngineStop(frozenset({ACCESS}), f"{kind} at 0x{address:08x}: no such access is allowed")
        return None if vector is None else EngineStop(frozenset({vector}), f"vector {vector}")

    def touched(self) -> list[tuple[int, int]]:
        # An exception's frame is no store of the guest's.
        stores = ((address, WIDTHS[width]) for mode, width, address, _ in self._accesses if mode == "W")
        return [(address, size) for address, size in stores if address >= PAGE]

    def _may(self, address: int, size: int, mode: str) -> bool:
        needed = READ if mode == "R" else WRITE
        pages = self._pages
        last = address + size - 1
        return bool(pages.get(address // PAGE, 0) & needed and pages.get(last // PAGE, 0) & needed)

    def close(self) -> None:
        if self._machine is not None:
            self._machine.cleanup()
            self._machine = None
