"""Write MH_EXECUTE as NeXT's linker lays it out.

``__PAGEZERO`` at 0, ``__TEXT`` mapping the header from file offset 0, the other segments on 8 KiB boundaries of memory
and file, ``__LINKEDIT`` last with symbols and strings, then LC_SYMTAB and LC_UNIXTHREAD. An image that would make a
defective file is refused, so what is written has no defects by ``check``.

Sources: NeXT ``mach-o/loader.h``; NEXTSTEP 3.3 Development Tools, "Mach-O"; the segment order, protections and page
padding of executables that NeXT's ``ld`` made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.errors import MachoError
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.image import Image, ImageSection, ImageSymbol

__all__ = ["headers_size", "write_executable"]

_TEXT = "__TEXT"
_RESERVED = ("__PAGEZERO", "__LINKEDIT")
_LIMIT = 1 << 32
_PROT_ALL = 7
_PROT_TEXT = 5
_TEXT_FILL_LIMIT = 1 << 28


@dataclass(slots=True)
class _Plan:
    """One segment to be written: its sections by address, and where it goes."""

    name: str
    sections: list[ImageSection]
    initprot: int
    vmaddr: int = 0
    vmsize: int = 0
    fileoff: int = 0
    filesize: int = 0


def write_executable(image: Image) -> bytes:
    """The bytes of an executable for ``image``.

    Raises MachoError, naming the section, symbol or field, for an image that cannot be laid out or that the kernel
    would refuse: sections that overlap, no room for the headers, an entry outside executable memory.
    """
    _check_sections(image)
    plans = _plan(image)
    ordinals = _ordinals(plans)
    linkedit, nsyms, strings = _linkedit(image.symbols, ordinals)
    end = max(plan.vmaddr + plan.vmsize for plan in plans)
    fileoff = lay.page_up(max(plan.fileoff + plan.filesize for plan in plans))
    link = _Plan("__LINKEDIT", [], _PROT_TEXT, end, lay.page_up(len(linkedit)), fileoff, len(linkedit))
    if link.vmaddr + link.vmsize > _LIMIT:
        raise MachoError("image", "no room for __LINKEDIT below 4 GiB", place="sections", remedy="link lower")
    _check_entry(image, plans)
    symoff = fileoff
    stroff = fileoff + lay.NLIST.size * nsyms
    commands = [
        lay.SEGMENT.pack(lay.LC_SEGMENT, lay.SEGMENT.size, b"__PAGEZERO", 0, lay.PAGE, 0, 0, 0, 0, 0, 0),
        *(_segment(plan) for plan in plans),
        _segment(link),
        lay.SYMTAB.pack(lay.LC_SYMTAB, lay.SYMTAB.size, symoff, nsyms, stroff, strings),
        _thread(image),
    ]
    area = b"".join(commands)
    header = lay.HEADER.pack(
        lay.MAGIC,
        lay.CPU_TYPE_MC680X0,
        image.cpusubtype,
        lay.MH_EXECUTE,
        len(commands),
        len(area),
        lay.MH_NOUNDEFS,
    )
    out = bytearray(fileoff + len(linkedit))
    out[: len(header) + len(area)] = header + area
    for plan in plans:
        for section in plan.sections:
            if section.data is not None:
                start = plan.fileoff + section.address - plan.vmaddr
                out[start : start + len(section.data)] = section.data
    out[fileoff:] = linkedit
    return bytes(out)


def headers_size(sections: Sequence[ImageSection]) -> int:
    """Bytes that the header and load commands take in front of the first ``__TEXT`` section."""
    segments = len({section.segment for section in sections} | {_TEXT})
    fixed = lay.HEADER.size + 2 * lay.SEGMENT.size + lay.SYMTAB.size + _THREAD_SIZE
    return fixed + segments * lay.SEGMENT.size + len(sections) * lay.SECTION.size


_THREAD_SIZE = lay.LOAD_COMMAND.size + 8 + lay.THREAD_REGS_STATE.size


def _check_sections(image: Image) -> None:
    if not any(section.segment == _TEXT and section.data for section in image.sections):
        raise MachoError("image", "no __TEXT section holds code", place="sections", remedy="give it at least one")
    if len(image.sections) > lay.MAX_SECTIONS:
        fault = f"{len(image.sections)} sections; a symbol can name {lay.MAX_SECTIONS}"
        raise MachoError("image", fault, place="sections", remedy="merge input sections in the linker script")
    if image.cpusubtype not in lay.CPU_SUBTYPES:
        raise MachoError("image", f"no m68k CPU subtype {image.cpusubtype}", place="cpusubtype", remedy="use 1, 2 or 3")
    if not 0 <= image.data_prot <= _PROT_ALL:
        raise MachoError("image", f"protection {image.data_prot} is not in 0..7", place="data_prot")
    if not 0 <= image.stack < _LIMIT or image.stack & 1:
        raise MachoError("image", f"stack 0x{image.stack:x} is no even 32-bit address", place="stack")
    names: set[tuple[str, str]] = set()
    for section in image.sections:
        _check_section(section)
        if (section.segment, section.name) in names:
            raise _bad(section, "given twice", "merge the two")
        names.add((section.segment, section.name))
    _check_overlap(image.sections)


def _check_section(section: ImageSection) -> None:
    for name in (section.name, section.segment):
        if not 0 < len(name.encode()) <= 16 or "\0" in name:
            raise _bad(section, f"{name!r} is not a name of 1 to 16 bytes", "shorten it")
    if section.segment in _RESERVED:
        raise _bad(section, "the writer makes this segment itself", "use another segment")
    if section.data is not None and len(section.data) != section.size:
        raise _bad(section, f"size is {section.size} and its data has {len(section.data)} bytes", "make them agree")
    if section.size < 0 or section.address < lay.PAGE or section.address + section.size > _LIMIT:
        fault = f"0x{section.address:x}+0x{section.size:x} is not between 0x{lay.PAGE:x} and 4 GiB"
        raise _bad(section, fault, f"link at 0x{lay.PAGE:x} or above")
    if not 0 <= section.align <= 13:
        raise _bad(section, f"alignment 2^{section.align}; segments are aligned to 2^13", "use at most 13")
    if section.address % (1 << section.align):
        raise _bad(
            section, f"0x{section.address:x} is not aligned to 2^{section.align}", "align it in the linker script"
        )
    if not 0 <= section.flags < _LIMIT:
        raise _bad(section, f"flags {section.flags} are not 32 bits", "use a section type")
    if section.data is not None and section.flags & lay.SECTION_TYPE == lay.S_ZEROFILL:
        raise _bad(section, "zero-fill with data", "leave the data out")


def _check_overlap(sections: Sequence[ImageSection]) -> None:
    ordered = sorted((s for s in sections if s.size), key=lambda s: s.address)
    for low, high in pairwise(ordered):
        if low.address + low.size > high.address:
            fault = f"begins at 0x{high.address:x} inside {low.segment},{low.name}"
            raise _bad(high, fault, "place it after that section's end")


def _bad(section: ImageSection, fault: str, remedy: str) -> MachoError:
    return MachoError("image", fault, place=f"section {section.segment},{section.name}", remedy=remedy)


def _plan(image: Image) -> list[_Plan]:
    """Segments by address, each with its sections by address and its place in memory and file."""
    plans: dict[str, _Plan] = {}
    for section in sorted(image.sections, key=lambda s: (s.address, s.size)):
        prot = _PROT_TEXT if section.segment == _TEXT else image.data_prot
        plans.setdefault(section.segment, _Plan(section.segment, [], prot)).sections.append(section)
    ordered = sorted(plans.values(), key=lambda plan: (plan.sections[0].address, plan.name != _TEXT))
    text = plans[_TEXT]
    if ordered[0] is not text:
        raise _bad(ordered[0].sections[0], "lies below __TEXT", "place __TEXT first")
    room = headers_size(image.sections)
    first = text.sections[0]
    if first.address - room < lay.PAGE:
        fault = f"begins at 0x{first.address:x} and {room} bytes of headers go before it from 0x{lay.PAGE:x}"
        raise _bad(first, fault, f"link it at 0x{lay.PAGE + room:x} or above")
    text.vmaddr = lay.page_down(first.address - room)
    fileoff = previous_end = 0
    for plan in ordered:
        if plan is not text:
            plan.vmaddr = lay.page_down(plan.sections[0].address)
        if plan.vmaddr < previous_end:
            raise _bad(plan.sections[0], f"shares a page with the segment before {plan.name}", "align it to 0x2000")
        backed = [s.address + s.size for s in plan.sections if s.data is not None]
        plan.filesize = lay.page_up(max(backed) - plan.vmaddr) if backed else 0
        end = max(s.address + s.size for s in plan.sections)
        plan.vmsize = max(lay.page_up(end - plan.vmaddr), plan.filesize, lay.PAGE)
        plan.fileoff = fileoff
        fileoff += plan.filesize
        previous_end = plan.vmaddr + plan.vmsize
    if fileoff > _TEXT_FILL_LIMIT:
        fault = f"the file would have {fileoff} bytes, most of it padding"
        raise MachoError("image", fault, place="sections", remedy="place sections of one segment close together")
    return ordered


def _ordinals(plans: Sequence[_Plan]) -> dict[tuple[str, str], int]:
    pairs = [(plan.name, section.name) for plan in plans for section in plan.sections]
    return {pair: number for number, pair in enumerate(pairs, 1)}


def _check_entry(image: Image, plans: Sequence[_Plan]) -> None:
    executable = [plan for plan in plans if plan.initprot & lay.VM_PROT_EXECUTE]
    inside = any(
        section.data is not None and section.address <= image.entry < section.address + section.size
        for plan in executable
        for section in plan.sections
    )
    if not inside:
        fault = f"0x{image.entry:x} is in no section of an executable segment"
        raise MachoError("image", fault, place="entry", remedy="start in __TEXT,__text")
    if image.entry & 1:
        raise MachoError(
            "image", f"0x{image.entry:x} is odd", place="entry", remedy="instructions are at even addresses"
        )


def _linkedit(symbols: Sequence[ImageSymbol], ordinals: dict[tuple[str, str], int]) -> tuple[bytes, int, int]:
    """The bytes of ``__LINKEDIT``, the number of symbols and the size of the string table: locals first, as ld."""
    strings = bytearray(4)  # index 0 is the empty name
    known = {"": 0}
    entries = bytearray()
    for symbol in sorted(symbols, key=lambda s: s.external):
        place = f"symbol {symbol.name}"
        if "\0" in symbol.name:
            raise MachoError("image", "a NUL in its name", place=place)
        if symbol.stab and not (symbol.stab & lay.N_STAB and symbol.stab < 0x100 and not symbol.external):
            raise MachoError("image", f"0x{symbol.stab:x} is no debugging entry's type", place=place)
        if not 0 <= symbol.address < _LIMIT or not 0 <= symbol.desc < 1 << 16:
            raise MachoError("image", "its address or desc does not fit its field", place=place)
        if symbol.section is not None and tuple(symbol.section) not in ordinals:
            raise MachoError(
                "image", f"no section {','.join(symbol.section)}", place=place, remedy="give it or use None"
            )
        if symbol.name not in known:
            known[symbol.name] = len(strings)
            strings += symbol.name.encode("utf-8", "surrogateescape") + b"\0"
        kind = lay.N_ABS if symbol.section is None else lay.N_SECT
        sect = 0 if symbol.section is None else ordinals[symbol.section]
        ntype = symbol.stab or kind | (lay.N_EXT if symbol.external else 0)
        entries += lay.NLIST.pack(known[symbol.name], ntype, sect, symbol.desc, symbol.address)
    strings += bytes(-len(strings) % 4)
    return bytes(entries + strings), len(symbols), len(strings)


def _segment(plan: _Plan) -> bytes:
    """LC_SEGMENT with its sections."""
    out = lay.SEGMENT.pack(
        lay.LC_SEGMENT,
        lay.SEGMENT.size + lay.SECTION.size * len(plan.sections),
        plan.name.encode(),
        plan.vmaddr,
        plan.vmsize,
        plan.fileoff,
        plan.filesize,
        _PROT_ALL,
        plan.initprot,
        len(plan.sections),
        0,
    )
    for section in plan.sections:
        zero = section.data is None
        out += lay.SECTION.pack(
            section.name.encode(),
            section.segment.encode(),
            section.address,
            section.size,
            0 if zero else plan.fileoff + section.address - plan.vmaddr,
            section.align,
            0,
            0,
            (section.flags & ~lay.SECTION_TYPE | lay.S_ZEROFILL) if zero else section.flags,
            0,
            0,
        )
    return out


def _thread(image: Image) -> bytes:
    """LC_UNIXTHREAD: every register 0 but a7 and pc, as crt0 expects them."""
    state = lay.THREAD_REGS_STATE.pack(*[0] * 15, image.stack, 0, 0, image.entry)
    head = lay.LOAD_COMMAND.pack(lay.LC_UNIXTHREAD, _THREAD_SIZE)
    return head + lay.LOAD_COMMAND.pack(lay.THREAD_REGS, lay.THREAD_COUNTS[lay.THREAD_REGS]) + state
