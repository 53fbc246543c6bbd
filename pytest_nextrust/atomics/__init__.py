"""Atomics: the runtimes that ship, the table of routines with their sequential meaning, and histories to explore.

The boundary: data and pure functions. Compiling and running is the toolchain's and the machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

__all__ = ["RUNTIMES", "RUNTIME_FOLDER"]

RUNTIME_FOLDER = Path(__file__).parent / "runtime"
"""The folder of the shipped runtimes and their headers."""

RUNTIMES: Mapping[str, Path] = MappingProxyType(
    {"cas": RUNTIME_FOLDER / "atomic_cas.c", "spinlock": RUNTIME_FOLDER / "atomic_spinlock.c"}
)
"""The shipped runtimes' C sources by short name."""
