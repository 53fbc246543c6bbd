"""Where the compiled part is, and why it is not used where it is not.

It is one shared library without a Python interface, loaded by ``ctypes``: built when the package is installed where a C
compiler is, and part of the wheels of the platforms that have one. ``NEXTRUST_NATIVE=0`` leaves it out, which is how
the two ways are compared.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

__all__ = ["FILE", "SOURCE", "core", "state"]

SOURCE = Path(__file__).with_name("core.c")
FILE = Path(__file__).with_name("core.so")


@cache
def core() -> ctypes.CDLL | None:
    """The library, or None; ``state`` says why."""
    if os.environ.get("NEXTRUST_NATIVE") == "0" or not FILE.exists():
        return None
    try:
        return ctypes.CDLL(str(FILE))
    except OSError:
        return None


def state() -> str:
    """In words, whether the compiled part is used, and if not, what to do about it."""
    if core() is not None:
        return "compiled part in use"
    if os.environ.get("NEXTRUST_NATIVE") == "0":
        return "compiled part left out by NEXTRUST_NATIVE=0"
    if not FILE.exists():
        return "no compiled part: it is built where a C compiler (cc) is found when the package is installed"
    return f"the compiled part cannot be loaded: remove {FILE} and install the package again"
