"""Releases of a toolchain by name: ``clang-22`` is a release of ``clang``.

Boundary: names only. Which releases are installed is ``toolchain``'s.
"""

from __future__ import annotations

import re

__all__ = ["is_of", "release_of"]

_RELEASE = re.compile(r"(clang)-([1-9][0-9]?)")


def release_of(name: str) -> tuple[str, int] | None:
    """The toolchain and the release that a name means; None for a name that is no release's."""
    match = _RELEASE.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def is_of(name: str, wanted: str) -> bool:
    """Whether a toolchain is the one that is wanted, or a release of it."""
    release = release_of(name)
    return name == wanted or (release is not None and release[0] == wanted)
