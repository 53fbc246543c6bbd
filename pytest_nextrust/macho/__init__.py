"""NeXT m68k Mach-O: read, check, write. Re-exports the package's public names; the binary format stays in here."""

from __future__ import annotations

from pytest_nextrust.macho.check import check
from pytest_nextrust.macho.commands import LoadCommand, Section, Segment, ThreadState
from pytest_nextrust.macho.containers import Archive, ArchiveMember, FatFile, FatMember
from pytest_nextrust.macho.defects import Defect
from pytest_nextrust.macho.image import Image, ImageSection, ImageSymbol
from pytest_nextrust.macho.layout import N_SLINE, N_SO
from pytest_nextrust.macho.lines import SourceLines
from pytest_nextrust.macho.model import MachFile, Relocation, Symbol
from pytest_nextrust.macho.reader import read, read_member, select_member
from pytest_nextrust.macho.writer import headers_size, write_executable

__all__ = [
    "N_SLINE",
    "N_SO",
    "Archive",
    "ArchiveMember",
    "Defect",
    "FatFile",
    "FatMember",
    "Image",
    "ImageSection",
    "ImageSymbol",
    "LoadCommand",
    "MachFile",
    "Relocation",
    "Section",
    "Segment",
    "SourceLines",
    "Symbol",
    "ThreadState",
    "check",
    "headers_size",
    "read",
    "read_member",
    "select_member",
    "write_executable",
]
