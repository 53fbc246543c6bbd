"""A server of raw sockets for what no HTTP library would send: cuts, drips, resets, floods."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Script", "drip", "flood", "plain", "raw_server", "reset", "slow_headers"]

Script = Callable[[socket.socket, threading.Event], None]


def plain(document: Any, *, status: str = "200 OK", kind: str = "application/json", **headers: str) -> Script:
    """A whole answer; ``document`` is text, bytes, or what JSON is made of. ``_`` in a header's name means ``-``."""
    body = (
        document
        if isinstance(document, bytes)
        else document.encode()
        if isinstance(document, str)
        else json.dumps(document).encode()
    )
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode()

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head + b"\r\n\r\n" + body)

    return script


def cut(document: Any, keep: int) -> Script:
    """An answer that promises all of its body and ends after ``keep`` bytes."""
    body = json.dumps(document).encode()

    def script(connection: socket.socket, over: threading.Event) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:keep])

    return script


def reset(connection: socket.socket, over: threading.Event) -> None:
    """The connection is reset after the request."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(connection: socket.socket, over: threading.Event) -> None:
    """A body that never ends, a byte now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b" ")


def slow_headers(connection: socket.socket, over: threading.Event) -> None:
    """A header that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.05):
        connection.sendall(b"a")


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Nothing at all."""
    over.wait(30)


def flood(connection: socket.socket, over: threading.Event) -> None:
    """A body of 64 MB without a length."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    for _ in range(1024):
        if over.is_set():
            return
        connection.sendall(b"[" * 65_536)


@contextlib.contextmanager
def raw_server(*scripts: Script, wrap: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Its base URL, and the requests it was sent; connection n is answered by script n, later ones by the last."""
    over = threading.Event()
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def serve() -> None:
        threads = []
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            number = len(requests)
            requests.append(b"")
            thread = threading.Thread(target=one, args=(connection, number))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    def one(connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            if wrap is not None:
                connection = wrap.wrap_socket(connection, server_side=True)
            requests[number] = received(connection)
            scripts[min(number, len(scripts) - 1)](connection, over)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        over.set()
        server.join()
        listener.close()


def received(connection: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
