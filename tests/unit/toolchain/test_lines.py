"""Source lines travel in the Mach-O's symbol table: from DWARF to NeXT's debugging entries, and back to FILE:LINE."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import MachoError
from pytest_nextrust.explore.program import Build, build
from pytest_nextrust.macho import N_SLINE, N_SO, Image, ImageSection, ImageSymbol, SourceLines, write_executable
from pytest_nextrust.toolchain import BuildRequest, toolchains
from pytest_nextrust.toolchain.call_sites import CallSites

TEXT = ("__TEXT", "__text")
SOURCE = (
    "static int twice(int x)\n{\n\treturn x + x;\n}\n\nint main(int argc, char **argv)\n{\n\treturn twice(argc);\n}\n"
)


def entry(name: str, address: int, stab: int, line: int = 0) -> ImageSymbol:
    return ImageSymbol(name, address, TEXT, external=False, desc=line, stab=stab)


def written(*entries: ImageSymbol) -> macho.MachFile:
    code = ImageSection("__text", "__TEXT", 0x2400, bytes.fromhex("4e71" * 8), 16)
    file = macho.read(write_executable(Image((code,), entry=0x2400, symbols=entries)))
    assert isinstance(file, macho.MachFile)
    return file


def test_entries_are_read_back_as_places() -> None:
    """An address belongs to the last line at or before it, in the file named last; after a file's end to none."""
    file = written(
        entry("a.c", 0x2400, N_SO),
        entry("", 0x2400, N_SLINE, 3),
        entry("", 0x2404, N_SLINE, 7),
        entry("", 0x2408, N_SO),
        entry("b.c", 0x240C, N_SO),
        entry("", 0x240C, N_SLINE, 1),
    )
    assert macho.check(file) == ()
    lines = SourceLines(file)
    found = [lines.at(address) for address in (0x23FE, 0x2400, 0x2402, 0x2406, 0x2408, 0x240A, 0x240E)]
    assert found == ["", "a.c:3", "a.c:3", "a.c:7", "", "", "b.c:1"]


def test_a_file_without_entries_knows_no_lines() -> None:
    """Nothing is made up."""
    assert SourceLines(written()).at(0x2400) == ""


@pytest.mark.parametrize("stab", [0x01, 0x1E, 0x144])
def test_what_is_no_debugging_entry_is_refused(stab: int) -> None:
    """A type without the debugging bits would be read as an ordinary symbol."""
    with pytest.raises(MachoError, match="no debugging entry"):
        written(entry("x", 0x2400, stab))


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("optimise", ["0", "2"])
def test_a_compiled_program_names_its_lines_where_asked(tmp_path: Path, optimise: str) -> None:
    """main begins on a line of the source; without ``lines`` there are no entries, and the code is the same."""
    source = tmp_path / "twice.c"
    source.write_text(SOURCE)
    plain, with_lines = (
        toolchains()["gnu"].build(
            BuildRequest((source,), tmp_path / f"out-{lines}", optimise=optimise, profile="release", lines=lines)
        )
        for lines in (False, True)
    )
    file = macho.read(with_lines.path.read_bytes())
    assert isinstance(file, macho.MachFile)
    assert [defect for defect in macho.check(file) if defect.severity == "error"] == []
    main = file.lookup("_main")
    assert main is not None
    name, _, line = SourceLines(file).at(main.value).partition(":")
    assert name == "twice.c"
    # At level 2 the inlined function's line and main's last one share the first address.
    assert int(line) in ((6, 7, 8) if optimise == "0" else (3, 6, 7, 8, 9))
    bare = macho.read(plain.path.read_bytes())
    assert isinstance(bare, macho.MachFile)
    assert not any(symbol.type in (N_SO, N_SLINE) for symbol in bare.symbols)
    assert bytes(bare.segment_bytes(bare.segments[1]))[0x400:] == bytes(file.segment_bytes(file.segments[1]))[0x400:]


RUST = """#![no_std]
#![no_main]
extern crate next;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
static COUNT: AtomicU32 = AtomicU32::new(0);
#[unsafe(no_mangle)]
extern "C" fn main(argc: u32, _argv: *const *const u8) -> i32 {
    COUNT.store(argc, SeqCst);
    let seen = COUNT.load(SeqCst);
    next::write_all(1, b"x");
    (seen + COUNT.load(SeqCst)) as i32
}
"""


@pytest.mark.needs_compiler("rust")
def test_a_library_s_code_in_line_has_the_line_that_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An atomic's load and store are lines of the program; without the calls they would be lines of atomic.rs."""
    path = tmp_path / "own.rs"
    path.write_text(RUST)

    def places() -> set[str]:
        program = build(Build((str(path),), "m68030"))
        file = macho.select_member(macho.read(program), "m68030")
        main = file.lookup("_main")
        assert main is not None
        lines = SourceLines(file)
        return {lines.at(address) for address in range(main.value, main.value + 0x60, 2)}

    found = places()
    assert {"own.rs:8", "own.rs:9", "own.rs:11"} <= found
    assert not any(place.startswith("atomic.rs") for place in found)
    monkeypatch.setattr(CallSites, "of", lambda self, address: None)
    assert any(place.startswith("atomic.rs") for place in places())
