"""Where the compiled part is, and why it is not used where it is not.

It is one shared library without a Python interface, loaded by ``ctypes``: built when the package is installed where a C
compiler is, and part of the wheels of platforms that have one. ``NEXTRUST_NATIVE=0`` leaves it out, which is how the
two ways are compared.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import cache
from pathlib import Path

__all__ = ["FILE", "SOURCES", "core", "digest", "state"]

SOURCES = tuple(Path(__file__).with_name(name) for name in ("core.c", "hashes.c", "hashes.h", "search.c"))
FILE = Path(__file__).with_name("core.so")

AGAIN = "install the package again"


@cache
def _loaded() -> tuple[ctypes.CDLL | None, str]:
    if os.environ.get("NEXTRUST_NATIVE") == "0":
        return None, "left out by NEXTRUST_NATIVE=0"
    if not FILE.exists():
        return None, "not built: put a C compiler (cc) on PATH and " + AGAIN
    try:
        library = ctypes.CDLL(str(FILE))
        library.nextrust_core_source.restype = ctypes.c_char_p
        source = library.nextrust_core_source()
    except (OSError, AttributeError) as error:
        return None, f"cannot be loaded ({error}): {AGAIN}"
    if source != digest().encode():
        return None, "of another source: " + AGAIN
    return library, "in use"


@cache
def digest() -> str:
    """The hash of the sources, by which a library built from them is known."""
    return hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()


def core() -> ctypes.CDLL | None:
    """The library, or None; ``state`` says why."""
    return _loaded()[0]


def state() -> str:
    """Whether the compiled part is used; if not, why, and what to do about it."""
    return _loaded()[1]
