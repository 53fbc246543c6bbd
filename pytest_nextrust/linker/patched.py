"""The instruction that a relocation entry would patch: what a defect of an entry means for the program.

Boundary: presentation only. Code is decoded from the nearest symbol in front of the field; where that does not lead to
an instruction which holds the field, the words at the field are shown instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble, words
from pytest_nextrust.macho import Archive, Defect, FatFile, MachFile, Section
from pytest_nextrust.macho import layout as lay

__all__ = ["patched", "with_instructions"]

_LONGEST = 24
_SHOWN = 100
"""Defects that get their instruction; the others are more of the same."""
_MEMBERS = 4096
_FAR = 0x4000
"""Bytes in front of a field that are decoded at most."""


def patched(file: MachFile, section: Section, address: int, cpu: str = "m68040") -> str:
    """What a field at ``address`` of a section belongs to: instruction and place; of data, its word and place."""
    content = bytes(file.section_bytes(section))
    where = file.describe(section.addr + address) or f"{section}+0x{address:x}"
    if not 0 <= address < len(content):
        return ""
    if section.sectname != "__text":
        return f"{words(content[address : address + 4])} at {where} in {section}"
    found = file.symbol_at(section.addr + address)
    at = address - found[1] if found is not None else 0
    while address - _FAR <= at <= address:
        instruction = decode(content[at : at + _LONGEST], section.addr + at)
        if instruction is None:
            break
        if address < at + instruction.length:
            text = disassemble(content[at : at + instruction.length], section.addr + at, cpu)
            place = file.describe(section.addr + at) or f"{section}+0x{at:x}"
            return f"{text} at {place}"
        at += instruction.length
    return f"{words(content[address & ~1 : (address & ~1) + 4])} at {where}"


def with_instructions(file: MachFile | FatFile | Archive, defects: Sequence[Defect]) -> Iterator[tuple[Defect, str]]:
    """Each defect, and of one of a relocation entry what the entry would patch, else nothing."""
    wanted = [d for d in defects if d.id.startswith("relocation-")][:_SHOWN]
    found: dict[int, str] = {}
    for thin in _thin(file) if wanted else ():
        for section in thin.sections:
            table = thin.relocations(section)
            first = thin.offset + table.offset
            for defect in wanted:
                index = (defect.offset - first) // table.record.size
                if defect.offset >= first and index < len(table):
                    found.setdefault(defect.offset, patched(thin, section, table[index].address))
    for defect in defects:
        yield defect, found.get(defect.offset, "") if defect.id.startswith("relocation-") else ""


def _thin(file: MachFile | FatFile | Archive) -> Iterator[MachFile]:
    from pytest_nextrust.macho.check import open_members

    if isinstance(file, MachFile):
        if file.cputype == lay.CPU_TYPE_MC680X0:
            yield file
        return
    for number, opened in enumerate(open_members(file)):
        if number == _MEMBERS:
            return
        if opened.content is not None:
            yield from _thin(opened.content)
