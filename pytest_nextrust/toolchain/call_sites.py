"""Where code of a compiler's own library was called from, where the call was put in line.

The line of an instruction that came from a library's function is a line of the library, which says nothing to the one
whose program it is: every ``load`` of an atomic is the same line of ``atomic.rs``. DWARF keeps the calls that were put
in line, each inside the other, with the line of each.

Sources: DWARF 4 and 5, sections 2.17 (ranges) and 3.3.8 (inlined subroutines), read by pyelftools.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

__all__ = ["CallSites", "SourceLine", "is_of_library", "source_files"]

_LIBRARY = ("library/", "/rustc/")
"""How paths of a Rust compiler's library begin: as this package's builds call it, and as rustc's own does."""

_INLINED = "DW_TAG_inlined_subroutine"


class SourceLine(NamedTuple):
    """A path as DWARF has it, and a line from 1 on."""

    path: str
    line: int


class _InlinedCall(NamedTuple):
    begin: int
    end: int
    site: SourceLine


def is_of_library(path: str) -> bool:
    """Whether a source file is of a compiler's own library."""
    return path.startswith(_LIBRARY)


def source_files(program: Any) -> dict[int, str]:
    """The files of a line program by their numbers."""
    fifth = program.header["version"] >= 5
    folders = [folder.decode("utf-8", "replace") for folder in program.header["include_directory"]]
    folders = folders if fifth else ["", *folders]
    found = {}
    for number, file in enumerate(program.header["file_entry"], 0 if fifth else 1):
        folder = folders[file.dir_index] if file.dir_index < len(folders) else ""
        found[number] = str(PurePosixPath(folder, file.name.decode("utf-8", "replace")))
    return found


class CallSites:
    """The calls of one unit that were put in line and are written outside of a library."""

    def __init__(self, dwarf: Any, unit: Any, files: Mapping[int, str]) -> None:
        self._dwarf, self._unit, self._files = dwarf, unit, files
        by_depth: dict[int, list[_InlinedCall]] = {}
        for depth, call in self._calls(unit.get_top_DIE(), 0):
            by_depth.setdefault(depth, []).append(call)
        self._levels = [sorted(by_depth[depth]) for depth in sorted(by_depth, reverse=True)]
        self._begins = [[call.begin for call in calls] for calls in self._levels]

    def of(self, address: int) -> SourceLine | None:
        """The innermost of those that an address is in."""
        for begins, calls in zip(self._begins, self._levels, strict=True):
            place = bisect_right(begins, address) - 1
            if place >= 0 and address < calls[place].end:
                return calls[place].site
        return None

    def _calls(self, parent: Any, depth: int) -> Iterator[tuple[int, _InlinedCall]]:
        for entry in parent.iter_children():
            inlined = entry.tag == _INLINED
            site = self._site(entry) if inlined else None
            if site is not None:
                for begin, end in self._ranges(entry):
                    yield depth, _InlinedCall(begin, end, site)
            if entry.has_children:
                yield from self._calls(entry, depth + inlined)

    def _site(self, entry: Any) -> SourceLine | None:
        numbers = [entry.attributes.get(name) for name in ("DW_AT_call_file", "DW_AT_call_line")]
        if None in numbers:
            return None
        path = self._files.get(numbers[0].value, "")
        return SourceLine(path, numbers[1].value) if path and not is_of_library(path) else None

    def _ranges(self, entry: Any) -> Iterator[tuple[int, int]]:
        low, high, ranges = (entry.attributes.get(f"DW_AT_{name}") for name in ("low_pc", "high_pc", "ranges"))
        if low is not None and high is not None:
            yield low.value, high.value if high.form == "DW_FORM_addr" else low.value + high.value
        lists = self._dwarf.range_lists() if ranges is not None else None
        if lists is None:
            return
        own = self._unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        base = own.value if own is not None else 0
        for each in lists.get_range_list_at_offset(ranges.value, self._unit):
            if hasattr(each, "base_address"):
                base = each.base_address
            else:
                from_base = 0 if getattr(each, "is_absolute", False) else base
                yield from_base + each.begin_offset, from_base + each.end_offset
