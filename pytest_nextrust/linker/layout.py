"""Where everything goes: output sections, their order and addresses.

``__TEXT`` from 0x2000 with the headers in front, code first; ``__DATA`` on the next 8 KiB boundary with what is zero at
its end; other segments behind, each on a boundary of its own. Pieces of one section lie in the order of the objects.

Sources: NEXTSTEP 3.3 Development Tools, "Mach-O"; the order of sections in executables that NeXT's ``ld`` made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_nextrust.errors import MachoError
from pytest_nextrust.linker.model import InputSection
from pytest_nextrust.linker.read_elf import INIT_ARRAY, TLS_FILLED, TLS_ZERO
from pytest_nextrust.macho import ImageSection, headers_size
from pytest_nextrust.macho import layout as lay

__all__ = ["OutputSection", "place"]

_SEGMENTS = ("__TEXT", "__DATA")
_FIRST = ("__text",)
_LAST = ("__cstring", "__literal4", "__literal8", "__const")
_INIT = "__init_array"
_CONTENT_LIMIT = 1 << 28
"""Bytes that a section may have in the file; no NeXT has room for as many."""


@dataclass(eq=False, slots=True)
class OutputSection:
    """One section of the program: its pieces by address. ``align`` is an exponent."""

    segment: str
    name: str
    flags: int
    align: int = 0
    address: int = 0
    size: int = 0
    pieces: list[tuple[InputSection, int]] = field(default_factory=list)

    @property
    def zero_fill(self) -> bool:
        return self.flags & lay.SECTION_TYPE == lay.S_ZEROFILL

    def __str__(self) -> str:
        return f"{self.segment},{self.name}"


def place(sections: Iterable[InputSection]) -> list[OutputSection]:
    """Give every section its address; the output sections by address. Raises MachoError where they do not fit."""
    made = _gathered(sections)
    made.sort(key=_order(made))
    room = headers_size([ImageSection(out.name, out.segment, 0, b"", 0) for out in made])
    at = lay.PAGE + room
    segment = "__TEXT"
    for out in made:
        if out.segment != segment:
            at, segment = lay.page_up(at), out.segment
        _place_one(out, at)
        at = out.address + out.size
        if at > 1 << 32:
            raise MachoError("program", "reaches past 4 GiB", place=f"section {out}", remedy="link less")
        if out.size > _CONTENT_LIMIT and not out.zero_fill:
            fault = f"{out.size} bytes with contents, from {out.pieces[0][0].owner.label} and others"
            raise MachoError("program", fault, place=f"section {out}", remedy="make its zero-fill a section of its own")
    return made


def _gathered(sections: Iterable[InputSection]) -> list[OutputSection]:
    """The output sections, each with its pieces in order and no address yet."""
    made: dict[tuple[str, str], OutputSection] = {}
    initial = []
    for section in sections:
        if section.name.startswith(INIT_ARRAY):
            initial.append(section)
            continue
        _output(made, section, section.name).pieces.append((section, 0))
    # Constructors with a priority come before those without, the lowest first.
    for section in sorted(initial, key=lambda s: (s.name == INIT_ARRAY, s.name)):
        _output(made, section, _INIT).pieces.append((section, 0))
    return list(made.values())


def _output(made: dict[tuple[str, str], OutputSection], section: InputSection, name: str) -> OutputSection:
    key = section.segment, name
    if key not in made:
        made[key] = OutputSection(*key, section.flags & lay.SECTION_TYPE)
    out = made[key]
    if out.zero_fill and section.data is not None:
        out.flags = section.flags & lay.SECTION_TYPE
    elif out.flags != section.flags and section.data is not None:
        out.flags = lay.S_REGULAR
    return out


def _order(made: list[OutputSection]) -> _SectionOrder:
    return _SectionOrder(made)


class _SectionOrder:
    """The order of output sections: segments, then code, constants last in ``__TEXT``, zeros last everywhere."""

    def __init__(self, made: list[OutputSection]) -> None:
        seen = list(dict.fromkeys(out.segment for out in made))
        self.segments = [*_SEGMENTS, *(name for name in seen if name not in _SEGMENTS)]
        self.names = {id(out): number for number, out in enumerate(made)}

    def __call__(self, out: OutputSection) -> tuple[int, bool, int, int]:
        late = 1 + _LAST.index(out.name) if out.name in _LAST else 0
        first = -1 if out.name in (*_FIRST, "__data", TLS_ZERO) else 0
        late = late or out.name == TLS_FILLED  # next to its zeros
        return self.segments.index(out.segment), out.zero_fill, late or first, self.names[id(out)]


def _place_one(out: OutputSection, at: int) -> None:
    out.align = max([1, *(section.align for section, _ in out.pieces)])
    out.address = _up(at, out.align)
    offset = 0
    placed = []
    for section, _ in out.pieces:
        offset = _up(offset, section.align)
        placed.append((section, offset))
        offset += section.size
    out.pieces = placed
    out.size = offset


def _up(value: int, align: int) -> int:
    step = 1 << align
    return (value + step - 1) & -step
