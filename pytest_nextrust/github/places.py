"""The line of a project's file that a failure is shown at: where its message says, else where it was collected from.

Boundary: reads files below the project's folder, and never one outside it, whatever a message names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.status.records import Item

__all__ = ["Place", "place_of"]

_MENTIONED = re.compile(r"(?<![\w./-])([\w./-]{1,200}\.(?:c|cc|cpp|h|rs|s|S|py|toml)):([1-9]\d{0,6})(?!\d)")
_LARGEST = 1_000_000
_FALLBACKS = ("nextrust.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, relative to the project, and a line in it, from 1."""

    path: str
    line: int


def place_of(item: Item, root: Path) -> Place:
    """Where to show ``item``: the first line of the project that its message names; the test or scenario; the project's
    configuration."""
    collected, _, name = item.nodeid.partition("::")
    folder = Path(collected).parent
    for match in _MENTIONED.finditer(item.message[:20_000]):
        for path in (Path(match[1]), folder / match[1]):
            if int(match[2]) <= len(_lines(root, path)):
                return Place(_inside(root, path), int(match[2]))
    lines = _lines(root, Path(collected)) if collected else []
    if lines:
        return Place(_inside(root, Path(collected)), _line_of(lines, name))
    return Place(next((name for name in _FALLBACKS if (root / name).is_file()), _FALLBACKS[0]), 1)


def _line_of(lines: list[str], name: str) -> int:
    """The line that defines what a node id names: a test's function; a scenario's line with its sources or program."""
    function = name.rpartition("::")[2].partition("[")[0]
    wanted = re.compile(rf"\s*(?:async\s+)?def\s+{re.escape(function)}\b|\s*(?:sources?|file)\s*=")
    return next((number for number, line in enumerate(lines, 1) if wanted.match(line)), 1)


def _lines(root: Path, path: Path) -> list[str]:
    """A file's lines; none of one outside ``root``, too long, or that is no text."""
    inside = _inside(root, path)
    if not inside:
        return []
    file = root / inside
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return []
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _inside(root: Path, path: Path) -> str:
    """``path`` relative to ``root``, links followed; empty where it leads outside."""
    try:
        whole = (root / path).resolve()
    except (OSError, ValueError, RuntimeError):
        return ""
    base = root.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else ""
