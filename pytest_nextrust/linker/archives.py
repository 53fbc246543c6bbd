"""Static archives as a linker sees them: a table of contents, and members that are read when a symbol wants them.

Two kinds of table: ``__.SYMDEF`` and ``__.SYMDEF SORTED`` (4.3BSD and NeXT ``ranlib``: pairs of a string's offset and a
member's), and ``/`` (System V, GNU and LLVM ``ar``, so also rustc's ``.rlib``: offsets, then names). An archive without
one is refused, as NeXT's and GNU's linkers do.

Sources: 4.3BSD ``ar.h``, ``ranlib.h``; System V ABI, "Archive File"; GNU binutils' names (``//``, ``/NUMBER``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.model import InputObject
from pytest_nextrust.linker.read_elf import ELF_MAGIC, EM_68K, read_elf_object
from pytest_nextrust.linker.read_macho import read_macho_object
from pytest_nextrust.macho import Archive, ArchiveMember, MachFile, read
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.names import next_name

__all__ = ["LinkArchive", "read_object"]

_WANTED = "name objects, and archives of objects, made for the m68k"
_LONG_NAMES, _TABLE, _TABLE_64 = "//", "/", "/SYM64/"


def read_object(content: memoryview, label: str, *, library: bool) -> InputObject:
    """An object of either format. Raises MachoError for anything else, or a damaged one."""
    if bytes(content[:4]) == ELF_MAGIC:
        return read_elf_object(content, label, library=library)
    if bytes(content[:4]) not in (lay.MAGIC, lay.MAGIC_SWAPPED):
        fault = "neither a Mach-O nor an ELF object" if len(content) else "an empty file"
        raise MachoError(label, fault, place="offset 0", remedy=_WANTED)
    file = read(bytes(content), name=label)
    if not isinstance(file, MachFile):
        raise MachoError(label, "not an object", place="offset 0", remedy="put objects into archives")
    return read_macho_object(file, label, library=library)


def _other_machine(content: memoryview) -> str:
    """What an object is for, where that is not the m68k."""
    if bytes(content[:4]) == lay.MAGIC and len(content) >= lay.HEADER.size:
        cputype = lay.HEADER.unpack_from(content)[1]
        known = lay.CPU_TYPES.get(cputype)
        return "" if cputype == lay.CPU_TYPE_MC680X0 else known or f"CPU type {cputype}"
    if bytes(content[:4]) == ELF_MAGIC and len(content) >= 20:
        machine = int.from_bytes(content[18:20], "little" if content[5] == 1 else "big")
        return "" if machine == EM_68K else f"ELF machine {machine}"
    return ""


@dataclass(eq=False)
class LinkArchive:
    """One archive. ``entries``: symbol, as NeXT names it, to the offset of the first member that defines it.

    ``foreign``: members that were wanted and are for another CPU, which NeXT's linker passes over, and for which.
    """

    label: str
    archive: Archive
    entries: dict[str, int]
    loaded: set[int] = field(default_factory=set)
    foreign: dict[int, str] = field(default_factory=dict)
    index: dict[int, int] = field(default_factory=dict)
    elf: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def open(cls, archive: Archive, label: str) -> LinkArchive:
        """Read the table of contents. Raises MachoError for an archive that is damaged or has none."""
        if archive.stopped is not None:
            reason, place = archive.stopped
            fault = "more members than are looked at" if reason == "limit" else f"damaged here ({reason})"
            raise MachoError(label, fault, place=f"offset {place}", remedy="get the whole archive, or make it again")
        made = cls(label, archive, {})
        made.index = {offset: number for number, offset in enumerate(archive.members.offsets)}
        if len(archive.members):
            made.entries = made._bsd() if archive.members[0].table_of_contents else made._gnu()
        return made

    def load(self, offset: int) -> InputObject | None:
        """The member whose header is at ``offset``; None where it was loaded before or is for another CPU.

        Raises MachoError.
        """
        if offset in self.loaded:
            return None
        self.loaded.add(offset)
        member = self._member(offset)
        label = f"{self.label}({self.name_of(member)})"
        content = self.archive.content(member)
        other = _other_machine(content)
        if other:
            self.foreign[offset] = f"{label} defines it for {other}"
            return None
        return read_object(content, label, library=True)

    def name_of(self, member: ArchiveMember) -> str:
        """A member's name, long ones looked up."""
        name = member.name
        if name.startswith("/") and name[1:].isdigit():
            for other in self.archive.members[:3]:
                if other.name == _LONG_NAMES:
                    raw = bytes(self.archive.content(other))[int(name[1:]) :]
                    return raw.split(b"\n", 1)[0].rstrip(b"/").decode("utf-8", "backslashreplace") or name
        return name.removesuffix("/") if len(name) > 1 else name

    def _member(self, offset: int) -> ArchiveMember:
        index = self.index.get(offset)
        if index is None:
            fault = f"its table of contents has a member at {offset}, where none begins"
            raise MachoError(self.label, fault, place=f"offset {offset}", remedy="run ranlib on it")
        return self.archive.members[index]

    def _bsd(self) -> dict[str, int]:
        table = self.archive.table_of_contents
        assert table is not None
        place = f"offset {self.archive.offset + self.archive.members[0].start}"
        if table.claimed % table.record.size or len(table) * table.record.size != table.claimed:
            fault = f"its table of contents claims {table.claimed} bytes of entries, which are not there"
            raise MachoError(self.label, fault, place=place, remedy="run ranlib on it")
        found: dict[str, int] = {}
        for entry in table:
            if not entry.name:
                fault = f"an entry of its table of contents has no name (string index {entry.strx})"
                raise MachoError(self.label, fault, place=place, remedy="run ranlib on it")
            found.setdefault(self._next(entry.name, entry.offset), entry.offset)
        return found

    def _gnu(self) -> dict[str, int]:
        first = self.archive.members[0]
        place = f"offset {self.archive.offset + first.start}"
        if first.name not in (_TABLE, _TABLE_64):
            fault = "no table of contents, which says what its members define"
            raise MachoError(self.label, fault, place=place, remedy="run ranlib on it")
        width = 4 if first.name == _TABLE else 8
        content = bytes(self.archive.content(first))
        count = int.from_bytes(content[:width], "big")
        names_at = width * (count + 1)
        if len(content) < width or names_at > len(content):
            fault = f"its table of contents claims {count} entries in {len(content)} bytes"
            raise MachoError(self.label, fault, place=place, remedy="run ranlib on it")
        names = content[names_at:].split(b"\0")
        if len(names) <= count:
            fault = f"its table of contents claims {count} entries and has {len(names) - 1} names"
            raise MachoError(self.label, fault, place=place, remedy="run ranlib on it")
        found: dict[str, int] = {}
        for number in range(count):
            at = width * (number + 1)
            offset = int.from_bytes(content[at : at + width], "big")
            name = names[number].decode("utf-8", "backslashreplace")
            found.setdefault(self._next(name, offset), offset)
        return found

    def _next(self, name: str, offset: int) -> str:
        """What NeXT calls a symbol of the member at ``offset``: one of an ELF object has no underscore yet."""
        if offset not in self.elf:
            index = self.index.get(offset)
            start = b"" if index is None else bytes(self.archive.content(self.archive.members[index])[:4])
            self.elf[offset] = start == ELF_MAGIC
        return next_name(name) if self.elf[offset] else name

    def members(self) -> Iterator[tuple[str, memoryview]]:
        """Name and content of every member that is no table."""
        for index, member in enumerate(self.archive.members):
            special = member.name in (_TABLE, _TABLE_64, _LONG_NAMES)
            if not special and not (index == 0 and member.table_of_contents):
                yield self.name_of(member), self.archive.content(member)
