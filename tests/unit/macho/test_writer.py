"""The writer: what goes in comes back, laid out as NeXT's linker does; what would be defective is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from pytest_nextrust.errors import MachoError
from pytest_nextrust.macho import (
    Image,
    ImageSection,
    ImageSymbol,
    MachFile,
    check,
    headers_size,
    read,
    write_executable,
)
from tests.unit.macho.images import images

CODE = ImageSection("__text", "__TEXT", 0x2400, b"\x4e\x75" * 8, 16, 2)
DATA = ImageSection("__data", "__DATA", 0x4000, b"data", 4, 2)
BSS = ImageSection("__bss", "__DATA", 0x4004, None, 0x4000, 2)
IMAGE = Image((CODE, DATA, BSS), 0x2400)


def _read(image: Image) -> MachFile:
    file = read(write_executable(image))
    assert isinstance(file, MachFile)
    return file


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(images())
def test_what_is_written_reads_back_and_is_sound(image: Image) -> None:
    """Sections, their bytes, symbols, entry, stack, subtype and protections come back; check finds nothing wrong."""
    file = _read(image)
    errors = [d for d in check(file) if d.severity == "error"]
    assert errors == []
    assert {d.id for d in check(file)} <= {"segment-on-stack"}
    back = {(s.segname, s.sectname): s for s in file.sections}
    assert len(back) == len(image.sections)
    for given_section in image.sections:
        section = back[given_section.segment, given_section.name]
        assert (section.addr, section.size, section.align) == (
            given_section.address,
            given_section.size,
            given_section.align,
        )
        assert section.zero_fill is (given_section.data is None)
        assert bytes(file.section_bytes(section)) == (given_section.data or b"")
    pairs = {number: (s.segname, s.sectname) for number, s in enumerate(file.sections, 1)}
    read_back = sorted((s.name, s.value, pairs.get(s.sect), s.external, s.desc) for s in file.symbols)
    assert read_back == sorted((s.name, s.address, s.section, s.external, s.desc) for s in image.symbols)
    assert (file.entry, file.cpusubtype) == (image.entry, image.cpusubtype)
    assert file.thread is not None
    assert file.thread.a[7] == image.stack
    assert {s.initprot for s in file.segments if s.name not in ("__PAGEZERO", "__TEXT", "__LINKEDIT")} <= {
        image.data_prot
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(images())
def test_what_the_kernel_maps_is_what_was_given(image: Image) -> None:
    """Loading the segments by address gives every section's bytes, and zeros where nothing was given."""
    file = _read(image)
    memory = {}
    for segment in file.segments:
        if segment.filesize and segment.name != "__LINKEDIT":
            memory[segment.vmaddr] = bytes(file.segment_bytes(segment))
    for section in image.sections:
        base = max((a for a in memory if a <= section.address), default=0)
        loaded = memory.get(base, b"")[section.address - base :][: section.size]
        assert loaded.ljust(section.size, b"\0") == (section.data if section.data is not None else bytes(section.size))


def test_the_layout_is_that_of_next_ld() -> None:
    """__PAGEZERO, __TEXT from 0x2000 over the header, __DATA on the next 8 KiB, __LINKEDIT, symbols, thread."""
    file = _read(replace(IMAGE, symbols=(ImageSymbol("_a", 0x2400, ("__TEXT", "__text")),)))
    assert [(s.name, s.vmaddr, s.vmsize, s.fileoff, s.filesize, s.maxprot, s.initprot) for s in file.segments] == [
        ("__PAGEZERO", 0, 0x2000, 0, 0, 0, 0),
        ("__TEXT", 0x2000, 0x2000, 0, 0x2000, 7, 5),
        ("__DATA", 0x4000, 0x6000, 0x2000, 0x2000, 7, 3),
        ("__LINKEDIT", 0xA000, 0x2000, 0x4000, 12 + 8, 7, 5),
    ]
    assert [command.name for command in file.commands] == ["LC_SEGMENT"] * 4 + ["LC_SYMTAB", "LC_UNIXTHREAD"]
    assert (file.filetype, file.flags) == (2, 1)
    assert file.sections[0].offset == 0x400


def test_headers_size_is_exact() -> None:
    """The first section may begin right behind the headers, and not two bytes before."""
    room = headers_size(IMAGE.sections)
    start = 0x2000 + room
    tight = replace(IMAGE, sections=(replace(CODE, address=start, align=1), DATA, BSS), entry=start)
    assert check(_read(tight)) == ()
    with pytest.raises(MachoError, match=f"{room} bytes of headers"):
        write_executable(replace(tight, sections=(replace(CODE, address=start - 2, align=1), DATA, BSS)))


def test_local_symbols_come_first() -> None:
    """Locals before externals, each in the order given, as ld writes them."""
    names = [("_b", True), ("l2", False), ("_a", True), ("l1", False)]
    symbols = tuple(ImageSymbol(name, 0x2400, ("__TEXT", "__text"), external) for name, external in names)
    assert [s.name for s in _read(replace(IMAGE, symbols=symbols)).symbols] == ["l2", "l1", "_b", "_a"]


def test_writing_is_deterministic() -> None:
    """The same image gives the same bytes, whatever the order of its sections."""
    shuffled = replace(IMAGE, sections=(BSS, DATA, CODE))
    assert write_executable(IMAGE) == write_executable(IMAGE) == write_executable(shuffled)


REFUSED: dict[str, tuple[Image, str]] = {
    "no code": (replace(IMAGE, sections=(DATA,)), "no __TEXT section"),
    "overlap": (replace(IMAGE, sections=(CODE, replace(CODE, name="__b", address=0x2408))), "inside __TEXT,__text"),
    "twice": (replace(IMAGE, sections=(CODE, replace(CODE, address=0x2500))), "given twice"),
    "shared page": (replace(IMAGE, sections=(CODE, replace(DATA, address=0x3000))), "shares a page"),
    "below text": (replace(IMAGE, sections=(CODE, replace(DATA, address=0x2100))), "lies below __TEXT"),
    "size": (replace(IMAGE, sections=(replace(CODE, size=15),)), "size is 15"),
    "misaligned": (replace(IMAGE, sections=(replace(CODE, address=0x2402),)), "not aligned to 2^2"),
    "alignment": (replace(IMAGE, sections=(replace(CODE, align=14),)), "2^14"),
    "long name": (replace(IMAGE, sections=(replace(CODE, name="_" * 17),)), "1 to 16 bytes"),
    "page zero": (replace(IMAGE, sections=(replace(CODE, address=0x400),)), "between 0x2000"),
    "too high": (replace(IMAGE, sections=(CODE, replace(DATA, address=0xFFFF_FFFE, align=1))), "4 GiB"),
    "linkedit too high": (
        replace(IMAGE, sections=(CODE, replace(BSS, address=0xFFFF_E000, size=0x2000))),
        "__LINKEDIT",
    ),
    "own segment": (replace(IMAGE, sections=(CODE, replace(DATA, segment="__LINKEDIT"))), "makes this segment"),
    "flags": (replace(IMAGE, sections=(CODE, replace(BSS, flags=1 << 32))), "flags 4294967296 are not 32 bits"),
    "zero-fill with data": (replace(IMAGE, sections=(CODE, replace(DATA, flags=1))), "zero-fill with data"),
    "padding": (replace(IMAGE, sections=(CODE, replace(CODE, name="__far", address=0x4000_0000))), "padding"),
    "too many": (
        replace(IMAGE, sections=tuple(replace(CODE, name=f"s{n}", address=0x8000 + 16 * n) for n in range(256))),
        "256 sections",
    ),
    "entry outside": (replace(IMAGE, entry=0x2410), "in no section"),
    "entry in data": (replace(IMAGE, entry=0x4000), "in no section"),
    "entry odd": (replace(IMAGE, entry=0x2401), "odd"),
    "subtype": (replace(IMAGE, cpusubtype=4), "subtype 4"),
    "protection": (replace(IMAGE, data_prot=8), "0..7"),
    "stack": (replace(IMAGE, stack=0x0300_0001), "even"),
    "symbol section": (replace(IMAGE, symbols=(ImageSymbol("a", 0, ("__TEXT", "__no")),)), "no section __TEXT,__no"),
    "symbol address": (replace(IMAGE, symbols=(ImageSymbol("a", 1 << 32, None),)), "does not fit"),
    "symbol NUL": (replace(IMAGE, symbols=(ImageSymbol("a\0b", 0, None),)), "NUL"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_defective_images_are_refused(name: str) -> None:
    """An image that would make a defective file is a MachoError that says what is wrong with it."""
    image, fault = REFUSED[name]
    with pytest.raises(MachoError) as caught:
        write_executable(image)
    assert fault in str(caught.value)


def test_an_entry_in_executable_data_is_taken() -> None:
    """With data_prot 7, as NeXT's linker has it, a program may start in its data."""
    assert check(_read(replace(IMAGE, entry=0x4000, data_prot=7))) == ()
