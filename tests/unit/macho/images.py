"""Hypothesis strategies for images: any program that the writer should take."""

from __future__ import annotations

from hypothesis import strategies as st

from pytest_nextrust.macho import Image, ImageSection, ImageSymbol

_NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
_SYMBOL_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@st.composite
def segment_sections(draw: st.DrawFn, segment: str, start: int, zero_fill: bool) -> list[ImageSection]:
    """Sections of one segment from ``start`` up; the last may be zero-fill."""
    at = start
    out: list[ImageSection] = []
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    for index, name in enumerate(names):
        align = draw(st.integers(0, 4))
        at = (at + draw(st.integers(0, 64)) + (1 << align) - 1) & -(1 << align)
        if zero_fill and index == len(names) - 1 and draw(st.booleans()):
            size = draw(st.integers(0, 0x9000))
            out.append(ImageSection(name, segment, at, None, size, align))
        else:
            data = draw(st.binary(min_size=2 if index == 0 else 0, max_size=300))
            size = len(data)
            out.append(ImageSection(name, segment, at, data, size, align, draw(st.sampled_from((0, 2, 3, 4, 5)))))
        at += size
    return out


@st.composite
def images(draw: st.DrawFn) -> Image:
    """A linked program: __TEXT, perhaps further segments, symbols of every kind, an entry in the first section."""
    sections = draw(segment_sections("__TEXT", draw(st.sampled_from((0x2800, 0x3000, 0x10_0000))), False))
    for segment in draw(st.lists(st.sampled_from(("__DATA", "__OBJC", "__MINE")), unique=True)):
        end = max(section.address + max(section.size, 1) for section in sections)
        base = ((end + 0x1FFF) & -0x2000) + 0x2000 * draw(st.integers(0, 2))
        sections += draw(segment_sections(segment, base + draw(st.sampled_from((0, 4, 0x200))), True))
    first = sections[0]
    symbols = []
    for name in draw(st.lists(_SYMBOL_NAMES, max_size=6)):
        section = draw(st.sampled_from([None, *sections]))
        if section is None:
            address = draw(st.integers(0, 0xFFFF_FFFF))
            pair = None
        else:
            address = section.address + draw(st.integers(0, section.size))
            pair = (section.segment, section.name)
        symbols.append(ImageSymbol(name, address, pair, draw(st.booleans()), draw(st.integers(0, 0xFFFF))))
    return Image(
        sections=tuple(draw(st.permutations(sections))),
        entry=(first.address + draw(st.integers(0, first.size - 1))) & ~1
        if first.address % 2 == 0
        else first.address + 1,
        symbols=tuple(symbols),
        cpusubtype=draw(st.sampled_from((1, 2, 3))),
        data_prot=draw(st.sampled_from((3, 7, 1))),
        stack=draw(st.sampled_from((0, 0x0300_0000))),
    )
