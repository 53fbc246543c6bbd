"""Calls on files and descriptors: contents, positions, modes, directories, pipes, streams, and the descriptor table."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.kernel.ends import Unimplemented, UnixError
from pytest_nextrust.emu.kernel.files import NOFILE, Descriptors, FileDescription
from pytest_nextrust.emu.kernel.unix import transfers
from pytest_nextrust.errors import NotRunnable
from tests.unit.emu_kernel.guest import DATA, Guest

O_CREAT, O_TRUNC, O_EXCL, O_APPEND = 0x200, 0x400, 0x800, 8


def read(guest: Guest, number: int, count: int) -> bytes:
    at = DATA + 0x8000
    return guest.memory.copyin(at, guest.ok(3, number, at, count))


def write(guest: Guest, number: int, data: bytes) -> int:
    return guest.ok(4, number, guest.put(data), len(data))


def stat(guest: Guest, path: str, call: int = 38) -> dict[str, int]:
    at = guest.room(64)
    guest.ok(call, guest.text(path), at)
    return unpack(guest.memory.copyin(at, 60))


def unpack(raw: bytes) -> dict[str, int]:
    fields = ("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "atime", "_1", "mtime", "_2", "ctime", "_3")
    return dict(zip((*fields, "blksize", "blocks"), struct.unpack(">hIHhHHhiiiiiiiii", raw[:52]), strict=True))


def test_a_file_from_creation_to_removal(guest: Guest) -> None:
    """open with O_CREAT, write, lseek, read, ftruncate, close, stat, unlink: what is on the host follows each step."""
    number = guest.open("/f", O_CREAT | 2, 0o666).d0
    assert number == 3
    assert write(guest, number, b"hello world") == 11
    assert guest.ok(19, number, 6, 0) == 6
    assert read(guest, number, 100) == b"world"
    assert read(guest, number, 100) == b""
    assert guest.ok(19, number, -3, 2) == 8
    assert write(guest, number, b"k!") == 2
    assert guest.ok(130, number, 10) == 0
    assert (guest.root / "f").read_bytes() == b"hello wok!"
    assert (guest.root / "f").stat().st_mode & 0o777 == 0o644
    assert stat(guest, "f")["size"] == 10
    guest.ok(6, number)
    assert guest.unix(3, number, DATA, 1).error == 9
    guest.ok(10, guest.text("f"))
    assert guest.open("f").error == 2


def test_open_flags(guest: Guest) -> None:
    """O_EXCL, O_TRUNC and O_APPEND have 4.3BSD's values and meanings; access modes are enforced."""
    (guest.root / "f").write_bytes(b"0123456789")
    assert guest.open("f", O_CREAT | O_EXCL | 1).error == 17
    append = guest.open("f", O_APPEND | 2).d0
    write(guest, append, b"ab")
    assert (guest.root / "f").read_bytes() == b"0123456789ab"
    reading = guest.open("f", 0).d0
    assert guest.unix(4, reading, DATA, 1).error == 9
    writing = guest.open("f", 1 | O_TRUNC).d0
    assert (guest.root / "f").read_bytes() == b""
    assert guest.unix(3, writing, DATA, 1).error == 9
    assert guest.open("f", 3).error == 22
    assert guest.open("missing").error == 2
    assert guest.open("f/x").error == 20
    assert guest.open(".", 1).error == 21
    assert guest.ok(8, guest.text("g"), 0o600) > 2


def test_permissions_are_the_owners_bits_whoever_runs_this(guest: Guest) -> None:
    """Modes the guest sets are enforced, also where the harness runs as root; umask is taken off."""
    guest.ok(60, 0o027)
    guest.open("f", O_CREAT | 1, 0o777)
    assert (guest.root / "f").stat().st_mode & 0o777 == 0o750
    guest.ok(15, guest.text("f"), 0)
    for flags in (0, 1, 2):
        assert guest.open("f", flags).error == 13
    assert guest.unix(33, guest.text("f"), 4).error == 13
    assert guest.ok(33, guest.text("f"), 0) == 0
    guest.ok(15, guest.text("f"), 0o4600)
    assert guest.open("f", 2).error is None
    assert stat(guest, "f")["mode"] == 0o100600
    guest.ok(136, guest.text("d"), 0o777)
    guest.ok(15, guest.text("d"), 0o500)
    assert guest.open("d/new", O_CREAT | 1).error == 13
    guest.ok(15, guest.text("d"), 0o600)
    assert guest.unix(38, guest.text("d/x"), DATA).error == 13
    guest.ok(15, guest.text("d"), 0o700)


def test_stat_shows_the_guests_world(guest: Guest) -> None:
    """Owner 20, file numbers from 2 in the order met, times of the guest's clock, a directory's links and size."""
    (guest.root / "f").write_bytes(b"x" * 1500)
    for name in ("d", "d/one", "d/two"):
        (guest.root / name).mkdir()
    epoch = guest.clock.now_us // 1_000_000
    root, file = stat(guest, "/"), stat(guest, "f")
    assert (root["ino"], file["ino"], root["nlink"]) == (2, 3, 3)
    assert (file["uid"], file["gid"], file["mode"] & 0o170000, file["blksize"]) == (20, 20, 0o100000, 8192)
    assert (file["mtime"], file["blocks"]) == (epoch, 4)
    assert (stat(guest, "d")["nlink"], stat(guest, "d")["size"]) == (4, 1024)
    guest.count = 50_000_000
    write(guest, guest.open("f", 1).d0, b"y")
    guest.ok(136, guest.text("d/three"), 0o755)
    assert (stat(guest, "f")["mtime"], stat(guest, "f")["ctime"], stat(guest, "d")["mtime"]) == (epoch + 5,) * 3
    guest.ok(138, guest.text("f"), guest.put(struct.pack(">iiii", 11, 0, 22, 0)))
    assert (stat(guest, "f")["atime"], stat(guest, "f")["mtime"]) == (11, 22)


def test_a_new_file_is_never_mistaken_for_a_removed_one(guest: Guest) -> None:
    """The host may use an inode again at once; the guest sees a new number."""
    seen = set()
    for _ in range(5):
        guest.ok(6, guest.open("f", O_CREAT | 1).d0)
        seen.add(stat(guest, "f")["ino"])
        guest.ok(10, guest.text("f"))
    assert len(seen) == 5


def test_links(guest: Guest) -> None:
    """Hard links share, symbolic links are read and followed, each with lstat showing the link itself."""
    (guest.root / "f").write_text("text")
    guest.ok(9, guest.text("f"), guest.text("hard"))
    assert (stat(guest, "hard")["ino"], stat(guest, "hard")["nlink"]) == (stat(guest, "f")["ino"], 2)
    guest.ok(57, guest.text("f"), guest.text("soft"))
    at = guest.room(8)
    assert guest.ok(58, guest.text("soft"), at, 8) == 1
    assert guest.memory.copyin(at, 2) == b"f\0"
    assert stat(guest, "soft", 40)["mode"] & 0o170000 == 0o120000
    assert stat(guest, "soft")["mode"] & 0o170000 == 0o100000
    assert guest.unix(58, guest.text("f"), at, 8).error == 22
    assert guest.unix(9, guest.text("f"), guest.text("hard")).error == 17
    assert guest.unix(9, guest.text("."), guest.text("dir")).error == 1


def test_directories(guest: Guest) -> None:
    """mkdir, rmdir, rename and chdir, with their errors."""
    guest.ok(136, guest.text("d"), 0o777)
    assert (guest.root / "d").stat().st_mode & 0o777 == 0o755
    assert guest.unix(136, guest.text("d"), 0o777).error == 17
    assert guest.unix(10, guest.text("d")).error == 1
    guest.ok(12, guest.text("d"))
    guest.open("f", O_CREAT | 1)
    assert (guest.root / "d" / "f").exists()
    assert guest.unix(137, guest.text("/d")).error == 66
    assert guest.unix(137, guest.text("f")).error == 20
    assert guest.unix(137, guest.text(".")).error == 22
    guest.ok(128, guest.text("f"), guest.text("../g"))
    guest.ok(12, guest.text(".."))
    guest.ok(137, guest.text("d"))
    assert guest.unix(128, guest.text("d"), guest.text("e")).error == 2
    assert guest.unix(12, guest.text("g")).error == 20
    assert [entry.name for entry in guest.root.iterdir()] == ["g"]


def entries(guest: Guest, number: int, room: int) -> list[tuple[int, bytes]]:
    at = guest.room(room)
    raw = guest.memory.copyin(at, guest.ok(156, number, at, room, guest.room(4)))
    found = []
    while raw:
        ino, reclen, namlen = struct.unpack_from(">IHH", raw)
        assert reclen % 4 == 0
        assert raw[8 + namlen] == 0
        found.append((ino, raw[8 : 8 + namlen]))
        raw = raw[reclen:]
    return found


def test_getdirentries(guest: Guest) -> None:
    """Whole struct directs, sorted, with . and .., in as many pieces as the buffer makes; lseek rewinds."""
    for name in ("zz", "a", "middle"):
        (guest.root / name).mkdir()
    number = guest.open("/").d0
    names = []
    while piece := entries(guest, number, 24):
        names += piece
    assert [name for _, name in names] == [b".", b"..", b"a", b"middle", b"zz"]
    assert (names[0][0], names[1][0]) == (2, 2)
    assert names[2][0] == stat(guest, "a")["ino"]
    assert guest.ok(19, number, 0, 0) == 0
    assert len(entries(guest, number, 4096)) == 5
    guest.ok(19, number, 0, 0)
    assert guest.unix(156, number, DATA, 8, DATA).error == 22
    assert guest.unix(156, 1, DATA, 100, DATA).error == 22
    below = guest.open("a").d0
    assert [ino for ino, _ in entries(guest, below, 100)] == [stat(guest, "a")["ino"], 2]


def test_standard_streams(make_guest: Callable[..., Guest]) -> None:
    """stdin is the request's bytes and then the end; output is collected, cut at the limit, and the write succeeds."""
    guest = make_guest(stdin=b"line one\nline two", max_output=10)
    assert read(guest, 0, 9) == b"line one\n"
    assert read(guest, 0, 100) == b"line two"
    assert read(guest, 0, 100) == b""
    assert write(guest, 1, b"123456") == 6
    assert list(guest.kernel.truncated) == []
    assert write(guest, 1, b"7890AB") == 6
    assert write(guest, 2, b"err") == 3
    assert (guest.kernel.stdout, guest.kernel.stderr) == (b"1234567890", b"err")
    assert list(guest.kernel.truncated) == ["stdout"]
    assert guest.unix(19, 1, 0, 0).error == 29
    assert guest.unix(4, 0, DATA, 1).error == 9
    assert guest.unix(3, 1, DATA, 1).error == 9
    assert guest.unix(54, 0, 0x40067408, DATA).error == 25


def test_a_short_buffer_loses_no_input(make_guest: Callable[..., Guest]) -> None:
    """A read into memory that cannot be written fails, and the same bytes are read afterwards."""
    guest = make_guest(stdin=b"abc")
    (guest.root / "f").write_bytes(b"def")
    number = guest.open("f").d0
    for file, data in ((0, b"abc"), (number, b"def")):
        assert guest.unix(3, file, 0x2000, 3).error == 14
        assert read(guest, file, 3) == data


def test_vectors(guest: Guest) -> None:
    """readv and writev move pieces in order; more than 16, and negative lengths, are EINVAL."""
    one, two = guest.put(b"one"), guest.put(b"two!")
    vector = guest.put(struct.pack(">IiIi", one, 3, two, 4))
    assert guest.ok(121, 1, vector, 2) == 7
    assert guest.kernel.stdout == b"onetwo!"
    (guest.root / "f").write_bytes(b"ABCDE")
    number = guest.open("f").d0
    one, two = guest.room(3), guest.room(4)
    vector = guest.put(struct.pack(">IiIi", one, 3, two, 4))
    assert guest.ok(120, number, vector, 2) == 5
    assert (guest.memory.copyin(one, 3), guest.memory.copyin(two, 4)) == (b"ABC", b"DE\0\0")
    assert guest.unix(121, 1, vector, 17).error == 22
    assert guest.unix(121, 1, guest.put(struct.pack(">Ii", one, -1)), 1).error == 22
    assert guest.unix(3, 0, DATA, -1).error == 22


def test_pipes(guest: Guest) -> None:
    """Two numbers in d0 and d1; bytes in order; the end once the writer closes; an impossible wait ends the run."""
    pipe = guest.unix(42)
    assert (pipe.d0, pipe.d1) == (3, 4)
    write(guest, 4, b"through")
    assert read(guest, 3, 4) == b"thro"
    assert read(guest, 3, 100) == b"ugh"
    with pytest.raises(Unimplemented, match="waits for data in a pipe"):
        guest.unix(3, 3, DATA, 1)
    guest.ok(92, 3, 4, 4)
    assert guest.ok(92, 3, 3, 0) == 4
    assert guest.unix(3, 3, DATA, 1).error == 35
    with pytest.raises(Unimplemented, match="waits for room in a pipe"):
        guest.unix(4, 4, DATA, 5000)
    guest.ok(6, 4)
    assert len(read(guest, 3, 8000)) == 4096
    assert read(guest, 3, 10) == b""


def test_select_tells_what_is_ready(guest: Guest) -> None:
    """Of a pipe with nothing in it, only the writing end is ready; then both; a closed number is EBADF."""
    guest.unix(42)
    reads, writes = guest.put(struct.pack(">I", 1 << 3)), guest.put(struct.pack(">I", 1 << 4))
    zero = guest.put(bytes(8))
    assert guest.ok(93, 5, reads, writes, 0, zero) == 1
    assert (guest.memory.read_u32(reads), guest.memory.read_u32(writes)) == (0, 1 << 4)
    write(guest, 4, b"x")
    guest.memory.write_u32(reads, 1 << 3)
    assert guest.ok(93, 5, reads, writes, 0, 0) == 2
    guest.memory.write_u32(reads, 1 << 9)
    assert guest.unix(93, 10, reads, 0, 0, zero).error == 9


def test_duplicates_share_one_position(guest: Guest) -> None:
    """dup and dup2 share the open file; closing one leaves the other; close-on-exec belongs to the number."""
    (guest.root / "f").write_bytes(b"abcdef")
    first = guest.open("f").d0
    second = guest.ok(41, first)
    assert guest.ok(90, first, 9) == 9
    assert read(guest, first, 2) + read(guest, second, 2) + read(guest, 9, 2) == b"abcdef"
    guest.ok(92, 9, 2, 1)
    assert (guest.ok(92, 9, 1, 0), guest.ok(92, first, 1, 0)) == (1, 0)
    guest.ok(54, first, 0x20006601, 0)
    assert guest.ok(92, first, 1, 0) == 1
    guest.ok(6, first)
    assert guest.ok(19, second, 0, 1) == 6
    assert guest.ok(92, second, 0, 20) == 20
    assert guest.unix(90, second, NOFILE).error == 9
    assert guest.unix(92, second, 0, NOFILE).error == 22
    assert guest.unix(92, second, 7, 0).error == 22
    assert guest.ok(90, second, second) == second


F_DUPFD, F_GETFD, F_SETFD = 0, 1, 2
FCNTL, DUP, DUP2, CLOSE = 92, 41, 90, 6


def close_on_exec(guest: Guest, number: int) -> bool:
    return bool(guest.ok(FCNTL, number, F_GETFD, 0))


def test_close_on_exec_ends_with_its_descriptor(guest: Guest) -> None:
    """The flag is the number's own: what takes a number after close, or by dup2, dup or fcntl, begins without it.

    4.3BSD, sys/kern_descrip.c: close clears the number's flags; dup, dup2 and F_DUPFD copy all but UF_EXCLOSE; dup2
    of a number onto itself returns before.
    """
    for name in ("f", "g"):
        (guest.root / name).write_bytes(b"")
    first, other = guest.open("f").d0, guest.open("g").d0
    for number in (first, other):
        assert not close_on_exec(guest, number)
        guest.ok(FCNTL, number, F_SETFD, 1)
    copies = [guest.ok(DUP, first), guest.ok(FCNTL, first, F_DUPFD, 20), guest.ok(DUP2, first, 30)]
    assert [close_on_exec(guest, number) for number in (first, *copies)] == [True, False, False, False]
    assert guest.ok(DUP2, first, first) == first
    assert close_on_exec(guest, first)
    assert guest.ok(DUP2, first, other) == other
    assert (close_on_exec(guest, first), close_on_exec(guest, other)) == (True, False)
    guest.ok(CLOSE, first)
    assert guest.unix(FCNTL, first, F_GETFD, 0).error == errno.EBADF
    assert guest.open("g").d0 == first
    assert not close_on_exec(guest, first)


def test_devices(guest: Guest) -> None:
    """/dev/null and /dev/zero are there without a /dev; /dev/tty is ENXIO."""
    null, zero = guest.open("/dev/null", 2).d0, guest.open("//dev/./zero", 0).d0
    assert (read(guest, null, 5), read(guest, zero, 5)) == (b"", bytes(5))
    assert write(guest, null, b"gone") == 4
    assert stat(guest, "/dev/null")["mode"] == 0o020666
    assert guest.open("/dev/tty", 2).error == 6
    assert guest.ok(33, guest.text("/dev/null"), 6) == 0


def test_sizes_are_bounded(guest: Guest) -> None:
    """A guest cannot fill the host's disk by seeking or truncating: EFBIG; positions beyond 31 bits are EINVAL."""
    number = guest.open("f", O_CREAT | 2).d0
    assert guest.ok(19, number, 0x7FFF_FFFF, 0) == 0x7FFF_FFFF
    assert guest.unix(4, number, DATA, 1).error == 27
    assert guest.unix(130, number, 0x7FFF_FFFF).error == 27
    assert guest.unix(129, guest.text("f"), 0x7FFF_FFFF).error == 27
    assert guest.unix(19, number, 1, 2).error is None
    assert guest.unix(19, number, -1, 0).error == 22
    assert guest.unix(19, number, 0, 5).error == 22
    assert guest.unix(130, number, -1).error == 22


def test_identity_and_limits(guest: Guest) -> None:
    """The fixed answers, each with its second result where libc reads one."""
    assert (guest.unix(24).d0, guest.unix(24).d1, guest.unix(47).d0, guest.unix(47).d1) == (20, 20, 20, 20)
    assert (guest.ok(64), guest.ok(89), guest.ok(142), guest.ok(81, 0)) == (0x2000, 256, 0, 100)
    at = guest.room(16)
    guest.ok(87, at, 16)
    assert guest.memory.copyin(at, 5) == b"next\0"
    guest.ok(162, at, 16)
    assert guest.memory.copyin(at, 1) == b"\0"
    for number in (14, 16, 61, 80, 88, 122, 123, 140, 163):
        assert guest.unix(number, 0, 0, 0).error == 1
    for number in (7, 84, 171):
        assert guest.unix(number, 0, 0, 0, 0).error == 10
    assert guest.unix(126, 0, 0).error == 1
    assert guest.ok(126, 20, -1) == 0
    limit = guest.put(struct.pack(">II", 0x10000, 0x20000))
    guest.ok(145, 3, limit)
    guest.ok(144, 3, at)
    assert struct.unpack(">II", guest.memory.copyin(at, 8)) == (0x10000, 0x20000)
    assert guest.unix(145, 3, guest.put(struct.pack(">II", 0, 0x20001))).error == 1
    assert guest.unix(144, 6, at).error == 22
    guest.ok(96, 0, 0, 5)
    assert guest.ok(100, 0, 0) == 5
    assert guest.unix(96, 0, 0, 1).error == 13


def test_time_is_counted_in_instructions(guest: Guest) -> None:
    """gettimeofday and getrusage follow the instruction count, ten to the microsecond, from the fixed epoch."""
    at = guest.room(72)
    guest.ok(116, at, 0)
    start = struct.unpack(">ii", guest.memory.copyin(at, 8))
    assert start == (725_846_400, 0)
    guest.count = 10_000_025
    guest.ok(116, at, 0)
    assert struct.unpack(">ii", guest.memory.copyin(at, 8)) == (725_846_401, 2)
    guest.ok(117, 0, at)
    assert struct.unpack(">iiii", guest.memory.copyin(at, 16)) == (1, 2, 0, 0)
    guest.ok(117, -1, at)
    assert guest.memory.copyin(at, 16) == bytes(16)
    assert [guest.unix(117, who, at).error for who in (5, 1, -2)] == [22, 22, 22]


table_steps = st.lists(
    st.tuples(st.sampled_from(["open", "close", "dup", "dup2", "flag"]), st.integers(0, 6), st.integers(0, 6)),
    max_size=60,
)


@given(table_steps)
@settings(max_examples=200, deadline=None)
def test_the_descriptor_table_against_a_model(steps: list[tuple[str, int, int]]) -> None:
    """Lowest free numbers, sharing and closing are those of a dictionary; a file closes with its last number, once."""
    closed: list[object] = []

    class File(FileDescription):
        def close(self) -> None:
            closed.append(self)

    table, model, flags = Descriptors(), dict[int, File](), set[int]()
    made: list[File] = []
    for what, first, second in steps:
        known = first in model
        if what == "open":
            made.append(File(0))
            number = table.install(made[-1])
            assert number == next(n for n in range(NOFILE) if n not in model)
            model[number] = made[-1]
        elif not known:
            with pytest.raises(UnixError) as refused:
                table.close(first) if what == "close" else table.get(first)
            assert refused.value.errno == 9
        elif what == "close":
            table.close(first)
            del model[first]
            flags.discard(first)
        elif what == "dup":
            model[table.install(table.get(first), second)] = model[first]
        elif what == "dup2" and first != second:
            table.replace(second, table.get(first))
            model[second] = model[first]
            flags.discard(second)
        elif what == "flag":
            table.set_close_on_exec(first, bool(second % 2))
            (flags.add if second % 2 else flags.discard)(first)
        assert table.numbers() == tuple(sorted(model))
        assert all(table.get(number) is file for number, file in model.items())
        assert {number for number in model if table.close_on_exec(number)} == flags
        assert sorted(map(id, closed)) == sorted(id(file) for file in made if file not in model.values())


def test_the_table_is_full_at_256(guest: Guest) -> None:
    """The 257th descriptor is EMFILE, and creates no file."""
    for _ in range(NOFILE - 3):
        guest.ok(41, 1)
    assert guest.open("new", O_CREAT | 1).error == 24
    assert not (guest.root / "new").exists()
    assert guest.unix(42).error == 24


def test_two_runs_are_the_same(tmp_path: Path) -> None:
    """The same calls on roots filled in another order give the same traces, whatever the host's inodes and times."""
    traces = []
    for order in (("a", "b", "c"), ("c", "b", "a")):
        root = tmp_path / "".join(order)
        root.mkdir()
        for name in order:
            (root / name).write_text(name)
        guest = Guest(root)
        shown = [stat(guest, "b"), stat(guest, "/"), entries(guest, guest.open("/").d0, 400)]
        guest.open("d", O_CREAT | 1)
        shown.append(stat(guest, "d"))
        traces.append((shown, list(guest.kernel.traps)))
        guest.kernel.close()
    assert traces[0] == traces[1]


def test_large_transfers_go_in_pieces(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write larger than one piece arrives whole; one that runs into a hole after the first piece is cut there."""
    monkeypatch.setattr(transfers, "CHUNK", 3 * 8192)
    size = 9 * 8192 + 5
    at = guest.memory.allocate(None, size)
    guest.memory.copyout(at + size - 4, b"last")
    number = guest.open("f", O_CREAT | 2).d0
    assert guest.ok(4, number, at, size) == size
    assert (guest.root / "f").stat().st_size == size
    guest.ok(19, number, 0, 0)
    guest.memory.copyout(at + size - 4, b"gone")
    assert guest.ok(3, number, at, size) == size
    assert guest.memory.copyin(at + size - 4, 4) == b"last"
    guest.memory.deallocate(at + 4 * 8192, 8192)
    assert guest.ok(4, number, at, size) == 3 * 8192
    assert guest.unix(4, number, at + 4 * 8192, 1).error == 14


def test_host_errors_become_the_guests(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the host's disk in the middle of a call is the guest's EIO or ENOSPC, not a crash."""
    number = guest.open("f", O_CREAT | 2).d0
    write(guest, number, b"x")
    guest.ok(19, number, 0, 0)
    monkeypatch.setattr(os, "pread", lambda *_args: (_ for _ in ()).throw(OSError(errno.EIO, "disk")))
    assert guest.unix(3, number, DATA, 1).error == 5
    monkeypatch.setattr(os, "pwrite", lambda *_args: (_ for _ in ()).throw(OSError(errno.ENOSPC, "disk")))
    assert guest.unix(4, number, DATA, 1).error == 28
    monkeypatch.setattr(os, "fchmod", lambda *_args: (_ for _ in ()).throw(OSError(errno.EREMOTEIO, "odd")))
    assert guest.unix(124, number, 0o600).error == 5


def test_a_working_directory_that_is_not_there(make_guest: Callable[..., Guest]) -> None:
    """A request whose cwd the root does not have is refused before the first instruction, by name."""
    with pytest.raises(NotRunnable, match=r"working directory /nowhere: .*ENOENT"):
        make_guest(cwd="/nowhere")
    guest = make_guest()
    (guest.root / "d").mkdir()
    inside = make_guest(cwd="/d")
    inside.open("f", O_CREAT | 1)
    assert (guest.root / "d" / "f").exists()
