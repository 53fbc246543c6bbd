"""What happened in one concrete run, as records that people and programs can read.

Boundary: child process only. Turns executed instructions into trace steps with symbols, source lines and values; says
what stopped a thread, and which thread last wrote what another one waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_nextrust.emu.child.cpu_exceptions import ACCESS, ADDRESS, DIVIDE, VECTORS
from pytest_nextrust.emu.child.stepper import StepStop
from pytest_nextrust.emu.child.thread_state import ccr_of, register_of
from pytest_nextrust.emu.kernel.call_names import mach_name, unix_name
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import AccessRecord, TraceStep
from pytest_nextrust.explore.child.execute import Executed
from pytest_nextrust.explore.child.image import STACKS, MemoryImage
from pytest_nextrust.explore.child.program_calls import UNBORN
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble

__all__ = ["REGISTERS", "STEPS", "Narrator", "changed", "flags", "is_call", "stop_text", "trap_text"]

STEPS = 4000
"""Instructions of a run that an answer holds at most; of a longer one the last."""

LOOP_STEPS = 200

REGISTERS = (*(f"d{n}" for n in range(8)), *(f"a{n}" for n in range(7)), "sp")

MACH, UNIX = 35, 36
LONGEST = 24
"""Bytes of the longest instruction there is, rounded up."""

ENDS = {
    "exited": "the program exits",
    "killed": "the program is killed",
    "failed": "the assertion does not hold",
    "given up": "the assumption does not hold",
}
"""What a note says of an instruction with which the whole program ends."""

SIGSEGV, SIGBUS, SIGFPE, SIGILL = "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"


def flags(ccr: int) -> str:
    """Condition codes as text: XNZVC, with - for what is clear."""
    return "".join(name if ccr >> bit & 1 else "-" for name, bit in zip("XNZVC", range(4, -1, -1), strict=True))


def changed(before: bytes, after: bytes) -> tuple[tuple[str, int], ...]:
    """The registers in which two states of a thread differ but pc, with their values in the second."""
    return tuple(
        (name, value)
        for number, name in enumerate(REGISTERS)
        if (value := register_of(after, number)) != register_of(before, number)
    )


def is_call(stop: StepStop) -> bool:
    """Whether a thread stopped at a call of the kernel, which exploration does not serve."""
    return stop.vector in (MACH, UNIX)


def trap_text(stop: StepStop, d0: int) -> str:
    """Which call it was."""
    if stop.vector == UNIX:
        return f"UNIX call {d0} ({unix_name(d0)}) by trap #4"
    return f"Mach trap {d0} ({mach_name(d0)}) by trap #3"


def stop_text(image: MemoryImage, stop: StepStop) -> str:
    """What a thread died of."""
    if stop.vector == ACCESS:
        mapped = next((r for r in image.regions if r.address <= stop.address < r.address + r.size), None)
        signal = SIGBUS if mapped is not None else SIGSEGV
        why = "is not allowed there" if mapped is not None else "and no memory is there"
        name = image.symbol(stop.address)
        name = "" if name == f"0x{stop.address:x}" else f" ({name})"
        return f"{signal}: {stop.access} at 0x{stop.address:x}{name}, {why}"
    signal = {ADDRESS: SIGBUS, DIVIDE: SIGFPE}.get(stop.vector, SIGFPE if 48 <= stop.vector <= 54 else SIGILL)
    return f"{signal}: {VECTORS.get(stop.vector, f'vector {stop.vector}')}"


class Narrator:
    """Turns instructions of one image into text, with the source lines that its symbol table knows."""

    def __init__(self, image: MemoryImage) -> None:
        self._image = image
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
        elif done.pc == UNBORN:
            note = "the thread begins"
        elif done.ends:
            note = ENDS[done.ends]
        elif any(address + i in shared for _, address, size, _ in done.touches for i in range(size)):
            note = "shared"
        return TraceStep(
            thread=done.thread,
            pc=done.pc,
            function=self._image.symbol(done.pc),
            line=self._image.program.lines.at(done.pc),
            instruction="(signal)" if done.delivery else "(begin)" if done.pc == UNBORN else self.instruction(done.pc),
            access=accesses,
            note=note,
            registers=changed(done.before, done.after),
            flags=flags(ccr_of(done.after)),
        )

    def instruction(self, pc: int) -> str:
        """The instruction at ``pc``."""
        if pc not in self._text:
            data = self._code(pc)
            decoded = decode(data, pc)
            data = data[: decoded.length if decoded is not None else 2]
            self._text[pc] = disassemble(data, pc, self._image.program.cpu)
        return self._text[pc]

    def waits(self, history: Iterable[Executed], loop: Sequence[Executed]) -> tuple[str, ...]:
        """Who waits for what: what each thread reads in the loop that somebody wrote, and who wrote it last."""
        writer = self._changers((*history, *loop))
        value: dict[tuple[int, Address, int], tuple[Address, int]] = {}
        for done in loop:
            for writes, address, size, read in done.touches:
                if not writes and not STACKS <= address <= self._image.spare:
                    value.setdefault((done.thread, address, size), (done.pc, read))
        return tuple(
            self._wait(writer, thread, pc, "reads", address, size, read)
            for (thread, address, size), (pc, read) in sorted(value.items())
        )

    def blocked(self, run: Iterable[Executed], waits: Iterable[tuple[int, Address, int, int, int]]) -> tuple[str, ...]:
        """Who waits for which word without running: thread, pc, address, width and value of each."""
        writer = self._changers(run)
        return tuple(
            self._wait(writer, thread, pc, "waits for", address, size, value)
            for thread, pc, address, size, value in waits
        )

    def _wait(
        self, writer: Mapping[int, Executed], thread: int, pc: int, does: str, address: int, size: int, value: int
    ) -> str:
        last = next((writer[address + i] for i in range(size) if address + i in writer), None)
        by = "as it was at the start"
        if last is not None:
            whose = "itself" if last.thread == thread else f"thread {last.thread}"
            by = f"set by {whose} in {self._image.symbol(last.pc)}"
        return f"thread {thread} in {self._image.symbol(pc)} {does} {self._image.symbol(address)} = 0x{value:x}, {by}"

    def _changers(self, run: Iterable[Executed]) -> dict[int, Executed]:
        """The instruction that last changed each byte; tas on a lock that is held writes it and changes nothing."""
        changer: dict[int, Executed] = {}
        memory: dict[int, int] = {}
        for done in run:
            for writes, address, size, value in done.touches:
                for byte, new in enumerate(value.to_bytes(size, "big"), address):
                    if writes and memory.get(byte, self._image.byte(byte)) != new:
                        memory[byte] = new
                        changer[byte] = done
        return changer

    def _code(self, pc: int) -> bytes:
        for region in self._image.regions:
            if region.address <= pc < region.address + region.size:
                at = pc - region.address
                return region.data[at : at + LONGEST].ljust(2, b"\0")
        return b""
