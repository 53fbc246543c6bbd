"""Which lock protects which byte: found out, and by contradiction, as what is shared is.

A lock is a word that a thread takes by ``ThreadCall.ACQUIRE``: 0 while it is free, else the slot of its holder and one.
A byte is *protected* by a lock as long as nobody accesses it while another thread holds that lock. Accesses of the
holder then commute with whatever the others do until it lets the lock go, so they end no macro-step: what follows the
taking of a lock, up to the next access that is not so protected, is one step (Lipton, "Reduction: a method of proving
properties of parallel programs", CACM 18(12), 1975; the discipline is that of Savage et al., "Eraser", TOCS 15(4),
1997). An access by a thread that does not hold the lock is a step of its own, and contradicts where another thread
holds it; so does changing the word of a lock that another thread holds. The states that are left out are those in which
a thread is inside a section. In the one that is kept for them it is at the section's end, holds its lock too, and the
others are where they were: whoever could contradict in the first can in the second.

Boundary: bytes and words; whose turn it is is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access

__all__ = ["FREE", "WORD", "CriticalSections", "Unprotected", "lock_reads"]

WORD = 4
FREE = 0

ReadMemory = Callable[[int, int], bytes]
"""Bytes of memory by address and size."""


class Unprotected(Exception):
    """Bytes taken for protected by a lock are not."""

    def __init__(self, addresses: Iterable[int]) -> None:
        super().__init__()
        self.addresses = frozenset(addresses)


class CriticalSections:
    """``protected``: the address of the lock of each protected byte."""

    def __init__(self, protected: Mapping[int, int]) -> None:
        self.protected = dict(protected)
        self._lock_of = {lock + byte: lock for lock in set(protected.values()) for byte in range(WORD)}

    def inside(
        self, thread: int, accesses: Sequence[Access], shared: Container[int], read: ReadMemory
    ) -> list[int] | None:
        """The locks that the thread holds for all that these accesses share with others; None where one is missing."""
        locks: list[int] = []
        for _, address, size in accesses:
            for byte in range(address, address + size):
                if byte not in shared:
                    continue
                lock = self.protected.get(byte)
                if lock is None:
                    return None
                if lock not in locks:
                    if _word(read, lock) != thread + 1:
                        return None
                    locks.append(lock)
        return locks

    def outside(self, thread: int, accesses: Sequence[Access], before: ReadMemory, after: ReadMemory) -> list[int]:
        """The locks that an access which is a step of its own has to do with. Raises Unprotected.

        ``before``, ``after``: memory as it was before it, and is now.
        """
        locks: list[int] = []
        for writes, address, size in accesses:
            for byte in range(address, address + size):
                lock = self.protected.get(byte)
                is_broken = lock is not None
                if lock is None and writes:
                    lock = self._lock_of.get(byte)
                    is_broken = before(byte, 1) != after(byte, 1)
                if lock is None:
                    continue
                if is_broken and _word(before, lock) not in (FREE, thread + 1):
                    raise Unprotected(self._of(lock) if byte in self._lock_of else [byte])
                if lock not in locks:
                    locks.append(lock)
        return locks

    def _of(self, lock: int) -> list[int]:
        return [byte for byte, own in self.protected.items() if own == lock]


def _word(read: ReadMemory, address: int) -> int:
    return int.from_bytes(read(address, WORD), "big")


def lock_reads(locks: Iterable[int]) -> list[Access]:
    """The accesses by which a step depends on these locks."""
    return [(False, Address(lock), WORD) for lock in locks]
