"""What a search says to the processes that have parts of its states, and they to it: numbered kinds, and numbers.

Parts talk to each other through the search: a message to or from another part names it. Numbers are words of four bytes
in the order of this host's bytes, and mean the same in all processes: only the search gives them out.

Boundary: child process and those it starts; a socket.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import NamedTuple

__all__ = [
    "ANSWER",
    "ASK",
    "BATCH",
    "DONE",
    "FIGURES",
    "GIVE",
    "GONE",
    "JUDGE",
    "LEVEL",
    "LEVELS",
    "NO_MEMORY",
    "NUMBERS",
    "ROWS",
    "SETUP",
    "START",
    "STOP",
    "TABLES",
    "Figures",
    "Link",
    "Message",
]

SETUP, TABLES, START, LEVEL, ANSWER, STOP, GIVE = range(7)
"""From the search: what program it is; what it was told; a state that the search begins with; go on to the states that
are one step further; what there is to know of the state that was asked about; do not go on; so many states are wanted.
"""

ASK, JUDGE, DONE, FIGURES, LEVELS, ROWS, NO_MEMORY, GONE = range(7, 15)
"""To the search: what follows this state? Are these right? All of this level, so many, are left behind, and what they
led to has arrived; how far the part is; where its levels begin; states and edges; it cannot go on; its process has
ended."""

BATCH, NUMBERS = range(15, 17)
"""From one part to another: states that are yours; their numbers, in the order in which the states came."""

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
        """The next message; GONE where there will be none."""
        head = self._exactly(HEADER.size)
        if head is None:
            return Message(GONE, 0, b"")
        kind, part, size = HEADER.unpack(head)
        body = self._exactly(size)
        return Message(GONE, 0, b"") if body is None else Message(kind, part, body)

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
