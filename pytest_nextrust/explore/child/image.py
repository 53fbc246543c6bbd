"""A program in memory as exploration has it: its segments, a stack for every thread, and what leads into a handler.

Code is not writable: what runs is what was loaded. ``nextrust_setup`` has run alone before anything else, so the image
that threads start from holds its effects. A program that is explored in many variants is read and checked once; each
has bytes of its own over the program's, and symbols beside them.

Boundary: child process only. Reads a Mach-O through ``macho``; steps nothing but the setup.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper, StepStop
from pytest_nextrust.emu.child.thread_state import PC, pack, register_of
from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.kernel.threads import HEAP, HEAPS, SENTINEL, SPACING, STACK, STACKS
from pytest_nextrust.emu.loader import open_program
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.explore.child.accesses import Access
from pytest_nextrust.explore.child.program_calls import UNBORN, ProgramKernel
from pytest_nextrust.explore.child.step_options import ThreadStart
from pytest_nextrust.explore.child.traps import serve
from pytest_nextrust.isa.unsupported import refuse_unsupported
from pytest_nextrust.macho import SourceLines

__all__ = ["STACKS", "CheckedProgram", "MemoryImage", "Stopped", "call", "checked", "prepared"]

PAGE = 0x2000
READ, WRITE, EXECUTE = 1, 2, 4

TRAMPOLINE = Address(0x02FE_0000)
HEAP_OBJECT = 64
"""Bytes that are taken for one object of a heap."""

LONGEST = 22
"""Bytes of the longest instruction: two operands with extension words of the full format."""

THREAD_CALLS = (
    "nextrust_thread_kind",
    "nextrust_thread_self",
    "nextrust_acquire",
    "nextrust_fail",
    "nextrust_choose",
    "thread_create",
)
"""Functions of the runtime, one of which every program has that makes calls of ``emu.kernel.threads``."""

CHUNK = 100_000
SETUP_LIMIT = 20_000_000
"""Instructions that setup may take."""

SCRATCH = 0x48E7C0C0
"""movem.l d0-d1/a0-a1,-(sp)"""


@dataclass(frozen=True, slots=True)
class MemoryImage:
    """``regions`` as threads find them; ``starts`` of the threads; ``spare``: a start's stack that no thread has.

    ``symbols`` are those that the file does not have, as C spells them.
    """

    program: CheckedProgram
    regions: tuple[ImageRegion, ...]
    starts: tuple[ThreadStart, ...]
    spare: Address
    handler: Address | None = None
    symbols: Mapping[str, Address] = field(default_factory=dict)

    @property
    def stacks(self) -> range:
        """Where the threads' stacks are."""
        return range(STACKS, self.spare + 4 - STACK)

    def address(self, name: str) -> Address:
        """Where a C name is. Raises NotRunnable."""
        found = self.known(name)
        if found is None:
            raise NotRunnable("program", f"has no symbol {name}", remedy="export it, and link with a symbol table")
        return found

    def known(self, name: str) -> Address | None:
        """Where a C name is, if the program has it."""
        if name in self.symbols:
            return self.symbols[name]
        symbol = self.program.file.lookup("_" + name) or self.program.file.lookup(name)
        return None if symbol is None else Address(symbol.value)

    def byte(self, address: int) -> int:
        """One byte as threads find it. Raises KeyError outside the image."""
        for region in self.regions:
            if region.address <= address < region.address + region.size:
                at = address - region.address
                return region.data[at] if at < len(region.data) else 0
        raise KeyError(address)

    def extent(self, address: int) -> range:
        """The addresses of the object that a byte is of, as far as symbols tell; in a heap, those around."""
        if address >= HEAPS:
            start = address - address % HEAP_OBJECT
            return range(start, start + HEAP_OBJECT)
        section = self.program.file.section_at(address)
        if section is None:
            return range(address, address + 1)
        places, end = self.program.places, section.addr + section.size
        at = bisect_right(places, address)
        start = max(places[at - 1], section.addr) if at else section.addr
        return range(start, min(places[at], end) if at < len(places) else end)

    def code(self, address: int) -> bytes:
        """What is at an address, enough for the longest instruction; nothing where nothing can be executed."""
        for region in self.regions:
            if region.prot & EXECUTE and region.address <= address < region.address + region.size:
                at = address - region.address
                return region.data[at : at + LONGEST]
        return b""

    def symbol(self, address: int) -> str:
        """What stands at an address: a symbol with a distance, whose stack, or the number."""
        if STACKS <= address < self.spare + 4:
            thread, offset = divmod(address - STACKS, SPACING)
            whose = f"thread {thread}" if thread < len(self.starts) else "setup"
            return f"stack of {whose}-0x{STACK - offset:x}"
        if address == UNBORN:
            return "(not begun)"
        if threads.TABLE <= address < threads.TABLE + threads.TABLE_SIZE:
            return threads.described(address)
        if HEAPS <= address < HEAPS + len(self.starts) * HEAP:
            thread, offset = divmod(address - HEAPS, HEAP)
            return f"heap of thread {thread}+0x{offset:x}"
        if TRAMPOLINE <= address < TRAMPOLINE + PAGE:
            return f"sigtramp+0x{address - TRAMPOLINE:x}"
        section = self.program.file.section_at(address)
        if section is not None:
            near = max(((at, name) for name, at in self.symbols.items() if section.addr <= at <= address), default=None)
            found = self.program.file.symbol_at(address)
            if near is not None and (found is None or address - near[0] < found[1]):
                return f"{near[1]}+0x{address - near[0]:x}" if address != near[0] else near[1]
        return self.program.file.describe(address).removeprefix("_") or f"0x{address:x}"


class Stopped(Exception):
    """A function that ran alone did not return: it faulted, took a trap that nobody serves, or took too long."""

    def __init__(self, stop: StepStop | None, pc: int, d0: int = 0) -> None:
        super().__init__(stop, pc)
        self.stop = stop
        self.pc = pc
        self.d0 = d0


class CheckedProgram:
    """A Mach-O read and checked for a CPU; see ``checked``. Raises NotRunnable."""

    def __init__(self, program: bytes, cpu: str) -> None:
        self.cpu = cpu
        self.file = open_program(program, cpu)
        refuse_unsupported(self.file, cpu)
        self.regions: list[ImageRegion] = []
        for segment in self.file.segments:
            if not segment.vmsize or not segment.initprot & 7:
                continue
            size = -(-segment.vmsize // PAGE) * PAGE
            if segment.vmaddr + size > threads.TABLE:
                raise NotRunnable(
                    "program", f"segment {segment.name} reaches into where stacks are", remedy="make it smaller"
                )
            data = bytes(self.file.segment_bytes(segment)[: segment.vmsize])
            self.regions.append(ImageRegion(segment.vmaddr, size, _protection(segment.name, segment.initprot), data))

    def whole(self, slots: int, argument: str) -> MemoryImage:
        """The image of a program that runs from its own start, with ``slots`` threads at most at once.

        ``argument``: its ``argv[0]``.
        """
        tops = [Address(STACKS + slot * SPACING + STACK - 4) for slot in range(slots + 1)]
        arguments, sp = _arguments(tops[0] + 4, argument)
        first = ImageRegion(tops[0] + 4 - STACK, STACK, READ | WRITE, arguments.rjust(STACK, b"\0"))
        stacks = (first, *(_stack(top) for top in tops[1:]))
        regions = (*self.regions, *stacks, *_kernel_regions(slots, 1))
        assert self.file.entry is not None
        starts = [ThreadStart(Address(self.file.entry), Address(sp), Address(tops[0] + 4 - STACK))]
        starts += [ThreadStart(Address(UNBORN), top, Address(top + 4 - STACK)) for top in tops[1:-1]]
        return MemoryImage(self, regions, tuple(starts), tops[-1])

    @cached_property
    def makes_thread_calls(self) -> bool:
        """Whether the runtime's calls of kernel threads are linked into it."""
        return any(self.file.lookup(f"_{name}") is not None for name in THREAD_CALLS)

    @cached_property
    def places(self) -> list[int]:
        """Where symbols are, in order."""
        return sorted({symbol.value for symbol in self.file.symbols if symbol.sect})

    @cached_property
    def lines(self) -> SourceLines:
        """The source lines that its symbol table knows."""
        return SourceLines(self.file)

    def image(
        self,
        functions: Sequence[str],
        handler: str | None = None,
        patches: Iterable[tuple[Address, bytes]] = (),
        symbols: Iterable[tuple[str, Address]] = (),
    ) -> MemoryImage:
        """The image before setup, with ``patches`` over its bytes and more ``symbols``. Raises NotRunnable.

        It has the table and the heaps of kernel threads where the program calls them.
        """
        tops = [Address(STACKS + i * SPACING + STACK - 4) for i in range(len(functions) + 1)]
        regions = [_patched(region, patches) for region in self.regions] + [_stack(top) for top in tops]
        if self.makes_thread_calls:
            regions += _kernel_regions(len(functions), len(functions))
        image = MemoryImage(self, tuple(regions), (), tops[-1], symbols=dict(symbols))
        if handler is not None:
            code = ImageRegion(TRAMPOLINE, PAGE, READ | EXECUTE, _trampoline(image.address(handler)))
            image = replace(image, regions=(*regions, code), handler=TRAMPOLINE)
        starts = tuple(
            ThreadStart(image.address(name), top, Address(top + 4 - STACK))
            for name, top in zip(functions, tops, strict=False)
        )
        return replace(image, starts=starts)


@lru_cache(maxsize=4)
def checked(program: bytes, cpu: str) -> CheckedProgram:
    """The program, read and checked once for many batches. Raises NotRunnable."""
    return CheckedProgram(program, cpu)


def prepared(
    image: MemoryImage,
    cpu: Cpu,
    setup: str | None,
    unserved: Callable[[Stopped], Exception],
    kernel: ProgramKernel | None = None,
) -> MemoryImage:
    """The image after setup has run alone. Raises what ``unserved`` makes of a setup that does not return."""
    if setup is None:
        return image
    stepper = Stepper(cpu, image.regions)
    try:
        call(cpu, stepper, image.address(setup), image.spare, SETUP_LIMIT, kernel)
        regions = tuple(
            ImageRegion(r.address, r.size, r.prot, stepper.read(r.address, r.size))
            if r.address == threads.TABLE or (r.prot & WRITE and not STACKS <= r.address < HEAPS)
            else r
            for r in image.regions
        )
    except Stopped as stopped:
        raise unserved(stopped) from stopped
    finally:
        stepper.close()
    return replace(image, regions=regions)


def call(
    cpu: Cpu,
    stepper: Stepper,
    entry: int,
    sp: int,
    limit: int,
    kernel: ProgramKernel | None = None,
    note: Callable[[Sequence[Access]], None] = lambda _: None,
) -> bytes:
    """Run a function alone until it returns; its registers then. Raises Stopped.

    It calls ``kernel`` as the first thread does. ``note`` is given its accesses in order, now and then.
    """
    state = pack(entry, sp)
    values: dict[int, int] = {}
    done = 0
    while done < limit:
        stepper.load(state)
        stepper.events.clear()
        stop = cpu.run(CHUNK, SENTINEL)
        note(stepper.events)
        done += max(stop.executed, 1)
        state = stepper.state()
        if stop.kind == "until" or register_of(state, PC) == SENTINEL:
            return state
        if stop.kind == "fault":
            raise Stopped(StepStop(2, stop.address, stop.access), register_of(state, PC))
        if stop.kind == "exception":
            served = serve(stepper, stop.vector, state, values)
            if served is None and kernel is not None:
                served = kernel.serve_alone(stepper, stop.vector, state, values)
            if served is None:
                raise Stopped(StepStop(stop.vector), register_of(state, PC), register_of(state, 0))
            note(served.accesses)
            state = served.state
    raise Stopped(None, register_of(state, PC))


def _patched(region: ImageRegion, patches: Iterable[tuple[Address, bytes]]) -> ImageRegion:
    data = None
    for address, new in patches:
        at = address - region.address
        if 0 <= at < region.size:
            data = data or bytearray(region.data.ljust(region.size, b"\0"))
            data[at : at + len(new)] = new
    return region if data is None else replace(region, data=bytes(data))


def _protection(name: str, prot: int) -> int:
    # Stepping remembers what code does: nothing may write to it. NeXT's own linker makes everything 7.
    if prot & EXECUTE and (name == "__TEXT" or not prot & WRITE):
        return READ | EXECUTE
    return prot & (READ | WRITE)


def _stack(top: int) -> ImageRegion:
    return ImageRegion(top + 4 - STACK, STACK, READ | WRITE, SENTINEL.to_bytes(4, "big").rjust(STACK, b"\0"))


def _kernel_regions(slots: int, running: int) -> list[ImageRegion]:
    """The table of kernel threads, which no program may touch, and their heaps."""
    heaps = [ImageRegion(heap.start, HEAP, READ | WRITE, b"") for heap in heaps_of(slots)]
    return [ImageRegion(threads.TABLE, threads.TABLE_SIZE, 0, threads.initial_table(running)), *heaps]


def heaps_of(slots: int) -> tuple[range, ...]:
    """The addresses of each thread's heap."""
    return tuple(threads.heap_of(slot) for slot in range(slots))


def _arguments(top: int, name: str) -> tuple[bytes, int]:
    """What exec leaves below a stack's top, argc first, and the stack pointer: see ``emu.loader``."""
    text = os.fsencode(name) + b"\0"
    size = -(-len(text) // 4) * 4
    words = (1, top - size - 4, 0, 0)
    return b"".join(word.to_bytes(4, "big") for word in words) + text.ljust(size + 4, b"\0"), top - size - 20


def _trampoline(handler: int) -> bytes:
    """What libc's _sigtramp does with integer registers: scratch ones saved, handler(sig, code, scp), sigreturn."""
    return b"".join(
        (
            SCRATCH.to_bytes(4, "big"),
            bytes.fromhex("2f2f 0018") * 3,  # move.l 24(sp),-(sp): scp, code, sig
            bytes.fromhex("4eb9") + handler.to_bytes(4, "big"),  # jsr handler
            bytes.fromhex("4fef 000c"),  # lea 12(sp),sp
            bytes.fromhex("4cdf 0303"),  # movem.l (sp)+,d0-d1/a0-a1
            bytes.fromhex("588f 7067 4e44"),  # addq.l #4,sp; moveq #103,d0; trap #4
        )
    )
