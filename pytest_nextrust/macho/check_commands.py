"""Defects of the header, the load commands, the thread and the entry.

Sources: NeXT ``mach-o/loader.h``; Mach 2.5 ``kern/mach_loader.c`` (``parse_machfile``, ``load_unixthread``,
``load_fvmlib``); OPENSTEP 4.2 m68k ``thread_setstatus``, which refuses unknown flavours and short counts.
"""

from __future__ import annotations

from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.commands import (
    FvmfileCommand,
    FvmlibCommand,
    LoadCommand,
    SymsegCommand,
    SymtabCommand,
    ThreadCommand,
)
from pytest_nextrust.macho.defects import Reporter
from pytest_nextrust.macho.model import MachFile
from pytest_nextrust.macho.reader import MAX_COMMANDS, runs

__all__ = ["check_commands", "check_entry", "check_header"]

_CPUTYPE, _CPUSUBTYPE, _FILETYPE, _NCMDS, _SIZEOFCMDS, _FLAGS = 4, 8, 12, 16, 20, 24
_STARTED = (lay.MH_EXECUTE, lay.MH_PRELOAD)


def check_header(file: MachFile, cpu: str | None, found: Reporter) -> None:
    """CPU, file type, flags, and whether the commands are where the header says."""
    base = file.offset
    if file.cputype != lay.CPU_TYPE_MC680X0:
        name = lay.CPU_TYPES.get(file.cputype, "unknown")
        found.add("wrong-cputype", base + _CPUTYPE, f"CPU type {file.cputype} ({name}), not 6 (MC680x0)")
    elif file.cpusubtype not in lay.CPU_SUBTYPES:
        found.add("wrong-cpusubtype", base + _CPUSUBTYPE, f"CPU subtype {file.cpusubtype} is not 1, 2 or 3")
    elif cpu is not None and file.cpusubtype not in runs(cpu):
        name = lay.CPU_SUBTYPES[file.cpusubtype]
        found.add("wrong-cpusubtype", base + _CPUSUBTYPE, f"subtype {file.cpusubtype} ({name}) does not run on {cpu}")
    if file.filetype not in lay.FILETYPES:
        found.add("unknown-filetype", base + _FILETYPE, f"file type {file.filetype}")
    if file.flags & ~(lay.MH_NOUNDEFS | lay.MH_INCRLINK):
        found.add("unknown-flags", base + _FLAGS, f"flags 0x{file.flags:x}")
    _check_area(file, found)


def _check_area(file: MachFile, found: Reporter) -> None:
    base, have = file.offset, len(file.data) - lay.HEADER.size
    if file.sizeofcmds > have:
        fault = f"sizeofcmds is {file.sizeofcmds} and {have} bytes follow the header"
        found.add("commands-outside-file", base + _SIZEOFCMDS, fault)
    if file.stopped is None:
        used = sum(command.cmdsize for command in file.commands)
        if used < file.sizeofcmds <= have:
            fault = f"{file.sizeofcmds - used} bytes behind the last of {file.ncmds} commands"
            found.add("commands-slack", base + _SIZEOFCMDS, fault)
        return
    reason, place = file.stopped
    seen = len(file.commands)
    if reason == "count":
        found.add("command-count", base + _NCMDS, f"ncmds is {file.ncmds}; sizeofcmds ends after {seen}")
    elif reason == "limit":
        found.add("too-many-commands", base + _NCMDS, f"ncmds is {file.ncmds}; the first {MAX_COMMANDS} were looked at")
    elif reason == "cmdsize":
        size = int.from_bytes(file.data[place - base + 4 : place - base + 8], "big")
        found.add("bad-cmdsize", place + 4, f"command {seen} has size {size}; it and the rest were not looked at")


def check_commands(file: MachFile, found: Reporter) -> None:
    """Each command by itself, and those that may be there once only."""
    symtabs = unix_threads = 0
    for number, command in enumerate(file.commands):
        if command.cmdsize % 4:
            found.add("misaligned-cmdsize", command.place + 4, f"{command.name} has size {command.cmdsize}")
        _check_command(file, number, command, found)
        symtabs += command.cmd == lay.LC_SYMTAB
        unix_threads += command.cmd == lay.LC_UNIXTHREAD
        if command.cmd == lay.LC_SYMTAB and symtabs > 1:
            found.add("duplicate-symtab", command.place, f"command {number} is another LC_SYMTAB; the first counts")
        if command.cmd == lay.LC_UNIXTHREAD and unix_threads > 1:
            found.add("duplicate-thread", command.place, f"command {number} is another LC_UNIXTHREAD")


def _check_command(file: MachFile, number: int, command: LoadCommand, found: Reporter) -> None:
    detail = command.detail
    if command.cmd not in lay.COMMANDS:
        found.add("unknown-command", command.place, f"command {number} is {command.name} (0x{command.cmd:x})")
    elif detail is None and command.cmd != lay.LC_PREPAGE:
        found.add("command-too-short", command.place + 4, f"{command.name} has size {command.cmdsize}")
    elif isinstance(detail, ThreadCommand):
        _check_thread(file, command, detail, found)
    elif isinstance(detail, FvmlibCommand | FvmfileCommand) and detail.name is None:
        found.add("bad-command-string", command.place + 8, f"{command.name}: its name is not inside the command")
    elif isinstance(detail, SymsegCommand):
        found.add("symseg-obsolete", command.place, "LC_SYMSEG is here")
        if detail.offset + detail.size > len(file.data):
            fault = f"{detail.size} bytes at {detail.offset}; the file has {len(file.data)}"
            found.add("symseg-outside-file", command.place + 8, fault)
    elif isinstance(detail, SymtabCommand) and command.cmdsize > lay.SYMTAB.size + 3:
        found.add("bad-cmdsize", command.place + 4, f"LC_SYMTAB has size {command.cmdsize}, not {lay.SYMTAB.size}")


def _check_thread(file: MachFile, command: LoadCommand, thread: ThreadCommand, found: Reporter) -> None:
    if file.cputype != lay.CPU_TYPE_MC680X0:
        return  # flavours and counts mean something else on another CPU
    last = thread.flavours[-1] if thread.flavours else None
    if thread.rest and (last is None or last.whole):
        place = command.place + command.cmdsize - thread.rest
        found.add("thread-truncated", place, f"{thread.rest} bytes of {command.name} are no thread state")
    for state in thread.flavours:
        least = lay.THREAD_COUNTS.get(state.flavour)
        if least is None:
            found.add("thread-flavour", state.place, f"{command.name}: flavour {state.flavour}")
        elif state.count < least:
            found.add("thread-count", state.place + 4, f"{state.name} has {state.count} words, not {least}")
        if not state.whole:
            fault = f"{state.name}: {state.count} words reach past the command"
            found.add("thread-truncated", state.place + 4, fault)


def check_entry(file: MachFile, found: Reporter) -> None:
    """A program's thread, entry and stack pointer."""
    if file.filetype not in _STARTED or file.cputype != lay.CPU_TYPE_MC680X0:
        return
    threads = [command for command in file.commands if command.cmd in (lay.LC_THREAD, lay.LC_UNIXTHREAD)]
    if not threads:
        if file.stopped is None:
            found.add("no-thread", file.offset + _NCMDS, f"none of the {len(file.commands)} commands is a thread")
        return
    unix = [command for command in threads if command.cmd == lay.LC_UNIXTHREAD]
    if not unix and file.filetype == lay.MH_EXECUTE:
        found.add("thread-not-unix", threads[0].place, "LC_THREAD and no LC_UNIXTHREAD")
    command = (unix or threads)[0]
    states = command.detail.flavours if isinstance(command.detail, ThreadCommand) else ()
    regs = [state for state in states if state.flavour == lay.THREAD_REGS]
    thread = file.thread
    if thread is None:
        if not regs and all(state.flavour in lay.THREAD_COUNTS for state in states):
            found.add("thread-no-registers", command.place, f"{command.name} has no general registers")
        return
    place = regs[-1].place + 8
    if thread.a[7] & 1:
        found.add("stack-odd", place + 60, f"a7 is 0x{thread.a[7]:x}")
    if thread.a[7] and thread.a[7] - lay.STACK_SIZE < lay.PAGE and file.filetype == lay.MH_EXECUTE:
        fault = f"a7 is 0x{thread.a[7]:x}; the stack of 0x{lay.STACK_SIZE:x} bytes below it reaches into page 0"
        found.add("stack-low", place + 60, fault)
    _check_pc(file, thread.pc, place + 68, found)


def _check_pc(file: MachFile, pc: int, place: int, found: Reporter) -> None:
    if pc & 1:
        found.add("entry-odd", place, f"the entry is 0x{pc:x}")
    if not any(pc in segment and segment.initprot & lay.VM_PROT_EXECUTE for segment in file.segments):
        found.add("entry-outside", place, f"the entry is 0x{pc:x}")
    elif file.sections and file.section_at(pc) is None:
        found.add("entry-outside-section", place, f"the entry is 0x{pc:x}")
