"""Defects of segments and sections: where they are in memory and in the file.

Sources: NeXT ``mach-o/loader.h``; Mach 2.5 ``load_segment`` (page rounding, no two mappings of one page); NeXT ``ld``
(``MAXSECTALIGN`` 15); segments of executables that NeXT's linker made, whose ``__LINKEDIT`` may have vmsize 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.commands import Section, Segment
from pytest_nextrust.macho.defects import Reporter
from pytest_nextrust.macho.model import MachFile

__all__ = ["check_memory"]

T = TypeVar("T")

_LIMIT = 1 << 32
_VMADDR, _VMSIZE, _FILEOFF, _FILESIZE, _MAXPROT, _INITPROT, _NSECTS = 24, 28, 32, 36, 40, 44, 48
_SEGNAME, _ADDR, _SIZE, _OFFSET, _ALIGN, _TYPE = 16, 32, 36, 40, 44, 56
_PAGED = (lay.MH_EXECUTE, lay.MH_FVMLIB)
_MAX_ALIGN = 15


def check_memory(file: MachFile, found: Reporter) -> None:
    """Every segment and section by itself, and against the others."""
    cmdsizes = {command.place: command.cmdsize for command in file.commands}
    for segment in file.segments:
        _check_counts(segment, cmdsizes[segment.place], found)
        _check_segment(file, segment, found)
        for section in segment.sections:
            _check_section(file, segment, section, found)
    _check_segments(file, found)
    sized = [s for s in file.sections if s.size]
    for low, high in _overlaps((s.addr, s.addr + s.size, s) for s in sized):
        found.add("section-overlap", high.place + _ADDR, f"{high} at 0x{high.addr:x} begins inside {low}")


def _check_counts(segment: Segment, cmdsize: int, found: Reporter) -> None:
    held = (cmdsize - lay.SEGMENT.size) // lay.SECTION.size
    needed = lay.SEGMENT.size + lay.SECTION.size * segment.nsects
    # A size that is no multiple of 4 is a defect of its own.
    if segment.nsects > held or cmdsize - needed > 3:
        fault = f"segment {segment.name}: {segment.nsects} sections need {needed} bytes, cmdsize is {cmdsize}"
        found.add("section-count", segment.place + _NSECTS, fault)
    elif len(segment.sections) < segment.nsects:
        fault = f"segment {segment.name}: {segment.nsects - len(segment.sections)} sections were not looked at"
        found.add("too-many-sections", segment.place + _NSECTS, fault)


def _check_segment(file: MachFile, segment: Segment, found: Reporter) -> None:
    name = f"segment {segment.name}" if segment.name else "the unnamed segment"
    if segment.fileoff + segment.filesize > len(file.data):
        fault = f"{name}: {segment.filesize} bytes at {segment.fileoff}; the file has {len(file.data)}"
        found.add("segment-outside-file", segment.place + _FILEOFF, fault)
    if segment.vmaddr + segment.vmsize > _LIMIT:
        found.add("segment-wraps", segment.place + _VMADDR, f"{name}: 0x{segment.vmaddr:x} + 0x{segment.vmsize:x}")
    if (segment.initprot | segment.maxprot) & ~7 or segment.initprot & ~segment.maxprot:
        fault = f"{name}: initprot {segment.initprot:#x}, maxprot {segment.maxprot:#x}"
        found.add("segment-protection", segment.place + _INITPROT, fault)
    paged = file.filetype in _PAGED
    if segment.vmsize and paged:
        if segment.vmaddr % lay.PAGE:
            found.add("segment-misaligned", segment.place + _VMADDR, f"{name}: vmaddr 0x{segment.vmaddr:x}")
        if segment.filesize and segment.fileoff % lay.PAGE:
            found.add("segment-misaligned", segment.place + _FILEOFF, f"{name}: fileoff 0x{segment.fileoff:x}")
    room = lay.page_up(segment.vmsize) if paged else segment.vmsize
    if segment.vmsize and segment.filesize > room:
        fault = f"{name}: filesize 0x{segment.filesize:x}, vmsize 0x{segment.vmsize:x}"
        found.add("segment-filesize", segment.place + _FILESIZE, fault)


def _check_segments(file: MachFile, found: Reporter) -> None:
    """Segments against each other, page 0 and the stack; only in files that are loaded as they are."""
    if file.filetype not in (*_PAGED, lay.MH_PRELOAD):
        return
    mapped = [s for s in file.segments if s.vmsize and not s.flags & lay.SG_FVMLIB]
    paged = file.filetype in _PAGED
    for low, high in _overlaps((_pages(s) if paged else (s.vmaddr, s.vmaddr + s.vmsize, s)) for s in mapped):
        fault = f"segment {high.name} at 0x{high.vmaddr:x} shares memory with {low.name}"
        found.add("segment-overlap", high.place + _VMADDR, fault)
    filed = [s for s in file.segments if s.filesize]
    for low, high in _overlaps((s.fileoff, s.fileoff + s.filesize, s) for s in filed):
        fault = f"segment {high.name} at file offset {high.fileoff} shares bytes with {low.name}"
        found.add("segment-file-overlap", high.place + _FILEOFF, fault)
    names: set[str] = set()
    for segment in file.segments:
        if segment.name and segment.name in names:
            found.add("segment-duplicate", segment.place, f"another segment {segment.name}")
        names.add(segment.name)
    if file.filetype == lay.MH_EXECUTE:
        _check_places(file, mapped, found)


def _check_places(file: MachFile, mapped: list[Segment], found: Reporter) -> None:
    top = (file.thread.a[7] if file.thread else 0) or lay.STACK_TOP
    for segment in mapped:
        if segment.vmaddr < lay.PAGE and segment.initprot:
            fault = f"segment {segment.name} at 0x{segment.vmaddr:x} with protection {segment.initprot}"
            found.add("segment-page-zero", segment.place + _VMADDR, fault)
        if top - lay.STACK_SIZE < lay.PAGE:
            continue  # there is no such stack, which is a defect of its own
        if segment.vmaddr < top and segment.vmaddr + segment.vmsize > top - lay.STACK_SIZE:
            fault = f"segment {segment.name} at 0x{segment.vmaddr:x} reaches into the stack below 0x{top:x}"
            found.add("segment-on-stack", segment.place + _VMADDR, fault)


def _check_section(file: MachFile, segment: Segment, section: Section, found: Reporter) -> None:
    place = section.place
    if file.filetype not in (lay.MH_OBJECT, lay.MH_CORE) and section.segname != segment.name:
        found.add("section-segname", place + _SEGNAME, f"section {section} is in segment {segment.name}")
    if section.flags & lay.SECTION_TYPE not in lay.SECTION_TYPES:
        found.add("section-type", place + _TYPE, f"section {section}: type {section.flags & lay.SECTION_TYPE}")
    if section.align > _MAX_ALIGN:
        found.add("section-alignment", place + _ALIGN, f"section {section}: alignment 2^{section.align}")
    elif section.addr % (1 << section.align):
        found.add("section-misaligned", place + _ADDR, f"section {section}: 0x{section.addr:x}, 2^{section.align}")
    if segment.flags & lay.SG_FVMLIB:
        return
    end = section.addr + section.size
    inside = segment.vmaddr <= section.addr and end <= segment.vmaddr + segment.vmsize
    if not inside:
        fault = f"section {section}: 0x{section.addr:x} + 0x{section.size:x} is not in its segment"
        found.add("section-outside-segment", place + _ADDR, fault)
    if section.size and not section.zero_fill:
        _check_content(file, segment, section, inside, found)


def _check_content(file: MachFile, segment: Segment, section: Section, inside: bool, found: Reporter) -> None:
    place = section.place
    if section.offset + section.size > len(file.data):
        fault = f"section {section}: {section.size} bytes at {section.offset}; the file has {len(file.data)}"
        found.add("section-outside-file", place + _OFFSET, fault)
    elif section.offset < lay.HEADER.size + file.sizeofcmds <= len(file.data):
        found.add("section-in-headers", place + _OFFSET, f"section {section}: its bytes begin at {section.offset}")
    elif inside and file.filetype in _PAGED and section.offset - segment.fileoff != section.addr - segment.vmaddr:
        expected = segment.fileoff + section.addr - segment.vmaddr
        fault = f"section {section}: offset 0x{section.offset:x}; its segment loads it from 0x{expected:x}"
        found.add("section-offset", place + _OFFSET, fault)
    elif inside and file.filetype in _PAGED and section.offset + section.size > segment.fileoff + segment.filesize:
        fault = f"section {section}: its bytes reach past those of its segment, which loads zeros"
        found.add("section-offset", place + _OFFSET, fault)


def _pages(segment: Segment) -> tuple[int, int, Segment]:
    return lay.page_down(segment.vmaddr), lay.page_up(segment.vmaddr + segment.vmsize), segment


def _overlaps(ranges: Iterable[tuple[int, int, T]]) -> Iterator[tuple[T, T]]:
    """Every range that begins inside an earlier one, with that one. Linear but for the sort."""
    reach = -1
    owner: T | None = None
    for start, end, item in sorted(ranges, key=lambda r: (r[0], r[1])):
        if owner is not None and start < reach:
            yield owner, item
        if end > reach:
            reach, owner = end, item
