"""Concurrent tests made of machine code written down in hexadecimal: exploring them needs no compiler."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_nextrust.macho import Image, ImageSection, ImageSymbol, write_executable

TEXT = 0x2400
COUNTER = 0x4000
OTHER = 0x4004

LOAD_ADD_STORE = "2039 00004000 5280 23c0 00004000 4e75"
"""move.l COUNTER,d0; addq.l #1,d0; move.l d0,COUNTER; rts"""
ADD = "52b9 00004000 4e75"
"""addq.l #1,COUNTER; rts"""
IS_TWO = "7002 90b9 00004000 4e75"
"""moveq #2,d0; sub.l COUNTER,d0; rts"""
WAIT = "4ab9 00004000 67f8 4e75"
"""tst.l COUNTER; beq back to it; rts"""
TAKE = "4af9 00004004 6bf8 4e75"
"""tas OTHER; bmi back to it; rts"""
WAIT_OTHER = "4ab9 00004004 67f8 52b9 00004000 4e75"
WAIT_FIRST = "4ab9 00004000 67f8 52b9 00004004 4e75"
GETPID = "7014 4e44 4e75"
NULL_STORE = "4ab9 00004000 6706 42b9 00000000 4e75"
"""tst.l COUNTER; beq past it; clr.l 0; rts"""
FOR_EVER = "60fe"
LOCKED_ADD = "4af9 00004004 6bf8 52b9 00004000 4239 00004004 4e75"
"""tas OTHER; bmi back to it; addq.l #1,COUNTER; clr.b OTHER; rts"""
LOCKED_CLEAR = "4af9 00004004 6bf8 42b9 00004000 4239 00004004 4e75"
NOTHING = "4e75"
POLITE = "13fc 0001 00004000 4a39 00004004 6710 4239 00004000 13fc 0001 00004000 60e8 4239 00004000 4e75"
"""COUNTER = 1; while OTHER is set: clear COUNTER, set it again. Then clear it; rts."""
POLITE_OTHER = POLITE.replace("00004000", "?").replace("00004004", "00004000").replace("?", "00004004")
SERVE = "4ab9 00004000 67f8 42b9 00004000 60f0"
"""For ever: wait until COUNTER is set, and clear it."""
ASK = "52b9 00004000 4ab9 00004000 66f8 4e75"
"""addq.l #1,COUNTER; wait until it is clear; rts"""
IS_CLEAR = "2039 00004000 4e75"
DRAW = "1039 00004000 1200 5201 0201 0003 0af9 0040 00004000 66e8"
"""Draw a ticket from COUNTER modulo 4 by cas.b: move.b, addq, andi, cas.b, bne back to the start."""
DOOR = "4eb9 00002400"
"""jsr to the first function."""
TURN = "b039 00004004 66f8 1039 00004004 5200 0200 0003 13c0 00004004 4e75"
"""Wait until OTHER is the ticket in d0, make it the next; rts."""


def concurrent(functions: Mapping[str, str], *, data: bytes = bytes(16)) -> bytes:
    """A program with these functions (names without ``nextrust_``), ``counter`` at COUNTER and ``other`` at OTHER."""
    text, symbols = b"", []
    for name, code in functions.items():
        symbols.append(ImageSymbol(f"_nextrust_{name}", TEXT + len(text), ("__TEXT", "__text"), external=True))
        text += bytes.fromhex(code.replace(" ", ""))
    symbols += [
        ImageSymbol("_counter", COUNTER, ("__DATA", "__data"), external=True),
        ImageSymbol("_other", OTHER, ("__DATA", "__data"), external=True),
    ]
    sections = (
        ImageSection("__text", "__TEXT", TEXT, text, len(text)),
        ImageSection("__data", "__DATA", COUNTER, data, len(data)),
    )
    return write_executable(Image(sections, entry=TEXT, symbols=tuple(symbols)))


def pair(code: str, check: str | None = IS_TWO, **more: str) -> bytes:
    """Two threads that do the same, and a check."""
    functions = {"thread_0": code, "thread_1": code, **more}
    return concurrent(functions if check is None else {**functions, "check": check})


LOST_UPDATE = pair(LOAD_ADD_STORE)
RIGHT = pair(ADD)
