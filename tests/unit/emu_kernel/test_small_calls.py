"""The calls that answer something small, and the refusals of each, one claim at a time."""

from __future__ import annotations

import os
import struct

import pytest

from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.calls import Syscall, table
from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import from_host, name_of
from pytest_nextrust.emu.memory import PAGE
from tests.unit.emu_kernel.guest import DATA, INTEGER, PORT, Guest, boolean, integer, words

HANDLER = 0x2100


def test_the_clock_never_goes_back() -> None:
    """Skipping adds to wall time only; a negative skip is a ValueError."""
    clock = VirtualClock(lambda: 50, epoch_us=1000)
    clock.skip(7)
    assert (clock.now_us, clock.cpu_us, clock.skipped_us, clock.instructions) == (1012, 5, 7, 50)
    assert (clock.count_at(1012), clock.count_at_cpu(-3)) == (50, 0)
    with pytest.raises(ValueError, match="back"):
        clock.skip(-1)


def test_a_table_has_each_number_once() -> None:
    """Two calls of one number are a mistake that shows at import."""
    call = Syscall(1, "a", 0, lambda _kernel: 0, "")
    with pytest.raises(ValueError, match="same number"):
        table(call, call)


@pytest.mark.parametrize(
    ("host", "guest_error"), [("EAGAIN", 35), ("ENOTSUP", 45), ("ENOTEMPTY", 66), ("EBADMSG", 5), ("ENAMETOOLONG", 63)]
)
def test_host_errors_by_name(host: str, guest_error: int) -> None:
    """A host's error keeps its name, not its number; one that 4.3BSD lacks is EIO."""
    import errno

    assert from_host(OSError(getattr(errno, host), "")).errno == guest_error


def test_names_of_errors() -> None:
    """A number has its name, or is shown as it is."""
    assert (name_of(2), name_of(62), name_of(999)) == ("ENOENT", "ELOOP", "999")


def test_process_groups_and_groups(guest: Guest) -> None:
    """getpgrp and setpgrp are about oneself; there is one group."""
    assert guest.unix(81, 5).error == 3
    assert guest.unix(82, 5, 1).error == 3
    guest.ok(82, 0, 55)
    assert guest.ok(81, 100) == 55
    assert guest.ok(146, 55, 0) == 0
    assert guest.ok(79, 4, DATA) == 1
    assert guest.memory.read_u32(DATA) == 20
    assert guest.unix(79, 0, DATA).error == 22
    assert guest.ok(127, -1, 20) == 0
    assert guest.unix(127, 0, 20).error == 1
    assert guest.unix(87, DATA, -1).error == 22
    guest.ok(87, DATA, 3)
    assert guest.memory.copyin(DATA, 3) == b"nex"


def test_locks_and_syncing(guest: Guest) -> None:
    """flock is granted on files, refused on pipes and without a kind; fsync wants an open file; sync always works."""
    number = guest.open("f", 0x202).d0
    assert [guest.ok(131, number, how) for how in (1, 2, 6, 8)] == [0] * 4
    assert guest.unix(131, number, 4).error == 22
    assert guest.unix(131, 1, 2).error == 45
    assert guest.ok(95, number) == 0
    assert guest.unix(95, 99).error == 9
    assert guest.ok(36) == 0


def test_ioctl(guest: Guest) -> None:
    """FIONREAD counts, FIONBIO makes a pipe say EWOULDBLOCK, FIOASYNC is taken, terminals' requests are ENOTTY."""
    pipe = guest.unix(42)
    guest.ok(4, pipe.d1, DATA, 5)
    at = guest.room(4)
    guest.ok(54, pipe.d0, 0x4004667F, at)
    assert guest.memory.read_u32(at) == 5
    guest.ok(3, pipe.d0, DATA, 5)
    guest.ok(54, pipe.d0, 0x4004667F, at)
    assert guest.memory.read_u32(at) == 0
    guest.memory.write_u32(at, 1)
    guest.ok(54, pipe.d0, 0x8004667E, at)
    assert guest.unix(3, pipe.d0, DATA, 1).error == 35
    guest.memory.write_u32(at, 0)
    guest.ok(54, pipe.d0, 0x8004667E, at)
    guest.ok(54, pipe.d0, 0x8004667D, at)
    assert guest.ok(92, pipe.d0, 3, 0) == 0
    assert guest.unix(54, pipe.d1, 0x4004667F, at).error == 25
    assert guest.unix(54, 99, 0x4004667F, at).error == 9


def test_pipes_at_their_limits(guest: Guest) -> None:
    """A non-blocking write takes what fits and then says EWOULDBLOCK; fstat shows what waits; both ends are fifos."""
    pipe = guest.unix(42)
    guest.ok(92, pipe.d1, 4, 4)
    assert guest.ok(4, pipe.d1, DATA, 5000) == 4096
    assert guest.unix(4, pipe.d1, DATA, 1).error == 35
    at = guest.room(64)
    guest.ok(62, pipe.d0, at)
    assert (int.from_bytes(guest.memory.copyin(at + 6, 2), "big"), guest.memory.read_u32(at + 16)) == (0o010600, 4096)
    writes = guest.put(struct.pack(">I", 1 << pipe.d1))
    assert guest.ok(93, 8, 0, writes, 0, guest.put(bytes(8))) == 0
    assert guest.unix(42).error is None


def test_a_write_cut_by_a_signal(guest: Guest) -> None:
    """A write that fills the pipe and is interrupted answers what it has written, so that nothing is written twice."""
    guest.ok(108, 14, guest.put(struct.pack(">III", HANDLER, 0, 0)), 0)
    pipe = guest.unix(42)
    guest.ok(83, 0, guest.put(struct.pack(">iiii", 0, 0, 0, 2000)), 0)
    answer = guest.unix(4, pipe.d1, DATA, 5000)
    assert (answer.d0, answer.error, guest.regs.pc) == (4096, None, HANDLER)


def test_renaming_needs_names(guest: Guest) -> None:
    """The root, . and .. cannot be renamed or replaced; neither can one remove or link over what is there."""
    guest.ok(136, guest.text("d"), 0o755)
    for old, new in (("/", "x"), (".", "x"), ("d", "."), ("d", "d/..")):
        assert guest.unix(128, guest.text(old), guest.text(new)).error == 22
    assert guest.unix(136, guest.text("/"), 0o755).error == 17
    assert guest.unix(10, guest.text("missing")).error == 2
    assert guest.unix(57, guest.text("t"), guest.text("d")).error == 17
    assert guest.unix(128, guest.text("d"), guest.text("d/inside")).error == 22


def test_changing_modes_by_handle(guest: Guest) -> None:
    """fchmod works on files and directories; a pipe has no mode; readlink wants room that is not negative."""
    number = guest.open("f", 0x202).d0
    guest.ok(124, number, 0o640)
    assert (guest.root / "f").stat().st_mode & 0o777 == 0o640
    assert guest.unix(124, 1, 0o640).error == 22
    guest.ok(124, guest.open(".").d0, 0o700)
    guest.ok(57, guest.text("f"), guest.text("l"))
    assert guest.unix(58, guest.text("l"), DATA, -1).error == 22
    assert guest.unix(129, guest.text("f"), -1).error == 22
    guest.ok(129, guest.text("l"), 12)
    assert (guest.root / "f").stat().st_size == 12


def test_a_directory_without_permission(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """stat shows a directory that cannot be read, without reading it; opening, entering and listing it are refused."""
    guest.ok(136, guest.text("d"), 0o755)
    guest.ok(15, guest.text("d"), 0)
    at = guest.room(64)
    opened = []
    host_open = os.open

    def watched(path: str, *args: int, **more: int) -> int:
        opened.append(os.fsdecode(path))
        return host_open(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", watched)
        guest.ok(38, guest.text("d"), at)
    assert "d" not in opened
    mode, links = struct.unpack(">HH", guest.memory.copyin(at + 6, 4))
    assert (mode, links) == (0o040000, 2)
    assert guest.open("d").error == 13
    assert guest.unix(12, guest.text("d")).error == 13
    guest.ok(15, guest.text("d"), 0o755)


def test_seeking_in_directories(guest: Guest) -> None:
    """A directory can be read with read and rewound; it cannot be written, and has no end to seek from."""
    for name in ("a", "b"):
        (guest.root / name).write_text("")
    number = guest.open("/").d0
    assert guest.ok(3, number, DATA, 512) == 4 * 12
    assert guest.ok(19, number, 12, 0) == 12
    assert guest.ok(3, number, DATA, 512) == 3 * 12
    assert guest.unix(19, number, 0, 2).error == 22
    assert guest.unix(4, number, DATA, 1).error == 9
    assert guest.unix(130, number, 0).error == 22


def test_special_ports(guest: Guest) -> None:
    """A task has its own, notify, exception and bootstrap port; only the bootstrap port can be set."""
    task, notify, thread = guest.mach(10), guest.mach(12), guest.mach(13)
    assert [words(guest.ask(2058, integer(which))[32:]) for which in (1, 2, 3, 4)] == [
        (PORT, task),
        (PORT, notify),
        (PORT, 0),
        (PORT, 0),
    ]
    assert words(guest.ask(2058, integer(5))[24:]) == (INTEGER, 4)
    keep = integer(4) + struct.pack(">II", PORT, thread)
    assert words(guest.ask(2059, keep, simple=False)[24:]) == (INTEGER, 0)
    assert words(guest.ask(2058, integer(4))[32:]) == (PORT, thread)
    wrong = integer(3) + struct.pack(">II", PORT, thread)
    assert words(guest.ask(2059, wrong, simple=False)[24:]) == (INTEGER, 4)
    answers = [words(guest.ask(2067, integer(which), remote=thread)[24:])[1:] for which in (1, 2, 3, 4)]
    assert answers == [(0, PORT, thread), (0, PORT, guest.mach(11)), (0, PORT, 0), (4,)]
    assert words(guest.ask(2069, integer(7), remote=thread)[24:]) == (INTEGER, 4)
    assert words(guest.ask(2031, integer(1))[24:]) == (INTEGER, 5)
    assert words(guest.ask(2025, integer(DATA, PAGE, 1))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2025, integer(DATA, PAGE, 3))[24:]) == (INTEGER, 4)


def test_deallocated_ports_leave_their_sets(guest: Guest) -> None:
    """A port given up is gone from its set; a set given up frees its members; unknown names are refused everywhere."""
    port = words(guest.ask(2076)[24:])[3]
    one, two = (words(guest.ask(2080)[24:])[3] for _ in range(2))
    guest.ask(2082, integer(one, port))
    guest.ask(2082, integer(two, port))
    assert words(guest.ask(2084, integer(one))[32:])[2] == 0
    guest.ask(2081, integer(two))
    assert words(guest.ask(2083, integer(port))[24:]) == (INTEGER, 12)
    guest.ask(2082, integer(one, port))
    guest.ask(2077, integer(port))
    assert words(guest.ask(2084, integer(one))[32:])[2] == 0
    for number, body in ((2079, 1), (2082, 2), (2083, 1), (2074, 1), (2078, 2)):
        assert words(guest.ask(number, integer(*[999] * body))[24:]) == (INTEGER, 4)


def test_old_traps_with_bad_addresses(guest: Guest) -> None:
    """A header that cannot be read is invalid memory, for sending and for receiving."""
    assert guest.mach(14, 0, 0, 0) == -101 & 0xFFFF_FFFF
    assert guest.mach(15, 0, 0, 0) == -201 & 0xFFFF_FFFF
    assert guest.mach(16, 0, 0, 0, 0, 0) == -101 & 0xFFFF_FFFF


def test_messages_interrupted_by_a_signal(guest: Guest) -> None:
    """Waiting to send or to receive ends with the library's codes for it, inside the handler."""
    port = words(guest.ask(2076)[24:])[3]
    guest.ok(108, 14, guest.put(struct.pack(">III", HANDLER, 0, 0)), 0)
    timer = guest.put(struct.pack(">iiii", 0, 0, 0, 2000))
    guest.ok(83, 0, timer, 0)
    assert guest.mach(21, DATA, 0, 100, port, 0) == -207 & 0xFFFF_FFFF
    assert guest.regs.pc == HANDLER
    guest.ok(110, 0)
    message = guest.message(port, 0, 1)
    guest.memory.copyout(DATA + 0x800, message)
    for _ in range(5):
        guest.mach(20, DATA + 0x800, 0, 24, 0)
    guest.ok(83, 0, timer, 0)
    assert guest.mach(20, DATA + 0x800, 0, 24, 0) == -108 & 0xFFFF_FFFF


def test_receiving_where_it_cannot_be_written(guest: Guest) -> None:
    """A buffer that cannot be written is invalid memory; no room for data out of line is not enough memory."""
    port = words(guest.ask(2076)[24:])[3]
    place = guest.memory.allocate(None, 30 << 20)
    message = guest.message(port, 0, 1, struct.pack(">IHHII", 4, 9, 8, 30 << 20, place), simple=False)
    guest.memory.copyout(DATA, message)
    assert guest.mach(20, DATA, 0, len(message), 0) == 0
    assert guest.mach(21, 0x2000, 0x100, 100, port, 0) == -201 & 0xFFFF_FFFF
    assert guest.mach(20, DATA, 0, len(message), 0) == 0
    guest.memory.allocate(None, 48 << 20)
    assert guest.mach(21, DATA, 0x100, 100, port, 0) == -205 & 0xFFFF_FFFF


def test_a_timer_can_be_asked_and_left_alone(guest: Guest) -> None:
    """setitimer without a new value only answers the old one; the zone of gettimeofday is UTC."""
    old = guest.room(16)
    guest.ok(83, 0, guest.put(struct.pack(">iiii", 0, 0, 1, 5)), 0)
    guest.ok(83, 0, 0, old)
    assert struct.unpack(">iiii", guest.memory.copyin(old, 16)) == (0, 0, 1, 5)
    guest.memory.copyout(old, b"\xff" * 8)
    guest.ok(116, 0, old)
    assert guest.memory.copyin(old, 8) == bytes(8)
    assert guest.unix(86, 3, old).error == 22
    assert guest.unix(100, 5, 0).error == 22
    assert guest.unix(100, 0, 1).error == 3


def test_what_happens_to_a_file_while_it_is_opened(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the host swap a file for a fifo between look and open, the open still refuses it, and never waits."""
    (guest.root / "f").write_text("")
    (guest.root / "g").write_text("")
    real = os.open

    def swap(name: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if name == b"f":
            (guest.root / "f").unlink()
            os.mkfifo(guest.root / "f")
            monkeypatch.setattr(os, "open", real)
        return real(name, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    assert guest.open("f").error == 6
    assert guest.open("g").error is None


def test_boolean_items_are_checked_as_booleans(guest: Guest) -> None:
    """An integer where vm_protect wants a boolean is MIG_BAD_ARGUMENTS."""
    assert words(guest.ask(2024, integer(DATA, 4, 0, 1))[24:]) == (INTEGER, -304 & 0xFFFF_FFFF)
    assert words(guest.ask(2024, integer(DATA, 4) + boolean(False) + integer(3))[24:]) == (INTEGER, 0)


def test_errors_carry_their_number() -> None:
    """UnixError is about one number."""
    assert UnixError(13).errno == 13
