"""The names that C and assembler symbols have in a NeXT symbol table.

Source: the symbol tables of programs and objects that NeXT's compilers made.
"""

from __future__ import annotations

__all__ = ["BARE_NAMES", "next_name"]

BARE_NAMES = frozenset({"start", "cerror"})
"""Assembler labels of NeXT's start code and system call stubs: the symbols without a leading underscore."""


def next_name(name: str) -> str:
    """The name a C or assembler name has in a NeXT symbol table."""
    return name if name in BARE_NAMES else "_" + name
