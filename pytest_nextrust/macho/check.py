"""Every defect of a file: thin, fat or archive.

``check`` looks at all of it; ``open_members`` gives what is in a container, for callers that go on member by member.
The cost is linear in the file: members that share bytes are looked into once.

Sources: NeXT ``mach-o/fat.h``; 4.3BSD ``ar.h``, ``ranlib.h``; the modules ``check_*`` name theirs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.errors import UnreadableMacho
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.check_commands import check_commands, check_entry, check_header
from pytest_nextrust.macho.check_memory import check_memory
from pytest_nextrust.macho.check_symbols import check_relocations, check_symbols
from pytest_nextrust.macho.containers import MAX_MEMBERS, Archive, ArchiveMember, FatFile, FatMember
from pytest_nextrust.macho.defects import WORK_LIMIT, Defect, Reporter, WorkSpent
from pytest_nextrust.macho.model import MachFile
from pytest_nextrust.macho.reader import read_member, runs
from pytest_nextrust.macho.tables import clip

__all__ = ["Opened", "check", "open_members"]

_STRX, _OFF = 0, 4
_CPUTYPE = 4
_FILE_WORK, _COMMAND_WORK, _SECTION_WORK = 30, 8, 20


@dataclass(frozen=True, slots=True)
class Opened:
    """One member looked into. ``content`` is None for one that is not m68k, not a Mach-O, or shares bytes.

    ``foreign`` is an archive's member for another CPU, of which no more than the header is looked at.
    """

    label: str
    member: FatMember | ArchiveMember
    content: MachFile | Archive | None
    fault: str = ""
    foreign: MachFile | None = None


def check(file: MachFile | FatFile | Archive, *, cpu: str | None = None, work: int = WORK_LIMIT) -> tuple[Defect, ...]:
    """Every defect of ``file``, by offset; with ``cpu`` (``m68030``, ``m68040``) also whether that CPU runs it.

    Of one kind at most ``DEFECT_LIMIT`` are listed, and one more entry counts the others. What is beyond ``work``
    units is not looked at, which is a defect. Raises UsageFault for an unknown CPU.
    """
    found = Reporter(work)
    if cpu is not None:
        runs(cpu)
    try:
        _check_any(file, cpu, found)
    except WorkSpent as spent:
        found.give_up(spent.offset, f"{work} units of work are done, and no more")
    return found.result()


def _check_any(file: MachFile | FatFile | Archive, cpu: str | None, found: Reporter) -> None:
    if isinstance(file, MachFile):
        _check_thin(file, cpu, found)
        return
    if isinstance(file, FatFile):
        _check_fat(file, cpu, found)
        cpu = None  # checked by the member that the CPU would get; the others are for other CPUs
    else:
        _check_archive(file, found)
    for opened in open_members(file):
        found.spend(_FILE_WORK, opened.member.place)
        if opened.content is not None:
            _check_any(opened.content, cpu, found)
        elif opened.fault:
            _report_unopened(file, opened, found)


def _check_thin(file: MachFile, cpu: str | None, found: Reporter) -> None:
    found.spend(_FILE_WORK + _COMMAND_WORK * len(file.commands) + _SECTION_WORK * len(file.sections), file.offset)
    found.is_object = file.filetype == lay.MH_OBJECT
    check_header(file, cpu, found)
    check_commands(file, found)
    check_memory(file, found)
    check_entry(file, found)
    check_symbols(file, found)
    check_relocations(file, found)


def _report_unopened(file: FatFile | Archive, opened: Opened, found: Reporter) -> None:
    """A member that cannot be described: an archive may hold other things, if they do not claim to be Mach-O."""
    if opened.foreign is not None:
        found.add("wrong-cputype", opened.foreign.offset + _CPUTYPE, f"member {opened.label}: {opened.fault}")
        return
    claims = isinstance(opened.member, FatMember) or _magic(file, opened.member) in (
        lay.MAGIC,
        lay.MAGIC_SWAPPED,
        lay.FAT_MAGIC,
    )
    kind = "member-unreadable" if claims else "archive-member-other"
    found.add(kind, opened.member.place, f"member {opened.label}: {opened.fault}")


def _magic(file: FatFile | Archive, member: FatMember | ArchiveMember) -> bytes:
    start = member.start if isinstance(member, ArchiveMember) else member.offset
    return bytes(clip(file.data, start, 4))


def open_members(file: FatFile | Archive) -> Iterator[Opened]:
    """The members in the order of the container, each opened where it can be."""
    if isinstance(file, Archive):
        for index, member in enumerate(file.members):
            if index or not member.table_of_contents:
                yield _open(file, member, member.name)
        return
    overlapping = _fat_overlaps(file)
    for index, entry in enumerate(file.members):
        label = f"{index} ({lay.CPU_TYPES.get(entry.cputype, entry.cputype)}, subtype {entry.cpusubtype})"
        if entry.cputype != lay.CPU_TYPE_MC680X0 or index in overlapping or not _fat_inside(file, entry):
            yield Opened(label, entry, None)
        else:
            yield _open(file, entry, label)


def _open(file: FatFile | Archive, member: FatMember | ArchiveMember, label: str) -> Opened:
    try:
        content = read_member(file, member)
    except UnreadableMacho as error:
        return Opened(label, member, None, error.fault)
    if isinstance(file, Archive) and isinstance(content, MachFile) and content.cputype != lay.CPU_TYPE_MC680X0:
        known = lay.CPU_TYPES.get(content.cputype)
        name = f"CPU type {content.cputype}" + (f" ({known})" if known else "")
        return Opened(label, member, None, f"for {name}; not looked into", content)
    return Opened(label, member, content)


def _fat_inside(file: FatFile, member: FatMember) -> bool:
    return member.offset < len(file.data)


def _fat_overlaps(file: FatFile) -> set[int]:
    """Indices of the members that begin inside an earlier one or the header."""
    reach = lay.FAT_HEADER.size + lay.FAT_ARCH.size * len(file.members)
    overlapping = set()
    order = sorted((fields[2], index, fields[3]) for index, fields in enumerate(file.members.raw()))
    for offset, index, size in order:
        if offset < reach:
            overlapping.add(index)
        reach = max(reach, offset + size)
    return overlapping


def _check_fat(file: FatFile, cpu: str | None, found: Reporter) -> None:
    members = file.members
    if file.swapped:
        found.add("fat-swapped", 0, "the fat header is little-endian")
    if members.limited:
        found.add("fat-too-many", 4, f"{members.declared} members; the first {len(members)} were looked at")
    elif members.declared > len(members):
        found.add("fat-truncated", 4, f"{members.declared} members are claimed and {len(members)} entries are there")
    if members.declared == 0:
        found.add("fat-empty", 4, "no members")
    overlapping = _fat_overlaps(file)
    known: set[tuple[int, int]] = set()
    for index, member in enumerate(members):
        _check_fat_member(file, index, member, index in overlapping, found)
        key = member.cputype, member.cpusubtype
        if key in known:
            found.add(
                "fat-member-duplicate", member.place, f"member {index}: CPU type {key[0]}, subtype {key[1]} again"
            )
        known.add(key)
    wanted = lay.CPU_SUBTYPES if cpu is None else runs(cpu)
    if len(members) and not any((lay.CPU_TYPE_MC680X0, subtype) in known for subtype in wanted):
        found.add("no-member-for-cpu", 4, f"none of {len(members)} members is for {cpu or 'the MC680x0'}")


def _check_fat_member(file: FatFile, index: int, member: FatMember, overlaps: bool, found: Reporter) -> None:
    have = len(file.data)
    if member.offset + member.size > have:
        fault = f"member {index}: {member.size} bytes at {member.offset}; the file has {have}"
        found.add("fat-member-outside", member.place + 8, fault)
    elif overlaps:
        found.add("fat-member-overlap", member.place + 8, f"member {index} begins at {member.offset}")
    if member.cputype != lay.CPU_TYPE_MC680X0:
        return  # how it is to be aligned, and what is in it, is another kernel's affair
    if member.align > 31 or member.offset % (1 << member.align):
        fault = f"member {index}: offset {member.offset}, alignment 2^{member.align}"
        found.add("fat-member-misaligned", member.place + 8, fault)
    header = clip(file.data, member.offset, lay.HEADER.size)
    if bytes(header[:4]) != lay.MAGIC or len(header) < lay.HEADER.size or overlaps:
        return
    _, cputype, cpusubtype, filetype, *_ = lay.HEADER.unpack(header)
    if (cputype, cpusubtype) != (member.cputype, member.cpusubtype):
        fault = f"member {index}: its entry says {member.cputype}/{member.cpusubtype}, it says {cputype}/{cpusubtype}"
        found.add("fat-member-mismatch", member.place, fault)
    if filetype == lay.MH_EXECUTE and member.offset % lay.PAGE and not member.offset % (1 << min(member.align, 31)):
        fault = f"member {index}: an executable at {member.offset}; the kernel maps whole pages"
        found.add("fat-member-misaligned", member.place + 8, fault)


def _check_archive(file: Archive, found: Reporter) -> None:
    if file.stopped is not None:
        reason, place = file.stopped
        if reason == "limit":
            found.give_up(place, f"{MAX_MEMBERS} members were looked at, and no more")
        else:
            what = "no member header here" if reason == "header" else "the file ends inside this member"
            found.add(f"archive-{reason}", place, what)
    if not file.members:
        return
    contents = file.table_of_contents
    if contents is None:
        found.add("ranlib-missing", file.offset, f"the first member is {file.members[0].name[:100]}")
        return
    first = file.members[0]
    place = file.offset + first.start
    content = file.content(first)
    strings = 4 + contents.claimed
    if (
        contents.claimed % contents.record.size
        or strings + 4 + contents.strings_size > len(content)
        or strings + 4 > len(content)
    ):
        found.add("ranlib-bad", place, f"{contents.claimed} bytes of entries do not fit {first.size} bytes")
        return
    starts = file.members.offsets
    for index, (strx, offset) in found.each(contents.raw(), place + 4, contents.record.size):
        if strx >= contents.strings_size:
            found.add("ranlib-bad", place + 4 + 8 * index + _STRX, f"entry {index}: string index {strx}")
        at = bisect_left(starts, offset)
        beyond = file.stopped is not None and file.offset + offset >= file.stopped[1]
        if not beyond and (at == len(starts) or starts[at] != offset):
            found.add("ranlib-bad", place + 4 + 8 * index + _OFF, f"entry {index}: no member at {offset}")
