"""Claims: Rust that is compiled already, as an object or an .rlib, is built with C, run, explored and checked; core and
a panic handler are linked where they are missing; what cannot be linked says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.toolchain.crates.support import missing_of_rust
from pytest_nextrust.toolchain.rust import RustToolchain
from pytest_nextrust.toolchain.tool_runner import ToolRunner

needs_rustc = pytest.mark.needs_compiler("rust")
pytestmark = pytest.mark.needs_compiler("gnu")

LIBRARY = """#![no_std]
#[no_mangle] pub extern "C" fn at(x: usize) -> i32 { *[7, 8, 9].get(x).expect("no such element") }
"""
MAIN_C = "int at(unsigned);\nint main(int argc, char **argv) { return at(argc); }\n"
MAIN = """#![no_std]
#[no_mangle] pub extern "C" fn main(argc: usize) -> i32 { if argc > 1 { panic!("too many") } 5 }
"""
CONCURRENT = """#![no_std]
static mut COUNT: u32 = 0;
fn count() { unsafe { let at = &raw mut COUNT; let old = at.read_volatile();
    if old > 7 { panic!("too many") } at.write_volatile(old + 1) } }
#[no_mangle] pub extern "C" fn nextrust_thread_0() { count() }
#[no_mangle] pub extern "C" fn nextrust_thread_1() { count() }
#[no_mangle] pub extern "C" fn nextrust_check() -> i32 { unsafe { (*(&raw const COUNT) != 2) as i32 } }
"""
ROUTINE = """#![no_std]
#[no_mangle] pub unsafe extern "C" fn __sync_fetch_and_add_4(at: *mut u32, more: u32) -> u32 {
    if at.is_null() { panic!("nowhere") }
    let old = at.read_volatile(); at.write_volatile(old.wrapping_add(more)); old }
"""
BOXED = """#![no_std]
extern crate alloc;
#[no_mangle] pub extern "C" fn main(argc: i32) -> i32 { *alloc::boxed::Box::new(argc) }
"""


def compiled(source: str, folder: Path, kind: str) -> str:
    """The path of a crate as rustc alone leaves it: ``kind`` is "o" or "rlib", neither with core in it."""
    toolchain, runner = RustToolchain(), ToolRunner("rust")
    core, _ = toolchain.libraries(runner, "m68030")
    root, out = folder / "crate.rs", folder / f"crate.{kind}"
    root.write_text(source)
    flags = ["--edition=2021", "--crate-type", "rlib", "--emit", "obj" if kind == "o" else "link", "-L", str(core)]
    command = toolchain.command("m68030", "1", debug=False, flags=flags)
    runner.run([*command, *flags, "-o", str(out), str(root)], cwd=folder, env=toolchain.environment)
    return str(out)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@needs_rustc
@pytest.mark.parametrize(("kind", "linker"), [("o", "gnu"), ("rlib", "own")])
def test_with_c(kind: str, linker: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """C calls a Rust function, which panics where it is told to: by core and a handler that neither file has."""
    (here / "main.c").write_text(MAIN_C)
    library = compiled(LIBRARY, here, kind)
    assert main(["build", library, "main.c", "-o", "out", "--linker", linker]) == 0
    assert main(["run", "out", "one"]) == 9
    assert main(["run", "out", "one", "two"]) not in (7, 8, 9)
    assert "panicked at" in capfd.readouterr().err


@needs_rustc
def test_run(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An .rlib with a main is run as a source is; its panic goes through the handler that it was given."""
    program = compiled(MAIN, here, "rlib")
    assert main(["run", program]) == 5
    # How it ends is not looked at: rustc 1.96.0 miscompiles core's formatting of numbers.
    assert main(["run", program, "one"]) != 5
    assert "panicked at" in capfd.readouterr().err


@needs_rustc
def test_explored(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A concurrent test in an .rlib: its threads are taken out of it, and the lost increment is found."""
    assert main(["explore", compiled(CONCURRENT, here, "rlib"), "--artifacts", "art"]) == 1
    assert "nextrust_check answers 1" in capfd.readouterr().out


@needs_rustc
@pytest.mark.parametrize("kind", ["rlib", "rs"])
def test_routines(kind: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Atomic routines that may panic, in an .rlib or a source: refuted where they are not atomic."""
    source = here / "crate.rs"
    source.write_text(ROUTINE)
    given = [str(source), "--edition", "2021"] if kind == "rs" else [compiled(ROUTINE, here, kind)]
    assert main(["atomics", *given, "--level", "1", "--artifacts", "art"]) == 1
    assert re.search(r"__sync_fetch_and_add +failed", capfd.readouterr().out)


@needs_rustc
def test_what_cannot_be_linked(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What was compiled against another core, and what needs rustc's allocator, are told apart, with a way out."""
    foreign = Path(compiled(MAIN, here, "o"))
    data = foreign.read_bytes()
    (other,) = set(re.findall(rb"Cs(\w{11})_4core", data))
    foreign.write_bytes(data.replace(other, other[::-1]))
    assert main(["build", str(foreign), "-o", "out"]) == 1
    said = capfd.readouterr().err
    assert "was compiled against another core" in said
    assert "--crate-type staticlib" in said
    assert main(["build", compiled(BOXED, here, "rlib"), "-o", "out"]) == 1
    assert "uses alloc" in capfd.readouterr().err
    assert not Path("out").exists()


@needs_rustc
def test_an_archive_without_routines(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An archive with nothing to check, and one that is none, are refused by name."""
    assert main(["atomics", compiled(MAIN, here, "rlib")]) == 2
    assert "defines no routine of the list" in capfd.readouterr().err
    (here / "junk.rlib").write_text("junk")
    for command in ("atomics", "explore", "run"):
        assert main([command, "junk.rlib"]) != 0
        assert "neither a Mach-O nor an ELF object" in capfd.readouterr().err


def test_without_rust_nothing_is_added(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """C that misses a function of its own says so, beside an object too."""
    (here / "main.c").write_text("int missing(void);\nint main(void) { return missing(); }\n")
    (here / "other.c").write_text("int other(void) { return 1; }\n")
    assert main(["build", "-c", "other.c", "-o", "other.o"]) == 0
    assert main(["build", "main.c", "other.o", "-o", "out"]) == 1
    said = capfd.readouterr().err
    assert "missing" in said
    assert "libcore.rlib" not in said


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (
            "x.o: in function `f':\n(.text+0x2): undefined reference to `core::option::unwrap_failed'\n" * 2,
            ["core::option::unwrap_failed"],
        ),
        ("  <u8 as core::fmt::Display>::fmt: undefined; needed by\n    x.o", ["<u8 as core::fmt::Display>::fmt"]),
        ("undefined reference to `__rustc::rust_begin_unwind'", ["__rustc::rust_begin_unwind"]),
        ("undefined reference to `score'\nundefined reference to `hardcore::f'\nat core::f: undefined behaviour", []),
        ("x.o: in function `core::fmt::write':\nundefined reference to `memcpy'", []),
    ],
)
def test_what_is_rusts(output: str, names: list[str]) -> None:
    """Names of Rust's libraries that either linker misses, and no others."""
    assert missing_of_rust(output) == names
