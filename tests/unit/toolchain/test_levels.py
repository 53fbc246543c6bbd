"""Levels are named as they are: by the flags that come last, and by what an object says of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.atomics.build import Unit
from pytest_nextrust.errors import BuildFailed
from pytest_nextrust.toolchain import BuildRequest
from pytest_nextrust.toolchain.levels import LEVELS, UNKNOWN, asked_by, common_level, in_words, level_of_object
from pytest_nextrust.toolchain.rust import RustToolchain, names_edition
from tests.unit.toolchain.conftest import Build, Run

GCC = "m68k-linux-gnu-gcc"


@pytest.mark.parametrize(
    ("flags", "language", "level"),
    [
        ([], "c", None),
        (["-DO=2", "-fno-common"], "c", None),
        (["-O"], "c", "1"),
        (["-O2", "-O0"], "c", "0"),
        (["-Oz"], "c", "z"),
        (["-Ofast", "-g"], "c", "fast"),
        (["-O"], "rust", "3"),
        (["-Copt-level=z"], "rust", "z"),
        (["-C", "opt-level=1", "-C", "debuginfo=2"], "rust", "1"),
        (["--codegen=opt-level=s"], "rust", "s"),
        (["--codegen", "opt-level=2", "-O"], "rust", "3"),
        (["-O1"], "rust", None),
        (["-C"], "rust", None),
    ],
)
def test_the_last_flag_counts(flags: list[str], language: str, level: str | None) -> None:
    """A list of flags comes to the level that the compiler would take from it."""
    assert asked_by(flags, language) == level


@given(st.lists(st.sampled_from(LEVELS), min_size=1))
def test_one_level_or_all_of_them(levels: list[str]) -> None:
    """The parts of a program at one level have that level; otherwise each level is named once."""
    common = common_level(levels)
    assert common.split(",") == sorted(set(levels))
    assert in_words(common) == f"-O{common}"


def test_of_nothing_no_level_is_said() -> None:
    """No part, or one that is no object, is of an unknown level, and the table says so."""
    assert common_level([]) == level_of_object(b"not an object") == level_of_object(b"\x7fELF" + bytes(60)) == UNKNOWN
    assert in_words(UNKNOWN) == "-O?"


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("level", LEVELS)
def test_an_object_with_debugging_information_says_its_level(tmp_path: Path, level: str) -> None:
    """GNU C leaves its options with -g, and nothing without; flags of a unit are not asked then."""
    source = tmp_path / "x.c"
    source.write_text("int f(void) { return 1; }\n")
    for debug, said in (("-g", level), ("-g0", UNKNOWN)):
        out = tmp_path / "x.o"
        subprocess.run([GCC, debug, f"-O{level}", "-c", source, "-o", out], check=True)
        assert Unit(out, ("-O3",)).fixed_level() == said


def test_a_source_is_made_at_the_level_of_its_flags(tmp_path: Path) -> None:
    """A build that is asked for a level and given another as a flag is labelled with the flag's."""
    source = tmp_path / "x.c"
    request = BuildRequest((source,), tmp_path / "x", optimise="2", flags=("-O1",))
    assert (request.level, request.made_at) == ("2", "1")
    assert BuildRequest((source,), tmp_path / "x", profile="release").made_at == "2"
    assert Unit(source, ("-Os",)).fixed_level() == "s"
    assert Unit(source).fixed_level() is None


@pytest.mark.parametrize(
    ("flags", "named"), [(["--edition=2021"], True), (["--edition", "2018"], True), (["--cfg=edition"], False), ([], 0)]
)
def test_who_names_an_edition(flags: list[str], named: bool) -> None:
    """Both spellings of --edition are known, and nothing else."""
    assert names_edition(flags) == named


@pytest.mark.needs_compiler("rust")
def test_the_edition_is_given_once() -> None:
    """The toolchain's own edition steps back before one of the flags."""
    command = RustToolchain().command("m68030", "2", debug=False)
    assert [word for word in command if word.startswith("--edition")] == ["--edition=2024"]
    command = RustToolchain().command("m68030", "2", debug=False, flags=("--edition=2021",))
    assert not [word for word in command if word.startswith("--edition")]


@pytest.mark.needs_compiler("rust")
def test_an_older_edition_builds(build: Build, run: Run) -> None:
    """A program that edition 2024 refuses is built with --edition=2021 and runs; without the flag it is refused."""
    text = """#![no_std]
#![no_main]
extern crate next;
extern "C" { fn getpid() -> i32; }
#[no_mangle]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let gen = 40; if unsafe { getpid() } > 0 { gen + 2 } else { 0 }
}
"""
    record = run(build(text, ".rs", "rust", flags=("--edition=2021",)))
    assert (record.end.kind, record.end.value) == ("exit", 42)
    with pytest.raises(BuildFailed):
        build(text, ".rs", "rust")
