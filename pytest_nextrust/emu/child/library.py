"""The emulator's library, typed as what it is to a type checker: unknown.

Unicorn ships annotations for Python 2's half of its bindings; what this package calls is not in them. Boundary: the one
place that imports it.
"""

from __future__ import annotations

from typing import Any

import unicorn
from unicorn import m68k_const, unicorn_const

__all__ = ["LIBRARY", "Uc", "UcError", "m68k", "uc"]

LIBRARY: Any = unicorn
Uc: Any = LIBRARY.Uc
UcError: type[Exception] = LIBRARY.UcError
m68k: Any = m68k_const
uc: Any = unicorn_const
