"""Temporary folders that do not stay behind: removed at the end, and swept at the next start after a sudden one.

An owner holds a lock on its folder as long as it lives; the operating system lets go of it when the owner dies, however
it does. So whether a folder is anybody's is told by its lock: a process number may be another process's by now.

What is removed may have been made by a guest: folders nested deeper than any path reaches, or without permissions.
Nothing here recurses, follows a link, or names anything by a path below the folder itself.

Boundary: folders in the system's temporary folder; what is put into them is the caller's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

__all__ = ["PREFIXES", "ScratchFolder", "hindrance", "remove_tree", "sweep"]

PREFIXES = (
    "nextrust-atomics-",
    "nextrust-bisect-",
    "nextrust-build-",
    "nextrust-cargo-",
    "nextrust-explore-",
    "nextrust-prebuilt-",
    "nextrust-review-",
    "nextrust-root-",
    "nextrust-status-",
    "nextrust-work-",
)
"""How the names of such folders begin."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_OWNER = 0o700
_SMALLEST_FILE = 1 << 20
"""Bytes: programs, reports and what compilers write between are larger than any smaller limit."""

_swept: set[str] = set()
"""The temporary folders that this process has swept: once is enough."""


class ScratchFolder:
    """A private folder, gone after ``close`` or at the end of a ``with``; ``prefix`` is one of ``PREFIXES``.

    Raises OSError where there can be none.
    """

    def __init__(self, prefix: str) -> None:
        where = tempfile.gettempdir()
        if where not in _swept:
            _swept.add(where)
            sweep(where)
        self.path, self._lock = _locked(prefix, where)
        self._owner = os.getpid()

    def close(self) -> None:
        """Remove the folder, and let go of it. Safe to call twice. Raises OSError."""
        lock, self._lock = self._lock, -1
        if lock < 0:
            return
        try:
            if os.getpid() == self._owner:  # a forked child has a copy
                remove_tree(self.path)
        finally:
            os.close(lock)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hindrance() -> tuple[str, str] | None:
    """What of this process's surroundings lets nobody work with files, and the remedy; None where nothing does."""
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & _OWNER:
        return f"umask {mask:04o} takes from files what their owner needs", "umask 022"
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit != resource.RLIM_INFINITY and limit < _SMALLEST_FILE:
        return f"no file may be larger than {limit} bytes (ulimit -f)", "ulimit -f unlimited"
    return None


def _locked(prefix: str, where: str) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock."""
    while True:
        folder = tempfile.mkdtemp(prefix=prefix, dir=where)
        # Between the two calls somebody who sweeps may take it for abandoned: then this one is gone, and another made.
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, _FOLDER)
            fcntl.flock(lock, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(folder, follow_symlinks=False)):  # noqa: PTH116
                    return Path(folder), lock
            os.close(lock)


def sweep(where: str) -> int:
    """Remove the folders in ``where`` whose owners are gone; how many. What cannot be removed stays."""
    removed = 0
    try:
        found = [entry for entry in os.scandir(where) if entry.name.startswith(PREFIXES)]
    except OSError:
        return 0
    for entry in found:
        with contextlib.suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and _abandoned(entry.path):
                removed += 1
    return removed


def _abandoned(folder: str) -> bool:
    """Remove a folder that nobody has locked; whether it was so. Raises OSError."""
    lock = os.open(folder, _FOLDER)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(Path(folder))
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def remove_tree(folder: Path) -> None:
    """Remove a folder of this user's with all that is in it; one that is not there is no error. Raises OSError.

    Whatever is nested is moved up before it is looked into, so that depth costs neither stack, descriptors nor paths.
    """
    try:
        top = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return
    try:
        os.fchmod(top, 0o700)
        fresh = _names_beside(set(os.listdir(top)))  # noqa: PTH208
        pending = _empty(top, top, fresh)
        while pending:
            name = pending.pop()
            inner = os.open(name, _FOLDER, dir_fd=top)
            try:
                pending += _empty(inner, top, fresh)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    folder.rmdir()


def _names_beside(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        name = f"moved-{number}"
        if name not in taken:
            yield name
        number += 1


def _empty(folder: int, top: int, fresh: Iterator[str]) -> list[str]:
    """Remove what is no folder, and move folders to ``top``; their names there. They are made accessible."""
    folders = []
    for name in os.listdir(folder):
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            continue
        # To be moved, a folder must be writable itself: its entry for the one above changes.
        os.chmod(name, 0o700, dir_fd=folder)
        if folder == top:
            folders.append(name)
        else:
            folders.append(next(fresh))
            os.rename(name, folders[-1], src_dir_fd=folder, dst_dir_fd=top)
    return folders
