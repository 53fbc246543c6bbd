"""What happened in one concrete run, as records that people and programs can read.

Boundary: child process only. Turns executed instructions into trace steps with symbols, source lines and values; says
what stopped a thread, and which thread last wrote what another one waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_nextrust.emu.child.cpu_exceptions import ACCESS, ADDRESS, DIVIDE, VECTORS
from pytest_nextrust.emu.child.stepper import StepStop
from pytest_nextrust.emu.child.thread_state import ccr_of, register_of
from pytest_nextrust.emu.kernel.call_names import THREAD_CALLS, mach_name, unix_name
from pytest_nextrust.emu.kernel.threads import TABLE, TABLE_SIZE
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import AccessRecord, TraceStep
from pytest_nextrust.explore.child.callers import Callers, LibraryCall
from pytest_nextrust.explore.child.execute import Executed
from pytest_nextrust.explore.child.image import STACKS, MemoryImage
from pytest_nextrust.explore.child.program_calls import UNBORN
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble

__all__ = [
    "DESTROYED",
    "REGISTERS",
    "STEPS",
    "BlockedThread",
    "Narrator",
    "changed",
    "flags",
    "is_call",
    "stop_text",
    "trap_text",
]

STEPS = 4000
"""Instructions of a run that an answer holds at most; which of a longer one: ``confirm.kept_steps``."""

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

DESTROYED = 0xFFFF_FFFF
"""The word of an object of the thread libraries that was destroyed: see ``toolchain/runtime/thread_library.h``."""

SIGSEGV, SIGBUS, SIGFPE, SIGILL = "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"


@dataclass(frozen=True, slots=True)
class BlockedThread:
    """A thread stands at ``pc`` and waits for a word of memory, which it wants to hold (``is_held``) or to change."""

    thread: int
    pc: Address
    sp: int
    address: int
    size: int
    value: int
    is_held: bool


def in_table(address: int) -> bool:
    """Whether the word is a thread's status, in the kernel's table."""
    return TABLE <= address < TABLE + TABLE_SIZE


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
    return f"Mach trap {d0} ({THREAD_CALLS.get(d0) or mach_name(d0)}) by trap #3"


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
    """Turns instructions of one image into text, with the source lines that its symbol table knows.

    ``follow`` the whole run first: what a library executes is named by who called it.
    """

    def __init__(self, image: MemoryImage) -> None:
        self._image = image
        self._text: dict[int, str] = {}
        lines = image.program.lines
        self._callers = Callers(lambda pc: int.from_bytes(self._code(pc)[:2], "big"), lambda pc: bool(lines.at(pc)))

    def follow(self, run: Iterable[Executed]) -> None:
        """Take the run from its start."""
        self._callers.follow(run)

    def place(self, thread: int, pc: int, sp: int) -> str:
        """Where a thread is now: what it executes next, and who called that."""
        return self._place(pc, self._callers.of_thread(thread, pc, sp))

    def _place(self, pc: int, call: LibraryCall | None) -> str:
        function, line = self._named(pc, call)
        if call is None:
            return function
        return f"{function.removesuffix(')')}, {line})"

    def _named(self, pc: int, call: LibraryCall | None) -> tuple[str, str]:
        """Function and line of an instruction; those of a library's are what was called, who called it and where."""
        lines = self._image.program.lines
        if call is None:
            return self._image.symbol(pc), lines.at(pc)
        caller = self._image.symbol(call.site).partition("+0x")[0]
        return f"{self._image.symbol(call.target)} ({caller})", lines.at(call.site)

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
        function, line = self._named(done.pc, self._callers.of_step(done))
        return TraceStep(
            thread=done.thread,
            pc=done.pc,
            function=function,
            line=line,
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
        value: dict[tuple[int, Address, int], tuple[Executed, int]] = {}
        for done in loop:
            for writes, address, size, read in done.touches:
                if not writes and not STACKS <= address <= self._image.spare:
                    value.setdefault((done.thread, address, size), (done, read))
        return tuple(
            f"thread {thread} in {self._of(done)} reads {self._image.symbol(address)} = 0x{read:x}, "
            + self._since(writer, thread, address, size)
            for (thread, address, size), (done, read) in sorted(value.items(), key=lambda item: item[0])
        )

    def blocked(self, run: Iterable[Executed], waits: Iterable[BlockedThread]) -> tuple[str, ...]:
        """Who waits for which word without running."""
        writer = self._changers(run)
        return tuple(
            f"thread {wait.thread} in {self.place(wait.thread, wait.pc, wait.sp)} "
            f"waits for {self._awaited(wait, writer)}"
            for wait in waits
        )

    def awaited(self, address: int) -> str:
        """What a thread waits for that waits for a word."""
        name = self._image.symbol(address)
        return name.replace("status of", "the end of") if in_table(address) else name

    def _awaited(self, wait: BlockedThread, writer: Mapping[int, Executed]) -> str:
        name = self.awaited(wait.address)
        if in_table(wait.address):
            return name
        if not wait.is_held:
            name += ", destroyed" if wait.value == DESTROYED else f" = 0x{wait.value:x}"
        return f"{name}, {self._since(writer, wait.thread, wait.address, wait.size, holds=wait.is_held)}"

    def _since(
        self, writer: Mapping[int, Executed], thread: int, address: int, size: int, *, holds: bool = False
    ) -> str:
        """Who made a word what it is, and where."""
        last = next((writer[address + i] for i in range(size) if address + i in writer), None)
        if last is None:
            return "as it was at the start"
        whose = "itself" if last.thread == thread else f"thread {last.thread}"
        return f"{'held' if holds else 'set'} by {whose} {'since' if holds else 'in'} {self._of(last)}"

    def _of(self, done: Executed) -> str:
        return self._place(done.pc, self._callers.of_step(done))

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
