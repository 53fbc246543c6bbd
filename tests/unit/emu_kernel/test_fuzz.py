"""Whatever a guest does with its traps, the kernel answers or ends the run; it never raises anything else."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.kernel.calls import WORDS
from pytest_nextrust.emu.kernel.dispatch import UNIX_TABLE
from pytest_nextrust.emu.kernel.ends import GuestExit, GuestKilled, Unimplemented
from pytest_nextrust.emu.kernel.mach.message_server import ROUTINES
from pytest_nextrust.emu.kernel.mach.traps import MACH_TABLE
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.records import RunRequest
from tests.unit.emu_kernel.guest import DATA, STACK_TOP, TEXT, Guest

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
STRINGS = (
    b"f",
    b"d",
    b"d/x",
    b"/",
    b"..",
    b"../../etc/passwd",
    b"l",
    b"l/f",
    b"",
    b"\xff\xfe",
    b"/dev/zero",
    b"n" * 300,
)

addresses = st.sampled_from([DATA + 64 * at for at in range(len(STRINGS) + 40)])
values = st.one_of(
    st.integers(0, 12),
    addresses,
    addresses,
    st.sampled_from([0, 1, 2, 3, 0x201, 0x601, 0x1FF, 0x2000, TEXT, STACK_TOP - 8, STACK_TOP, 0x0900_0000]),
    st.sampled_from([0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFF0, 0xFFFF_E000, 100, 1024, 8192]),
    st.integers(0, 0xFFFF_FFFF),
)
arguments = st.lists(values, min_size=7, max_size=7)
served = sorted(set(UNIX_TABLE) - {1})
unix_calls = st.tuples(st.just(36), st.sampled_from(served), arguments)
mach_calls = st.tuples(st.just(35), st.sampled_from(sorted(MACH_TABLE)), arguments)
other_traps = st.tuples(st.sampled_from([34, 37, 38]), st.integers(0, 200), arguments)
message_calls = st.tuples(st.just(0), st.sampled_from(sorted(ROUTINES)), arguments)
steps = st.lists(
    st.one_of(unix_calls, unix_calls, unix_calls, mach_calls, message_calls, message_calls, other_traps), max_size=25
)


def furnish(root: Path) -> None:
    """Something to open, list, follow and stumble over."""
    (root / "f").write_bytes(b"contents")
    (root / "d").mkdir()
    (root / "d" / "x").write_bytes(bytes(3000))
    (root / "l").symlink_to("..")
    os.mkfifo(root / "fifo")


def prepare(guest: Guest) -> None:
    """Strings and small structures at known addresses."""
    for at, string in enumerate(STRINGS):
        guest.memory.copyout(DATA + 64 * at, string[:63] + b"\0")
    for at in range(40):
        record = struct.pack(">8I", DATA + 64 * at, at, 3, 5000, DATA, 8, 0, 1)
        guest.memory.copyout(DATA + 64 * (len(STRINGS) + at), record)


def ask(guest: Guest, number: int, args: list[int]) -> None:
    """A well-formed message of random values to the task, or to its thread."""
    routine = ROUTINES[number]
    body = b""
    for kind, value in zip(routine.takes, args, strict=False):
        if kind in WORDS:
            body += struct.pack(">II", WORDS[kind], value)
        else:
            body += struct.pack(">IHHII", 4, 6 if kind == "ports" else 9, 32 if kind == "ports" else 8, value, args[-1])
    simple = all(kind in ("int", "bool") for kind in routine.takes)
    port = guest.mach(13 if number in (2067, 2069) else 10)
    message = guest.message(port, guest.mach(11), number, body, simple=simple)
    at = STACK_TOP - 0x6000
    try:
        guest.memory.copyout(at, message)
    except GuestFault:
        return  # the guest has unmapped or protected the place
    guest.mach(22, at, 0x100, len(message), 8192, 0, 0)


@pytest.mark.campaign
@given(steps)
@settings(max_examples=20_000 if FULL else 300, deadline=None)
def test_no_sequence_of_traps_breaks_the_kernel(sequence: list[tuple[int, int, list[int]]]) -> None:
    """Every trap returns with pc and all registers 32 bits wide, or ends the run in one of its three ways."""
    with tempfile.TemporaryDirectory() as outer:
        root = Path(outer) / "root"
        root.mkdir()
        furnish(root)
        guest = Guest(root, RunRequest(b"", stdin=b"some input", max_output=1000))
        prepare(guest)
        try:
            for vector, number, args in sequence:
                guest.count += 1000
                guest.regs.pc, guest.regs.sp = TEXT, STACK_TOP - 0x1002
                if vector == 0:
                    ask(guest, number, args)
                else:
                    guest.regs.d[:] = [number, *args]
                    guest.kernel.trap(vector, guest.regs)
                assert all(0 <= value <= 0xFFFF_FFFF for value in (*guest.regs.d, *guest.regs.a, guest.regs.pc))
        except (GuestExit, GuestKilled, Unimplemented):
            pass
        finally:
            guest.kernel.close()
        assert [entry.name for entry in Path(outer).iterdir()] == ["root"]
        for folder in (root, *(entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())):
            folder.chmod(0o700)
