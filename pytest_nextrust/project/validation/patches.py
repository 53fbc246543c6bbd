"""Patches: unified diffs that ``git apply`` and ``patch`` would take.

Checked are the headers, that each hunk has as many lines as its header says, that hunks follow each other, that paths
stay in the tree, and that no line lost its leading blank (editors that trim lines do that).

Source: POSIX.1-2017 diff, "Diff -u Output Format"; git-diff(1), "Generating patch text".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["check_patch"]

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_CONFLICT = re.compile(r"\+(<{7}|>{7}) ")
MOST = 20
"""Faults that are listed."""


@dataclass
class _Place:
    """Where the reader is: lines left in the hunk, the end of the last one, the file's header."""

    at: int = 0
    old: int = 0
    new: int = 0
    end: int = 0
    header: int = 0
    hunks: int = 0


def check_patch(text: str) -> list[str]:
    """The faults, each with its line; one that applies to nothing is a fault."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    place = _Place()
    found = []
    for fault in _faults(lines, place):
        found.append(fault)
        if len(found) >= MOST:
            break
    special = re.search(
        r"^(GIT binary patch|rename from|similarity index|old mode|new file mode|deleted file)", text, re.M
    )
    if not found and place.hunks == 0 and special is None:
        found = [(1, "no hunk (@@ -1,2 +1,3 @@): it would change nothing")]
    return [f"{line}: {message}" for line, message in found]


def _faults(lines: list[str], place: _Place) -> Iterator[tuple[int, str]]:
    binary = False
    for number, line in enumerate(lines, 1):
        if place.old > 0 or place.new > 0:
            yield from _body(line, number, place)
            continue
        if line.startswith("GIT binary patch"):
            binary = True
        elif line.startswith("diff "):
            binary, place.header, place.end = False, 0, 0
        elif line.startswith("--- ") and number < len(lines) and lines[number].startswith("+++ "):
            place.header, place.end = number, 0
            yield from _path(line[4:], number)
        elif line.startswith("+++ ") and place.header == number - 1:
            yield from _path(line[4:], number)
        elif line.startswith("@@ ") and not binary:
            yield from _header(line, number, place)
        elif (
            line != "--"
            and line[:1] in ("+", "-")
            and place.hunks
            and not binary
            and not line.startswith(("-- ", "--- ", "+++ "))
        ):
            yield number, "a line of a hunk that is longer than its header @@ says"
            place.hunks = 0
    if place.old > 0 or place.new > 0:
        yield place.at, "a hunk that is shorter than its header @@ says"


def _header(line: str, number: int, place: _Place) -> Iterator[tuple[int, str]]:
    match = _HUNK.match(line)
    if match is None:
        yield number, "a hunk's header that is not @@ -LINE,COUNT +LINE,COUNT @@"
        return
    if place.header == 0:
        yield number, "a hunk without the headers --- and +++ before it"
        place.header = number
    start = int(match[1])
    if start < place.end:
        yield number, "a hunk that begins before the last one ends"
    place.at, place.hunks = number, place.hunks + 1
    place.old = int(match[2] or 1)
    place.new = int(match[4] or 1)
    place.end = start + place.old


def _body(line: str, number: int, place: _Place) -> Iterator[tuple[int, str]]:
    sign = line[:1]
    if sign == "\\":
        return
    if sign not in ("", " ", "+", "-", "\t"):
        yield number, "a hunk that is shorter than its header @@ says, or a line without its leading blank"
        place.old = place.new = 0
        return
    if sign in ("", "\t"):
        yield number, "a line of context without its leading blank: an editor trimmed it"
    if _CONFLICT.match(line):
        yield number, "it would add a merge conflict's mark"
    place.old -= sign != "+"
    place.new -= sign != "-"
    if place.old < 0 or place.new < 0:
        yield number, "a hunk that is longer than its header @@ says"
        place.old = place.new = 0


def _path(name: str, number: int) -> Iterator[tuple[int, str]]:
    path = name.split("\t")[0].strip().strip('"')
    if path == "/dev/null":
        return
    if path.startswith("/") or ".." in path.split("/"):
        yield number, f"the path {path[:100]} leads out of the tree"
