"""What a guest may add to its root: full is ENOSPC, too deep EDQUOT, and what is removed may be used again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.quota import QUOTA_BYTES, QUOTA_DEPTH, Quota
from tests.unit.emu_kernel.guest import DATA, Guest

CREATE, WRITE = 0x200, 1
WRITE_, CLOSE, LINK, UNLINK, CHDIR, LSEEK, SYMLINK = 4, 6, 9, 10, 12, 19, 57
RENAME, FTRUNCATE, MKDIR, RMDIR = 128, 130, 136, 137


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    """A guest with room for 1000 bytes and 6 names, four levels deep; one file of 100 bytes was there before."""
    (tmp_path / "old").write_bytes(bytes(100))
    guest = Guest(tmp_path)
    guest.kernel.task.process.quota = Quota(guest.kernel.task.process.jail.root, 1000, 6, 4)
    return guest


def _made(guest: Guest, name: str) -> int:
    answer = guest.open(name, WRITE | CREATE)
    assert answer.error is None
    return answer.d0


def _write(guest: Guest, file: int, count: int) -> int:
    return guest.ok(WRITE_, file, DATA, count)


def test_bytes_end_as_on_a_full_disk(guest: Guest) -> None:
    """What fits is written; then ENOSPC; overwriting costs nothing, and the file that was there is free."""
    file = _made(guest, "/a")
    assert _write(guest, file, 900) == 900
    assert _write(guest, file, 900) == 100
    assert guest.unix(WRITE_, file, DATA, 1).error == Errno.ENOSPC
    guest.ok(LSEEK, file, 0, 0)
    assert _write(guest, file, 1000) == 1000
    old = guest.open("/old", WRITE).d0
    assert _write(guest, old, 100) == 100
    assert guest.unix(WRITE_, old, DATA, 1).error == Errno.ENOSPC


def test_holes_count(guest: Guest) -> None:
    """A byte far behind the end, and a size that is set, cost what the file is then large."""
    file = _made(guest, "/a")
    guest.ok(LSEEK, file, 5000, 0)
    assert guest.unix(WRITE_, file, DATA, 1).error == Errno.ENOSPC
    assert guest.unix(FTRUNCATE, file, 1001).error == Errno.ENOSPC
    guest.ok(FTRUNCATE, file, 1000)
    guest.ok(FTRUNCATE, file, 10)
    guest.ok(FTRUNCATE, file, 1000)


def test_a_removed_file_is_free_once_nobody_has_it_open(guest: Guest) -> None:
    """Its bytes count while a descriptor or another name leads to it, and are given back once."""
    file = _made(guest, "/a")
    _write(guest, file, 1000)
    guest.ok(LINK, guest.text("/a"), guest.text("/b"))
    guest.ok(UNLINK, guest.text("/a"))
    guest.ok(UNLINK, guest.text("/b"))
    other = _made(guest, "/c")
    assert guest.unix(WRITE_, other, DATA, 1).error == Errno.ENOSPC
    guest.ok(CLOSE, file)
    assert _write(guest, other, 1001) == 1000
    guest.ok(CLOSE, other)
    again = _made(guest, "/d")
    _ = guest.ok(RENAME, guest.text("/d"), guest.text("/c"))
    assert _write(guest, again, 1001) == 1000, "the file that was renamed over is gone"


def test_names_end_as_inodes_do(guest: Guest) -> None:
    """Files, folders, links and second names; a removed one makes room."""
    _made(guest, "/1")
    guest.ok(MKDIR, guest.text("/2"), 0o755)
    guest.ok(LINK, guest.text("/1"), guest.text("/3"))
    guest.ok(SYMLINK, guest.text("/1"), guest.text("/4"))
    _made(guest, "/5")
    _made(guest, "/6")
    assert guest.open("/7", WRITE | CREATE).error == Errno.ENOSPC
    assert guest.unix(MKDIR, guest.text("/7"), 0o755).error == Errno.ENOSPC
    assert guest.unix(LINK, guest.text("/1"), guest.text("/7")).error == Errno.ENOSPC
    assert guest.unix(SYMLINK, guest.text("/1"), guest.text("/7")).error == Errno.ENOSPC
    guest.ok(RMDIR, guest.text("/2"))
    _made(guest, "/7")
    assert not os.path.lexists(guest.root / "8")


def test_depth_ends_by_what_lies_above(guest: Guest) -> None:
    """EDQUOT for a folder too deep, for moving folders there, and where the working directory was moved down."""
    for path in ("/a", "/a/b", "/a/b/c", "/x"):
        guest.ok(MKDIR, guest.text(path), 0o755)
    guest.ok(CHDIR, guest.text("/x"))
    guest.ok(RENAME, guest.text("/x"), guest.text("/a/b/c/x"))
    assert guest.unix(MKDIR, guest.text("y"), 0o755).error == Errno.EDQUOT
    guest.ok(MKDIR, guest.text("/p"), 0o755)
    guest.ok(MKDIR, guest.text("/p/q"), 0o755)
    assert guest.unix(RENAME, guest.text("/p"), guest.text("/a/b/c/p")).error == Errno.EDQUOT
    guest.ok(RENAME, guest.text("/p"), guest.text("/p2"))


def test_the_limits_of_a_run() -> None:
    """A run has these, and no more."""
    assert (QUOTA_BYTES, QUOTA_DEPTH) == (256 << 20, 128)
