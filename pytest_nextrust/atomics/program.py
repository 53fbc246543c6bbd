"""A runtime under test: its functions and what each must be, in memory and as a file.

The file is the linked image as Mach-O, and what is to be checked in it stands there as debugging entries.

Each function is one entry (``N_GSYM``) at its address, whose name is ``nextrust_function`` and a JSON object; one more,
``nextrust_runtime``, says what the code was made for, by whom, and where the two rooms of ``build`` are. A file without
them (made elsewhere) is taken for a runtime that exports its routines and the rooms by name.

Boundary: bytes and values. Sources: NeXT ``<stab.h>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.build import Runtime
from pytest_nextrust.atomics.table import lookup
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.macho import Image, ImageSection, ImageSymbol

__all__ = ["Function", "Target", "program_of", "target_of"]

N_GSYM = 0x20
FUNCTION, RUNTIME = "nextrust_function ", "nextrust_runtime "
ROOMS = ("nextrust_drivers", "nextrust_objects")


@dataclass(frozen=True, slots=True)
class Function:
    """A function under test: its symbol, the routine that it must be, and whether it takes no memory orders.

    ``alignment``: its object's address is always a multiple of this. ``code`` identifies its code, in whatever program.
    ``alone``: it is no step for other threads, by the way in which it is made, and takes part in no history.
    """

    symbol: str
    address: Address
    routine: str
    plain: bool = False
    alignment: int = 1
    code: str = ""
    alone: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What it must be and its code."""
        return self.routine, self.code


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked: a linked program and its functions, by routine."""

    runtime: Runtime
    functions: tuple[Function, ...]

    @staticmethod
    def of(runtime: Runtime) -> Target:
        """A runtime's own routines."""
        named = runtime.routines.items()
        codes = runtime.codes
        return Target(runtime, tuple(Function(n, address, n, code=codes.get(n, "")) for n, address in named))


def program_of(target: Target) -> bytes:
    """The Mach-O executable that holds all there is to know of a target."""
    runtime = target.runtime
    text = next(section for section in runtime.image.sections if section.name == "__text")
    home = (text.segment, text.name)
    about: dict[str, Any] = {"level": runtime.level, "model": runtime.model, "version": runtime.version}
    about |= {"rooms": [runtime.symbols[room] for room in ROOMS]}
    notes = [ImageSymbol(RUNTIME + _json(about), text.address, home, external=False, stab=N_GSYM)]
    notes += [
        ImageSymbol(FUNCTION + _json(_entry(function)), function.address, home, external=False, stab=N_GSYM)
        for function in target.functions
    ]
    named = [symbol for symbol in runtime.image.symbols if not symbol.stab]
    lines = _thinned(symbol for symbol in runtime.image.symbols if symbol.stab)
    return macho.write_executable(replace(runtime.image, symbols=(*named, *lines, *notes)))


def target_of(program: bytes, cpu: str, level: str = "") -> Target:
    """The target in a Mach-O file, to be run by ``cpu``; ``level`` where the file does not say it.

    Raises MachoError for what is no Mach-O, NotRunnable for a program that is not made to be checked.
    """
    file = macho.select_member(macho.read(program), cpu)
    sections = dict(enumerate(file.sections, 1))
    symbols, notes, functions = [], [], []
    for symbol in file.symbols:
        if symbol.type == N_GSYM and symbol.name.startswith(RUNTIME):
            notes.append(symbol.name)
        elif symbol.type == N_GSYM and symbol.name.startswith(FUNCTION):
            functions.append(_parsed(symbol.name, Address(symbol.value)))
        elif symbol.sect in sections:
            home = sections[symbol.sect]
            external, stab = bool(symbol.type & 1), symbol.type if symbol.type & 0xE0 else 0
            place = (home.segname, home.sectname)
            symbols.append(ImageSymbol(symbol.name, symbol.value, place, external and not stab, symbol.desc, stab))
    image = Image(
        tuple(
            ImageSection(
                s.sectname,
                s.segname,
                s.addr,
                None if s.zero_fill else bytes(file.section_bytes(s)),
                s.size,
                s.align,
                s.flags,
            )
            for s in file.sections
        ),
        file.entry or 0,
        tuple(symbols),
    )
    named = {symbol.name.removeprefix("_"): Address(symbol.address) for symbol in symbols if symbol.external}
    about: dict[str, Any] = next((json.loads(n.removeprefix(RUNTIME)) for n in notes if n.startswith(RUNTIME)), {})
    named.update(zip(ROOMS, about.get("rooms", ()), strict=False))
    for room in ROOMS:
        if room not in named:
            remedy = "give sources, from which it is linked with room for calls"
            raise NotRunnable("program", f"has no symbol {room}: it is not linked to be checked", remedy=remedy)
    found = tuple(functions) or tuple(_by_name(named))
    if not found:
        remedy = "export functions named as compilers call them, such as __sync_fetch_and_add_4"
        raise NotRunnable("program", "exports no atomic routine", remedy=remedy)
    runtime = Runtime(
        image,
        cpu,
        about.get("level", level),
        about.get("version", ""),
        {function.symbol: function.address for function in found if lookup(function.symbol) is not None},
        named,
        about.get("model", ""),
    )
    return Target(runtime, found)


def _entry(function: Function) -> dict[str, Any]:
    """What a function's entry says: all that is not as usual, and that the entry's place does not say."""
    usual = Function(function.symbol, function.address, function.symbol)
    unusual = {name: value for name, value in asdict(function).items() if value != getattr(usual, name)}
    return {"symbol": function.symbol, **unusual}


def _parsed(note: str, address: Address) -> Function:
    entry = json.loads(note.removeprefix(FUNCTION))
    return Function(**{"routine": entry["symbol"], "address": address, **entry})


def _thinned(entries: Iterable[ImageSymbol]) -> Iterator[ImageSymbol]:
    """Line entries without those that say again what holds already: of inlined code, most of them."""
    ordered = sorted(entries, key=lambda s: (s.address, s.stab != macho.N_SO, bool(s.name)))
    held = -1
    for at, entry in enumerate(ordered):
        if entry.stab == macho.N_SO:
            held = -1
        else:
            after = ordered[at + 1] if at + 1 < len(ordered) else None
            if after is not None and after.stab != macho.N_SO and after.address == entry.address:
                continue
            if entry.desc == held:
                continue
            held = entry.desc
        yield entry


def _by_name(named: dict[str, Address]) -> Iterator[Function]:
    for name, address in named.items():
        routine = lookup(name)
        if routine is not None:
            yield Function(name, address, routine.name)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
