"""Claims: cargo packages are built, run, explored and checked by path, member, target and features; their files stay as
they are; what cannot be built says why and what to do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.test_cli import shell

CRATES = Path(__file__).parents[1] / "crates"


pytestmark = pytest.mark.needs_compiler("cargo")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the workspace: two editions, a path dependency, features, each kind of target."""
    copy = tmp_path / "crates"
    shutil.copytree(CRATES, copy)
    return copy


def run(words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return shell(f"cd '{cwd}' && N run {words}")


def test_targets_and_features(workspace: Path) -> None:
    """The only program without being named; an example, an integration test; features off and on; both profiles."""
    before = sorted(workspace.rglob("*"))
    done = run(".", workspace)
    assert (done.stdout, done.returncode) == ('0:5"\n', 0), done.stderr
    done = run("clock --example noon --profile release", workspace)
    assert (done.stdout, done.returncode) == ('noon is 12:0"\n', 0), done.stderr
    done = run(". -p clock --no-default-features --features padded", workspace)
    assert (done.stdout, done.returncode) == ("00:05\n", 0), done.stderr
    done = run("clock/Cargo.toml --test midnight", workspace)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    assert sorted(workspace.rglob("*")) == before, "the project is as it was"


def test_a_panic_handler_where_there_is_none(workspace: Path) -> None:
    """A program without a panic handler gets one, which says where the panic was; status 101."""
    done = run("clock " + "x " * 24, workspace)
    assert done.returncode == 101, done.stderr
    assert "panicked at clock/src/lib.rs:" in done.stderr
    # Which minute is not looked at: rustc 1.96.0 miscompiles core's formatting of numbers.
    assert "a day has no minute" in done.stderr


def test_a_lock_of_two_steps_is_refuted(workspace: Path, tmp_path: Path) -> None:
    """A package whose atomic routines are behind a test-then-set lock: refuted by one command over its Cargo.toml."""
    done = shell(f"N atomics '{workspace}' -p locks --level 1 --artifacts '{tmp_path}' --json '{tmp_path}/a.json'")
    assert done.returncode == 1, done.stderr
    assert "__sync_fetch_and_add       failed" in done.stdout
    finding = json.loads((tmp_path / "a.json").read_text())["findings"][0]
    assert finding["routine"] == "__sync_fetch_and_add_4"
    # Two threads have passed the lock's test: both read the object.
    reads = [step for step in finding["trace"] if step["function"].startswith("__sync_fetch_and_add_4")]
    assert {step["thread"] for step in reads} == {0, 1}
    assert any(str(step["line"]).startswith("lib.rs:") for step in reads)


def test_a_lock_by_tas_is_proved(workspace: Path, tmp_path: Path) -> None:
    """The same package with the feature that takes the lock in one step passes."""
    options = f"-p locks --features tas --level 2 --artifacts '{tmp_path}'"
    done = shell(f"N atomics '{workspace}' {options}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: passed" in done.stdout


CONCURRENT = """#![no_std]
static mut COUNT: u32 = 0;
fn count() { unsafe { let at = &raw mut COUNT; at.write_volatile(at.read_volatile() + 1) } }
mod first { #[no_mangle] pub extern "C" fn nextrust_thread_0() { super::count() } }
mod second { #[no_mangle] pub extern "C" fn nextrust_thread_1() { super::count() } }
mod last {
    #[no_mangle] pub extern "C" fn nextrust_check() -> i32 { unsafe { (*(&raw const super::COUNT) != 2) as i32 } }
}
"""
"""Each function in a module, and so in a codegen unit and a member of the archive, of its own."""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with nothing in it."""
    folder = tmp_path / "package"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "package"\nversion = "0.1.0"\nedition = "2021"\n')
    return folder


def test_a_library_is_explored(package: Path, tmp_path: Path) -> None:
    """A library's threads and check are found in whichever member they are: at level 0 the increment is two steps, at
    level 2 with link-time optimisation one."""
    (package / "src/lib.rs").write_text(CONCURRENT)
    with (package / "Cargo.toml").open("a") as manifest:
        manifest.write("[profile.release]\nlto = true\ncodegen-units = 8\n")
    done = shell(f"N explore '{package}' --profile debug --artifacts '{tmp_path}'")
    assert done.returncode == 1, done.stderr
    assert "nextrust_check answers 1" in done.stdout
    done = shell(f"N explore '{package}' --profile release --artifacts '{tmp_path}'")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_compiled_is_said(workspace: Path) -> None:
    """Each package as cargo comes to it, on stderr; what is there already is not compiled again, and not named."""
    line = f"cd '{workspace}' && N build . -p clock -o out"
    done = shell(f"{line} --json -")
    said = [row for row in done.stderr.splitlines() if "compiling" in row]
    assert said[-2:] == ["nextrust build: compiling digits v0.2.0", "nextrust build: compiling clock v0.1.0"]
    assert json.loads(done.stdout)["ok"], "the answer is alone on stdout"
    assert shell(line).stderr == ""


def test_the_level_is_the_profiles(workspace: Path) -> None:
    """The answer names the level that Cargo.toml says, or what overrides it."""
    with (workspace / "Cargo.toml").open("a") as manifest:
        manifest.write('opt-level = "z"\n')

    def level(options: str) -> str:
        done = shell(f"cd '{workspace}' && N build . -p digits -o out --lib {options} --json -")
        return str(json.loads(done.stdout)["level"])

    manifest_says = {"--profile release": "z", "--profile release --optimise 1": "1"}
    (workspace / "digits/src/lib.rs").write_text('#![no_std]\n#[no_mangle] extern "C" fn main() -> i32 { 0 }\n')
    assert {options: level(options) for options in manifest_says} == manifest_says
    assert level("--profile release --flag=-Copt-level=3") == "3"


def test_what_cannot_be_built_says_why(workspace: Path, package: Path) -> None:
    """std, several targets, a member, target or feature that is not there, a manifest that is broken, a dependency that
    is not on this machine: each named, with what to do, and exit status 1 or 2."""
    main = package / "src/main.rs"
    manifest = package / "Cargo.toml"
    whole = manifest.read_text()
    main.write_text("#![no_std]\n#![no_main]\nextern crate std;\n")

    def refused(words: str, cwd: Path = package) -> str:
        done = shell(f"cd '{cwd}' && N build {words} -o out")
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
        assert not (cwd / "out").exists()
        return done.stderr

    assert "needs std" in refused(".")
    assert "needs std" in refused(".")
    assert "leave #![no_std] out" in refused(".")
    main.write_text(
        "#![no_std]\n#![no_main]\nextern crate alloc;\n#[panic_handler] fn p(_: &core::panic::PanicInfo) -> ! "
        '{ loop {} }\n#[no_mangle] extern "C" fn main() -> i32 { alloc::boxed::Box::new(1); 0 }'
    )
    assert "extern crate next;" in refused(".")
    (package / "src/bin").mkdir()
    (package / "src/bin/other.rs").write_text("#![no_std]\n#![no_main]\n")
    several = refused(".")
    assert "--bin package (-p package)" in several
    assert "--bin other (-p package)" in several
    assert "no bin target named `none`" in refused(". --bin none")
    assert "does not contain this feature: none" in refused(". --features none")
    assert "none" in refused(". -p none", workspace)
    assert "given beside" in refused(". --edition 2021") or "Cargo.toml" in refused(". --edition 2021")
    manifest.write_text(whole + '[dependencies]\nnot-there-at-all = "1"\n')
    missing = refused(".")
    assert "not-there-at-all" in missing
    assert "cargo vendor" in missing
    manifest.write_text(whole + '[dependencies]\npackage = { path = "." }\n')
    assert "cyclic" in refused(".")
    manifest.write_text("[package\n")
    assert "Cargo.toml" in refused(".")
    assert "no such file" in refused("none/Cargo.toml")
    manifest.unlink()
    assert "folder without a Cargo.toml" in refused(".")


def test_build_scripts_and_procedural_macros(package: Path) -> None:
    """They run on this machine, for programs of the other."""
    macro = package / "seven"
    (macro / "src").mkdir(parents=True)
    (macro / "Cargo.toml").write_text('[package]\nname = "seven"\nversion = "0.1.0"\n[lib]\nproc-macro = true\n')
    (macro / "src/lib.rs").write_text(
        "extern crate proc_macro;\nuse proc_macro::TokenStream;\n"
        '#[proc_macro] pub fn seven(_: TokenStream) -> TokenStream { "7".parse().unwrap() }\n'
    )
    with (package / "Cargo.toml").open("a") as manifest:
        manifest.write('[dependencies]\nseven = { path = "seven" }\n')
    (package / "build.rs").write_text('fn main() { println!("cargo::rustc-env=SAID=by the build script"); }')
    (package / "src/main.rs").write_text(
        "#![no_std]\n#![no_main]\nextern crate next;\n"
        '#[no_mangle] extern "C" fn main() -> i32 { next::write_all(1, env!("SAID").as_bytes()); seven::seven!() }\n'
    )
    done = run(".", package)
    assert (done.stdout, done.returncode) == ("by the build script", 7), done.stderr


def test_two_builds_at_once(workspace: Path) -> None:
    """Two builds of one package at the same time, with other features, get each its own program."""
    line = f"cd '{workspace}' && N run clock"
    with ThreadPoolExecutor(2) as both:
        plain, padded = both.map(shell, (line, f"{line} --features padded"))
    assert (plain.stdout, padded.stdout) == ('0:5"\n', '00:05"\n'), plain.stderr + padded.stderr


SCENARIO = """schema = 1
title = "an example of a package"
phase = "phase-2"
stage = "hello"

[program]
language = "rust"
sources = ["crates/Cargo.toml"]

[program.crate]
package = "clock"
example = "noon"

[expect]
exit = 0
stdout = "noon is 12:0\\"END"
"""


def test_a_scenario_is_of_a_package(tmp_path: Path) -> None:
    """A scenario names a workspace's manifest and an example of it; what it prints is judged as any program's."""
    folder = tmp_path / "scenarios/noon"
    shutil.copytree(CRATES, folder / "crates")
    (tmp_path / "nextrust.toml").touch()
    options = "--nextrust-scenario noon --nextrust-cell ubuntu-latest-release-m68040 -p no:cacheprovider"
    line = f"cd '{tmp_path}' && '{sys.executable}' -m pytest -q {options}"
    # Without the newline that the program prints, first.
    for end, status in (("", 1), ("\\n", 0)):
        (folder / "scenario.toml").write_text(SCENARIO.replace("END", end))
        done = shell(line)
        assert done.returncode == status, done.stdout + done.stderr
