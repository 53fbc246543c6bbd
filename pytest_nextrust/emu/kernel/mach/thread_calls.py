"""Messages by which programs make threads, stop them and look at their registers: Mach's own calls of kernel threads.

They act on the table that the calls of ``threads`` act on. A thread that is made has no registers and does not run
until it is resumed; nobody joins it, so it is as detached: where it ends, its slot is free and its port is gone, and
what is sent there is SEND_INVALID_PORT.

Boundary: one request, decoded; the machine and an exploration serve it from the ``ThreadOwner`` they have.

Sources: Mach 2.5 ``thread.c`` and NeXT's ``<mach/m68k/thread_status.h>`` (flavor 1: 18 words; 2: the FPU's 28; 3: the
user register); a thread's state is given in long form, inline, at most 1,024 words, as MIG does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_nextrust.emu.kernel.calls import THREAD, MessageRoutine
from pytest_nextrust.emu.kernel.ends import Unimplemented
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem, many_integers, port
from pytest_nextrust.emu.kernel.threads import STATE_WORDS, ThreadCall

__all__ = ["THREAD_ROUTINES", "ThreadOwner"]

_REGISTERS, _FPU, _USER_REGISTER = 1, 2, 3
_GET_STATE, _SET_STATE = 2065, 2066


class ThreadOwner(Protocol):
    """Who has threads."""

    def thread_port(self, slot: int) -> int:
        """The name of a thread's port."""
        ...

    def thread_request(self, call: ThreadCall, slot: int) -> int:
        """CREATE, DETACH, SUSPEND, RESUME or TERMINATE: a new slot, or a kern_return_t.

        Raises KernError(RESOURCE_SHORTAGE) where every slot is taken.
        """
        ...

    def thread_state(self, slot: int) -> tuple[int, ...]:
        """The 18 words of another thread. Raises KernError."""
        ...

    def set_thread_state(self, slot: int, words: Sequence[int]) -> None:
        """Give another thread 18 words. Raises KernError."""
        ...

    def abort_thread(self, slot: int) -> None:
        """End the call of UNIX or Mach in which another thread waits."""
        ...


def thread_create(owner: ThreadOwner) -> tuple[MessageItem, ...]:
    """A thread that does not run yet."""
    slot = owner.thread_request(ThreadCall.CREATE, 0)
    owner.thread_request(ThreadCall.DETACH, slot)
    return (port(owner.thread_port(slot)),)


def _asked(owner: ThreadOwner, call: ThreadCall, slot: int) -> tuple[MessageItem, ...]:
    code = owner.thread_request(call, slot)
    if code != Kern.SUCCESS:
        raise KernError(code)
    return ()


def thread_terminate(owner: ThreadOwner, slot: int) -> tuple[MessageItem, ...]:
    """It ends, before its next instruction."""
    return _asked(owner, ThreadCall.TERMINATE, slot)


def thread_suspend(owner: ThreadOwner, slot: int) -> tuple[MessageItem, ...]:
    """It does not go on until it is resumed as often."""
    return _asked(owner, ThreadCall.SUSPEND, slot)


def thread_resume(owner: ThreadOwner, slot: int) -> tuple[MessageItem, ...]:
    """It begins, or is suspended once less; KERN_FAILURE where it runs."""
    return _asked(owner, ThreadCall.RESUME, slot)


def thread_abort(owner: ThreadOwner, slot: int) -> tuple[MessageItem, ...]:
    """The call in which it waits is interrupted."""
    owner.abort_thread(slot)
    return ()


def _check(number: int, name: str, flavor: int) -> None:
    if flavor in (_FPU, _USER_REGISTER):
        raise Unimplemented("message", number, name, (flavor,), "of a thread's state only its registers, flavor 1")
    if flavor != _REGISTERS:
        raise KernError(Kern.INVALID_ARGUMENT)


def thread_get_state(owner: ThreadOwner, slot: int, flavor: int) -> tuple[MessageItem, ...]:
    """The registers of another thread, which is best suspended."""
    _check(_GET_STATE, "thread_get_state", flavor)
    return (many_integers(owner.thread_state(slot)),)


def thread_set_state(owner: ThreadOwner, slot: int, flavor: int, state: bytes) -> tuple[MessageItem, ...]:
    """The same, to be set."""
    _check(_SET_STATE, "thread_set_state", flavor)
    if len(state) < 4 * STATE_WORDS:
        raise KernError(Kern.INVALID_ARGUMENT)
    owner.set_thread_state(slot, [int.from_bytes(state[at : at + 4], "big") for at in range(0, 4 * STATE_WORDS, 4)])
    return ()


THREAD_ROUTINES = (
    MessageRoutine(2016, "thread_terminate", (), thread_terminate, "Its port is gone with it.", THREAD),
    MessageRoutine(2061, "thread_create", (), thread_create, "At most 16 threads: KERN_RESOURCE_SHORTAGE."),
    MessageRoutine(2062, "thread_suspend", (), thread_suspend, "", THREAD),
    MessageRoutine(2063, "thread_resume", (), thread_resume, "KERN_FAILURE for a thread that runs.", THREAD),
    MessageRoutine(2064, "thread_abort", (), thread_abort, "Calls of UNIX and Mach only.", THREAD),
    MessageRoutine(2065, "thread_get_state", ("int",), thread_get_state, "Flavor 1, not the caller's own.", THREAD),
    MessageRoutine(2066, "thread_set_state", ("int", "integers"), thread_set_state, "The same.", THREAD),
)
