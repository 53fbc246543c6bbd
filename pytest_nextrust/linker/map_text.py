"""The map file: where everything went, and what was left out.

Text in columns, made for reading and for ``grep``: sections, then every piece and symbol by address with the object it
came from, then the sections of the objects that were linked in part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_nextrust.base.rust_names import demangled
from pytest_nextrust.linker.layout import OutputSection
from pytest_nextrust.linker.model import InputSection
from pytest_nextrust.linker.resolve import Resolution

__all__ = ["map_text"]


def map_text(
    made: Resolution, sections: Sequence[OutputSection], symbols: Iterable[tuple[int, str]], entry: tuple[str, int]
) -> str:
    """The map of a program: ``symbols`` are address and name, by address; ``entry`` where it begins."""
    lines = [f"entry    0x{entry[1]:08x} {entry[0]}", "", "sections:"]
    lines += [f"  0x{out.address:08x} 0x{out.size:08x} {out}" for out in sections]
    lines += ["", "address    size       what"]
    rows: list[tuple[int, int, str]] = []
    placed: set[InputSection] = set()
    for out in sections:
        for section, offset in out.pieces:
            placed.add(section)
            rows.append((out.address + offset, 0, f"0x{section.size:08x} {out}  {section.owner.label}"))
    rows += [(address, 1, f"{'':10}   {_readable(name)}") for address, name in symbols]
    lines += [f"0x{address:08x} {text}" for address, _, text in sorted(rows)]
    lines += ["", "left out:"]
    for one in made.objects:
        lines += [f"  0x{s.size:08x} {_named(s)}  {one.label}" for s in one.sections if s not in placed]
    return "\n".join(lines) + "\n"


def _readable(name: str) -> str:
    """A name as it is in the symbol table, and where it is mangled as it is in the source."""
    source = demangled(name)
    return name if source == name else f"{name}  {source}"


def _named(section: InputSection) -> str:
    names = [s.name for s in section.owner.symbols if s.section is section and s.name and not s.stab]
    return f"{section} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else str(section)
