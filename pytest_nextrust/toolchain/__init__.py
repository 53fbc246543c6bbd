"""Finding compilers, and building C, assembly and Rust into NeXT m68k Mach-O. Re-exports the package's public names."""

from __future__ import annotations

from pytest_nextrust.toolchain.interface import (
    LANGUAGES,
    OPTIMISE,
    SUFFIXES,
    BuildRequest,
    BuildResult,
    Probe,
    Toolchain,
    language_of,
)
from pytest_nextrust.toolchain.registry import DEFAULTS, ToolchainConfig, named, resolve, toolchains

__all__ = [
    "DEFAULTS",
    "LANGUAGES",
    "OPTIMISE",
    "SUFFIXES",
    "BuildRequest",
    "BuildResult",
    "Probe",
    "Toolchain",
    "ToolchainConfig",
    "language_of",
    "named",
    "resolve",
    "toolchains",
]
