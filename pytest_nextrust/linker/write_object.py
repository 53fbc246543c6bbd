"""An InputObject as MH_OBJECT: how objects of any compiler here become Mach-O ones.

Pieces of one section are put together, as NeXT's assembler does with what is written in parts. External names are
referred to by external entries; places in the object by local ones, or by scattered ones where an offset is added to a
symbol, so that a linker that moves functions apart still knows which was meant; differences by SECTDIFF and PAIR.

Sources: NeXT ``mach-o/loader.h``, ``reloc.h``, ``nlist.h``; the objects that NeXT's assembler made (one unnamed
segment at 0, sizes unpadded, symbols local ones first); Apple's later ``reloc.h`` and ``nlist.h`` for SECTDIFF and weak
symbols.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.model import Fixup, InputObject, InputSection, InputSymbol
from pytest_nextrust.linker.read_macho import N_WEAK_DEF, N_WEAK_REF, PAIR, SECTDIFFS
from pytest_nextrust.macho import layout as lay

__all__ = ["write_object"]

_ALL = 7
_SCATTERED_REACH = 1 << 24
_LENGTH = {1: 0, 2: 1, 4: 2}
_SYMBOL_LIMIT = 1 << 24


def write_object(made: InputObject) -> bytes:
    """The bytes of an MH_OBJECT.

    Raises MachoError for what the format cannot say: more than 255 sections, a field that is too small for the address
    in the object.
    """
    return _ObjectWriter(made).write()


@dataclass(eq=False, slots=True)
class _ObjectSection:
    segment: str
    name: str
    flags: int
    align: int = 0
    address: int = 0
    size: int = 0
    offset: int = 0
    pieces: list[tuple[InputSection, int]] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    entries: list[bytes] = field(default_factory=list)

    @property
    def zero_fill(self) -> bool:
        return self.flags == lay.S_ZEROFILL


class _ObjectWriter:
    def __init__(self, made: InputObject) -> None:
        self.made = made
        self.outs: list[_ObjectSection] = []
        self.addresses: dict[InputSection, int] = {}
        self.ordinals: dict[InputSection, int] = {}
        self.indices: dict[InputSymbol, int] = {}
        self.by_name: dict[str, int] = {}
        self.symbols: list[InputSymbol] = []

    def bad(self, fault: str, remedy: str = "link it from the ELF object") -> MachoError:
        return MachoError(self.made.label, fault, remedy=remedy)

    def write(self) -> bytes:
        self._place()
        self._number_symbols()
        for out in self.outs:
            self._fill(out)
        return self._bytes()

    def _place(self) -> None:
        found: dict[tuple[str, str], _ObjectSection] = {}
        for section in self.made.sections:
            zero = section.data is None
            key = section.segment, section.name
            if key in found and found[key].zero_fill != zero:
                raise self.bad(f"section {section} both with and without contents")
            kind = lay.S_ZEROFILL if zero else section.flags
            found.setdefault(key, _ObjectSection(*key, kind)).pieces.append((section, 0))
        self.outs = sorted(found.values(), key=lambda out: (out.zero_fill, out.name != "__text"))
        if len(self.outs) > lay.MAX_SECTIONS:
            raise self.bad(f"{len(self.outs)} sections; a symbol can name {lay.MAX_SECTIONS}")
        at = 0
        for number, out in enumerate(self.outs, 1):
            out.align = max(section.align for section, _ in out.pieces)
            at = out.address = _up(at, out.align)
            for index, (section, _) in enumerate(out.pieces):
                at = _up(at, section.align)
                out.pieces[index] = section, at - out.address
                self.addresses[section] = at
                self.ordinals[section] = number
                at += section.size
            out.size = at - out.address

    def _number_symbols(self) -> None:
        """Local symbols first, then external ones, then undefined ones; one for each name that is not defined here."""
        listed = [symbol for symbol in self.made.symbols if symbol.name or symbol.stab]
        known = {symbol.name for symbol in listed if symbol.external and symbol.kind != "undefined"}
        ranked: list[tuple[int, InputSymbol]] = []
        for symbol in listed:
            here = symbol.section is None or symbol.section in self.addresses
            if symbol.kind in ("undefined", "common") or symbol.external:
                if symbol.kind != "undefined" or symbol.name not in known:
                    ranked.append((2 if symbol.kind in ("undefined", "common") else 1, symbol))
                    known.add(symbol.name)
            elif here:
                ranked.append((0, symbol))
        self.symbols = [symbol for _, symbol in sorted(ranked, key=lambda pair: pair[0])]
        if len(self.symbols) >= _SYMBOL_LIMIT:
            raise self.bad(f"{len(self.symbols)} symbols; an entry can name {_SYMBOL_LIMIT - 1}")
        self.by_name = {s.name: number for number, s in enumerate(self.symbols) if s.external}

    def _fill(self, out: _ObjectSection) -> None:
        if out.zero_fill:
            return
        out.data = bytearray(out.size)
        for section, offset in out.pieces:
            assert section.data is not None
            out.data[offset : offset + section.size] = section.data
            for fixup in section.fixups:
                self._entry(out, offset, fixup)

    def _entry(self, out: _ObjectSection, base: int, fixup: Fixup) -> None:
        at = base + fixup.offset
        here = out.address + at if fixup.pcrel else 0
        target = fixup.target
        if fixup.minus is not None:
            plus, minus = self._address(target), self._address(fixup.minus)
            out.entries += [self._scattered(at, fixup, SECTDIFFS[0], plus), self._scattered(0, fixup, PAIR, minus)]
            self._put(out, at, fixup, plus + fixup.addend - minus - here)
        elif target.external or target.kind in ("undefined", "common"):
            self._put(out, at, fixup, fixup.addend - here, wraps=True)
            out.entries.append(self._plain(at, fixup, self.by_name[target.name], external=True))
        elif target.section is None:
            self._put(out, at, fixup, target.value + fixup.addend - here)
            if fixup.pcrel:
                out.entries.append(self._plain(at, fixup, 0))
        else:
            address = self._address(target)
            self._put(out, at, fixup, address + fixup.addend - here)
            inside = 0 <= target.value + fixup.addend <= target.section.size
            whole = not target.name and not target.value and inside
            if fixup.addend and not whole:
                out.entries.append(self._scattered(at, fixup, 0, address))
            else:
                out.entries.append(self._plain(at, fixup, self.ordinals[target.section]))

    def _address(self, symbol: InputSymbol) -> int:
        if symbol.section is None or symbol.section not in self.addresses:
            raise self.bad(f"refers to {symbol.name or 'a place'} of a section that is not in the object")
        return self.addresses[symbol.section] + symbol.value

    def _put(self, out: _ObjectSection, at: int, fixup: Fixup, value: int, *, wraps: bool = False) -> None:
        """Write the field. An external entry's may wrap: a linker adds to it, and what counts is the sum."""
        bits = 8 * fixup.width
        low = -(1 << bits - 1)
        high = 1 << (bits - 1 if fixup.pcrel else bits)
        if fixup.width < 4 and not wraps and not low <= value < high:
            fault = f"{self.made.describe(*self._piece(out, at))}: 0x{value & 0xFFFF_FFFF:x} does not fit {bits} bits"
            raise self.bad(fault)
        out.data[at : at + fixup.width] = (value & (1 << bits) - 1).to_bytes(fixup.width, "big")

    @staticmethod
    def _piece(out: _ObjectSection, at: int) -> tuple[InputSection, int]:
        section, offset = next((s, o) for s, o in reversed(out.pieces) if o <= at)
        return section, at - offset

    @staticmethod
    def _plain(at: int, fixup: Fixup, number: int, *, external: bool = False) -> bytes:
        word = number << 8 | fixup.pcrel << 7 | _LENGTH[fixup.width] << 5 | external << 4
        return lay.RELOCATION.pack(at, word)

    def _scattered(self, at: int, fixup: Fixup, kind: int, value: int) -> bytes:
        if at >= _SCATTERED_REACH:
            raise self.bad(f"a scattered entry reaches 16 MiB, the field is at 0x{at:x}")
        word = lay.R_SCATTERED | fixup.pcrel << 30 | _LENGTH[fixup.width] << 28 | kind << 24 | at
        return lay.RELOCATION.pack(word, value & 0xFFFF_FFFF)

    # -- the file ----------------------------------------------------------------------------------------------------

    def _bytes(self) -> bytes:
        segment_size = lay.SEGMENT.size + lay.SECTION.size * len(self.outs)
        start = lay.HEADER.size + segment_size + lay.SYMTAB.size
        body = bytearray()
        for out in self.outs:
            if not out.zero_fill:
                body += bytes(-(start + len(body)) % (1 << min(out.align, 4)))
                out.offset = start + len(body)
                body += out.data
        body += bytes(-(start + len(body)) % 4)
        filesize = len(body)
        headers = b""
        for out in self.outs:
            reloff = start + len(body) if out.entries else 0
            body += b"".join(out.entries)
            headers += self._section_header(out, reloff)
        end = max((out.address + out.size for out in self.outs), default=0)
        segment = lay.SEGMENT.pack(
            lay.LC_SEGMENT, segment_size, b"", 0, max(end, filesize), start, filesize, _ALL, _ALL, len(self.outs), 0
        )
        symbols, strings = self._tables()
        symoff = start + len(body)
        stroff = symoff + len(symbols)
        symtab = lay.SYMTAB.pack(lay.LC_SYMTAB, lay.SYMTAB.size, symoff, len(self.symbols), stroff, len(strings))
        header = lay.HEADER.pack(
            lay.MAGIC, lay.CPU_TYPE_MC680X0, self.made.cpusubtype, lay.MH_OBJECT, 2, segment_size + lay.SYMTAB.size, 0
        )
        return bytes(header + segment + headers + symtab + body + symbols + strings)

    @staticmethod
    def _section_header(out: _ObjectSection, reloff: int) -> bytes:
        return lay.SECTION.pack(
            out.name.encode(),
            out.segment.encode(),
            out.address,
            out.size,
            out.offset,
            out.align,
            reloff,
            len(out.entries),
            out.flags,
            0,
            0,
        )

    def _tables(self) -> tuple[bytes, bytes]:
        strings = bytearray(4)
        entries = bytearray()
        places: dict[str, int] = {"": 0}
        for symbol in self.symbols:
            for name in (symbol.name, symbol.alias):
                if name not in places:
                    places[name] = len(strings)
                    strings += name.encode("utf-8", "surrogateescape") + b"\0"
            entries += self._nlist(symbol, places)
        strings += bytes(-len(strings) % 4)
        return bytes(entries), bytes(strings)

    def _nlist(self, symbol: InputSymbol, places: dict[str, int]) -> bytes:
        strx = places[symbol.name]
        external = lay.N_EXT if symbol.external else 0
        if symbol.stab:
            sect = self.ordinals.get(symbol.section, 0) if symbol.section is not None else 0
            value = self._address(symbol) if symbol.section is not None else symbol.value
            return lay.NLIST.pack(strx, symbol.stab, sect, symbol.desc, value)
        if symbol.kind == "undefined":
            return lay.NLIST.pack(strx, lay.N_UNDF | lay.N_EXT, 0, N_WEAK_REF if symbol.weak else 0, 0)
        if symbol.kind == "common":
            return lay.NLIST.pack(strx, lay.N_UNDF | lay.N_EXT, 0, 0, symbol.value)
        if symbol.kind == "absolute":
            return lay.NLIST.pack(strx, lay.N_ABS | external, 0, 0, symbol.value)
        if symbol.kind == "indirect":
            return lay.NLIST.pack(strx, lay.N_INDR | external, 0, 0, places[symbol.alias])
        assert symbol.section is not None
        desc = N_WEAK_DEF if symbol.weak else 0
        return lay.NLIST.pack(strx, lay.N_SECT | external, self.ordinals[symbol.section], desc, self._address(symbol))


def _up(value: int, align: int) -> int:
    step = 1 << align
    return (value + step - 1) & -step
