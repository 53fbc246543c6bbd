"""Files that survive: whole-file replacement, durable append, locks with a time limit.

"Durable" means that the bytes, and the name that leads to them, have been handed to the device by ``fsync`` or
``fdatasync``: they are there after the process, or the machine, dies. Locks are advisory ``flock`` locks (by filelock):
the operating system lets go of them when their holder dies, so a lock can be held up but not left behind.

Sources: POSIX.1-2017 ``write`` (O_APPEND), ``rename``, ``fsync``; Linux flock(2).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import json
import os
import re
import stat
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pytest_nextrust.errors import LockTimeout, StatusError

__all__ = [
    "LOCK_TIMEOUT",
    "TAKE_LINK_AWAY",
    "Lock",
    "OpenFile",
    "append_once",
    "atomic_replace",
    "holder_of",
    "make_folder",
    "open_append",
    "open_unlinked",
    "refuse_unwritable",
    "replace_by",
    "sync_data",
    "sync_folder",
]

TAKE_LINK_AWAY = "take the link away, and put the file itself there: links are not followed"
"""What to do where a link stands in a file's place."""

LOCK_TIMEOUT = 5.0
"""Seconds a writer waits for a lock before it gives up and names the holder."""

_OVER_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

_FIRST_DELAY = 0.00002
_LONGEST_DELAY = 0.02

_REMOVALS = 8
"""How often in a row a lock file may vanish before that counts as an attempt that failed."""

_NOTE = 1536
"""Bytes of a holder's note: a host of 64 characters and a command of 160, each escaped by six bytes, fit."""


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
    """Make ``data`` the whole content of ``path``, as ``replace_by`` does. Raises OSError."""
    replace_by(path, (data,), mode=mode)


def refuse_unwritable(path: Path) -> None:
    """Raise OSError where ``replace_by`` could put nothing at ``path``; nothing is left there."""
    import tempfile

    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent):
        pass


def replace_by(path: Path, parts: Iterable[bytes | memoryview], *, mode: int = 0o644) -> None:
    """Make these parts the whole content of ``path``: a reader sees the old file or the new one, also after a crash.

    The temporary file is made in the same folder, since a rename is atomic only within a file system. ``mode`` is for a
    new file; an existing one keeps its own. A link is replaced, not followed.
    Raises OSError, and then leaves no temporary file behind.
    """
    with contextlib.suppress(FileNotFoundError):
        old = path.lstat().st_mode
        if stat.S_ISREG(old):
            mode = old & 0o7777
    import tempfile

    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as stream:
            for part in parts:
                stream.write(part)
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
    """A descriptor for reading and appending, made where missing; over no link. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _OVER_NO_LINK, 0o644)


def open_unlinked(path: Path) -> BinaryIO:
    """A regular file opened for reading, over no link at its end. Raises OSError: ELOOP for a link."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _OVER_NO_LINK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(fd, "rb")


class OpenFile:
    """A descriptor that is kept open, closed when nobody refers to it any more, and checked against its name.

    A file that is replaced or removed while it is open is another file than its name says: ask ``is_at`` before use.
    """

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def is_at(self, path: Path | str) -> os.stat_result | None:
        """What the file is like now, or None where ``path`` does not lead to it. Raises OSError."""
        try:
            # os.stat: this is on the way of every append.
            own, named = os.fstat(self.fd), os.stat(path, follow_symlinks=False)  # noqa: PTH116
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EBADF:  # closed behind our back, as a program does that becomes a daemon
                return None
            raise
        return named if (own.st_ino, own.st_dev) == (named.st_ino, named.st_dev) else None

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        with contextlib.suppress(OSError):
            close(self.fd)


def append_once(fd: int, data: bytes, before: int | None = None) -> None:
    """Append by one ``write``; call it under the file's lock. ``before`` is the file's size, where that is known.

    What a short write left is completed by another, or taken back where that fails: nobody else adds to the file before
    this returns. Raises OSError: a full disk, a size limit.
    """
    if before is None:
        before = os.fstat(fd).st_size
    try:
        written = os.write(fd, data)
        while written < len(data):
            written += os.write(fd, data[written:])
    except OSError:
        _take_back(fd, before)
        raise


def _take_back(fd: int, size: int) -> None:
    # Where this fails too, the next writer closes the torn line off.
    with contextlib.suppress(OSError):
        if os.fstat(fd).st_size > size:
            os.ftruncate(fd, size)


class Lock:
    """An advisory lock between processes, and between threads that each ask for it; not to be taken twice by one.

    It is filelock's lock on the same file: whoever holds ``filelock.FileLock(path)`` is waited for, and the other way
    round. A FileLock opens its file, and looks up what else the process holds, each time it is taken, which costs more
    than all else that an append does; this one keeps its descriptor and locks that, by filelock's ``lock_descriptor``.

    Waiting is bounded by ``timeout`` seconds, by attempts that back off exponentially with full jitter (equal delays
    let the same waiters collide again and again). The holder writes its process id, host and command into the file, for
    the message of whoever waits in vain. ``clock``, ``sleep`` and ``jitter`` (a fraction in 0..1) can be injected.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = LOCK_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self.path = path
        self._name = os.fspath(path)
        self.timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter or _fraction
        self._start_over()
        _forget_in_children().add(self)

    def _start_over(self) -> None:
        # Also in a forked child. Its copy of the descriptor shares the parent's lock: with it the child would enter
        # beside the parent, and keep the lock taken after the parent's death.
        self._file: OpenFile | None = None
        self._threads = threading.Lock()

    def acquire(self) -> None:
        """Take the lock. Raises LockTimeout, naming the holder, or StatusError where there can be no lock file."""
        if not self._threads.acquire(timeout=max(self.timeout, 0)):
            raise self._timeout_error(f"another thread of this process, {os.getpid()}")
        try:
            if not self._try():
                self._wait()
        except BaseException:
            self._file = None  # an interrupt may have come just after the lock was taken
            self._threads.release()
            raise

    def _wait(self) -> None:
        deadline = self._clock() + self.timeout
        for delay in _delays():
            remaining = deadline - self._clock()
            if remaining <= 0:
                raise self._timeout_error(holder_of(self.path))
            self._sleep(min(delay * self._jitter(), remaining))
            if self._try():
                return

    def _try(self) -> bool:
        """One attempt, which does not wait."""
        try:
            for _ in range(_REMOVALS):
                file = self._file
                if file is None:
                    file = self._file = self._open()
                if not self._lock_descriptor(file.fd, blocking=False):
                    return False
                if file.is_at(self._name) is not None:
                    break
                # Somebody removed the file: this lock keeps nobody out who comes by its name.
                self._unlock_descriptor(file.fd)
                self._file = None
            else:
                return False
        except OSError as error:
            self._file = None  # closes it, which lets go of the lock
            raise StatusError(
                "lock",
                f"cannot be made: {error.strerror or error}",
                place=str(self.path),
                remedy=TAKE_LINK_AWAY if error.errno == errno.ELOOP else "use a folder that this user may write to",
            ) from error
        if self._leaves_notes:
            self._leave_note(file)
        return True

    def _leave_note(self, file: OpenFile) -> None:
        # Where the kernel tells who holds the lock, once is enough: a write each time costs more than the lock does.
        listed = _pid_by_kernel(self.path) == os.getpid()
        with contextlib.suppress(OSError):  # a courtesy to whoever waits: a full disk must not fail the holder
            os.pwrite(file.fd, _note(os.getpid(), always=not listed), 0)
        self._leaves_notes = not listed

    def _open(self) -> OpenFile:
        from filelock import lock_descriptor, unlock_descriptor

        self._lock_descriptor, self._unlock_descriptor = lock_descriptor, unlock_descriptor
        self._leaves_notes = True
        # Without O_CREAT first: in a sticky folder the kernel refuses it for a file of another user.
        flags = os.O_RDWR | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            fd = os.open(self.path, flags)
        except FileNotFoundError:
            make_folder(self.path.parent)
            fd = os.open(self.path, flags | os.O_CREAT, 0o666)
        return OpenFile(fd)

    def release(self) -> None:
        """Let go of the lock."""
        if self._file is None:
            return  # a forked child: the lock is its parent's
        try:
            self._unlock_descriptor(self._file.fd)
        except OSError:
            self._file = None
        self._threads.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _timeout_error(self, holder: str) -> LockTimeout:
        return LockTimeout(
            "lock",
            f"not to be had within {self.timeout:g} s: held by {holder}",
            place=str(self.path),
            remedy="wait for that process or end it; the lock goes with it",
        )


@functools.cache
def _forget_in_children() -> weakref.WeakSet[Lock]:
    """The locks whose descriptors a forked child closes first of all; see ``Lock._start_over``."""
    locks: weakref.WeakSet[Lock] = weakref.WeakSet()

    def forget() -> None:
        for lock in list(locks):
            lock._start_over()

    os.register_at_fork(after_in_child=forget)
    return locks


def _fraction() -> float:
    import random

    return random.random()


@functools.cache
def _note(pid: int, *, always: bool) -> bytes:
    """What a holder leaves in the file: one JSON object, padded so that it covers any note before it.

    ``always``: whether it does so each time. Where not, somebody else may hold the lock who left a note before.
    """
    text = {"always": always, "pid": pid, "host": os.uname().nodename[:64], "command": _shown(sys.argv)}
    return json.dumps(text).encode().ljust(_NOTE - 1) + b"\n"


def _delays() -> Iterator[float]:
    """Upper bounds of the waits, in seconds, without end."""
    delay = _FIRST_DELAY
    while True:
        yield delay
        delay = min(delay * 2, _LONGEST_DELAY)


def holder_of(path: Path) -> str:
    """Who holds the lock on this file, in words.

    Where the kernel lists locks (Linux), its answer goes before the note: a holder that is no Lock leaves none, and one
    that was stopped at the wrong moment has not left it yet.
    """
    try:
        note = json.loads(path.read_bytes())
        pid, host, command = int(note["pid"]), str(note["host"])[:64], str(note["command"])[:160]
        sure = note["always"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pid, host, command, sure = 0, "", "", False
    listed = _pid_by_kernel(path)
    if listed > 0:
        pid, host, command, sure = listed, os.uname().nodename, _command_of(listed), True
    if pid <= 0:
        return "a process that did not leave its name"
    likely = "" if sure else "probably "
    text = f"{likely}process {pid} on host {host}" + (f" ({command})" if command else "")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _pid_by_kernel(path: Path) -> int:
    """The process that took the lock on this file, or 0 where the kernel does not say. Source: proc_locks(5)."""
    try:
        status = path.stat()
        file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # 1: FLOCK ADVISORY WRITE 4711 fe:00:12345 0 EOF; a waiter's second word is ->
            if words[1] == "FLOCK" and words[5] == file:
                return int(words[4])
    except (OSError, ValueError, IndexError):
        pass
    return 0


def _command_of(pid: int) -> str:
    """The command line of a process of this machine, as far as the system tells it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    return _shown(words[1 if len(words) > 2 and words[1].startswith("/") else 0 : -1])  # not the interpreter


def _shown(words: list[str]) -> str:
    """Who a command is: its program and what it was told to do, never its data, which may hold secrets."""
    verbs = itertools.takewhile(re.compile(r"[a-z]{2,12}(-[a-z]{2,12})?").fullmatch, words[1:3])
    return " ".join((Path("".join(words[:1]).removesuffix("/__main__.py")).name, *verbs))[:160]
