"""The guards' store: many processes, damage, locks and folders nobody may write to."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.errors import GuardError
from pytest_nextrust.guards.backoff import Backoff


def count(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("SELECT count(*) FROM counters").fetchone()
    return int(found)


def put(name: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute("INSERT INTO counters VALUES (?, 1)", (name,))


def counted(path: Path) -> int:
    """What a process that comes later counts."""
    with Database(path) as database:
        return database.read(count, -1)


def test_reading_makes_nothing(tmp_path: Path) -> None:
    """Where there is no database the default is the answer, and no folder appears."""
    assert counted(state_path(tmp_path)) == -1
    assert list(tmp_path.iterdir()) == []


def test_the_state_folder_keeps_itself_out_of_git(tmp_path: Path) -> None:
    """The first write makes the folder with a .gitignore of its own; git sees nothing new."""
    with Database(state_path(tmp_path)) as database:
        database.write(put("a"))
        assert database.read(lambda c: c.execute("PRAGMA journal_mode").fetchone(), None) == ("wal",)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    status = subprocess.run(["git", "-C", str(tmp_path), "status", "--porcelain"], capture_output=True, check=True)
    assert status.stdout == b""


def test_a_piece_of_work_is_whole_or_nothing(tmp_path: Path) -> None:
    """What raises leaves no trace."""

    def broken(connection: sqlite3.Connection) -> None:
        put("a")(connection)
        raise KeyError("stop")

    with Database(state_path(tmp_path)) as database:
        with pytest.raises(KeyError):
            database.write(broken)
        assert database.read(count, -1) == 0
        database.write(put("b"))
        assert database.read(count, -1) == 1


def overwrite(path: Path) -> None:
    path.write_bytes(b"this is not a database at all, " * 400)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def zeros(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100] + bytes(size - 100))


def bare(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE somebody (x)")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE claims (x)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", [overwrite, cut, zeros, bare, foreign])
def test_a_damaged_database_is_kept_aside(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A fresh one takes its place, the damaged bytes are kept, and the object says so; it works on."""
    path = state_path(tmp_path)
    with Database(path) as database:
        for number in range(200):
            database.write(put(f"name-{number}-" + "x" * 100))
    damage(path)
    bytes_before = path.read_bytes()
    with Database(path) as database:
        database.write(put("after"))
        assert database.read(count, -1) == 1
        aside = path.with_name("state.sqlite.damaged-1")
        assert database.set_aside == [aside]
        # The first 100 bytes are the header, which opening may touch.
        assert aside.read_bytes()[100:] == bytes_before[100:]
    damage(path)
    with Database(path) as database:
        assert Backoff(database).commits() == {}
        database.write(put("again"))
        assert path.with_name("state.sqlite.damaged-2").exists()
    assert counted(path) == 1


def test_a_sound_database_is_not_moved(tmp_path: Path) -> None:
    """The twin: whoever finds damage second finds that the first has seen to it."""
    path = state_path(tmp_path)
    with Database(path) as database:
        database.write(put("a"))
        database._move_aside()
        assert database.set_aside == []
        assert database.read(count, -1) == 1


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_replaced_while_it_is_read(tmp_path: Path, replaced: bool) -> None:
    """An input error is an error; where the file was put aside by another process meanwhile, the new one is used."""
    path = state_path(tmp_path)

    def work(connection: sqlite3.Connection) -> int:
        if not path.with_name("aside").exists():
            path.rename(path.with_name("aside"))
            if not replaced:
                path.with_name("aside").rename(path)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHORT_READ
            raise error
        return connection.execute("INSERT INTO counters VALUES ('a', 1)").rowcount

    with Database(path) as database:
        database.write(put("before"))
        if not replaced:
            with pytest.raises(GuardError, match="disk I/O error"):
                database.write(work)
            return
        assert database.write(work) == 1
        assert database.set_aside == []
        assert database.read(count, -1) == 1


def test_damage_seen_by_many_at_once(tmp_path: Path) -> None:
    """Eight processes meet the damage together: one moves it, all their writes are in the one that took its place."""
    path = state_path(tmp_path)
    path.parent.mkdir()
    overwrite(path)
    code = """
import sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
with Database(Path(sys.argv[1])) as database:
    sys.stdin.read()
    for number in range(5):
        database.write(lambda c: c.execute("INSERT INTO counters VALUES (?, 1)", (f"{sys.argv[2]}-{number}",)))
"""
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(index)], stdin=subprocess.PIPE)
        for index in range(8)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0] * 8
    assert counted(path) == 40
    assert sorted(p.name for p in path.parent.glob("*.damaged-?")) == ["state.sqlite.damaged-1"]


def test_a_held_database_is_an_error_in_its_time(tmp_path: Path) -> None:
    """A writer that does not let go costs the time limit and one message; readers are not held up."""
    path = state_path(tmp_path)
    with Database(path) as database:
        database.write(put("a"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Database(path, timeout=0.05) as database:
        with pytest.raises(GuardError, match=r"held by another process for 0\.05 s\n  remedy: end the process"):
            database.write(put("b"))
        assert database.read(count, -1) == 1
        other.execute("COMMIT")
        database.write(put("b"))
    other.close()


def test_a_database_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    """It is neither read nor moved."""
    path = state_path(tmp_path)
    with Database(path) as database:
        database.write(lambda connection: connection.execute("PRAGMA user_version=99"))
    works: tuple[Callable[[Database], object], ...] = (lambda d: d.write(put("a")), lambda d: d.read(count, 0))
    for work in works:
        with Database(path) as database, pytest.raises(GuardError, match="newer release"):
            work(database)
    assert [p.name for p in path.parent.glob("*damaged*")] == []


def test_something_else_with_its_name(tmp_path: Path) -> None:
    """A folder or a pipe is an error, not a hang."""
    path = state_path(tmp_path)
    path.mkdir(parents=True)
    with pytest.raises(GuardError, match="not a file"):
        Database(path).write(put("a"))
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(GuardError, match="not a file"):
        Database(path).read(count, 0)
    path.unlink()
    path.parent.joinpath(".gitignore").unlink(missing_ok=True)
    path.parent.rmdir()
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(GuardError):
        Database(path).write(put("a"))


@pytest.mark.parametrize("exists", [True, False], ids=["read-only", "not-to-be-made"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, exists: bool) -> None:
    """A user who may not write gets one message with a remedy."""
    path = state_path(tmp_path)
    if exists:
        with Database(path) as database:
            database.write(put("a"))
        path.chmod(0o444)
        path.parent.chmod(0o555)
    tmp_path.chmod(0o555)
    for folder in tmp_path.parents:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = """
import os, sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
from pytest_nextrust.errors import GuardError
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    Database(Path(sys.argv[1])).write(lambda c: c.execute("INSERT INTO counters VALUES ('b', 1)"))
except GuardError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    for folder in (tmp_path, path.parent):
        if folder.exists():
            folder.chmod(0o755)
    assert done.stderr == ""
    assert "remedy: let this user write" in done.stdout


def test_a_child_of_fork_opens_its_own(tmp_path: Path) -> None:
    """A connection is not carried into a forked process, and the parent's goes on."""
    code = """
import os, sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
database = Database(Path(sys.argv[1]))
def put(name):
    database.write(lambda c: c.execute("INSERT INTO counters VALUES (?, 1)", (name,)))
put("parent")
mine = database._connection
if os.fork() == 0:
    put("child")
    os._exit(0 if database._connection is not mine else 9)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
put("parent again")
assert database._connection is mine
"""
    path = state_path(tmp_path)
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert counted(path) == 3


def test_a_killed_writer_leaves_nothing_half_done(tmp_path: Path) -> None:
    """Killed inside a transaction: the next writer goes on at once, and sees none of it."""
    path = state_path(tmp_path)
    code = """
import os, signal, sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
def work(connection):
    connection.execute("INSERT INTO counters VALUES ('half', 1)")
    os.kill(os.getpid(), signal.SIGKILL)
Database(Path(sys.argv[1])).write(work)
"""
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    with Database(path, timeout=0.5) as database:
        database.write(put("whole"))
        assert database.read(count, -1) == 1


def test_importing_the_guards_is_cheap() -> None:
    """None of them loads pytest, the emulator, the file lock, subprocess or the journal; each can be imported alone."""
    names = ("backoff", "commands", "failures", "holder", "idempotency", "override")
    heavy = {
        "pytest",
        "unicorn",
        "filelock",
        "subprocess",
        "tomllib",
        "pytest_nextrust.status",
        "pytest_nextrust.base.convert",
    }
    for name in (*(f"guards.{name}" for name in names), "base.state_database"):
        code = f"import sys, pytest_nextrust.{name}; print('\\n'.join(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert set(done.stdout.split()) & heavy == set(), name


def test_a_file_in_the_folders_place_is_no_empty_database(tmp_path: Path) -> None:
    """Reading says so, where "no database" would pass every guard; with the folder absent or empty it is no fault."""
    path = tmp_path / ".nextrust" / "state.sqlite"
    with Database(path) as database:
        assert database.read(lambda connection: 1, 0) == 0
        path.parent.mkdir()
        assert database.read(lambda connection: 1, 0) == 0
        path.parent.rmdir()
        path.parent.write_text("")
        with pytest.raises(GuardError) as caught:
            database.read(lambda connection: 1, 0)
    assert str(path.parent) in str(caught.value)
