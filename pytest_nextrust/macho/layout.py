"""Numbers and record shapes of NeXT's m68k Mach-O: constants only, no behaviour.

Everything is big-endian. Names keep the spelling of NeXT's headers.

Sources: NeXT ``mach-o/loader.h``, ``nlist.h``, ``reloc.h``, ``fat.h`` and ``mach/machine.h`` (NEXTSTEP 3.3), NeXT
``mach/m68k/thread_status.h``, and 4.3BSD ``ar.h``/``ranlib.h`` for archives.
"""

from __future__ import annotations

import struct
from typing import Final

PAGE: Final = 0x2000
"""Page size and segment alignment, in bytes: 8 KiB on every m68k NeXT (``ld`` PAGSIZ, ``getpagesize``)."""

STACK_TOP: Final = 0x0400_0000
"""Where a stack ends when the a7 of LC_UNIXTHREAD is 0 (OPENSTEP 4.2 kernel, ``thread_userstack``)."""

STACK_SIZE: Final = 0x8_0000
"""The stack limit, in bytes, that 4.3BSD and NeXT give a process by default (``DFLSSIZ``, 512 KiB)."""

# Magic numbers, as the bytes a file begins with.
MAGIC: Final = b"\xfe\xed\xfa\xce"
MAGIC_SWAPPED: Final = b"\xce\xfa\xed\xfe"
FAT_MAGIC: Final = b"\xca\xfe\xba\xbe"
FAT_MAGIC_SWAPPED: Final = b"\xbe\xba\xfe\xca"
ARCHIVE_MAGIC: Final = b"!<arch>\n"

CPU_TYPE_MC680X0: Final = 6
CPU_SUBTYPE_ALL: Final = 1
CPU_SUBTYPE_68040: Final = 2
CPU_SUBTYPE_68030_ONLY: Final = 3
CPU_SUBTYPES: Final[dict[int, str]] = {1: "MC680x0_ALL", 2: "MC68040", 3: "MC68030_ONLY"}
CPU_RUNS: Final[dict[str, tuple[int, ...]]] = {"m68030": (3, 1), "m68040": (2, 1)}
"""Subtypes that a CPU runs, the best first."""

CPU_TYPES: Final[dict[int, str]] = {
    1: "VAX",
    6: "MC680x0",
    7: "I386",
    10: "MC98000",
    11: "HPPA",
    13: "MC88000",
    14: "SPARC",
    15: "I860",
    18: "POWERPC",
}

MH_OBJECT: Final = 1
MH_EXECUTE: Final = 2
MH_FVMLIB: Final = 3
MH_CORE: Final = 4
MH_PRELOAD: Final = 5
FILETYPES: Final[dict[int, str]] = {
    1: "MH_OBJECT",
    2: "MH_EXECUTE",
    3: "MH_FVMLIB",
    4: "MH_CORE",
    5: "MH_PRELOAD",
}

MH_NOUNDEFS: Final = 1
MH_INCRLINK: Final = 2

LC_SEGMENT: Final = 1
LC_SYMTAB: Final = 2
LC_SYMSEG: Final = 3
LC_THREAD: Final = 4
LC_UNIXTHREAD: Final = 5
LC_LOADFVMLIB: Final = 6
LC_IDFVMLIB: Final = 7
LC_IDENT: Final = 8
LC_FVMFILE: Final = 9
LC_PREPAGE: Final = 10
COMMANDS: Final[dict[int, str]] = {
    1: "LC_SEGMENT",
    2: "LC_SYMTAB",
    3: "LC_SYMSEG",
    4: "LC_THREAD",
    5: "LC_UNIXTHREAD",
    6: "LC_LOADFVMLIB",
    7: "LC_IDFVMLIB",
    8: "LC_IDENT",
    9: "LC_FVMFILE",
    10: "LC_PREPAGE",
}
DYNAMIC_COMMANDS: Final[dict[int, str]] = {
    11: "LC_DYSYMTAB",
    12: "LC_LOAD_DYLIB",
    13: "LC_ID_DYLIB",
    14: "LC_LOAD_DYLINKER",
    15: "LC_ID_DYLINKER",
    16: "LC_PREBOUND_DYLIB",
}
"""OPENSTEP 4.x commands that only its dynamic linker serves; NEXTSTEP 3.3 has none."""

SG_HIGHVM: Final = 1
SG_FVMLIB: Final = 2
SG_NORELOC: Final = 4

SECTION_TYPE: Final = 0xFF
S_REGULAR: Final = 0
S_ZEROFILL: Final = 1
S_LITERAL_POINTERS: Final = 5
SECTION_TYPES: Final[dict[int, str]] = {
    0: "S_REGULAR",
    1: "S_ZEROFILL",
    2: "S_CSTRING_LITERALS",
    3: "S_4BYTE_LITERALS",
    4: "S_8BYTE_LITERALS",
    5: "S_LITERAL_POINTERS",
}
MAX_SECTIONS: Final = 255
"""``n_sect`` is one byte and 0 means none, so no symbol can name a section past this one (``MAX_SECT``)."""

N_EXT: Final = 0x01
N_TYPE: Final = 0x1E
N_STAB: Final = 0xE0
N_SLINE: Final = 0x44
N_SO: Final = 0x64
N_UNDF: Final = 0x0
N_ABS: Final = 0x2
N_INDR: Final = 0xA
N_SECT: Final = 0xE
SYMBOL_TYPES: Final[dict[int, str]] = {0x0: "N_UNDF", 0x2: "N_ABS", 0xA: "N_INDR", 0xE: "N_SECT"}

VM_PROT_READ: Final = 1
VM_PROT_WRITE: Final = 2
VM_PROT_EXECUTE: Final = 4

THREAD_REGS: Final = 1
THREAD_68882: Final = 2
THREAD_USER_REG: Final = 3
THREAD_COUNTS: Final[dict[int, int]] = {1: 18, 2: 28, 3: 1}
"""Thread state flavour to its least count, in 32-bit words (``mach/m68k/thread_status.h``)."""
THREAD_NAMES: Final[dict[int, str]] = {
    1: "M68K_THREAD_STATE_REGS",
    2: "M68K_THREAD_STATE_68882",
    3: "M68K_THREAD_STATE_USER_REG",
}

R_LENGTH_LONG: Final = 2
R_SCATTERED: Final = 0x8000_0000

HEADER: Final = struct.Struct(">4s6L")
"""magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags"""
LOAD_COMMAND: Final = struct.Struct(">2L")
SEGMENT: Final = struct.Struct(">2L16s8L")
"""cmd, cmdsize, segname, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags"""
SECTION: Final = struct.Struct(">16s16s9L")
"""sectname, segname, addr, size, offset, align, reloff, nreloc, flags, reserved1, reserved2"""
SYMTAB: Final = struct.Struct(">6L")
"""cmd, cmdsize, symoff, nsyms, stroff, strsize"""
SYMSEG: Final = struct.Struct(">4L")
"""cmd, cmdsize, offset, size"""
FVMLIB: Final = struct.Struct(">5L")
"""cmd, cmdsize, name offset in the command, minor_version, header_addr"""
FVMFILE: Final = struct.Struct(">4L")
"""cmd, cmdsize, name offset in the command, header_addr"""
NLIST: Final = struct.Struct(">LBBHL")
"""n_strx, n_type, n_sect, n_desc, n_value"""
RELOCATION: Final = struct.Struct(">2L")
THREAD_REGS_STATE: Final = struct.Struct(">16LHHL")
"""d0-d7, a0-a7, pad, sr, pc"""
FAT_HEADER: Final = struct.Struct(">4sL")
FAT_ARCH: Final = struct.Struct(">5L")
"""cputype, cpusubtype, offset, size, align"""
ARCHIVE_HEADER: Final = struct.Struct("16s12s6s6s8s10s2s")
"""name, date, uid, gid, mode, size, terminator: text"""


def page_up(value: int) -> int:
    """Round ``value``, in bytes, up to a whole page."""
    return (value + PAGE - 1) & -PAGE


def page_down(value: int) -> int:
    """Round ``value``, in bytes, down to a whole page."""
    return value & -PAGE
