"""Objects and archives into an executable: the linker from one end to the other.

Read, resolve, reach, place, relocate, write; each step a module of this room. Everything that is wrong with the program
(undefined names with who needs them, duplicates, fields that do not fit) is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_nextrust.errors import Fault, LinkError, MachoError
from pytest_nextrust.linker.archives import LinkArchive, read_object
from pytest_nextrust.linker.atoms import split
from pytest_nextrust.linker.layout import OutputSection, place
from pytest_nextrust.linker.map_text import map_text
from pytest_nextrust.linker.model import InputObject, InputSection, InputSymbol
from pytest_nextrust.linker.reach import live_sections
from pytest_nextrust.linker.read_elf import ELF_MAGIC, TLS_FILLED, TLS_IMAGE, TLS_ZERO
from pytest_nextrust.linker.relocate import Relocator
from pytest_nextrust.linker.resolve import Resolution, resolve
from pytest_nextrust.macho import (
    Archive,
    FatFile,
    Image,
    ImageSection,
    ImageSymbol,
    MachFile,
    read,
    write_executable,
)
from pytest_nextrust.macho import layout as lay

__all__ = ["LinkInput", "Linked", "LinkedImage", "link_image", "link_program"]

_ENTRY = "start"
_HEADER = "__mh_execute_header"
_TEXT_END, _DATA_END, _END = "_etext", "_edata", "_end"
_INIT_START, _INIT_END = "___init_array_start", "___init_array_end"
_TLS_FILLED, _TLS_SIZE = "___tls_filled", "___tls_size"
_PROVIDED = (
    _HEADER,
    _TEXT_END,
    _DATA_END,
    _END,
    _INIT_START,
    _INIT_END,
    TLS_IMAGE,
    _TLS_FILLED,
    _TLS_SIZE,
)
_DUPLICATES_SHOWN = 50
_CONTAINED = (lay.MAGIC, lay.MAGIC_SWAPPED, lay.FAT_MAGIC, lay.FAT_MAGIC_SWAPPED)


@dataclass(frozen=True)
class LinkInput:
    """One file to link. ``library``: an object of which only what is reached is linked; archives always are."""

    label: str
    data: bytes
    library: bool = False


@dataclass(frozen=True)
class LinkedImage:
    """A program before it is written: what the writer is given, the map, and what went into it.

    ``debug``: ELF objects with debugging information, as whole files in which it has the program's addresses.
    """

    image: Image
    map: str
    objects: tuple[str, ...]
    debug: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Linked:
    """A program, its map, and what went into it."""

    data: bytes
    map: str
    objects: tuple[str, ...]


def link_program(
    inputs: Sequence[LinkInput], *, cpu: str = "m68030", entry: str = _ENTRY, strip: bool = False
) -> Linked:
    """Link ``inputs``, in order, to an executable that begins at ``entry``.

    ``strip`` leaves out what the entry does not reach, function by function. Raises LinkError with every fault of the
    program, MachoError for a file that is damaged or no object.
    """
    made = link_image(inputs, cpu=cpu, entry=entry, strip=strip)
    return Linked(write_executable(made.image), made.map, made.objects)


def link_image(
    inputs: Sequence[LinkInput],
    *,
    cpu: str = "m68030",
    entry: str = _ENTRY,
    roots: Sequence[str] = (),
    strip: bool = False,
    lines: bool = False,
) -> LinkedImage:
    """The same, not written yet. ``roots`` are further names that are wanted, and kept, whoever refers to them.

    With ``lines`` there is ``debug``, but of what was cut into functions.
    """
    objects, archives = _opened(inputs, cpu)
    wanted = [entry, *roots]
    made = resolve(objects, archives, wanted, split if strip else lambda one: one)
    _provide(made)
    _allocate_commons(made)
    live = live_sections(made, wanted, strip=strip)
    sections = place(live)
    addresses = {section: out.address + offset for out in sections for section, offset in out.pieces}
    _set_provided(made, sections)
    relocator = Relocator(made, addresses, _foreign(archives))
    contents = [None if out.zero_fill else relocator.content(out) for out in sections]
    start, missing = _entry(made, relocator, entry)
    faults = [*_duplicates(made), *relocator.faults(), *missing]
    if faults:
        raise LinkError("link", faults, place=f"{len(inputs)} files")
    symbols = _symbols(made, addresses, sections)
    pieces = tuple(
        ImageSection(out.name, out.segment, out.address, data, out.size, out.align, out.flags)
        for out, data in zip(sections, contents, strict=True)
        if out.size
    )
    named = sorted((symbol.address, symbol.name) for symbol in symbols if not symbol.stab)
    text = map_text(made, sections, named, (entry, start))
    debug = tuple(one.debug(relocator.address) for one in made.objects if lines and one.debug is not None)
    image = Image(pieces, start, symbols, _subtype(made))
    return LinkedImage(image, text, tuple(one.label for one in made.objects), debug)


def _foreign(archives: Iterable[LinkArchive]) -> dict[str, str]:
    """Names that a member for another CPU would define, with a sentence about it."""
    return {
        name: archive.foreign[offset]
        for archive in archives
        for name, offset in archive.entries.items()
        if offset in archive.foreign
    }


def _opened(inputs: Iterable[LinkInput], cpu: str) -> tuple[list[InputObject], list[LinkArchive]]:
    objects, archives = [], []
    for each in inputs:
        view = memoryview(each.data)
        if bytes(view[:4]) == ELF_MAGIC:
            objects.append(read_object(view, each.label, library=each.library))
            continue
        if bytes(view[:4]) not in _CONTAINED and bytes(view[:8]) != lay.ARCHIVE_MAGIC:
            read_object(view, each.label, library=False)  # which says what it is not
        file = read(each.data, name=each.label)
        if isinstance(file, FatFile):
            file = _member(file, each.label, cpu)
        if isinstance(file, Archive):
            archives.append(LinkArchive.open(file, each.label))
        else:
            objects.append(read_object(file.data, each.label, library=each.library))
    return objects, archives


def _member(file: FatFile, label: str, cpu: str) -> MachFile | Archive:
    """What a fat file has for the CPU: an object or an archive."""
    from pytest_nextrust.macho.reader import read_member, runs

    for subtype in runs(cpu):
        for member in file.members:
            if (member.cputype, member.cpusubtype) == (lay.CPU_TYPE_MC680X0, subtype):
                return read_member(file, member, name=label)
    raise MachoError(label, f"no member that {cpu} runs", place="offset 4", remedy="build one for it")


def _provide(made: Resolution) -> None:
    """What the linker defines itself where a program asks for it and nobody else has it; valued after layout."""
    for name in _PROVIDED:
        known = made.names.get(name)
        if known is not None and known.kind == "undefined":
            made.names[name] = InputSymbol(name, "absolute", external=True)
            del made.owners[name]


def _set_provided(made: Resolution, sections: Sequence[OutputSection]) -> None:
    def ends(*segments: str, zeros: bool = True) -> int:
        found = [o.address + o.size for o in sections if o.segment in segments and (zeros or not o.zero_fill)]
        return max(found, default=lay.PAGE)

    initial = next((out for out in sections if out.name == "__init_array"), None)
    locals_ = [out for out in sections if out.name in (TLS_FILLED, TLS_ZERO)]
    image = min((out.address for out in locals_), default=0)
    text = [out.address + out.size for out in sections if out.name == "__text"]
    values = {
        _HEADER: lay.PAGE,
        _TEXT_END: max(text, default=lay.PAGE),
        _DATA_END: ends("__DATA", zeros=False),
        _END: ends(*{out.segment for out in sections}),
        _INIT_START: initial.address if initial else 0,
        _INIT_END: initial.address + initial.size if initial else 0,
        TLS_IMAGE: image,
        _TLS_FILLED: sum(out.size for out in locals_ if not out.zero_fill),
        _TLS_SIZE: max((out.address + out.size - image for out in locals_), default=0),
    }
    for name, value in values.items():
        known = made.names.get(name)
        if known is not None and known.kind == "absolute" and name not in made.owners:
            known.value = value


def _allocate_commons(made: Resolution) -> None:
    """Make room for each common symbol, the greatest size of it, in ``__DATA,__common``."""
    for name, symbol in made.names.items():
        if symbol.kind == "common":
            owner = made.owners[name]
            section = InputSection(owner, "__DATA", "__common", None, symbol.value, symbol.align, lay.S_ZEROFILL)
            made.names[name] = InputSymbol(name, "defined", section, 0, external=True)
            owner.sections.append(section)
            owner.symbols.append(made.names[name])


def _entry(made: Resolution, relocator: Relocator, entry: str) -> tuple[int, list[Fault]]:
    symbol = made.names.get(entry)
    address = None if symbol is None else relocator.address(symbol)
    if address is None:
        remedy = "link an object with start code, which calls _main"
        return 0, [Fault(entry, "undefined; it is where the program begins", remedy)]
    return address, []


def _duplicates(made: Resolution) -> list[Fault]:
    found = [
        Fault(name, f"defined by {first.label} and by {second.label}", "leave one of them out")
        for name, first, second in made.duplicates[:_DUPLICATES_SHOWN]
    ]
    more = len(made.duplicates) - _DUPLICATES_SHOWN
    return [*found, Fault("names", f"and {more} more that are defined twice")] if more > 0 else found


def _subtype(made: Resolution) -> int:
    """The CPU subtype of the whole. Raises LinkError for objects of two CPUs that exclude each other."""
    wanted = {one.cpusubtype: one.label for one in made.objects if one.cpusubtype != lay.CPU_SUBTYPE_ALL}
    if len(wanted) > 1:
        (first, one), (second, other) = list(wanted.items())[:2]
        fault = f"{lay.CPU_SUBTYPES[first]} code and {lay.CPU_SUBTYPES[second]} code, of {other}, in one program"
        raise LinkError("link", [Fault(one, fault, "build both for one CPU")])
    return next(iter(wanted), lay.CPU_SUBTYPE_ALL)


def _symbols(
    made: Resolution, addresses: dict[InputSection, int], sections: Sequence[OutputSection]
) -> tuple[ImageSymbol, ...]:
    """The program's symbol table, by address and name."""
    where = {section: (out.segment, out.name) for out in sections for section, _ in out.pieces}
    found = []
    for one in made.objects:
        for symbol in one.symbols:
            if symbol.external and made.names.get(symbol.name) is not symbol:
                continue
            if symbol.section is not None and symbol.section in addresses:
                if symbol.name or symbol.stab:
                    address = addresses[symbol.section] + symbol.value
                    place_of = where[symbol.section]
                    desc = symbol.desc if symbol.stab else 0
                    found.append(ImageSymbol(symbol.name, address, place_of, symbol.external, desc, symbol.stab))
            elif symbol.kind == "absolute" and symbol.external:
                found.append(ImageSymbol(symbol.name, symbol.value & 0xFFFF_FFFF, None))
    return tuple(sorted(found, key=lambda s: (s.address, s.name)))
