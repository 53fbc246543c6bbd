"""Defects of the symbol table, the string table and relocation entries.

Works on unpacked fields and makes no object per entry, so that its cost stays linear in the file.

Sources: NeXT ``nlist.h``, ``stab.h``, ``reloc.h``; NEXTSTEP 3.3 Development Tools, "Mach-O"; ``ld``'s messages on bad
r_symbolnum, r_address and r_value.
"""

from __future__ import annotations

from bisect import bisect_right

from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.commands import Section
from pytest_nextrust.macho.defects import Reporter
from pytest_nextrust.macho.model import MachFile, SymbolTable

__all__ = ["check_relocations", "check_symbols"]

_SYMOFF, _STROFF = 8, 16
_TYPE, _SECT, _VALUE = 4, 5, 8
_RELOFF = 48
_STEP = 0x1_0000
_NAME_STEP = 2048
_SHOWN = 200
_PAIR, _SECTDIFF, _LOCAL_SECTDIFF = 1, 2, 4
_DIFFERENCES = (_SECTDIFF, _LOCAL_SECTDIFF)


def check_symbols(file: MachFile, found: Reporter) -> None:
    """The tables' places, then every entry."""
    command = next((c for c in file.commands if c.cmd == lay.LC_SYMTAB), None)
    symtab = file.symtab
    if command is None or symtab is None:
        return
    have = len(file.data)
    if symtab.nsyms and symtab.symoff + symtab.nsyms * lay.NLIST.size > have:
        fault = f"{symtab.nsyms} symbols at {symtab.symoff}; the file has {have} bytes"
        found.add("symbols-outside-file", command.place + _SYMOFF, fault)
    strings_whole = symtab.stroff + symtab.strsize <= have
    if symtab.strsize and not strings_whole:
        fault = f"{symtab.strsize} bytes at {symtab.stroff}; the file has {have}"
        found.add("strings-outside-file", command.place + _STROFF, fault)
    _check_entries(file, symtab.strsize, strings_whole, found)


def _check_entries(file: MachFile, strsize: int, strings_whole: bool, found: Reporter) -> None:
    table = file.symbols
    last_nul = _last_nul(table)
    first = file.offset + table.offset
    found.spend((table.strings_end - table.strings_start) // _STEP, first)
    for index, (strx, ntype, sect, _, value) in found.each(table.raw(), first, lay.NLIST.size):
        place = first + index * lay.NLIST.size
        if strx:
            _check_string(strx, strsize, last_nul, strings_whole, index, place, found)
        kind = ntype & lay.N_TYPE
        if ntype & lay.N_STAB:
            if sect > len(file.sections) and file.stopped is None:
                found.add("symbol-section", place + _SECT, f"stab {index} is in section {sect} of {len(file.sections)}")
        elif kind == lay.N_SECT:
            _check_section(file, index, sect, value, place, found)
        elif kind == lay.N_INDR:
            _check_string(value, strsize, last_nul, strings_whole, index, place + _VALUE, found)
        elif kind not in lay.SYMBOL_TYPES:
            found.add("symbol-type", place + _TYPE, f"symbol {index} has type 0x{ntype:x}")
        elif kind == lay.N_UNDF and ntype & lay.N_EXT and file.filetype == lay.MH_EXECUTE:
            name = table.string(strx)
            found.spend(len(name) // _NAME_STEP, place)
            shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "..."
            found.add("undefined-symbol", place + _TYPE, f"symbol {index} ({shown}) is undefined")


def _check_string(strx: int, strsize: int, last_nul: int, whole: bool, index: int, place: int, found: Reporter) -> None:
    if strx >= strsize:
        found.add("string-index", place, f"symbol {index}: string index {strx}; the table has {strsize} bytes")
    elif strx > last_nul and whole:
        found.add("string-unterminated", place, f"symbol {index}: no NUL behind string index {strx}")


def _check_section(file: MachFile, index: int, sect: int, value: int, place: int, found: Reporter) -> None:
    if sect > len(file.sections) and file.stopped is not None:
        return  # it may be in a command that could not be read
    if not 0 < sect <= len(file.sections):
        found.add("symbol-section", place + _SECT, f"symbol {index} is in section {sect} of {len(file.sections)}")
        return
    section = file.sections[sect - 1]
    if not section.addr <= value <= section.addr + section.size:
        fault = f"symbol {index}: 0x{value:x} is not in section {section}"
        found.add("symbol-outside-section", place + _VALUE, fault)


def _last_nul(table: SymbolTable) -> int:
    """The string index of the last NUL in the string table, or -1. Copies a piece at a time."""
    end = table.strings_end
    while end > table.strings_start:
        start = max(table.strings_start, end - _STEP)
        at = bytes(table.data[start:end]).rfind(b"\0")
        if at >= 0:
            return start + at - table.strings_start
        end = start
    return -1


def check_relocations(file: MachFile, found: Reporter) -> None:
    """Every section's entries, each byte of the file once.

    Where load commands could not be read, what an entry refers to may be in one of them, and is not checked.
    """
    reach = 0
    spans = _spans(file)
    for section in sorted((s for s in file.sections if s.nreloc), key=lambda s: s.reloff):
        end = section.reloff + section.nreloc * lay.RELOCATION.size
        if end > len(file.data):
            fault = f"section {section}: {section.nreloc} entries at {section.reloff}; the file has {len(file.data)}"
            found.add("relocations-outside-file", section.place + _RELOFF, fault)
        if section.reloff < reach:
            fault = f"section {section}: its entries at {section.reloff} begin inside another section's"
            found.add("relocations-overlap", section.place + _RELOFF, fault)
            continue
        reach = end
        _check_section_entries(file, section, spans, found)


def _spans(file: MachFile) -> tuple[list[int], list[int]]:
    """Starts of the sections in order, and how far the sections up to each one reach."""
    starts: list[int] = []
    reaches: list[int] = []
    for section in sorted(file.sections, key=lambda s: s.addr):
        starts.append(section.addr)
        reaches.append(max(section.addr + section.size, reaches[-1] if reaches else 0))
    return starts, reaches


def _check_section_entries(
    file: MachFile, section: Section, spans: tuple[list[int], list[int]], found: Reporter
) -> None:
    starts, reaches = spans
    table = file.relocations(section)
    first = file.offset + table.offset
    fields = _Fields(file, section)
    pairing = _Pairing(found)
    place = first
    for index, (word, second) in found.each(table.raw(), first, lay.RELOCATION.size):
        place = first + index * lay.RELOCATION.size
        what = f"{section} relocation {index}"
        scattered = bool(word & lay.R_SCATTERED)
        if scattered:
            address, length, rtype, kind_place = word & 0xFF_FFFF, word >> 28 & 3, word >> 24 & 15, place
            below = bisect_right(starts, second)
            if file.stopped is None and (not below or second > reaches[below - 1]):
                found.add("relocation-value", place + 4, f"{what}: r_value 0x{second:x}")
        else:
            address, length, rtype, kind_place = word, second >> 5 & 3, second & 15, place + 4
            if file.stopped is None and rtype != _PAIR:
                _check_target(file, second, what, place, found)
        pairing.see(rtype, scattered, what, kind_place)
        if length > lay.R_LENGTH_LONG:
            found.add("relocation-length", kind_place, f"{what}: length {length}")
        elif rtype != _PAIR and address + (1 << length) > section.size:
            fault = f"{what}: {1 << length} bytes at 0x{address:x}; the section has 0x{section.size:x}"
            found.add("relocation-address", place, fault)
        elif rtype != _PAIR:
            fields.see(address, 1 << length, what, place, found)
            if not scattered and not rtype and length == lay.R_LENGTH_LONG and file.stopped is None:
                fields.check_local(address, second, what, place, found)
        if rtype in (_PAIR, *_DIFFERENCES):
            found.add("relocation-later", kind_place, f"{what}: type {rtype}")
        elif rtype:
            found.add("relocation-type", kind_place, f"{what}: type {rtype}")
    pairing.end(place)


class _Pairing:
    """Whether each difference has its pair behind it."""

    def __init__(self, found: Reporter) -> None:
        self.found = found
        self.open = ""

    def see(self, rtype: int, scattered: bool, what: str, place: int) -> None:
        if rtype == _PAIR:
            if not self.open or not scattered:
                self.found.add("relocation-pair", place, f"{what}: a PAIR {_alone(scattered)}")
            self.open = ""
            return
        self.end(place)
        if rtype in _DIFFERENCES:
            self.open = what
            if not scattered:
                self.found.add("relocation-pair", place, f"{what}: a SECTDIFF that is not scattered")

    def end(self, place: int) -> None:
        """No more entries, or one that is no pair."""
        if self.open:
            self.found.add("relocation-pair", place, f"{self.open}: a SECTDIFF without its PAIR")
            self.open = ""


def _alone(scattered: bool) -> str:
    return "without the SECTDIFF before it" if scattered else "that is not scattered"


class _Fields:
    """The relocated fields of one section: which bytes they are, and what they hold. A bit for each byte."""

    def __init__(self, file: MachFile, section: Section) -> None:
        self.file = file
        self.section = section
        self.content = file.section_bytes(section)
        self.code = section.segname == "__TEXT" and section.sectname == "__text"
        self.seen = bytearray(len(self.content) // 8 + 2)

    def see(self, address: int, width: int, what: str, place: int, found: Reporter) -> None:
        """Note a field that is inside the section."""
        if self.code and width > 1 and address & 1:
            found.add("relocation-odd", place, f"{what}: {width} bytes at 0x{address:x}")
        at = address >> 3
        if at + 1 >= len(self.seen):
            return  # in bytes that the file does not have
        mask = ((1 << width) - 1) << (address & 7)
        known = self.seen[at] | self.seen[at + 1] << 8
        if known & mask:
            found.add("relocation-twice", place, f"{what}: {width} bytes at 0x{address:x}")
        known |= mask
        self.seen[at], self.seen[at + 1] = known & 0xFF, known >> 8

    def check_local(self, address: int, word: int, what: str, place: int, found: Reporter) -> None:
        """A local entry's field holds an address of the section that it names, its end included."""
        number = word >> 8
        if word >> 4 & 1 or not 0 < number <= len(self.file.sections) or address + 4 > len(self.content):
            return
        meant = self.file.sections[number - 1]
        value = int.from_bytes(self.content[address : address + 4], "big")
        if word >> 7 & 1:
            value = (value + self.section.addr + address) & 0xFFFF_FFFF
        if not meant.addr <= value <= meant.addr + meant.size:
            fault = f"{what}: 0x{value:x} is not in section {number}, {meant}"
            found.add("relocation-elsewhere", place, fault)


def _not_an_ordinal(file: MachFile, number: int) -> str:
    """What a number is that is no section's: some writers put an address where the section's number belongs."""
    fault = f"section {number} of {len(file.sections)}"
    section = file.section_at(number) or next((s for s in file.sections if s.addr + s.size == number), None)
    if section is None:
        return fault
    name = file.describe(number)
    place = f"{name} in {section}" if name else str(section)
    right = file.sections.index(section) + 1
    return f"{fault}: 0x{number:x} is an address, of {place}, and its section's number is {right}"


def _check_target(file: MachFile, word: int, what: str, place: int, found: Reporter) -> None:
    """An external entry names an external symbol, a local one a section or 0 (absolute)."""
    number = word >> 8
    if not word >> 4 & 1:
        if number > len(file.sections):
            found.add("relocation-section", place + 4, f"{what}: {_not_an_ordinal(file, number)}")
        return
    table = file.symbols
    if number >= max(len(table), table.declared):
        found.add("relocation-symbol", place + 4, f"{what}: symbol {number} of {table.declared}")
    elif number < len(table):
        ntype = file.data[table.offset + number * lay.NLIST.size + _TYPE]
        if ntype & lay.N_STAB or not ntype & lay.N_EXT:
            found.add("relocation-symbol", place + 4, f"{what}: symbol {number} is not external")
