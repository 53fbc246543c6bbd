"""The real StatsD daemon, from npm, started on loopback for a test and asked over its management port.

It is installed once into ``~/.cache/nextrust-tests/statsd-VERSION`` (or the folder that NEXTRUST_STATSD names), by the
test itself where ``NEXTRUST_TOOLCHAINS=required``, else by hand: ``npm install --prefix FOLDER statsd@VERSION``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.conftest import REQUIRED

VERSION = "0.9.0"
SCRIPT = Path("node_modules", "statsd", "stats.js")


# Taken now: pytester gives every test a home of its own.
FOLDER = Path(
    os.environ.get("NEXTRUST_STATSD") or Path.home() / ".cache" / "nextrust-tests" / f"statsd-{VERSION}"
).absolute()


def script() -> Path:
    """The daemon's program; installs it, skips or fails where it is not there."""
    found = FOLDER / SCRIPT
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if not found.exists() and REQUIRED and not missing:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with FileLock(FOLDER / "install.lock", timeout=300):
            if not found.exists():
                command = ["npm", "install", "--no-audit", "--no-fund", "--omit=optional", "--prefix", str(FOLDER)]
                subprocess.run([*command, f"statsd@{VERSION}"], check=True, capture_output=True, timeout=300)
    if shutil.which("node") is None or not found.exists():
        needs = f"needs StatsD: npm install --prefix {FOLDER} statsd@{VERSION} (Debian: nodejs npm)"
        if REQUIRED:
            pytest.fail(needs, pytrace=False)
        pytest.skip(needs)
    return found


class Daemon:
    """A running daemon: ``port`` for metrics, questions over the management port."""

    def __init__(self, port: int, management: int) -> None:
        self.port = port
        self._management = management

    def ask(self, command: str) -> str:
        with self._connected() as connection:
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"END\n\n"):
                chunk = connection.recv(65536)
                assert chunk, f"the daemon hung up after {answer!r}"
                answer += chunk
        return answer.decode()

    def _connected(self) -> socket.socket:
        # It says that it is up before it listens here.
        deadline = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._management), timeout=10)
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise

    def table(self, command: str) -> dict[str, Any]:
        """``counters``, ``timers`` or ``gauges`` as the daemon holds them."""
        found: dict[str, Any] = json.loads(_quoted(self.ask(command).removesuffix("END\n\n")))
        return found

    def wait_for(self, command: str, name: str) -> dict[str, Any]:
        """The same, once ``name`` is in it: a datagram is taken in its own time."""
        deadline = time.monotonic() + 20
        while name not in (found := self.table(command)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} never arrived: {found}")
        return found

    def wait_until_it_listens(self) -> None:
        """It says that it is up before its sockets are bound: what is sent then is lost."""
        deadline = time.monotonic() + 20
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while "ready" not in self.table("counters"):
                if time.monotonic() > deadline:
                    raise TimeoutError("the daemon does not listen")
                sender.sendto(b"ready:1|c", ("127.0.0.1", self.port))

    def bad_lines(self) -> int:
        stats = dict(line.split(": ") for line in self.ask("stats").splitlines() if ": " in line)
        return int(stats["messages.bad_lines_seen"])


def _quoted(text: str) -> str:
    """The daemon prints objects as JavaScript's util.inspect does; its names and numbers hold no quotes."""
    import re

    text = re.sub(r"\[Object: null prototype\] ?", "", text).replace("'", '"')
    return re.sub(r"([{,]\s*)([A-Za-z_][\w.-]*)(\s*:)", r'\1"\2"\3', text)


@contextmanager
def running(where: Path) -> Iterator[Daemon]:
    """Start the daemon on free ports of loopback, with its configuration in ``where``; stop it at the end."""
    program = script()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as metrics, socket.socket() as management:
        metrics.bind(("127.0.0.1", 0))
        management.bind(("127.0.0.1", 0))
        ports = metrics.getsockname()[1], management.getsockname()[1]
    configuration = where / "statsd.js"
    configuration.write_text(
        f'{{ address: "127.0.0.1", port: {ports[0]}, mgmt_address: "127.0.0.1", mgmt_port: {ports[1]}, '
        'flushInterval: 3600000, backends: ["./backends/console"], dumpMessages: true }\n'
    )
    child = subprocess.Popen(
        ["node", str(program), str(configuration)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            if "server is up" in line:
                break
        else:
            raise AssertionError(f"StatsD ended with status {child.wait()}")
        daemon = Daemon(*ports)
        daemon.wait_until_it_listens()
        yield daemon
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
