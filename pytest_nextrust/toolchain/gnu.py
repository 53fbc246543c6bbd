"""The ``gnu`` toolchain: GNU C and assembly by m68k-linux-gnu-gcc.

The compiler is the one Linux distributions ship for m68k-linux; its defaults agree with NeXT's on what matters inside a
program: 2-byte alignment of everything, arguments on the stack, the same registers preserved.
"""

from __future__ import annotations

import shutil

from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.cruntime import HOSTED, PREFIX
from pytest_nextrust.toolchain.tool_runner import first_line

__all__ = ["GnuToolchain"]


class GnuToolchain(CToolchain):
    """GNU C and GNU as."""

    name = "gnu"
    languages = frozenset({"c", "asm"})
    driver = PREFIX + "gcc"
    package = "gcc-m68k-linux-gnu"

    def find(self) -> str | None:
        return shutil.which(PREFIX + "gcc")

    def target(self, cpu: str) -> tuple[str, ...]:
        return (f"-m{cpu[1:]}",)

    @property
    def hosted(self) -> tuple[str, ...]:
        # Else GNU C puts main into a section apart, away from the functions it is written among.
        return (*HOSTED, "-fno-reorder-functions")

    def own_headers(self, compiler: str) -> str | None:
        return first_line([compiler, "-print-file-name=include"])
