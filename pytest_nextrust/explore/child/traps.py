"""What the kernel does for an explored thread: a few traps, and the delivery of a signal between two instructions.

Traps #2 (flush caches), #5 and #6 (user register) act on the thread; swtch, swtch_pri and thread_switch are steps
without effect, since which thread runs next is the search's to say; sigblock and sigsetmask change the thread's mask of
signals, which keeps deliveries away and no other thread; sigreturn ends a handler. Anything else ends exploration.

A handler interrupts a thread on that thread's own stack, with the frame of NeXT's ``sendsig``: a 24-byte sigcontext
(onstack, mask, sp, pc, ps, d0) below the stack pointer and, below it, the 12 bytes sig, code, scp. While it runs the
signal is blocked, unless handlers nest; sigreturn takes the mask from the sigcontext.

State that the CPU does not hold (the user register, deliveries so far, nesting, the mask) is kept as bytes of the
thread above the 32-bit address space, so that it is part of the local state like any private memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_nextrust.emu.child.thread_state import A7, D0, D1, PC, ccr_of, register_of, with_ccr, with_register
from pytest_nextrust.emu.kernel.signals import UNMASKABLE, Signal, bit
from pytest_nextrust.emu.kernel.threads import ThreadMemory
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access

__all__ = ["BASE", "KERNEL", "MASK", "WORDS", "Interrupts", "Served", "deliver", "interruptible", "serve", "word_at"]

BASE = 1 << 32
USER = BASE
DELIVERED = BASE + 4
DEPTH = BASE + 5
MASK = BASE + 6
WORDS = {MASK: "the mask of blocked signals", USER: "the user register"}
"""What a function that is called must leave as it was, each of 32 bits."""
KERNEL = range(BASE, BASE + 10)
"""Where a thread's state is kept that the CPU does not hold."""

FLUSH, MACH, UNIX, GET_USER, SET_USER = 34, 35, 36, 37, 38
"""Vectors of trap #2 to #6."""
YIELDS = frozenset({59, 60, 61})
SIGRETURN, SIGBLOCK, SIGSETMASK = 103, 109, 110
CARRY = 1
SIGNAL = Signal.SIGURG
"""The signal that is delivered, for it carries no code."""
SIGCONTEXT, ARGUMENTS = 24, 12


@dataclass(frozen=True, slots=True)
class Interrupts:
    """``signals`` deliveries of ``handler`` to each thread; ``nested``: also while one is being handled."""

    handler: Address
    signals: int = 1
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """The state after a trap or a delivery, the memory it touched, and whether a handler has ended.

    ``blocked``: the thread waits, and nothing has happened. ``ends``: what the program ends by here (``exited``,
    ``killed``, ``failed``, ``given up``); the state is the one before the trap then.
    """

    state: bytes
    accesses: tuple[Access, ...] = ()
    returned: bool = False
    blocked: bool = False
    ends: str = ""


def serve(memory: ThreadMemory, vector: int, state: bytes, values: dict[int, int]) -> Served | None:
    """Do what the kernel does for a trap; None for one that cannot be explored. ``values``: the thread's bytes."""
    after = with_register(state, PC, register_of(state, PC) + 2)
    if vector == FLUSH:
        return Served(after)
    if vector == GET_USER:
        return Served(with_register(after, D0, word_at(values, USER)))
    if vector == SET_USER:
        _keep(values, USER, register_of(state, D0))
        return Served(after)
    if vector == MACH and register_of(state, D0) in YIELDS:
        return Served(with_register(after, D0, 0))
    if vector == UNIX and register_of(state, D0) == SIGRETURN and values.get(DEPTH, 0):
        return _sigreturn(memory, state, values)
    if vector == UNIX and register_of(state, D0) in (SIGBLOCK, SIGSETMASK):
        return Served(_new_mask(after, values))
    return None


def word_at(values: Mapping[int, int], place: int) -> int:
    """The 32 bits at ``place``, one of ``WORDS``, of what the CPU does not hold."""
    return int.from_bytes(bytes(values.get(place + i, 0) for i in range(4)), "big")


def _keep(values: dict[int, int], place: int, word: int) -> None:
    values.update(enumerate(word.to_bytes(4, "big"), place))


def _new_mask(state: bytes, values: dict[int, int]) -> bytes:
    """sigblock adds to the mask, sigsetmask replaces it; both answer what it was, with carry clear."""
    old, asked = word_at(values, MASK), register_of(state, D1)
    _keep(values, MASK, (asked if register_of(state, D0) == SIGSETMASK else old | asked) & ~UNMASKABLE)
    return with_ccr(with_register(with_register(state, D0, old), D1, 0), ccr_of(state) & ~CARRY)


def interruptible(interrupts: Interrupts, values: Mapping[int, int]) -> bool:
    """Whether a signal may come now: the thread has not had all of them and blocks none, and is in no handler that may
    not nest."""
    if values.get(DELIVERED, 0) >= interrupts.signals or word_at(values, MASK) & bit(SIGNAL):
        return False
    return interrupts.nested or not values.get(DEPTH, 0)


def deliver(memory: ThreadMemory, interrupts: Interrupts, state: bytes, values: dict[int, int]) -> Served | None:
    """Interrupt the thread here; None where it is not interruptible."""
    if not interruptible(interrupts, values):
        return None
    sp = register_of(state, A7)
    context = sp - SIGCONTEXT
    frame = Address(context - ARGUMENTS)
    mask = word_at(values, MASK)
    saved = (0, mask, sp, register_of(state, PC), ccr_of(state), register_of(state, D0))
    memory.write(context, b"".join(word.to_bytes(4, "big") for word in saved))
    memory.write(frame, b"".join(word.to_bytes(4, "big") for word in (SIGNAL, 0, context)))
    values[DELIVERED] = values.get(DELIVERED, 0) + 1
    values[DEPTH] = values.get(DEPTH, 0) + 1
    if not interrupts.nested:
        _keep(values, MASK, mask | bit(SIGNAL))
    after = with_register(with_register(state, A7, frame), PC, interrupts.handler)
    return Served(after, ((True, frame, ARGUMENTS + SIGCONTEXT),))


def _sigreturn(memory: ThreadMemory, state: bytes, values: dict[int, int]) -> Served:
    place = Address(register_of(state, A7) + 4)
    context = Address(int.from_bytes(memory.read(place, 4), "big"))
    saved = memory.read(context, SIGCONTEXT)
    words: list[Any] = [int.from_bytes(saved[at : at + 4], "big") for at in range(0, SIGCONTEXT, 4)]
    state = with_register(with_register(with_register(state, A7, words[2]), PC, words[3]), D0, words[5])
    values[DEPTH] -= 1
    _keep(values, MASK, words[1] & ~UNMASKABLE)
    accesses = ((False, place, 4), (False, context, SIGCONTEXT))
    return Served(with_ccr(state, words[4] & 0x1F), accesses, returned=True)
