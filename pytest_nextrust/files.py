"""Files that survive: whole-file replacement, durable append, locks with a time limit.

"Durable" means that the bytes, and the name that leads to them, have been handed to the device by ``fsync`` or
``fdatasync``: they are there after the process, or the machine, dies. Locks are advisory ``flock`` locks (by filelock):
the operating system lets go of them when their holder dies, so a lock can be held up but not left behind.

Sources: POSIX.1-2017 ``write`` (O_APPEND), ``rename``, ``fsync``; Linux flock(2).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pytest_nextrust.errors import LockTimeout, StatusError

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = [
    "LOCK_TIMEOUT",
    "Lock",
    "append_once",
    "atomic_replace",
    "durable_append",
    "make_folder",
    "open_append",
    "sync_data",
    "sync_folder",
]

LOCK_TIMEOUT = 5.0
"""Seconds a writer waits for a lock before it gives up and names the holder."""

_FIRST_DELAY = 0.0002
_LONGEST_DELAY = 0.1


def sync_data(fd: int) -> None:
    """``fdatasync``, or ``fsync`` where there is none (macOS)."""
    getattr(os, "fdatasync", os.fsync)(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and what leads to it, durably. Raises OSError, also where something else has that name."""
    if folder.is_dir():
        return
    missing = []
    step = folder
    while not step.exists() and step != step.parent:
        missing.append(step)
        step = step.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def atomic_replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Make ``data`` the whole content of ``path``: a reader sees the old file or the new one, also after a crash.

    The temporary file is made in the same folder, since a rename is atomic only within a file system. ``mode`` is for a
    new file; an existing one keeps its own. Raises OSError, and then leaves no temporary file behind.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o7777
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(path.parent)


def open_append(path: Path) -> int:
    """A descriptor for reading and appending, made where missing. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)


def append_once(fd: int, data: bytes) -> None:
    """Append by one ``write``; what a short write left is taken back, so call it under the file's lock.

    Raises OSError: a full disk, a size limit.
    """
    before = os.fstat(fd).st_size
    try:
        written = os.write(fd, data)
    except OSError:
        _take_back(fd, before)
        raise
    if written != len(data):
        _take_back(fd, before)
        raise OSError(28, f"only {written} of {len(data)} bytes were written: no space left")


def _take_back(fd: int, size: int) -> None:
    # Where this fails too, the next writer closes the torn line off.
    with contextlib.suppress(OSError):
        if os.fstat(fd).st_size > size:
            os.ftruncate(fd, size)


def durable_append(path: Path, data: bytes) -> None:
    """Append ``data`` to ``path`` by one write; it is on the device when this returns. Raises OSError.

    For a file with several writers, hold its Lock around this.
    """
    existed = path.exists()
    fd = open_append(path)
    try:
        append_once(fd, data)
        sync_data(fd)
    finally:
        os.close(fd)
    if not existed:
        sync_folder(path.parent)


class Lock:
    """An advisory lock between processes, and between threads that each ask for it.

    Waiting is bounded by ``timeout`` seconds, by attempts that back off exponentially with full jitter (equal delays
    let the same waiters collide again and again). The holder writes its process id and host to ``PATH.holder``, for
    the message of whoever waits in vain. ``clock``, ``sleep`` and ``jitter`` (a fraction in 0..1) can be injected.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = LOCK_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._lock: BaseFileLock | None = None

    @property
    def holder_path(self) -> Path:
        return self.path.with_name(self.path.name + ".holder")

    def acquire(self) -> None:
        """Take the lock. Raises LockTimeout, naming the holder, or StatusError where there can be no lock file."""
        import filelock

        if self._lock is None:
            self._lock = filelock.FileLock(str(self.path), timeout=0)
        deadline = self._clock() + self.timeout
        for delay in _delays():
            try:
                self._lock.acquire(blocking=False)
            except filelock.Timeout:
                remaining = deadline - self._clock()
                if remaining <= 0:
                    raise self._timeout_error() from None
                self._sleep(min(delay * self._jitter(), remaining))
            except (OSError, NotImplementedError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise StatusError(
                    "lock",
                    f"cannot be made: {reason}",
                    place=str(self.path),
                    remedy="use a folder that this user may write to",
                ) from error
            else:
                self._name_holder()
                return

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _name_holder(self) -> None:
        # A courtesy to whoever waits: failing to leave it must not fail the holder.
        with contextlib.suppress(OSError):
            fd = os.open(self.holder_path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                note = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode().ljust(128) + b"\n"
                os.pwrite(fd, note, 0)
            finally:
                os.close(fd)

    def _timeout_error(self) -> LockTimeout:
        return LockTimeout(
            "lock",
            f"not to be had within {self.timeout:g} s: held by {self._holder()}",
            place=str(self.path),
            remedy="wait for that process or end it; the lock goes with it",
        )

    def _holder(self) -> str:
        try:
            note = json.loads(self.holder_path.read_bytes())
            return f"process {int(note['pid'])} on host {str(note['host'])[:255]}"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return "a process that did not leave its name"


def _delays() -> Iterator[float]:
    """Upper bounds of the waits, in seconds, without end."""
    delay = _FIRST_DELAY
    while True:
        yield delay
        delay = min(delay * 2, _LONGEST_DELAY)
