"""The ``clang`` toolchain: C by LLVM's m68k back end, linked by GNU ld.

LLVM generates no FPU code for these CPUs: floating point goes through libgcc's software routines, which answer in
d0:d1, and a few conversions of our own where libgcc answers in fp0. clang 19 takes 4 bytes as the alignment of int in
structs, against the m68k convention and its own back end's data layout; ``-fpack-struct=2`` restores NeXT's layouts.

``clang`` is the release that the project's ``[toolchain.clang] version`` or, for all projects of a shell, the variable
``NEXTRUST_CLANG`` names, else the newest that is installed; ``clang-N`` is release N. What was seen of one release need
not hold of another, so each is a toolchain by name.
"""

from __future__ import annotations

import os
import re
import shutil

from pytest_nextrust.project.releases import release_of
from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.tool_runner import first_line

__all__ = ["RELEASES", "ClangToolchain", "installed_clangs", "release_named"]

RELEASES = range(30, 16, -1)
"""Releases that are looked for, newest first; older ones have no usable m68k back end."""

# Said of every atomic access: LLVM believes that these CPUs have no lock-free ones.
_QUIET = ("-Wno-atomic-alignment",)


class ClangToolchain(CToolchain):
    """C by clang: that at ``path``, or by one ``release``, or by the newest that is installed (None)."""

    languages = frozenset({"c"})

    def __init__(self, release: int | None = None, *, name: str = "clang", path: str | None = None) -> None:
        super().__init__()
        self.name = name
        self.driver = path or ("clang" if release is None else f"clang-{release}")
        self.package = f"clang-{release or 19} gcc-m68k-linux-gnu"
        self._release = release
        self._path = path

    def find(self) -> str | None:
        if self._path is not None:
            return self._path if shutil.which(self._path) and _has_m68k(self._path) else None
        fixed = os.environ.get("NEXTRUST_CLANG", "")
        release = self._release or (int(fixed) if re.fullmatch(r"[1-9][0-9]?", fixed) else None)
        if release is None:
            return _newest()
        # Some distributions install one release under the plain name.
        plain = shutil.which("clang")
        path = shutil.which(f"clang-{release}") or (plain if plain and _release_of(plain) == release else None)
        return path if path and _has_m68k(path) else None

    @property
    def remedy(self) -> str:
        if self._path is None:
            return super().remedy
        return f"name a clang with LLVM's M68k target, and have its companions: {super().remedy}"

    def target(self, cpu: str) -> tuple[str, ...]:
        return (
            "--target=m68k-unknown-linux-gnu",
            f"-mcpu={cpu.upper()}",
            "-fpack-struct=2",
            "-fno-crash-diagnostics",
            *_QUIET,
        )

    def own_headers(self, compiler: str) -> str | None:
        folder = first_line([compiler, "-print-resource-dir"])
        return f"{folder}/include" if folder else None

    @property
    def extra_objects(self) -> tuple[str, ...]:
        return ("floats.gc.o",)


def installed_clangs() -> tuple[ClangToolchain, ...]:
    """A toolchain ``clang-N`` for every release on PATH, newest first."""
    return tuple(ClangToolchain(n, name=f"clang-{n}") for n in RELEASES if shutil.which(f"clang-{n}"))


def release_named(name: str) -> ClangToolchain | None:
    """The toolchain that ``clang-N`` means, installed or not; None for another name."""
    release = release_of(name)
    return ClangToolchain(release[1], name=name) if release else None


def _newest() -> str | None:
    paths = (shutil.which(name) for name in (*(f"clang-{release}" for release in RELEASES), "clang"))
    return next((path for path in paths if path and _has_m68k(path)), None)


def _release_of(clang: str) -> int | None:
    match = re.search(r"version (\d+)\.", first_line([clang, "--version"]) or "")
    return int(match[1]) if match else None


def _has_m68k(clang: str) -> bool:
    """Whether this clang has the m68k back end, which is experimental and left out of most vendors' builds."""
    return first_line([clang, "--target=m68k-unknown-linux-gnu", "-print-supported-cpus"]) is not None
