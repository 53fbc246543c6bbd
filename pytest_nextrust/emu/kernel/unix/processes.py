"""UNIX calls about the process itself: exit, identity, names, and what needs other processes or privilege.

Boundary: one process, no children, not the super-user: calls that need more fail as they would for such a process.

Sources: 4.3BSD ``kern_prot.c``, ``kern_xxx.c``, ``kern_exit.c``; NeXT ``init_sysent.c`` for the numbers.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import GuestExit, UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.inodes import GUEST_GID, GUEST_UID
from pytest_nextrust.emu.kernel.state import DOMAIN_NAME, HOST_NAME, PARENT_PID, PID, Task
from pytest_nextrust.emu.memory import PAGE

__all__ = ["PROCESS_CALLS"]

_NOBODY = 0xFFFF


def exit_(_task: Task, status: int) -> int:
    """exit(2)."""
    raise GuestExit(status)


def fork(_task: Task) -> int:
    """fork(2): this machine has one process."""
    raise UnixError(Errno.ENOSYS)


def no_children(_task: Task, *_args: int) -> int:
    """The wait family: there are never children."""
    raise UnixError(Errno.ECHILD)


def not_super_user(_task: Task, *_args: int) -> int:
    """What only root may do."""
    raise UnixError(Errno.EPERM)


def getpid(_task: Task) -> tuple[int, int]:
    """getpid(2), and getppid in d1."""
    return PID, PARENT_PID


def getuid(_task: Task) -> tuple[int, int]:
    """getuid(2), and geteuid in d1."""
    return GUEST_UID, GUEST_UID


def getgid(_task: Task) -> tuple[int, int]:
    """getgid(2), and getegid in d1."""
    return GUEST_GID, GUEST_GID


def setreuid(_task: Task, real: int, effective: int) -> int:
    """setreuid(2): to what one is already."""
    return _set_ids(real, effective, GUEST_UID)


def setregid(_task: Task, real: int, effective: int) -> int:
    """setregid(2): to what one is already."""
    return _set_ids(real, effective, GUEST_GID)


def _set_ids(real: int, effective: int, own: int) -> int:
    for wanted in (real, effective):
        if wanted & 0xFFFF not in (own, _NOBODY):
            raise UnixError(Errno.EPERM)
    return 0


def getgroups(task: Task, room: int, address: int) -> int:
    """getgroups(2): one group."""
    if signed(room) < 1:
        raise UnixError(Errno.EINVAL)
    task.memory.write_u32(address, GUEST_GID)
    return 1


def getpgrp(task: Task, pid: int) -> int:
    """getpgrp(2)."""
    if pid not in (0, PID):
        raise UnixError(Errno.ESRCH)
    return task.process.group


def setpgrp(task: Task, pid: int, group: int) -> int:
    """setpgrp(2)."""
    if pid not in (0, PID):
        raise UnixError(Errno.ESRCH)
    task.process.group = signed(group)
    return 0


def getpagesize(_task: Task) -> int:
    """getpagesize(2)."""
    return PAGE


def gethostid(_task: Task) -> int:
    """gethostid(2)."""
    return 0


def _name(task: Task, name: bytes, address: int, room: int) -> int:
    if signed(room) < 0:
        raise UnixError(Errno.EINVAL)
    task.memory.copyout(address, (name + b"\0")[:room])
    return 0


def gethostname(task: Task, address: int, room: int) -> int:
    """gethostname(2): cut where there is no room, then without a NUL."""
    return _name(task, HOST_NAME, address, room)


def getdomainname(task: Task, address: int, room: int) -> int:
    """getdomainname(2)."""
    return _name(task, DOMAIN_NAME, address, room)


PROCESS_CALLS = (
    Syscall(1, "exit", 1, exit_, "The low 8 bits of the status."),
    Syscall(2, "fork", 0, fork, "ENOSYS (78): one process."),
    Syscall(7, "wait4", 4, no_children, "ECHILD: there are no children."),
    Syscall(14, "mknod", 3, not_super_user, "EPERM."),
    Syscall(16, "chown", 3, not_super_user, "EPERM."),
    Syscall(20, "getpid", 0, getpid, "100; d1 is the parent's, 99."),
    Syscall(24, "getuid", 0, getuid, "20; d1 is the effective one, the same."),
    Syscall(47, "getgid", 0, getgid, "20; d1 is the effective one, the same."),
    Syscall(61, "chroot", 1, not_super_user, "EPERM."),
    Syscall(64, "getpagesize", 0, getpagesize, "8192."),
    Syscall(66, "vfork", 0, fork, "ENOSYS (78): one process."),
    Syscall(79, "getgroups", 2, getgroups, "One group, 20."),
    Syscall(80, "setgroups", 2, not_super_user, "EPERM."),
    Syscall(81, "getpgrp", 1, getpgrp, "100 at the start."),
    Syscall(82, "setpgrp", 2, setpgrp, ""),
    Syscall(84, "wait", 0, no_children, "ECHILD: there are no children."),
    Syscall(87, "gethostname", 2, gethostname, '"next".'),
    Syscall(88, "sethostname", 2, not_super_user, "EPERM."),
    Syscall(122, "settimeofday", 2, not_super_user, "EPERM."),
    Syscall(123, "fchown", 3, not_super_user, "EPERM."),
    Syscall(126, "setreuid", 2, setreuid, "EPERM for anybody else."),
    Syscall(127, "setregid", 2, setregid, "EPERM for any other group."),
    Syscall(140, "adjtime", 2, not_super_user, "EPERM."),
    Syscall(142, "gethostid", 0, gethostid, "0."),
    Syscall(162, "getdomainname", 2, getdomainname, "Empty."),
    Syscall(163, "setdomainname", 2, not_super_user, "EPERM."),
    Syscall(171, "wait3", 3, no_children, "ECHILD: there are no children."),
)
