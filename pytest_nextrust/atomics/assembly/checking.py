"""Whether the inline assembly of a runtime's C sources writes more than its outputs and clobbers say.

Each source is compiled by GNU C once more, to assembly and a dump of its last pass, whatever compiler builds the
runtime. The assembly gets a name before and after each template, so the object that is made of it shows the template's
code as the compiler has put it there, with its operands; the dump has what the compiler takes it to write.

Condition codes are left out: on the m68k GNU C expects no statement to keep them, and "cc" among the clobbers has no
effect (GCC manual, "Clobbers and Scratch Registers"; the dump is the same with and without it).

Boundary: the parent's side; compilers and files, nothing is executed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.assembly.statements import Statement, statements
from pytest_nextrust.atomics.assembly.template import Reference, TemplateCode, faults_of
from pytest_nextrust.atomics.build import Unit, compile_command
from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.toolchain.cruntime import PREFIX
from pytest_nextrust.toolchain.gnu import GnuToolchain
from pytest_nextrust.toolchain.output import workspace
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["KIND", "check_inline_assembly"]

KIND = "inline-assembly"
"""The kind of these findings."""
NOT_TOLD = "inline assembly of which not all can be told"

_BEGIN = re.compile(r'^\| (\d+) "(.*)" \d+$')
_END = '| 0 "" 2'
_MARK = "nextrust_template_"


def check_inline_assembly(
    units: Sequence[Unit], cpu: str, levels: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The findings and notes of all C sources at all levels, as answers have them; each once."""
    gnu = GnuToolchain()
    sources = [unit for unit in units if unit.source.suffix == ".c"]
    if not sources:
        return [], []
    if not gnu.probe().found:
        reason = "GNU C is not installed: inline assembly is not looked at"
        return [], [_note(unit.source.name, reason, reason) for unit in sources]
    findings: dict[str, dict[str, Any]] = {}
    notes: dict[str, dict[str, Any]] = {}
    for unit in sources:
        for level in levels:
            try:
                for statement, faults, unknown in _checked(gnu, unit, cpu, level):
                    where = f"{_shown(statement.file, unit)}:{statement.line}"
                    for fault in faults:
                        message = f"{where}: inline assembly {fault}"
                        findings.setdefault(message, _finding(statement, unit, message, level))
                    for text in unknown:
                        message = f"{where}: {text}"
                        notes.setdefault(message, _note(statement.function, message, NOT_TOLD))
            except (BuildFailed, ValueError) as error:
                reason = "inline assembly is not looked at where GNU C does not take the source, or its dump is another"
                fault = error.fault if isinstance(error, ToolchainError) else str(error)
                message = f"{unit.source}: {fault}"
                notes.setdefault(message, _note(unit.source.name, message, reason))
    return list(findings.values()), list(notes.values())


def _finding(statement: Statement, unit: Unit, message: str, level: str) -> dict[str, Any]:
    return {
        "kind": KIND,
        "routine": statement.function,
        "size": 0,
        "message": message,
        "file": _shown(statement.file, unit),
        "line": statement.line,
        "level": level,
        "trace": [],
        "token": "",
        "command": "",
    }


def _note(routine: str, message: str, reason: str) -> dict[str, Any]:
    return {"routine": routine, "message": message, "note": reason}


def _shown(file: str, unit: Unit) -> str:
    """A file's name as the user gave it, where it lies beside the source or below it."""
    folder = unit.source.absolute().parent
    path = Path(file)
    return str(unit.source.parent / path.relative_to(folder)) if path.is_relative_to(folder) else file


def _checked(gnu: GnuToolchain, unit: Unit, cpu: str, level: str) -> Iterator[tuple[Statement, list[str], list[str]]]:
    """Each statement with what is wrong and what is not known. Raises BuildFailed, and ValueError for another dump."""
    runner = ToolRunner(gnu.name)
    source = unit.source.absolute()
    with workspace(gnu.name) as folder:
        dump, assembly, marked, out = (folder / name for name in ("final", "code.s", "marked.s", "code.o"))
        base = compile_command(gnu, cpu, level)
        command = [*base, "-g0", "-ffunction-sections", *unit.flags, f"-fdump-rtl-final={dump}", "-S", str(source)]
        runner.run([*command, "-o", str(assembly)], cwd=Path.cwd(), place=str(unit.source))
        found = list(statements(dump.read_text("utf-8", "replace"))) if dump.is_file() else []
        text, lines = _with_marks(assembly.read_text("utf-8", "replace"))
        if lines != [statement.line for statement in found]:
            raise ValueError(f"the dump has {len(found)} templates where the code has {len(lines)}")
        if not found:
            return
        marked.write_text(text, encoding="utf-8", errors="replace")
        runner.run([PREFIX + "as", f"-m{cpu[1:]}", "-o", str(out), str(marked)], cwd=folder, place=str(unit.source))
        yield from _of_object(out.read_bytes(), found)


def _with_marks(assembly: str) -> tuple[str, list[int]]:
    """The assembly with a name before and after each template, and the templates' lines."""
    out: list[str] = []
    lines: list[int] = []
    inside = False
    for text in assembly.splitlines():
        begin = _BEGIN.match(text) if not inside else None
        if begin is not None:
            out += [text, f"{_MARK}{len(lines)}:"]
            lines.append(int(begin[1]))
            inside = True
        elif inside and text == _END:
            out += [f"{_MARK}{len(lines) - 1}_end:", text]
            inside = False
        else:
            out.append(text)
    return "\n".join(out) + "\n", lines


def _of_object(data: bytes, found: Sequence[Statement]) -> Iterator[tuple[Statement, list[str], list[str]]]:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(data))
    table: Any = elf.get_section_by_name(".symtab")
    symbols = list(table.iter_symbols())
    home = {
        symbol.name: (symbol["st_shndx"], symbol["st_value"])
        for symbol in symbols
        if symbol.name and isinstance(symbol["st_shndx"], int)
    }
    names = {number: elf.get_section(number).name for number, _ in home.values()}
    address_of: dict[str, Reference] = {symbol.name: (symbol.name, 0) for symbol in symbols if symbol.name}
    address_of |= {name: (names[section], value) for name, (section, value) in home.items()}
    for number, statement in enumerate(found):
        (section, start), (_, end) = home[f"{_MARK}{number}"], home[f"{_MARK}{number}_end"]
        code = elf.get_section(section).data()[start:end]
        references = _references(elf, section, start, end, symbols, names)
        yield statement, *faults_of(TemplateCode(code, references), statement, address_of)


def _references(
    elf: Any, section: int, start: int, end: int, symbols: Sequence[Any], names: dict[int, str]
) -> dict[int, Reference]:
    table = elf.get_section_by_name(f".rela{elf.get_section(section).name}")
    found = {}
    for relocation in table.iter_relocations() if table else ():
        if start <= relocation["r_offset"] < end:
            symbol, addend = symbols[relocation["r_info_sym"]], relocation["r_addend"]
            place = symbol["st_shndx"]
            if isinstance(place, int):
                name = names.get(place) or elf.get_section(place).name
                found[relocation["r_offset"] - start] = (name, symbol["st_value"] + addend)
            else:
                found[relocation["r_offset"] - start] = (symbol.name, addend)
    return found
