"""What can be wrong with a file: one row per kind of defect, and the collector that ``check`` fills.

An error is what the NeXT kernel or linker refuses, or loads as something else than the file means; an oddity they
take is a warning. ``linker`` kinds are errors in an object, which the linker reads, and warnings in a file that only
the kernel reads.

Sources: NeXT ``ld`` and ``lipo`` messages as documented in NEXTSTEP 3.3 Development Tools; the Mach 2.5 and OPENSTEP
4.2 m68k kernels' loaders; NeXT ``mach-o/loader.h``, ``reloc.h``, ``nlist.h``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeVar

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = ["DEFECT_LIMIT", "KINDS", "WORK_LIMIT", "Defect", "DefectKind", "Reporter", "WorkSpent"]

T = TypeVar("T")

DEFECT_LIMIT: Final = 500
"""Defects of one kind that are listed one by one; the last entry counts the others."""

WORK_LIMIT: Final = 2_000_000
"""What one check does at most, in units of under a microsecond: a symbol, a relocation, an entry of a table is one."""

_DEFECT_WORK = 1

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect: ``offset`` is the place in the outermost file, in bytes."""

    id: str
    severity: Severity
    offset: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DefectKind:
    """A kind of defect: what it means and what to do about it."""

    id: str
    severity: Literal["error", "warning", "linker"]
    meaning: str
    remedy: str


def _table(*rows: tuple[str, Literal["error", "warning", "linker"], str, str]) -> dict[str, DefectKind]:
    return {row[0]: DefectKind(*row) for row in rows}


KINDS: Final = _table(
    # fat files and archives
    ("fat-empty", "error", "A fat header without members.", "put at least one m68k file in it"),
    ("fat-truncated", "error", "A fat header claims more members than the file holds.", "get the whole file"),
    ("fat-too-many", "error", "More members than there are CPUs; the others are not looked at.",
     "rebuild the fat file"),
    ("fat-swapped", "warning", "A byte-swapped fat header: the kernel takes it, other tools may not.",
     "write it big-endian"),
    ("fat-member-outside", "error", "A member reaches past the end of the file.", "get the whole file, or rebuild it"),
    ("fat-member-overlap", "error", "A member shares bytes with another; it is not looked into.",
     "rebuild the fat file"),
    ("fat-member-misaligned", "error", "A member's offset is no multiple of its alignment, an executable's of 8 KiB.",
     "align members to 2^13"),
    ("fat-member-mismatch", "error", "A member's own header names another CPU than its fat entry.",
     "rebuild the fat file"),
    ("fat-member-duplicate", "warning", "A second member for the same CPU: the kernel never takes it.",
     "keep one of them"),
    ("member-unreadable", "error", "A member that begins like a Mach-O cannot be described.", "rebuild the member"),
    ("no-member-for-cpu", "error", "No member of a fat file runs on the CPU.", "add a member for it, or for subtype 1"),
    ("archive-header", "error", "A member header without its terminator or with a size that is no number.",
     "rebuild the archive"),
    ("archive-truncated", "error", "A member reaches past the end of the archive.", "get the whole archive"),
    ("archive-member-other", "warning", "A member that is not a Mach-O.", "keep only objects in the archive"),
    ("ranlib-missing", "error", "No __.SYMDEF in front: the linker cannot load from the archive.",
     "run ranlib on the archive"),
    ("ranlib-bad", "error", "The table of contents is cut off, or an entry leads nowhere.", "run ranlib again"),
    ("not-looked-further", "error", "The file is more than one check looks at; what follows was not looked at.",
     "split the file"),
    # header and commands
    ("wrong-cputype", "error", "The file is not for the MC680x0 (CPU type 6).", "build for m68k"),
    ("wrong-cpusubtype", "error", "A CPU subtype that is unknown, or that the cell's CPU does not run.",
     "build for subtype 1 (all), or for the cell's CPU"),
    ("unknown-filetype", "error", "A file type other than 1 to 5.", "write MH_OBJECT or MH_EXECUTE"),
    ("unknown-flags", "warning", "Header flags that NEXTSTEP 3.3 does not have.", "set MH_NOUNDEFS only"),
    ("commands-outside-file", "error", "The load commands reach past the end of the file.", "get the whole file"),
    ("command-count", "error", "The header counts more commands than its sizeofcmds holds.", "correct ncmds"),
    ("commands-slack", "warning", "Bytes are left in sizeofcmds behind the last command.", "correct sizeofcmds"),
    ("too-many-commands", "error", "More load commands than any real file has; the others are not looked at.",
     "write fewer commands"),
    ("bad-cmdsize", "error", "A command's size is under 8 bytes or reaches past the commands.", "correct cmdsize"),
    ("misaligned-cmdsize", "error", "A command's size is no multiple of 4.", "pad the command to 4 bytes"),
    ("command-too-short", "error", "A command is shorter than its own structure.", "correct cmdsize"),
    ("unknown-command", "error", "A command that NEXTSTEP 3.3 does not have: what it asks for will not happen.",
     "leave it out; NEXTSTEP 3.3 has no dynamic linker"),
    ("duplicate-symtab", "error", "More than one LC_SYMTAB.", "write one symbol table"),
    ("bad-command-string", "error", "A library or file name begins or ends outside its command.",
     "put the NUL-terminated name inside the command"),
    ("symseg-obsolete", "warning", "LC_SYMSEG is obsolete.", "leave it out"),
    ("symseg-outside-file", "error", "The symbol segment reaches past the end of the file.", "get the whole file"),
    # thread and entry
    ("no-thread", "error", "A program without LC_UNIXTHREAD or LC_THREAD: it has no entry point.",
     "write one LC_UNIXTHREAD"),
    ("thread-not-unix", "warning", "A program with LC_THREAD only gets no UNIX stack.", "write LC_UNIXTHREAD"),
    ("duplicate-thread", "error", "More than one LC_UNIXTHREAD.", "write one"),
    ("thread-truncated", "error", "A thread state reaches past its command.", "correct its count or cmdsize"),
    ("thread-flavour", "error", "A thread state of a flavour the m68k kernel does not have.", "use 1, 2 or 3"),
    ("thread-count", "error", "A thread state shorter than its flavour needs.", "write the whole state"),
    ("thread-no-registers", "error", "A program's thread has no general registers, so no entry.",
     "write flavour 1 with 18 words"),
    ("entry-outside", "error", "The entry is in no executable segment.", "start in __TEXT"),
    ("entry-odd", "error", "The entry is at an odd address.", "start at an even address"),
    ("entry-outside-section", "warning", "The entry is in executable memory and in no section.",
     "start in __TEXT,__text"),
    ("stack-odd", "error", "The initial stack pointer is odd.", "use an even one, or 0 for the kernel's choice"),
    ("stack-low", "error", "The initial stack pointer leaves no room for the stack above page 0.",
     "use 0 for the kernel's choice, or a higher one"),
    # segments and sections
    ("segment-outside-file", "error", "A segment's bytes reach past the end of the file.",
     "get the whole file, or correct fileoff and filesize"),
    ("segment-wraps", "error", "A segment reaches past 4 GiB.", "place it lower"),
    ("segment-misaligned", "error", "A segment's address or file offset is no multiple of 8 KiB.",
     "align segments to 0x2000 in memory and file"),
    ("segment-overlap", "error", "Two segments share a page of memory.", "move one of them"),
    ("segment-file-overlap", "warning", "Two segments share bytes of the file.", "write each segment's bytes once"),
    ("segment-filesize", "error", "A segment has more bytes in the file than in memory.", "correct vmsize"),
    ("segment-protection", "error", "A protection beyond rwx, or initially more than its maximum.",
     "use 0..7, initprot within maxprot"),
    ("segment-page-zero", "warning", "A segment makes page 0 accessible: null pointers will not fault.",
     "begin at 0x2000"),
    ("segment-on-stack", "warning", "A segment lies where the stack goes.", "place it elsewhere, or set a7"),
    ("segment-duplicate", "warning", "Two segments of one name.", "merge them"),
    ("section-count", "error", "An LC_SEGMENT's size does not fit its number of sections.",
     "make cmdsize 56 + 68 per section"),
    ("too-many-sections", "error", "More than 255 sections: a symbol cannot name the others.", "merge sections"),
    ("section-outside-segment", "error", "A section's addresses are not all in its segment.",
     "correct its addr and size"),
    ("section-outside-file", "error", "A section's bytes reach past the end of the file.",
     "get the whole file, or correct its offset and size"),
    ("section-offset", "error", "A section's bytes are not where its segment loads them from.",
     "make offset - fileoff equal addr - vmaddr"),
    ("section-in-headers", "error", "A section's bytes overlap the header and load commands.",
     "place it behind the load commands"),
    ("section-overlap", "error", "Two sections share addresses.", "move one of them"),
    ("section-alignment", "error", "An alignment over 2^15, the linker's greatest.", "use at most 15"),
    ("section-misaligned", "warning", "A section's address is no multiple of its alignment.", "align it"),
    ("section-segname", "warning", "A section names another segment than the one it is in.", "correct segname"),
    ("section-type", "linker", "A section type that NEXTSTEP 3.3 does not have.", "use types 0 to 5"),
    # symbols and relocations
    ("symbols-outside-file", "error", "The symbol table reaches past the end of the file.",
     "get the whole file, or correct symoff and nsyms"),
    ("strings-outside-file", "error", "The string table reaches past the end of the file.",
     "get the whole file, or correct stroff and strsize"),
    ("string-index", "error", "A symbol's name begins outside the string table.", "correct n_strx"),
    ("string-unterminated", "error", "A symbol's name has no NUL before the end of the string table.",
     "end the string table with a NUL"),
    ("symbol-type", "error", "A symbol type that nlist.h does not have.", "use N_UNDF, N_ABS, N_SECT or N_INDR"),
    ("symbol-section", "error", "A symbol names a section that is not there.", "correct n_sect"),
    ("symbol-outside-section", "warning", "A symbol's value is not in its section.", "correct n_value or n_sect"),
    ("undefined-symbol", "error", "A program with an undefined symbol: what uses it reaches address 0.",
     "link what defines it"),
    ("relocations-outside-file", "error", "A section's relocation entries reach past the end of the file.",
     "get the whole file, or correct reloff and nreloc"),
    ("relocations-overlap", "error", "A section's relocation entries are another's too; they are looked at once.",
     "give each section its own"),
    ("relocation-address", "error", "A relocated field is not all inside its section.", "correct r_address"),
    ("relocation-length", "error", "A relocated field of length 3.", "use 0, 1 or 2 (8, 16 or 32 bits)"),
    ("relocation-section", "error", "A local relocation names a section that is not there.", "correct r_symbolnum"),
    ("relocation-symbol", "error", "An external relocation names no external symbol.", "correct r_symbolnum"),
    ("relocation-value", "error", "A scattered relocation's value is in no section.", "correct r_value"),
    ("relocation-pair", "error", "A SECTDIFF without the scattered PAIR behind it, or a PAIR without the SECTDIFF.",
     "write both entries, one behind the other"),
    ("relocation-twice", "error", "Two entries patch the same byte.", "write one entry for each field"),
    ("relocation-odd", "error", "A field of 16 or 32 bits at an odd place of code, where no instruction has one.",
     "correct r_address and r_length"),
    ("relocation-elsewhere", "warning", "A local entry names one section and its field holds an address in none of it.",
     "name the section that the address is in, or write a scattered entry with the symbol's address"),
    ("relocation-type", "error", "A relocation type that no m68k tool has.", "use type 0"),
    ("relocation-later", "warning", "A PAIR or SECTDIFF relocation: the bits are reserved in NEXTSTEP 3.3.",
     "let the assembler resolve differences"),
)  # fmt: skip


class WorkSpent(Exception):
    """The work that one check may do is done. ``offset`` is where it was then."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Reporter:
    """Collects defects, at most ``DEFECT_LIMIT`` of a kind; ``linker`` kinds become what ``is_object`` says.

    It also counts the work, so that no file, however made, takes a check for ever: ``work`` units are left.
    """

    def __init__(self, work: int) -> None:
        self.work = work
        self._found: dict[str, list[Defect]] = {}
        self._beyond: dict[str, tuple[int, int]] = {}
        self.is_object = False

    def add(self, kind_id: str, offset: int, message: str, *, remedy: str = "") -> None:
        """Record one defect at ``offset`` of the outermost file. Raises WorkSpent."""
        self.spend(_DEFECT_WORK, offset)
        found = self._found.setdefault(kind_id, [])
        if len(found) >= DEFECT_LIMIT:
            count, first = self._beyond.get(kind_id, (0, offset))
            self._beyond[kind_id] = (count + 1, first)
            return
        found.append(self._make(kind_id, offset, message, remedy))

    def spend(self, units: int, offset: int) -> None:
        """Count ``units`` of work at ``offset`` of the outermost file. Raises WorkSpent where they are not left."""
        self.work -= units
        if self.work < 0:
            raise WorkSpent(offset)

    def give_up(self, offset: int, fault: str) -> None:
        """Say that nothing from ``offset`` on was looked at, and why."""
        self._found["not-looked-further"] = [self._make("not-looked-further", offset, fault, "")]

    def each(self, entries: Iterable[T], offset: int, size: int) -> Iterator[tuple[int, T]]:
        """Number ``entries`` of ``size`` bytes from ``offset`` on, a unit of work for each. Raises WorkSpent."""
        for index, entry in enumerate(entries):
            self.work -= 1
            if self.work < 0:
                raise WorkSpent(offset + index * size)
            yield index, entry

    def _make(self, kind_id: str, offset: int, message: str, remedy: str) -> Defect:
        kind = KINDS[kind_id]
        severity: Severity = "error" if kind.severity == "linker" and self.is_object else "warning"
        if kind.severity != "linker":
            severity = kind.severity
        return Defect(kind_id, severity, offset, message, remedy or kind.remedy)

    def result(self) -> tuple[Defect, ...]:
        """Everything found, by offset."""
        return tuple(sorted(self._all(), key=lambda defect: defect.offset))

    def _all(self) -> Iterator[Defect]:
        for found in self._found.values():
            yield from found
        for kind_id, (count, first) in self._beyond.items():
            yield self._make(kind_id, first, f"and {count} more of this kind, the first of them here", "")
