"""Archives: only what is wanted is linked, by every kind of table of contents."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import LinkError, MachoError
from pytest_nextrust.linker import LinkInput, defined_names, link_program, object_from_elf
from tests.unit.macho import builders as b

from .assembled import PREFIX, assemble, run_tool

pytestmark = pytest.mark.needs_compiler("gnu")

PARTS = {
    "wanted": ".globl wanted\nwanted: bsr.l also\n rts\n",
    "also": ".globl also\nalso: rts\n",
    "other-with-a-very-long-name": ".globl other\nother: bsr.l missing\n rts\n",
}


def parts(folder: Path) -> dict[str, bytes]:
    return {f"{name}.o": assemble(folder, text, name) for name, text in PARTS.items()}


def next_archive(folder: Path, *, table: str = "__.SYMDEF") -> bytes:
    made = {name[:15]: object_from_elf(data, name) for name, data in parts(folder).items()}
    symbols = [("_wanted", 0), ("_also", 1), ("_other", 2)]
    data = b.archive(*made.items(), symbols=symbols)
    return data.replace(b"__.SYMDEF       ", table.ljust(16).encode(), 1)


def gnu_archive(folder: Path, *flags: str) -> bytes:
    names = [folder / name for name in parts(folder)]
    (folder / "lib.a").unlink(missing_ok=True)
    run_tool(PREFIX + "ar", f"rc{''.join(flags)}", folder / "lib.a", *names)
    return (folder / "lib.a").read_bytes()


def elf_in_bsd(folder: Path) -> bytes:
    """ELF objects in an archive of the other kind: the table has names as C spells them."""
    made = [(name[:15], data) for name, data in parts(folder).items()]
    return b.archive(*made, symbols=[("wanted", 0), ("also", 1), ("other", 2)])


MAKERS = {
    "__.SYMDEF": next_archive,
    "__.SYMDEF SORTED": lambda folder: next_archive(folder, table="__.SYMDEF SORTED"),
    "GNU": lambda folder: gnu_archive(folder, "s"),
    "ELF in BSD": elf_in_bsd,
}


def start(folder: Path, name: str = "wanted") -> LinkInput:
    return LinkInput("start.o", assemble(folder, f".globl start\nstart: bsr.l {name}\n rts\n", "start"))


@pytest.mark.parametrize("kind", MAKERS)
def test_only_what_is_wanted_is_linked(tmp_path: Path, kind: str) -> None:
    """The member that defines the name, and the one that this needs; the third, which lacks something, stays out."""
    linked = link_program([start(tmp_path), LinkInput("lib.a", MAKERS[kind](tmp_path))])
    assert linked.objects == ("start.o", "lib.a(wanted.o)", "lib.a(also.o)")
    assert "other" not in linked.map
    with pytest.raises(LinkError, match=r"_missing: undefined; needed by\s+lib.a\(other"):
        link_program([start(tmp_path, "other"), LinkInput("lib.a", MAKERS[kind](tmp_path))])


@pytest.mark.parametrize("kind", MAKERS)
def test_the_names_of_an_archive(tmp_path: Path, kind: str) -> None:
    """As NeXT spells them, whatever the members are."""
    assert defined_names(MAKERS[kind](tmp_path), "lib.a") == ["_wanted", "_also", "_other"]


def test_the_first_archive_that_defines_a_name_counts(tmp_path: Path) -> None:
    """Archives are one group: a later one may need an earlier one; of two that define a name the first is taken."""
    one = b.archive(("also.o", assemble(tmp_path, PARTS["also"], "also")), symbols=[("also", 0)])
    two = gnu_archive(tmp_path, "s")
    linked = link_program([start(tmp_path), LinkInput("one.a", one), LinkInput("two.a", two)])
    assert linked.objects == ("start.o", "two.a(wanted.o)", "one.a(also.o)")


def test_a_member_for_another_cpu_is_passed_over(tmp_path: Path) -> None:
    """As by NeXT's linker: the next archive may have the name; where none has, it is said who has it for what."""
    foreign = b.macho(1, [], cputype=7)
    one = b.archive(("foreign.o", foreign), symbols=[("_wanted", 0)])
    linked = link_program([start(tmp_path), LinkInput("one.a", one), LinkInput("two.a", next_archive(tmp_path))])
    assert "two.a(wanted.o)" in linked.objects
    with pytest.raises(LinkError, match=r"_wanted: undefined \(one\.a\(foreign\.o\) defines it for I386\)"):
        link_program([start(tmp_path), LinkInput("one.a", one)])


def test_an_archive_without_a_table_is_refused(tmp_path: Path) -> None:
    """By name, and with what to do."""
    for data in (gnu_archive(tmp_path, "S"), b.archive(("a.o", b.an_object()), symbols=None)):
        with pytest.raises(MachoError, match="no table of contents") as refused:
            link_program([start(tmp_path), LinkInput("lib.a", data)])
        assert refused.value.subject == "lib.a"
        assert "ranlib" in refused.value.remedy


def test_a_table_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    """An entry whose offset is no member's, or a count that is not there: the place is said, nothing is guessed."""
    good = next_archive(tmp_path)
    wrong = good[:76] + struct.pack(">L", 12345) + good[80:]
    with pytest.raises(MachoError, match="has a member at 12345, where none begins"):
        link_program([start(tmp_path), LinkInput("lib.a", wrong)])
    many = good[:68] + struct.pack(">L", 0x7FFF_FFF8) + good[72:]
    with pytest.raises(MachoError, match=re.escape("claims 2147483640 bytes of entries")):
        link_program([start(tmp_path), LinkInput("lib.a", many)])


def test_fat_files_give_the_member_for_the_cpu(tmp_path: Path) -> None:
    """Of a fat archive the m68k's is linked; one without is refused."""
    fat = b.fat((7, 3, b"!<arch>\n"), (6, 1, next_archive(tmp_path)), align=2)
    assert "lib.a(also.o)" in link_program([start(tmp_path), LinkInput("lib.a", fat)]).objects
    with pytest.raises(MachoError, match="no member that m68030 runs"):
        link_program([start(tmp_path), LinkInput("lib.a", b.fat((7, 3, b"!<arch>\n"), align=2))])


def test_objects_of_two_cpus_make_no_program(tmp_path: Path) -> None:
    """Code for the 68040 only and code for the 68030 only exclude each other; either goes with code for all."""

    def made(text: str, name: str, subtype: int) -> LinkInput:
        data = object_from_elf(assemble(tmp_path, text, name), name)
        return LinkInput(name, b.put32(data, 8, subtype))

    first = made(".globl start\nstart: bsr.l also\n rts\n", "first.o", 2)
    with pytest.raises(LinkError, match=r"MC68040 code and MC68030_ONLY code, of second\.o"):
        link_program([first, made(PARTS["also"], "second.o", 3)])
    file = macho.read(link_program([first, made(PARTS["also"], "second.o", 1)], cpu="m68040").data)
    assert isinstance(file, macho.MachFile)
    assert file.cpusubtype == 2
