"""The structures that cross between kernel and guest, as bytes: big-endian, aligned to two as by NeXT's compiler.

Boundary: packing and unpacking only.

Sources: 4.3BSD and NeXT ``<sys/stat.h>`` (60 bytes: mode at 6, size at 16, blksize at 44), ``<sys/dir.h>`` (struct
direct), ``<sys/resource.h>``, ``<sys/time.h>``, ``<signal.h>``, ``<sys/uio.h>``.
"""

from __future__ import annotations

import struct

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = [
    "IOVEC",
    "ITIMERVAL",
    "RLIMIT",
    "SIGSTACK",
    "SIGVEC",
    "TIMEVAL",
    "TIMEZONE",
    "Stat",
    "direct",
    "rusage",
    "timeval",
]

TIMEVAL = struct.Struct(">ii")
TIMEZONE = struct.Struct(">ii")
ITIMERVAL = struct.Struct(">iiii")
RLIMIT = struct.Struct(">II")
SIGVEC = struct.Struct(">III")
SIGSTACK = struct.Struct(">Ii")
IOVEC = struct.Struct(">Ii")

_STAT = struct.Struct(">hIHhHHhiiiiiiiiiii")


@dataclass(frozen=True, slots=True)
class Stat:
    """What stat answers. Times are seconds, size bytes, blocks units of 512 bytes."""

    ino: int
    mode: int
    nlink: int
    uid: int
    gid: int
    size: int
    atime: int
    mtime: int
    ctime: int
    dev: int = 0
    rdev: int = 0
    blksize: int = 8192

    def pack(self) -> bytes:
        """The 60 bytes of struct stat; a size beyond 32 bits is shown as the largest that fits."""
        size = min(self.size, 0x7FFF_FFFF)
        blocks = min(-(-self.size // 1024) * 2, 0x7FFF_FFFF)
        head = (self.dev, self.ino, self.mode, self.nlink, self.uid, self.gid, self.rdev, size)
        return _STAT.pack(*head, self.atime, 0, self.mtime, 0, self.ctime, 0, self.blksize, blocks, 0, 0)


def timeval(microseconds: int) -> tuple[int, int]:
    """Seconds and microseconds."""
    return divmod(microseconds, 1_000_000)


def direct(ino: int, name: bytes) -> bytes:
    """One struct direct: file number, record length (a multiple of four), name length, name, NULs."""
    reclen = 8 + ((len(name) + 1 + 3) & ~3)
    return struct.pack(">IHH", ino, reclen, len(name)) + name.ljust(reclen - 8, b"\0")


def rusage(user_us: int, system_us: int) -> bytes:
    """The 72 bytes of struct rusage; only the times are kept, the counters are 0."""
    return struct.pack(">iiii14i", *timeval(user_us), *timeval(system_us), *([0] * 14))
