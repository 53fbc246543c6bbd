"""A file as plain values, for ``nextrust inspect``: everything in it, and what is wrong with it.

Rows (symbols, relocations, members) are bounded, because each costs many times its bytes in the file; what is left
out is counted under ``omitted``. Names are taken as the file has them. Integers everywhere: no formatted numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from pytest_nextrust.base.rust_names import beside
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.check import Opened, check, open_members
from pytest_nextrust.macho.commands import (
    FvmfileCommand,
    FvmlibCommand,
    IdentCommand,
    LoadCommand,
    Section,
    Segment,
    SymsegCommand,
    SymtabCommand,
    ThreadCommand,
    ThreadState,
)
from pytest_nextrust.macho.containers import Archive, ArchiveMember, FatFile
from pytest_nextrust.macho.defects import Defect
from pytest_nextrust.macho.model import MachFile, Relocation, Symbol

__all__ = ["DEFAULT_ROWS", "describe"]

DEFAULT_ROWS = 10_000
"""Symbols, relocations and members described in all."""

_TEXT_PER_ROW = 200


class _Rows:
    """How many rows, and how many characters of names in them, may still be described."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.text = rows * _TEXT_PER_ROW

    def spent(self) -> bool:
        return self.rows <= 0 or self.text <= 0

    def take(self, text: str) -> None:
        self.rows -= 1
        self.text -= len(text)


def describe(file: MachFile | FatFile | Archive, *, cpu: str | None = None, rows: int = DEFAULT_ROWS) -> dict[str, Any]:
    """Plain values for ``file``: the fields of an ``inspect`` answer, without what only the caller knows.

    Raises UsageFault for an unknown CPU.
    """
    defects = check(file, cpu=cpu)
    budget = _Rows(rows)
    if isinstance(file, MachFile):
        return {**_thin(file, budget), "defects": [_defect(d) for d in defects]}
    return {
        "container": "fat" if isinstance(file, FatFile) else "archive",
        **_header(None),
        **_nothing(),
        **_members(file, defects, budget),
        "defects": [_defect(d) for d in defects],
    }


def _members(file: FatFile | Archive, defects: Sequence[Defect], budget: _Rows) -> dict[str, Any]:
    """``members`` and, for an archive, ``table_of_contents``; each member with the defects inside its bytes."""
    offsets = [defect.offset for defect in defects]
    members: list[dict[str, Any]] = []
    total = len(file.members)
    if isinstance(file, Archive):
        total -= sum(1 for member in file.members[:1] if member.table_of_contents)
    for opened in open_members(file):
        if budget.spent():
            break
        budget.take(opened.label)
        start = opened.member.offset if not isinstance(opened.member, ArchiveMember) else opened.member.start
        start += 0 if isinstance(file, FatFile) else file.offset
        inside = defects[bisect_left(offsets, start) : bisect_left(offsets, start + opened.member.size)]
        members.append({**_member(opened, start, defects, budget), "defects": [_defect(d) for d in inside]})
    out: dict[str, Any] = {
        "members": members,
        "omitted": {"symbols": 0, "relocations": 0, "members": total - len(members)},
    }
    if isinstance(file, Archive) and file.table_of_contents is not None:
        entries = []
        for entry in file.table_of_contents:
            if budget.spent():
                break
            budget.take(entry.name)
            entries.append({"name": entry.name, "offset": entry.offset})
        out["table_of_contents"] = entries
    return out


def _member(opened: Opened, start: int, defects: Sequence[Defect], budget: _Rows) -> dict[str, Any]:
    head: dict[str, Any] = {"name": opened.label, "offset": start, "size": opened.member.size, "fault": opened.fault}
    if isinstance(opened.content, MachFile):
        return {**head, **_thin(opened.content, budget)}
    if not isinstance(opened.member, ArchiveMember):
        head |= {"cputype": opened.member.cputype, "cpusubtype": opened.member.cpusubtype}
    if isinstance(opened.content, Archive):
        return {**_header(None), **head, "container": "archive", **_members(opened.content, defects, budget)}
    return {**_header(opened.foreign), **head}


def _header(file: MachFile | None) -> dict[str, Any]:
    if file is None:
        return {"filetype": None, "filetype_name": None, "cputype": None, "cpusubtype": None, "flags": None}
    return {
        "filetype": file.filetype,
        "filetype_name": lay.FILETYPES.get(file.filetype),
        "cputype": file.cputype,
        "cpusubtype": file.cpusubtype,
        "flags": file.flags,
    }


def _nothing() -> dict[str, Any]:
    return {"entry": None, "thread": None, "load_commands": [], "segments": [], "symbols": [], "relocations": []}


def _thin(file: MachFile, budget: _Rows) -> dict[str, Any]:
    symbols = []
    for symbol in file.symbols:
        if budget.spent():
            break
        budget.take(symbol.name)
        symbols.append(_symbol(symbol))
    relocations: list[dict[str, Any]] = []
    total = 0
    for section in file.sections:
        table = file.relocations(section)
        total += len(table)
        for entry in table if not budget.spent() else ():
            if budget.spent():
                break
            row = _relocation(file, section, entry)
            budget.take(row["symbol"] or "")
            relocations.append(row)
    return {
        **_header(file),
        "entry": file.entry,
        "thread": None if file.thread is None else _thread(file.thread),
        "load_commands": [_command(command) for command in file.commands],
        "segments": [_segment(segment) for segment in file.segments],
        "symbols": symbols,
        "relocations": relocations,
        "omitted": {
            "symbols": len(file.symbols) - len(symbols),
            "relocations": total - len(relocations),
            "members": 0,
        },
    }


def _thread(thread: ThreadState) -> dict[str, Any]:
    return {
        "d": list(thread.d),
        "a": list(thread.a),
        "sr": thread.sr,
        "pc": thread.pc,
        "flavours": list(thread.flavours),
        "fp": [register.hex() for register in thread.fp],
        "fpcr": thread.fpcr,
        "fpsr": thread.fpsr,
        "fpiar": thread.fpiar,
        "user_register": thread.user_register,
    }


def _command(command: LoadCommand) -> dict[str, Any]:
    out: dict[str, Any] = {
        "offset": command.place,
        "cmd": command.cmd,
        "name": command.name,
        "size": command.cmdsize,
    }
    match command.detail:
        case Segment(name=name, nsects=nsects):
            out |= {"segment": name, "sections": nsects}
        case SymtabCommand(symoff, nsyms, stroff, strsize):
            out |= {"symoff": symoff, "nsyms": nsyms, "stroff": stroff, "strsize": strsize}
        case SymsegCommand(offset, size):
            out |= {"symseg_offset": offset, "symseg_size": size}
        case ThreadCommand(flavours=flavours):
            out |= {"flavours": [{"flavour": f.flavour, "name": f.name, "count": f.count} for f in flavours]}
        case FvmlibCommand(name, minor, address):
            out |= {"library": name, "minor_version": minor, "header_addr": address}
        case FvmfileCommand(name, address):
            out |= {"file": name, "header_addr": address}
        case IdentCommand(strings):
            out |= {"strings": list(strings)}
    return out


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "vmaddr": segment.vmaddr,
        "vmsize": segment.vmsize,
        "fileoff": segment.fileoff,
        "filesize": segment.filesize,
        "initprot": segment.initprot,
        "maxprot": segment.maxprot,
        "flags": segment.flags,
        "sections": [_section(section) for section in segment.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "name": section.sectname,
        "segment": section.segname,
        "addr": section.addr,
        "size": section.size,
        "offset": section.offset,
        "align": section.align,
        "reloff": section.reloff,
        "nreloc": section.nreloc,
        "flags": section.flags,
        "type": lay.SECTION_TYPES.get(section.flags & lay.SECTION_TYPE),
    }


def _symbol(symbol: Symbol) -> dict[str, Any]:
    plain = {
        "name": symbol.name,
        "value": symbol.value,
        "type": symbol.type,
        "kind": symbol.kind,
        "external": symbol.external,
        "sect": symbol.sect,
        "desc": symbol.desc,
    }
    return beside(plain, "name")


def _relocation(file: MachFile, section: Section, entry: Relocation) -> dict[str, Any]:
    target: str | None = None
    if entry.extern and entry.symbolnum < len(file.symbols):
        target = file.symbols[entry.symbolnum].name
    elif not entry.extern and not entry.scattered and 0 < entry.symbolnum <= len(file.sections):
        target = str(file.sections[entry.symbolnum - 1])
    return {
        "section": str(section),
        "offset": entry.place,
        "address": entry.address,
        "length": entry.length,
        "pcrel": entry.pcrel,
        "extern": entry.extern,
        "type": entry.type,
        "scattered": entry.scattered,
        "symbolnum": entry.symbolnum,
        "value": entry.value,
        "symbol": target,
    }


def _defect(defect: Defect) -> dict[str, Any]:
    return {
        "id": defect.id,
        "severity": defect.severity,
        "offset": defect.offset,
        "message": defect.message,
        "remedy": defect.remedy,
    }
