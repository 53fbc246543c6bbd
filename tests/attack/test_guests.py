"""Guests that try to get out of their root, to fill the host up, or to hang: none leaves a trace, each ends as it must.

Every guest runs in the folder ``root`` among others that must not change: what lies there is described before and after
in every respect that a guest could change. The root itself holds traps for the kernel: links out, a fifo, a socket.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_nextrust.base.scratch import remove_tree
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.quota import QUOTA_BYTES, QUOTA_DEPTH, QUOTA_FILES
from pytest_nextrust.emu.kernel.signals import Signal
from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from tests.attack.guest_code import BOOLEAN, FILE, INTEGER, NAME, ROOM, ROOM_SIZE, TEXT, Code

RDWR, CREATE = 2, 0x602
"""O_RDWR, and with O_CREAT | O_TRUNC."""

EXIT, READ, WRITE, OPEN, CLOSE, LINK, UNLINK, CHDIR, MKNOD, CHMOD, CHOWN = 1, 3, 4, 5, 6, 9, 10, 12, 14, 15, 16
LSEEK, ACCESS, KILL, DUP, PIPE, SYMLINK, READLINK, EXECVE, CHROOT = 19, 33, 37, 41, 42, 57, 58, 59, 61
SETITIMER, SELECT, SOCKET, SIGVEC, SIGPAUSE, WRITEV = 83, 93, 97, 108, 111, 121
FCHMOD, RENAME, TRUNCATE, FTRUNCATE, MKDIR, RMDIR, UTIMES, REBOOT, MOUNT = 124, 128, 129, 130, 136, 137, 138, 55, 21
ALLOCATE, COPY, PORT_ALLOCATE = 2021, 2028, 2076

WALL = 200.0
"""Seconds: far more than any of them takes, but those that the wall limit is to end."""

SLOW = 20_000


@dataclass(frozen=True)
class Attack:
    """A guest, and how its run must end: the kind, and the value where that is certain.

    ``budget`` is small where each instruction is a call that takes long, so that no clock decides.
    """

    code: Code
    kind: str
    value: int | None = None
    budget: int = 3_000_000


def _fails(error: Errno, *call: int | str | bytes) -> Attack:
    number, *arguments = call
    assert isinstance(number, int)
    return Attack(Code().unix(number, *arguments).leave(), "exit", error)


def _works(*calls: tuple[int | str | bytes, ...], value: int | None = 0) -> Attack:
    code = Code()
    for number, *arguments in calls:
        assert isinstance(number, int)
        code.unix(number, *arguments)
    return Attack(code.leave(), "exit", value)


def _out(canary: str) -> Iterator[tuple[str, Attack]]:
    """Ways out: the path of the canary beside the root is ``canary``."""
    for name, path in (
        ("dotdot", "../canary"),
        ("dotdots", "../" * 40 + "etc/passwd"),
        ("dotdot-inside", "/folder/../../canary"),
        ("absolute", canary),
        ("relative-link", "/out"),
        ("absolute-link", "/absolute"),
        ("link-to-folder", "/up/canary"),
        ("link-to-proc", "/proc-link/etc/passwd"),
        ("proc", "/proc/self/root/etc/passwd"),
        ("proc-cwd", "/proc/self/cwd/../canary"),
        ("dev-mem", "/dev/mem"),
        ("dev-fd", "/dev/fd/0"),
    ):
        yield f"open-{name}", _fails(Errno.ENOENT, OPEN, path, RDWR)
    yield "open-loop", _fails(Errno.ELOOP, OPEN, "/loop", RDWR)
    yield "open-terminal", _fails(Errno.ENXIO, OPEN, "/dev/tty", RDWR)
    yield "open-fifo", _fails(Errno.ENXIO, OPEN, "/fifo", 0)
    yield "open-socket", _fails(Errno.ENXIO, OPEN, "/socket", RDWR)
    yield "long-name", _fails(Errno.ENAMETOOLONG, OPEN, "n" * 300, CREATE, 0o644)
    yield "long-path", _fails(Errno.ENAMETOOLONG, OPEN, "./" * 800, 0)
    yield "name-with-nul", _works((OPEN, b"x\0../../canary", CREATE, 0o644), value=3)
    yield "name-of-bytes", _works((OPEN, b"\xff\x1b]0;x\x07\n", CREATE, 0o644), value=3)
    yield "create-through-a-link", _works((SYMLINK, "../../canary", "/l"), (OPEN, "/l", CREATE, 0o644), value=3)
    yield "mkdir-through-a-link", _works((SYMLINK, "../..", "/l"), (MKDIR, "/l/made", 0o777))
    yield "link-a-link", _fails(Errno.ENOENT, LINK, "/out", "/hard")
    yield "link-out", _fails(Errno.ENOENT, LINK, "../canary", "/hard")
    yield "rename-out", _works((OPEN, "/x", CREATE, 0o644), (RENAME, "/x", "/../../canary"))
    yield "rename-over-a-link", _works((OPEN, "/x", CREATE, 0o644), (RENAME, "/x", "/out"))
    yield "rename-the-root", _fails(Errno.EINVAL, RENAME, "/", "/x")
    yield "rename-above", _fails(Errno.EINVAL, RENAME, "..", "/x")
    yield "rename-into-itself", _fails(Errno.EINVAL, RENAME, "/folder", "/folder/x")
    yield "remove-the-root", _fails(Errno.EINVAL, RMDIR, "/")
    yield "remove-above", _fails(Errno.EINVAL, RMDIR, "..")
    yield "unlink-above", _fails(Errno.EPERM, UNLINK, "..")
    yield "unlink-a-link", _works((UNLINK, "/out"))
    yield "truncate-out", _fails(Errno.ENOENT, TRUNCATE, "/out", 0)
    yield "chmod-out", _fails(Errno.ENOENT, CHMOD, "/out", 0)
    yield "chmod-above", _works((CHMOD, "/..", 0), (ACCESS, "/", 0))
    yield "utimes-out", _fails(Errno.ENOENT, UTIMES, "/out", bytes(16))
    yield "climb", Attack(_climb(), "exit", 3)
    yield "climb-from-a-moved-folder", Attack(_climb(moved=True), "exit", 3)
    yield "setuid", _works((OPEN, "/set", CREATE, 0o7777), (CHMOD, "/set", 0o7777), (FCHMOD, 3, 0o6755))
    yield "device-node", _fails(Errno.EPERM, MKNOD, "/null", 0o20666, 0x103)
    yield "chown", _fails(Errno.EPERM, CHOWN, "/folder", 0, 0)
    yield "chroot", _fails(Errno.EPERM, CHROOT, "..")
    yield "kill-the-host", _fails(Errno.ESRCH, KILL, os.getpid(), 9)
    for name, call in (
        ("execute", (EXECVE, "/bin/sh", 0, 0)),
        ("socket", (SOCKET, 2, 1, 0)),
        ("mount", (MOUNT, "/dev/sda", "/", 0, 0)),
        ("reboot", (REBOOT, 0)),
    ):
        yield name, Attack(Code().unix(*call), "unimplemented")


def _climb(*, moved: bool = False) -> Code:
    code = Code().unix(MKDIR, "/a", 0o777).unix(MKDIR, "/a/b", 0o777).unix(CHDIR, "/a/b")
    if moved:
        code.unix(RENAME, "/a/b", "/b")
    for _ in range(3):  # one or two more than there are, not all the way to where a broken jail would do harm
        code.unix(CHDIR, "..")
    return code.unix(OPEN, "climbed", CREATE, 0o644).leave()


def _repeated(error: Errno, *calls: tuple[int | str | bytes, ...], before: Code | None = None) -> Attack:
    """The calls again and again, the last of them until it fails."""
    code = before or Code()
    place = code.here()
    code.next_name()
    for number, *arguments in calls:
        assert isinstance(number, int)
        code.unix(number, *arguments)
    return Attack(code.until_error(place).leave(), "exit", error)


def _full() -> Iterator[tuple[str, Attack]]:
    """Ways to fill the disk, the tables, memory."""
    file = Code().unix(OPEN, "/file", CREATE, 0o644).keep()
    pieces = struct.pack(">2L", ROOM, ROOM_SIZE) * 4
    yield "bytes", _repeated(Errno.ENOSPC, (WRITEV, FILE, pieces, 4), before=file)
    removed = Code().unix(OPEN, "/file", CREATE, 0o644).keep().unix(UNLINK, "/file")
    yield "bytes-without-a-name", _repeated(Errno.ENOSPC, (WRITEV, FILE, pieces, 4), before=removed)
    many = Code().unix(DUP, 0)
    yield (
        "bytes-in-many",
        _repeated(Errno.ENOSPC, (OPEN, NAME, CREATE, 0o644), (CHDIR, "/"), (WRITE, 4, ROOM, 1 << 20), before=many),
    )
    sparse = Code().unix(OPEN, "/file", CREATE, 0o644).unix(LSEEK, 3, (1 << 30) - 1, 0).unix(WRITE, 3, ROOM, 1)
    yield "hole", Attack(sparse.leave(), "exit", Errno.ENOSPC)
    yield "size", _fails_after((OPEN, "/file", CREATE, 0o644), Errno.ENOSPC, (FTRUNCATE, 3, 1 << 30))
    yield "size-too-large", _fails_after((OPEN, "/file", CREATE, 0o644), Errno.EFBIG, (TRUNCATE, "/file", 0x7FFF_FFFF))
    yield "folders", Attack(Code().next_name().unix(MKDIR, NAME, 0o777).back(0), "budget", None, SLOW)
    yield "links", Attack(Code().next_name().unix(SYMLINK, "/" * 900, NAME).back(0), "budget", None, SLOW)
    hard = Code().unix(OPEN, "/file", CREATE, 0o644)
    place = hard.here()
    hard.next_name().unix(LINK, "/file", NAME).until(Errno.ENOSPC, place)
    yield "names", Attack(hard.leave(), "exit", Errno.ENOSPC)
    yield "depth", _repeated(Errno.EDQUOT, (MKDIR, "d", 0o777), (CHDIR, "d"), (MKDIR, "e", 0o777))
    yield "descriptors", _repeated(Errno.EMFILE, (DUP, 0))
    yield "pipes", _repeated(Errno.EMFILE, (PIPE,))
    flood = Code()
    yield "output", Attack(flood.unix(WRITE, 1, ROOM, ROOM_SIZE).back(0), "budget", None, 500)
    yield "recursion", Attack(Code().raw("61fe"), "signal", Signal.SIGSEGV)
    memory = Code()
    memory.message(ALLOCATE, (INTEGER, 0), (INTEGER, 64 << 20), (BOOLEAN, 1))
    yield "memory", Attack(memory.back(0), "budget", None, SLOW)
    ports = Code()
    yield "ports", Attack(ports.message(PORT_ALLOCATE).back(0), "budget", None, 5 * SLOW)


def _fails_after(before: tuple[int | str, ...], error: Errno, call: tuple[int | str, ...]) -> Attack:
    return Attack(Code().unix(*before).unix(*call).leave(), "exit", error)  # type: ignore[arg-type]


def _hangs() -> Iterator[tuple[str, Attack]]:
    """Ways never to end, or to die in a manner that takes others along."""
    yield "loop", Attack(Code().raw("60fe"), "budget")
    yield "sigpause", Attack(Code().unix(SIGPAUSE, 0), "unimplemented")
    yield "select-for-ever", Attack(Code().unix(SELECT, 0, 0, 0, 0, 0), "unimplemented")
    yield "select-for-a-year", _works((SELECT, 0, 0, 0, 0, struct.pack(">2L", 31_536_000, 0)))
    yield "empty-pipe", Attack(Code().unix(PIPE).unix(READ, 3, ROOM, 1), "unimplemented")
    yield "full-pipe", Attack(Code().unix(PIPE).unix(WRITE, 4, ROOM, 1 << 20), "unimplemented")
    yield "stop", Attack(Code().unix(KILL, 100, Signal.SIGSTOP), "unimplemented")
    yield "kill", Attack(Code().unix(KILL, 100, Signal.SIGKILL).raw("60fe"), "signal", Signal.SIGKILL)
    yield "abort-group", Attack(Code().unix(KILL, 0, Signal.SIGKILL).raw("60fe"), "signal", Signal.SIGKILL)
    every = struct.pack(">4L", 0, 1, 0, 1)
    ignore = struct.pack(">3L", 1, 0, 0)
    storm = Code().unix(SIGVEC, Signal.SIGALRM, ignore, 0).unix(SETITIMER, 0, every, 0)
    yield "alarm-storm-ignored", Attack(storm.raw("60fe"), "budget")
    yield "alarm", Attack(Code().unix(SETITIMER, 0, every, 0).raw("60fe"), "signal", Signal.SIGALRM)
    for signal, last in ((Signal.SIGALRM, "60fe"), (Signal.SIGSEGV, "2039 00100000")):
        code = Code().raw("6008 588f 203c 00000067 4e44")  # a handler: what __sigtramp ends with
        code._text[1] = 10
        code.unix(SIGVEC, signal, struct.pack(">3L", TEXT + 2, 0, 0), 0)
        if signal == Signal.SIGALRM:
            code.unix(SETITIMER, 0, every, 0)
        yield f"handler-of-{signal.name}", Attack(code.raw(last), "budget", None, SLOW)
    yield "code-that-writes-itself", Attack(Code().raw(f"33fc 4e71 {TEXT:08x}"), "signal", Signal.SIGBUS)
    yield "code-in-data", Attack(Code().raw(f"4ef9 {ROOM:08x}"), "signal", Signal.SIGBUS)
    yield "illegal", Attack(Code().raw("4afc"), "signal", Signal.SIGILL)
    yield "privileged", Attack(Code().raw("4e72 2700"), "signal", Signal.SIGILL)
    yield "divide-by-zero", Attack(Code().raw("7000 80c0"), "signal", Signal.SIGFPE)
    yield "write-of-2-GB", _works((WRITE, 1, ROOM, 0x7FFF_FFFF))
    yield "write-of-nothing", _fails(Errno.EFAULT, WRITE, 1, 0xF000_0000, 0x7FFF_FFFF)
    yield "path-from-nowhere", _fails(Errno.EFAULT, OPEN, 0xFFFF_FFF0, 0)
    copy = Code().message(ALLOCATE, (INTEGER, 0x1000_0000), (INTEGER, 448 << 20), (BOOLEAN, 0))
    copy.message(ALLOCATE, (INTEGER, 0x3000_0000), (INTEGER, 448 << 20), (BOOLEAN, 0))
    place = copy.here()
    copy.message(COPY, (INTEGER, 0x1000_0000), (INTEGER, 448 << 20), (INTEGER, 0x3000_0000)).back(place)
    yield "vm-copy", Attack(copy, "time")


CANARY = "/tmp/nextrust-attack-canary"
ATTACKS = dict([*_out(CANARY), *_full(), *_hangs()])


def _describe(around: Path) -> dict[str, tuple[object, ...]]:
    """All that lies in ``around`` and the folder above but below ``root``, with whatever of it could be changed."""
    found: dict[str, tuple[object, ...]] = {}
    for here, folders, files in os.walk(around.parent):
        if Path(here) == around:
            folders.remove("root")
        for name in (".", *folders, *files):
            path = Path(here, name)
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
            found[str(path)] = (
                status.st_mode,
                status.st_uid,
                status.st_nlink,
                status.st_mtime_ns,
                status.st_size,
                content,
            )
    return found


@pytest.fixture(scope="module")
def machine() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Path]:
    """A folder with a canary, and a root full of traps beside it."""
    folder = tmp_path / "around"
    root = folder / "root"
    (root / "folder").mkdir(parents=True)
    (folder / "beside").mkdir()
    (folder / "beside" / "file").write_text("kept")
    (folder / "canary").write_text("alive")
    (folder / "canary").chmod(0o644)
    (root / "out").symlink_to("../canary")
    (root / "absolute").symlink_to(folder / "canary")
    (root / "up").symlink_to("..")
    (root / "proc-link").symlink_to("/proc/self/root")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(root)  # the name of a socket is short
        try:
            bound.bind("socket")
        finally:
            os.chdir(here)
    yield folder
    # The guest may have left what pytest's own removal cannot walk.
    remove_tree(root)


def _run(machine: Sandbox, around: Path, attack: Attack) -> RunRecord:
    wall = 1.0 if attack.kind == "time" else WALL
    request = RunRequest(attack.code.program(), root=str(around / "root"), budget=attack.budget, wall=wall)
    return machine.run(request)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_guest_leaves_a_trace(name: str, machine: Sandbox, around: Path) -> None:
    """What lies around the root is the same afterwards; the run ends by itself or by its limits, as it should."""
    attack = ATTACKS[name]
    before = _describe(around)
    record = _run(machine, around, attack)
    assert _describe(around) == before
    assert (around / "canary").read_text() == "alive"
    assert record.end.kind == attack.kind, record.end
    if attack.value is not None:
        assert record.end.value == attack.value, record.end
    assert len(record.stdout) <= RunRequest(b"").max_output


@pytest.mark.parametrize("name", ["bytes", "bytes-in-many", "names", "depth", "setuid", "hole"])
def test_what_is_left_in_the_root_is_bounded(name: str, machine: Sandbox, around: Path) -> None:
    """Bytes, names and depth stay within the quota, and no file has more than the nine permission bits."""
    root = around / "root"
    _run(machine, around, ATTACKS[name])
    sizes, names, deepest = 0, 0, 0
    for here, folders, files in os.walk(root):
        deepest = max(deepest, len(Path(here).relative_to(root).parts))
        names += len(folders) + len(files)
        for each in files:
            status = Path(here, each).lstat()
            sizes += status.st_size
            assert not status.st_mode & 0o7000
    assert sizes <= QUOTA_BYTES + 10_000
    assert names <= QUOTA_FILES + 10
    assert deepest <= QUOTA_DEPTH
    if name in ("bytes", "bytes-in-many"):
        assert sizes > QUOTA_BYTES // 2


def test_the_suite_has_its_size() -> None:
    """At least forty guests, of each of the three kinds."""
    assert len(ATTACKS) >= 40
    assert min(len(list(kind)) for kind in (_out(CANARY), _full(), _hangs())) >= 12
