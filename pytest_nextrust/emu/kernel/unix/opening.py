"""Opening: from a path in guest memory to an open file, and what stat shows of it.

Boundary: every path goes through ``jail``; only regular files and directories are ever opened, and anything else in the
root (a fifo, a device, a socket) answers ENXIO without being touched. /dev/null and /dev/zero are made here, and
/dev/tty is not there (ENXIO), whatever the root holds.

Permissions are the owner's bits of each file, so that they mean the same whoever runs the harness, root included.

Sources: 4.3BSD and NeXT ``vfs_syscalls.c`` (copen).
"""

from __future__ import annotations

import os
import stat

from pytest_nextrust.emu.kernel.calls import Syscall
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.files import (
    O_ACCMODE,
    O_CREAT,
    O_EXCL,
    O_RDONLY,
    O_TRUNC,
    O_WRONLY,
    DirectoryFile,
    FileDescription,
    HostFile,
)
from pytest_nextrust.emu.kernel.inodes import ROOT_INO
from pytest_nextrust.emu.kernel.jail import MAX_PATH, ResolvedPath
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.kernel.streams import NullFile
from pytest_nextrust.emu.kernel.structures import Stat

__all__ = [
    "HOST_FLAGS",
    "MODE",
    "OPEN_CALLS",
    "READ",
    "WRITE",
    "device",
    "entries_changed",
    "guest_path",
    "now",
    "open_existing",
    "stat_handle",
]

HOST_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""What every host open of a guest's file adds: never follow a link, never wait for a fifo, never take a terminal."""

READ, WRITE = 0o400, 0o200
MODE = 0o777
_DEVICES = {b"/dev/null": False, b"/dev/zero": True}
_TERMINAL = b"/dev/tty"


def guest_path(task: Task, address: int) -> bytes:
    """The path at a guest address. Raises UnixError(ENAMETOOLONG) or GuestFault."""
    path = task.memory.read_cstring(address, MAX_PATH)
    if path is None:
        raise UnixError(Errno.ENAMETOOLONG)
    return path


def device(path: bytes) -> bool | None:
    """False for /dev/null, True for /dev/zero, None for what is no device. Raises UnixError(ENXIO) for /dev/tty."""
    plain = b"/" + b"/".join(part for part in path.split(b"/") if part not in (b"", b"."))
    if not path.startswith(b"/"):
        return None
    if plain == _TERMINAL:
        raise UnixError(Errno.ENXIO)
    return _DEVICES.get(plain)


def now(task: Task) -> int:
    """Guest time in seconds."""
    return task.clock.now_us // 1_000_000


def open_(task: Task, address: int, flags: int, mode: int) -> int:
    """open(2)."""
    files = task.process.files
    path = guest_path(task, address)
    if flags & O_ACCMODE == O_ACCMODE:
        raise UnixError(Errno.EINVAL)
    files.lowest()
    zeros = device(path)
    if zeros is not None:
        return files.install(NullFile(flags, task.process.epoch, zeros=zeros))
    return files.install(_open_in_root(task, path, flags, mode))


def creat(task: Task, address: int, mode: int) -> int:
    """creat(2)."""
    return open_(task, address, O_WRONLY | O_CREAT | O_TRUNC, mode)


def _open_in_root(task: Task, path: bytes, flags: int, mode: int) -> FileDescription:
    with task.process.jail.find(path) as found:
        if found.status is None:
            if not flags & O_CREAT:
                raise UnixError(Errno.ENOENT)
            return _create(task, found, flags, mode)
        if flags & O_CREAT and flags & O_EXCL:
            raise UnixError(Errno.EEXIST)
        return open_existing(task, found, flags)


def _create(task: Task, found: ResolvedPath, flags: int, mode: int) -> FileDescription:
    found.may_change_entries()
    task.process.quota.add()
    handle = os.open(found.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | HOST_FLAGS, 0o600, dir_fd=found.parent)
    os.fchmod(handle, mode & ~task.process.umask & MODE)
    task.process.inodes.created(os.fstat(handle), now(task))
    entries_changed(task, found)
    return _host_file(task, flags, handle)


def open_existing(task: Task, found: ResolvedPath, flags: int) -> FileDescription:
    """Open what the walk found, if it is a regular file or a directory. Raises UnixError."""
    wants = flags & O_ACCMODE
    status = found.existing()
    writes = wants != O_RDONLY or bool(flags & O_TRUNC)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise UnixError(Errno.ENXIO)
    if stat.S_ISDIR(status.st_mode) and writes:
        raise UnixError(Errno.EISDIR)
    needs = (WRITE if writes else 0) | (READ if wants != O_WRONLY else 0)
    if needs & ~status.st_mode:
        raise UnixError(Errno.EACCES)
    if stat.S_ISDIR(status.st_mode):
        handle = os.open(found.name, os.O_RDONLY | os.O_DIRECTORY | HOST_FLAGS, dir_fd=found.parent)
        return DirectoryFile(handle, lambda fd: stat_handle(task, fd), lambda fd: _entries(task, fd))
    handle = os.open(found.name, _host_access(wants, writes) | HOST_FLAGS, dir_fd=found.parent)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnixError(Errno.ENXIO)
    file = _host_file(task, flags, handle)
    if flags & O_TRUNC:
        file.truncate(0)
    return file


def _host_access(wants: int, writes: bool) -> int:
    if not writes:
        return os.O_RDONLY
    return os.O_WRONLY if wants == O_WRONLY else os.O_RDWR


def _host_file(task: Task, flags: int, handle: int) -> HostFile:
    def touched(fd: int) -> None:
        task.process.inodes.changed(os.fstat(fd), now(task))

    return HostFile(
        flags & ~(O_CREAT | O_TRUNC | O_EXCL), handle, lambda fd: stat_handle(task, fd), touched, task.process.quota
    )


def _names(handle: int) -> list[tuple[bytes, os.stat_result]]:
    found = []
    for name in sorted(os.fsencode(name) for name in os.listdir(handle)):
        try:
            found.append((name, os.stat(name, dir_fd=handle, follow_symlinks=False)))
        except FileNotFoundError:
            continue
    return found


def _entries(task: Task, handle: int) -> list[tuple[int, bytes]]:
    inodes = task.process.inodes
    own = inodes.number(os.fstat(handle))
    above = own if own == ROOT_INO else inodes.number(os.stat("..", dir_fd=handle))
    return [(own, b"."), (above, b".."), *((inodes.number(status), name) for name, status in _names(handle))]


def stat_handle(task: Task, handle: int) -> Stat:
    """What stat shows of an open host file or directory."""
    status = os.fstat(handle)
    names: list[tuple[bytes, os.stat_result]] = []
    if stat.S_ISDIR(status.st_mode):
        reading = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
        try:
            names = _names(reading)
        finally:
            os.close(reading)
    below = sum(stat.S_ISDIR(entry.st_mode) for _, entry in names)
    return task.process.inodes.stat(status, below, tuple(name for name, _ in names))


def entries_changed(task: Task, found: ResolvedPath) -> None:
    """Note that the directory of ``found`` has just been changed."""
    task.process.inodes.changed(os.fstat(found.parent), now(task))


OPEN_CALLS = (
    Syscall(
        5, "open", 3, open_, "Regular files and directories in the root; /dev/null, /dev/zero; other devices ENXIO."
    ),
    Syscall(8, "creat", 2, creat, ""),
)
