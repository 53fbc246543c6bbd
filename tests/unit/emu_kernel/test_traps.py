"""Dispatch: which trap does what, the carry convention, number 0, what is not implemented, and the trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_nextrust.emu.kernel.ends import GuestExit, GuestKilled, Unimplemented
from pytest_nextrust.emu.registers import Registers
from tests.unit.emu_kernel.guest import TEXT, Guest


def test_success_clears_c_only_and_sets_d0_and_d1(guest: Guest) -> None:
    """After getpid d0 and d1 hold its two results; X, N, Z, V and all other registers are as they were."""
    guest.regs.sr = 0x001F
    guest.regs.d[2:] = [11, 12, 13, 14, 15, 16]
    before = guest.regs.copy()
    answer = guest.unix(20)
    assert (answer.d0, answer.d1) == (100, 99)
    assert guest.regs.sr == 0x001E
    assert guest.regs.d[2:] == before.d[2:]
    assert guest.regs.a == before.a


def test_failure_sets_c_only_and_leaves_d1(guest: Guest) -> None:
    """A failing call puts its errno into d0 and sets C; d1 still holds the argument."""
    guest.regs.sr = 0x0004
    answer = guest.unix(6, 77)
    assert (answer.error, answer.d1) == (9, 77)
    assert guest.regs.sr == 0x0005


def test_number_zero_is_indirect(guest: Guest) -> None:
    """The real number is in d1 and its arguments from d2, a0 being the seventh slot's successor."""
    text = guest.put(b"hello")
    assert guest.ok(0, 4, 1, text, 5) == 5
    assert guest.kernel.stdout == b"hello"
    assert guest.kernel.traps[-1].name == "write"
    assert guest.kernel.traps[-1].args == (1, text, 5)


def test_the_trap_is_two_bytes(guest: Guest) -> None:
    """pc ends behind the trap instruction, for all kinds that return."""
    for vector in (34, 37, 38):
        regs = Registers(pc=TEXT)
        guest.kernel.trap(vector, regs)
        assert regs.pc == TEXT + 2
    guest.unix(20)
    assert guest.after == TEXT + 2


def test_user_register(guest: Guest) -> None:
    """trap #6 keeps d0, trap #5 answers it, and neither touches anything else."""
    regs = Registers(pc=TEXT, sr=0x1F)
    regs.d[0] = 0xDEADBEE0
    guest.kernel.trap(38, regs)
    assert regs.d[0] == 0xDEADBEE0
    regs.d[0] = 0
    guest.kernel.trap(37, regs)
    assert (regs.d[0], regs.sr) == (0xDEADBEE0, 0x1F)


def test_cache_flush_is_asked_of_the_core(guest: Guest) -> None:
    """trap #2 changes no register and asks for the translated code to be dropped."""
    before = guest.kernel.flush_requested
    regs = Registers(pc=TEXT)
    guest.kernel.trap(34, regs)
    assert (before, guest.kernel.flush_requested) == (False, True)
    assert regs == Registers(pc=TEXT + 2)


@pytest.mark.parametrize("number", [0, 1, 7, 8, 9, 10, 11, 12, 13, 14])
def test_other_traps_are_illegal(guest: Guest, number: int) -> None:
    """trap #0 and its kind die of SIGILL with a core dump, as on a NeXT."""
    with pytest.raises(GuestKilled) as killed:
        guest.kernel.trap(32 + number, Registers(pc=TEXT))
    assert (killed.value.signal, killed.value.core) == (4, True)


def test_trap_15_is_a_breakpoint(guest: Guest) -> None:
    """trap #15 is SIGTRAP."""
    with pytest.raises(GuestKilled) as killed:
        guest.kernel.trap(47, Registers(pc=TEXT))
    assert killed.value.signal == 5


def test_exit_takes_the_low_byte(guest: Guest) -> None:
    """exit(0x107) is status 7, and the trace ends with it, without a result."""
    with pytest.raises(GuestExit) as ended:
        guest.unix(1, 0x107)
    assert ended.value.status == 7
    last = guest.kernel.traps[-1]
    assert (last.name, last.result, last.args) == ("exit", None, (0x107,))


@pytest.mark.parametrize(
    ("number", "name"), [(59, "execve"), (97, "socket"), (13, "otime"), (63, "nosys"), (180, "nosys"), (4000, "nosys")]
)
def test_what_is_not_implemented_is_named(guest: Guest, number: int, name: str) -> None:
    """No such call is ever answered: the run ends, naming it with its arguments, and the trace has it."""
    with pytest.raises(Unimplemented, match=rf"unix call {number} {name}\(0x1, 0x2, 0x3, 0x4, 0x5, 0x6\)") as ended:
        guest.unix(number, 1, 2, 3, 4, 5, 6)
    assert (ended.value.klass, ended.value.number, ended.value.name) == ("unix", number, name)
    assert ended.value.call_args == (1, 2, 3, 4, 5, 6)
    assert guest.kernel.traps[-1].result is None


def test_fork_fails_and_is_recorded(guest: Guest) -> None:
    """fork and vfork answer ENOSYS, under their names in the trace."""
    assert guest.unix(2).error == 78
    assert guest.unix(66).error == 78
    assert [(trap.name, trap.error) for trap in guest.kernel.traps] == [("fork", 78), ("vfork", 78)]


def test_the_trace_keeps_the_first_and_counts_all(make_guest: Callable[..., Guest]) -> None:
    """Only the first traps are kept, as asked for; the total goes on."""
    guest = make_guest(trace_traps=3)
    for _ in range(10):
        guest.unix(20)
    assert len(guest.kernel.traps) == 3
    assert guest.kernel.traps_total == 10
    assert guest.kernel.traps[0].pc == TEXT


def test_bad_addresses_are_efault(guest: Guest) -> None:
    """An address the guest cannot use makes EFAULT, whichever way the bytes go, and nothing is consumed."""
    assert guest.unix(4, 1, 0x0900_0000, 5).error == 14
    assert guest.unix(4, 1, 0, 5).error == 14
    assert guest.unix(116, TEXT, 0).error == 14
    assert guest.unix(5, 0x0900_0000, 0).error == 14
    assert guest.kernel.stdout == b""


@pytest.mark.parametrize("number", [0, 9, 17, 62, 0xFFFF_FFFF, 1_000_000])
def test_mach_traps_that_do_not_exist(guest: Guest, number: int) -> None:
    """A hole in the table, a negative number and one beyond it answer KERN_INVALID_ARGUMENT; carry is left alone."""
    guest.regs.sr = 0x1F
    assert guest.mach(number) == 4
    assert guest.regs.sr == 0x1F


@pytest.mark.parametrize("number", [24, 25, 26, 27, 32, 41, 42])
def test_mach_traps_that_are_only_named(guest: Guest, number: int) -> None:
    """Traps some releases have are named and end the run."""
    with pytest.raises(Unimplemented, match="mach call"):
        guest.mach(number, 1, 2)
    assert guest.kernel.traps[-1].klass == "mach"


def test_yielding(guest: Guest) -> None:
    """With one thread there is nobody to run: swtch and swtch_pri answer 0, thread_switch success."""
    assert [guest.mach(60), guest.mach(59, 0), guest.mach(61, 0, 1, 0)] == [0, 0, 0]
    before = guest.clock.now_us
    assert guest.mach(61, 0, 2, 5) == 0
    assert guest.clock.now_us == before + 5000
    assert guest.mach(61, 0, 3, 0) == 4


def test_ports_of_oneself_are_distinct_and_stay(guest: Guest) -> None:
    """task_self, thread_self, thread_reply, task_notify and host_self are five names; host_priv_self is refused."""
    names = [guest.mach(number) for number in (10, 13, 11, 12, 55)]
    assert len(set(names)) == 5
    assert 0 not in names
    assert names == [guest.mach(number) for number in (10, 13, 11, 12, 55)]
    assert guest.mach(56) == 0
    assert guest.mach(33, 100) == names[0]
    assert guest.mach(33, 1) == 0


def test_time_stamps(guest: Guest) -> None:
    """kern_timestamp counts guest microseconds, low word first."""
    at = guest.room(8)
    guest.count = 50_000_000_000_0
    assert guest.mach(51, at) == 0
    now = guest.count // 10
    assert guest.memory.copyin(at, 8) == (now & 0xFFFF_FFFF).to_bytes(4, "big") + (now >> 32).to_bytes(4, "big")
    assert guest.mach(51, 0) == 1
