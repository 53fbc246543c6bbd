"""4.3BSD's error numbers, which are not the host's, and the way from one to the other by name.

Sources: 4.3BSD ``<sys/errno.h>`` (numbers 1 to 69, as in NeXT's), NeXT ``<sys/errno.h>`` for 70 and above. 4.3BSD and
NeXT's 1990 header have no ENOSYS; 78 is its number in 4.3-Reno and later, used here for fork alone (inferred).
"""

from __future__ import annotations

import enum
import errno as host

from pytest_nextrust.emu.kernel.ends import UnixError

__all__ = ["Errno", "from_host", "name_of"]


class Errno(enum.IntEnum):
    """Error numbers as the guest sees them."""

    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    EINTR = 4
    EIO = 5
    ENXIO = 6
    E2BIG = 7
    ENOEXEC = 8
    EBADF = 9
    ECHILD = 10
    EAGAIN = 11
    ENOMEM = 12
    EACCES = 13
    EFAULT = 14
    ENOTBLK = 15
    EBUSY = 16
    EEXIST = 17
    EXDEV = 18
    ENODEV = 19
    ENOTDIR = 20
    EISDIR = 21
    EINVAL = 22
    ENFILE = 23
    EMFILE = 24
    ENOTTY = 25
    ETXTBSY = 26
    EFBIG = 27
    ENOSPC = 28
    ESPIPE = 29
    EROFS = 30
    EMLINK = 31
    EPIPE = 32
    EDOM = 33
    ERANGE = 34
    EWOULDBLOCK = 35
    EINPROGRESS = 36
    EALREADY = 37
    ENOTSOCK = 38
    EDESTADDRREQ = 39
    EMSGSIZE = 40
    EPROTOTYPE = 41
    ENOPROTOOPT = 42
    EPROTONOSUPPORT = 43
    ESOCKTNOSUPPORT = 44
    EOPNOTSUPP = 45
    EPFNOSUPPORT = 46
    EAFNOSUPPORT = 47
    EADDRINUSE = 48
    EADDRNOTAVAIL = 49
    ENETDOWN = 50
    ENETUNREACH = 51
    ENETRESET = 52
    ECONNABORTED = 53
    ECONNRESET = 54
    ENOBUFS = 55
    EISCONN = 56
    ENOTCONN = 57
    ESHUTDOWN = 58
    ETOOMANYREFS = 59
    ETIMEDOUT = 60
    ECONNREFUSED = 61
    ELOOP = 62
    ENAMETOOLONG = 63
    EHOSTDOWN = 64
    EHOSTUNREACH = 65
    ENOTEMPTY = 66
    EPROCLIM = 67
    EUSERS = 68
    EDQUOT = 69
    ESTALE = 70
    EREMOTE = 71
    ENOSYS = 78
    ENOLCK = 79
    EPWROFF = 80
    EDEVERR = 81
    ENOINIT = 82
    EBADEXEC = 83


_RENAMED = {"ENOTSUP": Errno.EOPNOTSUPP, "EOVERFLOW": Errno.EFBIG}
"""Host names that 4.3BSD lacks, and what its own calls answer in that case."""


def from_host(error: OSError) -> UnixError:
    """The guest's error for one of the host's, by name; one that 4.3BSD has no name for is EIO."""
    name = host.errorcode.get(error.errno or 0, "")
    if error.errno == host.EWOULDBLOCK:
        return UnixError(Errno.EWOULDBLOCK)
    if name in Errno.__members__:
        return UnixError(Errno[name])
    return UnixError(_RENAMED.get(name, Errno.EIO))


def name_of(number: int) -> str:
    """``ENOENT`` for 2; the number itself for one without a name."""
    try:
        return Errno(number).name
    except ValueError:
        return str(number)
