"""Claims: where there is no cargo of rustc's release a package is built as cargo would, and what only cargo builds is
refused by name; a stranger's package is never given to cargo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_nextrust.base.progress import listening
from pytest_nextrust.errors import BuildFailed, NextrustError, UsageFault
from pytest_nextrust.toolchain import BuildRequest
from pytest_nextrust.toolchain.crates import CrateOptions
from pytest_nextrust.toolchain.crates.manifest import satisfies
from pytest_nextrust.toolchain.rust import RustToolchain
from tests.integration.test_cli import shell

CRATES = Path(__file__).parents[1] / "crates"

needs_rustc = pytest.mark.needs_compiler("rust")


@pytest.fixture(autouse=True)
def no_cargo(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has rustc alone."""
    monkeypatch.setattr("pytest_nextrust.toolchain.crates.tools.find_cargo", lambda compiler: "")


def run(source: Path, out: Path, options: CrateOptions, profile: str = "debug", *, confined: bool = False) -> str:
    """What the package's program prints."""
    request = BuildRequest((source,), out, profile=profile, crate=options, confined=confined)
    result = RustToolchain().build(request)
    assert not any(Path(command[0]).name == "cargo" and len(command) > 2 for command in result.commands)
    done = shell(f"N run '{out}'")
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_rustc
def test_as_cargo_builds_it(tmp_path: Path) -> None:
    """A path dependency of another edition, features off and on, an example, a test: each prints what cargo's does."""
    copy = tmp_path / "crates"
    shutil.copytree(CRATES, copy)
    out = tmp_path / "out"
    assert run(copy, out, CrateOptions()) == '0:5"\n'
    assert run(copy / "clock", out, CrateOptions(example="noon"), "release") == 'noon is 12:0"\n'
    assert run(copy, out, CrateOptions(package="clock", features=("padded",), no_default_features=True)) == "00:05\n"
    assert run(copy / "clock", out, CrateOptions(test="midnight")) == ""


@needs_rustc
def test_what_is_said_of_it(tmp_path: Path) -> None:
    """Each crate as its turn comes; the level is what the profile says."""
    copy = tmp_path / "crates"
    shutil.copytree(CRATES, copy)
    with (copy / "Cargo.toml").open("a") as manifest:
        manifest.write("opt-level = 1\n")
    said: list[str] = []
    request = BuildRequest((copy,), tmp_path / "out", profile="release", crate=CrateOptions(package="clock"))
    with listening(said.append):
        assert RustToolchain().build(request).level == "1"
    crates = ["digits v0.2.0 (lib digits)", "clock v0.1.0 (lib clock)", "clock v0.1.0 (bin clock)"]
    assert said[-3:] == [f"compiling {crate}" for crate in crates]


@needs_rustc
def test_vendored_optional_and_renamed(tmp_path: Path) -> None:
    """A vendored package in the version that is wanted, under another name, only where its feature is on."""
    for version, text in (("0.3.1", "old"), ("0.4.2", "right"), ("0.5.0", "new")):
        folder = tmp_path / f"vendor/word-{version}"
        (folder / "src").mkdir(parents=True)
        (folder / "Cargo.toml").write_text(f'[package]\nname = "word"\nversion = "{version}"\nedition = "2018"\n')
        (folder / "src/lib.rs").write_text(f'#![no_std]\npub const WORD: &str = "{text}\\n";\n')
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text('[source.vendored-sources]\ndirectory = "vendor"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "speak"\nversion = "1.0.0"\nedition = "2021"\n'
        '[dependencies]\nsaid = { package = "word", version = "0.4", optional = true }\n'
        '[features]\nloud = ["dep:said"]\n'
    )
    (tmp_path / "src/main.rs").write_text(
        "#![no_std]\n#![no_main]\nextern crate next;\n"
        '#[cfg(feature = "loud")] use said::WORD;\n#[cfg(not(feature = "loud"))] const WORD: &str = "silent\\n";\n'
        '#[no_mangle] extern "C" fn main() -> i32 { next::write_all(1, WORD.as_bytes()); 0 }\n'
    )
    out = tmp_path / "out"
    assert run(tmp_path, out, CrateOptions()) == "silent\n"
    assert run(tmp_path, out, CrateOptions(features=("loud",))) == "right\n"
    shutil.rmtree(tmp_path / "vendor/word-0.4.2")
    with pytest.raises(UsageFault, match=r"depends on word 0\.4, which is not on this machine"):
        run(tmp_path, out, CrateOptions(features=("loud",)))


@needs_rustc
@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        ('build = "build.rs"\n', "a build script, which only cargo builds"),
        ("[lib]\nproc-macro = true\n", "a procedural macro"),
        ("[target.'cfg(unix)'.dependencies]\n", ""),
        ("[target.'cfg(unix)'.dependencies]\nx = \"1\"\n", "dependencies for some targets only"),
        ('[dependencies]\nx = { git = "https://example.org/x" }\n', "from git"),
        ('[dependencies]\npackage = { path = "." }\n', "cyclic: package -> package"),
        ('[dependencies]\nnot-there = "1"\n', "depends on not-there 1, which is not on this machine"),
        ("[profile.dev]\nlto = true\n", "lto needs cargo"),
        ("[dependencies]\nx = 7\n", "not as cargo wants it"),
        ("[profile]\ndev = 3\n", "not as cargo wants it"),
        ("[features]\nx = 3\n", "not as cargo wants it"),
        ("[features\n", "not TOML"),
    ],
)
def test_what_only_cargo_builds_is_refused(manifest: str, fault: str, tmp_path: Path) -> None:
    """Each by name, before anything is compiled; what is empty is no fault."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.rs").write_text('#![no_std]\n#[no_mangle] extern "C" fn main() -> i32 { 0 }\n')
    (tmp_path / "Cargo.toml").write_text(
        f'[package]\nname = "package"\nversion = "0.1.0"\nedition = "2021"\n{manifest}'
    )
    request = BuildRequest((tmp_path,), tmp_path / "out")
    if not fault:
        assert RustToolchain().build(request).path.is_file()
        return
    with pytest.raises(NextrustError) as caught:
        RustToolchain().build(request)
    assert fault in caught.value.fault
    assert caught.value.remedy
    assert not isinstance(caught.value, BuildFailed)


@needs_rustc
def test_a_strangers_package_is_not_given_to_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confined, a package is built here even where cargo is: its build script would run on this machine. Nor does it
    reach a package outside its own folder."""
    monkeypatch.setattr("pytest_nextrust.toolchain.crates.tools.find_cargo", lambda compiler: "/bin/false")
    for name in ("clock", "digits"):
        shutil.copytree(CRATES / name, tmp_path / name)
    request = BuildRequest((tmp_path / "clock",), tmp_path / "out", confined=True)
    with pytest.raises(UsageFault, match="digits is outside"):
        RustToolchain().build(request)
    (tmp_path / "digits/build.rs").write_text("fn main() {}")
    request = BuildRequest((tmp_path / "digits",), tmp_path / "out", confined=True)
    with pytest.raises(UsageFault, match="build script"):
        RustToolchain().build(request)


@pytest.mark.parametrize(
    ("requirement", "yes", "no"),
    [
        ("1.2", "1.9.0", "2.0.0"),
        ("^0.4", "0.4.7", "0.5.0"),
        ("0.0.3", "0.0.3", "0.0.4"),
        ("~1.2", "1.2.9", "1.3.0"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        (">=1.1, <1.5", "1.4.9", "1.5.0"),
        ("1.*", "1.9.9", "2.0.0"),
    ],
)
def test_requirements(requirement: str, yes: str, no: str) -> None:
    """Which versions a requirement means, as in the cargo book's "Specifying Dependencies"."""
    assert satisfies(yes, requirement)
    assert not satisfies(no, requirement)


@needs_rustc
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_strangers_package_is_compiled_confined(tmp_path: Path) -> None:
    """Its program runs as any other, and a file of the host's is not there for its compiler."""
    copy = tmp_path / "crates"
    shutil.copytree(CRATES, copy)
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    options = CrateOptions(package="clock")
    assert run(copy, tmp_path / "out", options, confined=True) == '0:5"\n'
    source = copy / "digits/src/lib.rs"
    source.write_text(source.read_text() + f'pub static READ: &str = include_str!("{secret}");\n')
    with pytest.raises(BuildFailed) as caught:
        run(copy, tmp_path / "other", options, confined=True)
    assert "couldn't read" in caught.value.output
    assert run(copy, tmp_path / "trusted", options) == '0:5"\n'
