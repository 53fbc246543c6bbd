"""The linker: m68k objects of Mach-O and ELF, alone and in archives, into a NeXT executable."""

from __future__ import annotations

from pytest_nextrust.linker.files import defined_names, is_macho, object_from_elf
from pytest_nextrust.linker.patched import with_instructions
from pytest_nextrust.linker.program import Linked, LinkedImage, LinkInput, link_image, link_program
from pytest_nextrust.linker.read_elf import ELF_MAGIC
from pytest_nextrust.linker.write_object import write_object

__all__ = [
    "ELF_MAGIC",
    "LinkInput",
    "Linked",
    "LinkedImage",
    "defined_names",
    "is_macho",
    "link_image",
    "link_program",
    "object_from_elf",
    "with_instructions",
    "write_object",
]
