"""Open files without a place on the disk: the standard streams, pipes, /dev/null and /dev/zero.

Boundary: bytes in memory; no host file is behind any of these, but for standard input where the run was given one.

Sources: 4.3BSD ``uipc_usrreq.c`` for what a pipe's ends do; its 4096 bytes, and the fifo's mode that stat shows for
pipes and standard streams, are decisions (inferred).
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.kernel.ends import GuestWaited, UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.files import O_RDONLY, O_WRONLY, FileDescription, WouldBlock
from pytest_nextrust.emu.kernel.inodes import GUEST_GID, GUEST_UID
from pytest_nextrust.emu.kernel.structures import Stat

__all__ = ["PIPE_SIZE", "InputFile", "NullFile", "OutputFile", "Pipe", "PipeEnd"]

PIPE_SIZE = 4096
AT_ONCE = 65536
S_IFIFO, S_IFCHR = 0o010000, 0o020000


class _Stream(FileDescription):
    def __init__(self, flags: int, ino: int, epoch: int) -> None:
        super().__init__(flags)
        self._ino = ino
        self._epoch = epoch

    def _shown(self, mode: int, size: int = 0) -> Stat:
        times = (self._epoch, self._epoch, self._epoch)
        return Stat(self._ino, mode, 1, GUEST_UID, GUEST_GID, size, *times, blksize=PIPE_SIZE)

    def stat(self) -> Stat:
        return self._shown(S_IFIFO | 0o600)


class InputFile(_Stream):
    """Standard input: the bytes of the request, then what the host's descriptor ``source`` gives, if there is one.

    The host is asked only when the guest reads, so a program that reads nothing takes nothing and waits for nobody.
    ``patience`` is how many seconds of wall time the run has for waiting.
    """

    kind = "stdin"

    def __init__(self, data: bytes, epoch: int, source: int | None = None, patience: float = 0.0) -> None:
        super().__init__(O_RDONLY, 0, epoch)
        self._data = data
        self._at = 0
        self._source = source
        self._deadline = time.monotonic() + patience

    def extent(self, count: int) -> int:
        if self._at == len(self._data) and self._source is not None:
            self._fill(self._source)
        return min(count, len(self._data) - self._at)

    def can_read(self) -> bool:
        return self._at < len(self._data) or self._source is None or self._is_ready(self._source, 0.0)

    def _is_ready(self, source: int, seconds: float) -> bool:
        return bool(select.select([source], [], [], seconds)[0])

    def _fill(self, source: int) -> None:
        if not self._is_ready(source, max(0.0, self._deadline - time.monotonic())):
            raise GuestWaited("for its standard input")
        self._data, self._at = os.read(source, AT_ONCE), 0
        if not self._data:
            self._source = None

    def read(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        self._at += len(piece)
        return piece


class OutputFile(_Stream):
    """Standard output or error: collected up to ``limit`` bytes; a write past it succeeds and is dropped.

    ``deliver`` gets what is collected as it comes.
    """

    kind = "output"

    def __init__(self, limit: int, ino: int, epoch: int, deliver: Callable[[bytes], None] | None = None) -> None:
        super().__init__(O_WRONLY, ino, epoch)
        self._deliver = deliver
        self._limit = limit
        self.collected = bytearray()
        self.truncated = False

    def write(self, data: bytes) -> int:
        room = self._limit - len(self.collected)
        self.collected += data[:room]
        if self._deliver is not None and room > 0:
            self._deliver(data[:room])
        self.truncated = self.truncated or len(data) > room
        return len(data)


class NullFile(_Stream):
    """/dev/null, or /dev/zero where ``zeros``."""

    kind = "null"

    def __init__(self, flags: int, epoch: int, *, zeros: bool = False) -> None:
        super().__init__(flags, 0, epoch)
        self._zeros = zeros

    def extent(self, count: int) -> int:
        return count if self._zeros else 0

    def read(self, count: int) -> bytes:
        return bytes(self.extent(count))

    def write(self, data: bytes) -> int:
        return len(data)

    def seek(self, offset: int, whence: int) -> int:  # noqa: ARG002 - a device without positions
        return 0

    def stat(self) -> Stat:
        return self._shown(S_IFCHR | 0o666)


@dataclass(slots=True)
class Pipe:
    """What lies between two ends."""

    data: bytearray
    readers: int = 1
    writers: int = 1


class PipeEnd(_Stream):
    """One end of a pipe: O_RDONLY or O_WRONLY."""

    kind = "pipe"

    def __init__(self, flags: int, pipe: Pipe, epoch: int) -> None:
        super().__init__(flags, 0, epoch)
        self.pipe = pipe

    def extent(self, count: int) -> int:
        if count and not self.can_read():
            raise WouldBlock
        return min(count, len(self.pipe.data))

    def read(self, count: int) -> bytes:
        piece = bytes(self.pipe.data[:count])
        del self.pipe.data[:count]
        return piece

    def write(self, data: bytes) -> int:
        if not self.pipe.readers:
            raise UnixError(Errno.EPIPE)
        room = PIPE_SIZE - len(self.pipe.data)
        self.pipe.data += data[:room]
        if len(data) > room:
            raise WouldBlock(room)
        return len(data)

    def stat(self) -> Stat:
        return self._shown(S_IFIFO | 0o600, len(self.pipe.data))

    def can_read(self) -> bool:
        return bool(self.pipe.data) or not self.pipe.writers

    def can_write(self) -> bool:
        return len(self.pipe.data) < PIPE_SIZE or not self.pipe.readers

    def close(self) -> None:
        if self.readable:
            self.pipe.readers -= 1
        else:
            self.pipe.writers -= 1
