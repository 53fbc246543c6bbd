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
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nextrust.control.settings import LogRules
from pytest_nextrust.control.snapshot import private_folder

__all__ = ["FOLDER", "write_log"]

FOLDER = Path(".nextrust") / "hook-logs"


def write_log(root: Path, event: str, entry: Mapping[str, Any], rules: LogRules) -> None:
    """Append ``entry`` (plain values, redacted) to the log of ``event``. Raises OSError."""
    file = private_folder(root / FOLDER) / f"{event}.jsonl"
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": now, "event": event, **entry}).encode() + b"\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        large = os.fstat(descriptor).st_size >= rules.size
    finally:
        os.close(descriptor)
    if large:
        _rotate(file, rules.keep)


def _rotate(file: Path, keep: int) -> None:
    """Put the log aside. Of two that do so at once one finds nothing to rename; no line is lost, an order may be."""
    with contextlib.suppress(OSError):
        if keep == 0:
            file.unlink()
            return
        for number in range(keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                file.with_name(f"{file.name}.{number}").replace(file.with_name(f"{file.name}.{number + 1}"))
        file.replace(file.with_name(f"{file.name}.1"))
