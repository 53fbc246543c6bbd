"""The code of the functions in an object: its bytes, what it calls, and what identifies it wherever it is linked.

Every function has a section of its own. Functions of the same object that it calls (methods that rustc did not expand,
at level 0) belong to its code.

Boundary: ELF in, facts out; nothing is judged. Source: System V ABI (ELF), its m68k supplement.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from elftools.elf.elffile import ELFFile

__all__ = ["Code", "Objects"]


@dataclass(frozen=True, slots=True)
class Code:
    """What a function is made of. ``parts``: (name, bytes) of its code, itself first; ``calls``: what it refers to and
    this object does not define, sorted; ``identity``: equal where the same code calls the same things."""

    parts: tuple[tuple[str, bytes], ...]
    calls: tuple[str, ...]
    identity: str


@dataclass(slots=True)
class _ObjectFunction:
    name: str
    data: bytes
    relocations: list[tuple[int, int, int, str, int]] = field(default_factory=list)
    """Offset in the function, type, addend, name of what it refers to ("" where section), section index."""


class Objects:
    """One relocatable m68k object, by functions. Raises what pyelftools raises for what is none."""

    def __init__(self, data: bytes) -> None:
        elf = ELFFile(io.BytesIO(data))
        table: Any = elf.get_section_by_name(".symtab")
        symbols = list(table.iter_symbols())
        self._functions: dict[str, _ObjectFunction] = {}
        self._at: dict[tuple[int, int], str] = {}
        self._homes: Counter[int] = Counter()
        self._home_of: dict[str, int] = {}
        for symbol in symbols:
            if symbol["st_info"]["type"] == "STT_FUNC" and isinstance(symbol["st_shndx"], int):
                section, start = symbol["st_shndx"], symbol["st_value"]
                code = elf.get_section(section).data()[start : start + symbol["st_size"]]
                function = _ObjectFunction(symbol.name, code)
                self._functions[symbol.name] = function
                self._at[section, start] = symbol.name
                self._homes[section] += 1
                self._home_of[symbol.name] = section
                self._relocate(elf, section, start, function, symbols)

    @staticmethod
    def _relocate(elf: Any, section: int, start: int, function: _ObjectFunction, symbols: list[Any]) -> None:
        table = elf.get_section_by_name(f".rela{elf.get_section(section).name}")
        for relocation in table.iter_relocations() if table else ():
            offset = relocation["r_offset"] - start
            if 0 <= offset < len(function.data):
                symbol = symbols[relocation["r_info_sym"]]
                home = symbol["st_shndx"] if isinstance(symbol["st_shndx"], int) else 0
                entry = (offset, relocation["r_info_type"], relocation["r_addend"], symbol.name, home)
                function.relocations.append(entry)

    def own(self, name: str) -> Code | None:
        """The code of ``name`` if each function that it is made of has a section to itself, else None.

        In a section that functions share, who calls whom may be in the bytes alone, as a distance.
        """
        if name not in self._functions:
            return None
        found = self.code(name)
        return found if all(self._homes[self._home_of[part]] == 1 for part, _ in found.parts) else None

    def code(self, name: str) -> Code:
        """The code of the function ``name``. Raises KeyError."""
        seen: dict[str, _ObjectFunction] = {}
        outside: set[str] = set()
        digest = hashlib.sha256()
        pending = [name]
        while pending:
            function = self._functions[pending.pop(0)]
            if function.name in seen:
                continue
            seen[function.name] = function
            digest.update(len(function.data).to_bytes(4, "big") + function.data)
            for offset, kind, addend, other, home in function.relocations:
                target = other if other in self._functions else self._at.get((home, addend), "")
                digest.update(f"{offset} {kind} {addend} ".encode())
                if target:
                    # Which of its own: by the order in which they are met, since their names may hold numbers.
                    pending.append(target)
                    known = [*seen, *dict.fromkeys(p for p in pending if p not in seen)]
                    digest.update(f"{known.index(target)};".encode())
                else:
                    digest.update(f"{other or home};".encode())
                    if other and not home:
                        outside.add(other)
        parts = tuple((function.name, function.data) for function in seen.values())
        return Code(parts, tuple(sorted(outside)), digest.hexdigest()[:32])
