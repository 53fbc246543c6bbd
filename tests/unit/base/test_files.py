"""Files: replacement is whole or not at all, append is one write, locks give up in time and say who holds them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

from pytest_nextrust.base import files
from pytest_nextrust.base.files import (
    Lock,
    append_once,
    atomic_replace,
    holder_of,
    make_folder,
    open_append,
)
from pytest_nextrust.errors import LockTimeout, StatusError


def test_replace_makes_and_replaces(tmp_path: Path) -> None:
    """The content is the new one, and no temporary file stays."""
    path = tmp_path / "f"
    atomic_replace(path, b"one")
    atomic_replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_replace_keeps_the_mode(tmp_path: Path) -> None:
    """A new file gets the mode asked for, an existing one keeps its own."""
    path = tmp_path / "f"
    atomic_replace(path, b"", mode=0o640)
    assert path.stat().st_mode & 0o777 == 0o640
    atomic_replace(path, b"x", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o640


def test_replace_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that does not reach the device changes nothing and leaves nothing behind."""
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_replace_orders_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are on the device before the name is, and the name before the call returns."""
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched(fd: int) -> None:
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")  # noqa: PTH112
        fsync(fd)

    def renamed(path: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic_replace(tmp_path / "f", b"x")
    assert calls == ["file", "rename", "folder"]


def appended(path: Path, data: bytes) -> None:
    fd = open_append(path)
    try:
        append_once(fd, data)
    finally:
        os.close(fd)


def test_appending_adds_at_the_end(tmp_path: Path) -> None:
    """Every call adds its bytes after what is there."""
    appended(tmp_path / "f", b"one\n")
    appended(tmp_path / "f", b"two\n")
    assert (tmp_path / "f").read_bytes() == b"one\ntwo\n"


def test_append_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of ``write``, with all the bytes: other writers cannot come between."""
    sizes: list[int] = []
    write = os.write

    def watched(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", watched)
    appended(tmp_path / "f", b"x" * 100_000)
    assert sizes == [100_000]


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system takes only part of the bytes, the rest follows."""
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    appended(path, b"longer\n")
    assert path.read_bytes() == b"old\nlonger\n"


def test_a_short_write_that_cannot_be_completed_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only part of the bytes fit, the part goes again and the call fails with the system's own reason."""
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    write, sizes = os.write, []

    def full(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        if len(sizes) == 2:
            raise OSError(28, "No space left on device")
        return write(fd, data[:3])

    monkeypatch.setattr(os, "write", full)
    fd = open_append(path)
    try:
        with pytest.raises(OSError, match="No space left"):
            append_once(fd, b"new\n")
    finally:
        os.close(fd)
    assert sizes == [4, 1]
    assert path.read_bytes() == b"old\n"


def test_make_folder_makes_names_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that gained a name is synchronised, and none where nothing was made."""
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


class FakeTime:
    """A clock that sleep moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 1e-6)


def test_a_held_lock_gives_up_after_its_limit_and_names_the_holder(tmp_path: Path) -> None:
    """Five seconds of ever longer waits, never over the limit, then an error with process and host."""
    fake = FakeTime()
    waiter = Lock(tmp_path / "l", clock=fake.clock, sleep=fake.sleep, jitter=lambda: 1.0)
    with Lock(tmp_path / "l"), pytest.raises(LockTimeout, match=f"5 s: held by process {os.getpid()} on host"):
        waiter.acquire()
    assert fake.now == pytest.approx(105.0)
    assert fake.slept[:4] == [0.00002, 0.00004, 0.00008, 0.00016]
    assert max(fake.slept) == 0.02
    with waiter:
        pass


def test_waits_are_jittered(tmp_path: Path) -> None:
    """Each wait is the fraction of its bound that the jitter says: two waiters do not march in step."""
    fake = FakeTime()
    fractions = iter([0.0, 0.5, 0.25] + [1.0] * 1000)
    waiter = Lock(tmp_path / "l", timeout=1, clock=fake.clock, sleep=fake.sleep, jitter=lambda: next(fractions))
    with Lock(tmp_path / "l"), pytest.raises(LockTimeout):
        waiter.acquire()
    assert fake.slept[:3] == [0.0, 0.00002, 0.00002]


def test_a_free_lock_does_not_wait(tmp_path: Path) -> None:
    """Without contention nothing sleeps, and the lock can be taken again and again."""
    fake = FakeTime()
    lock = Lock(tmp_path / "l", clock=fake.clock, sleep=fake.sleep)
    for _ in range(3):
        with lock:
            pass
    assert fake.slept == []


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff", b"[" * 100_000])
def test_an_unreadable_note_of_the_holder_is_no_second_fault(
    tmp_path: Path, note: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands in the holder's note, the error is about the lock."""
    monkeypatch.setattr(files, "_pid_by_kernel", lambda path: 0)
    waiter = Lock(tmp_path / "l", timeout=0)
    with Lock(tmp_path / "l") as held:
        held.path.write_bytes(note)
        with pytest.raises(LockTimeout, match="did not leave its name"):
            waiter.acquire()


def test_the_note_names_process_host_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not list locks, as on macOS, the holder's own note tells who it is."""
    monkeypatch.setattr(files, "_pid_by_kernel", lambda path: 0)
    monkeypatch.setattr(sys, "argv", ["a b", "\x01" * 1000])
    files._note.cache_clear()
    try:
        with Lock(tmp_path / "l"):
            told = holder_of(tmp_path / "l")
    finally:
        files._note.cache_clear()
    assert told.startswith(f"process {os.getpid()} on host {socket.gethostname()} (a b)")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["/opt/bin/nextrust", "status", "append", "note", '{"message": "hunter2-hunter2"}'], "nextrust status append"),
        (["/lib/pytest/__main__.py", "--token=hunter2-hunter2"], "pytest"),
        (["nextrust", "issues", "match", "hunter"], "nextrust issues match"),
        ([], ""),
    ],
)
def test_the_note_holds_no_data_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    """The lock's file stays: what a command was given, which may be a secret, is not in it."""
    monkeypatch.setattr(sys, "argv", argv)
    files._note.cache_clear()
    try:
        with Lock(tmp_path / "l") as lock:
            note = lock.path.read_text()
    finally:
        files._note.cache_clear()
    assert json.loads(note)["command"] == told
    assert "hunter" not in note


def test_a_note_that_may_be_old_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that the kernel lists writes its note once; who cannot see that list is told so."""
    with Lock(tmp_path / "l") as lock:
        pass
    with lock:
        assert holder_of(tmp_path / "l").startswith(f"process {os.getpid()} ")
        monkeypatch.setattr(files, "_pid_by_kernel", lambda path: 0)
        likely = "probably " if Path("/proc/locks").exists() else ""
        assert holder_of(tmp_path / "l").startswith(f"{likely}process {os.getpid()} ")


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the kernel does not list locks here")
def test_a_holder_that_leaves_no_note_is_named_all_the_same(tmp_path: Path) -> None:
    """Another program's lock beside a note from before: the one who holds it is named, not the one who left a note."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path / "l")], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            (tmp_path / "l").write_bytes(files._note(os.getpid(), always=False))
            with pytest.raises(LockTimeout, match=rf"held by process {other.pid} on host .*\(.*python"):
                Lock(tmp_path / "l", timeout=0).acquire()
        finally:
            other.kill()
    with Lock(tmp_path / "l", timeout=0):
        pass


_HOLD = """
import filelock, signal, sys
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    signal.pause()
"""


def test_filelock_and_lock_keep_each_other_out(tmp_path: Path) -> None:
    """A program that uses filelock on the same file waits for us, and we for it."""
    theirs = filelock.FileLock(tmp_path / "l", timeout=0)
    ours = Lock(tmp_path / "l", timeout=0)
    with ours, pytest.raises(filelock.Timeout):
        theirs.acquire()
    with theirs, pytest.raises(LockTimeout):
        ours.acquire()
    with ours:
        pass
    with theirs:
        pass


def test_a_lock_whose_file_was_removed_keeps_others_out_all_the_same(tmp_path: Path) -> None:
    """The descriptor is kept, but what counts is the name: both lock the file that has it now."""
    first, second = Lock(tmp_path / "l", timeout=0), Lock(tmp_path / "l", timeout=0)
    with first:
        pass
    (tmp_path / "l").unlink()
    with second, pytest.raises(LockTimeout):
        first.acquire()
    (tmp_path / "l").rename(tmp_path / "moved")
    with first, pytest.raises(LockTimeout):
        second.acquire()


def test_a_lock_is_not_shared_between_threads(tmp_path: Path) -> None:
    """Two threads with one Lock exclude each other as two processes do."""
    lock, refused = Lock(tmp_path / "l", timeout=0), []

    def other() -> None:
        try:
            lock.acquire()
        except LockTimeout as error:
            refused.append(str(error))

    with lock:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
    assert len(refused) == 1
    assert "another thread" in refused[0]
    with lock:
        pass


_FORKED = """
import os, sys
from pathlib import Path
from pytest_nextrust.errors import LockTimeout
from pytest_nextrust.base.files import Lock
lock = Lock(Path(sys.argv[1]), timeout=0)
with lock:
    if os.fork() == 0:
        lock.release()
        try:
            lock.acquire()
        except LockTimeout:
            os._exit(7)
        os._exit(1)
    status = os.waitstatus_to_exitcode(os.wait()[1])
    try:
        Lock(Path(sys.argv[1]), timeout=0).acquire()
    except LockTimeout:
        sys.exit(status)
"""


def test_a_forked_child_has_no_part_in_its_parents_lock(tmp_path: Path) -> None:
    """A child made while the lock is held can neither enter nor let go of it."""
    assert subprocess.run([sys.executable, "-c", _FORKED, str(tmp_path / "l")], timeout=60).returncode == 7


_ORPHAN = """
import os, signal, sys
from pathlib import Path
from pytest_nextrust.base.files import Lock
with Lock(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        signal.pause()
    signal.pause()
"""


def test_a_child_does_not_keep_the_lock_of_a_parent_that_died(tmp_path: Path) -> None:
    """The parent takes the lock, forks, and is killed: the lock is free although the child lives."""
    with subprocess.Popen([sys.executable, "-c", _ORPHAN, str(tmp_path / "l")], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            with pytest.raises(LockTimeout):
                Lock(tmp_path / "l", timeout=0).acquire()
            parent.kill()
            parent.wait(30)
            with Lock(tmp_path / "l", timeout=0):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lock_nowhere_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A lock file that cannot be made is told as such, not as a timeout."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StatusError, match="cannot be made") as caught:
        Lock(tmp_path / "file" / "l").acquire()
    assert not isinstance(caught.value, LockTimeout)
    assert caught.value.remedy
