"""What a static NeXT program of 1991 does before and after main, trap by trap, with the checks its MIG stubs make."""

from __future__ import annotations

import struct

import pytest

from pytest_nextrust.emu.kernel.ends import GuestExit
from tests.unit.emu_kernel.guest import INTEGER, Guest, boolean, integer, words


def stub(guest: Guest, number: int, body: bytes, reply_words: tuple[int, ...], *, simple: bool = True) -> bytes:
    """A MIG user stub: msg_rpc, then the checks on id, size, simple flag and type words; answers the reply."""
    assert guest.kernel.task.thread.user_register in (0, 0x0002_0000)
    guest.regs.d[0] = 0
    guest.kernel.trap(37, guest.regs)
    guest.regs.pc -= 2
    reply = guest.ask(number, body)
    flags, size, _, _, _, answered = words(reply[:24])
    assert answered == number + 100, "MIG_REPLY_MISMATCH"
    assert size == 32 + 4 * len(reply_words), "MIG_TYPE_ERROR: size"
    assert bool(flags & 0xFF) is simple, "MIG_TYPE_ERROR: simple"
    assert words(reply[24:32]) == (INTEGER, 0), "MIG_TYPE_ERROR: return code"
    found = words(reply[32:])
    assert all(want in (-1, got) for want, got in zip(reply_words, found, strict=True)), "MIG_TYPE_ERROR: type words"
    return reply


def test_the_startup_sequence_of_a_static_program(guest: Guest) -> None:
    """mach_init, the heap, cthread_init, stdio and exit: every reply passes the stub's checks, every call succeeds."""
    assert guest.mach(10) != 0
    reply_port = guest.mach(11)
    assert reply_port != 0
    stub(guest, 2030, b"", (0x022000D8, 0x2000, *[-1] * 12))
    lookup = stub(guest, 2034, b"", (4, 0x0006_0020, 4, -1), simple=False)
    array = words(lookup[44:])[0]
    assert guest.memory.copyin(array, 16) == bytes(16)
    guest.mach(10)
    stub(guest, 2023, integer(array, 16), ())
    enabled = words(stub(guest, 2080, b"", (INTEGER, -1))[32:])[1]
    assert enabled != 0
    assert guest.ok(64) == 0x2000
    heap = words(stub(guest, 2021, integer(0, 4 << 20) + boolean(True), (INTEGER, -1))[32:])[1]
    guest.memory.copyout(heap + (4 << 20) - 4, b"last")
    port = words(stub(guest, 2076, b"", (INTEGER, -1))[32:])[1]
    removed = guest.ask(2083, integer(port))
    assert words(removed[24:]) == (INTEGER, 12), "a port in no set: mach_init ignores the code"
    stub(guest, 2078, integer(port, 1), ())
    stub(guest, 2021, integer(0, 0x10000) + boolean(True), (INTEGER, -1))
    stub(guest, 2076, b"", (INTEGER, -1))
    assert guest.mach(13) != 0
    guest.regs.d[0] = 0x0002_0000
    guest.kernel.trap(38, guest.regs)
    limit = guest.room(8)
    guest.ok(144, 3, limit)
    assert struct.unpack(">II", guest.memory.copyin(limit, 8)) == (0x80000, 0x7FFF_FFFF)
    status = guest.room(64)
    guest.ok(62, 1, status)
    assert guest.memory.copyin(status + 60, 4) == bytes(4), "struct stat is 60 bytes, not 64"
    assert guest.unix(54, 1, 0x40067408, status).error == 25
    text = guest.put(b"Hello, world\n")
    assert guest.ok(4, 1, text, 13) == 13
    for number in (0, 1, 2):
        guest.ok(6, number)
    with pytest.raises(GuestExit) as ended:
        guest.unix(1, 0)
    assert ended.value.status == 0
    assert guest.kernel.stdout == b"Hello, world\n"
    assert {trap.klass for trap in guest.kernel.traps} == {"unix", "mach", "machine"}
    assert "msg_rpc(mach_ports_lookup)" in [trap.name for trap in guest.kernel.traps]
