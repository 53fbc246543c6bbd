"""Compilers named by a release or a path: what the names mean, and that a scenario cannot name a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.releases import base_of, is_of, is_path
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.toolchain.clang import ClangToolchain
from pytest_nextrust.toolchain.gnu import GnuToolchain
from pytest_nextrust.toolchain.named import named
from pytest_nextrust.toolchain.rust import RustToolchain
from pytest_nextrust.verify.services import Services


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("clang-22", "clang"),
        ("clang@22", "clang"),
        ("rust@nightly", "rust"),
        ("rust@1.96.0", "rust"),
        ("/opt/llvm/bin/clang", "clang"),
        ("./clang-22", "clang"),
        ("/opt/next/bin/m68k-next-gcc-12.2", "gnu"),
        ("build/rustc", "rust"),
        ("clang", None),
        ("rust@", None),
        ("gcc", None),
        ("/bin/true", None),
        ("/bin/clang-format", None),
        ("rust-mended", None),
    ],
)
def test_what_a_name_means(name: str, base: str | None) -> None:
    """A release, a channel or a path is of its toolchain; another name is not, nor the path of another program."""
    assert base_of(name) == base
    assert is_path(name) == ("/" in name)
    assert is_of(name, name)
    assert base is None or is_of(name, base)


def test_a_toolchain_for_each_name(tmp_path: Path) -> None:
    """It has the name that was given, and is not there where its program is not."""
    for name, kind in (
        ("clang@22", ClangToolchain),
        (f"{tmp_path}/clang", ClangToolchain),
        (f"{tmp_path}/gcc", GnuToolchain),
        (f"{tmp_path}/rustc", RustToolchain),
        ("rust@0.1", RustToolchain),
    ):
        toolchain = named(name)
        assert isinstance(toolchain, kind)
        assert toolchain.name == name
        if name != "clang@22":
            assert not toolchain.probe().found
    assert named("gnu") is None


def test_a_relative_path_is_of_the_folder_it_was_given_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compilers are started in other folders: the program is the one beside the user."""
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "clang"
    program.write_text('#!/bin/sh\ncase "$*" in *supported-cpus*) echo M68030;; *) echo "clang version 99.0";; esac\n')
    program.chmod(0o755)
    toolchain = named("./clang")
    assert isinstance(toolchain, ClangToolchain)
    assert toolchain.find() == str(program)


def test_only_who_runs_may_name_a_path(tmp_path: Path) -> None:
    """A path that a scenario names is no toolchain: it would be started. The one that the run is asked for is."""
    path = f"{tmp_path}/clang"
    with pytest.raises(UsageFault, match="no such toolchain"):
        Services(Settings(tmp_path), Path).named(path)
    assert "no toolchain" in Services(Settings(tmp_path), Path).fault(path)
    assert "not usable" in Services(Settings(tmp_path, toolchain=path), Path).fault(path)
