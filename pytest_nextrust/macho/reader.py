"""Read a file: thin, fat or archive. Describes what can be described and leaves damage to ``check``.

Bounded: commands, sections and thread states are described up to limits no real file reaches, everything else lazily.

Sources: NeXT ``mach-o/loader.h`` and ``fat.h``; the OPENSTEP 4.2 m68k kernel's ``execve``, which takes a fat file of
either byte order and refuses a byte-swapped thin one.
"""

from __future__ import annotations

from struct import Struct

from pytest_nextrust.errors import MachoError, UnreadableMacho, UsageFault
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.commands import LoadCommand, Segment, parse_detail
from pytest_nextrust.macho.containers import Archive, ArchiveMember, FatFile, FatMember, FatMembers, walk_archive
from pytest_nextrust.macho.model import MachFile
from pytest_nextrust.macho.tables import clip

__all__ = ["MAX_COMMANDS", "read", "read_member", "select_member"]

MAX_COMMANDS = 4096
"""Load commands described in one file."""

_FOREIGN = (
    (lay.MAGIC_SWAPPED, "a little-endian Mach-O: the m68k kernel refuses byte-swapped files (EBADARCH)"),
    (b"\xfe\xed\xfa\xcf", "a 64-bit Mach-O"),
    (b"\xcf\xfa\xed\xfe", "a 64-bit Mach-O"),
    (b"\x7fELF", "an ELF file"),
    (b"!<thin>\n", "a GNU thin archive, which holds no objects"),
)


def read(data: bytes, *, name: str = "") -> MachFile | FatFile | Archive:
    """Describe ``data``, the whole file; ``name`` is used in errors only.

    Raises UnreadableMacho where nothing can be described: another format, or a file that ends inside its header.
    """
    view = memoryview(data).toreadonly()
    magic = bytes(view[:4])
    if magic in (lay.FAT_MAGIC, lay.FAT_MAGIC_SWAPPED):
        return _read_fat(view, magic == lay.FAT_MAGIC_SWAPPED, name)
    return _read_single(view, 0, name)


def read_member(file: FatFile | Archive, member: FatMember | ArchiveMember, *, name: str = "") -> MachFile | Archive:
    """Describe one member of a fat file or an archive. Raises UnreadableMacho like ``read``."""
    if isinstance(file, FatFile) and isinstance(member, FatMember):
        return _read_single(clip(file.data, member.offset, member.size), member.offset, name)
    if isinstance(file, Archive) and isinstance(member, ArchiveMember):
        content = file.content(member)
        if bytes(content[:4]) == lay.MAGIC:
            return _read_thin(content, file.offset + member.start, name)
        raise _unreadable(name, f"archive member {member.name} is {_what(content)}", "put objects into archives")
    raise TypeError(f"a {type(member).__name__} is no member of a {type(file).__name__}")


def select_member(file: MachFile | FatFile | Archive, cpu: str) -> MachFile:
    """The thin file itself, or the member of a fat file that ``cpu`` (``m68030``, ``m68040``) runs best.

    Raises MachoError where there is none, or for an archive; UsageFault for another CPU.
    """
    wanted = runs(cpu)
    if isinstance(file, MachFile):
        return file
    if isinstance(file, Archive):
        raise MachoError("archive", "an archive of objects is no program", remedy="link it")
    for subtype in wanted:
        for member in file.members:
            if (member.cputype, member.cpusubtype) == (lay.CPU_TYPE_MC680X0, subtype):
                chosen = read_member(file, member)
                if isinstance(chosen, MachFile):
                    return chosen
                raise MachoError("fat file", f"its member for {cpu} is an archive", remedy="link it")
    raise MachoError("fat file", f"no member that {cpu} runs", remedy=f"build one for cpusubtype {wanted[-1]}")


def runs(cpu: str) -> tuple[int, ...]:
    """The CPU subtypes that ``cpu`` runs, the best first. Raises UsageFault for an unknown one."""
    if cpu not in lay.CPU_RUNS:
        raise UsageFault("--cpu", f"no CPU {cpu!r}", remedy=f"CPU is one of {', '.join(lay.CPU_RUNS)}")
    return lay.CPU_RUNS[cpu]


def _read_fat(view: memoryview, swapped: bool, name: str) -> FatFile:
    if len(view) < lay.FAT_HEADER.size:
        raise _unreadable(name, f"ends inside the fat header, after {len(view)} bytes", "get the whole file")
    count = int.from_bytes(view[4:8], "little" if swapped else "big")
    record = Struct("<5L") if swapped else lay.FAT_ARCH
    return FatFile(view, swapped, FatMembers(view, count, record))


def _read_single(view: memoryview, base: int, name: str) -> MachFile | Archive:
    if bytes(view[:4]) == lay.MAGIC:
        return _read_thin(view, base, name)
    if bytes(view[:8]) == lay.ARCHIVE_MAGIC:
        return walk_archive(view, base)
    raise _unreadable(name, f"{_what(view)}, not a big-endian Mach-O", "give a NeXT m68k Mach-O, fat file or archive")


def _what(view: memoryview) -> str:
    if not view:
        return "an empty file"
    for magic, what in _FOREIGN:
        if bytes(view[: len(magic)]) == magic:
            return what
    if bytes(view[:4]) in (lay.FAT_MAGIC, lay.FAT_MAGIC_SWAPPED):
        return "a fat file inside another"
    return f"a file that begins with {bytes(view[:4]).hex()}"


def _unreadable(name: str, fault: str, remedy: str) -> UnreadableMacho:
    return UnreadableMacho(name or "Mach-O", fault, place="offset 0", remedy=remedy)


def _read_thin(view: memoryview, base: int, name: str) -> MachFile:
    if len(view) < lay.HEADER.size:
        fault = f"ends inside the header, after {len(view)} of {lay.HEADER.size} bytes"
        raise UnreadableMacho(name or "Mach-O", fault, place=f"offset {base}", remedy="get the whole file")
    _, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags = lay.HEADER.unpack_from(view)
    commands, stopped = _commands(view, base, ncmds, sizeofcmds)
    return MachFile(
        data=view,
        offset=base,
        cputype=cputype,
        cpusubtype=cpusubtype,
        filetype=filetype,
        flags=flags,
        ncmds=ncmds,
        sizeofcmds=sizeofcmds,
        commands=commands,
        stopped=stopped,
    )


def _commands(
    view: memoryview, base: int, ncmds: int, sizeofcmds: int
) -> tuple[tuple[LoadCommand, ...], tuple[str, int] | None]:
    """The commands, and why the walk ended early: ``count``, ``end``, ``cmdsize`` or ``limit``, with the place."""
    commands: list[LoadCommand] = []
    at = lay.HEADER.size
    end = min(at + sizeofcmds, len(view))
    room = lay.MAX_SECTIONS
    for _ in range(ncmds):
        if len(commands) == MAX_COMMANDS:
            return tuple(commands), ("limit", base + at)
        if end - at < lay.LOAD_COMMAND.size:
            reason = "end" if lay.HEADER.size + sizeofcmds > len(view) else "count"
            return tuple(commands), (reason, base + at)
        cmd, cmdsize = lay.LOAD_COMMAND.unpack_from(view, at)
        if cmdsize < lay.LOAD_COMMAND.size or at + cmdsize > end:
            reason = "end" if cmdsize >= 8 and at + cmdsize <= lay.HEADER.size + sizeofcmds else "cmdsize"
            return tuple(commands), (reason, base + at)
        detail = parse_detail(cmd, view[at : at + cmdsize], base + at, room)
        if isinstance(detail, Segment):
            room -= len(detail.sections)
        commands.append(LoadCommand(cmd, cmdsize, base + at, detail))
        at += cmdsize
    return tuple(commands), None
