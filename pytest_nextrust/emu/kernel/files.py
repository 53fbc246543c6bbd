"""Open files and the descriptor table: what all open files can do, regular files, directories.

Boundary: what read, write, seek and stat do on each kind. Paths are ``jail``'s, the other kinds of file ``streams``'.
Nothing here waits: a transfer that would have to raises ``WouldBlock``, and the caller decides.

Sources: 4.3BSD ``kern_descrip.c``, ``sys_generic.c`` and ``<sys/file.h>``; NOFILE 256 as in NEXTSTEP (inferred).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno, from_host
from pytest_nextrust.emu.kernel.quota import Quota
from pytest_nextrust.emu.kernel.structures import Stat, direct

__all__ = [
    "FILE_LIMIT",
    "NOFILE",
    "O_ACCMODE",
    "O_APPEND",
    "O_CREAT",
    "O_EXCL",
    "O_NDELAY",
    "O_RDONLY",
    "O_RDWR",
    "O_TRUNC",
    "O_WRONLY",
    "Descriptors",
    "DirectoryFile",
    "FileDescription",
    "HostFile",
    "WouldBlock",
]

O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE = 0, 1, 2, 3
O_NDELAY, O_APPEND, O_CREAT, O_TRUNC, O_EXCL = 4, 8, 0x200, 0x400, 0x800

NOFILE = 256
FILE_LIMIT = 1 << 30
"""No file may be larger than this, in bytes; what a guest may add in all is the quota's."""

SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2


class WouldBlock(Exception):
    """The transfer cannot go on now; ``done`` bytes of a write have been taken."""

    def __init__(self, done: int = 0) -> None:
        super().__init__(done)
        self.done = done


class FileDescription:
    """An open file description: shared by duplicated descriptors. ``flags`` are open's."""

    kind = "file"

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.references = 0

    @property
    def readable(self) -> bool:
        return self.flags & O_ACCMODE in (O_RDONLY, O_RDWR)

    @property
    def writable(self) -> bool:
        return self.flags & O_ACCMODE in (O_WRONLY, O_RDWR)

    def extent(self, count: int) -> int:
        """At most how many of ``count`` bytes a read would give now. Raises WouldBlock."""
        raise NotImplementedError

    def read(self, count: int) -> bytes:
        """Take at most ``count`` bytes; none at the end."""
        raise NotImplementedError

    def write(self, data: bytes) -> int:
        """Put all of ``data``. Raises UnixError or WouldBlock."""
        raise NotImplementedError

    def seek(self, offset: int, whence: int) -> int:  # noqa: ARG002 - the others have positions
        """Move; answers the new position. Raises UnixError(ESPIPE) where there are no positions."""
        raise UnixError(Errno.ESPIPE)

    def stat(self) -> Stat:
        """What fstat shows."""
        raise NotImplementedError

    def truncate(self, size: int) -> None:  # noqa: ARG002 - regular files have sizes
        """Set the size. Raises UnixError(EINVAL) for what is no regular file."""
        raise UnixError(Errno.EINVAL)

    def can_read(self) -> bool:
        """Would a read return at once?"""
        return True

    def can_write(self) -> bool:
        """Would a write return at once?"""
        return True

    def close(self) -> None:
        """The last descriptor is gone."""


def _sought(offset: int, base: int | None) -> int:
    """The position ``offset`` bytes from ``base``, which is None where the file has none of the kind."""
    if base is None or not 0 <= base + offset <= 0x7FFF_FFFF:
        raise UnixError(Errno.EINVAL)
    return base + offset


class HostFile(FileDescription):
    """A regular file in the root. ``touched`` is called after every change of its contents; ``quota`` pays for it."""

    def __init__(
        self,
        flags: int,
        handle: int,
        stat: Callable[[int], Stat],
        touched: Callable[[int], None],
        quota: Quota,
    ) -> None:
        super().__init__(flags)
        self.handle = handle
        self._quota = quota
        quota.opened(handle)
        self.position = 0
        self._stat = stat
        self._touched = touched

    def size(self) -> int:
        """Its size now, in bytes."""
        return os.fstat(self.handle).st_size

    def extent(self, count: int) -> int:
        return max(0, min(count, self.size() - self.position))

    def read(self, count: int) -> bytes:
        data = os.pread(self.handle, self.extent(count), self.position)
        self.position += len(data)
        return data

    def write(self, data: bytes) -> int:
        if self.flags & O_APPEND:
            self.position = self.size()
        end = self.position + len(data)
        if end > FILE_LIMIT:
            raise UnixError(Errno.EFBIG)
        # As on a full disk: what fits is written, and only a write of which nothing fits fails.
        size = self.size()
        end = self._quota.room(size, end)
        if data and end <= self.position:
            raise UnixError(Errno.ENOSPC)
        view = memoryview(data)[: end - self.position]
        data = bytes(view) if len(view) < len(data) else data
        self._quota.grow(size, max(size, end))
        try:
            while view:
                done = os.pwrite(self.handle, view, self.position)
                self.position += done
                view = view[done:]
        except OSError as error:
            raise from_host(error) from error
        if data:
            self._touched(self.handle)
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        self.position = _sought(offset, {SEEK_SET: 0, SEEK_CUR: self.position, SEEK_END: self.size()}.get(whence))
        return self.position

    def stat(self) -> Stat:
        return self._stat(self.handle)

    def truncate(self, size: int) -> None:
        if size > FILE_LIMIT:
            raise UnixError(Errno.EFBIG)
        self._quota.grow(self.size(), size)
        try:
            os.ftruncate(self.handle, size)
        except OSError as error:
            raise from_host(error) from error
        self._touched(self.handle)

    def close(self) -> None:
        self._quota.closing(self.handle)
        os.close(self.handle)


class DirectoryFile(FileDescription):
    """A directory open for reading: a stream of struct direct, sorted by name, read anew whenever it is rewound."""

    kind = "directory"

    def __init__(
        self, handle: int, stat: Callable[[int], Stat], entries: Callable[[int], list[tuple[int, bytes]]]
    ) -> None:
        super().__init__(O_RDONLY)
        self.handle = handle
        self.position = 0
        self._stat = stat
        self._entries = entries
        self._records: list[bytes] = []

    def records(self, room: int) -> bytes:
        """The next whole records that fit in ``room`` bytes; none at the end. UnixError(EINVAL): not even one fits."""
        if self.position == 0:
            self._records = [direct(number, name) for number, name in self._entries(self.handle)]
        answer = bytearray()
        at = 0
        for record in self._records:
            if at >= self.position and len(answer) + len(record) > room:
                if not answer:
                    raise UnixError(Errno.EINVAL)
                break
            if at >= self.position:
                answer += record
            at += len(record)
        self.position = at
        return bytes(answer)

    def extent(self, count: int) -> int:
        return count

    def read(self, count: int) -> bytes:
        return self.records(count)

    def write(self, data: bytes) -> int:  # noqa: ARG002 - never writable
        raise UnixError(Errno.EBADF)

    def seek(self, offset: int, whence: int) -> int:
        self.position = _sought(offset, {SEEK_SET: 0, SEEK_CUR: self.position}.get(whence))
        return self.position

    def stat(self) -> Stat:
        return self._stat(self.handle)

    def close(self) -> None:
        os.close(self.handle)


class Descriptors:
    """The descriptor table: numbers 0 to NOFILE - 1, each an open file and its close-on-exec flag."""

    def __init__(self) -> None:
        self._files: dict[int, FileDescription] = {}
        self._close_on_exec: set[int] = set()

    def get(self, number: int) -> FileDescription:
        """Raises UnixError(EBADF) for a number that is not open."""
        if number not in self._files:
            raise UnixError(Errno.EBADF)
        return self._files[number]

    def lowest(self, start: int = 0) -> int:
        """The lowest free number from ``start``. Raises UnixError(EMFILE)."""
        for number in range(start, NOFILE):
            if number not in self._files:
                return number
        raise UnixError(Errno.EMFILE)

    def install(self, file: FileDescription, start: int = 0) -> int:
        """Give the file the lowest free number from ``start``. Raises UnixError(EMFILE), and keeps nothing then."""
        number = self.lowest(start)
        self._files[number] = file
        file.references += 1
        return number

    def replace(self, number: int, file: FileDescription) -> None:
        """dup2: make ``number`` this file, closing what it was. Raises UnixError(EBADF) for no valid number."""
        if not 0 <= number < NOFILE:
            raise UnixError(Errno.EBADF)
        file.references += 1
        if number in self._files:
            self.close(number)
        self._files[number] = file

    def close(self, number: int) -> None:
        """Raises UnixError(EBADF)."""
        file = self.get(number)
        del self._files[number]
        self._close_on_exec.discard(number)
        file.references -= 1
        if file.references == 0:
            file.close()

    def close_all(self) -> None:
        """Close everything, as exit does."""
        for number in tuple(self._files):
            self.close(number)

    def numbers(self) -> tuple[int, ...]:
        """The numbers that are open, ascending."""
        return tuple(sorted(self._files))

    def close_on_exec(self, number: int) -> bool:
        """The flag of an open number. Raises UnixError(EBADF)."""
        self.get(number)
        return number in self._close_on_exec

    def set_close_on_exec(self, number: int, flag: bool) -> None:
        """Set the flag. Raises UnixError(EBADF)."""
        self.get(number)
        (self._close_on_exec.add if flag else self._close_on_exec.discard)(number)
