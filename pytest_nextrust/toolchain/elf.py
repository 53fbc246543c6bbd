"""A linked m68k ELF file as the Mach-O writer's Image.

The linker script (``runtime/next.ld``) has placed everything at its final address and named the output sections for
the Mach-O sections they become, so nothing is relocated here: contents, zero-fill, entry and symbols are carried over.
C names get the underscore that NeXT's compilers put in front of every name; the few names that NeXT's own start code
has without one keep none.

Sources: System V ABI (ELF), its m68k supplement; NeXT mach-o/loader.h. Reading ELF is pyelftools' work (extra ``elf``).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pytest_nextrust.errors import ToolchainError, ToolchainMissing
from pytest_nextrust.macho import Image, ImageSection, ImageSymbol
from pytest_nextrust.macho.names import BARE_NAMES, next_name
from pytest_nextrust.toolchain.lines import line_entries

__all__ = ["BARE_NAMES", "PLACES", "exported", "image_of", "next_name", "object_lines"]

_S_CSTRING_LITERALS = 2
_STRINGS = "__cstring"

PLACES = {
    "__text": "__TEXT",
    "__cstring": "__TEXT",
    "__const": "__TEXT",
    "__data": "__DATA",
    "__got": "__DATA",
    "__tdata": "__DATA",
    "__bss": "__DATA",
}
"""The Mach-O segment of each output section that the linker script makes."""

_EM_68K = "EM_68K"
_SHF_ALLOC, _SHF_TLS = 2, 0x400
_SKIPPED_TYPES = ("STT_FILE", "STT_SECTION", "STT_TLS")
"""A thread's variable has no address in the program: its value is an offset into the thread's block."""


def image_of(data: bytes, *, name: str = "", lines: bool = False) -> Image:
    """Read a linked ELF executable, with ``lines`` its source lines too.

    Raises ToolchainMissing without pyelftools, and ToolchainError for a file that is not an m68k ELF executable made
    with this package's linker script.
    """
    try:
        from elftools.common.exceptions import DWARFError, ELFError, ELFParseError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise _no_reader() from error
    try:
        elf = ELFFile(io.BytesIO(data))
        _require_linked_m68k(elf, name)
        sections = _sections(elf, name)
        symbols = _symbols(elf, sections) + (line_entries(elf, sections) if lines else ())
        return Image(tuple(sections.values()), elf.header["e_entry"], symbols)
    except (ELFError, ELFParseError, DWARFError) as error:
        raise _bad(name, f"not an ELF file that can be read: {error}") from error


def object_lines(data: bytes, sections: Sequence[ImageSection]) -> tuple[ImageSymbol, ...]:
    """The source lines of one ELF object whose debugging information has the program's addresses.

    Nothing where it cannot be read: lines are a help, and the program is whole without them. Raises ToolchainMissing.
    """
    try:
        from elftools.common.exceptions import DWARFError, ELFError, ELFParseError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise _no_reader() from error
    try:
        return line_entries(ELFFile(io.BytesIO(data)), dict(enumerate(sections)))
    except (ELFError, ELFParseError, DWARFError, KeyError, ValueError, IndexError, TypeError):
        return ()


def exported(data: bytes, name: str = "") -> list[str]:
    """The global symbols that an ELF object defines. Raises ToolchainError for anything else, ToolchainMissing."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise _no_reader() from error
    remedy = "name C or assembly sources, or .o files made for the m68k"
    try:
        file = ELFFile(io.BytesIO(data))
        table: Any = file.get_section_by_name(".symtab")
    except ELFError as error:
        raise ToolchainError("SOURCE", f"not an m68k ELF object: {error}", place=name, remedy=remedy) from error
    if file["e_machine"] != _EM_68K:
        made_for = str(file["e_machine"]).removeprefix("EM_")
        raise ToolchainError("SOURCE", f"an object for another machine: {made_for}", place=name, remedy=remedy)
    return [
        symbol.name
        for symbol in (table.iter_symbols() if table else ())
        if symbol.name and symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF"
    ]


def _no_reader() -> ToolchainMissing:
    return ToolchainMissing("ELF reader", "pyelftools is not installed", remedy="pip install pytest-nextrust[elf]")


def _bad(name: str, fault: str) -> ToolchainError:
    return ToolchainError("ELF to Mach-O", fault, place=name, remedy="link it with runtime/next.ld")


def _require_linked_m68k(elf: Any, name: str) -> None:
    if elf.header["e_machine"] != _EM_68K:
        raise _bad(name, f"machine is {elf.header['e_machine']}, not EM_68K")
    if elf.header["e_type"] != "ET_EXEC":
        raise _bad(name, f"type is {elf.header['e_type']}, not a linked executable")


def _sections(elf: Any, name: str) -> dict[int, ImageSection]:
    """What occupies memory, by ELF section index."""
    found = {}
    for index, section in enumerate(elf.iter_sections()):
        if not section["sh_flags"] & _SHF_ALLOC or not section["sh_size"]:
            continue
        if section["sh_flags"] & _SHF_TLS and section["sh_type"] == "SHT_NOBITS":
            continue  # zeros of each thread's block
        if section.name not in PLACES:
            raise _bad(name, f"section {section.name} has no place in a NeXT executable")
        zero = section["sh_type"] == "SHT_NOBITS"
        found[index] = ImageSection(
            name=section.name,
            segment=PLACES[section.name],
            address=section["sh_addr"],
            data=None if zero else section.data(),
            size=section["sh_size"],
            align=max(section["sh_addralign"], 1).bit_length() - 1,
            flags=_S_CSTRING_LITERALS if section.name == _STRINGS else 0,
        )
    return found


def _symbols(elf: Any, sections: dict[int, ImageSection]) -> tuple[ImageSymbol, ...]:
    """Every named symbol of what occupies memory, ordered by address and name; assembler-local labels are left out."""
    table = elf.get_section_by_name(".symtab")
    found = set()
    for symbol in table.iter_symbols() if table else ():
        kind, binding, index = symbol["st_info"]["type"], symbol["st_info"]["bind"], symbol["st_shndx"]
        if not symbol.name or kind in _SKIPPED_TYPES or symbol.name.startswith(".L") or index not in sections:
            continue
        section = sections[index]
        external = binding != "STB_LOCAL"
        found.add((symbol["st_value"], next_name(symbol.name), section.segment, section.name, external))
    return tuple(
        ImageSymbol(name, address, (segment, section), external)
        for address, name, segment, section, external in sorted(found)
    )
