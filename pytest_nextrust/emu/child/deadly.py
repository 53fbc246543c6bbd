"""Words that end the emulator's process as soon as it translates them, executed or not, and where they are in code.

They are the conditional instructions of the floating-point unit whose condition is above 0x1f, of which no CPU has one.
The emulator reads past the end of an instruction that it takes for a shorter one, and translates what a jump to an odd
address leads to; so what it comes across need not be an instruction of the program, and any place in executable memory
counts.

Boundary: searches bytes; ``cpu`` has the emulator stop in front of what is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["deadly_places"]

_ABOVE = re.escape(bytes(low for low in range(256) if low & 0x20))
_DEADLY = re.compile(rb"\xf2(?=[\xa0-\xbf\xe0-\xff]|[\x40-\x7c].[" + _ABOVE + rb"])", re.DOTALL)
"""FBcc, which has its condition in the opcode; FScc, FDBcc and FTRAPcc, which have it in the next word."""


def deadly_places(regions: Iterable[tuple[int, bytes]]) -> frozenset[int]:
    """The addresses of such words, odd ones too, in regions given by address and content."""
    return frozenset(start + match.start() for start, data in regions for match in _DEADLY.finditer(data))
