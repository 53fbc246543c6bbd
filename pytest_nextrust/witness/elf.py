"""Memory as a static m68k ELF executable: what qemu-m68k loads to have the guest's pages at their addresses.

Boundary: program headers only. Nothing of it is executed from its entry: whoever runs it sets the registers.
Source: System V ABI (ELF), its m68k supplement.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from pytest_nextrust.emu.memory import PAGE
from pytest_nextrust.witness.engine import Piece

__all__ = ["to_elf"]

IDENT = b"\x7fELF\x01\x02\x01" + bytes(9)
"""32 bits, big-endian, current."""
EXECUTABLE, M68K, LOAD = 2, 4, 1
READ_WRITE_EXECUTE = 7
HEADER, ENTRY = 52, 32


def to_elf(pieces: Sequence[Piece], end: int, entry: int) -> bytes:
    """A file that maps these pieces, the gaps between them, and all up to ``end``, readable, writable and executable.

    ``pieces`` are whole pages in the order of their addresses, and do not overlap.
    """
    offset = -(-(HEADER + ENTRY * len(pieces)) // PAGE) * PAGE
    table, body = b"", b""
    for at, piece in enumerate(pieces):
        stop = pieces[at + 1].address if at + 1 < len(pieces) else max(end, piece.address + piece.size)
        data = piece.data.rstrip(b"\0")
        here = offset + len(body)
        sizes = (len(data), stop - piece.address)
        table += struct.pack(">8I", LOAD, here, piece.address, piece.address, *sizes, READ_WRITE_EXECUTE, PAGE)
        body += data + bytes(-len(data) % PAGE)
    fields = (EXECUTABLE, M68K, 1, entry, HEADER, 0, 0, HEADER, ENTRY, len(pieces), 40, 0, 0)
    return (IDENT + struct.pack(">HHIIIIIHHHHHH", *fields) + table).ljust(offset, b"\0") + body
