"""Compilers by name: ``clang-22`` and ``clang@22`` are releases of ``clang``, ``rust@nightly`` one of ``rust``,
``/opt/llvm/bin/clang`` is a ``clang`` by its path.

Boundary: names only. Which of them are on this machine is ``toolchain``'s.
"""

from __future__ import annotations

import re
from pathlib import PurePath

__all__ = ["base_of", "is_of", "is_path", "release_of"]

_RELEASE = re.compile(r"(clang)-([1-9][0-9]?)")
_AT = re.compile(r"(?:(clang)@[1-9][0-9]?|(rust)@[A-Za-z0-9][A-Za-z0-9._-]*)")
_PROGRAM = re.compile(r"(?:.*-)?(clang|rustc|gcc)(?:-[0-9.]+)?")
_BASES = {"clang": "clang", "rustc": "rust", "gcc": "gnu"}


def release_of(name: str) -> tuple[str, int] | None:
    """The toolchain and the release that a name means; None for a name that is no release's."""
    match = _RELEASE.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def is_path(name: str) -> bool:
    """Whether a compiler is named by its path."""
    return "/" in name


def base_of(name: str) -> str | None:
    """The toolchain that a name means a release or a compiler of: ``clang``, ``rust``, ``gnu``; None for another.

    A path is known by its last part: ``clang``, ``clang-22``, ``rustc``, ``m68k-next-gcc``.
    """
    if is_path(name):
        program = _PROGRAM.fullmatch(PurePath(name).name)
        return _BASES[program[1]] if program else None
    match = _RELEASE.fullmatch(name) or _AT.fullmatch(name)
    return next(filter(None, match.groups()), None) if match else None


def is_of(name: str, wanted: str) -> bool:
    """Whether a toolchain is the one that is wanted, or a release of it, or a compiler of it by its path."""
    return name == wanted or base_of(name) == wanted
