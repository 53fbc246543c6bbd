"""Claims: std's platform layer goes over the sources that it was written for and over no others; whether a program has
std is read off its root; a std that is not whole is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_nextrust.errors import BuildFailed, ToolchainError, UsageFault
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.crates.options import CrateOptions
from pytest_nextrust.toolchain.crates.std_choice import has_std, needs_std, targets_with_std
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.rust import RustToolchain
from pytest_nextrust.toolchain.std import build as std_build
from pytest_nextrust.toolchain.std import built
from pytest_nextrust.toolchain.std.edits import EDITS, OVERLAY, copied_library
from pytest_nextrust.toolchain.tool_runner import ToolRunner

needs_rust = pytest.mark.needs_compiler("rust")


def library() -> Path:
    compiler = RustToolchain().compiler()
    assert compiler is not None
    assert compiler.library is not None
    return compiler.library


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of those files of the installed library that are edited."""
    for edit in EDITS:
        file = Path("std/src") / edit.file
        (tmp_path / "installed" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library() / file, tmp_path / "installed" / file)
    return tmp_path / "installed"


@needs_rust
def test_the_layer_goes_over_the_installed_library(sources: Path, tmp_path: Path) -> None:
    """Every edit is behind its line, every file of the layer is at its place, and the library itself stays as it is."""
    before = {edit.file: (sources / "std/src" / edit.file).read_bytes() for edit in EDITS}
    copied = copied_library(sources, "1.96.0", tmp_path / "work") / "std/src"
    for edit in EDITS:
        assert edit.anchor + edit.text in (copied / edit.file).read_text()
    for file in OVERLAY.rglob("*.rs"):
        assert (copied / file.relative_to(OVERLAY)).read_bytes() == file.read_bytes()
    assert before == {edit.file: (sources / "std/src" / edit.file).read_bytes() for edit in EDITS}


@needs_rust
@pytest.mark.parametrize("change", ["gone", "changed", "twice", "taken"])
def test_another_library_is_refused(change: str, sources: Path, tmp_path: Path) -> None:
    """A file or line that is not there, a line that is twice, a file of the layer's name: named, with the release."""
    file = sources / "std/src/sys/stdio/mod.rs"
    text = file.read_text()
    if change == "gone":
        file.unlink()
    elif change == "taken":
        (file.parent / "nextstep.rs").touch()
    else:
        file.write_text(text.replace("cfg_select! {", "cfg_if! {") if change == "changed" else text + text)
    with pytest.raises(ToolchainError, match=r"does not fit rustc 1\.97\.0: std/src/.*stdio|nextstep") as caught:
        copied_library(sources, "1.97.0", tmp_path / "work")
    expected = {"gone": "is not there", "changed": "is there 0 times", "twice": "is there 2 times", "taken": "already"}
    assert expected[change] in str(caught.value)


@needs_rust
def test_what_fails_half_way_leaves_no_std(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crate that cannot be compiled leaves nothing in the cache that passes for a std."""
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path))
    compiled = []

    def fails(runner: ToolRunner, command: list[str], **_: object) -> str:
        compiled.append(command[command.index("--crate-name") + 1])
        if compiled[-1] == "alloc":
            raise BuildFailed("rust", "killed", command=command, output="", place="")
        return ""

    toolchain = RustToolchain().with_std()
    monkeypatch.setattr(ToolRunner, "run", fails)
    with pytest.raises(BuildFailed):
        toolchain.libraries(ToolRunner("rust"), "m68030")
    assert compiled == ["core", "compiler_builtins", "alloc"]
    assert not [path for path in (tmp_path / "rust-std-parts").iterdir() if path.is_dir()]
    assert not (tmp_path / "rust-std").exists()
    assert built() == []


def test_what_is_built_is_read_from_whole_entries_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being filled, a record of another form, and one that is no JSON are passed over."""
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path))
    whole = '{"toolchain": "rust", "version": "v", "cpu": "m68030", "bitcode": false, "layer": "old"}'
    for name, text in {"one": whole, ".two": whole, "three": '{"cpu": 1}', "four": "[", "five": "[1]"}.items():
        (tmp_path / std_build.KIND / name).mkdir(parents=True)
        (tmp_path / std_build.KIND / name / "about.json").write_text(text)
    assert [(each.toolchain, each.cpu, each.is_current) for each in built()] == [("rust", "m68030", False)]
    assert cache.cache_root() == tmp_path


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("fn main() {}", True),
        ("#![no_std]\n", False),
        ("//! Words.\n#![feature(x)]\n# ! [ no_std ]\n", False),
        ("#![cfg_attr(not(test), no_std)]\n", False),
        ("#![no_core]\n", False),
        ("#![feature(no_core)]\n#![no_core]\n", False),
        ("// #![no_std]\n/* #![no_std] */\nfn main() {}", True),
        ("#![no_main]\n", True),
    ],
)
def test_a_root_says_whether_it_has_std(text: str, has: bool, tmp_path: Path) -> None:
    """By its inner attributes, not by comments."""
    (tmp_path / "x.rs").write_text(text)
    assert has_std(tmp_path / "x.rs") == has
    assert needs_std(BuildRequest((tmp_path / "x.rs",), tmp_path / "out")) == has


def test_a_package_has_the_std_of_the_target_that_is_meant(tmp_path: Path) -> None:
    """The only program, or the one that is named; of several that are meant nothing is said."""
    (tmp_path / "src/bin").mkdir(parents=True)
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "p"\nversion = "0.1.0"\n')
    (tmp_path / "src/lib.rs").write_text("#![no_std]\n")
    (tmp_path / "src/main.rs").write_text("fn main() {}\n")

    def needs(options: CrateOptions) -> bool:
        return needs_std(BuildRequest((tmp_path,), tmp_path / "out", crate=options))

    assert needs(CrateOptions())
    assert not needs(CrateOptions(lib=True))
    assert not needs(CrateOptions(bin="none"))
    assert targets_with_std(tmp_path / "Cargo.toml")
    (tmp_path / "src/bin/bare.rs").write_text("#![no_std]\n#![no_main]\n")
    assert not needs(CrateOptions())
    assert not needs(CrateOptions(bin="bare"))
    assert needs(CrateOptions(bin="p"))
    (tmp_path / "src/main.rs").write_text("#![no_std]\n#![no_main]\n")
    assert not targets_with_std(tmp_path / "Cargo.toml")


def test_std_is_not_for_targets_of_ones_own(tmp_path: Path) -> None:
    """A target specification and std do not go together, and that is said."""
    with pytest.raises(UsageFault, match="std is not built for targets of one's own"):
        RustToolchain().with_target(tmp_path / "own.json").with_std()
