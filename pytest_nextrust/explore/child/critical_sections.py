"""Which lock protects which byte: found out, and by contradiction, as what is shared is.

A lock is a byte or word that is 0 while it is free. A thread takes it by one instruction, or call of the kernel, that
reads 0 in it and writes something else, and gives it back by writing 0; who holds which is part of a thread's local
state. A byte is *protected* by a lock as long as nobody accesses it while another thread holds that lock. Accesses of
the holder then commute with whatever the others do until it lets the lock go, so they end no macro-step: what follows
the taking of a lock, up to the next access that is not so protected, is one step (Lipton, "Reduction: a method of
proving properties of parallel programs", CACM 18(12), 1975; the discipline is that of Savage et al., "Eraser", TOCS
15(4), 1997; Stoller and Cohen, "Optimistic synchronization-based state-space reduction", FMSD 28, 2006).

An access by a thread that does not hold the lock is a step of its own, and contradicts where another thread holds it;
so does changing a lock in any other way. The states that are left out are those in which a thread is inside a section.
In the one that is kept for them it is at the section's end, holds its lock too, and the others are where they were:
whoever could contradict in the first can in the second.

Boundary: bytes and words; whose turn it is is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access

__all__ = ["NONE_HELD", "CriticalSections", "Held", "Lock", "Unprotected", "lock_move", "lock_reads"]

ReadMemory = Callable[[int, int], bytes]
"""Bytes of memory by address and size."""

Lock = tuple[int, int]
"""Its address and width in bytes."""

LockMove = Literal["left", "taken", "given back", "broken"]

Held = frozenset[Lock]
NONE_HELD: Held = frozenset()


class Unprotected(Exception):
    """Bytes taken for protected by a lock are not."""

    def __init__(self, addresses: Iterable[int]) -> None:
        super().__init__()
        self.addresses = frozenset(addresses)


class CriticalSections:
    """``protected``: the lock of each protected byte."""

    def __init__(self, protected: Mapping[int, Lock]) -> None:
        self.protected = dict(protected)
        self.locks = frozenset(self.protected.values())
        self._lock_of = {lock[0] + byte: lock for lock in self.locks for byte in range(lock[1])}

    def are_inside(self, held: Held, accesses: Sequence[Access], shared: Container[int]) -> bool:
        """Whether all that these accesses share with others is protected by locks that are held."""
        return all(
            self.protected.get(byte) in held
            for _, address, size in accesses
            for byte in range(address, address + size)
            if byte in shared
        )

    def concerned(self, held: Held, accesses: Sequence[Access]) -> list[Lock]:
        """The locks on which it depends what a step by itself does, besides what it reads."""
        unheld = [lock for _, lock in self._unheld(held, accesses)]
        return list(dict.fromkeys([*unheld, *self._written(accesses)]))

    def after(self, held: Held, accesses: Sequence[Access], before: ReadMemory, after: ReadMemory) -> Held:
        """The locks that a thread holds after an instruction. Raises Unprotected.

        ``before``, ``after``: memory as it was before it, and is now.
        """
        for byte, lock in self._unheld(held, accesses):
            if any(before(*lock)):
                raise Unprotected([byte])
        for lock in self._written(accesses):
            move = lock_move(lock, accesses, before(*lock), after(*lock), is_held=lock in held)
            if move == "broken":
                raise Unprotected(byte for byte, own in self.protected.items() if own == lock)
            if move == "taken":
                held |= {lock}
            elif move == "given back":
                held -= {lock}
        return held

    def _unheld(self, held: Held, accesses: Sequence[Access]) -> Iterator[tuple[int, Lock]]:
        """The protected bytes accessed whose lock is not held, with that."""
        for _, address, size in accesses:
            for byte in range(address, address + size):
                lock = self.protected.get(byte)
                if lock is not None and lock not in held:
                    yield byte, lock

    def _written(self, accesses: Sequence[Access]) -> list[Lock]:
        """The locks that are written, whether or not that changes them."""
        locks: dict[Lock, None] = {}
        for writes, address, size in accesses:
            if writes:
                for byte in range(address, address + size):
                    if byte in self._lock_of:
                        locks[self._lock_of[byte]] = None
        return list(locks)


def lock_move(lock: Lock, accesses: Sequence[Access], old: bytes, new: bytes, *, is_held: bool) -> LockMove:
    """What an instruction with these accesses does to a lock whose value it makes ``new``.

    ``is_held``: its thread has the lock.
    """
    if old == new:
        return "left"
    if not any(old) and not is_held and (False, *lock) in accesses:
        return "taken"
    return "given back" if is_held and not any(new) else "broken"


def lock_reads(locks: Iterable[Lock]) -> list[Access]:
    """The accesses by which a step depends on these locks."""
    return [(False, Address(address), size) for address, size in locks]
