"""What happened in one concrete run, as records that people and programs can read.

Boundary: child process only. Turns executed instructions into trace steps with symbols, source lines and values; says
what stopped a thread, and which thread last wrote what another one waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_nextrust.emu.decode import decode
from pytest_nextrust.emu.disassemble import disassemble
from pytest_nextrust.emu.exceptions import ACCESS, ADDRESS, DIVIDE, VECTORS
from pytest_nextrust.emu.kernel.names import mach_name, unix_name
from pytest_nextrust.emu.stepper import StepStop
from pytest_nextrust.emu.threadstate import register_of
from pytest_nextrust.explore.concrete import Executed
from pytest_nextrust.explore.image import Image
from pytest_nextrust.explore.records import AccessRecord, TraceStep

__all__ = ["STEPS", "Narrator", "is_call", "stop_text", "trap_text"]

STEPS = 4000
"""Instructions of a run that an answer holds at most; of a longer one the last."""

LOOP_STEPS = 200

MACH, UNIX = 35, 36
LONGEST = 24
"""Bytes of the longest instruction there is, rounded up."""

SIGSEGV, SIGBUS, SIGFPE, SIGILL = "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"


def is_call(stop: StepStop) -> bool:
    """Whether a thread stopped at a call of the kernel, which exploration does not serve."""
    return stop.vector in (MACH, UNIX)


def trap_text(stop: StepStop, d0: int) -> str:
    """Which call it was."""
    if stop.vector == UNIX:
        return f"UNIX call {d0} ({unix_name(d0)}) by trap #4"
    return f"Mach trap {d0} ({mach_name(d0)}) by trap #3"


def stop_text(image: Image, stop: StepStop) -> str:
    """What a thread died of."""
    if stop.vector == ACCESS:
        mapped = next((r for r in image.regions if r.address <= stop.address < r.address + r.size), None)
        signal = SIGBUS if mapped is not None else SIGSEGV
        why = "is not allowed there" if mapped is not None else "and no memory is there"
        return f"{signal}: {stop.access} at 0x{stop.address:x} ({image.symbol(stop.address)}), {why}"
    signal = {ADDRESS: SIGBUS, DIVIDE: SIGFPE}.get(stop.vector, SIGFPE if 48 <= stop.vector <= 54 else SIGILL)
    return f"{signal}: {VECTORS.get(stop.vector, f'vector {stop.vector}')}"


class Narrator:
    """Turns instructions of one image into text. ``lines`` maps addresses to source lines, where they are known."""

    def __init__(self, image: Image, cpu: str, lines: Mapping[int, str] | None = None) -> None:
        self._image = image
        self._cpu = cpu
        self._lines = lines or {}
        self._text: dict[int, str] = {}

    def steps(self, run: Sequence[Executed], shared: frozenset[int]) -> tuple[TraceStep, ...]:
        """The run; what touches ``shared`` bytes is noted ``shared``, for a short form to pick."""
        return tuple(self.step(done, shared) for done in run)

    def step(self, done: Executed, shared: frozenset[int]) -> TraceStep:
        accesses = tuple(
            AccessRecord(writes, address, size, value, self._image.symbol(address))
            for writes, address, size, value in done.touches
        )
        note = ""
        if done.stop is not None:
            note = stop_text(self._image, done.stop)
        elif done.delivery:
            note = "a signal interrupts the thread"
        elif any(address + i in shared for _, address, size, _ in done.touches for i in range(size)):
            note = "shared"
        return TraceStep(
            thread=done.thread,
            pc=done.pc,
            function=self._image.symbol(done.pc),
            line=self._lines.get(done.pc, ""),
            instruction="(signal)" if done.delivery else self.instruction(done.pc),
            access=accesses,
            note=note,
        )

    def instruction(self, pc: int) -> str:
        """The instruction at ``pc``."""
        if pc not in self._text:
            data = self._code(pc)
            decoded = decode(data, pc)
            data = data[: decoded.length if decoded is not None else 2]
            self._text[pc] = disassemble(data, pc, self._cpu)
        return self._text[pc]

    def waits(self, history: Iterable[Executed], loop: Sequence[Executed]) -> tuple[str, ...]:
        """Who waits for what: what each thread reads in the loop that somebody wrote, and who wrote it last."""
        writer: dict[int, Executed] = {}
        value: dict[tuple[int, int, int], tuple[int, int]] = {}
        for done in (*history, *loop):
            for writes, address, size, _ in done.touches:
                if writes:
                    writer.update((address + i, done) for i in range(size))
        own = {
            (done.thread, address + i)
            for done in loop
            for writes, address, size, _ in done.touches
            if writes
            for i in range(size)
        }
        for done in loop:
            for writes, address, size, read in done.touches:
                if not writes and not 0x0300_0000 <= address <= self._image.spare:
                    value.setdefault((done.thread, address, size), (done.pc, read))
        lines = []
        for (thread, address, size), (pc, read) in sorted(value.items()):
            last = next((writer[address + i] for i in range(size) if address + i in writer), None)
            if last is None and (thread, address) not in own:
                by = "as it was at the start"
            elif last is not None and last.thread != thread:
                by = f"last written by thread {last.thread} in {self._image.symbol(last.pc)}"
            elif last is not None:
                by = f"last written by itself in {self._image.symbol(last.pc)}"
            else:
                continue
            where = self._image.symbol(pc)
            lines.append(f"thread {thread} in {where} reads {self._image.symbol(address)} = 0x{read:x}, {by}")
        return tuple(lines)

    def _code(self, pc: int) -> bytes:
        for region in self._image.regions:
            if region.address <= pc < region.address + region.size:
                at = pc - region.address
                return region.data[at : at + LONGEST].ljust(2, b"\0")
        return b""


def d0_of(done: Executed) -> int:
    """d0 before an instruction: the number of the call, where it is a trap."""
    return register_of(done.before, 0)
