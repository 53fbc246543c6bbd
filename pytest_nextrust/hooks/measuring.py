"""What a hook's event counts and times, sent by a process of its own: the assistant does not wait for it.

Loaded only where ``[metrics]`` or the environment names a sink (docs/metrics.md). The process is a fork that leads a
session of its own and holds none of the hook's streams, so that the assistant sees them close with the answer; it ends
within LIMIT. What goes wrong in it is a line of the event's log, and nothing else.

Boundary: notices are left out, since stdout is the assistant's.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["LIMIT", "apart", "measure"]

LIMIT = 10
"""Seconds after which the process is ended, whatever it waits for."""


def measure(
    root: str,
    table: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    event: str,
    decision: str,
    seconds: float,
    actions: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Send one event: its duration, its decision, and what guards did (guard, action). Returns what went wrong."""
    from pathlib import Path

    from pytest_nextrust.errors import NextrustError
    from pytest_nextrust.metrics.sinks import open_emitter

    try:
        emitter = open_emitter(Path(root), table, environ=environ)
    except NextrustError as error:
        return [str(error).replace("\n", " ")]
    emitter.time("nextrust.hook.duration", max(0.0, seconds), event=event)
    emitter.count("nextrust.hook.decisions", event=event, decision=decision)
    for guard, action in actions:
        emitter.count("nextrust.guard.actions", guard=guard, action=action)
    return emitter.flush()


def apart(work: Callable[[], object]) -> int:
    """Do ``work`` in a process that is not waited for; its id. Raises OSError where no process can be made."""
    child = os.fork()
    if child:
        return child
    try:
        signal.alarm(LIMIT)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        work()
    finally:
        # Nothing of the parent's is run or flushed here, and no fault of this process is anybody else's.
        os._exit(0)
