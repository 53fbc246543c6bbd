"""The linker: m68k objects of Mach-O and ELF, alone and in archives, into a NeXT executable."""

from __future__ import annotations

from pytest_nextrust.linker.files import defined_names, is_macho, object_from_elf
from pytest_nextrust.linker.program import Linked, LinkInput, link_program
from pytest_nextrust.linker.write_object import write_object

__all__ = [
    "LinkInput",
    "Linked",
    "defined_names",
    "is_macho",
    "link_program",
    "object_from_elf",
    "write_object",
]
