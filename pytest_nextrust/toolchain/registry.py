"""Which toolchains there are, and which one builds a program.

The real compiler for a language is used where it is found; where it is not, a program shipped with its scenario stands
in. A toolchain that was asked for by name is used or its absence reported: nothing stands in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ToolchainMissing, UsageFault
from pytest_nextrust.toolchain.clang import ClangToolchain
from pytest_nextrust.toolchain.gnu import GnuToolchain
from pytest_nextrust.toolchain.records import LANGUAGES, Toolchain
from pytest_nextrust.toolchain.rust import RustToolchain

__all__ = ["DEFAULTS", "ToolchainConfig", "resolve", "toolchains"]

DEFAULTS = {"c": "gnu", "asm": "gnu", "rust": "rust"}
"""The toolchain that builds a language where nobody says which."""


@dataclass(frozen=True, slots=True)
class ToolchainConfig:
    root: Path | None = None


def toolchains(config: ToolchainConfig | None = None) -> dict[str, Toolchain]:
    """Every toolchain by name, freshly made: what each finds on this machine is looked up once per object."""
    return {"gnu": GnuToolchain(), "clang": ClangToolchain(), "rust": RustToolchain()}


def resolve(language: str, wanted: str | None = None, config: ToolchainConfig | None = None) -> Toolchain:
    known = toolchains(config)
    return known[wanted or DEFAULTS[language]]
