"""What has changed in a project, as a request may show it: names from git, and bounded excerpts of the difference.

Files that usually hold secrets are named and never shown; differences go through the redactor before they are cut.

Boundary: asks git and reads nothing else. Without git, or outside a repository, nothing has changed.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context

__all__ = ["Changes", "since_base", "uncommitted"]

_SECRET = re.compile(
    r"(^|/)(\.env(\..*)?|\.netrc|\.npmrc|\.pypirc|id_[a-z0-9]+|.*\.(pem|key|p12|pfx|jks|keystore|kdbx)"
    r"|.*(secret|credential|password)[^/]*)$",
    re.IGNORECASE,
)
_NAMES = 200
_FILE = 6_000


@dataclass(frozen=True)
class Changes:
    """``files``: status letter and path; ``left``: how many more there are; ``diff``: per file, bounded."""

    files: tuple[str, ...] = ()
    left: int = 0
    diff: str = ""
    against: str = ""


def uncommitted(context: Context, *, room: int) -> Changes:
    """What differs from the commit, else what the last commit changed. ``room``: characters for the differences."""
    found = _changes(context, ["HEAD"], "the commit", room)
    return found if found.files else _changes(context, ["HEAD~1", "HEAD"], "the commit before", room)


def since_base(context: Context, base: str, *, room: int, commit: str = "") -> Changes:
    """What differs from where this branch left ``base`` (or main, or master), else what the last commit changed.

    With ``commit`` (a full hash) what that has, whatever is checked out.
    """
    head = commit or _git(context, "rev-parse", "HEAD").strip()
    for name in dict.fromkeys((base, "origin/main", "origin/master", "main", "master")):
        fork = _git(context, "merge-base", "--", name, head or "HEAD").strip() if not name.startswith("-") else ""
        if fork and fork != head:
            return _changes(context, [fork, commit] if commit else [fork], f"{name} at {fork[:12]}", room)
    if commit:
        return _changes(context, [f"{commit}~1", commit], "the commit before", room)
    return uncommitted(context, room=room)


def _changes(context: Context, revisions: Sequence[str], against: str, room: int) -> Changes:
    words = _git(context, "diff", "--name-status", "-z", "--no-renames", *revisions, "--").split("\0")
    pairs = list(zip(words[0::2], words[1::2], strict=False))
    pieces, used = [], 0
    for _, path in pairs[:_NAMES]:
        if used >= room:
            break
        piece = f"{path}: not shown\n" if _SECRET.search(path) else _difference(context, revisions, path)
        pieces.append(piece[: room - used])
        used += len(pieces[-1])
    names = tuple(f"{letter} {path}" for letter, path in pairs[:_NAMES])
    return Changes(names, max(0, len(pairs) - _NAMES), "".join(pieces), against if pairs else "")


def _difference(context: Context, revisions: Sequence[str], path: str) -> str:
    text = _git(context, "diff", "--no-color", "--no-ext-diff", "--no-textconv", *revisions, "--", f":(literal){path}")
    if "\0" in text:
        return f"{path}: binary\n"
    # Before it is cut: half a secret has no shape to be known by.
    text = context.redactor.text(text)
    return text if len(text) <= _FILE else f"{text[:_FILE]}\n[{len(text) - _FILE} more characters of {path}]\n"


def _git(context: Context, *arguments: str) -> str:
    """What git prints; empty where it fails, is missing, or takes too long."""
    try:
        done = context.run(["git", "-c", "core.quotePath=false", *arguments], limit=10.0)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
