"""How long an item may take on a worker before it is taken to hang, and how a worker is ended that hangs in one.

The bound is far above what an item's own limits allow: those count CPU time where they can, and a busy machine must not
change a verdict. ``--nextrust-item-timeout`` sets another, for every item.

Boundary: times and connections; ``heartbeat`` compares, xdist's controller records.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from pytest_nextrust.emu.records import DEFAULT_WALL
from pytest_nextrust.project.options import DEFAULT_ITEM_TIMEOUT
from pytest_nextrust.project.run_settings import Settings, parse_time
from pytest_nextrust.scenario.model import Scenario

__all__ = ["bound_of", "end_worker", "is_local", "sender"]

FACTOR = 10
"""How often a scenario's own limit fits into its bound: it may be run again for its trace, by several toolchains, on a
machine with other work."""


def bound_of(scenario: Scenario | None, settings: Settings) -> float:
    """Seconds for an item: of this scenario, or of a test function."""
    if settings.item_timeout is not None:
        return settings.item_timeout
    default = parse_time("", DEFAULT_ITEM_TIMEOUT)
    return default if scenario is None else max(default, FACTOR * _own_limit(scenario, settings))


def _own_limit(scenario: Scenario, settings: Settings) -> float:
    """What the scenario itself allows, in seconds."""
    given = [scenario.limits.wall, settings.budget.seconds if settings.budget else None]
    given += [part.seconds for part in (scenario.concurrent, scenario.atomics) if part is not None]
    return max(filter(None, given), default=DEFAULT_WALL)


def is_local(gateway: Any) -> bool:
    """Whether the worker is a child of this process."""
    return bool(gateway.spec.popen and not gateway.spec.via)


def end_worker(gateway: Any) -> None:
    """End a worker: by SIGKILL where it is on this machine, which a stopped process cannot put off; else what connects
    it, which the other side sees as the end of the run."""
    with contextlib.suppress(OSError):
        if is_local(gateway):
            os.kill(gateway._rinfo().pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        gateway._io.kill()  # the ssh client, or the process behind a proxy; nothing for a socket
    connection = getattr(gateway._io, "sock", None)
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def sender(channel: Any) -> Callable[[list[object]], None]:
    """What sends a beat through execnet's channel, beside the thread that sends reports.

    A pipe's buffered file takes one write after the other by itself; of a socket, two threads' writes could mix.
    """
    io = channel.gateway._io
    if hasattr(io, "sock"):
        lock, write = threading.Lock(), io.write

        def one_at_a_time(data: bytes) -> None:
            with lock:
                write(data)

        io.write = one_at_a_time
    send: Callable[[list[object]], None] = channel.send
    return send
