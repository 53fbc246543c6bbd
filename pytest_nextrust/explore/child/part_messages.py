"""What a search says to the processes that have parts of its states, and they to it: numbered kinds, and numbers.

Parts talk to each other through the search: a message to or from another part names it. Numbers are words of four bytes
in the order of this host's bytes, and mean the same in all processes: only the search gives them out.

Boundary: child process and those it starts; a socket.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Figures", "Link", "Message", "MessageKind"]


class MessageKind(IntEnum):
    """What a message is about."""

    SETUP = 0
    """The first of those from the search: what program it is."""
    TABLES = 1
    """What the search was told."""
    START = 2
    """A state that the search begins with."""
    LEVEL = 3
    """Go on to the states that are one step further."""
    ANSWER = 4
    """What there is to know of the state that was asked about."""
    STOP = 5
    """Do not go on."""
    GIVE = 6
    """So many states are wanted."""

    ASK = 7
    """The first of those to the search: what follows this state?"""
    JUDGE = 8
    """Are these right?"""
    DONE = 9
    """All of this level, so many, are left behind, and what they led to has arrived."""
    FIGURES = 10
    """How far the part is."""
    LEVELS = 11
    """Where its levels begin."""
    ROWS = 12
    """States and edges."""
    NO_MEMORY = 13
    """It cannot go on."""
    GONE = 14
    """Its process has ended."""

    BATCH = 15
    """From one part to another: states that are yours."""
    NUMBERS = 16
    """Their numbers, in the order in which the states came."""


HEADER = struct.Struct("=IIQ")


class Message(NamedTuple):
    """``part``: whom it is for, or from, where that is another part."""

    kind: int
    part: int
    body: bytes


class Figures(NamedTuple):
    """How far a part is: states met and left behind, the CPU time and the bytes of memory that its process has."""

    met: int
    left: int
    seconds: float
    held: int

    @classmethod
    def unpacked(cls, body: bytes) -> Figures:
        return cls(*FIGURES_OF.unpack(body))

    def packed(self) -> bytes:
        return FIGURES_OF.pack(*self)


FIGURES_OF = struct.Struct("=QQdQ")


class Link:
    """Messages over a connected socket. Each end may be used by one thread that sends and one that receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, kind: int, body: bytes | memoryview = b"", part: int = 0) -> None:
        """Send one message. Raises OSError where the other end is gone."""
        self._connection.sendall(HEADER.pack(kind, part, len(body)))
        self._connection.sendall(body)

    def receive(self) -> Message:
        """The next message; MessageKind.GONE where there will be none."""
        head = self._exactly(HEADER.size)
        if head is None:
            return Message(MessageKind.GONE, 0, b"")
        kind, part, size = HEADER.unpack(head)
        body = self._exactly(size)
        return Message(MessageKind.GONE, 0, b"") if body is None else Message(kind, part, body)

    def close(self) -> None:
        """End the connection, also for who waits at it."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _exactly(self, size: int) -> bytes | None:
        pieces = []
        while size:
            try:
                piece = self._connection.recv(size, socket.MSG_WAITALL)
            except OSError:
                return None
            if not piece:
                return None
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)
