"""File numbers, owners and times that are the same in every run, whatever host file system the root lies on.

Boundary: what stat shows. The host's inode numbers, owners, directory sizes and clock never reach the guest: files are
numbered in the order the guest first meets them, everything belongs to the guest's user, and times are the guest's own:
the epoch for what was there at the start, and the guest's time of the last change afterwards.
"""

from __future__ import annotations

import os
import stat

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.kernel.structures import Stat, direct

__all__ = ["GUEST_GID", "GUEST_UID", "ROOT_INO", "Inodes"]

GUEST_UID = 20
GUEST_GID = 20
ROOT_INO = 2
_DIRECTORY_BLOCK = 1024


@dataclass(slots=True)
class _Inode:
    number: int
    atime: int
    mtime: int
    ctime: int


class Inodes:
    """The files met so far. ``epoch`` is the time, in seconds, of files that were there before the run."""

    def __init__(self, root: os.stat_result, epoch: int) -> None:
        self._epoch = epoch
        self._known = {(root.st_dev, root.st_ino): _Inode(ROOT_INO, epoch, epoch, epoch)}
        self._next = ROOT_INO + 1

    def _of(self, status: os.stat_result) -> _Inode:
        key = (status.st_dev, status.st_ino)
        if key not in self._known:
            self._known[key] = _Inode(self._next, self._epoch, self._epoch, self._epoch)
            self._next += 1
        return self._known[key]

    def number(self, status: os.stat_result) -> int:
        """The file's number."""
        return self._of(status).number

    def created(self, status: os.stat_result, now: int) -> None:
        """A new file, even where the host uses a removed one's inode again."""
        self._known.pop((status.st_dev, status.st_ino), None)
        inode = self._of(status)
        inode.atime = inode.mtime = inode.ctime = now

    def changed(self, status: os.stat_result, now: int, *, contents: bool = True) -> None:
        """The file's contents (or only its attributes) changed now."""
        inode = self._of(status)
        inode.ctime = now
        if contents:
            inode.mtime = now

    def set_times(self, status: os.stat_result, atime: int, mtime: int, now: int) -> None:
        """utimes."""
        inode = self._of(status)
        inode.atime, inode.mtime, inode.ctime = atime, mtime, now

    def stat(self, status: os.stat_result, subdirectories: int = 0, names: tuple[bytes, ...] = ()) -> Stat:
        """What stat shows; a directory's links and size follow from what is in it."""
        inode = self._of(status)
        size, links = status.st_size, status.st_nlink
        if stat.S_ISDIR(status.st_mode):
            used = sum(len(direct(0, name)) for name in (b".", b"..", *names))
            size, links = -(-used // _DIRECTORY_BLOCK) * _DIRECTORY_BLOCK, 2 + subdirectories
        mode = status.st_mode & 0xFFFF
        times = (inode.atime, inode.mtime, inode.ctime)
        return Stat(inode.number, mode, min(links, 0x7FFF), GUEST_UID, GUEST_GID, size, *times)
