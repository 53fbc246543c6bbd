"""NeXT m68k Mach-O: read, check, write. Re-exports the package's public names; the binary format stays in here."""

from __future__ import annotations

from pytest_nextrust.macho.image import Image, ImageSection, ImageSymbol
from pytest_nextrust.macho.writer import headers_size, write_executable

__all__ = ["Image", "ImageSection", "ImageSymbol", "headers_size", "write_executable"]
