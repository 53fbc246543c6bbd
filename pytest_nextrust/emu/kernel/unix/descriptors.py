"""UNIX calls on descriptors: close, dup, dup2, pipe, lseek, fstat, ftruncate, fchmod, fsync, fcntl, ioctl, flock.

Boundary: the descriptor table and one open file.

Sources: 4.3BSD ``kern_descrip.c``, ``sys_generic.c``; ``<sys/ioctl.h>``.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.files import NOFILE, O_APPEND, O_NDELAY, O_RDONLY, O_WRONLY
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.kernel.streams import Pipe, PipeEnd

__all__ = ["DESCRIPTOR_CALLS"]

F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL = range(5)
_SETTABLE = O_NDELAY | O_APPEND | 0x40
_FIOCLEX, _FIONCLEX, _FIONREAD, _FIONBIO, _FIOASYNC = 0x20006601, 0x20006602, 0x4004667F, 0x8004667E, 0x8004667D


def close(task: Task, number: int) -> int:
    """close(2)."""
    task.process.files.close(number)
    return 0


def dup(task: Task, number: int) -> int:
    """dup(2)."""
    files = task.process.files
    return files.install(files.get(number))


def dup2(task: Task, number: int, wanted: int) -> int:
    """dup2(2)."""
    files = task.process.files
    file = files.get(number)
    if not 0 <= wanted < NOFILE:
        raise UnixError(Errno.EBADF)
    if number != wanted:
        files.replace(wanted, file)
    return wanted


def pipe(task: Task) -> tuple[int, int]:
    """pipe(2): the reading end in d0, the writing end in d1."""
    files = task.process.files
    between = Pipe(bytearray())
    reading = files.install(PipeEnd(O_RDONLY, between, task.process.epoch))
    try:
        writing = files.install(PipeEnd(O_WRONLY, between, task.process.epoch))
    except UnixError:
        files.close(reading)
        raise
    return reading, writing


def lseek(task: Task, number: int, offset: int, whence: int) -> int:
    """lseek(2), with 32-bit offsets."""
    return task.process.files.get(number).seek(signed(offset), whence)


def fstat(task: Task, number: int, address: int) -> int:
    """fstat(2)."""
    task.memory.copyout(address, task.process.files.get(number).stat().pack())
    return 0


def ftruncate(task: Task, number: int, size: int) -> int:
    """ftruncate(2)."""
    file = task.process.files.get(number)
    if not file.writable or signed(size) < 0:
        raise UnixError(Errno.EINVAL)
    file.truncate(size)
    return 0


def fsync(task: Task, number: int) -> int:
    """fsync(2): there is no disk to wait for."""
    task.process.files.get(number)
    return 0


def flock(task: Task, number: int, how: int) -> int:
    """flock(2): one process never conflicts with itself."""
    file = task.process.files.get(number)
    if file.kind not in ("file", "directory"):
        raise UnixError(Errno.EOPNOTSUPP)
    if not how & 0xB:
        raise UnixError(Errno.EINVAL)
    return 0


def getdtablesize(_task: Task) -> int:
    """getdtablesize(2)."""
    return NOFILE


def fcntl(task: Task, number: int, command: int, argument: int) -> int:
    """fcntl(2): duplicate, close-on-exec, status flags. Owners and record locks answer EINVAL."""
    files = task.process.files
    file = files.get(number)
    if command == F_DUPFD:
        if not 0 <= argument < NOFILE:
            raise UnixError(Errno.EINVAL)
        return files.install(file, argument)
    if command == F_GETFD:
        return int(files.close_on_exec(number))
    if command == F_SETFD:
        files.set_close_on_exec(number, bool(argument & 1))
        return 0
    if command == F_GETFL:
        return file.flags
    if command == F_SETFL:
        file.flags = (file.flags & ~_SETTABLE) | (argument & _SETTABLE)
        return 0
    raise UnixError(Errno.EINVAL)


def ioctl(task: Task, number: int, request: int, address: int) -> int:
    """ioctl(2): close-on-exec, non-blocking, how much can be read; everything else is for terminals, so ENOTTY."""
    files = task.process.files
    file = files.get(number)
    if request in (_FIOCLEX, _FIONCLEX):
        files.set_close_on_exec(number, request == _FIOCLEX)
    elif request == _FIONBIO:
        flag = task.memory.read_u32(address)
        file.flags = file.flags | O_NDELAY if flag else file.flags & ~O_NDELAY
    elif request == _FIOASYNC:
        task.memory.read_u32(address)
    elif request == _FIONREAD and file.readable:
        task.memory.write_u32(address, file.extent(0x7FFF_FFFF) if file.can_read() else 0)
    else:
        raise UnixError(Errno.ENOTTY)
    return 0


DESCRIPTOR_CALLS = (
    Syscall(6, "close", 1, close, ""),
    Syscall(19, "lseek", 3, lseek, "ESPIPE on pipes and the standard streams."),
    Syscall(41, "dup", 1, dup, "The 1990 kernel's second meaning (dup2 for numbers above 63) is left out."),
    Syscall(42, "pipe", 0, pipe, "4096 bytes."),
    Syscall(54, "ioctl", 3, ioctl, "FIOCLEX, FIONCLEX, FIONBIO, FIOASYNC, FIONREAD; all others ENOTTY."),
    Syscall(62, "fstat", 2, fstat, "60 bytes; numbers, owners and times are the guest's own."),
    Syscall(89, "getdtablesize", 0, getdtablesize, "256."),
    Syscall(90, "dup2", 2, dup2, ""),
    Syscall(92, "fcntl", 3, fcntl, "F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL; others EINVAL."),
    Syscall(95, "fsync", 1, fsync, ""),
    Syscall(130, "ftruncate", 2, ftruncate, "At most 1 GB."),
    Syscall(131, "flock", 2, flock, "Always granted: one process."),
)
