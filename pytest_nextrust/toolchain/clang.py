"""The ``clang`` toolchain: C by LLVM's m68k back end, linked by GNU ld.

LLVM generates no FPU code for these CPUs: floating point goes through libgcc's software routines, which answer in
d0:d1, and a few conversions of our own where libgcc answers in fp0. clang 19 takes 4 bytes as the alignment of int in
structs, against the m68k convention and its own back end's data layout; ``-fpack-struct=2`` restores NeXT's layouts.
"""

from __future__ import annotations

import shutil

from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.tool_runner import first_line

__all__ = ["NEWEST", "ClangToolchain"]

NEWEST = range(30, 16, -1)
"""Releases that are looked for, newest first; older ones have no usable m68k back end."""

# Said of every atomic access: LLVM believes that these CPUs have no lock-free ones.
_QUIET = ("-Wno-atomic-alignment",)


class ClangToolchain(CToolchain):
    """C by clang."""

    name = "clang"
    languages = frozenset({"c"})
    driver = "clang"
    package = "clang-19 gcc-m68k-linux-gnu"

    def find(self) -> str | None:
        for name in (*(f"clang-{release}" for release in NEWEST), "clang"):
            path = shutil.which(name)
            if path and _has_m68k(path):
                return path
        return None

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


def _has_m68k(clang: str) -> bool:
    """Whether this clang has the m68k back end, which is experimental and left out of most vendors' builds."""
    return first_line([clang, "--target=m68k-unknown-linux-gnu", "-print-supported-cpus"]) is not None
