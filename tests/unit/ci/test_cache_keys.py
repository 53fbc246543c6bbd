"""Keys of caches change with what they have to, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust.ci.cache_keys import cache_key

PYPROJECT = """
[build-system]
requires = ["hatchling"]
[project]
name = "x"
version = "1"
dependencies = ["a>=1", "b"]
[project.optional-dependencies]
dev = ["c"]
[tool.x]
y = 1
"""

TOOLCHAIN = """
[toolchain.own]
compile = ["{build}/cc", "-o", "{out}", "{sources}"]
[toolchain.own.build]
command = ["./make-it"]
inputs = ["llvm/*"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with dependencies, a lock, and a toolchain of its own; a compiler on PATH that can be changed."""
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    project = tmp_path / "project"
    contents = {
        "project/pyproject.toml": PYPROJECT,
        "project/nextrust.toml": TOOLCHAIN,
        "project/requirements-dev.txt": "c==1\n",
        "project/llvm/pass.cpp": "1",
        "project/src/x.py": "1",
        "bin/m68k-linux-gnu-gcc": "#!/bin/sh\necho gcc 12\n",
    }
    for name, text in contents.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
    return project


def keys(root: Path) -> tuple[str, str]:
    return cache_key("pip", root).key, cache_key("toolchain", root).key


CHANGES = {
    "a dependency": ("pyproject.toml", "a>=1", "a>=2", (True, False)),
    "an extra's dependency": ("pyproject.toml", '"c"', '"d"', (True, False)),
    "the build system": ("pyproject.toml", "hatchling", "flit", (True, False)),
    "the project's version": ("pyproject.toml", 'version = "1"', 'version = "2"', (False, False)),
    "another tool's table": ("pyproject.toml", "y = 1", "y = 2", (False, False)),
    "a requirement": ("requirements-dev.txt", "c==1", "c==2", (True, False)),
    "a source": ("src/x.py", "1", "2", (False, False)),
    "an input of the toolchain": ("llvm/pass.cpp", "1", "2", (False, True)),
    "how the toolchain is built": ("nextrust.toml", "./make-it", "./make-other", (False, True)),
    "a compiler": ("../bin/m68k-linux-gnu-gcc", "gcc 12", "gcc 14.2", (False, True)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_key_changes_with(change: str, root: Path) -> None:
    """Each of the two keys changes with what its cache depends on, and comes back with it."""
    name, right, other, changed = CHANGES[change]
    before = keys(root)
    file = root / name
    text, status = file.read_text(encoding="utf-8"), file.stat()
    assert right in text
    file.write_text(text.replace(right, other), encoding="utf-8")
    after = keys(root)
    assert tuple(a != b for a, b in zip(after, before, strict=True)) == changed
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert keys(root) == before


def test_the_order_of_keys_in_a_document(root: Path) -> None:
    """Is nothing that a cache depends on."""
    before = keys(root)
    file = root / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    moved = '[project.optional-dependencies]\ndev = ["c"]\n'
    file.write_text(text.replace(moved, "") + moved, encoding="utf-8")
    assert keys(root) == before


def test_one_cpu_and_both(root: Path) -> None:
    """Their caches hold different things: three keys, three prefixes."""
    found = [cache_key("toolchain", root, cpu=cpu) for cpu in ("", "m68030", "m68040")]
    assert len({each.key for each in found}) == 3
    assert all(each.key.startswith(each.prefix) for each in found)


def test_the_folder_is_part_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is built may hold the path of the cache it is in."""
    before = cache_key("toolchain", root)
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(root / "elsewhere"))
    after = cache_key("toolchain", root)
    assert (before.path, after.path) == (root.parent / "cache", root / "elsewhere")
    assert before.key != after.key
