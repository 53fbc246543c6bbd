"""Which rustc there are for the m68k, and what each of them lacks: the target, or the library sources of its release.

Boundary: asks compilers; ``rust`` compiles with them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pytest_nextrust.errors import ToolchainError
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = [
    "EDITION",
    "ENVIRONMENT",
    "LIBRARY_LEVEL",
    "PACKAGES",
    "TARGET",
    "Compiler",
    "candidates",
    "examine",
    "names_edition",
]

TARGET = "m68k-unknown-none-elf"
PACKAGES = "rustc-web rust-web-src binutils-m68k-linux-gnu"
SYSTEM = ("/usr/bin/rustc", "/usr/local/bin/rustc")
"""Looked at after PATH: a rustup proxy may stand there before a compiler that knows the target."""

EDITION = "2024"
"""Of a crate root that is given without a Cargo.toml and without an edition."""

LIBRARY_LEVEL = "2"
"""rustc 1.96.0 exhausts its stack in the m68k back end when it compiles core at level 0."""

# Unstable features are what the library is made of; the same switch for the programs keeps them linkable.
ENVIRONMENT: Mapping[str, str] = MappingProxyType({"RUSTC_BOOTSTRAP": "1"})


@dataclass(frozen=True, slots=True)
class Compiler:
    """One rustc and what it lacks; ``library`` is the folder of library sources of its own release.

    ``release`` is the version alone, ``sysroot`` the folder that it is installed in, with ``bin`` and ``lib``.
    """

    path: str
    version: str = ""
    library: Path | None = None
    missing: tuple[str, ...] = ()
    llvm: str = ""
    release: str = ""
    sysroot: Path = Path()


def candidates(search: str | None = None) -> Iterator[str]:
    """Every rustc on PATH in its order, then the system's own, each once."""
    seen = set()
    folders = (os.environ.get("PATH", os.defpath) if search is None else search).split(os.pathsep)
    system = SYSTEM if search is None else ()
    for path in (*(os.path.join(folder, "rustc") for folder in folders if folder), *system):  # noqa: PTH118
        if path not in seen and shutil.which(path):
            seen.add(path)
            yield path


def names_edition(flags: Sequence[str]) -> bool:
    """Whether a list of flags says which edition the source is of."""
    return any(flag == "--edition" or flag.startswith("--edition=") for flag in flags)


def examine(path: str) -> Compiler:
    """Ask one rustc for its release, whether it has the target, and where its library sources are."""
    runner = ToolRunner("rust", 60.0)
    try:
        verbose = runner.run([path, "-vV"], env=ENVIRONMENT)
        sysroot = Path(runner.run([path, "--print", "sysroot"], env=ENVIRONMENT).strip())
    except ToolchainError:
        return Compiler(path, missing=("rustc",))
    lines = verbose.strip().splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    release = told.get("release", "")
    places = (sysroot / "lib/rustlib/src/rust/library", Path(f"/usr/src/rustc-{release}/library"))
    library = next((place for place in places if (place / "core/src/lib.rs").is_file()), None)
    missing = [] if library else [f"library sources of rustc {release}"]
    try:
        runner.run([path, "--print", "target-cpus", "--target", TARGET], env=ENVIRONMENT)
    except ToolchainError:
        missing.append(f"target {TARGET} in rustc {release}")
    llvm = told.get("LLVM version", "")
    return Compiler(path, lines[0] if lines else "", library, tuple(missing), llvm, release, sysroot)
