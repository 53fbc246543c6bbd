"""Frames over a pipe: four bytes of length, big-endian, then ``base.plain_json``. Both ends of the sandbox use it.

Boundary: bytes and plain values; knows neither requests nor processes.
"""

from __future__ import annotations

import os
import select
import struct
import time
from typing import Any

from pytest_nextrust.base.plain_json import dumps, loads

__all__ = ["Closed", "TimedOut", "receive", "send"]

LENGTH = struct.Struct(">I")
PIECE = 1 << 20


class Closed(Exception):
    """The other end is gone."""


class TimedOut(Exception):
    """Nothing whole came in time."""


def send(fd: int, plain: Any) -> None:
    """Write one frame. Raises Closed."""
    body = dumps(plain)
    view = memoryview(LENGTH.pack(len(body)) + body)
    try:
        while view:
            view = view[os.write(fd, view[:PIECE]) :]
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(fd: int, timeout: float | None = None) -> Any:
    """Read one frame. Raises Closed at end of file, TimedOut after ``timeout`` seconds, ValueError for other bytes."""
    deadline = None if timeout is None else time.monotonic() + timeout
    (size,) = LENGTH.unpack(_exactly(fd, LENGTH.size, deadline))
    return loads(_exactly(fd, size, deadline))


def _exactly(fd: int, size: int, deadline: float | None) -> bytes:
    found = bytearray()
    while len(found) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not _readable(fd, left):
                raise TimedOut
        piece = os.read(fd, min(PIECE, size - len(found)))
        if not piece:
            raise Closed
        found += piece
    return bytes(found)


def _readable(fd: int, timeout: float) -> bool:
    # poll, not select: a process with many open files has numbers that select cannot take.
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
