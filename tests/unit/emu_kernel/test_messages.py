"""Messages: the kernel's replies byte by byte, as MIG's user stubs check them, and queues on the guest's own ports."""

from __future__ import annotations

import struct

import pytest

from pytest_nextrust.emu.kernel.call_names import MESSAGES
from pytest_nextrust.emu.kernel.ends import Unimplemented
from pytest_nextrust.emu.kernel.mach.message_items import slots
from pytest_nextrust.emu.kernel.mach.message_server import ROUTINES
from pytest_nextrust.emu.memory import PAGE
from tests.unit.emu_kernel.guest import DATA, INTEGER, PORT, TEXT, Guest, boolean, integer, words

REPLY_PORT_ARRAY = (0x00000004, 0x0006_0020)
OWN_ANCHORS = {
    2007: "task_create",
    2021: "vm_allocate",
    2023: "vm_deallocate",
    2024: "vm_protect",
    2028: "vm_copy",
    2030: "vm_statistics",
    2034: "mach_ports_lookup",
    2061: "thread_create",
    2063: "thread_resume",
    2065: "thread_get_state",
    2066: "thread_set_state",
    2069: "thread_info",
    2076: "port_allocate",
    2077: "port_deallocate",
    2078: "port_set_backlog",
    2080: "port_set_allocate",
    2083: "port_set_remove",
    2098: "port_set_backup",
    2101: "vm_synchronize",
}


def test_ids_agree_with_what_real_programs_send() -> None:
    """The ids seen in NeXT binaries have their names, and every routine is under its own name."""
    assert {number: MESSAGES[number] for number in OWN_ANCHORS} == OWN_ANCHORS
    assert all(MESSAGES[number] == routine.name for number, routine in ROUTINES.items())


def header(guest: Guest, reply: bytes, number: int, *, simple: bool) -> None:
    """The header every reply has: its simple flag, size, type of the request, ports, id."""
    assert words(reply[:24]) == (int(simple), len(reply), 0x100, guest.mach(11), 0, number + 100)


def test_vm_allocate_reply(guest: Guest) -> None:
    """40 bytes: integer return code 0, integer address; the memory is there, zeroed, at the lowest hole."""
    reply = guest.ask(2021, integer(0, 100) + boolean(True))
    header(guest, reply, 2021, simple=True)
    assert words(reply[24:]) == (INTEGER, 0, INTEGER, 2 * PAGE)
    assert guest.memory.copyin(2 * PAGE, PAGE) == bytes(PAGE)
    assert guest.kernel.traps[-2].name == "msg_rpc(vm_allocate)"


def test_vm_allocate_at_a_place_that_is_taken(guest: Guest) -> None:
    """A failure is 32 bytes with only the code: KERN_NO_SPACE; the stub sees a code that is not 0."""
    reply = guest.ask(2021, integer(DATA, 100) + boolean(False))
    header(guest, reply, 2021, simple=True)
    assert words(reply[24:]) == (INTEGER, 3)


@pytest.mark.parametrize(
    "body",
    [
        integer(0, 100),
        integer(0, 100, 1),
        boolean(False) + integer(100) + boolean(True),
        integer(0, 100) + boolean(True) + integer(1),
    ],
)
def test_requests_that_mig_would_refuse(guest: Guest, body: bytes) -> None:
    """Wrong size or a wrong type word is MIG_BAD_ARGUMENTS, and nothing is allocated."""
    before = guest.memory.backed
    reply = guest.ask(2021, body)
    assert words(reply[24:]) == (INTEGER, -304 & 0xFFFF_FFFF)
    assert guest.memory.backed == before


def test_the_simple_flag_is_checked(guest: Guest) -> None:
    """A request without ports or pointers that says it is not simple is MIG_BAD_ARGUMENTS."""
    assert words(guest.ask(2030, simple=False)[24:]) == (INTEGER, -304 & 0xFFFF_FFFF)


def test_requests_to_the_wrong_port(guest: Guest) -> None:
    """A task's call sent to the thread, and the reverse, is KERN_INVALID_ARGUMENT."""
    assert words(guest.ask(2030, remote=guest.mach(13))[24:]) == (INTEGER, 4)
    assert words(guest.ask(2069, integer(1))[24:]) == (INTEGER, 4)


def test_vm_statistics_reply(guest: Guest) -> None:
    """88 bytes: the code, then one item of 13 integers, the page size first."""
    reply = guest.ask(2030)
    header(guest, reply, 2030, simple=True)
    assert len(reply) == 88
    assert words(reply[24:40]) == (INTEGER, 0, 0x022000D8, 0x2000)


def test_mach_ports_lookup_reply(guest: Guest) -> None:
    """48 bytes, not simple: the code, then four ports out of line in memory that the caller can deallocate."""
    reply = guest.ask(2034)
    header(guest, reply, 2034, simple=False)
    assert len(reply) == 48
    code, place = words(reply[24:32]), words(reply[32:])
    assert code == (INTEGER, 0)
    assert place[:3] == (*REPLY_PORT_ARRAY, 4)
    assert guest.memory.copyin(place[3], 16) == bytes(16)
    assert words(guest.ask(2023, integer(place[3], 16))[24:]) == (INTEGER, 0)
    assert guest.memory.region_at(place[3]) is None


def test_registered_ports_come_back(guest: Guest) -> None:
    """mach_ports_register takes up to four ports out of line; lookup then answers them, and five are refused."""
    names = [guest.mach(10), guest.mach(13)]
    at = DATA + 7 * PAGE

    def register(values: list[int]) -> bytes:
        guest.memory.copyout(at, struct.pack(f">{len(values)}I", *values))
        return guest.ask(2033, struct.pack(">IHHII", 4, 6, 32, len(values), at), simple=False)

    assert words(register(names)[24:]) == (INTEGER, 0)
    place = words(guest.ask(2034)[32:])[3]
    assert words(guest.memory.copyin(place, 16)) == (*names, 0, 0)
    assert words(register([1] * 5)[24:]) == (INTEGER, 4)


def test_vm_protect_changes_what_the_guest_may_do(guest: Guest) -> None:
    """vm_protect takes write away, refuses more than the maximum, and a hole is KERN_INVALID_ADDRESS."""
    assert words(guest.ask(2024, integer(DATA + 4 * PAGE, 4) + boolean(False) + integer(1))[24:]) == (INTEGER, 0)
    assert guest.unix(116, DATA + 4 * PAGE, 0).error == 14
    assert words(guest.ask(2024, integer(TEXT, PAGE) + boolean(True) + integer(5))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2024, integer(TEXT, PAGE) + boolean(False) + integer(7))[24:]) == (INTEGER, 2)
    assert words(guest.ask(2024, integer(0x0800_0000, PAGE) + boolean(False) + integer(1))[24:]) == (INTEGER, 1)
    assert words(guest.ask(2024, integer(TEXT, PAGE) + boolean(False) + integer(8))[24:]) == (INTEGER, 4)


def test_vm_copy_read_and_write(guest: Guest) -> None:
    """vm_copy, vm_read and vm_write move whole pages; part of a page is KERN_INVALID_ARGUMENT."""
    source, target = DATA + 4 * PAGE, DATA + 6 * PAGE
    guest.memory.copyout(source, b"page" * (PAGE // 4))
    assert words(guest.ask(2028, integer(source, PAGE, target))[24:]) == (INTEGER, 0)
    assert guest.memory.copyin(target, 8) == b"pagepage"
    reply = guest.ask(2026, integer(target, PAGE))
    header(guest, reply, 2026, simple=False)
    assert words(reply[32:44]) == (4, 0x0009_0008, PAGE)
    read = words(reply[44:])[0]
    assert guest.memory.copyin(read, PAGE) == b"page" * (PAGE // 4)
    guest.memory.copyout(read, b"copy")
    body = integer(source) + struct.pack(">IHHII", 4, 9, 8, PAGE, read)
    assert words(guest.ask(2027, body, simple=False)[24:]) == (INTEGER, 0)
    assert guest.memory.copyin(source, 4) == b"copy"
    assert words(guest.ask(2028, integer(source + 4, PAGE, target))[24:]) == (INTEGER, 4)
    assert words(guest.ask(2028, integer(source, PAGE, 0x0800_0000))[24:]) == (INTEGER, 1)
    assert words(guest.ask(2028, integer(source, PAGE, TEXT))[24:]) == (INTEGER, 2)


def test_vm_region_walks_the_address_space(guest: Guest) -> None:
    """Asking on from each region's end visits all regions in order and ends with KERN_NO_SPACE."""
    at, seen = 0, []
    while len(reply := guest.ask(2029, integer(at))) != 32:
        assert len(reply) == 96
        header(guest, reply, 2029, simple=False)
        values = words(reply[32:])
        assert values[0::2] == (*[INTEGER] * 5, 0x00200018, PORT, INTEGER)
        seen.append((values[1], values[3], values[5], values[7]))
        at = values[1] + values[3]
    assert words(reply[24:]) == (INTEGER, 3)
    regions = guest.memory.regions()
    assert seen == [(region.start, region.size, region.prot, region.max_prot) for region in regions]


def test_port_calls(guest: Guest) -> None:
    """Ports and sets are made, joined, shown and removed, with the codes Mach has for each mistake."""
    port = words(guest.ask(2076)[24:])[3]
    port_set = words(guest.ask(2080)[24:])[3]
    task = guest.mach(10)
    assert words(guest.ask(2083, integer(port))[24:]) == (INTEGER, 12)
    assert words(guest.ask(2082, integer(port_set, port))[24:]) == (INTEGER, 0)
    status = guest.ask(2079, integer(port))
    assert len(status) == 72
    assert words(status[32:]) == (INTEGER, port_set, INTEGER, 0, INTEGER, 5, 0x00200018, 1, 0x00200018, 1)
    assert words(guest.ask(2078, integer(port, 16))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2078, integer(port, 17))[24:]) == (INTEGER, 4)
    assert words(guest.ask(2078, integer(task, 5))[24:]) == (INTEGER, 7)
    members = words(guest.ask(2084, integer(port_set))[32:])
    assert members[:3] == (4, 0x0002_0020, 1)
    assert guest.memory.read_u32(members[3]) == port
    assert [words(guest.ask(2074, integer(name))[32:])[1] for name in (port, task, port_set)] == [7, 1, 9]
    assert words(guest.ask(2083, integer(port))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2081, integer(port_set))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2081, integer(port_set))[24:]) == (INTEGER, 4)
    assert words(guest.ask(2077, integer(port))[24:]) == (INTEGER, 0)
    assert words(guest.ask(2077, integer(port))[24:]) == (INTEGER, 4)
    names = words(guest.ask(2073)[32:])
    assert names[2] == names[6]


def test_task_and_thread_info(guest: Guest) -> None:
    """Variable arrays come inline in the long form, with the count the structures have."""
    guest.count = 20_000_030
    task = guest.ask(2060, integer(1))
    assert words(task[32:44]) == (0x0000000C, 0x0002_0020, 8)
    assert len(task) == 44 + 32
    header(guest, task, 2060, simple=True)
    thread = guest.ask(2069, integer(1), remote=guest.mach(13))
    assert words(thread[40:52]) == (11, 2, 3)
    schedule = words(guest.ask(2069, integer(2), remote=guest.mach(13))[44:])
    assert (len(schedule), schedule[:2], schedule[-2:]) == (7, (1, 0), (0, 0xFFFF_FFFF))
    assert words(guest.ask(2060, integer(9))[24:]) == (INTEGER, 4)
    threads = words(guest.ask(2011)[32:])
    assert threads[:3] == (*REPLY_PORT_ARRAY, 1)
    assert guest.memory.read_u32(threads[3]) == guest.mach(13)
    assert words(guest.ask(2035)[32:]) == (INTEGER, 100)
    assert words(guest.ask(2031, integer(100))[32:]) == (PORT, guest.mach(10))


def test_unknown_messages_are_named_with_their_words(guest: Guest) -> None:
    """task_create, and an id nobody has, end the run with id, name and the body's words."""
    with pytest.raises(Unimplemented, match=r"message call 2007 task_create\(\)") as ended:
        guest.ask(2007)
    assert ended.value.klass == "message"
    assert guest.kernel.traps[-1].name == "msg_rpc(task_create)"
    with pytest.raises(Unimplemented, match=r"message call 2999 id 2999\(0x2200018, 0x7\)"):
        guest.ask(2999, integer(7))


def send(guest: Guest, port: int, number: int, body: bytes = b"", *, local: int = 0, option: int = 0) -> int:
    message = guest.message(port, local, number, body)
    guest.memory.copyout(DATA, message)
    return guest.mach(20, DATA, option, len(message), 3)


def receive(guest: Guest, name: int, option: int = 0x100, size: int = 8192, timeout: int = 0) -> int:
    return guest.mach(21, DATA, option, size, name, timeout)


def test_messages_to_oneself_are_queued_in_order(guest: Guest) -> None:
    """What is sent to an own port is received as sent, ports swapped, first come first served."""
    port = words(guest.ask(2076)[24:])[3]
    for number in (7, 8):
        assert send(guest, port, number, integer(number), local=guest.mach(11)) == 0
    for number in (7, 8):
        assert receive(guest, port) == 0
        assert words(guest.memory.copyin(DATA, 32)) == (1, 32, 0x100, port, guest.mach(11), number, INTEGER, number)
    assert receive(guest, port) == -203 & 0xFFFF_FFFF


def test_a_set_receives_the_oldest_of_its_ports(guest: Guest) -> None:
    """A port set gives messages in the order they were sent, whichever port they came to; its members give none."""
    ports = [words(guest.ask(2076)[24:])[3] for _ in range(2)]
    port_set = words(guest.ask(2080)[24:])[3]
    for port in ports:
        guest.ask(2082, integer(port_set, port))
    for port, number in ((ports[1], 1), (ports[0], 2), (ports[1], 3)):
        send(guest, port, number)
    assert receive(guest, ports[0]) == -202 & 0xFFFF_FFFF
    got = []
    while receive(guest, port_set) == 0:
        got.append((guest.memory.read_u32(DATA + 12), guest.memory.read_u32(DATA + 20)))
    assert got == [(ports[1], 1), (ports[0], 2), (ports[1], 3)]


def test_refused_sends(guest: Guest) -> None:
    """Too small, too large, an unknown port and an unreadable message have their codes."""
    port = words(guest.ask(2076)[24:])[3]
    assert guest.mach(20, DATA, 0, 20, 0) == -110 & 0xFFFF_FFFF
    assert guest.mach(20, DATA, 0, 8193, 0) == -109 & 0xFFFF_FFFF
    assert send(guest, 999, 1) == -102 & 0xFFFF_FFFF
    assert send(guest, port, 1, local=999) == -102 & 0xFFFF_FFFF
    assert guest.mach(20, 0, 0, 24, 0) == -101 & 0xFFFF_FFFF
    assert guest.mach(22, 4, 0, 24, 24, 0, 0) == -101 & 0xFFFF_FFFF


def test_a_full_port(guest: Guest) -> None:
    """Five messages fit; the sixth times out in guest time, or ends the run where it would wait for ever."""
    port = words(guest.ask(2076)[24:])[3]
    assert [send(guest, port, 1) for _ in range(5)] == [0] * 5
    before = guest.clock.now_us
    assert send(guest, port, 1, option=1) == -103 & 0xFFFF_FFFF
    assert guest.clock.now_us == before + 3000
    with pytest.raises(Unimplemented, match="waits for room on port"):
        send(guest, port, 1)


def test_receiving_what_cannot_come(guest: Guest) -> None:
    """Without a timeout the run ends, saying what it waits for; RCV_NO_SENDERS answers at once."""
    port = words(guest.ask(2076)[24:])[3]
    before = guest.clock.now_us
    assert receive(guest, port, timeout=10) == -203 & 0xFFFF_FFFF
    assert guest.clock.now_us == before + 10_000
    assert receive(guest, port, option=0x200) == -206 & 0xFFFF_FFFF
    with pytest.raises(Unimplemented, match=f"msg_receive_trap.*waits for a message on port {port}"):
        receive(guest, port, option=0)
    assert receive(guest, 999) == -202 & 0xFFFF_FFFF
    assert receive(guest, guest.mach(10)) == -202 & 0xFFFF_FFFF


@pytest.mark.parametrize("shift", [PAGE, -PAGE])
def test_vm_copy_of_overlapping_pages_in_pieces(guest: Guest, shift: int) -> None:
    """Two MiB and a page onto themselves, a page up and a page down: what arrives is what was there, what lies behind
    stays, and time is looked at."""
    size = (2 << 20) + PAGE
    source = words(guest.ask(2021, integer(0, size + 3 * PAGE) + boolean(True))[24:])[3] + PAGE
    data = b"".join(number.to_bytes(4, "big") for number in range(size // 4))
    guest.memory.copyout(source, data + b"behind" * (PAGE // 6))
    end = source + shift + size
    behind = guest.memory.copyin(end, PAGE)
    looks = []
    guest.kernel.task.check_time = lambda: looks.append(1)
    assert words(guest.ask(2028, integer(source, size, source + shift))[24:]) == (INTEGER, 0)
    assert guest.memory.copyin(source + shift, size) == data
    assert guest.memory.copyin(end, PAGE) == behind
    assert len(looks) == 3


def test_messages_too_large_for_their_receiver(guest: Guest) -> None:
    """RCV_TOO_LARGE tells the size and drops the message, or keeps it with RCV_LARGE."""
    port = words(guest.ask(2076)[24:])[3]
    send(guest, port, 1, integer(1))
    assert receive(guest, port, option=0x1100, size=24) == -204 & 0xFFFF_FFFF
    assert guest.memory.read_u32(DATA + 4) == 32
    assert receive(guest, port, size=24) == -204 & 0xFFFF_FFFF
    assert receive(guest, port) == -203 & 0xFFFF_FFFF


def test_data_out_of_line_are_copied(guest: Guest) -> None:
    """A pointer in a message becomes memory of its own at the receiver; the deallocate bit takes the sender's away."""
    port = words(guest.ask(2076)[24:])[3]
    place = words(guest.ask(2021, integer(0, PAGE) + boolean(True))[24:])[3]
    guest.memory.copyout(place, b"far away")
    message = guest.message(port, 0, 5, struct.pack(">II", 0x09080082, place), simple=False)
    guest.memory.copyout(DATA, message)
    assert guest.mach(20, DATA, 0, len(message), 0) == 0
    assert guest.memory.region_at(place) is None
    assert receive(guest, port) == 0
    assert guest.memory.copyin(guest.memory.read_u32(DATA + 28), 8) == b"far away"


def test_old_traps_take_sizes_from_the_header(guest: Guest) -> None:
    """msg_rpc_old, msg_send_old and msg_receive_old do as the new ones do."""
    port = words(guest.ask(2076)[24:])[3]
    message = guest.message(guest.mach(10), guest.mach(11), 2030)
    guest.memory.copyout(DATA, message)
    assert guest.mach(16, DATA, 0, 200, 0, 0) == 0
    assert guest.memory.read_u32(DATA + 20) == 2130
    guest.memory.copyout(DATA, guest.message(port, 0, 9))
    assert guest.mach(14, DATA, 0, 0) == 0
    guest.memory.copyout(DATA, guest.message(0, port, 0)[:4] + struct.pack(">I", 64) + guest.message(0, port, 0)[8:])
    assert guest.mach(15, DATA, 0, 0) == 0
    assert guest.memory.read_u32(DATA + 20) == 9


def test_broken_bodies_are_refused() -> None:
    """Items that reach past the end of a body are errors, never reads beyond it."""
    for body in (b"\0", b"\2\x20\0\x18", struct.pack(">I", 0x0000000C), struct.pack(">IHHI", 12, 2, 32, 0xFFFF_FFFF)):
        with pytest.raises(ValueError, match="reach"):
            list(slots(body))


def test_map_fd(guest: Guest) -> None:
    """map_fd copies a file's pages to a new place or over given ones, and refuses what it cannot map."""
    (guest.root / "file").write_bytes(b"a" * PAGE + b"tail")
    number = guest.open("file").d0
    at = guest.put(bytes(4))
    assert guest.mach(43, number, PAGE, at, 1, 4) == 0
    place = guest.memory.read_u32(at)
    assert guest.memory.copyin(place, 6) == b"tail\0\0"
    assert guest.mach(43, number, 0, at, 0, 10) == 0
    assert guest.memory.copyin(place, 4) == b"aaaa"
    assert guest.mach(43, number, 1, at, 1, 4) == 4
    assert guest.mach(43, 77, 0, at, 1, 4) == 4
    assert guest.mach(43, 1, 0, at, 1, 4) == 4
    assert guest.mach(43, number, 0, 0, 1, 4) == 1


def test_a_message_carries_a_bounded_amount_out_of_line(guest: Guest) -> None:
    """Two pointers to more than the limit together are refused; a reply port without receive rights gets no reply."""
    port = words(guest.ask(2076)[24:])[3]
    place = guest.memory.allocate(None, 40 << 20)
    item = struct.pack(">IHHII", 4, 9, 8, 40 << 20, place)
    message = guest.message(port, 0, 5, item * 2, simple=False)
    guest.memory.copyout(DATA, message)
    assert guest.mach(20, DATA, 0, len(message), 0) == -101 & 0xFFFF_FFFF
    silent = guest.message(guest.mach(10), guest.mach(13), 2030)
    guest.memory.copyout(DATA, silent)
    assert guest.mach(20, DATA, 0, len(silent), 0) == 0
    assert not guest.kernel.task.ports.find(guest.mach(13)).queue  # type: ignore[union-attr]
