"""Source lines of a program, from the debugging entries that compilers leave in its symbol table.

``N_SO`` entries name the source file from their address on (no name: none), ``N_SLINE`` entries the line of it that
begins at theirs. Sources: NeXT ``<stab.h>``.
"""

from __future__ import annotations

from bisect import bisect_right

from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.model import MachFile

__all__ = ["SourceLines"]


class SourceLines:
    """Answers which line of which file an address belongs to; knows nothing for a file without such entries."""

    def __init__(self, file: MachFile) -> None:
        entries = [s for s in file.symbols if s.type in (lay.N_SO, lay.N_SLINE)]
        # At one address a file's name comes before its first line, and its end before the next file's name.
        entries.sort(key=lambda s: (s.value, s.type != lay.N_SO, bool(s.name)))
        source = ""
        places: dict[int, str] = {}
        for entry in entries:
            if entry.type == lay.N_SO:
                source = entry.name
                places[entry.value] = ""
            elif source:
                places[entry.value] = f"{source}:{entry.desc}"
        self._starts = sorted(places)
        self._places = [places[start] for start in self._starts]

    def at(self, address: int) -> str:
        """``FILE:LINE`` of the instruction at an address, or nothing."""
        index = bisect_right(self._starts, address) - 1
        return self._places[index] if index >= 0 else ""
