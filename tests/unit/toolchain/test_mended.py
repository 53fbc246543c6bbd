"""Mended toolchains: their names, what is found of them, and the plugin in the cache."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import pytest

from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.mends import MENDED, MENDS, mended, twin_of, unmended
from pytest_nextrust.scenario.model import ExpectedFailure, shipped_folder
from pytest_nextrust.toolchain import BuildRequest, named, toolchains
from pytest_nextrust.toolchain import mended as module
from pytest_nextrust.toolchain.cruntime import c_runtime, libgcc
from pytest_nextrust.toolchain.interface import Probe
from pytest_nextrust.toolchain.mended import Plugin, mended_toolchain, sources_hash
from pytest_nextrust.toolchain.tool_runner import ToolRunner


def test_a_name_says_which_mends_are_on() -> None:
    """``~`` leaves mends out, ``+`` leaves all others out, and nothing means all."""
    whole, but, alone = (mended(f"rust-mended{rest}") for rest in ("", "~stack-index~cmp-subx", "+stack-index"))
    assert whole is not None
    assert but is not None
    assert alone is not None
    assert (whole.base, whole.off) == ("rust", frozenset())
    assert but.off == {"stack-index", "cmp-subx"}
    assert alone.off == set(MENDS) - {"stack-index"}


@pytest.mark.parametrize("name", ["rust", "clang-22", "clang-19-mended", "rust-mendedx", "rust-mended~a+b", "mended"])
def test_other_names_are_not_mended(name: str) -> None:
    """Neither the compilers themselves, nor a release without the callback, nor a name of both kinds."""
    assert mended(name) is None
    assert unmended(name) == name


def test_an_unknown_mend_is_named() -> None:
    """A switch that does not exist is no quiet switch."""
    with pytest.raises(UsageFault, match="no mend 'stack-indx'"):
        named("clang-22-mended~stack-indx")


def test_each_compiler_has_one_twin() -> None:
    """``twin_of`` and ``unmended`` are each other's way back."""
    assert all(twin_of(unmended(name)) == name for name in MENDED)
    assert twin_of("gnu") is None


def test_the_plugin_knows_the_same_names() -> None:
    """The switches of the C++ side are those of the names, no more and no fewer."""
    text = (module.SOURCES / "selection.h").read_text()
    listed = re.findall(r'"([a-z0-9-]+)"', text[text.index("Names[]") : text.index("};")])
    assert sorted(listed) == sorted(MENDS)
    used = {name for file in module.SOURCES.iterdir() for name in re.findall(r'On\.has\("([^"]+)"\)', file.read_text())}
    assert used == set(MENDS)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the headers or g++ the probe names the packages, and the compiler alone is not enough."""
    monkeypatch.setattr(Plugin, "headers", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    toolchain = mended_toolchain("clang-22-mended")
    assert toolchain is not None
    probe = toolchain.plugin.probe(Probe(True, "/usr/bin/clang-22", "clang 22"), "22.1")
    assert not probe.found
    assert probe.missing == ("g++", "llvm-22-dev")
    assert probe.remedy == "apt-get install llvm-22-dev g++"


def test_another_release_of_llvm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is made for the release whose headers are there, and loaded by no other."""
    monkeypatch.setattr(Plugin, "headers", lambda _: (Path("/usr/lib/llvm-22/include"), "22.1.8"))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/g++")
    toolchain = mended_toolchain("rust-mended")
    assert toolchain is not None
    compiler = Probe(True, "/opt/rustc", "rustc 1.99.0")
    assert toolchain.plugin.probe(compiler, "22.1.4").found
    assert "a compiler with LLVM 22.1.8" in toolchain.plugin.probe(compiler, "23.1.0").missing[0]


def test_an_issue_covers_a_twin_only_without_its_mend() -> None:
    """A known issue of clang is not one of clang 22 mended, unless the mend that spares it is off."""
    entry = ExpectedFailure("an-issue", "exit", toolchains=("clang",), mend="stack-index")
    cell = Cell("ubuntu-latest", "debug", "m68030")
    assert entry.covers(cell, "clang-22", "22.1")
    assert not entry.covers(cell, "clang-22-mended", "22.1")
    assert not entry.covers(cell, "clang-22-mended~cmp-subx", "22.1")
    assert entry.covers(cell, "clang-22-mended~stack-index", "22.1")
    assert not entry.covers(cell, "rust-mended~stack-index", "1.96")


def test_shipped_programs_are_of_these_mends() -> None:
    """The programs of mended scenarios were built with the mends as they are."""
    folder = shipped_folder()
    assert folder is not None
    index = json.loads((folder / "prebuilt" / "index.json").read_text())["scenarios"]
    versions = {entry["version"] for entry in index.values() if mended(entry["toolchain"])}
    assert versions
    assert all(version.endswith(f"experimental mends {sources_hash()[:8]}") for version in versions)


@pytest.mark.needs_compiler("clang-22-mended")
def test_two_at_once_compile_the_plugin_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get the same file, one waits for the other, and nothing else is left in the cache."""
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path))
    compiled = []

    def run(_: ToolRunner, command: list[str], *, cwd: Path, **_more: object) -> str:
        compiled.append(command)
        (cwd / "mends.so").touch()
        return ""

    wanted = mended("clang-22-mended")
    assert wanted is not None
    headers = Plugin(wanted).headers()
    monkeypatch.setattr(Plugin, "headers", lambda _: headers)
    monkeypatch.setattr(module, "first_line", lambda _: "g++ 12")
    monkeypatch.setattr(ToolRunner, "run", run)
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(Plugin(wanted).file())) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(compiled) == 1
    assert found[0] == found[1]
    assert [path.name for path in (tmp_path / "mends").iterdir() if path.is_dir()] == [found[0].parent.name]


@pytest.mark.needs_compiler("clang-22-mended")
def test_what_is_left_unmended_is_refused(tmp_path: Path) -> None:
    """With a mend off whose fault can be read, the program is built; were it on, the same code would be refused."""
    folder = shipped_folder()
    assert folder is not None
    toolchain = toolchains()["clang-22-mended"]
    off = named("clang-22-mended~division-remainder")
    assert off is not None
    request = BuildRequest(
        (folder / "division-remainder-clang" / "division.c",), tmp_path / "program", profile="release"
    )
    program = off.build(request)
    wanted = mended("clang-22-mended")
    assert wanted is not None
    runner = ToolRunner("clang-22-mended")
    runtime: list[Path | str] = [c_runtime(runner, "m68030") / "libnext.a", libgcc(runner, "m68030")]
    with pytest.raises(BuildFailed, match="1 instruction that no compiler means") as caught:
        Plugin(wanted).examine(runner, program.path.read_bytes(), runtime)
    assert "_mix+0x10" in str(caught.value.output)
    assert toolchain.build(request).path.is_file()
