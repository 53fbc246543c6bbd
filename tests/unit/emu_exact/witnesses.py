"""One instruction on four machines: exact execution, the emulator, Musashi, and qemu-m68k.

Each takes a ``Case`` and answers an ``After``. All have the code at CODE and 256 bytes of data at DATA; where an
instruction goes elsewhere, it goes to FORWARD, BACK or into the data.

Boundary: tests only. qemu-m68k runs ``witness.c``, which is compiled where a compiler is.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.cpu_exceptions import interpret
from pytest_nextrust.emu.exact.execute import execute
from pytest_nextrust.emu.exact.state import NAN, MachineState
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.isa.decode import decode

__all__ = [
    "BACK",
    "CODE",
    "DATA",
    "FORWARD",
    "After",
    "Case",
    "Emulator",
    "Memory",
    "Musashi",
    "build_qemu",
    "exact",
    "qemu",
]

CODE, DATA = 0x10_0080, 0x20_0400
FORWARD, BACK = CODE + 0x60, CODE - 0x40
SIZE = 256
PAGE = 0x2000
SIGNALS = {0: None, 4: 4, 5: 5, 8: 8, 10: 10, 11: 11}


def _nans() -> list[int]:
    return [NAN] * 8


@dataclass(frozen=True)
class Case:
    """An instruction, and the state before it."""

    code: bytes
    d: Sequence[int] = (0,) * 8
    a: Sequence[int] = (DATA,) * 8
    ccr: int = 0
    fp: Sequence[int] = field(default_factory=_nans)
    control: Sequence[int] = (0, 0, 0)
    data: bytes = bytes(SIZE)

    def __str__(self) -> str:
        return f"{self.code.hex()} d {list(map(hex, self.d))} a {list(map(hex, self.a))} ccr {self.ccr}"


@dataclass
class After:
    """The state after it; ``vector`` is None where no exception was taken, and a signal's number for qemu."""

    vector: int | None
    pc: int
    d: list[int]
    a: list[int]
    ccr: int
    fp: list[int] = field(default_factory=list)
    control: list[int] = field(default_factory=list)
    data: bytes = b""

    def integer(self) -> tuple[Any, ...]:
        return self.vector is not None, self.pc, self.d, self.a, self.ccr, self.data


AROUND = 0x80
LANDING = bytes.fromhex("48f9ffff00300000 41fafff6 4ef900101000")


def around(case: Case) -> bytes:
    """The instruction and what stands around it, landings included (see ``witness.c``)."""
    code = bytearray(b"\x4a" * 0x200)
    for at in (FORWARD - CODE, BACK - CODE, instruction_length(case)):
        code[AROUND + at : AROUND + at + len(LANDING)] = LANDING
        if at == BACK - CODE:
            code[AROUND : AROUND + 32] = case.code.ljust(32, b"\0")[:32]
    return bytes(code)


def instruction_length(case: Case) -> int:
    decoded = decode(case.code, CODE)
    return decoded.length if decoded is not None else len(case.code)


class Memory:
    """The two pages as a bus."""

    def __init__(self, case: Case) -> None:
        self.pages = {CODE & -PAGE: bytearray(PAGE), DATA & -PAGE: bytearray(PAGE)}
        self.write(CODE - AROUND, around(case))
        self.write(DATA, case.data)

    def _page(self, address: int, size: int, access: Any) -> tuple[bytearray, int]:
        page = self.pages.get(address & -PAGE)
        if page is None or address % PAGE + size > PAGE:
            raise GuestFault(address, access, protection=False)
        return page, address % PAGE

    def read(self, address: int, size: int) -> bytes:
        page, at = self._page(address, size, "read")
        return bytes(page[at : at + size])

    def write(self, address: int, data: bytes) -> None:
        page, at = self._page(address, len(data), "write")
        page[at : at + len(data)] = data


def exact(case: Case, cpu: str) -> After:
    """By the package's own execution."""
    memory = Memory(case)
    state = MachineState(Registers(list(case.d), list(case.a), CODE, case.ccr), list(case.fp), *case.control)
    vector = execute(state, case.code, memory, cpu)
    registers = state.registers
    control = [state.fpcr, state.fpsr, state.fpiar]
    return After(
        vector, registers.pc, registers.d, registers.a, registers.sr & 31, state.fp, control, memory.read(DATA, SIZE)
    )


FP_WORDS = 28
LOADER = bytes.fromhex("f210d0ff f2008800 f2019000 4e71")
"""fmovem.x (a0),fp0-fp7; fmove.l d0,fpsr; fmove.l d1,fpcr"""


class Emulator:
    """By the emulator, floating-point registers included."""

    def __init__(self, cpu: str) -> None:
        import ctypes

        self.cpu = Cpu(cpu)
        self._context = self.cpu.uc.context_save()
        self._fp: Any = (ctypes.c_uint32 * 40).from_address(self._context.address + 40 + 4 * FP_WORDS)
        for page in (CODE, DATA, LOADER_AT):
            self.cpu.uc.mem_map(page & -PAGE, PAGE, 7)
        self.cpu.uc.mem_write(LOADER_AT, LOADER)

    def __call__(self, case: Case) -> After:
        uc = self.cpu.uc
        uc.mem_write(LOADER_AT + 64, b"".join(pack_extended(value) for value in case.fp))
        d = [case.control[1], case.control[0]] + [0] * 6
        self.cpu.load(Registers(d, [LOADER_AT + 64] + [0] * 7, LOADER_AT, 0))
        for at in (0, 4, 8):
            assert self.cpu.emulate(LOADER_AT + at).event is None
        uc.mem_write(CODE & -PAGE, bytes(PAGE))
        uc.mem_write(DATA & -PAGE, bytes(PAGE))
        uc.mem_write(CODE - AROUND, around(case))
        uc.mem_write(DATA, case.data)
        uc.ctl_remove_cache(CODE - AROUND, CODE + 0x180)
        self.cpu.load(Registers(list(case.d), list(case.a), CODE, case.ccr))
        event = self.cpu.emulate(CODE).event
        registers = self.cpu.registers()
        vector = None
        if event is not None and event.kind == "exception":
            vector = interpret(event.vector, registers, case.code, self.cpu.name).vector
        elif event is not None:
            vector = 2
        uc.context_update(self._context)
        words = self._fp
        fp = [(words[4 * n + 2] & 0xFFFF) << 64 | words[4 * n + 1] << 32 | words[4 * n] for n in range(8)]
        control = [words[36], words[37], 0]
        return After(
            vector,
            registers.pc,
            registers.d,
            registers.a,
            registers.sr & 31,
            fp,
            control,
            bytes(uc.mem_read(DATA, SIZE)),
        )


LOADER_AT = 0x40_0000


def pack_extended(value: int) -> bytes:
    """Twelve bytes as they stand in memory."""
    return (value >> 64).to_bytes(2, "big") + bytes(2) + (value & (1 << 64) - 1).to_bytes(8, "big")


def unpack_extended(data: bytes) -> int:
    return int.from_bytes(data[:2], "big") << 64 | int.from_bytes(data[4:12], "big")


class Musashi:
    """By Musashi, integer instructions alone."""

    def __init__(self, cpu: str) -> None:
        import machine68k as m

        self._machine = m.Machine(m.cpu_type_from_str(cpu[1:]), 4096)
        self._register = m.Register
        self._faults: list[int] = []
        memory = self._machine.mem
        memory.set_invalid_func(lambda mode, width, address: self._faults.append(address))
        for vector in range(2, 64):
            memory.w32(vector * 4, 0x8000)
        memory.w32(0, 0x7000)
        memory.w32(4, 0x8000)
        for at in range(0x8000, 0x8100, 2):
            memory.w16(at, 0x4E71)
        self._machine.cpu.pulse_reset()
        self._machine.cpu.execute(600)  # The reset itself takes its time.

    def __call__(self, case: Case) -> After:
        core, memory = self._machine.cpu, self._machine.mem
        memory.w_block(CODE & -PAGE, bytes(PAGE))
        memory.w_block(DATA & -PAGE, bytes(PAGE))
        memory.w_block(CODE - AROUND, around(case))
        memory.w_block(DATA, case.data)
        core.w_sr(case.ccr)  # It changes no stack pointer.
        core.w_isp(0x7000)
        for number in range(8):
            core.w_reg(number, case.d[number])
            core.w_reg(8 + number, case.a[number])
        core.w_pc(CODE)
        core.execute(1)
        vector, pc, codes = None, core.r_pc(), core.r_sr()
        d, a = [core.r_reg(n) for n in range(8)], [core.r_reg(8 + n) for n in range(7)]
        stack = core.r_usp() if codes & 0x2000 else core.r_reg(15)
        if codes & 0x2000:
            frame = core.r_reg(15)
            codes, pc = memory.r16(frame), memory.r32(frame + 2)
            vector = (memory.r16(frame + 6) & 0xFFF) >> 2
        return After(vector, pc, d, [*a, stack], codes & 31, data=bytes(memory.r_block(DATA, SIZE)))


# -- qemu-m68k ---------------------------------------------------------------------------------------------------------


def build_qemu(folder: Path) -> Path:
    """Compile the program that runs under qemu-m68k."""
    program = folder / "witness"
    source = Path(__file__).parent / "witness.c"
    command = ["m68k-linux-gnu-gcc", "-static", "-O1", "-m68030", "-w", "-o", str(program), str(source)]
    subprocess.run(command, check=True, timeout=120)
    return program


AT_ONCE = 5_000


def qemu(program: Path, cases: Sequence[Case], cpu: str) -> list[After | None]:
    """All of the cases, in as few runs as can be; None for one that kills it."""
    answers: list[After | None] = []
    size = 4 * (2 + 16 + 1 + 24 + 3) + SIZE
    while len(answers) < len(cases):
        given = b"".join(_record(case) for case in cases[len(answers) : len(answers) + AT_ONCE])
        ran = subprocess.run(["qemu-m68k", "-cpu", cpu, str(program)], input=given, capture_output=True, timeout=60)
        answers += [_answer(ran.stdout[at : at + size]) for at in range(0, len(ran.stdout) - size + 1, size)]
        if ran.returncode:
            answers.append(None)
    return answers


def _record(case: Case) -> bytes:
    length = instruction_length(case)
    fp = b"".join(pack_extended(value) for value in case.fp)
    head = case.code.ljust(32, b"\0")[:32] + struct.pack(">18I", length, *case.d, *case.a, case.ccr)
    return head + fp + struct.pack(">3I", *case.control) + case.data


def _answer(data: bytes) -> After:
    words = struct.unpack_from(">46I", data)
    fp = [unpack_extended(data[76 + 12 * n : 88 + 12 * n]) for n in range(8)]
    return After(
        words[0] or None, words[1], list(words[2:10]), list(words[10:18]), words[18], fp, list(words[43:46]), data[184:]
    )
