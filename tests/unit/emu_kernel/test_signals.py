"""Signals: the frame's bytes, sigreturn, masks and stacks, default actions, exceptions, timers and waiting."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.kernel.ends import GuestKilled, Unimplemented
from pytest_nextrust.emu.kernel.signals import FRAME, SIGCONTEXT, Action, Signal, SignalState, signal_for
from pytest_nextrust.emu.memory import PAGE, AddressSpace, GuestFault
from pytest_nextrust.emu.registers import Registers
from tests.unit.bytes_backing import BytesBacking
from tests.unit.emu_kernel.guest import STACK_TOP, TEXT, Guest

HANDLER = TEXT + 0x100


def sigvec(guest: Guest, signal: int, handler: int, mask: int = 0, flags: int = 0) -> None:
    guest.ok(108, signal, guest.put(struct.pack(">III", handler, mask, flags)), 0)


def frame(guest: Guest) -> tuple[int, ...]:
    """sig, code, scp, then onstack, mask, sp, pc, ps, d0."""
    return words(guest.memory.copyin(guest.regs.sp, 36))


def words(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(data) // 4}I", data)


def test_the_frame_byte_by_byte(guest: Guest) -> None:
    """24 bytes of sigcontext below the stack pointer, 12 of frame below that, at an odd-word sp; pc is the handler."""
    sigvec(guest, 30, HANDLER, mask=1 << 5)
    guest.ok(110, 1 << 1)
    sp = guest.regs.sp
    guest.regs.sr = 0x0013
    guest.unix(37, 100, 30)
    assert guest.regs.sp == sp - 36
    assert guest.regs.pc == HANDLER
    assert frame(guest) == (30, 0, sp - 24, 0, 1 << 1, sp, TEXT + 2, 0x0012, 0)
    assert guest.kernel.task.signals.mask == 1 << 1 | 1 << 5 | 1 << 29


def test_sigreturn_undoes_the_delivery(guest: Guest) -> None:
    """sigreturn takes the context from sp + 4 as __sigtramp leaves it, restores d0, sp, pc, mask and masked sr only."""
    sigvec(guest, 30, HANDLER)
    sp, guest.regs.sr = guest.regs.sp, 0x0011
    guest.unix(37, 100, 30)
    scp = words(guest.memory.copyin(guest.regs.sp + 8, 4))[0]
    guest.memory.write_u32(scp + 16, 0x0000_FF15)
    guest.memory.write_u32(scp + 4, 0xFFFF_FFFF)
    guest.memory.write_u32(scp + 20, 77)
    guest.regs.sp += 4
    guest.regs.d[0:3] = [103, 5, 6]
    guest.kernel.trap(36, guest.regs)
    assert (guest.regs.sp, guest.regs.pc, guest.regs.sr) == (sp, TEXT + 2, 0xC015)
    assert guest.regs.d[:3] == [77, 5, 6]
    assert guest.kernel.task.signals.mask == 0xFFFF_FFFF & ~(1 << 8 | 1 << 16 | 1 << 18)
    assert guest.kernel.traps[-1].result is None


def test_sigreturn_from_nowhere_is_efault(guest: Guest) -> None:
    """A stack or context that cannot be read fails the call and restores nothing."""
    guest.memory.write_u32(guest.regs.sp + 4, 0x0900_0000)
    assert guest.unix(103).error == 14


status_registers = st.integers(0, 0xFFFF)


@given(status_registers, st.integers(0, 0xFFFF_FFFF), st.integers(0, 0x7FFF), st.integers(0, 0xFFFF_FFFF))
@settings(max_examples=100, deadline=None)
def test_delivery_then_sigreturn_is_identity(sr: int, d0: int, depth: int, mask: int) -> None:
    """Whatever the registers, delivering and returning changes nothing but the SR bits that users may not have."""
    memory = AddressSpace(BytesBacking())
    memory.set_stack(STACK_TOP, 64 * PAGE)
    state = SignalState()
    state.set_mask(mask)
    state.actions[Signal.SIGALRM] = Action(HANDLER, 0xF0F0)
    before = (state.mask, state.on_stack)
    regs = Registers(pc=0x1234_5678, sr=sr)
    regs.d[0] = d0
    regs.sp = STACK_TOP - 2 * depth
    original = regs.copy()
    state.deliver(Signal.SIGALRM, regs, memory)
    assert regs.pc == HANDLER
    # As __sigtramp calls it: sp moved over the frame's first word, so that sp + 4 holds the context's address.
    regs.sp += 4
    state.sigreturn(regs, memory)
    assert (regs.d, regs.a, regs.pc) == (original.d, original.a, original.pc)
    assert regs.sr == original.sr & 0xC0FF
    assert (state.mask, state.on_stack) == before


def test_the_signal_stack(guest: Guest) -> None:
    """SV_ONSTACK moves the frame to the sigstack's top once; nested signals stay there; sigreturn leaves it."""
    top = guest.put(bytes(4096)) + 4096
    guest.ok(112, guest.put(struct.pack(">Ii", top, 0)), 0)
    sigvec(guest, 30, HANDLER, flags=1)
    sigvec(guest, 31, HANDLER + 4, flags=1)
    sp = guest.regs.sp
    guest.unix(37, 100, 30)
    assert guest.regs.sp == top - 36
    assert frame(guest)[5] == sp
    first = guest.regs.sp
    guest.unix(37, 100, 31)
    assert guest.regs.sp == first - 36
    assert frame(guest)[3] == 1
    old = guest.room(8)
    guest.ok(112, 0, old)
    assert words(guest.memory.copyin(old, 8)) == (top, 1)
    for _ in range(2):
        guest.regs.sp += 4
        guest.regs.d[0] = 103
        guest.kernel.trap(36, guest.regs)
    assert (guest.regs.sp, guest.kernel.task.signals.on_stack) == (sp, False)


def test_a_frame_that_cannot_be_written_kills(guest: Guest) -> None:
    """No stack for the frame: SIGILL, with a core dump, as the kernel does."""
    sigvec(guest, 30, HANDLER)
    guest.regs.sp = 0x0900_0000
    with pytest.raises(GuestKilled) as killed:
        guest.unix(37, 100, 30)
    assert (killed.value.signal, killed.value.core) == (4, True)


def test_masks_hold_and_release(guest: Guest) -> None:
    """A blocked signal waits until sigsetmask lets it through; KILL, STOP and CONT cannot be blocked."""
    sigvec(guest, 15, HANDLER)
    assert guest.ok(109, 0xFFFF_FFFF) == 0
    assert guest.ok(109, 0) == 0xFFFF_FFFF & ~(1 << 8 | 1 << 16 | 1 << 18)
    guest.ok(37, 100, 15)
    assert guest.after != HANDLER
    guest.unix(110, 0)
    assert guest.regs.pc == HANDLER
    with pytest.raises(GuestKilled) as killed:
        guest.unix(37, 100, 9)
    assert killed.value.signal == 9


def test_ignoring(guest: Guest) -> None:
    """SIG_IGN throws a signal away, also one that was pending; the default of SIGCHLD does too."""
    guest.ok(109, 1 << 14)
    guest.ok(37, 100, 15)
    sigvec(guest, 15, 1)
    guest.ok(110, 0)
    guest.ok(37, 100, 15)
    guest.ok(37, 100, 20)
    assert guest.kernel.task.signals.pending == 0


def test_a_signal_that_waited_may_be_ignored_when_its_time_comes(guest: Guest) -> None:
    """Pending for a handler that is gone when it is unmasked: the default of SIGCHLD is to do nothing, once."""
    guest.ok(109, 1 << 19)
    sigvec(guest, 20, HANDLER)
    guest.ok(37, 100, 20)
    assert guest.kernel.task.signals.pending == 1 << 19
    sigvec(guest, 20, 0)
    guest.ok(110, 0)
    assert guest.kernel.task.signals.pending == 0


@pytest.mark.parametrize(
    ("signal", "core"), [(1, False), (3, True), (6, True), (13, False), (14, False), (15, False), (31, False)]
)
def test_default_actions(guest: Guest, signal: int, core: bool) -> None:
    """A signal nobody handles kills, with a core dump where 4.3BSD has one."""
    with pytest.raises(GuestKilled) as killed:
        guest.unix(37, 100, signal)
    assert (killed.value.signal, killed.value.core) == (signal, core)
    assert guest.kernel.traps[-1].name == "kill"


@pytest.mark.parametrize("signal", [17, 18, 21, 22])
def test_stopping_ends_the_run(guest: Guest, signal: int) -> None:
    """A stop signal would hang for ever: the run ends, saying so."""
    with pytest.raises(Unimplemented, match="stops the process"):
        guest.unix(37, 100, signal)


def test_kill_finds_only_oneself(guest: Guest) -> None:
    """Other processes are ESRCH, signal 0 asks only, numbers above NSIG are EINVAL."""
    assert guest.unix(37, 1, 15).error == 3
    assert guest.unix(37, -1, 15).error == 3
    assert guest.ok(37, 100, 0) == 0
    assert guest.ok(37, -100, 0) == 0
    assert guest.unix(37, 100, 33).error == 22
    assert guest.unix(146, 5, 15).error == 3
    assert guest.ok(146, 0, 0) == 0


def test_sigvec_answers_what_was(guest: Guest) -> None:
    """The old handler, mask and flags come back; KILL, STOP and 0 are EINVAL, as is ignoring CONT."""
    sigvec(guest, 15, HANDLER, 0xFF | 1 << 8, 7)
    old = guest.room(12)
    guest.ok(108, 15, 0, old)
    assert words(guest.memory.copyin(old, 12)) == (HANDLER, 0xFF, 3)
    for signal in (0, 9, 17, 32):
        assert guest.unix(108, signal, 0, 0).error == 22
    assert guest.unix(108, 19, guest.put(struct.pack(">III", 1, 0, 0)), 0).error == 22


@pytest.mark.parametrize(
    ("vector", "signal", "code"),
    [
        (2, 11, 0),
        (3, 10, 0),
        (4, 4, 0x10),
        (5, 8, 0x14),
        (6, 8, 0x18),
        (7, 8, 0x1C),
        (8, 4, 0x20),
        (9, 5, 0),
        (10, 7, 0x28),
        (11, 7, 0x2C),
        (13, 4, 0x34),
        (14, 4, 0x38),
        (32, 4, 0x80),
        (47, 5, 0),
        (48, 8, 0xC0),
        (55, 8, 0xDC),
        (56, 4, 0xE0),
    ],
)
def test_exceptions(guest: Guest, vector: int, signal: int, code: int) -> None:
    """Each CPU exception is the signal the NeXT kernel makes of it; a handler is told the code, and pc is kept."""
    with pytest.raises(GuestKilled) as killed:
        guest.kernel.exception(vector, guest.regs)
    assert (killed.value.signal, killed.value.core) == (signal, True)
    sigvec(guest, signal, HANDLER)
    guest.kernel.exception(vector, guest.regs)
    assert guest.regs.pc == HANDLER
    assert frame(guest)[:2] == (signal, code)
    assert frame(guest)[6] == TEXT


def test_access_faults() -> None:
    """Unmapped memory is SIGSEGV; mapped but forbidden, page 0 among it, is SIGBUS."""
    assert signal_for(2, GuestFault(0x5000_0000, "read", protection=False))[0] == Signal.SIGSEGV
    assert signal_for(2, GuestFault(0, "write", protection=True))[0] == Signal.SIGBUS


def test_a_blocked_or_ignored_exception_kills(guest: Guest) -> None:
    """An exception that would come again for ever ends the run with its signal."""
    sigvec(guest, 11, HANDLER)
    guest.ok(109, 1 << 10)
    with pytest.raises(GuestKilled):
        guest.kernel.exception(2, guest.regs)
    guest.ok(110, 0)
    sigvec(guest, 11, 1)
    with pytest.raises(GuestKilled):
        guest.kernel.exception(2, guest.regs)


def setitimer(guest: Guest, which: int, interval: int, value: int) -> None:
    fields = (*divmod(interval, 1_000_000), *divmod(value, 1_000_000))
    guest.ok(83, which, guest.put(struct.pack(">iiii", *fields)), 0)


@pytest.mark.parametrize(("which", "signal"), [(0, 14), (1, 26), (2, 27)])
def test_timers_fire_at_an_instruction_count(guest: Guest, which: int, signal: int) -> None:
    """The next alarm is known in advance; one instruction earlier nothing happens; the interval repeats."""
    sigvec(guest, signal, HANDLER)
    guest.count = 500
    setitimer(guest, which, 2000, 5000)
    assert guest.kernel.next_alarm() == 50_500
    guest.count = 50_499
    guest.kernel.deliver(guest.regs)
    assert guest.regs.pc != HANDLER
    guest.count = 50_500
    guest.kernel.deliver(guest.regs)
    assert guest.regs.pc == HANDLER
    assert frame(guest)[0] == signal
    assert guest.kernel.next_alarm() == 70_500
    left = guest.room(16)
    guest.regs.pc = TEXT
    guest.ok(86, which, left)
    assert struct.unpack(">iiii", guest.memory.copyin(left, 16)) == (0, 2000, 0, 2000)
    setitimer(guest, which, 0, 0)
    assert guest.kernel.next_alarm() is None


def test_missed_intervals_are_one_signal(guest: Guest) -> None:
    """A timer that fell due many times is delivered once and goes on in step."""
    sigvec(guest, 14, HANDLER)
    setitimer(guest, 0, 1000, 1000)
    guest.count = 105_000
    guest.kernel.deliver(guest.regs)
    assert guest.kernel.next_alarm() == 110_000
    assert guest.kernel.task.signals.pending == 0


def test_timer_values_are_checked(guest: Guest) -> None:
    """A timer that does not exist, negative and overlong times are EINVAL; a time under the tick is the tick."""
    assert guest.unix(83, 3, 0, 0).error == 22
    for fields in ((0, 0, -1, 0), (0, 0, 0, 1_000_000), (0, -1, 0, 1), (200_000_000, 0, 0, 1)):
        assert guest.unix(83, 0, guest.put(struct.pack(">iiii", *fields)), 0).error == 22
    setitimer(guest, 0, 0, 1)
    assert guest.kernel.next_alarm() == 10_000


def test_select_sleeps_in_guest_time(guest: Guest) -> None:
    """A select with only a timeout returns 0 and moves the clock; the virtual timer does not move with it."""
    setitimer(guest, 1, 0, 1_000_000)
    before = guest.clock.now_us
    assert guest.ok(93, 0, 0, 0, 0, guest.put(struct.pack(">ii", 2, 500))) == 0
    assert guest.clock.now_us == before + 2_000_500
    assert guest.kernel.next_alarm() == 10_000_000


def test_select_is_interrupted_by_the_timer(guest: Guest) -> None:
    """A handled alarm ends a longer select with EINTR at the alarm's time, inside the handler."""
    sigvec(guest, 14, HANDLER)
    before = guest.clock.now_us
    setitimer(guest, 0, 0, 5000)
    answer = guest.unix(93, 0, 0, 0, 0, guest.put(struct.pack(">ii", 10, 0)))
    assert answer.error == 4
    assert guest.regs.pc == HANDLER
    assert guest.clock.now_us == before + 5000


def test_waiting_for_ever_ends_the_run(guest: Guest) -> None:
    """sigpause and select with nothing to wake them are named, not hung on; an ignored alarm does not count."""
    with pytest.raises(Unimplemented, match="sigpause waits"):
        guest.unix(111, 0)
    with pytest.raises(Unimplemented, match="select waits"):
        guest.unix(93, 0, 0, 0, 0, 0)
    sigvec(guest, 14, 1)
    setitimer(guest, 0, 1000, 1000)
    with pytest.raises(Unimplemented, match="sigpause waits"):
        guest.unix(111, 0)


def test_sigpause(guest: Guest) -> None:
    """sigpause waits with its own mask, answers EINTR, and the handler returns to the mask from before."""
    sigvec(guest, 14, HANDLER)
    guest.ok(110, 1 << 13 | 1 << 1)
    setitimer(guest, 0, 0, 7000)
    answer = guest.unix(111, 1 << 2)
    assert answer.error == 4
    assert guest.regs.pc == HANDLER
    assert frame(guest)[4] == 1 << 13 | 1 << 1
    assert guest.kernel.task.signals.mask == 1 << 2 | 1 << 13


@pytest.mark.parametrize(("flags", "restarts"), [(0, True), (2, False)])
def test_an_interrupted_read_restarts(guest: Guest, flags: int, restarts: bool) -> None:
    """A read on an empty pipe is issued again after the handler (pc at the trap), unless SV_INTERRUPT: then EINTR."""
    sigvec(guest, 14, HANDLER, flags=flags)
    reading = guest.unix(42).d0
    setitimer(guest, 0, 0, 3000)
    answer = guest.unix(3, reading, guest.room(8), 8)
    assert guest.regs.pc == HANDLER
    assert answer.error == (None if restarts else 4)
    assert frame(guest)[6] == (TEXT if restarts else TEXT + 2)
    if restarts:
        assert guest.regs.d[0] == 3


def test_broken_pipe(guest: Guest) -> None:
    """Writing without a reader is SIGPIPE, and EPIPE where it is ignored."""
    pipe = guest.unix(42)
    guest.ok(6, pipe.d0)
    sigvec(guest, 13, 1)
    assert guest.unix(4, pipe.d1, guest.put(b"x"), 1).error == 32
    sigvec(guest, 13, 0)
    with pytest.raises(GuestKilled) as killed:
        guest.unix(4, pipe.d1, guest.put(b"x"), 1)
    assert killed.value.signal == 13


def test_two_pending_signals_nest(guest: Guest) -> None:
    """Both are delivered at the same boundary, the second on top, its frame pointing into the first handler."""
    sigvec(guest, 1, HANDLER)
    sigvec(guest, 2, HANDLER + 8)
    guest.ok(109, 3)
    guest.ok(37, 100, 1)
    guest.ok(37, 100, 2)
    guest.unix(110, 0)
    assert guest.regs.pc == HANDLER + 8
    assert frame(guest)[6] == HANDLER


def test_struct_sizes() -> None:
    """The sigcontext is 24 bytes, the frame 12."""
    assert (SIGCONTEXT.size, FRAME.size) == (24, 12)
