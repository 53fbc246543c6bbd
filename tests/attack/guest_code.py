"""Guests that attack, in machine code: UNIX calls, Mach messages and loops, without a compiler.

Sources: MC68000 Family Programmer's Reference Manual for the encodings; 4.3BSD's call numbers; Mach 2.5's messages.
"""

from __future__ import annotations

import struct

from pytest_nextrust.macho import Image, ImageSection, write_executable

__all__ = ["BOOLEAN", "FILE", "INTEGER", "NAME", "REPLY", "ROOM", "ROOM_SIZE", "TEXT", "Code"]

TEXT, DATA, ROOM = 0x2400, 0x10000, 0x20000
ROOM_SIZE = 16 << 20
"""Zero-filled memory to write from."""

FILE = "the descriptor that was kept"
NAME = DATA + 0x8000
"""Four bytes that ``next_name`` counts up: a file's name."""

MESSAGE = DATA + 0x9000
REPLY = MESSAGE + 28
"""Where a message's reply has its return code."""

INTEGER, BOOLEAN = 0x02200018, 0x00200018

Argument = int | str | bytes


class Code:
    """A program under construction; every method appends and answers the program."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._data = bytearray()

    def raw(self, code: str) -> Code:
        """Machine code in hexadecimal."""
        self._text += bytes.fromhex(code)
        return self

    def _address(self, argument: Argument) -> int:
        if isinstance(argument, int):
            return argument & 0xFFFF_FFFF
        at = DATA + len(self._data)
        self._data += (argument.encode() if isinstance(argument, str) else argument) + b"\0"
        self._data += bytes(len(self._data) % 2)
        return at

    def unix(self, number: int, *arguments: Argument) -> Code:
        """A UNIX call: integers as they are, text by its address, FILE from where ``keep`` put it."""
        for register, argument in enumerate(arguments, 1):
            if argument is FILE:
                self._text += struct.pack(">H", 0x2007 | register << 9)
            else:
                self._text += struct.pack(">HI", 0x203C | register << 9, self._address(argument))
        self._text += struct.pack(">HI", 0x203C, number)
        return self.raw("4e44")

    def keep(self) -> Code:
        """Keep the last call's answer as FILE."""
        return self.raw("2e00")

    def leave(self) -> Code:
        """Exit with the last call's answer: its result, or its error."""
        return self.raw("2200 7001 4e44")

    def store(self, address: int, value: int) -> Code:
        """Put a word into memory."""
        self._text += struct.pack(">HII", 0x23FC, value & 0xFFFF_FFFF, address)
        return self

    def next_name(self) -> Code:
        """Count the name at NAME up."""
        self._text += struct.pack(">HI", 0x52B9, NAME)
        return self

    def here(self) -> int:
        """The place that ``back`` and ``until_error`` go to."""
        return len(self._text)

    def _branch(self, condition: int, place: int) -> Code:
        self._text += struct.pack(">Hh", condition, place - len(self._text) - 2)
        return self

    def back(self, place: int) -> Code:
        """Go there, always."""
        return self._branch(0x6000, place)

    def until_error(self, place: int) -> Code:
        """Go there while calls succeed (carry is clear)."""
        return self._branch(0x6400, place)

    def until(self, value: int, place: int) -> Code:
        """Go there until the last call answers ``value``."""
        self._text += struct.pack(">HI", 0x0C80, value)
        return self._branch(0x6600, place)

    def message(self, number: int, *values: tuple[int, int]) -> Code:
        """msg_rpc to the own task, by a message that is written anew each time; the code is at REPLY."""
        size = 24 + 8 * len(values)
        for register, trap in ((12, 11), (16, 10)):
            self._text += struct.pack(">HI", 0x203C, trap) + b"\x4e\x43"
            self._text += struct.pack(">HI", 0x23C0, MESSAGE + register)
        words = [(0, 1), (4, size), (8, 0x100), (20, number)]
        for index, (kind, value) in enumerate(values):
            words += [(24 + 8 * index, kind), (28 + 8 * index, value)]
        for at, value in words:
            self.store(MESSAGE + at, value)
        for register, value in enumerate((MESSAGE, 0, size, 256, 0, 0), 1):
            self._text += struct.pack(">HI", 0x203C | register << 9, value)
        self._text += struct.pack(">HI", 0x203C, 22) + b"\x4e\x43"
        return self

    def program(self) -> bytes:
        """The executable."""
        data = bytes(self._data).ljust(0x8000, b"\0") + b"AAAA" + bytes(0x2000)
        sections = (
            ImageSection("__text", "__TEXT", TEXT, bytes(self._text), len(self._text)),
            ImageSection("__data", "__DATA", DATA, data, len(data)),
            ImageSection("__bss", "__DATA", ROOM, None, ROOM_SIZE, flags=1),
        )
        return write_executable(Image(sections, entry=TEXT, symbols=()))
