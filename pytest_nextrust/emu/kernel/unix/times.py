"""UNIX calls about time and resources: gettimeofday, the interval timers, getrusage, limits, priorities.

Boundary: guest time only; see ``clock``.

Sources: 4.3BSD ``kern_time.c``, ``kern_resource.c``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_nextrust.emu.kernel.calls import Call, signed
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.layout import ITIMERVAL, RLIMIT, TIMEVAL, TIMEZONE, rusage, timeval
from pytest_nextrust.emu.kernel.process import PID

if TYPE_CHECKING:
    from pytest_nextrust.emu.kernel.core import Kernel

__all__ = ["TIME_CALLS"]

_LONGEST_S = 100_000_000
_PRIO_PROCESS, _PRIO_PGRP, _PRIO_USER = 0, 1, 2
_RUSAGE_SELF, _RUSAGE_CHILDREN = 0, -1


def gettimeofday(kernel: Kernel, when: int, zone: int) -> int:
    """gettimeofday(2); the zone is UTC."""
    if when:
        kernel.memory.copyout(when, TIMEVAL.pack(*timeval(kernel.clock.now_us)))
    if zone:
        kernel.memory.copyout(zone, TIMEZONE.pack(0, 0))
    return 0


def _which(which: int) -> int:
    if which > 2:
        raise UnixError(Errno.EINVAL)
    return which


def _put_timer(kernel: Kernel, which: int, address: int) -> None:
    interval, left = kernel.timers.get(which)
    kernel.memory.copyout(address, ITIMERVAL.pack(*timeval(interval), *timeval(left)))


def getitimer(kernel: Kernel, which: int, address: int) -> int:
    """getitimer(2)."""
    _put_timer(kernel, _which(which), address)
    return 0


def setitimer(kernel: Kernel, which: int, new: int, old: int) -> int:
    """setitimer(2)."""
    _which(which)
    if old:
        _put_timer(kernel, which, old)
    if not new:
        return 0
    values = ITIMERVAL.unpack(kernel.memory.copyin(new, ITIMERVAL.size))
    pairs = (values[:2], values[2:])
    if any(not 0 <= seconds <= _LONGEST_S or not 0 <= micros < 1_000_000 for seconds, micros in pairs):
        raise UnixError(Errno.EINVAL)
    interval, value = (seconds * 1_000_000 + micros for seconds, micros in pairs)
    kernel.timers.set(which, interval, value)
    return 0


def getrusage(kernel: Kernel, who: int, address: int) -> int:
    """getrusage(2): all time is user time; children have none."""
    if signed(who) not in (_RUSAGE_SELF, _RUSAGE_CHILDREN):
        raise UnixError(Errno.EINVAL)
    user = kernel.clock.cpu_us if who == _RUSAGE_SELF else 0
    kernel.memory.copyout(address, rusage(user, 0))
    return 0


def _limit(which: int) -> int:
    if which > 5:
        raise UnixError(Errno.EINVAL)
    return which


def getrlimit(kernel: Kernel, which: int, address: int) -> int:
    """getrlimit(2)."""
    kernel.memory.copyout(address, RLIMIT.pack(*kernel.process.limits[_limit(which)]))
    return 0


def setrlimit(kernel: Kernel, which: int, address: int) -> int:
    """setrlimit(2): kept and shown again, but only the stack's limit at the start has an effect."""
    _limit(which)
    current, maximum = RLIMIT.unpack(kernel.memory.copyin(address, RLIMIT.size))
    ceiling = kernel.process.limits[which][1]
    if current > ceiling or maximum > ceiling:
        raise UnixError(Errno.EPERM)
    kernel.process.limits[which] = (current, maximum)
    return 0


def _myself(which: int, who: int) -> None:
    if which not in (_PRIO_PROCESS, _PRIO_PGRP, _PRIO_USER):
        raise UnixError(Errno.EINVAL)
    if which == _PRIO_PROCESS and who not in (0, PID):
        raise UnixError(Errno.ESRCH)


def getpriority(kernel: Kernel, which: int, who: int) -> int:
    """getpriority(2)."""
    _myself(which, who)
    return kernel.process.priority


def setpriority(kernel: Kernel, which: int, who: int, value: int) -> int:
    """setpriority(2): only upwards, as for every user but root; without effect."""
    _myself(which, who)
    wanted = min(max(signed(value), -20), 20)
    if wanted < kernel.process.priority:
        raise UnixError(Errno.EACCES)
    kernel.process.priority = wanted
    return 0


TIME_CALLS = (
    Call(83, "setitimer", 3, setitimer, "Counted in instructions; the shortest time is 1 ms of guest time."),
    Call(86, "getitimer", 2, getitimer, ""),
    Call(96, "setpriority", 3, setpriority, "Kept, without effect."),
    Call(100, "getpriority", 2, getpriority, ""),
    Call(116, "gettimeofday", 2, gettimeofday, "Guest time: ten instructions are a microsecond. UTC."),
    Call(117, "getrusage", 2, getrusage, "Times only."),
    Call(144, "getrlimit", 2, getrlimit, ""),
    Call(145, "setrlimit", 2, setrlimit, "Kept; only the stack's limit at the start has an effect."),
)
