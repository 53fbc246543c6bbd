"""Other witnesses for one Mach-O: the same code bytes under qemu-m68k (as a static ELF file) and under Musashi.

Where a program goes wrong, this tells the compiler's fault from the machine's: not one instruction of the program
changes but its system calls. Call numbers and argument registers of exit, read, write, open and close are the same on
NeXT and Linux, so ``trap #4`` becomes ``trap #0`` for qemu; for Musashi every trap becomes a line A instruction that is
answered here (write, exit, and vm_allocate by msg_rpc; anything else ends the run).

    python -m tests.differential.witness PROGRAM.macho [m68030|m68040]

Boundary: a tool for people and tests; nothing of the package uses it. Musashi comes from PyPI's machine68k.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytest_nextrust import macho

__all__ = ["musashi", "qemu", "to_elf"]

UNIX, MACH, USER = b"\x4e\x44", b"\x4e\x43", (b"\x4e\x45", b"\x4e\x46")
LINUX = b"\x4e\x40"
LINE_A = {UNIX: 0xA000, MACH: 0xA001}
TOP = 0x7F0000


def _segments(data: bytes, cpu: str, traps: dict[bytes, bytes]) -> tuple[int, list[tuple[int, bytes, int]]]:
    """Entry, and each segment's address, bytes and size in memory, with its traps replaced."""
    file = macho.select_member(macho.read(data), cpu)
    assert file.entry is not None
    found = []
    for segment in file.segments:
        if not segment.vmsize or segment.name in ("__PAGEZERO", "__LINKEDIT"):
            continue
        content = bytearray(file.segment_bytes(segment))
        for section in segment.sections:
            if section.sectname == "__text":
                start = section.addr - segment.vmaddr
                for at in range(start, start + section.size - 1, 2):
                    new = traps.get(bytes(content[at : at + 2]))
                    if new is not None:
                        content[at : at + 2] = new
        found.append((segment.vmaddr, bytes(content), segment.vmsize))
    return file.entry, found


def to_elf(data: bytes, cpu: str) -> bytes:
    """The program as a static Linux executable at the same addresses."""
    entry, segments = _segments(data, cpu, {UNIX: LINUX})
    header = 52 + 32 * len(segments)
    offset = (header + 0x1FFF) & ~0x1FFF
    table, body = b"", b""
    for address, content, size in segments:
        table += struct.pack(">8I", 1, offset + len(body), address, address, len(content), size, 7, 0x2000)
        body += content + bytes(-len(content) % 0x2000)
    ident = b"\x7fELF\x01\x02\x01" + bytes(9)
    ehdr = ident + struct.pack(">HHIIIIIHHHHHH", 2, 4, 1, entry, 52, 0, 0, 52, 32, len(segments), 40, 0, 0)
    return (ehdr + table).ljust(offset, b"\0") + body


def qemu(data: bytes, cpu: str = "m68030", timeout: float = 20.0) -> tuple[str, bytes]:
    """How it ends and what it prints under qemu-m68k."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        program.write_bytes(to_elf(data, cpu))
        program.chmod(0o755)
        try:
            ran = subprocess.run(["qemu-m68k", str(program)], capture_output=True, timeout=timeout, cwd=folder)
        except subprocess.TimeoutExpired as error:
            return "time", error.stdout or b""
    return (f"exit {ran.returncode}" if ran.returncode >= 0 else f"signal {-ran.returncode}"), ran.stdout


def musashi(data: bytes, cpu: str = "m68030", cycles: int = 300_000_000) -> tuple[str, bytes]:
    """How it ends and what it prints under Musashi. An exception ends it, with the vector's offset and the PC."""
    import machine68k as m

    entry, segments = _segments(data, cpu, {trap: op.to_bytes(2, "big") for trap, op in LINE_A.items()})
    machine = m.Machine(m.cpu_type_from_str(cpu[1:]), 8192)
    memory, core, register = machine.mem, machine.cpu, m.Register
    ended: list[str] = []
    memory.set_invalid_func(lambda mode, width, address: ended.append(f"bad access to {address:#x}"))
    for address, content, _size in segments:
        memory.w_block(address, content)
    heap = [max(address + size for address, _content, size in segments) + 0x2000]
    out = bytearray()
    for _ in range(2):
        machine.traps.alloc(lambda *_: None)
    catch = machine.traps.alloc(lambda *_: None) | 0xA000
    for vector in range(2, 64):
        memory.w32(vector * 4, 0x7FF000)
    memory.w16(0x7FF000, catch)
    memory.w_block(TOP, bytes([0, 0, 0, 1]) + (TOP + 20).to_bytes(4, "big") + bytes(12) + b"program\0")
    memory.w32(0, TOP)
    memory.w32(4, entry)
    core.pulse_reset()
    spent = 0
    while not ended and spent < cycles:
        result = core.execute(100_000)
        spent += max(result.cycles, 1)
        if result.was_trap and not ended:
            opcode = memory.r16(core.r_pc() - 2)
            if opcode == LINE_A[UNIX]:
                _unix(core, memory, register, out, ended)
            elif opcode == LINE_A[MACH]:
                _mach(core, memory, register, heap)
            else:
                stack = core.r_reg(register.A7)
                ended.append(f"exception {memory.r16(stack + 6) & 0xFFF:#x} at {memory.r32(stack + 2):#x}")
    return (ended[0] if ended else "budget"), bytes(out)


def _unix(core: Any, memory: Any, register: Any, out: bytearray, ended: list[str]) -> None:
    number, first, where, size = (core.r_reg(r) for r in (register.D0, register.D1, register.D2, register.D3))
    if number == 4:
        out += memory.r_block(where, size)
        core.w_reg(register.D0, size)
        core.w_sr(core.r_sr() & ~1)
    elif number == 1:
        ended.append(f"exit {first & 0xFF}")
    else:
        ended.append(f"unix call {number}")


def _mach(core: Any, memory: Any, register: Any, heap: list[int]) -> None:
    """task_self, thread_reply: a name. msg_rpc of vm_allocate (2021): the next pages, which are zero."""
    answer = 7
    if core.r_reg(register.D0) == 22:
        message = core.r_reg(register.D1)
        size = (memory.r32(message + 36) + 0x1FFF) & ~0x1FFF
        memory.w32(message + 4, 40)
        memory.w32(message + 20, memory.r32(message + 20) + 100)
        memory.w32(message + 24, 0x02200018)
        memory.w32(message + 28, 0)
        memory.w32(message + 32, 0x02200018)
        memory.w32(message + 36, heap[0])
        heap[0] += size
        answer = 0
    core.w_reg(register.D0, answer)


def main(arguments: list[str]) -> None:
    data = Path(arguments[0]).read_bytes()
    cpu = arguments[1] if len(arguments) > 1 else "m68030"
    for name, witness in (("qemu-m68k", qemu), ("Musashi", musashi)):
        end, stdout = witness(data, cpu)
        print(f"{name}: {end}\n{stdout.decode(errors='replace')}")


if __name__ == "__main__":
    main(sys.argv[1:])
