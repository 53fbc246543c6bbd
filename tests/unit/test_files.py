"""Files: replacement is whole or not at all, append is one write, locks give up in time and say who holds them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust import files
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.files import Lock, append_once, atomic_replace, durable_append, make_folder, open_append


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

    monkeypatch.setattr(files.os, "fsync", full)
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

    monkeypatch.setattr(files.os, "fsync", watched)
    monkeypatch.setattr(Path, "replace", lambda self, target: (calls.append("rename"), replace(self, target))[1])
    atomic_replace(tmp_path / "f", b"x")
    assert calls == ["file", "rename", "folder"]


def test_durable_append_adds_at_the_end(tmp_path: Path) -> None:
    """Every call adds its bytes after what is there."""
    durable_append(tmp_path / "f", b"one\n")
    durable_append(tmp_path / "f", b"two\n")
    assert (tmp_path / "f").read_bytes() == b"one\ntwo\n"


def test_append_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of ``write``, with all the bytes: other writers cannot come between."""
    sizes = []
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda fd, data: (sizes.append(len(data)), write(fd, data))[1])
    durable_append(tmp_path / "f", b"x" * 100_000)
    assert sizes == [100_000]


def test_a_short_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only part of the bytes fit, the part goes again and the call fails."""
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda fd, data: write(fd, data[:3]))
    fd = open_append(path)
    try:
        with pytest.raises(OSError, match="only 3 of 4 bytes"):
            append_once(fd, b"new\n")
    finally:
        os.close(fd)
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
    assert fake.slept[:4] == [0.0002, 0.0004, 0.0008, 0.0016]
    assert max(fake.slept) == 0.1
    with waiter:
        pass


def test_waits_are_jittered(tmp_path: Path) -> None:
    """Each wait is the fraction of its bound that the jitter says: two waiters do not march in step."""
    fake = FakeTime()
    fractions = iter([0.0, 0.5, 0.25] + [1.0] * 1000)
    waiter = Lock(tmp_path / "l", timeout=1, clock=fake.clock, sleep=fake.sleep, jitter=lambda: next(fractions))
    with Lock(tmp_path / "l"), pytest.raises(LockTimeout):
        waiter.acquire()
    assert fake.slept[:3] == [0.0, 0.0002, 0.0002]


def test_a_free_lock_does_not_wait(tmp_path: Path) -> None:
    """Without contention nothing sleeps, and the lock can be taken again and again."""
    fake = FakeTime()
    lock = Lock(tmp_path / "l", clock=fake.clock, sleep=fake.sleep)
    for _ in range(3):
        with lock:
            pass
    assert fake.slept == []


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff", b"[" * 100_000])
def test_an_unreadable_note_of_the_holder_is_no_second_fault(tmp_path: Path, note: bytes) -> None:
    """Whatever stands in the holder's note, the error is about the lock."""
    waiter = Lock(tmp_path / "l", timeout=0)
    with Lock(tmp_path / "l") as held:
        held.holder_path.write_bytes(note)
        with pytest.raises(LockTimeout, match="did not leave its name"):
            waiter.acquire()


def test_a_lock_nowhere_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A lock file that cannot be made is told as such, not as a timeout."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StatusError, match="cannot be made") as caught:
        Lock(tmp_path / "file" / "l").acquire()
    assert not isinstance(caught.value, LockTimeout)
    assert caught.value.remedy
