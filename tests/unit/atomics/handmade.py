"""Runtimes made of machine code written down in hexadecimal: checking them needs no compiler."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_nextrust.atomics.build import CODE_ROOM, OBJECT_ROOM, Runtime
from pytest_nextrust.emu.records import Address
from pytest_nextrust.macho import Image, ImageSection, ImageSymbol

__all__ = ["ADD", "LOCK", "runtime"]

TEXT = 0x2400
OBJECTS = Address(0x8000)
LOCK = OBJECTS + OBJECT_ROOM
"""16 bytes of the runtime's own."""

ADD = "206f 0004 2010 222f 0008 d280 2081"
"""movea.l 4(sp),a0; move.l (a0),d0; move.l 8(sp),d1; add.l d0,d1; move.l d1,(a0): fetch_and_add but for the rts."""


def runtime(routines: Mapping[str, str]) -> Runtime:
    """A runtime of these routines (C names)."""
    text, where = b"", dict[str, Address]()
    for name, code in routines.items():
        where[name] = Address(TEXT + len(text))
        text += bytes.fromhex(code.replace(" ", ""))
    drivers = Address(TEXT + len(text))
    places = {**where, "nextrust_drivers": drivers, "nextrust_objects": OBJECTS}
    sections = (
        ImageSection("__text", "__TEXT", TEXT, text + bytes(CODE_ROOM), len(text) + CODE_ROOM),
        ImageSection("__data", "__DATA", OBJECTS, bytes(OBJECT_ROOM + 16), OBJECT_ROOM + 16),
    )
    symbols = tuple(
        ImageSymbol(f"_{name}", at, ("__DATA", "__data") if at == OBJECTS else ("__TEXT", "__text"), external=True)
        for name, at in places.items()
    )
    image = Image(sections, entry=drivers, symbols=symbols)
    return Runtime(image, "m68030", "2", "by hand", where, places)
