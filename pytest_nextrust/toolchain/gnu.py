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
    """GNU C and GNU as: the compiler at ``path``, or the one on PATH."""

    languages = frozenset({"c", "asm"})
    package = "gcc-m68k-linux-gnu"

    def __init__(self, path: str | None = None, *, name: str = "gnu") -> None:
        super().__init__()
        self.name = name
        self.driver = path or PREFIX + "gcc"

    def find(self) -> str | None:
        path = shutil.which(self.driver)
        if self.driver == PREFIX + "gcc":
            return path
        machine = first_line([path, "-dumpmachine"]) if path else None
        return path if machine and machine.startswith("m68k") else None

    def target(self, cpu: str) -> tuple[str, ...]:
        return (f"-m{cpu[1:]}",)

    @property
    def hosted(self) -> tuple[str, ...]:
        # Else GNU C puts main into a section apart, away from the functions it is written among.
        return (*HOSTED, "-fno-reorder-functions")

    def own_headers(self, compiler: str) -> str | None:
        return first_line([compiler, "-print-file-name=include"])
