"""The emulator's library, typed as what it is to a type checker: unknown.

Unicorn ships annotations for Python 2's half of its bindings; what this package calls is not in them. Boundary: the one
place that imports it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import unicorn
from unicorn import m68k_const, unicorn_const
from unicorn.unicorn_py3 import unicorn as binding

__all__ = ["LIBRARY", "Uc", "UcError", "address", "function", "m68k", "uc"]

LIBRARY: Any = unicorn
Uc: Any = LIBRARY.Uc
UcError: type[Exception] = LIBRARY.UcError
m68k: Any = m68k_const
uc: Any = unicorn_const
_loaded: Any = binding


def function(name: str) -> Any:
    """A function of the C library that the binding has loaded."""
    return getattr(_loaded.uclib, name)


def address(name: str) -> int:
    """Where that function is, for callbacks that are not Python's."""
    return int(ctypes.cast(function(name), ctypes.c_void_p).value or 0)
