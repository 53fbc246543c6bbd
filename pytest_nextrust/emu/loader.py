"""exec, as the NeXT kernel does it: which file is refused, where segments go, what the process finds at its start.

Boundary: reads a Mach-O through ``macho`` and fills an ``AddressSpace``. Fixed-address shared libraries and dynamic
linking are not served; a program that needs them is refused with what it needs.

Sources: OPENSTEP 4.2 m68k kernel ``_execve`` (strings and pointers below the stack's top) and ``_thread_userstack``
(0x04000000 where the file names no stack); NeXT's crt0, which finds argc at sp.
"""

from __future__ import annotations

import struct

from pytest_nextrust import macho
from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.memory import PAGE, READ, WRITE, AddressSpace, GuestFault, VmError, round_page, trunc_page
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import MachoError, NotRunnable

__all__ = ["LoadedProgram", "build_stack", "load", "open_program"]

STACK_TOP = 0x0400_0000
INITIAL_STACK = 512 * 1024
"""Bytes of stack mapped at the start, at most; the rest of a larger limit appears when it is touched."""

NCARGS = 0x5000 * 8
"""Bytes of argument and environment strings a program may be given."""

MH_EXECUTE = 2
LC_LOADFVMLIB = 6
DYNAMIC = {12: "LC_LOAD_DYLIB", 14: "LC_LOAD_DYLINKER"}
CPU_TYPE_MC680X0 = 6
BELOW_THE_KERNEL = (
    "bad-command-string",
    "duplicate-symtab",
    "relocation",
    "section",
    "string",
    "symbol",
    "symseg",
    "too-many-sections",
    "undefined-symbol",
    "unknown-command",
    "unknown-flags",
)
"""How the ids of defects begin that exec never looks at: it maps segments and starts the thread, whatever the symbol
table says. Programs of the time with such oddities ran, so they run here; ``macho.check`` names the defects."""
SUBTYPES = {"m68030": {1, 3}, "m68040": {1, 2}}
SUBTYPE_NAMES = {1: "any 680x0", 2: "the 68040 only", 3: "the 68030 only"}


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A program in memory: its file, its start registers and the address of its own first code."""

    file: macho.MachFile
    registers: Registers
    own_code: int


def open_program(data: bytes, cpu: str) -> macho.MachFile:
    """The Mach-O to run on ``cpu``: the file itself or a member of a fat one. Raises NotRunnable with the reason."""
    try:
        file = macho.select_member(macho.read(data), cpu)
    except MachoError as error:
        raise NotRunnable("program", error.fault, place=error.place, remedy=error.remedy) from error
    if file.cputype != CPU_TYPE_MC680X0:
        raise NotRunnable("program", f"it is for CPU type {file.cputype}, not for the 680x0 (6)")
    if file.cpusubtype not in SUBTYPES[cpu]:
        wanted = SUBTYPE_NAMES.get(file.cpusubtype, f"CPU subtype {file.cpusubtype}")
        raise NotRunnable("program", f"it is for {wanted}", remedy=f"run it on another CPU than the {cpu}")
    if file.filetype != MH_EXECUTE:
        raise NotRunnable("program", f"file type {file.filetype} is not an executable (2)", remedy="link it first")
    _refuse_libraries(file)
    if file.entry is None:
        raise NotRunnable("program", "it has no LC_UNIXTHREAD, so it has no entry point")
    for defect in macho.check(file, cpu=cpu):
        if defect.severity == "error" and not defect.id.startswith(BELOW_THE_KERNEL):
            raise NotRunnable(
                "program",
                f"{defect.message} ({defect.id})",
                place=f"at offset 0x{defect.offset:x}",
                remedy=defect.remedy,
            )
    return file


def _refuse_libraries(file: macho.MachFile) -> None:
    for command in file.commands:
        if command.cmd in DYNAMIC:
            raise NotRunnable(
                "program",
                f"it needs OPENSTEP's dynamic linker ({DYNAMIC[command.cmd]})",
                remedy="link it statically",
            )
        if command.cmd == LC_LOADFVMLIB:
            library = getattr(command.detail, "name", "") or "a fixed-address library"
            raise NotRunnable("program", f"it needs the shared library {library}", remedy="link it statically")


def load(file: macho.MachFile, request: RunRequest, memory: AddressSpace) -> LoadedProgram:
    """Map the segments and the stack, and build what the program finds on it. Raises NotRunnable."""
    for segment in file.segments:
        if not segment.vmsize:
            continue
        if segment.vmaddr % PAGE:
            raise NotRunnable("program", f"segment {segment.name} is at 0x{segment.vmaddr:x}, not at a page of 8 KB")
        try:
            size = round_page(segment.vmsize)
            memory.map(segment.vmaddr, size, segment.initprot & 7, segment.maxprot & 7, segment.name)
        except VmError as error:
            raise NotRunnable("program", f"segment {segment.name} cannot be mapped: {error}") from error
        data = bytes(file.segment_bytes(segment)[: segment.vmsize])
        if data and segment.maxprot & 7:
            memory.load(segment.vmaddr, data)
    memory.reserve_page_zero()
    thread = file.thread
    assert thread is not None
    top = thread.a[7] or STACK_TOP
    if request.schedule is not None:
        # Where an exploration has it, whatever the file says.
        top = threads.STACKS + threads.STACK
    sp = build_stack(memory, request, top)
    registers = Registers(pc=thread.pc, a=[0] * 7 + [sp])
    try:
        memory.check(thread.pc, 2, "fetch")
    except GuestFault as error:
        raise NotRunnable("program", f"its entry is not executable: {error}") from error
    main = file.lookup("_main")
    return LoadedProgram(file, registers, main.value if main is not None else thread.pc)


def build_stack(memory: AddressSpace, request: RunRequest, top: int) -> int:
    """Map the stack below ``top``; write argc, argv, envp and their strings; answer sp. Raises NotRunnable."""
    strings = b"".join(text + b"\0" for text in (*request.argv, *request.env))
    size = len(strings) + -len(strings) % 4
    words = len(request.argv) + len(request.env) + 3
    sp = (top - size - 4) - 4 * words
    limit = round_page(request.stack)
    if size > NCARGS or top - sp > limit // 2:
        raise NotRunnable(
            "program",
            f"its arguments and environment take {top - sp} bytes of a stack of {limit}",
            remedy="pass fewer, or ask for a larger stack",
        )
    ceiling = round_page(top)
    mapped = min(limit, INITIAL_STACK)
    bottom = trunc_page(top - mapped)
    try:
        memory.map(bottom, ceiling - bottom, READ | WRITE, 7, "stack")
    except (VmError, ValueError) as error:
        raise NotRunnable("program", f"its stack below 0x{top:08x} cannot be mapped: {error}") from error
    memory.set_stack(ceiling, ceiling - trunc_page(top - limit))
    at = top - size - 4
    pointers: list[int] = []
    for group in (request.argv, request.env):
        for text in group:
            pointers.append(at)
            at += len(text) + 1
        pointers.append(0)
    memory.copyout(sp, struct.pack(f">{words}I", len(request.argv), *pointers) + strings.ljust(size, b"\0"))
    return sp
