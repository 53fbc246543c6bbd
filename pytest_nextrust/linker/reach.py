"""Which sections a program needs: what is kept whatever happens, and what that refers to.

Of libraries only what is reached is linked, of the program's own objects everything, or with ``strip`` only what is
reached as well.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_nextrust.linker.model import InputSection, InputSymbol
from pytest_nextrust.linker.resolve import Resolution

__all__ = ["live_sections"]


def live_sections(made: Resolution, roots: Iterable[str], *, strip: bool) -> dict[InputSection, None]:
    """The sections to link, in the order of the objects. Raises MachoError for a relocation entry that cannot be."""
    reached: set[InputSection] = set()
    waiting: list[InputSection] = []

    def reach(section: InputSection | None) -> None:
        if section is not None and section not in reached and section not in made.dropped:
            reached.add(section)
            waiting.append(section)

    for name in roots:
        symbol = made.names.get(name)
        reach(symbol.section if symbol is not None else None)
    for one in made.objects:
        for section in one.sections:
            if section.root or not (one.library or strip):
                reach(section)
    # What a common symbol has become belongs to no object's list.
    names = made.names
    while waiting:
        for fixup in waiting.pop().fixups:
            for symbol in (fixup.target, fixup.minus):
                if symbol is not None:
                    reach(_section_of(made, names, symbol))
    everything = [section for one in made.objects for section in one.sections]
    return dict.fromkeys(section for section in everything if section in reached)


def _section_of(made: Resolution, names: dict[str, InputSymbol], symbol: InputSymbol) -> InputSection | None:
    if not symbol.external and symbol.kind == "defined":
        return symbol.section
    found = names.get(symbol.name)
    if found is not None and found.kind == "indirect":
        found = made.target(symbol)
    return None if found is None else found.section
