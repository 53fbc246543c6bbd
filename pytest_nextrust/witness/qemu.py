"""qemu-m68k (QEMU's user mode), steered through its debugger's stub, as an engine.

Its process gets the guest's memory as an ELF file, is stopped before its first instruction and then stepped. No trap is
ever stepped over: to it ``trap #0`` would be a Linux system call. Left alone by its debugger it would run on, so the
operating system ends it together with the process that started it.

Boundary: all memory from the program's first page to ``CEILING`` is there, and may be read, written and executed.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence

from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.witness.elf import to_elf
from pytest_nextrust.witness.engine import EngineLost, EngineStop, Piece, Remedy
from pytest_nextrust.witness.gdb import GdbClosed, GdbConnection, GdbRefused

__all__ = ["Qemu"]

PROGRAM = "qemu-m68k"
CEILING = 0x0800_0000
"""Where its memory ends."""
START, ANSWER = 20.0, 30.0
"""Seconds it may take to start, and to answer."""
POLL = 0.005
"""Seconds between two attempts to connect."""
PIECE = 1024
"""Bytes of memory in one packet."""

SR, PC, FP0, FPCR, FPSR = 16, 17, 18, 26, 27
"""Numbers of its registers; d0-d7 and a0-a7 are 0 to 15."""
INTEGERS, FLOATS = 18 * 8, 18 * 8 + 8 * 24
"""Hexadecimal digits up to the floating-point registers, and to the control registers behind them."""
CODES = 0x1F

STOPPED = 5
"""The debugger's signal for an instruction that completed."""
SIGNALS = {
    4: ("SIGILL", frozenset({4, 8, 10, 11})),
    8: ("SIGFPE", frozenset({5, 6, 7, *range(48, 55)})),
    10: ("SIGBUS", frozenset({2, 3})),
    11: ("SIGSEGV", frozenset({2, 3})),
}
"""Its signals by the debugger's numbers, and the exceptions that Linux makes each of."""


class Qemu:
    """A 68030 or 68040. Raises Remedy where qemu-m68k is not installed."""

    name = "qemu"

    def __init__(self, cpu: str) -> None:
        if shutil.which(PROGRAM) is None:
            raise Remedy(f"install {PROGRAM} (Debian: qemu-user)")
        self._cpu = cpu
        told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=START, check=False).stdout
        found = re.search(r"version (\S+)", told)
        self.version = f"{PROGRAM} {found[1] if found else '(of unknown version)'}"
        self._folder: ScratchFolder | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._gdb: GdbConnection | None = None

    def start(self, pieces: Sequence[Piece], state: MachineState) -> None:
        self.close()
        if pieces[-1].address + pieces[-1].size > CEILING:
            raise EngineLost(f"the program's memory goes beyond 0x{CEILING:08x}, where qemu's ends")
        self._folder = ScratchFolder("nextrust-work-")
        folder = self._folder.path
        program, listening = folder / "program", folder / "gdb"
        program.write_bytes(to_elf(pieces, CEILING, state.registers.pc))
        program.chmod(0o700)
        command = [PROGRAM, "-cpu", self._cpu, "-g", str(listening), str(program)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call into the C library, which is loaded before
        )
        self._gdb = self._connected(str(listening))
        # The floating-point registers are among the others only for one who has read their description.
        for part in ("target.xml", "m68k-fp.xml"):
            self._ask(f"qXfer:features:read:{part}:0,fff")
        self.load(state, floats=True)

    def _connected(self, listening: str) -> GdbConnection:
        """The connection, once the process listens."""
        ends = time.monotonic() + START
        while True:
            try:
                return GdbConnection(listening, ANSWER)
            except GdbClosed as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise EngineLost(f"{PROGRAM} does not start: {error}{self._last_words()}") from error
            time.sleep(POLL)

    def _ask(self, command: str) -> str:
        if self._gdb is None:
            raise EngineLost(f"{PROGRAM} is not running")
        try:
            return self._gdb.ask(command)
        except GdbClosed as error:
            raise EngineLost(f"{PROGRAM} ended: {error}{self._last_words()}") from error

    def _last_words(self) -> str:
        process = self._process
        if process is None or process.stderr is None or process.poll() is None:
            return ""
        words = process.stderr.read(2000).decode("utf-8", "replace").strip()
        return f": {words}" if words else f" (status {process.returncode})"

    # -- memory --------------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        found = b""
        while size > len(found):
            wanted = min(PIECE, size - len(found))
            try:
                found += bytes.fromhex(self._ask(f"m{address + len(found):x},{wanted:x}"))
            except GdbRefused:
                raise EngineLost(f"{PROGRAM} has no memory at 0x{address:08x}") from None
        return found

    def write(self, address: int, data: bytes) -> None:
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            try:
                self._ask(f"M{address + at:x},{len(piece):x}:{piece.hex()}")
            except GdbRefused:
                raise EngineLost(f"{PROGRAM} has no memory at 0x{address + at:08x}") from None

    def protect(self, address: int, size: int, prot: int) -> None:
        if prot and address + size > CEILING:
            raise EngineLost(f"the program uses memory beyond 0x{CEILING:08x}, where qemu's ends")

    # -- registers -----------------------------------------------------------------------------------------------------

    def load(self, state: MachineState, *, floats: bool) -> None:
        registers = state.registers
        words = (*registers.d, *registers.a, registers.sr & CODES, registers.pc)
        for number, word in enumerate(words):
            self._ask(f"P{number:x}={word:08x}")
        if not floats:
            return
        for at, value in enumerate(state.fp):
            self._ask(f"P{FP0 + at:x}={value >> 64:04x}0000{value & (1 << 64) - 1:016x}")
        self._ask(f"P{FPCR:x}={state.fpcr:08x}")
        self._ask(f"P{FPSR:x}={state.fpsr:08x}")

    def state(self, *, floats: bool) -> MachineState:
        digits = self._ask("g")
        words = [int(digits[at : at + 8], 16) for at in range(0, INTEGERS, 8)]
        registers = Registers(words[:8], words[8:16], words[PC], words[SR] & 0xFFFF)
        if not floats:
            return MachineState(registers)
        fp = [int(digits[at : at + 4] + digits[at + 8 : at + 24], 16) for at in range(INTEGERS, FLOATS, 24)]
        return MachineState(
            registers, fp, int(digits[FLOATS : FLOATS + 8], 16), int(digits[FLOATS + 8 : FLOATS + 16], 16)
        )

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self) -> EngineStop | None:
        answer = self._ask("s")
        if answer[:1] not in ("T", "S"):
            raise EngineLost(f"{PROGRAM} ended with the instruction ({answer})")
        signal = int(answer[1:3], 16)
        if signal == STOPPED:
            return None
        name, vectors = SIGNALS.get(signal, (f"signal {signal}", frozenset()))
        return EngineStop(vectors, name)

    def touched(self) -> list[tuple[int, int]]:
        return []

    def close(self) -> None:
        # The process first: without its debugger it would run on.
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None
        if self._gdb is not None:
            self._gdb.close()
            self._gdb = None
        if self._folder is not None:
            self._folder.close()
            self._folder = None


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """In the new process: ask Linux, where alone there is a QEMU of this kind, to end it with its parent."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
