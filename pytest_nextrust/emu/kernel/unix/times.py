"""UNIX calls about time and resources: gettimeofday, the interval timers, getrusage, limits, priorities.

Boundary: guest time only; see ``clock``.

Sources: 4.3BSD ``kern_time.c``, ``kern_resource.c``.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.state import PID, Task
from pytest_nextrust.emu.kernel.structures import ITIMERVAL, RLIMIT, TIMEVAL, TIMEZONE, rusage, timeval

__all__ = ["TIME_CALLS"]

_LONGEST_S = 100_000_000
_PRIO_PROCESS, _PRIO_PGRP, _PRIO_USER = 0, 1, 2
_RUSAGE_SELF, _RUSAGE_CHILDREN = 0, -1


def gettimeofday(task: Task, when: int, zone: int) -> int:
    """gettimeofday(2); the zone is UTC."""
    if when:
        task.memory.copyout(when, TIMEVAL.pack(*timeval(task.clock.now_us)))
    if zone:
        task.memory.copyout(zone, TIMEZONE.pack(0, 0))
    return 0


def _which(which: int) -> int:
    if which > 2:
        raise UnixError(Errno.EINVAL)
    return which


def _put_timer(task: Task, which: int, address: int) -> None:
    interval, left = task.timers.get(which)
    task.memory.copyout(address, ITIMERVAL.pack(*timeval(interval), *timeval(left)))


def getitimer(task: Task, which: int, address: int) -> int:
    """getitimer(2)."""
    _put_timer(task, _which(which), address)
    return 0


def setitimer(task: Task, which: int, new: int, old: int) -> int:
    """setitimer(2)."""
    _which(which)
    if old:
        _put_timer(task, which, old)
    if not new:
        return 0
    values = ITIMERVAL.unpack(task.memory.copyin(new, ITIMERVAL.size))
    pairs = (values[:2], values[2:])
    if any(not 0 <= seconds <= _LONGEST_S or not 0 <= micros < 1_000_000 for seconds, micros in pairs):
        raise UnixError(Errno.EINVAL)
    interval, value = (seconds * 1_000_000 + micros for seconds, micros in pairs)
    task.timers.set(which, interval, value)
    return 0


def getrusage(task: Task, who: int, address: int) -> int:
    """getrusage(2): all time is user time; children have none."""
    if signed(who) not in (_RUSAGE_SELF, _RUSAGE_CHILDREN):
        raise UnixError(Errno.EINVAL)
    user = task.clock.cpu_us if who == _RUSAGE_SELF else 0
    task.memory.copyout(address, rusage(user, 0))
    return 0


def _limit(which: int) -> int:
    if which > 5:
        raise UnixError(Errno.EINVAL)
    return which


def getrlimit(task: Task, which: int, address: int) -> int:
    """getrlimit(2)."""
    task.memory.copyout(address, RLIMIT.pack(*task.process.limits[_limit(which)]))
    return 0


def setrlimit(task: Task, which: int, address: int) -> int:
    """setrlimit(2): kept and shown again, but only the stack's limit at the start has an effect."""
    _limit(which)
    current, maximum = RLIMIT.unpack(task.memory.copyin(address, RLIMIT.size))
    ceiling = task.process.limits[which][1]
    if current > ceiling or maximum > ceiling:
        raise UnixError(Errno.EPERM)
    task.process.limits[which] = (current, maximum)
    return 0


def _myself(which: int, who: int) -> None:
    if which not in (_PRIO_PROCESS, _PRIO_PGRP, _PRIO_USER):
        raise UnixError(Errno.EINVAL)
    if which == _PRIO_PROCESS and who not in (0, PID):
        raise UnixError(Errno.ESRCH)


def getpriority(task: Task, which: int, who: int) -> int:
    """getpriority(2)."""
    _myself(which, who)
    return task.process.priority


def setpriority(task: Task, which: int, who: int, value: int) -> int:
    """setpriority(2): only upwards, as for every user but root; without effect."""
    _myself(which, who)
    wanted = min(max(signed(value), -20), 20)
    if wanted < task.process.priority:
        raise UnixError(Errno.EACCES)
    task.process.priority = wanted
    return 0


TIME_CALLS = (
    Syscall(83, "setitimer", 3, setitimer, "Counted in instructions; the shortest time is 1 ms of guest time."),
    Syscall(86, "getitimer", 2, getitimer, ""),
    Syscall(96, "setpriority", 3, setpriority, "Kept, without effect."),
    Syscall(100, "getpriority", 2, getpriority, ""),
    Syscall(116, "gettimeofday", 2, gettimeofday, "Guest time: ten instructions are a microsecond. UTC."),
    Syscall(117, "getrusage", 2, getrusage, "Times only."),
    Syscall(144, "getrlimit", 2, getrlimit, ""),
    Syscall(145, "setrlimit", 2, setrlimit, "Kept; only the stack's limit at the start has an effect."),
)
