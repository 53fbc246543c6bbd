"""The journal where the surroundings fail: no room, names that change under it, holders of the lock that stop."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from pytest_nextrust.base import files
from pytest_nextrust.base.files import Lock
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.status.journal import Journal, parse

from .helpers import journal_in

_FULL = """
import os, sys
from pathlib import Path
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.journal import Journal
folder = Path(sys.argv[1])
journal, acknowledged = Journal(folder / "log"), 0
try:
    while True:
        journal.append("x", {"n": acknowledged, "pad": "p" * 150})
        acknowledged += 1
except StatusError as error:
    assert "No space left" in str(error) and "make room" in str(error), error
    print(error)
(folder / "filler").unlink()
Journal(folder / "log").append("x", {"n": acknowledged, "pad": ""})
view = journal.read()
assert [record.details["n"] for record in view.records] == list(range(acknowledged + 1)), view
assert view.problems == (), view.problems
print("acknowledged", acknowledged)
"""


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path: Path) -> None:
    """On a small file system: entries are acknowledged until there is no room; then one error; then room, and on."""
    unshare = shutil.which("unshare")
    script = 'mount -t tmpfs -o size=64k none "$0" && head -c 20000 /dev/zero > "$0/filler" && exec "$1" -c "$2" "$0"'
    if unshare is None or os.getuid() != 0:
        pytest.skip("mounting is for root; the limit on a file's size is tested in its place")
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", script, str(tmp_path), sys.executable, _FULL],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "permission denied" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 50


def test_a_short_write_is_completed_before_anybody_else_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system takes a line in pieces, it is whole in the end, and the entry is acknowledged as ever."""
    journal = journal_in(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    made = [journal.append("x", {"n": n}) for n in range(3)]
    assert journal.read().records == tuple(made)
    assert journal.read().problems == ()


def test_a_short_write_that_cannot_even_be_taken_back_is_closed_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The piece stays as a torn line; the writer's own next entry, and any other's, stands on a line of its own."""
    journal = journal_in(tmp_path)
    first = journal.append("x", {})
    write = os.write
    refusals: list[int] = []

    def full(fd: int, data: bytes) -> int:
        if refusals:
            return refused()
        refusals.append(fd)
        return write(fd, data[:9])

    def refused(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        patch.setattr(os, "ftruncate", refused)
        with pytest.raises(StatusError, match="make room"):
            journal.append("x", {"n": 1})
    again = journal.append("x", {"n": 2})
    view = journal.read()
    assert view.records == (first, again)
    assert len(view.problems) == 1


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


def replaced(path: Path) -> None:
    files.atomic_replace(path, path.read_bytes())


@pytest.mark.parametrize("change", [remove, move, replaced])
def test_a_writer_notices_that_its_file_is_another_one(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """The descriptor is kept, but an entry goes to the file that has the journal's name."""
    journal = journal_in(tmp_path)
    journal.append("x", {"n": 0})
    change(tmp_path / "journal.jsonl")
    made = journal.append("x", {"n": 1})
    found = parse((tmp_path / "journal.jsonl").read_bytes()).records
    assert found[-1] == made
    assert len(found) == (2 if change is replaced else 1)


def test_a_new_journal_in_an_old_ones_place_is_another_log(tmp_path: Path) -> None:
    """Numbers begin again, under another name: no two entries are ever known by the same log and number."""
    journal = journal_in(tmp_path)
    first = journal.append("x", {})
    (tmp_path / "journal.jsonl").unlink()
    second = journal.append("x", {})
    assert (first.seq, second.seq) == (1, 1)
    assert first.log != second.log
    assert len(first.log) == 16


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """A cleaned checkout costs what was in it, not the entries to come."""
    journal = journal_in(tmp_path / "log")
    journal.append("x", {})
    shutil.rmtree(tmp_path / "log")
    made = journal.append("x", {})
    assert journal.read().records == (made,)


def test_a_descriptor_that_was_closed_is_opened_again(tmp_path: Path) -> None:
    """A program that closes all it has open, to become a daemon, can go on writing."""
    journal = journal_in(tmp_path)
    journal.append("x", {})
    assert journal._file is not None
    os.close(journal._file.fd)
    made = journal.append("x", {})
    assert journal.read().records[-1] == made


def test_lines_of_a_writer_that_did_not_name_the_log_are_continued(tmp_path: Path) -> None:
    """An older version's lines have no log; numbering goes on, and what is added names one."""
    line = b'{"schema":1,"seq":41,"time":"2026-01-01T00:00:00.000000Z","type":"x","run":"","details":{}'
    (tmp_path / "journal.jsonl").write_bytes(line + b',"crc":"%08x"}\n' % zlib.crc32(line))
    made = journal_in(tmp_path).append("x", {})
    assert made.seq == 42
    assert made.log
    assert [record.log for record in Journal(tmp_path).read().records] == ["", made.log]
    assert Journal(tmp_path).read().problems == ()


_HOLDER = """
import filelock, signal, sys
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    signal.pause()
"""


def test_another_programs_stopped_holder_is_named(tmp_path: Path) -> None:
    """A program that uses filelock itself, stopped while it holds the lock: the error says which one it is.

    Its arguments are left out: they may hold anything.
    """
    if not Path("/proc/locks").exists():
        pytest.skip("the kernel does not list locks here")
    path = tmp_path / "journal.lock"
    Journal(tmp_path).append("x", {})
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            os.kill(holder.pid, signal.SIGSTOP)
            impatient = Journal(tmp_path, lock=Lock(path, timeout=0.05))
            program = re.escape(Path(sys.executable).name)
            with pytest.raises(LockTimeout, match=rf"held by process {holder.pid} on host \S+ \({program}\)"):
                impatient.append("x", {})
        finally:
            os.kill(holder.pid, signal.SIGKILL)
    assert impatient.append("x", {}).seq == 2


def test_another_program_waits_for_a_writer(tmp_path: Path) -> None:
    """filelock on journal.lock keeps appends out, and a writer keeps filelock out."""
    theirs = filelock.FileLock(tmp_path / "journal.lock", timeout=0)
    journal = Journal(tmp_path, lock=Lock(tmp_path / "journal.lock", timeout=0))
    with theirs, pytest.raises(LockTimeout):
        journal.append("x", {})
    journal.append("x", {})
    with journal._lock, pytest.raises(filelock.Timeout):
        theirs.acquire()


def test_the_order_of_an_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock, one write, release, sync of that very file, and only then the answer; also where others wrote before."""
    calls: list[str] = []
    write, sync = os.write, os.fdatasync
    path = tmp_path / "journal.jsonl"

    def name(fd: int, call: str) -> None:
        calls.append(call if os.path.samestat(os.fstat(fd), path.stat()) else f"{call} elsewhere")

    def watched_write(fd: int, data: bytes) -> int:
        name(fd, "write")
        return write(fd, data)

    def watched_sync(fd: int) -> None:
        name(fd, "sync")
        sync(fd)

    monkeypatch.setattr(os, "write", watched_write)
    monkeypatch.setattr(os, "fdatasync", watched_sync)

    class Watched(Lock):
        def acquire(self) -> None:
            super().acquire()
            calls.append("lock")

        def release(self) -> None:
            super().release()
            calls.append("release")

    journal = Journal(tmp_path, lock=Watched(tmp_path / "journal.lock"))
    for _ in range(2):
        journal.append("x", {})
        calls.append("answer")
        assert calls == ["lock", "write", "release", "sync", "answer"]
        calls.clear()
        Journal(tmp_path).append("x", {})
        calls.clear()
