"""macholib and LIEF see the same in our files, where they are right.

Not compared: core files with LC_PREPAGE, which macholib does not know; LIEF's entry for LC_UNIXTHREAD, and its
relocation bit fields, which it reads as little-endian.
"""

from __future__ import annotations

from pathlib import Path

import lief
import pytest
from hypothesis import HealthCheck, given, settings
from macholib.MachO import MachO
from macholib.SymbolTable import SymbolTable as MacholibSymbols

from pytest_nextrust.macho import Image, MachFile, read, write_executable
from tests.unit.macho import builders as b
from tests.unit.macho.images import images

THIN = ["library", "next-program", "object", "preload", "program"]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    """LIEF reports the CPU it has no name for on stderr."""
    lief.logging.disable()


def _compare_macholib(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    ours = read(data)
    assert isinstance(ours, MachFile)
    (theirs,) = MachO(str(path)).headers
    assert (ours.cputype, ours.cpusubtype, ours.filetype, ours.flags) == (
        theirs.header.cputype,
        theirs.header.cpusubtype,
        theirs.header.filetype,
        theirs.header.flags,
    )
    assert [c.cmd for c in ours.commands] == [command.cmd for command, _, _ in theirs.commands]
    segments = [(c, extra) for load, c, extra in theirs.commands if load.cmd == 1]
    assert len(ours.segments) == len(segments)
    for segment, (command, sections) in zip(ours.segments, segments, strict=True):
        for field in ("vmaddr", "vmsize", "fileoff", "filesize", "maxprot", "initprot", "nsects", "flags"):
            assert getattr(segment, field) == getattr(command, field)
        for section, other in zip(segment.sections, sections, strict=True):
            for field in ("addr", "size", "offset", "align", "reloff", "nreloc", "flags"):
                assert getattr(section, field) == getattr(other, field)


@pytest.mark.parametrize("name", THIN)
def test_macholib_sees_the_same(name: str, tmp_path: Path) -> None:
    """Header, commands, segments and sections agree with macholib for every kind of thin file."""
    _compare_macholib(b.samples()[name], tmp_path / name)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(images())
def test_macholib_reads_what_is_written(tmp_path: Path, image: Image) -> None:
    """macholib sees the same as our reader in any file the writer made."""
    _compare_macholib(write_executable(image), tmp_path / "program")


@pytest.mark.parametrize("name", ["program", "object", "next-program"])
def test_macholib_sees_the_same_symbols(name: str, tmp_path: Path) -> None:
    """Names and values of the symbol table agree with macholib."""
    path = tmp_path / name
    path.write_bytes(b.samples()[name])
    ours = read(path.read_bytes())
    assert isinstance(ours, MachFile)
    theirs = MacholibSymbols(MachO(str(path))).nlists
    assert [(s.value, s.name.encode()) for s in ours.symbols] == [(n.n_value, text) for n, text in theirs]


@pytest.mark.parametrize("name", ["program", "object", "next-program", "library"])
def test_lief_sees_the_same(name: str) -> None:
    """Segments, sections and symbols agree with LIEF."""
    data = b.samples()[name]
    ours = read(data)
    assert isinstance(ours, MachFile)
    fat = lief.MachO.parse(list(data))
    assert fat is not None
    theirs = fat.at(0)
    assert theirs is not None
    assert [(s.name, s.vmaddr, s.vmsize, s.fileoff, s.filesize) for s in ours.segments] == [
        (str(s.name).partition("\0")[0], s.virtual_address, s.virtual_size, s.file_offset, s.file_size)
        for s in theirs.segments
    ]
    assert [(s.sectname, s.addr, s.size, s.offset) for s in ours.sections] == [
        (s.name, s.virtual_address, s.size, s.offset) for s in theirs.sections
    ]
    assert [(s.name, s.value, s.type) for s in ours.symbols] == [(s.name, s.value, s.raw_type) for s in theirs.symbols]


def test_lief_and_macholib_find_the_members(tmp_path: Path) -> None:
    """Both find the members of a fat file where our reader does."""
    data = b.fat((6, 1, b.a_program()), (6, 2, b.a_program(cpusubtype=2)))
    path = tmp_path / "fat"
    path.write_bytes(data)
    ours = [member.offset for member in read(data).members]  # type: ignore[union-attr]
    assert [header.offset for header in MachO(str(path)).headers] == ours
    theirs = lief.MachO.parse(str(path))
    assert theirs is not None
    assert [binary.fat_offset for binary in theirs] == ours
