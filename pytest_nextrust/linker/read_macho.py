"""An MH_OBJECT as an InputObject: its sections, symbols and what each relocation entry asks for.

What a field holds in the file is part of what is asked, so the readings of the four kinds of entry are here:

* external: the field holds the addend, pc-relative less the field's own address in the object;
* local: the field holds the address in the object that is meant (pc-relative: its distance from the field), and the
  entry names the section that it belongs to; section 0 is absolute and asks for nothing;
* scattered: as local, and the entry has the address of the symbol meant, which the field may lie far from;
* SECTDIFF with the PAIR behind it: the field holds the difference of two addresses, which the two entries have.

Sources: NeXT ``mach-o/reloc.h``, ``nlist.h``; NEXTSTEP 3.3 Development Tools, "Mach-O"; the relocated fields of objects
that NeXT's compilers made (pc-relative fields are relative to the field itself). SECTDIFF and PAIR are not in NeXT's
3.3 headers; Apple's later ``mach-o/reloc.h`` gives their numbers for this CPU too: 1 PAIR, 2 SECTDIFF, 4
LOCAL_SECTDIFF. ``N_WEAK_REF`` and ``N_WEAK_DEF`` are of Apple's later ``nlist.h``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.model import Fixup, InputObject, InputSection, InputSymbol
from pytest_nextrust.macho import MachFile, Relocation, Section
from pytest_nextrust.macho import layout as lay

__all__ = ["N_WEAK_DEF", "N_WEAK_REF", "PAIR", "SECTDIFFS", "read_macho_object"]

PAIR = 1
SECTDIFFS = (2, 4)
"""SECTDIFF, and LOCAL_SECTDIFF, which only says that nobody else can see the symbol."""

N_WEAK_REF = 0x40
N_WEAK_DEF = 0x80

_BSS_TYPES = (lay.S_ZEROFILL,)
_MAX_ALIGN = 13
_COMMON_ALIGN = 3
_VALUE = 8


def read_macho_object(file: MachFile, label: str, *, library: bool = False) -> InputObject:
    """Read an m68k MH_OBJECT that lies in memory.

    Raises MachoError, with the offset in the file, for one that is damaged where the linker has to trust it. Relocation
    entries are read when a section's fixups are asked for.
    """
    return _MachoObject(file, label, library).read()


class _MachoObject:
    def __init__(self, file: MachFile, label: str, library: bool) -> None:
        self.file = file
        self.label = label
        self.made = InputObject(label, library, cpusubtype=file.cpusubtype)
        self.sections: list[InputSection] = []
        self.origins: list[InputSymbol] = []
        self.by_index: list[InputSymbol] = []
        self.starts: list[tuple[int, int]] = []

    def bad(self, fault: str, place: int, remedy: str = "see `nextrust inspect`") -> MachoError:
        return MachoError(self.label, fault, place=f"offset {place}", remedy=remedy)

    def read(self) -> InputObject:
        file = self.file
        if file.cputype != lay.CPU_TYPE_MC680X0:
            raise self.bad(f"CPU type {file.cputype}, not the MC680x0", file.offset + 4, "build it for m68k")
        if file.filetype != lay.MH_OBJECT:
            kind = lay.FILETYPES.get(file.filetype, f"file type {file.filetype}")
            raise self.bad(f"{kind}, not MH_OBJECT", file.offset + 12, "link objects")
        if file.cpusubtype not in lay.CPU_SUBTYPES:
            raise self.bad(f"no m68k CPU subtype {file.cpusubtype}", file.offset + 8)
        if file.stopped is not None:
            raise self.bad("its load commands cannot all be read", file.stopped[1])
        for section in file.sections:
            self._section(section)
        self.starts = sorted((section.addr, number) for number, section in enumerate(file.sections))
        self._symbols()
        self.made.sections = [section for section in self.sections if section.size]
        return self.made

    def _section(self, section: Section) -> None:
        file = self.file
        if section.align > _MAX_ALIGN:
            raise self.bad(f"section {section}: alignment 2^{section.align}", section.place + 44, "use at most 2^13")
        kind = section.flags & lay.SECTION_TYPE
        if kind not in lay.SECTION_TYPES:
            raise self.bad(f"section {section}: type {kind}", section.place + 56)
        data = None if section.zero_fill else file.section_bytes(section)
        if data is not None and len(data) != section.size:
            fault = f"section {section}: {section.size} bytes at {section.offset}; the file has {len(file.data)}"
            raise self.bad(fault, section.place + 40, "get the whole file")
        if section.addr + section.size > 1 << 32:
            raise self.bad(f"section {section} reaches past 4 GiB", section.place + 32)
        names = section.segname or "__TEXT", section.sectname
        if not names[1]:
            raise self.bad("a section without a name", section.place)
        made = InputSection(self.made, *names, data, section.size, section.align, section.flags & lay.SECTION_TYPE)
        made.load = self._loader(section, made)
        self.sections.append(made)
        self.origins.append(InputSymbol("", "defined", made))

    def _symbols(self) -> None:
        table = self.file.symbols
        place = self.file.offset + table.offset
        if len(table) < table.declared:
            raise self.bad(f"{table.declared} symbols and {len(table)} are there", place, "get the whole file")
        for index, (strx, ntype, sect, desc, value) in enumerate(table.raw()):
            self.by_index.append(self._symbol(strx, ntype, sect, desc, value, place + index * lay.NLIST.size))
        self.made.symbols = self.by_index

    def _symbol(self, strx: int, ntype: int, sect: int, desc: int, value: int, place: int) -> InputSymbol:
        table = self.file.symbols
        if strx >= max(1, table.strings_end - table.strings_start):
            raise self.bad(f"a symbol's string index {strx} is outside the string table", place)
        name = table.string(strx)
        if ntype & lay.N_STAB:
            return self._stab(name, ntype, sect, desc, value)
        external, kind = bool(ntype & lay.N_EXT), ntype & lay.N_TYPE
        if not name and (external or kind != lay.N_SECT):
            raise self.bad("a symbol without a name", place)
        if kind == lay.N_UNDF and external:
            if value:
                if value > 1 << 28:
                    raise self.bad(f"common symbol {name} of {value} bytes", place + _VALUE)
                return InputSymbol(name, "common", None, value, True, align=_common_align(value))
            return InputSymbol(name, "undefined", external=True, weak=bool(desc & N_WEAK_REF))
        if kind == lay.N_ABS:
            return InputSymbol(name, "absolute", None, value, external, desc=desc)
        if kind == lay.N_INDR:
            return InputSymbol(name, "indirect", None, 0, external, alias=table.string(value))
        if kind != lay.N_SECT:
            raise self.bad(f"symbol {name} has type 0x{ntype:x}", place + 4)
        if not 0 < sect <= len(self.sections):
            raise self.bad(f"symbol {name} is in section {sect} of {len(self.sections)}", place + 5)
        section = self.file.sections[sect - 1]
        if not section.addr <= value <= section.addr + section.size:
            raise self.bad(f"symbol {name}: 0x{value:x} is not in section {section}", place + _VALUE)
        where = self.sections[sect - 1]
        return InputSymbol(name, "defined", where, value - section.addr, external, bool(desc & N_WEAK_DEF))

    def _stab(self, name: str, ntype: int, sect: int, desc: int, value: int) -> InputSymbol:
        """A debugging entry; one that belongs to no place of a section keeps its value as it is."""
        if 0 < sect <= len(self.sections):
            section = self.file.sections[sect - 1]
            if section.addr <= value <= section.addr + section.size:
                where = self.sections[sect - 1]
                return InputSymbol(name, "defined", where, value - section.addr, stab=ntype, desc=desc)
        return InputSymbol(name, "absolute", None, value, stab=ntype, desc=desc)

    def _loader(self, section: Section, made: InputSection) -> Callable[[], tuple[Fixup, ...]]:
        return lambda: tuple(self._fixups(section, made))

    def _fixups(self, section: Section, made: InputSection) -> Iterator[Fixup]:
        table = self.file.relocations(section)
        if len(table) < table.declared:
            place = section.place + 48
            raise self.bad(f"section {section}: {table.declared} relocation entries, {len(table)} are there", place)
        entries = iter(table)
        for entry in entries:
            if entry.type == PAIR:
                raise self.bad("a PAIR without the SECTDIFF before it", entry.place)
            if entry.type in SECTDIFFS:
                pair = next(entries, None)
                if pair is None or pair.type != PAIR or not pair.scattered:
                    raise self.bad("a SECTDIFF without its scattered PAIR", entry.place)
                field = self._field(section, made, entry)
                yield self._difference(section, entry, pair, field)
            elif entry.type:
                raise self.bad(f"relocation type {entry.type}, which no m68k tool has", entry.place)
            else:
                fixup = self._one(section, entry, self._field(section, made, entry))
                if fixup is not None:
                    yield fixup

    def _field(self, section: Section, made: InputSection, entry: Relocation) -> int:
        """What the field holds: of a distance with its sign, of an address without."""
        if entry.length > lay.R_LENGTH_LONG:
            raise self.bad(f"a relocated field of length {entry.length}", entry.place)
        width = 1 << entry.length
        if made.data is None or entry.address + width > section.size:
            fault = (
                f"{width} bytes at 0x{entry.address:x} of section {section}, which has 0x{section.size:x} in the file"
            )
            raise self.bad(fault, entry.place)
        signed = entry.pcrel or entry.type in SECTDIFFS
        return int.from_bytes(made.data[entry.address : entry.address + width], "big", signed=signed)

    def _one(self, section: Section, entry: Relocation, field: int) -> Fixup | None:
        width = 1 << entry.length
        meant = field + section.addr + entry.address if entry.pcrel else field
        if entry.scattered:
            target, base = self._symbol_at(entry.value, entry.place)
        elif entry.extern:
            target, base = self._external(section, entry), 0
        elif not entry.symbolnum:
            if not entry.pcrel:
                return None
            target, base = _ABSOLUTE, 0
        elif entry.symbolnum > len(self.sections):
            raise self.bad(self.not_an_ordinal(section, entry), entry.place + 4, "write the section's number, from 1")
        else:
            target, base = self.origins[entry.symbolnum - 1], self.file.sections[entry.symbolnum - 1].addr
        addend = meant - base
        if entry.extern or width == 4:
            # What is added to a symbol wraps with the field: in an object of 40 KiB a distance less the field's own
            # address does not fit 16 bits, and need not.
            addend = _signed(addend, 8 * width)
        return Fixup(entry.address, width, entry.pcrel, target, addend, None, entry.place)

    def _external(self, section: Section, entry: Relocation) -> InputSymbol:
        if entry.symbolnum >= len(self.by_index):
            fault = f"symbol {entry.symbolnum} of {len(self.by_index)}"
            raise self.bad(f"relocation of {section}+0x{entry.address:x}: {fault}", entry.place + 4)
        target = self.by_index[entry.symbolnum]
        if target.stab:
            raise self.bad(f"relocation against the debugging entry {entry.symbolnum}", entry.place + 4)
        return target

    def not_an_ordinal(self, section: Section, entry: Relocation) -> str:
        return (
            f"relocation of {section}+0x{entry.address:x}: r_symbolnum is 0x{entry.symbolnum:x} "
            f"and there are {len(self.sections)} sections"
        )

    def _difference(self, section: Section, entry: Relocation, pair: Relocation, field: int) -> Fixup:
        if not entry.scattered:
            raise self.bad("a SECTDIFF that is not scattered", entry.place)
        plus, first = self._symbol_at(entry.value, entry.place)
        minus, second = self._symbol_at(pair.value, pair.place)
        meant = field + (section.addr + entry.address if entry.pcrel else 0)
        return Fixup(entry.address, 1 << entry.length, entry.pcrel, plus, meant - (first - second), minus, entry.place)

    def _symbol_at(self, address: int, place: int) -> tuple[InputSymbol, int]:
        """A nameless symbol at an address of the object, and that address. One at a section's end belongs to it."""
        last = bisect_right(self.starts, (address, len(self.starts))) - 1
        for at in range(last, max(-1, last - len(self.starts)), -1):
            section = self.file.sections[self.starts[at][1]]
            if section.addr <= address < section.addr + section.size or address == section.addr + section.size:
                where = self.sections[self.starts[at][1]]
                return InputSymbol("", "defined", where, address - section.addr), address
        raise self.bad(f"r_value 0x{address:x} is in no section", place + 4)


_ABSOLUTE = InputSymbol("", "absolute")


def _signed(value: int, bits: int) -> int:
    """``value`` modulo 2**bits, from -2**(bits-1)."""
    half = 1 << bits - 1
    return (value + half) % (2 * half) - half


def _common_align(size: int) -> int:
    """NeXT's nlist has no alignment for commons: the greatest that the size may ask for, up to 8 bytes."""
    return min(_COMMON_ALIGN, max(size - 1, 0).bit_length())
