"""The rust toolchain: core from source, programs that start and end as they should, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import BuildFailed, ToolchainMissing, UsageFault
from pytest_nextrust.project.matrix import CPUS, PROFILES
from pytest_nextrust.toolchain import BuildRequest, ToolchainConfig, toolchains
from pytest_nextrust.toolchain.rust import RustToolchain, candidates
from tests.unit.toolchain.conftest import Build, Run

_HEAD = """#![no_std]
#![no_main]
extern crate next;
#[unsafe(no_mangle)]
extern "C" fn main(argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
"""


@pytest.mark.needs_compiler("rust")
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_program_says_hello(build: Build, run: Run, cpu: str, profile: str) -> None:
    """A no_std program prints and returns its status, in every cell, and its Mach-O has no defect."""
    body = 'next::write_all(1, b"b"); argc + 40 }\n'
    result = build(_HEAD + body, ".rs", "rust", cpu=cpu, profile=profile)
    assert macho.check(macho.read(result.path.read_bytes()), cpu=cpu) == ()
    record = run(result, cpu=cpu, argv=(b"a", b"b"))
    assert (record.stdout, record.end.kind, record.end.value) == (b"b", "exit", 42)


@pytest.mark.needs_compiler("rust")
def test_core_is_compiled_once(build: Build) -> None:
    """The second program compiles no library crate: its command lines are the program's and the linker's."""
    build(_HEAD + "argc }\n", ".rs", "rust", profile="release")
    second = build(_HEAD + "argc + 1 }\n", ".rs", "rust", profile="release")
    crates = [command[command.index("--crate-name") + 1] for command in second.commands if "--crate-name" in command]
    assert crates == ["program"]


@pytest.mark.needs_compiler("rust")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_panic_ends_with_101(build: Build, run: Run, profile: str) -> None:
    """A panic prints its place to descriptor 2 and exits with status 101."""
    record = run(build(_HEAD + 'if argc > 0 { panic!("no way") } 0 }\n', ".rs", "rust", profile=profile))
    assert (record.end.kind, record.end.value) == ("exit", 101)
    assert record.stderr == b"panicked at program.rs:6: no way\n"


@pytest.mark.needs_compiler("rust")
def test_a_large_program_links(build: Build) -> None:
    """A debug program that draws in core::fmt has more than 32 KiB, and no reference in it is out of reach."""
    body = 'next::println!("{:?} {:e} {}", ("a", argc), 1.5f64, u64::MAX); 0 }\n'
    file = macho.read(build(_HEAD + body, ".rs", "rust").path.read_bytes())
    assert isinstance(file, macho.MachFile)
    text = next(segment for segment in file.segments if segment.name == "__TEXT")
    assert sum(section.size for section in text.sections) > 0x8000


@pytest.mark.needs_compiler("rust")
def test_the_same_sources_elsewhere_make_the_same_bytes(tmp_path: Path) -> None:
    """Neither the folder nor the time of a build reaches the program, though panics carry their place."""
    hashes = set()
    for name in ("here", "there and elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "x.rs").write_text(_HEAD + 'if argc == 9 { panic!("nine") } 0 }\n')
        request = BuildRequest((folder / "x.rs",), folder / "x")
        hashes.add(toolchains(ToolchainConfig())["rust"].build(request).sha256)
    assert len(hashes) == 1


@pytest.mark.needs_compiler("rust")
def test_a_source_that_does_not_compile(build: Build) -> None:
    """The compiler's words and its command line are shown."""
    with pytest.raises(BuildFailed, match="E0425") as raised:
        build(_HEAD + "missing_name }\n", ".rs", "rust")
    assert "program.rs" in " ".join(raised.value.command)


@pytest.mark.needs_compiler("rust")
def test_one_root_per_program(tmp_path: Path) -> None:
    """Two roots, or a C source, are refused before the compiler runs."""
    for name in ("a.rs", "b.rs", "c.c"):
        (tmp_path / name).write_text("")
    rust = toolchains(ToolchainConfig())["rust"]
    with pytest.raises(UsageFault, match="more than one Rust source"):
        rust.build(BuildRequest((tmp_path / "a.rs", tmp_path / "b.rs"), tmp_path / "x"))
    with pytest.raises(UsageFault, match="compiles Rust only"):
        rust.build(BuildRequest((tmp_path / "c.c",), tmp_path / "x"))
    with pytest.raises(UsageFault, match="other languages"):
        rust.build(BuildRequest((tmp_path / "a.rs", tmp_path / "c.c"), tmp_path / "x"))


def test_without_a_compiler(no_compilers: Path, tmp_path: Path) -> None:
    """With nothing on PATH the probe names rustc, its packages and rustup's way, and a build says the same."""
    rust = RustToolchain()
    probe = rust.probe()
    assert not probe.found
    assert "rustc" in probe.missing
    assert "rust-web-src" in probe.remedy
    assert "rust-src" in probe.remedy
    (tmp_path / "x.rs").write_text("")
    with pytest.raises(ToolchainMissing, match="rustc"):
        rust.build(BuildRequest((tmp_path / "x.rs",), tmp_path / "x"))


def fake_rustc(folder: Path, release: str, *, target: bool, sysroot: Path) -> Path:
    """A script that answers the questions a probe asks."""
    folder.mkdir(parents=True)
    cpus = "exit 0" if target else "exit 1"
    (folder / "rustc").write_text(
        f'#!/bin/sh\ncase "$*" in -vV) echo "rustc {release}"; echo "release: {release}";;\n'
        f'"--print sysroot") echo "{sysroot}";; *) {cpus};; esac\n'
    )
    (folder / "rustc").chmod(0o755)
    return folder


def test_a_proxy_without_the_target_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several compilers on PATH the first that lacks nothing is taken; library sources must be of its release."""
    whole = tmp_path / "sysroot"
    (whole / "lib/rustlib/src/rust/library/core/src").mkdir(parents=True)
    (whole / "lib/rustlib/src/rust/library/core/src/lib.rs").write_text("")
    no_sources = fake_rustc(tmp_path / "a", "9.1.0", target=True, sysroot=tmp_path / "none")
    no_target = fake_rustc(tmp_path / "b", "9.2.0", target=False, sysroot=whole)
    good = fake_rustc(tmp_path / "c", "9.3.0", target=True, sysroot=whole)
    monkeypatch.setattr("pytest_nextrust.toolchain.rustc.SYSTEM", ())
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (no_sources, no_target, good))))
    assert list(candidates()) == [str(folder / "rustc") for folder in (no_sources, no_target, good)]
    assert RustToolchain().probe().path == str(good / "rustc")
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (no_sources, no_target))))
    probe = RustToolchain().probe()
    assert not probe.found
    assert "library sources of rustc 9.1.0" in probe.missing
