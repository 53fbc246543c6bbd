"""From a linked ELF file to an Image: names, sections, and refusal of what is something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nextrust.errors import ToolchainError, ToolchainMissing
from pytest_nextrust.toolchain.cruntime import PREFIX
from pytest_nextrust.toolchain.elf import image_of, next_name
from pytest_nextrust.toolchain.output import RUNTIME

_SOURCE = """
	.text
	.globl start, main
start:	lea	word,%a0
	bsr.l	main
main:	rts
	.section .rodata.str1.1,"aMS",@progbits,1
text:	.asciz	"text"
	.section .rodata,"a"
number:	.long	42
	.data
	.globl word
word:	.long	text
	.bss
room:	.skip	64
"""


def assembled(tmp_path: Path, source: str, *link: str) -> bytes:
    (tmp_path / "x.S").write_text(source)
    subprocess.run([PREFIX + "as", "-m68030", "-o", "x.o", "x.S"], cwd=tmp_path, check=True)
    if not link:
        return (tmp_path / "x.o").read_bytes()
    subprocess.run([PREFIX + "ld", *link, "-o", "x.elf", "x.o"], cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "x.elf").read_bytes()


def linked(tmp_path: Path, source: str) -> bytes:
    return assembled(tmp_path, source, "-T", str(RUNTIME / "next.ld"))


@pytest.mark.parametrize(("elf", "next_"), [("main", "_main"), ("_exit", "__exit"), ("start", "start")])
def test_names_as_next_writes_them(elf: str, next_: str) -> None:
    """C names get an underscore; the start code's labels have none."""
    assert next_name(elf) == next_


@pytest.mark.needs_compiler("gnu")
def test_sections_and_symbols_are_carried_over(tmp_path: Path) -> None:
    """Code, strings, constants, data and zero-fill land in the Mach-O sections of their kind, at NeXT's addresses."""
    image = image_of(linked(tmp_path, _SOURCE))
    sections = {(section.segment, section.name): section for section in image.sections}
    assert set(sections) == {
        ("__TEXT", "__text"),
        ("__TEXT", "__cstring"),
        ("__TEXT", "__const"),
        ("__DATA", "__data"),
        ("__DATA", "__bss"),
    }
    assert sections["__TEXT", "__text"].address == 0x2400
    assert sections["__TEXT", "__cstring"].data == b"text\0"
    assert sections["__TEXT", "__cstring"].flags == 2
    assert sections["__DATA", "__data"].address % 0x2000 == 0
    assert sections["__DATA", "__bss"].data is None
    symbols = {symbol.name: symbol for symbol in image.symbols}
    assert image.entry == symbols["start"].address == 0x2400
    assert symbols["_main"].external
    assert not symbols["_room"].external
    assert symbols["_room"].section == ("__DATA", "__bss")
    word = sections["__DATA", "__data"].data
    assert word is not None
    assert int.from_bytes(word[:4], "big") == sections["__TEXT", "__cstring"].address


@pytest.mark.needs_compiler("gnu")
def test_what_is_not_linked_is_refused(tmp_path: Path) -> None:
    """An object, a program laid out for Linux and a cut file are each refused with a reason."""
    with pytest.raises(ToolchainError, match="not a linked executable"):
        image_of(assembled(tmp_path, _SOURCE))
    with pytest.raises(ToolchainError, match=r"section \.text has no place"):
        image_of(assembled(tmp_path, _SOURCE, "-e", "start"))
    with pytest.raises(ToolchainError, match="ELF to Mach-O"):
        image_of(linked(tmp_path, _SOURCE)[:60])


@pytest.mark.parametrize("data", [b"", b"not ELF at all", b"\x7fELF" + bytes(20)])
def test_what_is_no_elf_is_refused(data: bytes) -> None:
    """Bytes that are no ELF file give an error, not a traceback of the reader."""
    with pytest.raises(ToolchainError, match="ELF to Mach-O"):
        image_of(data)


def test_another_machine_is_refused() -> None:
    """The host's own executables are ELF, and not for the m68k."""
    data = Path(sys.executable).resolve().read_bytes()
    if not data.startswith(b"\x7fELF"):
        pytest.skip("this host's executables are not ELF")
    with pytest.raises(ToolchainError, match="not EM_68K"):
        image_of(data)


def test_without_pyelftools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader's absence is reported with the extra that brings it."""
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    with pytest.raises(ToolchainMissing, match=r"pytest-nextrust\[elf\]"):
        image_of(b"")
