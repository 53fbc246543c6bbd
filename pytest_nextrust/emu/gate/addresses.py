"""Where the gate's vectors find their code, their data and their stack; every other address is unmapped.

Boundary: numbers; ``child.gate`` maps them.
"""

from __future__ import annotations

__all__ = ["BYSTANDER", "CODE", "DATA", "DATA_SIZE", "HOLE", "READ_ONLY", "STACK"]

CODE = 0x1_0000
"""The first vector's code, readable and executable."""

DATA, DATA_SIZE = 0x20_0000, 0x4000
"""Readable and writable; ``STACK`` lies in it."""

STACK = 0x20_1000
"""The stack pointer before each vector."""

READ_ONLY = 0x28_0000
"""One page that may only be read."""

HOLE = 0x30_0000
"""Nothing is mapped here."""

BYSTANDER = 0xDEAD_0000
"""What registers hold that a vector does not name, each with its number added: 0 to 7, 0x100 to 0x106."""
