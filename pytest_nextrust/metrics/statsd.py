"""StatsD over UDP: counters ``name:1|c``, timers in milliseconds ``name:12.5|ms``, gauges ``name:3|g``.

StatsD has no labels: their values follow the name, in the order of the table, and keep only letters, digits, ``_`` and
``-``. Lines share datagrams of at most 1432 bytes, what an Ethernet frame carries past the headers.

A host that is not there costs nothing: datagrams are not answered and the socket never blocks. A name is looked up in a
thread, with a time limit, once; the answer, also that there is none, is kept in a file for the processes that follow.

Sources: statsd docs/metric_types.md ("Multi-Metric Packets"), RFC 768.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.metrics.emitter import Measurement

__all__ = ["DATAGRAM", "PORT", "StatsdSink", "datagrams", "line", "parse_address"]

PORT = 8125
DATAGRAM = 1432
"""Bytes of a datagram."""

LOOKUP_SECONDS = 0.05
"""How long a flush waits for the name service."""

KEEP_SECONDS = 300.0
KEEP_NOTHING_SECONDS = 60.0

_TYPES = {"counter": "c", "timer": "ms", "gauge": "g"}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")

SocketAddress = tuple[int, tuple[Any, ...]]
"""Family and socket address."""


def parse_address(text: str, port: str = "", *, source: str = "STATSD_HOST") -> tuple[str, int]:
    """``host``, ``host:port``, ``[::1]:port`` or ``::1``. ``port`` holds where none is given. Raises ConfigError."""
    text = text.strip()
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:\s]+)(?::(\d+))?", text)
    host, given = ((match[1] or match[3]), (match[2] or match[4])) if match else (text, None)
    if match is None:
        with contextlib.suppress(ValueError):
            ipaddress.IPv6Address(text)
            match = re.fullmatch(r".+", text)
    number = given or port.strip() or str(PORT)
    if match is None or not number.isascii() or not number.isdigit() or not 0 < int(number[:6]) < 65536:
        address = f"{text}:{port}" if port and not given else text
        raise ConfigError("metrics", [Fault(source, f"{address!r} is no host and port", "write HOST or HOST:PORT")])
    return host, int(number[:6])


def line(sample: Measurement) -> bytes:
    """One line of the protocol, without its newline."""
    name = ".".join([sample.metric.name, *(_UNSAFE.sub("_", value) or "none" for value in sample.labels)])
    value = sample.value * 1000 if sample.metric.kind == "timer" else sample.value
    number = f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{name}:{number}|{_TYPES[sample.metric.kind]}".encode("ascii")


def datagrams(samples: Sequence[Measurement], limit: int = DATAGRAM) -> Iterator[bytes]:
    """The lines, packed in order into as few datagrams as that takes; a line that fits into none is left out."""
    packet = b""
    for sample in samples:
        text = line(sample)
        if len(text) > limit:
            continue
        if packet and len(packet) + 1 + len(text) > limit:
            yield packet
            packet = b""
        packet = packet + b"\n" + text if packet else text
    if packet:
        yield packet


def lookup(host: str, port: int) -> SocketAddress | None:
    """Ask the name service; None where it has no answer. May take as long as it likes."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError):
        return None
    return int(family), tuple(address)


class StatsdSink:
    """Sends to one host. A name is looked up from the moment the sink is made. ``cache`` is a file, or None."""

    def __init__(
        self,
        host: str,
        port: int = PORT,
        *,
        cache: Path | None = None,
        limit: float = LOOKUP_SECONDS,
        clock: Callable[[], float] = time.time,
        lookup: Callable[[str, int], SocketAddress | None] = lookup,
    ) -> None:
        self.host = host
        self.port = port
        self._cache = cache
        self._limit = limit
        self._clock = clock
        self._found: SocketAddress | None = _literal(host, port)
        self._thread: threading.Thread | None = None
        if self._found is None and not self._remembered():
            self._thread = threading.Thread(target=self._look, args=(lookup,), daemon=True, name="statsd-lookup")
            self._thread.start()

    def _look(self, lookup: Callable[[str, int], SocketAddress | None]) -> None:
        self._found = lookup(self.host, self.port)
        self._remember()

    def _remembered(self) -> bool:
        """Take the answer that another process got; False where there is none, or it is old."""
        if self._cache is None:
            return False
        try:
            kept = json.loads(self._cache.read_bytes())
            if [self.host, self.port] != kept["for"] or not 0 <= kept["until"] - self._clock() <= KEEP_SECONDS:
                return False
            found = kept["address"]
            self._found = None if found is None else (int(found[0]), tuple(found[1]))
        except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
            return False
        return True

    def _remember(self) -> None:
        """Keep the answer, or its absence, for those who come after."""
        if self._cache is None or not self._cache.parent.is_dir():
            return
        keep = KEEP_NOTHING_SECONDS if self._found is None else KEEP_SECONDS
        kept = {"for": [self.host, self.port], "until": self._clock() + keep, "address": self._found}
        # Half a file is no JSON, and is then asked for again: not worth more than a plain write.
        with contextlib.suppress(OSError):
            self._cache.write_text(json.dumps(kept), encoding="ascii")

    def send(self, samples: Sequence[Measurement]) -> str:
        """Send, without waiting for anything but the first lookup, and that for a moment only."""
        if self._thread is not None:
            self._thread.join(self._limit)
            if self._thread.is_alive():
                self._remember()
        found = self._found
        if found is None:
            return f"StatsD: no address for {self.host}: metrics were not sent"
        family, address = found
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                for packet in datagrams(samples):
                    # Not connected: so a port nobody listens on is not an error of the next datagram.
                    sender.sendto(packet, address)
        except (OSError, TypeError, OverflowError) as error:
            return (
                f"StatsD: {self.host}:{self.port}: {getattr(error, 'strerror', None) or error}: metrics were not sent"
            )
        return ""


def _literal(host: str, port: int) -> SocketAddress | None:
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        return (socket.AF_INET6, (host, port, 0, 0)) if address.version == 6 else (socket.AF_INET, (host, port))
    return None
