"""The remote serial protocol of GDB, as much of it as steering one stopped program needs.

Boundary: packets over a connected socket; what they mean is the caller's.
Source: "Debugging with GDB", appendix E (GDB Remote Serial Protocol).
"""

from __future__ import annotations

import socket

__all__ = ["GdbClosed", "GdbConnection", "GdbRefused"]

BLOCK = 65536


class GdbClosed(Exception):
    """The other end has gone, or does not answer."""


class GdbRefused(Exception):
    """The other end answers a command with an error."""


class GdbConnection:
    """One connection. ``timeout``: seconds to wait for an answer."""

    def __init__(self, path: str, timeout: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._received = b""
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise GdbClosed(f"cannot be connected to: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the connection. Safe to call twice."""
        self._socket.close()

    def ask(self, command: str) -> str:
        """The answer to a command. Raises GdbClosed, GdbRefused."""
        packet = command.encode("ascii")
        try:
            self._socket.sendall(b"$%s#%02x" % (packet, sum(packet) & 0xFF))
            answer = self._receive()
        except OSError as error:
            raise GdbClosed(str(error) or type(error).__name__) from error
        if len(answer) == 3 and answer[:1] == "E":
            raise GdbRefused(f"{command[:40]}: {answer}")
        return answer

    def _receive(self) -> str:
        while True:
            start = self._received.find(b"$")
            end = self._received.find(b"#", start) if start >= 0 else -1
            if end >= 0 and len(self._received) >= end + 3:
                answer = self._received[start + 1 : end]
                self._received = self._received[end + 3 :]
                self._socket.sendall(b"+")
                return answer.decode("ascii")
            more = self._socket.recv(BLOCK)
            if not more:
                raise GdbClosed("it has closed the connection")
            self._received += more
