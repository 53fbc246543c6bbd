"""A thread's registers between two instructions as one ``bytes`` value, and the fields in it.

d0-d7, a0-a7 and pc as 17 words, then the six condition-code words in the lazily evaluated form they happened to have
(equal flags in another form only cost states), then, where the thread has used floating point, its block. Words are in
host order, as the saved context they are decoded from has them.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.child import context as layout

__all__ = [
    "A7",
    "CODES",
    "D0",
    "D1",
    "FLOATS",
    "KEPT",
    "PC",
    "ccr_of",
    "kept_floats",
    "pack",
    "register_of",
    "with_ccr",
    "with_register",
]

D0, D1, A7, PC = 0, 1, 15, 16
CODES = 68
FLOATS = CODES + 24

KEPT = (*range(2, 8), *range(10, 15))
"""The registers that a call must leave as they were, sp aside: d2-d7, a2-a6 (System V ABI, Motorola 68000
supplement)."""
_KEPT_FLOATS = slice(FLOATS + 2 * 16, FLOATS + 8 * 16)

_WORD = struct.Struct("=I")
_CODES = struct.Struct("=6I")


def pack(pc: int, sp: int) -> bytes:
    """The state of a thread that has run nothing: registers zero but pc and sp, flags clear."""
    words = [0] * 17
    words[A7], words[PC] = sp, pc
    return struct.pack("=17I", *words) + _CODES.pack(*layout.encode_ccr(0))


def register_of(state: bytes, index: int) -> int:
    """Register ``index``: 0-7 are d0-d7, 8-15 are a0-a7, 16 is pc."""
    return int(_WORD.unpack_from(state, 4 * index)[0])


def with_register(state: bytes, index: int, value: int) -> bytes:
    """The same state with another value in register ``index``."""
    return state[: 4 * index] + _WORD.pack(value & 0xFFFF_FFFF) + state[4 * index + 4 :]


def kept_floats(state: bytes) -> bytes:
    """fp2-fp7, which a call must leave as they were; empty where the thread has not used floating point."""
    return state[_KEPT_FLOATS]


def ccr_of(state: bytes) -> int:
    """The condition codes, XNZVC in bits 4 to 0."""
    words = [0] * layout.CC_OP + list(_CODES.unpack_from(state, CODES))
    return layout.decode_ccr(words)


def with_ccr(state: bytes, ccr: int) -> bytes:
    """The same state with other condition codes."""
    return state[:CODES] + _CODES.pack(*layout.encode_ccr(ccr)) + state[FLOATS:]
