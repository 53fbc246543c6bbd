"""What a guest may add to its root: bytes, files and depth. The host's disk is not the guest's to fill.

What was there at the start is free. A file counts with its size, holes included, from when it grows until nobody can
reach it any more: no name, and no descriptor. Past a limit the guest sees the error of a full disk.

Boundary: the count. Who makes, grows, closes and removes files asks here before, and tells here after.

Sources: 4.3BSD ``ufs_alloc.c``: ENOSPC where the file system has no block or no inode left; EDQUOT where a user's
quota forbids what the disk would have room for, which is the nearest to a limit on depth.
"""

from __future__ import annotations

import os
import stat

from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno

__all__ = ["QUOTA_BYTES", "QUOTA_DEPTH", "QUOTA_FILES", "Quota", "height"]

QUOTA_BYTES = 256 << 20
"""Bytes that all files together may grow by."""

QUOTA_FILES = 16_384
"""Files, folders and links that may be added."""

QUOTA_DEPTH = 128
"""How deep a folder may lie below the root."""

_WALK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_Key = tuple[int, int]


class Quota:
    """One run's count. ``root`` is a handle on the guest's root."""

    def __init__(self, root: int, size: int = QUOTA_BYTES, files: int = QUOTA_FILES, depth: int = QUOTA_DEPTH) -> None:
        self._top = _key(os.fstat(root))
        self._size = size
        self._files = files
        self._depth = depth
        self._open: dict[_Key, int] = {}

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def grow(self, before: int, after: int) -> None:
        """A file is about to become larger, or has become smaller. Raises UnixError(ENOSPC)."""
        if after - before > self._size:
            raise UnixError(Errno.ENOSPC)
        self._size -= after - before

    def room(self, before: int, after: int) -> int:
        """How many bytes a write may end at that would make a file of ``before`` bytes one of ``after``."""
        return min(after, max(before, 0) + self._size)

    def opened(self, handle: int) -> None:
        """A file has been opened."""
        key = _key(os.fstat(handle))
        self._open[key] = self._open.get(key, 0) + 1

    def closing(self, handle: int) -> None:
        """A file is about to be closed: its bytes are free again where it has no name."""
        status = os.fstat(handle)
        key = _key(status)
        left = self._open.pop(key, 1) - 1
        if left:
            self._open[key] = left
        elif not status.st_nlink:
            self._size += status.st_size

    # -- names ---------------------------------------------------------------------------------------------------------

    def add(self) -> None:
        """A name is about to be added. Raises UnixError(ENOSPC)."""
        if self._files <= 0:
            raise UnixError(Errno.ENOSPC)
        self._files -= 1

    def removed(self, status: os.stat_result, *, folder: bool = False) -> None:
        """A name is gone; ``status`` is what it named, from before."""
        self._files += 1
        if not folder and status.st_nlink == 1 and _key(status) not in self._open:
            self._size += status.st_size

    def deepen(self, parent: int, levels: int = 1) -> None:
        """``levels`` of folders are about to come below ``parent``. Raises UnixError(EDQUOT)."""
        # By what lies above it now: how the guest came there says nothing once a folder above has been moved.
        above, depth = os.open(".", _WALK, dir_fd=parent), levels
        try:
            while _key(os.fstat(above)) != self._top:
                depth += 1
                if depth > self._depth:
                    raise UnixError(Errno.EDQUOT)
                higher = os.open("..", _WALK, dir_fd=above)
                os.close(above)
                above = higher
        finally:
            os.close(above)


def _key(status: os.stat_result) -> _Key:
    return status.st_dev, status.st_ino


def height(parent: int, name: bytes) -> int:
    """How many levels of folders ``name`` in ``parent`` has, itself included. Raises OSError."""
    stack = [_level(parent, name)]
    deepest = 1
    try:
        while stack:
            handle, below = stack[-1]
            if below:
                stack.append(_level(handle, below.pop()))
                deepest = max(deepest, len(stack))
            else:
                os.close(handle)
                stack.pop()
    finally:
        for handle, _ in stack:
            os.close(handle)
    return deepest


def _level(parent: int, name: bytes) -> tuple[int, list[bytes]]:
    handle = os.open(name, _LIST, dir_fd=parent)
    entries = (os.fsencode(entry) for entry in os.listdir(handle))  # noqa: PTH208
    return handle, [
        entry for entry in entries if stat.S_ISDIR(os.stat(entry, dir_fd=handle, follow_symlinks=False).st_mode)
    ]
