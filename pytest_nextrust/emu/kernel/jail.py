"""The guest's root folder: turns a guest path into a host directory handle and one name in it, and stays inside.

Boundary: path walking and what the walk must refuse. Every component is looked up with an ``openat`` that does not
follow links, starting from a handle on the root; ``..`` goes back along the handles the walk came by and stops at the
root; a symbolic link's target is walked the same way, from the root when it is absolute. So no string a guest can
write, or store in a link, names anything outside, and nothing that changes on the host meanwhile can lead it there.

Sources: 4.3BSD ``namei`` and NeXT's ``lookuppn`` for the meaning of empty paths, trailing slashes, ``..`` at the root
and for the errors; MAXPATHLEN 1024, MAXNAMLEN 255. Twenty links in one walk is NeXT's MAXSYMLINKS (inferred).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno, from_host

__all__ = ["MAX_LINKS", "MAX_NAME", "MAX_PATH", "Jail", "ResolvedPath"]

MAX_PATH = 1024
MAX_NAME = 255
MAX_LINKS = 20

_WALK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SEARCH = 0o100
_WRITE = 0o200


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """Where a path leads: ``name`` in the directory ``parent``, and what is there (None: nothing).

    ``alias`` is true where the path names a directory without naming its entry (``/``, ``.``, ``..``, ``a/``); then
    ``parent`` is the directory itself and ``name`` is ``.``. ``chain`` are the handles from the root to ``parent``.
    """

    parent: int
    name: bytes
    status: os.stat_result | None
    alias: bool
    chain: tuple[int, ...]

    def existing(self) -> os.stat_result:
        """The status of what is there. Raises UnixError(ENOENT)."""
        if self.status is None:
            raise UnixError(Errno.ENOENT)
        return self.status

    def may_change_entries(self) -> None:
        """Raise UnixError(EACCES) unless entries may be added to and removed from ``parent``."""
        if not os.fstat(self.parent).st_mode & _WRITE:
            raise UnixError(Errno.EACCES)


class Jail:
    """One root folder and the current directory in it. Holds host handles: ``close`` gives them up.

    Raises OSError where the root itself cannot be opened.
    """

    def __init__(self, root: str) -> None:
        handle = os.open(root, _WALK & ~os.O_NOFOLLOW)
        self._cwd: tuple[int, ...] = (handle,)
        self._root = handle

    @property
    def root(self) -> int:
        """The handle on the root."""
        return self._root

    def close(self) -> None:
        """Close every handle. Afterwards nothing can be found."""
        for handle in {*self._cwd, self._root}:
            os.close(handle)
        self._cwd = ()

    def enter(self, path: bytes) -> None:
        """Change the current directory. Raises UnixError."""
        with self.find(path) as found:
            if not stat.S_ISDIR(found.existing().st_mode):
                raise UnixError(Errno.ENOTDIR)
            if not found.existing().st_mode & _SEARCH:
                raise UnixError(Errno.EACCES)
            with _host_errors():
                chain = [os.dup(handle) for handle in found.chain]
                if not found.alias:
                    chain.append(os.open(found.name, _WALK, dir_fd=found.parent))
        old, self._cwd = self._cwd, tuple(chain)
        for handle in old:
            if handle != self._root:
                os.close(handle)

    @contextmanager
    def find(self, path: bytes, *, follow: bool = True) -> Iterator[ResolvedPath]:
        """Walk ``path``; ``follow`` says whether a link in the last place is followed. Raises UnixError.

        The handles in the answer are open inside the ``with`` only; host errors in its body become the guest's.
        """
        opened: list[int] = []
        try:
            with _host_errors():
                yield self._walk(path, follow, opened)
        finally:
            for handle in opened:
                os.close(handle)

    def _walk(self, path: bytes, follow: bool, opened: list[int]) -> ResolvedPath:
        if len(path) >= MAX_PATH:
            raise UnixError(Errno.ENAMETOOLONG)
        stack = [self._root] if path.startswith(b"/") else list(self._cwd)
        rest = path.lstrip(b"/")
        links = 0
        while rest:
            name, slash, after = rest.partition(b"/")
            after = after.lstrip(b"/")
            if len(name) > MAX_NAME:
                raise UnixError(Errno.ENAMETOOLONG)
            if not os.fstat(stack[-1]).st_mode & _SEARCH:
                raise UnixError(Errno.EACCES)
            if name in (b".", b".."):
                if name == b".." and len(stack) > 1:
                    stack.pop()
                rest = after
                continue
            status = _lstat(name, stack[-1])
            if status is None:
                if slash:
                    raise UnixError(Errno.ENOENT)
                return ResolvedPath(stack[-1], name, None, False, tuple(stack))
            if stat.S_ISLNK(status.st_mode) and (follow or slash):
                links += 1
                if links > MAX_LINKS:
                    raise UnixError(Errno.ELOOP)
                target = os.readlink(name, dir_fd=stack[-1])
                if target.startswith(b"/"):
                    stack = [self._root]
                rest = (target + slash + after).lstrip(b"/")
                if len(rest) >= MAX_PATH:
                    raise UnixError(Errno.ENAMETOOLONG)
                continue
            if not slash:
                return ResolvedPath(stack[-1], name, status, False, tuple(stack))
            if not stat.S_ISDIR(status.st_mode):
                raise UnixError(Errno.ENOTDIR)
            handle = os.open(name, _WALK, dir_fd=stack[-1])
            opened.append(handle)
            stack.append(handle)
            rest = after
        return ResolvedPath(stack[-1], b".", os.fstat(stack[-1]), True, tuple(stack))


def _lstat(name: bytes, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _host_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_host(error) from error
