"""Every relocation kind of the m68k, in two tables: ELF's against the bytes that GNU ld makes, Mach-O's against values
worked out by hand from ``mach-o/reloc.h`` (nothing here emits scattered entries or differences)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import LinkError, MachoError
from pytest_nextrust.linker import LinkInput, link_program, object_from_elf
from pytest_nextrust.linker.archives import read_object
from pytest_nextrust.linker.read_elf import RELOCATIONS, elf_sections
from pytest_nextrust.linker.write_object import write_object
from tests.unit.macho import builders as b

from .assembled import PREFIX, assemble, link, linked_sections, run_tool

# -- ELF ---------------------------------------------------------------------------------------------------------------

OTHER = """
        .globl func, near, small
        .text
func:   nop
near:   rts
        .globl value
        .data
value:  .long 1,2,3,4
small = 0x55
"""

FIELDS = {4: ".long func\n", 2: ".short func\n.short 0\n", 1: ".byte func,0,0,0\n"}
"""A relocated field of each width, at the beginning of the code."""

BY_NAME = {name: (number, what, width) for number, (name, what, width) in RELOCATIONS.items()}
WITH_TABLE = sorted(name for name, (_, what, _) in BY_NAME.items() if what.startswith("got"))
WITHOUT_TABLE = sorted(name for name, (_, what, _) in BY_NAME.items() if what in ("abs", "pc"))

INSTRUCTIONS = {
    "R_68K_32": "move.l value+4,%d0\n",
    "R_68K_16": "move.w #small,%d0\n",
    "R_68K_8": ".byte small,0\n",
    "R_68K_PC32": "bsr.l func\n",
    "R_68K_PC16": "bsr.w near\n",
    "R_68K_PC8": "bsr.s near\n",
    "R_68K_PLT32": "bsr.l func@PLTPC\n",
    "R_68K_GOT32O": "move.l (value@GOT,%a5),%a0\n",
}
"""What an assembler makes each of, where it makes any."""


def program(code: str) -> str:
    return f"\t.globl start\nstart:\n\t{code}\t.balign 4\n"


def kinds_in(folder: Path, name: str) -> set[str]:
    return set(re.findall(r"R_68K_\w+", run_tool(PREFIX + "readelf", "-rW", folder / f"{name}.o")))


def first_entry(data: bytes | bytearray) -> int:
    """Where the first relocation entry of an ELF object is."""
    return next(h.offset for h in elf_sections(memoryview(data), "first.o") if h.name == ".rela.text")


def with_kind(folder: Path, kind: str, *, symbol: str = "func") -> bytes:
    """An object ``first.o`` whose first field, ``symbol``, has a relocation of this kind, also where no assembler makes
    one: its number is put into the entry."""
    number, _, width = BY_NAME[kind]
    data = bytearray(assemble(folder, program(FIELDS[width].replace("func", symbol)), "first"))
    at = first_entry(data)
    assert RELOCATIONS[data[at + 7]][1:] == ("abs", width)
    data[at + 7] = number
    (folder / "first.o").write_bytes(data)
    assert kinds_in(folder, "first") == {kind}
    return bytes(data)


def by_gnu(folder: Path, sections: dict[str, tuple[int, bytes]]) -> Path:
    """``first.o`` and ``second.o`` linked by GNU ld, code and data where our own linker put them."""
    out = folder / "gnu.elf"
    places = [f"-Ttext={sections['__text'][0]:#x}", f"-Tdata={sections['__data'][0]:#x}"]
    run_tool(PREFIX + "ld", "-e", "start", *places, "-o", out, folder / "first.o", folder / "second.o")
    return out


def section_of(elf: Path, name: str) -> tuple[int, bytes]:
    """Address and bytes of a section of a linked ELF file."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(name)
        return section["sh_addr"], section.data()


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("form", ["elf", "macho"])
@pytest.mark.parametrize("code", ["instruction", "field"])
@pytest.mark.parametrize("kind", WITHOUT_TABLE)
def test_fields_are_filled_as_by_gnu_ld(tmp_path: Path, kind: str, code: str, form: str) -> None:
    """The code is byte for byte what GNU ld makes at the same addresses, from ELF objects and from Mach-O ones."""
    if code == "field":
        first = with_kind(tmp_path, kind, symbol="small" if kind in ("R_68K_16", "R_68K_8") else "near")
    elif kind in INSTRUCTIONS:
        first = assemble(tmp_path, program(INSTRUCTIONS[kind]), "first")
        assert kinds_in(tmp_path, "first") == {kind}
    else:
        return
    second = assemble(tmp_path, OTHER, "second")
    sections = linked_sections(link([first, second], macho_objects=form == "macho").data)
    assert section_of(by_gnu(tmp_path, sections), ".text") == sections["__text"]


def table_word(kind: str, text: tuple[int, bytes], table: tuple[int, bytes], base: int) -> int:
    """The word of the offset table that the field at the beginning of the code leads to."""
    _, what, width = BY_NAME[kind]
    field = int.from_bytes(text[1][:width], "big", signed=True)
    at = (text[0] if what == "got-pc" else base) + field - table[0]
    return int.from_bytes(table[1][at : at + 4], "big")


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("form", ["elf", "macho"])
@pytest.mark.parametrize("kind", WITH_TABLE)
def test_the_offset_table_is_the_objects_own(tmp_path: Path, kind: str, form: str) -> None:
    """A field leads to the word of a table that holds the symbol's address, here as in what GNU ld makes: by its own
    distance, or from where ``_GLOBAL_OFFSET_TABLE_`` is. A distance that is too far is told."""
    first, second = with_kind(tmp_path, kind), assemble(tmp_path, OTHER, "second")
    if kind == "R_68K_GOT8":
        with pytest.raises(LinkError, match="does not fit 8 bits"):
            link([first, second], macho_objects=form == "macho")
        return
    sections = linked_sections(link([first, second], macho_objects=form == "macho").data)
    gnu = by_gnu(tmp_path, sections)
    func = sections["__text"][0] + 4
    assert table_word(kind, sections["__text"], sections["__got"], sections["__got"][0]) == func
    table = section_of(gnu, ".got")
    assert table_word(kind, section_of(gnu, ".text"), table, table[0]) == func


@pytest.mark.needs_compiler("gnu")
def test_the_table_itself_is_found(tmp_path: Path) -> None:
    """``_GLOBAL_OFFSET_TABLE_`` in a pc-relative GOT field is the table, not an entry of it."""
    source = program("lea (_GLOBAL_OFFSET_TABLE_@GOTPC,%pc),%a5\n move.l (func@GOT,%a5),%a0\n")
    sections = linked_sections(link([assemble(tmp_path, source), assemble(tmp_path, OTHER, "second")]).data)
    start, text = sections["__text"]
    # lea with a 32-bit base displacement counts from the extension word in front of it.
    assert start + 2 + int.from_bytes(text[4:8], "big", signed=True) == sections["__got"][0]


FAR = {
    "R_68K_16": "move.w #value,%d0\n.space 0x20000\n",
    "R_68K_8": ".byte value,0\n",
    "R_68K_PC16": "bsr.w func\n.space 0x9000\n",
    "R_68K_PC8": "bsr.s func\n.space 0x100\n",
}


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("form", ["elf", "macho"])
@pytest.mark.parametrize("kind", FAR)
def test_a_field_that_is_too_small_is_told(tmp_path: Path, kind: str, form: str) -> None:
    """Each with the place and the symbol; GNU ld refuses the same."""
    first = assemble(tmp_path, program(FAR[kind]), "first")
    second = assemble(tmp_path, OTHER, "second")
    with pytest.raises(LinkError, match=r"_start\+0x|in start\+0x") as refused:
        link([first, second], macho_objects=form == "macho")
    assert "does not fit" in refused.value.faults[0].message
    command: list[str | Path] = [PREFIX + "ld", "-e", "start", "-Tdata=0x40000", "-o", tmp_path / "x"]
    with pytest.raises(AssertionError, match="truncated to fit"):
        run_tool(*command, tmp_path / "first.o", tmp_path / "second.o")


@pytest.mark.needs_compiler("gnu")
def test_what_a_static_program_cannot_have_is_refused(tmp_path: Path) -> None:
    """A dynamic relocation is refused by number and offset, never left unfilled."""
    good = with_kind(tmp_path, "R_68K_32")
    at = first_entry(good)
    for wrong in (19, 22, 25, 34, 255):
        data = bytearray(good)
        data[at + 7] = wrong
        with pytest.raises(MachoError, match=f"relocation type {wrong}, which a static NeXT program cannot have"):
            link([bytes(data)])


@pytest.mark.needs_compiler("gnu")
def test_the_distance_of_what_no_thread_owns_is_refused(tmp_path: Path) -> None:
    """A relocation of a thread's variable that names an ordinary one: GNU ld refuses it too."""
    data = bytearray(with_kind(tmp_path, "R_68K_32"))
    data[first_entry(bytes(data)) + 7] = BY_NAME["R_68K_TLS_LE32"][0]
    with pytest.raises(MachoError, match="which is no thread's own"):
        link([bytes(data)])


# -- Mach-O ------------------------------------------------------------------------------------------------------------

TEXT, DATA, MORE = 0x100, 0x40, 0x40
"""Sizes of the hand-made object's sections: ``__text`` at 0, ``__data`` at 0x100, ``__more`` at 0x140."""


def hand_made(entries: bytes, fields: dict[int, tuple[int, int]], *, more_entries: bytes = b"") -> bytes:
    """An object whose ``__data`` holds ``fields`` (offset: width, value) and has these relocation entries.

    Symbols: 0 ``start`` (text 0), 1 ``_value`` (data 0x20), 2 ``_outside``, undefined, 3 ``_number``, absolute 7.
    """
    data = bytearray(DATA)
    for offset, (width, value) in fields.items():
        data[offset : offset + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "big")
    strings = b"\0start\0_value\0_outside\0_number\0"
    symbols = b.nlist(1, 0x0F, 1, 0) + b.nlist(7, 0x0F, 2, 0x120) + b.nlist(14, 1, 0, 0) + b.nlist(23, 3, 0, 7)
    body = 400
    reloff = body + TEXT + DATA + MORE
    symoff = reloff + len(entries) + len(more_entries)
    sections = [
        b.section("__text", "__TEXT", 0, TEXT, body, 2),
        b.section("__data", "__DATA", 0x100, DATA, body + TEXT, 2, reloff, len(entries) // 8),
        b.section(
            "__more", "__DATA", 0x140, MORE, body + TEXT + DATA, 2, reloff + len(entries), len(more_entries) // 8
        ),
    ]
    commands = [
        b.segment("", 0, 0x180, body, 0x180, sections=sections),
        b.symtab(symoff, 4, symoff + len(symbols), len(strings)),
    ]
    payload = {
        body: b"\x4e\x71" * (TEXT // 2) + bytes(data) + bytes(MORE),
        reloff: entries + more_entries,
        symoff: symbols,
        symoff + len(symbols): strings,
    }
    return b.macho(1, commands, payload)


def another() -> bytes:
    """The object that defines ``_outside``: the 9th byte of its ``__data``; its text is 0x30 bytes."""
    strings = b"\0_outside\0"
    body = 300
    sections = [
        b.section("__text", "__TEXT", 0, 0x30, body, 2),
        b.section("__data", "__DATA", 0x30, 0x10, body + 0x30, 2),
    ]
    symbols = b.nlist(1, 0x0F, 2, 0x38)
    commands = [b.segment("", 0, 0x40, body, 0x40, sections=sections), b.symtab(body + 0x40, 1, body + 0x4C, 10)]
    return b.macho(1, commands, {body: bytes(0x40), body + 0x40: symbols, body + 0x4C: strings})


# With another() linked in front, every section of the hand-made object moves by its own distance: its text lies 0x30
# behind the program's text, its data 0x10 behind the program's data (D), __more at a place of its own (M).
# _value is D+0x30, _outside D+8.
GOLDEN: dict[str, tuple[bytes, dict[int, tuple[int, int]], Callable[[int, int, int], int]]] = {
    "external, absolute": (b.reloc(4, 2, extern=1), {4: (4, 5)}, lambda d, m, t: d + 8 + 5),
    "external, addend below": (b.reloc(4, 2, extern=1), {4: (4, -3)}, lambda d, m, t: d + 8 - 3),
    "external, absolute symbol": (b.reloc(4, 3, extern=1, length=1), {4: (2, 2)}, lambda d, m, t: 9),
    "external, one byte": (b.reloc(4, 3, extern=1, length=0), {4: (1, 0xFF)}, lambda d, m, t: 6),
    # The field is less its own address in the object, 0x104: 0x105 - 0x104 says "one behind the symbol".
    "external, pc-relative": (b.reloc(4, 2, extern=1, pcrel=1), {4: (4, 1 - 0x104)}, lambda d, m, t: 9 - 0x14),
    "external, pc-relative, word": (
        b.reloc(4, 2, extern=1, pcrel=1, length=1),
        {4: (2, 1 - 0x104)},
        lambda d, m, t: 9 - 0x14,
    ),
    "external, pc-relative, byte": (
        b.reloc(4, 2, extern=1, pcrel=1, length=0),
        {4: (1, 1 - 0x104)},
        lambda d, m, t: 9 - 0x14,
    ),
    "local, absolute": (b.reloc(4, 2), {4: (4, 0x120)}, lambda d, m, t: d + 0x30),
    "local, another section": (b.reloc(4, 3), {4: (4, 0x142)}, lambda d, m, t: m + 2),
    "local, absolute section": (b.reloc(4, 0), {4: (4, 0x1234)}, lambda d, m, t: 0x1234),
    # 0x120 is 0x1C behind the field at 0x104, and stays so: both lie in one section.
    "local, pc-relative": (b.reloc(4, 2, pcrel=1), {4: (4, 0x1C)}, lambda d, m, t: 0x1C),
    "local, pc-relative, word": (b.reloc(4, 2, pcrel=1, length=1), {4: (2, 0x1C)}, lambda d, m, t: 0x1C),
    "local, pc-relative, elsewhere": (
        b.reloc(4, 3, pcrel=1),
        {4: (4, 0x142 - 0x104)},
        lambda d, m, t: m + 2 - (d + 0x14),
    ),
    # The field lies in __more by its value; the entry says that __data's _value was meant.
    "scattered, absolute": (b.scattered(4, 0x120), {4: (4, 0x148)}, lambda d, m, t: d + 0x30 + 0x28),
    "scattered, before its section": (b.scattered(4, 0x120), {4: (4, 0x10)}, lambda d, m, t: d + 0x30 - 0x110),
    "scattered, pc-relative": (
        b.scattered(4, 0x120, pcrel=1),
        {4: (4, 0x148 - 0x104)},
        lambda d, m, t: 0x30 + 0x28 - 0x14,
    ),
    "scattered, pc-relative, word": (
        b.scattered(4, 0x148, pcrel=1, length=1),
        {4: (2, 0x140 - 0x104)},
        lambda d, m, t: m + 8 - 8 - (d + 0x14),
    ),
    # 0x148 (M+8) less 0x120 (D+0x30), and 2 more.
    "difference": (
        b.scattered(4, 0x148, rtype=2) + b.scattered(0, 0x120, rtype=1),
        {4: (4, 0x148 - 0x120 + 2)},
        lambda d, m, t: m + 8 - (d + 0x30) + 2,
    ),
    "difference, word": (
        b.scattered(4, 0x148, rtype=2, length=1) + b.scattered(0, 0x120, rtype=1, length=1),
        {4: (2, 0x148 - 0x120 - 2)},
        lambda d, m, t: m + 8 - (d + 0x30) - 2,
    ),
    "difference, byte": (
        b.scattered(4, 0x128, rtype=2, length=0) + b.scattered(0, 0x120, rtype=1, length=0),
        {4: (1, 8)},
        lambda d, m, t: 8,
    ),
    "difference, local": (
        b.scattered(4, 0x148, rtype=4) + b.scattered(0, 0x120, rtype=1),
        {4: (4, 0x28)},
        lambda d, m, t: m + 8 - (d + 0x30),
    ),
    "difference, across segments": (
        b.scattered(4, 0x148, rtype=2) + b.scattered(0, 0x10, rtype=1),
        {4: (4, 0x148 - 0x10)},
        lambda d, m, t: m + 8 - (t + 0x10),
    ),
}


@pytest.mark.parametrize("again", [False, True], ids=["as made", "written again"])
@pytest.mark.parametrize("kind", GOLDEN)
def test_mach_o_kinds_have_the_value_worked_out(kind: str, again: bool) -> None:
    """Each kind of entry fills its field with the value that the sections' new places give; also in an object that was
    read and written again by this package."""
    entries, fields, value = GOLDEN[kind]
    data = hand_made(entries, fields)
    if again:
        data = write_object(read_object(memoryview(data), "again.o", library=False))
        file = macho.read(data)
        assert isinstance(file, macho.MachFile)
        assert [d for d in macho.check(file) if d.severity == "error"] == []
        # What was said of the symbol that is meant is said again: a linker that moves it apart needs to know.
        entries_again = [entry for section in file.sections for entry in file.relocations(section)]
        assert any(entry.scattered for entry in entries_again) == kind.startswith(("scattered", "difference"))
    program = link_program([LinkInput("other.o", another()), LinkInput("hand.o", data)]).data
    sections = linked_sections(program)
    data_at, content = sections["__data"]
    width = fields[4][0]
    want = value(data_at, sections["__more"][0], sections["__text"][0] + 0x30)
    assert content[0x14 : 0x14 + width] == (want & (1 << 8 * width) - 1).to_bytes(width, "big")
    untouched = bytearray(content)
    untouched[0x14 : 0x14 + width] = bytes(width)
    assert not any(untouched)


REFUSED = {
    "an address where a section's number belongs": (b.reloc(4, 0x120), "r_symbolnum is 0x120 and there are 3 sections"),
    "a symbol that is not there": (b.reloc(4, 4, extern=1), "symbol 4 of 4"),
    "a length of 8 bytes": (b.reloc(4, 2, length=3), "a relocated field of length 3"),
    "a field across the section's end": (b.reloc(DATA - 2, 2), "4 bytes at 0x3e of section __DATA,__data"),
    "a type that nobody has": (b.reloc(4, 2, rtype=5), "relocation type 5"),
    "a pair alone": (b.scattered(0, 0x120, rtype=1), "a PAIR without the SECTDIFF before it"),
    "a difference alone": (b.scattered(4, 0x120, rtype=2), "a SECTDIFF without its scattered PAIR"),
    "a difference with another entry behind": (
        b.scattered(4, 0x120, rtype=2) + b.reloc(8, 2),
        "a SECTDIFF without its scattered PAIR",
    ),
    "a difference that is not scattered": (
        b.reloc(4, 2, rtype=2) + b.scattered(0, 0x120, rtype=1),
        "a SECTDIFF that is not scattered",
    ),
    "an address in no section": (b.scattered(4, 0x4000), "r_value 0x4000 is in no section"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_entry_that_cannot_be_is_refused_with_its_offset(case: str) -> None:
    """Nothing is linked by guess: the offset of the entry and what is wrong with it are said."""
    entries, message = REFUSED[case]
    with pytest.raises(MachoError, match=re.escape(message)) as refused:
        link_program([LinkInput("hand.o", hand_made(entries, {}))])
    first = 400 + TEXT + DATA + MORE
    assert refused.value.place in (f"offset {first}", f"offset {first + 4}")


@pytest.mark.needs_compiler("gnu")
def test_macholib_reads_what_is_written(tmp_path: Path) -> None:
    """macholib finds in a written object the sections and symbols that are in it."""
    from macholib.MachO import MachO

    source = program("bsr.l func\n lea value+2,%a0\n rts\n nop\n.data\n.long start+8\n.bss\nroom: .space 12\n")
    path = tmp_path / "written.o"
    path.write_bytes(object_from_elf(assemble(tmp_path, source), "part.o"))
    (header,) = MachO(str(path)).headers
    sections = {s.sectname.rstrip(b"\0"): (s.size, s.nreloc) for _, _, found in header.commands[:1] for s in found}
    assert sections == {b"__text": (16, 2), b"__data": (4, 1), b"__bss": (12, 0)}
