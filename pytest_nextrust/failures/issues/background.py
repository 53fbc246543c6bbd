"""A background command that failed: its command from the transcript, its output from the file that the event names.

Boundary: reads the two files, a bounded part of each and no link; where one says nothing the event stays as it is.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from pytest_nextrust.hookapi.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["with_command"]

MOST = 8_000_000
"""Bytes from the end of a transcript, or of an output, that are read."""


def with_command(event: Event) -> Event:
    """The event with the command that failed and with what it printed, as far as these are to be found."""
    values = {name: getattr(event, name) for name in Event.__annotations__}
    command = next(_commands(_tail(event.transcript_path), event.tool_use_id), None)
    if command is not None:
        values["tool_input"] = {"command": command}
    printed = _tail(str(event.tool_input.get("output_file", ""))).decode("utf-8", "replace")
    if printed.strip():
        values["error"] = f"{event.error}\n{printed}"
    return Event(**values)


def _tail(path: str) -> bytes:
    if not path or "\0" in path:
        return b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return b""
            stream.seek(max(0, found.st_size - MOST))
            return stream.read(MOST)
    except OSError:
        return b""


def _commands(transcript: bytes, use: str) -> Iterator[str]:
    """The command of the tool call with this id."""
    wanted = use.encode("utf-8", "replace")
    for line in reversed(transcript.split(b"\n")) if wanted else ():
        if wanted not in line or b"tool_use" not in line:
            continue
        try:
            message: Any = json.loads(line).get("message", {})
            content = message.get("content", [])
        except (ValueError, AttributeError, RecursionError):
            continue
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "tool_use" and part.get("id") == use:
                given = part.get("input")
                command = given.get("command") if isinstance(given, dict) else None
                if isinstance(command, str):
                    yield command
