"""The functions of a program as text that can be compared: without addresses, with labels and names.

Two builds of one source put the same function elsewhere. So a branch inside a function goes to a label, numbered from
the top, and what is called or referred to elsewhere has its symbol's name.

Boundary: a Mach-O in, lines out; nothing is judged.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from pytest_nextrust import macho
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble, words
from pytest_nextrust.macho import MachFile

__all__ = ["Line", "changed", "difference", "functions"]

_HEX = re.compile(r"\$([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction: its address, and its text; ``label`` is where it is branched to ("": nowhere)."""

    address: int
    text: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.label + ':' if self.label else '':6}{self.text}"


def functions(program: bytes, cpu: str) -> dict[str, tuple[Line, ...]]:
    """The functions of a program in the order of their addresses, by name without NeXT's underscore."""
    file = macho.select_member(macho.read(program), cpu)
    places: dict[int, str] = {}
    for symbol in file.symbols:
        section = file.section_at(symbol.value)
        if symbol.kind == "N_SECT" and section is not None and section.sectname == "__text" and symbol.name:
            places.setdefault(symbol.value, symbol.name.removeprefix("_"))
    text = next((section for section in file.sections if section.sectname == "__text"), None)
    if text is None:
        return {}
    ends = [*sorted(places), text.addr + text.size]
    data = bytes(file.section_bytes(text))
    return {
        places[start]: _lines(file, data[start - text.addr : end - text.addr], start, cpu)
        for start, end in pairwise(ends)
    }


def _lines(file: MachFile, data: bytes, start: int, cpu: str) -> tuple[Line, ...]:
    pieces: list[tuple[int, bytes, int | None]] = []
    at = 0
    while at < len(data):
        instruction = decode(data[at:], start + at)
        length = instruction.length if instruction is not None else 2
        pieces.append((start + at, data[at : at + length], None if instruction is None else instruction.target))
        at += length
    inside = {address for address, _, _ in pieces}
    targets = sorted({target for _, _, target in pieces if target in inside and target is not None})
    labels = {target: f"L{number}" for number, target in enumerate(targets, 1)}
    return tuple(
        Line(address, _text(file, code, address, target, labels, cpu), labels.get(address, ""))
        for address, code, target in pieces
    )


def _text(file: MachFile, code: bytes, at: int, target: int | None, labels: Mapping[int, str], cpu: str) -> str:
    text = disassemble(code, at, cpu)
    if text == words(code):
        return f".short {text}"
    if target is not None:
        mnemonic = text.split(" ")[0]
        return f"{mnemonic} {labels.get(target) or _name(file, target) or f'0x{target:x}'}"
    return _HEX.sub(lambda found: _named(file, found), text)


def _named(file: MachFile, found: re.Match[str]) -> str:
    return _name(file, int(found[1], 16)) or found[0]


def _name(file: MachFile, address: int) -> str:
    """The name of what is at an address; "" for a number that is none."""
    if file.section_at(address) is None:
        return ""
    near = file.symbol_at(address)
    if near is None:
        return ""
    symbol, distance = near
    return symbol.name.removeprefix("_") + (f"+{distance}" if distance else "")


def changed(before: bytes, after: bytes, cpu: str) -> list[str]:
    """The functions whose instructions differ between two programs, or that only one of them has."""
    one, other = functions(before, cpu), functions(after, cpu)
    return [name for name in {**one, **other} if _texts(one.get(name)) != _texts(other.get(name))]


def difference(before: bytes, after: bytes, function: str, cpu: str, titles: tuple[str, str]) -> list[str]:
    """The unified diff of one function."""
    one, other = (_texts(functions(program, cpu).get(function)) for program in (before, after))
    return [line.rstrip("\n") for line in difflib.unified_diff(one, other, *titles, n=3, lineterm="")]


def _texts(lines: tuple[Line, ...] | None) -> list[str]:
    return [str(line) for line in lines or ()]
