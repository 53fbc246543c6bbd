"""The reader: what every kind of file says comes out as it was put in, and what is no Mach-O is named."""

from __future__ import annotations

import pytest

from pytest_nextrust.errors import MachoError, UnreadableMacho, UsageFault
from pytest_nextrust.macho import Archive, FatFile, MachFile, check, containers, read, read_member, select_member
from pytest_nextrust.macho.commands import FvmfileCommand, FvmlibCommand, IdentCommand
from tests.unit.macho import builders as b


def _thin(data: bytes) -> MachFile:
    file = read(data)
    assert isinstance(file, MachFile)
    return file


def test_an_object_reads_back() -> None:
    """Sections of the unnamed segment, symbols with stabs, and relocations: external, local and scattered."""
    file = _thin(b.an_object())
    assert [(s.name, s.vmsize) for s in file.segments] == [("", 0x38)]
    assert [str(s) for s in file.sections] == ["__TEXT,__text", "__DATA,__data", "__DATA,__bss"]
    assert [(s.name, s.kind, s.external) for s in file.symbols] == [
        ("first.c", "stab", False),
        ("_helper", "N_UNDF", True),
        ("_main", "N_SECT", True),
        ("lone", "N_SECT", False),
    ]
    call, absolute, offset = file.relocations(file.sections[0])
    assert (call.address, call.symbolnum, call.pcrel, call.length, call.extern) == (2, 1, True, 2, True)
    assert (absolute.address, absolute.symbolnum, absolute.extern, absolute.scattered) == (8, 2, False, False)
    assert (offset.scattered, offset.address, offset.value, offset.length) == (True, 12, 0x24, 2)
    assert list(file.relocations(file.sections[2])) == []
    assert bytes(file.section_bytes(file.sections[1])).hex() == "0000002000000028"
    assert bytes(file.section_bytes(file.sections[2])) == b""
    assert file.entry is None


def test_names_end_at_the_first_nul() -> None:
    """Stray bytes behind the NUL, as NeXT's oldest linker left them, are not part of a name."""
    assert _thin(b.a_next_program()).segments[-1].name == "__PAGEZERO"


def test_every_load_command_is_described() -> None:
    """Each of the ten commands has its name, and those with a shape their values."""
    library, core, program = _thin(b.a_library()), _thin(b.a_core()), _thin(b.a_next_program())
    names = {command.name for file in (library, core, program) for command in file.commands}
    symseg = _thin(b.macho(1, [bytes.fromhex("0000000300000010 0000001c 00000004")]))
    names |= {command.name for command in symseg.commands}
    assert names == {
        "LC_SEGMENT",
        "LC_SYMTAB",
        "LC_SYMSEG",
        "LC_THREAD",
        "LC_UNIXTHREAD",
        "LC_LOADFVMLIB",
        "LC_IDFVMLIB",
        "LC_IDENT",
        "LC_FVMFILE",
        "LC_PREPAGE",
    }
    details = [command.detail for file in (library, core, program) for command in file.commands]
    assert FvmlibCommand("/usr/shlib/libsys_s.B.shlib", 55, 0x05000000) in details
    assert IdentCommand(("libsys", "minor 55")) in details
    assert FvmfileCommand("/core.of", 0) in details


def test_thread_states_of_all_flavours() -> None:
    """Flavour 1 gives d, a, sr, pc; 2 the floating point registers; 3 the user register."""
    thread = _thin(b.a_core()).thread
    assert thread is not None
    assert (thread.pc, thread.a[7], thread.flavours) == (0x2500, 0x03FFFFF0, (1, 2, 3))
    assert thread.fp[7] == bytes([7] * 12)
    assert (thread.fpcr, thread.fpsr, thread.fpiar, thread.user_register) == (1, 2, 3, 0xCAFE)


def test_symbols_by_name_and_address() -> None:
    """lookup prefers an external symbol; symbol_at gives the nearest below in the same section, with the distance."""
    file = _thin(b.a_program())
    found = file.lookup("_main")
    assert found is not None
    assert found.value == 0x2420
    assert file.lookup("_mai") is None
    assert file.lookup("") is None
    at = file.symbol_at(0x2426)
    assert at is not None
    assert (at[0].name, at[1]) == ("_main", 6)
    near = file.symbol_at(0x2412)
    assert near is not None
    assert near[0].name == "local"
    assert file.symbol_at(0x2440) is None  # __const has no symbol; the nearest below is in __text
    header = file.symbol_at(0x2000)
    assert header is not None
    assert header[0].name == "__mh_execute_header"
    assert file.symbol_at(0x2004) is None
    library = _thin(b.a_next_program()).symbol_at(0x05002CE4)
    assert library is not None
    assert library[0].name == "_printf"
    assert [file.describe(at) for at in (0x2420, 0x2426, 0x2412, 0x2440)] == ["_main", "_main+0x6", "local+0x2", ""]
    assert _thin(b.an_object()).lookup("_helper") is None  # undefined


def test_tables_behave_like_sequences() -> None:
    """Symbols can be indexed from both ends, sliced and counted."""
    symbols = _thin(b.a_program()).symbols
    names = [symbol.name for symbol in symbols]
    assert names[-1] == symbols[-1].name
    assert [symbol.name for symbol in symbols[1:3]] == names[1:3]
    with pytest.raises(IndexError):
        symbols[len(symbols)]


@pytest.mark.parametrize("swapped", [False, True])
def test_fat_members(swapped: bool) -> None:
    """Members of a fat file of either byte order are found, and select_member takes the best for the CPU."""
    data = b.fat((6, 1, b.a_program()), (6, 2, b.a_program(cpusubtype=2)), swapped=swapped)
    file = read(data)
    assert isinstance(file, FatFile)
    assert file.swapped is swapped
    assert [(m.cputype, m.cpusubtype, m.align) for m in file.members] == [(6, 1, 13), (6, 2, 13)]
    assert select_member(file, "m68030").cpusubtype == 1
    chosen = select_member(file, "m68040")
    assert (chosen.cpusubtype, chosen.offset) == (2, file.members[1].offset)
    assert bytes(chosen.data) == b.a_program(cpusubtype=2)


def test_select_member_of_other_files() -> None:
    """A thin file is its own member; an archive, and a fat file without a fit, are refused with a remedy."""
    thin = _thin(b.a_program())
    assert select_member(thin, "m68040") is thin
    with pytest.raises(MachoError, match="no member that m68030 runs"):
        select_member(read(b.fat((6, 2, b.a_program(cpusubtype=2)))), "m68030")
    with pytest.raises(MachoError, match="link it"):
        select_member(read(b.archive(("a.o", b.an_object()))), "m68030")
    with pytest.raises(MachoError, match="archive"):
        select_member(read(b.samples()["fat-archive"]), "m68030")
    with pytest.raises(UsageFault):
        select_member(read(b.fat()), "z80")


def test_archives() -> None:
    """Members, names and the table of contents of a BSD archive, alone and in a fat file."""
    file = read(b.archive(("a.o", b.an_object()), ("b.o", b.an_object()), symbols=(("_main", 1), ("x", 0))))
    assert isinstance(file, Archive)
    assert [m.name for m in file.members] == ["__.SYMDEF", "a.o", "b.o"]
    second = read_member(file, file.members[2])
    assert isinstance(second, MachFile)
    assert second.lookup("_main") is not None
    contents = file.table_of_contents
    assert contents is not None
    assert [(entry.name, entry.offset) for entry in contents] == [
        ("_main", file.members[2].place),
        ("x", file.members[1].place),
    ]
    fat = read(b.samples()["fat-archive"])
    assert isinstance(fat, FatFile)
    inner = read_member(fat, fat.members[0])
    assert isinstance(inner, Archive)
    member = read_member(inner, inner.members[1])
    assert member.offset == fat.members[0].offset + inner.members[1].start


def test_an_archive_is_followed_up_to_its_largest_number_of_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many members as there may be are all there; of one more it is said where they end."""
    monkeypatch.setattr(containers, "MAX_MEMBERS", 2)
    objects = [(f"{name}.o", b.an_object()) for name in "abc"]
    whole, more = read(b.archive(*objects[:1])), read(b.archive(*objects[:2]))
    assert isinstance(whole, Archive)
    assert isinstance(more, Archive)
    assert [member.name for member in whole.members] == ["__.SYMDEF", "a.o"]
    assert whole.stopped is None
    assert [member.name for member in more.members] == ["__.SYMDEF", "a.o"]
    last = more.members[1]
    assert more.stopped == ("limit", last.place + 60 + last.size + last.size % 2)


def test_long_archive_names() -> None:
    """A name in front of the content, as 4.4BSD and later tools write it, is read."""
    name = b"a_name_that_is_longer_than_16.o\0"
    content = name + b.an_object()
    data = b"!<arch>\n" + b.ar_member(f"#1/{len(name)}", content)
    file = read(data)
    assert isinstance(file, Archive)
    assert file.members[0].name == "a_name_that_is_longer_than_16.o"
    assert isinstance(read_member(file, file.members[0]), MachFile)
    assert {d.id for d in check(file)} == {"ranlib-missing"}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "empty"),
        (b"\x7fELF\x01\x02\x01", "ELF"),
        (b"\xce\xfa\xed\xfe" + bytes(40), "little-endian"),
        (b"\xcf\xfa\xed\xfe" + bytes(40), "64-bit"),
        (b"\xfe\xed\xfa\xcf" + bytes(40), "64-bit"),
        (b"#!/bin/sh\n", "begins with 23212f62"),
        (b.a_program()[:27], "27 of 28 bytes"),
        (b"\xca\xfe\xba\xbe\0\0", "fat header"),
        (b"!<thin>\n", "thin archive"),
    ],
)
def test_what_is_no_macho_is_named(data: bytes, fault: str) -> None:
    """Another format or a cut header is UnreadableMacho, with what it is, the name given and a remedy."""
    with pytest.raises(UnreadableMacho, match=fault) as caught:
        read(data, name="some.file")
    assert "some.file" in str(caught.value)
    assert caught.value.remedy


def test_a_fat_file_inside_another_is_not_followed() -> None:
    """Nesting ends at one level."""
    defects = check(read(b.fat((6, 1, b.fat((6, 1, b.a_program()))))))
    assert {d.id for d in defects} == {"member-unreadable"}
    assert "a fat file inside another" in defects[0].message
