"""What a command printed, shortened for a reader, and whole on disk.

A line is taken for an error by words that compilers, linkers, cargo, make and Python use; nothing here is a regular
expression that can take long, and each line is looked at once.

Boundary: text in, text out, and the files under ``.nextrust/logs``; secrets are taken out by the caller's redactor.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.private_folders import state_folder

__all__ = ["FOLDER", "Summary", "excerpt", "keep_log", "printed", "summarise"]

FOLDER = ".nextrust/logs"

_ERRORS = ("error:", "error[", "fatal:", "fatal error", "undefined reference", "undefined symbol", "panicked at")
_MORE = ("*** [", "segmentation fault", "illegal instruction", "traceback (most recent", "assertionerror", "ld: ")
_WARNINGS = ("warning:", "warning[")
_FIRST, _LAST, _WIDTH = 5, 10, 300
_ESCAPE = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")


@dataclass(frozen=True)
class Summary:
    """Counts, the first lines of errors (each with its number, from 1), and the last lines."""

    lines: int
    characters: int
    errors: int
    warnings: int
    first: tuple[tuple[int, str], ...]
    last: tuple[str, ...]

    def text(self) -> str:
        """All of it, for a reader."""
        lines = [f"{self.lines} lines, {self.characters} characters: {self.errors} errors, {self.warnings} warnings"]
        if self.first:
            lines.append("the first errors:")
            lines += [f"  {number}: {line}" for number, line in self.first]
        lines.append("the last lines:")
        lines += [f"  {line}" for line in self.last]
        return "\n".join(lines)


def printed(response: object, error: str = "") -> str:
    """The text of a tool's response or of the error that an event carries: stdout, then stderr."""
    parts = [error] if error else []
    if isinstance(response, str):
        parts.append(response)
    elif isinstance(response, dict):
        parts += [text for key in ("stdout", "stderr") if isinstance(text := response.get(key), str)]
    return "\n".join(part for part in parts if part)


def summarise(text: str) -> Summary:
    """The summary of ``text``; time is linear in it."""
    lines = _ESCAPE.sub("", text).splitlines()
    errors = [(number, line) for number, line in enumerate(lines, 1) if _is_error(line)]
    warnings = sum(any(sign in line.lower() for sign in _WARNINGS) for line in lines)
    first = tuple((number, line.strip()[:_WIDTH]) for number, line in errors[:_FIRST])
    last = tuple(line.rstrip()[:_WIDTH] for line in lines[-_LAST:])
    return Summary(len(lines), len(text), len(errors), warnings, first, last)


def _is_error(line: str) -> bool:
    lower = line[:2000].lower()
    return any(sign in lower for sign in (*_ERRORS, *_MORE))


def excerpt(text: str, size: int = 2000) -> str:
    """At most ``size`` characters: the first lines of errors, else the end."""
    if len(text) <= size:
        return text.strip()
    errors = "\n".join(line for _, line in summarise(text).first)
    rest = size - len(errors) - 5
    return (f"{errors}\n...\n{text[-rest:]}" if errors and rest > 200 else text[-size:]).strip()


def keep_log(root: Path, text: str, identity: str, *, keep: int) -> str:
    """Keep ``text`` (redacted) whole; the file, relative to the root. The oldest beyond ``keep`` go. Raises OSError.

    The same text of the same event has the same file: an event handled twice leaves one.
    """
    folder = Path(state_folder(str(root / ".nextrust"))) / "logs"
    folder.mkdir(exist_ok=True)
    data = text.encode("utf-8", "backslashreplace")
    file = folder / f"command-{hashlib.sha256(identity.encode('utf-8', 'replace') + b'|' + data).hexdigest()[:16]}.log"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    _drop(folder.glob("command-*.log"), keep)
    return str(file.relative_to(root))


def _drop(files: Iterable[Path], keep: int) -> None:
    with contextlib.suppress(OSError):  # of two that drop at once one finds a file gone
        for old in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True)[keep:]:
            old.unlink(missing_ok=True)
