"""What a caller wants to know of a file before anything is linked: its kind, its names, its form as MH_OBJECT."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.archives import LinkArchive, read_object
from pytest_nextrust.linker.model import InputObject
from pytest_nextrust.linker.read_macho import read_macho_object
from pytest_nextrust.linker.write_object import write_object
from pytest_nextrust.macho import Archive, FatFile, MachFile, read
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.check import open_members

__all__ = ["defined_names", "is_macho", "object_from_elf"]

_MACHO = (lay.MAGIC, lay.MAGIC_SWAPPED, lay.FAT_MAGIC, lay.FAT_MAGIC_SWAPPED)


def is_macho(data: bytes) -> bool:
    """Whether a file is a Mach-O, a fat file, or an archive with a Mach-O in it: what GNU ld does not read."""
    if data[:4] in _MACHO:
        return True
    if data[:8] != lay.ARCHIVE_MAGIC:
        return False
    archive = read(data)
    assert isinstance(archive, Archive)
    return any(bytes(archive.content(member)[:4]) in _MACHO for member in archive.members)


def defined_names(data: bytes, label: str) -> list[str]:
    """The external names that an object defines, or an archive's table of contents lists, as NeXT spells them.

    Raises MachoError for anything else.
    """
    if data[:4] in (lay.FAT_MAGIC, lay.FAT_MAGIC_SWAPPED) or data[:8] == lay.ARCHIVE_MAGIC:
        file = read(data, name=label)
        if isinstance(file, FatFile):
            return [name for opened in open_members(file) for name in _names_in(opened.content, label)]
        return _names_in(file, label)
    made = read_object(memoryview(data), label, library=False)
    return list(dict.fromkeys(_defined(made)))


def _names_in(file: MachFile | Archive | None, label: str) -> list[str]:
    if isinstance(file, Archive):
        return list(LinkArchive.open(file, label).entries)
    return [] if file is None else list(dict.fromkeys(_defined(read_macho_object(file, label))))


def _defined(made: InputObject) -> Iterable[str]:
    return (symbol.name for symbol in made.globals() if symbol.kind != "undefined" and not symbol.stab)


def object_from_elf(data: bytes, label: str) -> bytes:
    """An object, usually ELF, as MH_OBJECT. Raises MachoError for what the format cannot say, or a damaged one."""
    if data[:8] == lay.ARCHIVE_MAGIC:
        raise MachoError(label, "an archive, not one object", place="offset 0", remedy="take its objects out first")
    return write_object(read_object(memoryview(data), label, library=False))
