"""What every object becomes before it is linked, whatever format it came in.

Boundary: plain values. ``read_macho`` and ``read_elf`` make them, ``write_object`` writes them, the other modules of
this room link them. Offsets and sizes are in bytes; names are NeXT's, with the underscore.

A fixup says everything that is known of one relocated field: the value to put there is ``target`` + ``addend``, less
``minus`` where there is one, less the field's own address where it is pc-relative. The bytes of the field itself do not
count: what a format keeps in them, its reader has put into ``addend``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pytest_nextrust.macho import layout as lay

__all__ = ["Debug", "Fixup", "InputObject", "InputSection", "InputSymbol", "LoadFixups", "SymbolKind"]

SymbolKind = Literal["undefined", "defined", "common", "absolute", "indirect"]


@dataclass(eq=False, slots=True)
class InputSymbol:
    """One symbol of an object; compared by identity.

    ``value``: the offset in ``section`` of a defined one, the value of an absolute one, the size of a common one.
    ``align``: a common one's, as an exponent. ``alias``: the name that an indirect one stands for. ``stab``: the type
    of a debugging entry, else 0; ``desc`` goes with it. A symbol without a name is a place that only fixups know.
    """

    name: str
    kind: SymbolKind
    section: InputSection | None = None
    value: int = 0
    external: bool = False
    weak: bool = False
    align: int = 0
    alias: str = ""
    stab: int = 0
    desc: int = 0


class Fixup(NamedTuple):
    """One relocated field of ``width`` bytes (1, 2, 4) at ``offset`` of its section; ``place`` is its entry's offset
    in the file that the object came from."""

    offset: int
    width: int
    pcrel: bool
    target: InputSymbol
    addend: int
    minus: InputSymbol | None
    place: int


Debug = Callable[[Callable[[InputSymbol], int | None]], bytes]
"""From where a symbol is in the program (None: nowhere) to a file."""

LoadFixups = Callable[[], tuple[Fixup, ...]]


@dataclass(eq=False, slots=True)
class InputSection:
    """One section; compared by identity. ``data`` is None for zero-fill, else it has ``size`` bytes.

    ``align`` is an exponent, ``flags`` the section type of NeXT's ``loader.h``. ``root``: kept though nothing refers to
    it. ``load`` reads its relocation entries when they are asked for: those of a section that is left out never are.
    """

    owner: InputObject
    segment: str
    name: str
    data: memoryview | None
    size: int
    align: int = 0
    flags: int = 0
    root: bool = False
    load: LoadFixups | None = None
    loaded: tuple[Fixup, ...] | None = None

    @property
    def fixups(self) -> tuple[Fixup, ...]:
        """The relocated fields. Raises MachoError for an entry that cannot be."""
        if self.loaded is None:
            self.loaded = self.load() if self.load is not None else ()
        return self.loaded

    @property
    def code(self) -> bool:
        """Whether it holds instructions."""
        return self.segment == "__TEXT" and self.name == "__text"

    def __str__(self) -> str:
        return f"{self.segment},{self.name}"


@dataclass(eq=False, slots=True)
class InputObject:
    """One object. ``label`` is its file, with the member in brackets where that is an archive.

    ``library``: only what is reached of it is linked. ``groups``: the sections of each COMDAT group, by its name: of
    several objects with one, the first one's count. ``cpusubtype`` is the least CPU that it wants. ``debug`` gives the
    object's own file with its debugging information relocated, where it has any.
    """

    label: str
    library: bool = False
    sections: list[InputSection] = field(default_factory=list)
    symbols: list[InputSymbol] = field(default_factory=list)
    groups: dict[str, tuple[InputSection, ...]] = field(default_factory=dict)
    cpusubtype: int = lay.CPU_SUBTYPE_ALL
    debug: Debug | None = None

    def globals(self) -> Iterator[InputSymbol]:
        """The symbols that other objects see, or that this one needs of them."""
        return (symbol for symbol in self.symbols if symbol.external or symbol.kind in ("undefined", "common"))

    def describe(self, section: InputSection, offset: int) -> str:
        """``SEGMENT,SECTION+0x12 in _function+0x4``: a place as messages name it."""
        best: InputSymbol | None = None
        for symbol in self.symbols:
            inside = symbol.section is section and symbol.name and not symbol.stab and symbol.value <= offset
            if inside and (best is None or symbol.value > best.value):
                best = symbol
        where = f"{section}+0x{offset:x}"
        return f"{where} in {best.name}+0x{offset - best.value:x}" if best is not None else where
