"""A program from objects: what is linked, what is told of what cannot be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import LinkError
from pytest_nextrust.linker import LinkInput, link_program, object_from_elf
from tests.unit.macho import builders as b

from .assembled import assemble, link, linked_sections

pytestmark = pytest.mark.needs_compiler("gnu")

START = """
        .globl start
start:  bsr.l main
        nop
"""


@pytest.mark.parametrize("macho_objects", [False, True], ids=["elf", "macho"])
def test_two_objects_make_a_program(tmp_path: Path, macho_objects: bool) -> None:
    """A call across objects reaches its function, and the program begins at start, whatever the objects' format."""
    first = assemble(tmp_path, START, "first")
    second = assemble(tmp_path, ".globl main\nnop\nmain: rts\n", "second")
    data = link([first, second], macho_objects=macho_objects).data
    address, text = linked_sections(data)["__text"]
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    main = file.lookup("_main")
    assert main is not None
    assert file.entry == address
    assert text[:2] == b"\x61\xff"
    assert address + 2 + int.from_bytes(text[2:6], "big", signed=True) == main.value


def test_every_undefined_name_is_told_with_who_needs_it(tmp_path: Path) -> None:
    """All of them at once, each with every file, section, function and offset that needs it."""
    one = assemble(tmp_path, START + ".globl helper\nhelper: jsr absent\n lea other,%a0\n", "one")
    two = assemble(tmp_path, ".globl main\nmain: nop\n jmp absent\n", "two")
    with pytest.raises(LinkError) as refused:
        link([one, two])
    absent, other = refused.value.faults
    assert (absent.path, other.path) == ("_absent", "_other")
    assert "0.o: __TEXT,__text+0xa in _helper+0x2" in absent.message
    assert "1.o: __TEXT,__text+0x4 in _main+0x4" in absent.message
    assert "0.o: __TEXT,__text+0x10 in _helper+0x8" in other.message


def test_two_definitions_are_told_with_both_objects(tmp_path: Path) -> None:
    """A name defined twice is refused, naming both; a weak definition gives way without a word."""
    one = assemble(tmp_path, START + ".globl main\nmain: rts\n", "one")
    two = assemble(tmp_path, ".globl main\nmain: nop\n", "two")
    weak = assemble(tmp_path, ".weak main\nmain: nop\n", "weak")
    with pytest.raises(LinkError, match=r"_main: defined by 0\.o and by 1\.o"):
        link([one, two])
    assert link([one, weak]).objects == ("0.o", "1.o")


def test_without_start_code_the_entry_is_missing(tmp_path: Path) -> None:
    """A program with nowhere to begin is refused by that name."""
    with pytest.raises(LinkError, match="start: undefined; it is where the program begins"):
        link([assemble(tmp_path, ".globl main\nmain: rts\n")])
    with pytest.raises(LinkError, match="start: undefined"):
        link_program([])


def test_commons_are_given_room_once(tmp_path: Path) -> None:
    """The greatest size of a common symbol counts, zero-filled; a definition takes the place of commons."""
    one = assemble(tmp_path, START + ".globl main\nmain: move.l shared,%d0\n rts\n.comm shared,4,2\n", "one")
    two = assemble(tmp_path, ".comm shared,64,2\n.comm given,8,2\nmove.l given,%d1\n", "two")
    three = assemble(tmp_path, ".data\n.globl given\ngiven: .long 7,8\n", "three")
    data = link([one, two, three]).data
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    common = next(section for section in file.sections if section.sectname == "__common")
    assert (common.size, common.zero_fill) == (64, True)
    given = file.lookup("_given")
    assert given is not None
    where = file.section_at(given.value)
    assert where is not None
    assert where.sectname == "__data"


def test_the_map_says_where_everything_went(tmp_path: Path) -> None:
    """Symbols by address with their objects, Rust's names in the source's words too, and what was left out."""
    name = "_ZN4core3fmt9Formatter3pad17h1234567890abcdefE"
    first = assemble(tmp_path, START + f".globl main\nmain: bsr.l {name}\n rts\nalone: rts\n", "first")
    second = assemble(tmp_path, f".globl {name}\n{name}: rts\n", "second")
    linked = link([first, second], strip=True)
    file = macho.read(linked.data)
    assert isinstance(file, macho.MachFile)
    pad = file.lookup("_" + name)
    assert pad is not None
    lines = linked.map.splitlines()
    assert lines[0] == f"entry    0x{file.entry:08x} start"
    assert any(line.startswith(f"0x{pad.value:08x}") and line.endswith("1.o") for line in lines)
    assert any(line.endswith(f"_{name}  core::fmt::Formatter::pad") for line in lines)
    left_out = lines[lines.index("left out:") + 1 :]
    assert [line for line in left_out if "_alone" in line and line.endswith("0.o")]


def test_an_object_as_next_made_them(tmp_path: Path) -> None:
    """What objects of the 1990s have besides: empty sections of other segments, LC_SYMSEG, entries in any order, a
    label ``gcc_compiled.`` where the first function is, a ``reloff`` without entries. Each field is filled."""
    strings = b"\0gcc_compiled.\0_main\0_helper\0"
    symbols = b.nlist(1, 0x0E, 1, 0) + b.nlist(15, 0x0F, 1, 0) + b.nlist(21, 1, 0, 0)
    text = bytes.fromhex("61ff fffffffe 2039 0000000e 4e75")
    entries = b.reloc(8, 2) + b.reloc(2, 2, pcrel=1, extern=1)
    body = 400
    reloff = body + len(text) + 4
    symoff = reloff + len(entries)
    sections = [
        b.section("__text", "__TEXT", 0, len(text), body, 1, reloff, 2),
        b.section("__data", "__DATA", len(text), 4, body + len(text), 1, symoff, 0),
        b.section("__module_info", "__OBJC", 18, 0, body + 18, 2),
        b.section("__selector_strs", "__OBJC", 18, 0, body + 18, 2, flags=2),
    ]
    commands = [
        b.segment("", 0, 18, body, 18, sections=sections),
        b.symtab(symoff, 3, symoff + len(symbols), len(strings)),
        struct.pack(">4L", 3, 16, 0, 0),
    ]
    payload = {
        body: text + b"\0\0\0\7",
        reloff: entries,
        symoff: symbols,
        symoff + len(symbols): strings,
    }
    made = b.macho(1, commands, payload)
    assert [d for d in macho.check(macho.read(made)) if d.severity == "error"] == []
    helper = object_from_elf(assemble(tmp_path, ".globl helper\nnop\nhelper: rts\n"), "helper.o")
    data = link_program([LinkInput("main.o", made), LinkInput("helper.o", helper)], entry="_main").data
    sections_now = linked_sections(data)
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    found = file.lookup("_helper")
    assert found is not None
    start, code = sections_now["__text"]
    assert set(sections_now) == {"__text", "__data"}
    assert start + 2 + int.from_bytes(code[2:6], "big", signed=True) == found.value
    assert int.from_bytes(code[8:12], "big") == sections_now["__data"][0]
    assert file.describe(start) == "_main"
