"""UNIX calls that take a path and open nothing: what is there, links, directories, modes, times, the working directory.

Boundary: every path goes through ``jail``. Permissions are the owner's bits, as in ``opening``.

Sources: 4.3BSD and NeXT ``vfs_syscalls.c``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.files import FILE_LIMIT, O_RDONLY, O_WRONLY, DirectoryFile, HostFile
from pytest_nextrust.emu.kernel.jail import ResolvedPath
from pytest_nextrust.emu.kernel.quota import height
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.kernel.streams import NullFile
from pytest_nextrust.emu.kernel.structures import TIMEVAL, Stat
from pytest_nextrust.emu.kernel.unix.opening import (
    HOST_FLAGS,
    MODE,
    READ,
    WRITE,
    device,
    entries_changed,
    guest_path,
    now,
    open_existing,
    stat_handle,
)

__all__ = ["PATH_CALLS"]


def _stat_path(task: Task, path: bytes, *, follow: bool) -> Stat:
    if device(path) is not None:
        return NullFile(O_RDONLY, task.process.epoch).stat()
    with task.process.jail.find(path, follow=follow) as found:
        status = found.existing()
        if not stat.S_ISDIR(status.st_mode):
            return task.process.inodes.stat(status)
        if not status.st_mode & READ:
            return task.process.inodes.stat(status)
        handle = os.open(found.name, os.O_RDONLY | os.O_DIRECTORY | HOST_FLAGS, dir_fd=found.parent)
        try:
            return stat_handle(task, handle)
        finally:
            os.close(handle)


def stat_(task: Task, address: int, buffer: int) -> int:
    """stat(2)."""
    shown = _stat_path(task, guest_path(task, address), follow=True)
    task.memory.copyout(buffer, shown.pack())
    return 0


def lstat(task: Task, address: int, buffer: int) -> int:
    """lstat(2)."""
    shown = _stat_path(task, guest_path(task, address), follow=False)
    task.memory.copyout(buffer, shown.pack())
    return 0


def access(task: Task, address: int, mode: int) -> int:
    """access(2)."""
    path = guest_path(task, address)
    if device(path) is not None:
        allowed = READ | WRITE
    else:
        with task.process.jail.find(path) as found:
            allowed = found.existing().st_mode
    if (mode & 7) << 6 & ~allowed:
        raise UnixError(Errno.EACCES)
    return 0


def readlink(task: Task, address: int, buffer: int, room: int) -> int:
    """readlink(2): not terminated by a NUL."""
    if signed(room) < 0:
        raise UnixError(Errno.EINVAL)
    with task.process.jail.find(guest_path(task, address), follow=False) as found:
        if not stat.S_ISLNK(found.existing().st_mode):
            raise UnixError(Errno.EINVAL)
        target = os.readlink(found.name, dir_fd=found.parent)
    task.memory.copyout(buffer, target[:room])
    return len(target[:room])


# -- changing what is there -------------------------------------------------------------------------------------------


def _vacant(found: ResolvedPath) -> None:
    if found.status is not None:
        raise UnixError(Errno.EEXIST)
    found.may_change_entries()


def link(task: Task, old: int, new: int) -> int:
    """link(2): files only."""
    jail = task.process.jail
    with jail.find(guest_path(task, old)) as source, jail.find(guest_path(task, new), follow=False) as target:
        if stat.S_ISDIR(source.existing().st_mode):
            raise UnixError(Errno.EPERM)
        _vacant(target)
        task.process.quota.add()
        os.link(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent, follow_symlinks=False)
        entries_changed(task, target)
    return 0


def symlink(task: Task, target: int, address: int) -> int:
    """symlink(2): the target is stored as it is, and confined when it is followed."""
    text = guest_path(task, target)
    with task.process.jail.find(guest_path(task, address), follow=False) as found:
        _vacant(found)
        task.process.quota.add()
        os.symlink(text, found.name, dir_fd=found.parent)
        task.process.inodes.created(os.stat(found.name, dir_fd=found.parent, follow_symlinks=False), now(task))
        entries_changed(task, found)
    return 0


def unlink(task: Task, address: int) -> int:
    """unlink(2): not for directories."""
    with task.process.jail.find(guest_path(task, address), follow=False) as found:
        if stat.S_ISDIR(found.existing().st_mode):
            raise UnixError(Errno.EPERM)
        found.may_change_entries()
        os.unlink(found.name, dir_fd=found.parent)
        task.process.quota.removed(found.existing())
        entries_changed(task, found)
    return 0


def mkdir(task: Task, address: int, mode: int) -> int:
    """mkdir(2)."""
    with task.process.jail.find(guest_path(task, address), follow=False) as found:
        _vacant(found)
        task.process.quota.deepen(found.parent)
        task.process.quota.add()
        os.mkdir(found.name, 0o700, dir_fd=found.parent)
        handle = os.open(found.name, os.O_RDONLY | os.O_DIRECTORY | HOST_FLAGS, dir_fd=found.parent)
        try:
            os.fchmod(handle, mode & ~task.process.umask & MODE)
            task.process.inodes.created(os.fstat(handle), now(task))
        finally:
            os.close(handle)
        entries_changed(task, found)
    return 0


def rmdir(task: Task, address: int) -> int:
    """rmdir(2)."""
    with task.process.jail.find(guest_path(task, address), follow=False) as found:
        if not stat.S_ISDIR(found.existing().st_mode):
            raise UnixError(Errno.ENOTDIR)
        if found.alias:
            raise UnixError(Errno.EINVAL)
        found.may_change_entries()
        os.rmdir(found.name, dir_fd=found.parent)
        task.process.quota.removed(found.existing(), folder=True)
        entries_changed(task, found)
    return 0


def rename(task: Task, old: int, new: int) -> int:
    """rename(2)."""
    jail = task.process.jail
    with (
        jail.find(guest_path(task, old), follow=False) as source,
        jail.find(guest_path(task, new), follow=False) as target,
    ):
        moved = source.existing()
        if source.alias or target.alias:
            raise UnixError(Errno.EINVAL)
        source.may_change_entries()
        target.may_change_entries()
        quota = task.process.quota
        if stat.S_ISDIR(moved.st_mode) and not os.path.samestat(os.fstat(source.parent), os.fstat(target.parent)):
            quota.deepen(target.parent, height(source.parent, source.name))
        os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)
        # Two names of one file are left as they are.
        if target.status is not None and not os.path.samestat(moved, target.status):
            quota.removed(target.status, folder=stat.S_ISDIR(target.status.st_mode))
        entries_changed(task, source)
        entries_changed(task, target)
    return 0


def truncate(task: Task, address: int, size: int) -> int:
    """truncate(2)."""
    if signed(size) < 0:
        raise UnixError(Errno.EINVAL)
    if size > FILE_LIMIT:
        raise UnixError(Errno.EFBIG)
    with task.process.jail.find(guest_path(task, address)) as found:
        found.existing()
        file = open_existing(task, found, O_WRONLY)
    try:
        file.truncate(size)
    finally:
        file.close()
    return 0


def chmod(task: Task, address: int, mode: int) -> int:
    """chmod(2): the nine permission bits."""
    with task.process.jail.find(guest_path(task, address)) as found:
        _change_mode(task, found, mode)
    return 0


def _change_mode(task: Task, found: ResolvedPath, mode: int) -> None:
    status = found.existing()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise UnixError(Errno.ENXIO)
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(found.name, mode & MODE, dir_fd=found.parent, follow_symlinks=False)
    else:
        # Linux cannot change a mode without following a link, nor through a handle on a file that cannot be read;
        # a path handle's entry in /proc names exactly the file it was opened on.
        handle = os.open(found.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found.parent)
        try:
            Path(f"/proc/self/fd/{handle}").chmod(mode & MODE)
        finally:
            os.close(handle)
    task.process.inodes.changed(status, now(task), contents=False)


def fchmod(task: Task, number: int, mode: int) -> int:
    """fchmod(2)."""
    file = task.process.files.get(number)
    if not isinstance(file, (HostFile, DirectoryFile)):
        raise UnixError(Errno.EINVAL)
    os.fchmod(file.handle, mode & MODE)
    task.process.inodes.changed(os.fstat(file.handle), now(task), contents=False)
    return 0


def utimes(task: Task, address: int, times: int) -> int:
    """utimes(2): kept for this run; the host's file times stay."""
    raw = task.memory.copyin(times, 2 * TIMEVAL.size)
    seconds = [TIMEVAL.unpack_from(raw, at)[0] for at in (0, TIMEVAL.size)]
    with task.process.jail.find(guest_path(task, address)) as found:
        task.process.inodes.set_times(found.existing(), seconds[0], seconds[1], now(task))
    return 0


def chdir(task: Task, address: int) -> int:
    """chdir(2)."""
    task.process.jail.enter(guest_path(task, address))
    return 0


def umask(task: Task, mask: int) -> int:
    """umask(2)."""
    old, task.process.umask = task.process.umask, mask & MODE
    return old


def sync(_task: Task) -> int:
    """sync(2): there is no disk to wait for."""
    return 0


PATH_CALLS = (
    Syscall(9, "link", 2, link, "EPERM for directories."),
    Syscall(10, "unlink", 1, unlink, "EPERM for directories."),
    Syscall(12, "chdir", 1, chdir, ""),
    Syscall(15, "chmod", 2, chmod, "The nine permission bits."),
    Syscall(33, "access", 2, access, "The owner's bits."),
    Syscall(36, "sync", 0, sync, ""),
    Syscall(38, "stat", 2, stat_, "60 bytes; numbers, owners and times are the guest's own."),
    Syscall(40, "lstat", 2, lstat, ""),
    Syscall(57, "symlink", 2, symlink, ""),
    Syscall(58, "readlink", 3, readlink, ""),
    Syscall(60, "umask", 1, umask, "022 at the start."),
    Syscall(124, "fchmod", 2, fchmod, "The nine permission bits."),
    Syscall(128, "rename", 2, rename, ""),
    Syscall(129, "truncate", 2, truncate, "At most 1 GB."),
    Syscall(136, "mkdir", 2, mkdir, ""),
    Syscall(137, "rmdir", 1, rmdir, ""),
    Syscall(138, "utimes", 2, utimes, "For this run only; the host's file times stay."),
)
