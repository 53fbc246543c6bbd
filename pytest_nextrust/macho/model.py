"""One Mach-O in memory: header, commands, and lazily its symbols and relocations.

Holds what the file says, not whether it is right (that is ``check``). Sizes and addresses are in bytes; offsets are
relative to the start of this Mach-O unless they are called ``place`` (offset in the outermost file).

Sources: NeXT ``mach-o/loader.h``, ``nlist.h``, ``reloc.h``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from functools import cached_property
from typing import Any

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.commands import LoadCommand, Section, Segment, SymtabCommand, ThreadCommand, ThreadState
from pytest_nextrust.macho.tables import RecordTable, clip, string_at

__all__ = ["MachFile", "Relocation", "RelocationTable", "Symbol", "SymbolTable"]

_INDEX_LIMIT = 500_000


@dataclass(frozen=True, slots=True)
class Symbol:
    """One nlist entry. For N_INDR ``value`` is a string index; ``sect`` counts from 1, 0 is none."""

    name: str
    type: int
    sect: int
    desc: int
    value: int

    @property
    def external(self) -> bool:
        return bool(self.type & lay.N_EXT) and not self.stab

    @property
    def stab(self) -> bool:
        """True for a debugger's entry, whose type means something else."""
        return bool(self.type & lay.N_STAB)

    @property
    def kind(self) -> str:
        """``N_SECT``, ``N_ABS`` ..., ``stab`` or the number in hexadecimal."""
        masked = self.type & lay.N_TYPE
        return "stab" if self.stab else lay.SYMBOL_TYPES.get(masked, f"0x{masked:x}")


@dataclass(frozen=True, slots=True)
class Relocation:
    """One relocation entry. ``address`` is an offset from the section's start; ``length`` an exponent (2: 32 bits).

    A scattered entry has ``value`` and no ``symbolnum`` or ``extern``.
    """

    address: int
    symbolnum: int
    pcrel: bool
    length: int
    extern: bool
    type: int
    scattered: bool
    value: int
    place: int


class SymbolTable(RecordTable[Symbol]):
    """The nlist entries of a file, with their names from its string table."""

    __slots__ = ("strings_end", "strings_start")

    def __init__(self, data: memoryview, command: SymtabCommand | None) -> None:
        claim = command or SymtabCommand(0, 0, 0, 0)
        super().__init__(data, claim.symoff, claim.nsyms, lay.NLIST)
        self.strings_start = min(claim.stroff, len(data))
        self.strings_end = min(claim.stroff + claim.strsize, len(data))

    def decode(self, _index: int, fields: tuple[Any, ...]) -> Symbol:
        strx, ntype, sect, desc, value = fields
        return Symbol(self.string(strx), ntype, sect, desc, value)

    def string(self, strx: int) -> str:
        """The string at ``strx``; empty for 0, which is how nlist says that there is none."""
        return string_at(self.data, self.strings_start + strx, self.strings_end) if strx else ""


class RelocationTable(RecordTable[Relocation]):
    """The relocation entries of one section."""

    __slots__ = ("base",)

    def __init__(self, data: memoryview, base: int, section: Section) -> None:
        super().__init__(data, section.reloff, section.nreloc, lay.RELOCATION)
        self.base = base

    def decode(self, _index: int, fields: tuple[Any, ...]) -> Relocation:
        first, second = fields
        place = self.base + self.offset + _index * self.record.size
        if first & lay.R_SCATTERED:
            pcrel, length, rtype = bool(first >> 30 & 1), first >> 28 & 3, first >> 24 & 15
            return Relocation(first & 0xFF_FFFF, 0, pcrel, length, False, rtype, True, second, place)
        pcrel, length, extern = bool(second >> 7 & 1), second >> 5 & 3, bool(second >> 4 & 1)
        return Relocation(first, second >> 8, pcrel, length, extern, second & 15, False, 0, place)


@dataclass(frozen=True, eq=False)
class MachFile:
    """One thin Mach-O. ``offset`` is where ``data`` begins in the outermost file.

    ``ncmds`` and ``sizeofcmds`` are the header's claims; ``stopped`` says why fewer commands could be described,
    with the place, or is None.
    """

    data: memoryview
    offset: int
    cputype: int
    cpusubtype: int
    filetype: int
    flags: int
    ncmds: int
    sizeofcmds: int
    commands: tuple[LoadCommand, ...]
    stopped: tuple[str, int] | None

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(command.detail for command in self.commands if isinstance(command.detail, Segment))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Every section, in the order that a symbol's ``sect`` counts them (the first is 1)."""
        return tuple(section for segment in self.segments for section in segment.sections)

    @cached_property
    def symtab(self) -> SymtabCommand | None:
        """The first LC_SYMTAB."""
        return next((c.detail for c in self.commands if isinstance(c.detail, SymtabCommand)), None)

    @cached_property
    def symbols(self) -> SymbolTable:
        return SymbolTable(self.data, self.symtab)

    @cached_property
    def thread(self) -> ThreadState | None:
        """The registers of the first LC_UNIXTHREAD, or else of the first LC_THREAD."""
        for wanted in (lay.LC_UNIXTHREAD, lay.LC_THREAD):
            for command in self.commands:
                if command.cmd == wanted and isinstance(command.detail, ThreadCommand):
                    return command.detail.registers
        return None

    @property
    def entry(self) -> int | None:
        """Where execution starts: the pc of ``thread``."""
        return None if self.thread is None else self.thread.pc

    def segment_bytes(self, segment: Segment) -> memoryview:
        """The bytes that the file holds for ``segment``; short where the file is."""
        return clip(self.data, segment.fileoff, segment.filesize)

    def section_bytes(self, section: Section) -> memoryview:
        """The bytes that the file holds for ``section``; none for zero-fill."""
        return clip(self.data, section.offset, 0 if section.zero_fill else section.size)

    def relocations(self, section: Section) -> RelocationTable:
        return RelocationTable(self.data, self.offset, section)

    def section_at(self, address: int) -> Section | None:
        """The first section that holds ``address``."""
        return next((s for s in self.sections if s.addr <= address < s.addr + s.size), None)

    def lookup(self, name: str) -> Symbol | None:
        """The defined symbol of that name, an external one before a local one; None where there is none."""
        table = self.symbols
        wanted = name.encode("utf-8", "surrogateescape") + b"\0"
        found: Symbol | None = None
        for index, (strx, ntype, *_) in enumerate(table.raw()):
            start = table.strings_start + strx
            defined = not ntype & lay.N_STAB and ntype & lay.N_TYPE != lay.N_UNDF
            end = start + len(wanted)
            if defined and strx and end <= table.strings_end and self.data[start:end] == wanted:
                if ntype & lay.N_EXT:
                    return table[index]
                found = found or table[index]
        return found

    def symbol_at(self, address: int) -> tuple[Symbol, int] | None:
        """The symbol nearest below ``address`` in its section, and the distance in bytes; None where there is none.

        Outside the sections only an absolute symbol of exactly that address counts: so shared library entries are
        named, and small constants are not.
        """
        section = self.section_at(address)
        values, indices = self._index_sections if section else self._index_absolutes
        at = bisect_right(values, address)
        if at == 0:
            return None
        value = values[at - 1]
        while at > 1 and values[at - 2] == value:
            at -= 1
        symbol = self.symbols[indices[at - 1]]
        if section is None:
            return (symbol, 0) if value == address else None
        return (symbol, address - value) if value >= section.addr else None

    def describe(self, address: int) -> str:
        """``symbol+0x12``, or nothing where ``symbol_at`` finds none."""
        found = self.symbol_at(address)
        if found is None:
            return ""
        symbol, distance = found
        return f"{symbol.name}+0x{distance:x}" if distance else symbol.name

    @cached_property
    def _index_sections(self) -> tuple[array[int], array[int]]:
        return self._index(lay.N_SECT)

    @cached_property
    def _index_absolutes(self) -> tuple[array[int], array[int]]:
        return self._index(lay.N_ABS)

    def _index(self, kind: int) -> tuple[array[int], array[int]]:
        """Values in order, and the index of each one's symbol; of equal values the externals come first.

        Of a table beyond any real program's only the first entries are indexed: an index costs more than its file.
        """
        keys = []
        for index, (_, ntype, _, _, value) in enumerate(self.symbols.raw()):
            if index == _INDEX_LIMIT:
                break
            if not ntype & lay.N_STAB and ntype & lay.N_TYPE == kind:
                keys.append(value << 33 | (not ntype & lay.N_EXT) << 32 | index)
        keys.sort()
        return array("L", (key >> 33 for key in keys)), array("L", (key & 0xFFFF_FFFF for key in keys))
