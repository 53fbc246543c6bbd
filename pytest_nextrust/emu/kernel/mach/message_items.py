"""Message bodies: typed items, as MIG writes and checks them.

Boundary: bytes. The type word is {name 8, size in bits 8, number 12, inline 1, longform 1, deallocate 1, unused 1}; the
long form follows it with {name 16, size 16, number 32}; then comes the data, or a pointer to it.

Sources: Mach 2.5 ``<mach/message.h>``; the types MIG gives each C type are NeXT's ``std_types.defs`` and
``mach_types.defs`` (a port's *name* travels as a 32-bit integer).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = [
    "BOOLEAN",
    "HEADER",
    "INTEGER",
    "LONG_WORD",
    "PORT",
    "MessageItem",
    "Slot",
    "boolean",
    "integer",
    "integers",
    "many_integers",
    "out_of_line",
    "port",
    "reply",
    "slots",
]

TYPE_BOOLEAN, TYPE_INTEGER, TYPE_PORT, TYPE_BYTE = 0, 2, 6, 9

HEADER = struct.Struct(">IIIIII")
"""24 bits 0 and simple in 8, size, type, local port, remote port, id."""

INTEGER = 0x02200018
BOOLEAN = 0x00200018
PORT = 0x06200018
LONG_WORD = 0x00000004
"""The first word of a long-form item that is out of line; inline ones add 8."""

_INLINE, _LONGFORM, _DEALLOCATE = 8, 4, 2


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One item of a reply: its bytes, and the data its last four bytes will point to, if it is out of line.

    ``simple`` is false for items with ports or pointers: they make the whole message not simple.
    """

    data: bytes
    simple: bool = True
    pointed: bytes | None = None


def integer(value: int) -> MessageItem:
    """A 32-bit integer, or a port's name."""
    return MessageItem(struct.pack(">II", INTEGER, value & 0xFFFF_FFFF))


def boolean(value: bool) -> MessageItem:
    """A boolean_t."""
    return MessageItem(struct.pack(">II", BOOLEAN, int(value)))


def port(name: int) -> MessageItem:
    """A port right."""
    return MessageItem(struct.pack(">II", PORT, name), simple=False)


def _words(values: Iterable[int]) -> bytes:
    return b"".join(struct.pack(">I", value & 0xFFFF_FFFF) for value in values)


def integers(values: tuple[int, ...]) -> MessageItem:
    """A structure of integers of fixed size."""
    return MessageItem(struct.pack(">I", TYPE_INTEGER << 24 | 32 << 16 | len(values) << 4 | _INLINE) + _words(values))


def many_integers(values: tuple[int, ...]) -> MessageItem:
    """A variable number of integers, inline."""
    return MessageItem(struct.pack(">IHHI", LONG_WORD | _INLINE, TYPE_INTEGER, 32, len(values)) + _words(values))


def out_of_line(kind: int, bits: int, number: int, data: bytes) -> MessageItem:
    """Data elsewhere: ``number`` things of ``bits`` bits."""
    return MessageItem(struct.pack(">IHHII", LONG_WORD, kind, bits, number, 0), simple=False, pointed=data)


def reply(
    items: Iterable[MessageItem], kind: int, local: int, number: int
) -> tuple[bytes, tuple[tuple[int, bytes], ...]]:
    """The reply to request ``number`` of message type ``kind``, to the port ``local``; what its pointers point to."""
    data, answers, is_simple = bytearray(HEADER.size), [], True
    for item in items:
        data += item.data
        is_simple = is_simple and item.simple
        if item.pointed is not None:
            answers.append((len(data) - 4, item.pointed))
    HEADER.pack_into(data, 0, int(is_simple), len(data), kind, local, 0, number + 100)
    return bytes(data), tuple(answers)


@dataclass(frozen=True, slots=True)
class Slot:
    """One item found in a body. ``at`` and ``size`` say where its data are; out of line, ``at`` is the pointer's place.

    Offsets count from the body's start; ``word`` is the type word.
    """

    word: int
    kind: int
    bits: int
    number: int
    inline: bool
    deallocate: bool
    at: int
    size: int


def slots(body: bytes) -> Iterator[Slot]:
    """The items of a body. Raises ValueError where one reaches past the end."""
    at = 0
    while at < len(body):
        try:
            (word,) = struct.unpack_from(">I", body, at)
            kind, bits, number = word >> 24, word >> 16 & 0xFF, word >> 4 & 0xFFF
            at += 4
            if word & _LONGFORM:
                kind, bits, number = struct.unpack_from(">HHI", body, at)
                at += 8
        except struct.error as error:
            raise ValueError(f"an item's type at {at} reaches past the end") from error
        size = (bits * number + 7) // 8
        inline = bool(word & _INLINE)
        step = (size + 3) & ~3 if inline else 4
        if at + step > len(body):
            raise ValueError(f"an item's data at {at} reach past the end")
        yield Slot(word, kind, bits, number, inline, bool(word & _DEALLOCATE), at, size)
        at += step
