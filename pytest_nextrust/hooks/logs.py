"""The log of each event: one JSON line for every call of ``nextrust hook``, in ``.nextrust/hook-logs/EVENT.jsonl``.

A log that has reached its size is put aside as ``EVENT.jsonl.1`` (the newest) to ``.N``. What is written has been
through the redactor. With NEXTRUST_DEBUG or HOOK_DEBUG set a line also holds the event as it came and what handlers
printed. These logs are for people and may be deleted; what must not be lost is in the status log.

Boundary: writes; who answers what is the dispatcher's. Several processes may write at once: a line is one ``write``.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from pytest_nextrust.base.private_folders import private_folder
from pytest_nextrust.hookapi.events import LOG_SIZE, LOGS_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["FOLDER", "write_log"]

FOLDER = ".nextrust/hook-logs"


def write_log(root: str, event: str, entry: Mapping[str, Any], *, size: int = LOG_SIZE, keep: int = LOGS_KEPT) -> None:
    """Append ``entry`` (plain values, redacted) to the log of ``event``. Raises OSError."""
    file = f"{private_folder(f'{root}/{FOLDER}')}/{event}.jsonl"
    seconds = time.time()
    now = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03}Z"
    line = json.dumps({"time": now, "event": event, **entry}).encode() + b"\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        large = os.fstat(descriptor).st_size >= size
    finally:
        os.close(descriptor)
    if large:
        _rotate(file, keep)


def _rotate(file: str, keep: int) -> None:
    """Put the log aside. Of two that do so at once one finds nothing to rename; no line is lost, an order may be."""
    with contextlib.suppress(OSError):
        if keep == 0:
            os.unlink(file)  # noqa: PTH108
            return
        for number in range(keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{file}.{number}", f"{file}.{number + 1}")  # noqa: PTH105
        os.replace(file, f"{file}.1")  # noqa: PTH105
