"""Source lines from an ELF file's DWARF, as the debugging entries that NeXT's compilers leave in a symbol table.

An ``N_SO`` entry names the source file from its address on (no name: none), an ``N_SLINE`` entry says which line of it
begins at its address. Code of a compiler's library that was put in line has the line that calls it. A Mach-O with these
explains itself: traces and replays need neither the ELF file nor the source.

Sources: NeXT ``<stab.h>`` (N_SO 0x64, N_SLINE 0x44; the line is in n_desc); DWARF 2 to 5, section 6.2, read by
pyelftools.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pytest_nextrust.macho import N_SLINE, N_SO, ImageSection, ImageSymbol
from pytest_nextrust.toolchain.call_sites import CallSites, is_of_library, source_files

__all__ = ["line_entries"]

LAST_LINE = 0xFFFF
"""n_desc has 16 bits; a line further down than this is not carried."""


def line_entries(elf: Any, sections: Mapping[int, ImageSection]) -> tuple[ImageSymbol, ...]:
    """The N_SO and N_SLINE entries of a linked ELF file, by address; none where it has no DWARF."""
    if not elf.has_dwarf_info():
        return ()
    code = sorted(
        (section.address, section.address + section.size, (section.segment, section.name))
        for section in sections.values()
        if section.segment == "__TEXT"
    )
    starts = [start for start, _, _ in code]
    entries: list[ImageSymbol] = []
    file = ""
    # Of several rows at one address the last one written counts, so the sort must not change their order; only what
    # ends there comes before what begins there.
    for address, source, line in sorted(_rows(elf.get_dwarf_info()), key=lambda row: (row[0], bool(row[1]))):
        place = bisect_right(starts, address) - 1
        # What the linker dropped keeps its rows, at address 0; the end of a sequence may be the end of its section.
        if place < 0 or address > code[place][1] or line > LAST_LINE:
            continue
        if source != file:
            file = source
            entries.append(ImageSymbol(file, address, code[place][2], external=False, stab=N_SO))
        if file and line:
            entries.append(ImageSymbol("", address, code[place][2], external=False, desc=line, stab=N_SLINE))
    return tuple(entries)


def _rows(dwarf: Any) -> Iterator[tuple[int, str, int]]:
    """Address, file name and line of every row; where code of a file ends, no name and no line."""
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = source_files(program)
        calls = CallSites(dwarf, unit, files) if any(map(is_of_library, files.values())) else None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if state.end_sequence:
                yield state.address, "", 0
            elif path := files.get(state.file):
                line = state.line
                if calls is not None and is_of_library(path):
                    path, line = calls.of(state.address) or (path, line)
                yield state.address, PurePosixPath(path).name, line
