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

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access

__all__ = ["NONE_HELD", "CriticalSections", "Held", "Lock", "Unprotected", "changed_locks", "lock_reads"]

ReadMemory = Callable[[int, int], bytes]
"""Bytes of memory by address and size."""

Lock = tuple[int, int]
"""Its address and width in bytes."""

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
        locks: dict[Lock, None] = {}
        for writes, address, size in accesses:
            for byte in range(address, address + size):
                lock = self.protected.get(byte)
                if lock is not None and lock not in held:
                    locks[lock] = None
                if writes and byte in self._lock_of:
                    locks[self._lock_of[byte]] = None
        return list(locks)

    def after(self, held: Held, accesses: Sequence[Access], before: ReadMemory, after: ReadMemory) -> Held:
        """The locks that a thread holds after an instruction. Raises Unprotected.

        ``before``, ``after``: memory as it was before it, and is now.
        """
        for _, address, size in accesses:
            for byte in range(address, address + size):
                lock = self.protected.get(byte)
                if lock is not None and lock not in held and any(before(*lock)):
                    raise Unprotected([byte])
        for lock in changed_locks(self._lock_of, accesses, before, after):
            taken = _is_taken(lock, accesses, before)
            if taken and lock not in held:
                held |= {lock}
            elif lock in held and not any(after(*lock)):
                held -= {lock}
            else:
                raise Unprotected(byte for byte, own in self.protected.items() if own == lock)
        return held


def changed_locks(
    lock_of: Mapping[int, Lock], accesses: Sequence[Access], before: ReadMemory, after: ReadMemory
) -> list[Lock]:
    """The locks whose value an instruction has changed."""
    written = {
        lock_of[byte]: None
        for writes, address, size in accesses
        if writes
        for byte in range(address, address + size)
        if byte in lock_of
    }
    return [lock for lock in written if before(*lock) != after(*lock)]


def _is_taken(lock: Lock, accesses: Sequence[Access], before: ReadMemory) -> bool:
    """Whether an instruction that changed a lock has read it as free."""
    return not any(before(*lock)) and any(not writes and (address, size) == lock for writes, address, size in accesses)


def lock_reads(locks: Iterable[Lock]) -> list[Access]:
    """The accesses by which a step depends on these locks."""
    return [(False, Address(address), size) for address, size in locks]
