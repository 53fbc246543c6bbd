"""An m68k ELF object as an InputObject: what GNU as and LLVM emit, with the names and sections that NeXT has.

The linker knows nothing of ELF: a global offset table becomes a section of the object itself (each object has its own,
so an offset into it is known here), a call through the procedure linkage table a call, ``.text.foo`` a piece of
``__TEXT,__text``. Read with ``struct``, in bounds, and no more of it than is needed: relocation entries only of
sections that are linked.

Sources: System V ABI, "Object Files"; its m68k supplement and binutils' ``elf/m68k.h`` for the relocation types;
``R_68K_GOT32`` against ``_GLOBAL_OFFSET_TABLE_`` is the distance of the table itself (GNU ld).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.model import Fixup, InputObject, InputSection, InputSymbol
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.names import next_name

__all__ = [
    "ELF_MAGIC",
    "EM_68K",
    "GOT",
    "INIT_ARRAY",
    "RELOCATIONS",
    "TLS_FILLED",
    "TLS_IMAGE",
    "TLS_ZERO",
    "SectionHeader",
    "elf_sections",
    "read_elf_object",
]

ELF_MAGIC: Final = b"\x7fELF"
GOT: Final = "__got"
INIT_ARRAY: Final = "__init_arr"
"""What sections of constructors are called, with the priority behind it where there is one."""

TLS_FILLED: Final = "__tdata"
TLS_ZERO: Final = "__tbss"
TLS_IMAGE: Final = "___tls_image"
"""What each thread has of its own: the sections with its first contents and with its zeros behind them, and the name of
where the two begin."""
_POINTER = 0x7000
"""How far into a thread's block its pointer is (TLS ABI of the m68k, which binutils' ``elf32-m68k.c`` follows)."""

_HEADER = Struct(">16sHHLLLLLHHHHHH")
_SECTION = Struct(">10L")
_SYMBOL = Struct(">LLLBBH")
_RELA = Struct(">LLl")
EM_68K: Final = 4
_ET_REL = 1
_PROGBITS, _SYMTAB, _RELA_TYPE, _NOBITS, _REL, _GROUP, _SYMTAB_SHNDX = 1, 2, 4, 8, 9, 17, 18
_INIT_ARRAY_TYPE = 14
_WRITE, _ALLOC, _EXEC, _RETAIN = 1, 2, 4, 0x20_0000
_SHN_UNDEF, _SHN_ABS, _SHN_COMMON, _SHN_RESERVE = 0, 0xFFF1, 0xFFF2, 0xFF00
_STB_LOCAL, _STB_WEAK = 0, 2
_STT_SECTION, _STT_FILE, _STT_TLS = 3, 4, 6
_GRP_COMDAT = 1
_MAX_ALIGN = 13
_TABLE_NAME = "_GLOBAL_OFFSET_TABLE_"

RELOCATIONS: Final[dict[int, tuple[str, str, int]]] = {
    0: ("R_68K_NONE", "none", 0),
    1: ("R_68K_32", "abs", 4),
    2: ("R_68K_16", "abs", 2),
    3: ("R_68K_8", "abs", 1),
    4: ("R_68K_PC32", "pc", 4),
    5: ("R_68K_PC16", "pc", 2),
    6: ("R_68K_PC8", "pc", 1),
    7: ("R_68K_GOT32", "got-pc", 4),
    8: ("R_68K_GOT16", "got-pc", 2),
    9: ("R_68K_GOT8", "got-pc", 1),
    10: ("R_68K_GOT32O", "got", 4),
    11: ("R_68K_GOT16O", "got", 2),
    12: ("R_68K_GOT8O", "got", 1),
    13: ("R_68K_PLT32", "pc", 4),
    14: ("R_68K_PLT16", "pc", 2),
    15: ("R_68K_PLT8", "pc", 1),
    37: ("R_68K_TLS_LE32", "local", 4),
    38: ("R_68K_TLS_LE16", "local", 2),
    39: ("R_68K_TLS_LE8", "local", 1),
}
"""Type to name, what it asks for, and width in bytes. What is missing asks for a dynamic linker, which a NeXT program
has not. A thread's variable is ``local``: its distance from the thread pointer."""
_TLS_DYNAMIC: Final = range(25, 43)

_PLACES: Final = (
    (re.compile(r"\.(text|init|fini)(\..*)?$"), "__TEXT", "__text", 0),
    (re.compile(r"\.rodata\.str1\..*"), "__TEXT", "__cstring", 2),
    (re.compile(r"\.(rodata|gnu\.linkonce\.r)(\..*)?$"), "__TEXT", "__const", 0),
    (re.compile(r"\.(tdata|gnu\.linkonce\.td)(\..*)?$"), "__DATA", TLS_FILLED, 0),
    (re.compile(r"\.(tbss|tcommon|gnu\.linkonce\.tb)(\..*)?$"), "__DATA", TLS_ZERO, 1),
    (re.compile(r"\.(data|gnu\.linkonce\.d)(\..*)?$"), "__DATA", "__data", 0),
    (re.compile(r"\.(bss|sbss|gnu\.linkonce\.b)(\..*)?$"), "__DATA", "__bss", 1),
)
_DROPPED: Final = re.compile(
    r"\.(comment|note|debug_gdb_scripts|eh_frame|eh_frame_hdr|gcc_except_table|gnu\.(?!linkonce)|llvm)"
)
_PRIORITY: Final = re.compile(r"\.(?:init_array|ctors)(?:\.(\d{1,5}))?$")
_KEPT: Final = re.compile(r"\.(text\.start|init|fini)$")


class SectionHeader(NamedTuple):
    """One ELF section header, its name read."""

    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int
    place: int


def elf_sections(view: memoryview, label: str) -> list[SectionHeader]:
    """The section headers of a 32-bit big-endian m68k ELF object. Raises MachoError."""

    def bad(fault: str, place: int, remedy: str = "compile it again") -> MachoError:
        return MachoError(label, fault, place=f"offset {place}", remedy=remedy)

    if len(view) < _HEADER.size:
        raise bad("ends inside the ELF header", 0, "get the whole file")
    ident, etype, machine, _, _, _, shoff, _, _, _, _, shentsize, shnum, shstrndx = _HEADER.unpack_from(view)
    if ident[4] != 1 or ident[5] != 2:
        raise bad("not a 32-bit big-endian ELF file", 4, "build it for m68k")
    if machine != EM_68K:
        raise bad(f"an object for another machine: e_machine is {machine}, not 4", 18, "build it for m68k")
    if etype != _ET_REL:
        raise bad(f"ELF type {etype}, not a relocatable object", 16, "link objects")
    if shentsize != _SECTION.size:
        raise bad(f"section headers of {shentsize} bytes", 46)
    if shnum == 0 and shoff and shoff + _SECTION.size <= len(view):
        shnum = _SECTION.unpack_from(view, shoff)[5]
        shstrndx = _SECTION.unpack_from(view, shoff)[6] if shstrndx == 0xFFFF else shstrndx
    if shoff + shnum * _SECTION.size > len(view):
        raise bad(f"{shnum} section headers at {shoff}; the file has {len(view)} bytes", 32, "get the whole file")
    rows = [_SECTION.unpack_from(view, shoff + n * _SECTION.size) for n in range(shnum)]
    if shstrndx >= shnum:
        raise bad(f"no section {shstrndx} with the names", 50)
    names = rows[shstrndx]
    found = []
    for number, (name, kind, flags, _, offset, size, link, info, align, entsize) in enumerate(rows):
        place = shoff + number * _SECTION.size
        if kind not in (0, _NOBITS) and offset + size > len(view):
            raise bad(
                f"section {number}: {size} bytes at {offset}; the file has {len(view)}", place, "get the whole file"
            )
        text = _text(view, names[4], names[5], name)
        if text is None:
            raise bad(f"section {number} has no name that can be read", place)
        found.append(SectionHeader(text, kind, flags, offset, size, link, info, align, entsize, place))
    return found


def read_elf_object(view: memoryview, label: str, *, library: bool = False) -> InputObject:
    """Read a relocatable m68k ELF file. Raises MachoError, with the offset, for a damaged one or what NeXT has not."""
    return _ElfObject(view, label, library).read()


def _text(view: memoryview, start: int, size: int, at: int) -> str | None:
    """The NUL-terminated string at ``at`` of a table."""
    begin, end = start + at, min(start + size, len(view))
    if at >= size or begin >= end:
        return None
    raw = bytes(view[begin : min(begin + 256, end)])
    if b"\0" not in raw:
        raw = bytes(view[begin:end])
    head, nul, _ = raw.partition(b"\0")
    return head.decode("utf-8", "backslashreplace") if nul else None


class _ElfObject:
    def __init__(self, view: memoryview, label: str, library: bool) -> None:
        self.view = view
        self.label = label
        self.headers = elf_sections(view, label)
        self.made = InputObject(label, library)
        self.sections: dict[int, InputSection] = {}
        self.symbols: list[InputSymbol | None] = []
        self.table: InputSection | None = None
        self.block = InputSymbol(TLS_IMAGE, "undefined", external=True)
        self.locals: set[InputSymbol] = set()
        self.slots: dict[InputSymbol, int] = {}
        self.contents: list[Fixup] = []

    def bad(self, fault: str, place: int, remedy: str = "compile it again") -> MachoError:
        return MachoError(self.label, fault, place=f"offset {place}", remedy=remedy)

    def read(self) -> InputObject:
        for number, header in enumerate(self.headers):
            if header.flags & _ALLOC and header.size and not _DROPPED.match(header.name):
                self.sections[number] = self._section(header)
        self._symbols()
        for header in self.headers:
            if header.type == _GROUP:
                self._group(header)
            elif header.type in (_RELA_TYPE, _REL) and header.info in self.sections:
                self._attach(header)
        self.made.sections = list(self.sections.values())
        self._offset_table()
        if any(header.name == ".debug_line" for header in self.headers):
            self.made.debug = self._debug
        return self.made

    def _section(self, header: SectionHeader) -> InputSection:
        align = max(header.align, 1)
        if align & (align - 1) or align > 1 << _MAX_ALIGN:
            raise self.bad(f"section {header.name}: alignment {align}", header.place + 32)
        if header.size > 1 << 28:
            raise self.bad(f"section {header.name} of {header.size} bytes", header.place + 20)
        segment, name, flags = self._place_of(header)
        data = None if header.type == _NOBITS else self.view[header.offset : header.offset + header.size]
        root = bool(header.flags & _RETAIN) or bool(_KEPT.match(header.name)) or name.startswith(INIT_ARRAY)
        kind = lay.S_ZEROFILL if data is None else flags & ~lay.S_ZEROFILL
        return InputSection(self.made, segment, name, data, header.size, align.bit_length() - 1, kind, root)

    def _place_of(self, header: SectionHeader) -> tuple[str, str, int]:
        """The segment and section of NeXT's that an ELF section goes to, and its type."""
        priority = _PRIORITY.match(header.name)
        if priority or header.type == _INIT_ARRAY_TYPE:
            number = priority[1] if priority else None
            return "__DATA", INIT_ARRAY + (f"_{int(number):05}" if number else ""), 0
        for pattern, segment, name, flags in _PLACES:
            if pattern.match(header.name):
                if segment == "__TEXT" and header.flags & _WRITE:
                    return "__DATA", "__data", 0
                return segment, name, flags
        segment, _, name = header.name.rpartition(",")
        if not segment:
            segment = "__DATA" if header.flags & _WRITE or header.type == _NOBITS else "__TEXT"
        for part in (segment, name):
            if not 0 < len(part.encode()) <= 16:
                fault = f"section {header.name} has no place in a NeXT executable: {part!r} is no name of 1 to 16 bytes"
                raise self.bad(fault, header.place, "shorten it, or write SEGMENT,SECTION")
        return segment, name, 0

    def _symbols(self) -> None:
        tables = [header for header in self.headers if header.type == _SYMTAB]
        if not tables:
            return
        header = tables[0]
        if header.link >= len(self.headers):
            raise self.bad(f"no section {header.link} with the symbols' names", header.place + 24)
        if any(other.type == _SYMTAB_SHNDX for other in self.headers):
            raise self.bad("more than 65,279 sections", header.place, "compile without -ffunction-sections")
        strings = self.headers[header.link]
        count = header.size // _SYMBOL.size
        for index in range(count):
            at = header.offset + index * _SYMBOL.size
            symbol = self._symbol(strings, at) if index else None
            self.symbols.append(symbol)
            if symbol is not None and self._is_local(symbol, at):
                self.locals.add(symbol)
        self.made.symbols = [symbol for symbol in self.symbols if symbol is not None and symbol.name]
        self.made.symbols += [self.block] if self.locals else []

    def _is_local(self, symbol: InputSymbol, at: int) -> bool:
        """Whether each thread has its own of it, in a section of these or undefined here."""
        in_block = symbol.section is not None and symbol.section.name in (TLS_FILLED, TLS_ZERO)
        return in_block or self.view[at + 12] & 15 == _STT_TLS

    def _symbol(self, strings: SectionHeader, at: int) -> InputSymbol | None:
        name_at, value, size, info, _, index = _SYMBOL.unpack_from(self.view, at)
        kind, binding = info & 15, info >> 4
        name = _text(self.view, strings.offset, strings.size, name_at)
        if name is None:
            raise self.bad("a symbol without a name that can be read", at)
        if kind == _STT_FILE:
            return None
        external, weak = binding != _STB_LOCAL, binding == _STB_WEAK
        own = "" if kind == _STT_SECTION or not name or name.startswith(".L") else next_name(name)
        if index == _SHN_UNDEF:
            return InputSymbol(own or name, "undefined", external=True, weak=weak)
        if index == _SHN_COMMON:
            if size > 1 << 28 or not 0 < value <= 1 << _MAX_ALIGN or value & (value - 1):
                raise self.bad(f"common symbol {name}: size {size}, alignment {value}", at)
            return InputSymbol(own, "common", None, size, True, align=value.bit_length() - 1)
        if index == _SHN_ABS:
            return InputSymbol(own, "absolute", None, value, external)
        if index >= len(self.headers):
            raise self.bad(f"symbol {name} is in section {index} of {len(self.headers)}", at + 14)
        section = self.sections.get(index)
        if section is None:
            return None  # of a section that is not linked, or is empty
        if value > section.size:
            raise self.bad(f"symbol {name}: 0x{value:x} is not in section {self.headers[index].name}", at + 4)
        return InputSymbol(own, "defined", section, value, external and bool(own), weak)

    def _group(self, header: SectionHeader) -> None:
        words = Struct(f">{header.size // 4}L").unpack_from(self.view, header.offset)
        if not words or not words[0] & _GRP_COMDAT:
            return
        if header.link >= len(self.headers) or not 0 < header.info < len(self.symbols):
            raise self.bad("a COMDAT group without a name", header.place)
        table = self.headers[header.link]
        name_at = _SYMBOL.unpack_from(self.view, table.offset + header.info * _SYMBOL.size)[0]
        strings = self.headers[table.link]
        name = _text(self.view, strings.offset, strings.size, name_at) or f"section {header.info}"
        self.made.groups[name] = tuple(self.sections[number] for number in words[1:] if number in self.sections)

    def _attach(self, header: SectionHeader) -> None:
        section = self.sections[header.info]
        if header.type == _REL:
            raise self.bad(f"section {header.name} is of type REL; the m68k has RELA only", header.place + 4)
        previous = section.load
        loader = self._loader(header, section)
        section.load = loader if previous is None else lambda: (*previous(), *loader())

    def _loader(self, header: SectionHeader, section: InputSection) -> Callable[[], tuple[Fixup, ...]]:
        return lambda: tuple(self._fixups(header, section))

    def _fixups(self, header: SectionHeader, section: InputSection) -> Iterator[Fixup]:
        symbols, size = self.symbols, section.size
        if header.size % _RELA.size:
            raise self.bad(f"section {header.name}: {header.size} bytes are no whole entries", header.place + 20)
        place = header.offset
        for offset, info, addend in _RELA.iter_unpack(self.view[header.offset : header.offset + header.size]):
            number = info >> 8
            known = RELOCATIONS.get(info & 255)
            if known is None:
                fault = f"relocation type {info & 255}, which a static NeXT program cannot have"
                remedy = "compile it again"
                if info & 255 in _TLS_DYNAMIC:
                    remedy += " with -ftls-model=local-exec"
                raise self.bad(fault, place + 4, remedy)
            name, what, width = known
            if what != "none":
                if offset + width > size or section.data is None:
                    fault = f"{name}: {width} bytes at 0x{offset:x}; section {header.name[5:]} has 0x{size:x}"
                    raise self.bad(fault, place)
                if number >= len(symbols):
                    raise self.bad(f"{name}: symbol {number} of {len(symbols)}", place + 4)
                symbol = symbols[number]
                if symbol is None:
                    if number:
                        raise self.bad(f"{name}: refers to symbol {number}, whose section is not linked", place + 4)
                    symbol = _ZERO
                yield self._fixup(offset, width, what, symbol, addend, place)
            place += _RELA.size

    def _fixup(self, offset: int, width: int, what: str, symbol: InputSymbol, addend: int, place: int) -> Fixup:
        if what == "abs":
            return Fixup(offset, width, False, symbol, addend, None, place)
        if what == "pc":
            return Fixup(offset, width, True, symbol, addend, None, place)
        if what == "local":
            if symbol not in self.locals:
                raise self.bad(f"a distance from the thread pointer of {symbol.name}, which is no thread's own", place)
            return Fixup(offset, width, False, symbol, addend - _POINTER, self.block, place)
        table = self._table_symbol()
        if what == "got-pc":
            slot = 0 if symbol.name == next_name(_TABLE_NAME) else self._slot(symbol)
            return Fixup(offset, width, True, table, slot + addend, None, place)
        return Fixup(offset, width, False, _ZERO, self._slot(symbol) + addend, None, place)

    def _debug(self, address: Callable[[InputSymbol], int | None]) -> bytes:
        """The file with the entries of its debugging sections applied, and those entries gone.

        What refers to nothing that is linked becomes 0; an entry that cannot be is left out: no program depends on it.
        """
        data = bytearray(self.view)
        for header in self.headers:
            if header.type != _RELA_TYPE or not header.name.startswith(".rela.debug_"):
                continue
            data[header.place + 4 : header.place + 8] = bytes(4)
            target = self.headers[header.info] if header.info < len(self.headers) else header
            raw = self.view[header.offset : header.offset + header.size // _RELA.size * _RELA.size]
            for offset, info, addend in _RELA.iter_unpack(raw):
                _, what, width = RELOCATIONS.get(info & 255, ("", "none", 0))
                if what != "abs" or offset + width > target.size or info >> 8 >= len(self.symbols):
                    continue
                symbol = self.symbols[info >> 8]
                base = 0 if symbol is None else address(symbol)
                value = 0 if base is None else base + addend
                at = target.offset + offset
                data[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "big")
        return bytes(data)

    # The table grows as relocation entries are read; it is there from the beginning where anything asks for it, so that
    # whoever lists the sections sees it, and is given its size when the last entry has been read.

    def _offset_table(self) -> None:
        wanted = any(symbol is not None and symbol.name == next_name(_TABLE_NAME) for symbol in self.symbols)
        if wanted or self._asks_for_table():
            self._table_symbol()
            assert self.table is not None
            for section in self.made.sections:
                _ = section.fixups
            self.table.size = 4 * max(len(self.slots), 1)
            self.table.data = memoryview(bytes(self.table.size))
            self.table.loaded = tuple(self.contents)
            self.made.sections.append(self.table)
        self.made.symbols = [symbol for symbol in self.made.symbols if symbol.name != next_name(_TABLE_NAME)]

    def _asks_for_table(self) -> bool:
        for header in self.headers:
            if header.type == _RELA_TYPE and header.info in self.sections:
                raw = self.view[header.offset : header.offset + header.size // _RELA.size * _RELA.size]
                if any(7 <= info & 255 <= 12 for _, info, _ in _RELA.iter_unpack(raw)):
                    return True
        return False

    def _table_symbol(self) -> InputSymbol:
        if self.table is None:
            self.table = InputSection(self.made, "__DATA", GOT, None, 0, 2)
            self._table_origin = InputSymbol("", "defined", self.table)
        return self._table_origin

    def _slot(self, symbol: InputSymbol) -> int:
        """The offset of a symbol's entry in the table."""
        if symbol not in self.slots:
            self.slots[symbol] = 4 * len(self.slots)
            self.contents.append(Fixup(self.slots[symbol], 4, False, symbol, 0, None, 0))
        return self.slots[symbol]


_ZERO = InputSymbol("", "absolute")
