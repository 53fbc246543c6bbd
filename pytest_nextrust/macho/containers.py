"""Files that hold Mach-O files: fat files and BSD archives of objects.

A member is described by where it lies; its content is read when it is asked for, so that a file that claims a
million members costs nothing.

Sources: NeXT ``mach-o/fat.h``; 4.3BSD ``ar.h`` and ``ranlib.h``; 4.4BSD ``ar(5)`` for the ``#1/`` names that later
tools write.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from struct import Struct
from typing import Any, overload

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.tables import RecordTable, clip, string_at

__all__ = [
    "MAX_FAT_MEMBERS",
    "MAX_MEMBERS",
    "Archive",
    "ArchiveMember",
    "ArchiveMembers",
    "FatFile",
    "FatMember",
    "FatMembers",
    "Ranlib",
    "RanlibTable",
    "walk_archive",
]

MAX_MEMBERS = 1 << 17
"""Members of an archive that are described."""

_SYMDEF = "__.SYMDEF"


@dataclass(frozen=True, slots=True)
class FatMember:
    """One ``fat_arch``: ``offset`` and ``size`` are in bytes, ``align`` an exponent, ``place`` where the entry lies."""

    cputype: int
    cpusubtype: int
    offset: int
    size: int
    align: int
    place: int


MAX_FAT_MEMBERS = 1024
"""Entries of a fat header that are described; there are fewer CPUs than that."""


class FatMembers(RecordTable[FatMember]):
    """The entries of a fat header. ``limited`` is true where more are there than are described."""

    __slots__ = ("limited",)

    def __init__(self, data: memoryview, declared: int, record: Struct) -> None:
        super().__init__(data, lay.FAT_HEADER.size, declared, record)
        self.limited = self.held > MAX_FAT_MEMBERS
        self.held = min(self.held, MAX_FAT_MEMBERS)

    def decode(self, _index: int, fields: tuple[Any, ...]) -> FatMember:
        cputype, cpusubtype, offset, size, align = fields
        return FatMember(cputype, cpusubtype, offset, size, align, self.offset + _index * self.record.size)


@dataclass(frozen=True, eq=False)
class FatFile:
    """A fat file. ``swapped`` is true for the byte-swapped form, which the kernel accepts too."""

    data: memoryview
    swapped: bool
    members: FatMembers


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One archive member: ``place`` is its header in the outermost file, ``start`` its content in the archive.

    ``size`` is claimed, in bytes of content (without a name in front of it).
    """

    name: str
    size: int
    start: int
    place: int

    @property
    def table_of_contents(self) -> bool:
        return self.name.startswith(_SYMDEF)


class ArchiveMembers(Sequence[ArchiveMember]):
    """The members of an archive, decoded from the offsets of their headers (relative to the archive)."""

    __slots__ = ("base", "data", "offsets")

    def __init__(self, data: memoryview, base: int, offsets: array[int]) -> None:
        self.data = data
        self.base = base
        self.offsets = offsets

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> ArchiveMember: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ArchiveMember, ...]: ...
    def __getitem__(self, index: int | slice) -> ArchiveMember | tuple[ArchiveMember, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        at = self.offsets[index]
        name, *_, size, _ = lay.ARCHIVE_HEADER.unpack_from(self.data, at)
        start = at + lay.ARCHIVE_HEADER.size
        total = archive_number(size) or 0
        label = name.rstrip(b" ").rstrip(b"\0").decode("utf-8", "backslashreplace")
        length = archive_number(name[3:]) if name.startswith(b"#1/") else None
        if length is not None and length <= total:
            label = string_at(self.data, start, start + length)
            start, total = start + length, total - length
        return ArchiveMember(label, total, start, self.base + at)

    def __iter__(self) -> Iterator[ArchiveMember]:
        for index in range(len(self)):
            yield self[index]


@dataclass(frozen=True, slots=True)
class Ranlib:
    """One entry of a table of contents: a symbol, and the offset of the header of the member that defines it."""

    name: str
    strx: int
    offset: int


class RanlibTable(RecordTable[Ranlib]):
    """The entries of ``__.SYMDEF``: a byte count, pairs, a string table's size, the strings."""

    __slots__ = ("claimed", "strings_end", "strings_size", "strings_start")

    PAIR = Struct(">2L")

    def __init__(self, content: memoryview, claimed: int) -> None:
        held = min(claimed, max(0, len(content) - 4))
        super().__init__(content, 4, held // self.PAIR.size, self.PAIR)
        self.claimed = claimed
        size_at = 4 + claimed
        self.strings_size = int.from_bytes(content[size_at : size_at + 4], "big") if size_at + 4 <= len(content) else 0
        self.strings_start = min(size_at + 4, len(content))
        self.strings_end = min(self.strings_start + self.strings_size, len(content))

    def decode(self, _index: int, fields: tuple[Any, ...]) -> Ranlib:
        strx, offset = fields
        return Ranlib(string_at(self.data, self.strings_start + strx, self.strings_end), strx, offset)


@dataclass(frozen=True, eq=False)
class Archive:
    """A BSD archive. ``stopped`` says why the walk ended before the end of the file, with the place, or is None."""

    data: memoryview
    offset: int
    members: ArchiveMembers
    stopped: tuple[str, int] | None

    @cached_property
    def table_of_contents(self) -> RanlibTable | None:
        """The entries of the first member where that is ``__.SYMDEF``, else None."""
        if not self.members or not self.members[0].table_of_contents:
            return None
        content = self.content(self.members[0])
        return RanlibTable(content, int.from_bytes(content[:4], "big"))

    def content(self, member: ArchiveMember) -> memoryview:
        """The bytes of a member; short where the file is."""
        return clip(self.data, member.start, member.size)


def archive_number(field: bytes) -> int | None:
    """A decimal field of an archive header, padded with blanks; None where it is not one."""
    text = field.strip(b" ")
    return int(text) if text.isdigit() else None


def walk_archive(data: memoryview, base: int) -> Archive:
    """Find the members of an archive that lies at ``base`` of the outermost file."""
    offsets = array("Q")
    at = len(lay.ARCHIVE_MAGIC)
    stopped: tuple[str, int] | None = None
    while at < len(data):
        if len(offsets) == MAX_MEMBERS:
            stopped = ("limit", base + at)
            break
        if len(data) - at < lay.ARCHIVE_HEADER.size:
            if bytes(data[at:]).strip(b"\n\0"):
                stopped = ("truncated", base + at)
            break
        *_, size, terminator = lay.ARCHIVE_HEADER.unpack_from(data, at)
        total = archive_number(size)
        if terminator != b"`\n" or total is None:
            stopped = ("header", base + at)
            break
        offsets.append(at)
        at += lay.ARCHIVE_HEADER.size + total
        if at > len(data):
            stopped = ("truncated", base + offsets[-1])
        at += at & 1
    return Archive(data, base, ArchiveMembers(data, base, offsets), stopped)
