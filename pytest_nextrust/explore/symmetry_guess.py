"""Which threads are taken for symmetric, and what an exchange of them does to the memory that they share.

The first guess is that it does nothing to it. Where that is contradicted a *renaming* is tried: memory of which each
thread has its own changes places with the threads, and words that hold a thread's number, or the address of such
memory, hold the other's. Which bytes and words those are is learned from the contradictions, one by one: see
``renamed_symmetry``. Where nothing can be learned from one, the search goes on with fewer threads taken for symmetric.

Boundary: numbers and tuples. Nothing here is believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import factorial, prod

__all__ = ["Asymmetric", "Counterparts", "Partition", "Renaming", "SymmetryGuess"]

Partition = tuple[tuple[int, ...], ...]
"""Threads that are taken for symmetric, in classes; one in no class is symmetric to no other."""

EXCHANGES = 120
"""Exchanges of threads under which memory is renamed, at most: each step is compared under every one of them."""

LESSONS = 8
"""Contradictions of a search from which a renaming is learned; after that many it is given up."""


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Numbers that change places with the threads of a class: one for each of them, by position in the class."""

    group: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Renaming:
    """What an exchange of threads does to shared memory.

    ``own``: addresses of bytes of which each thread has its own. ``words``: address and width of what holds names.
    ``addresses``: names that any of the words may hold; ``names``: those of the words that change places with the one
    at the address beside them.
    """

    own: tuple[Counterparts, ...] = ()
    words: tuple[tuple[int, int], ...] = ()
    addresses: tuple[Counterparts, ...] = ()
    names: tuple[tuple[int, Counterparts], ...] = ()


class Asymmetric(Exception):
    """Threads taken for symmetric are not: ``partition`` is what may still be. With a ``renaming`` they may all be."""

    def __init__(self, partition: Iterable[tuple[int, ...]], renaming: Renaming | None = None) -> None:
        super().__init__()
        self.partition: Partition = tuple(threads for threads in partition if len(threads) > 1)
        self.renaming = renaming


@dataclass(frozen=True, slots=True)
class SymmetryGuess:
    """``renaming``: None where shared memory is to stay as it is. ``smaller``: the threads that are taken for symmetric
    where it is given up, and what contradicts it does not say who may be. ``renames``: whether one may be tried.
    ``lessons``: how much searches have taught.
    """

    partition: Partition = ()
    renaming: Renaming | None = None
    smaller: Partition = ()
    renames: bool = False
    lessons: int = 0

    def contradicted(self, contradiction: Asymmetric) -> SymmetryGuess:
        """The next guess."""
        if contradiction.renaming is not None and self.lessons < LESSONS:
            return replace(self, renaming=contradiction.renaming, lessons=self.lessons + 1)
        if self.renaming is not None and contradiction.partition not in ((), self.partition):
            return replace(self, partition=contradiction.partition, renaming=Renaming(), lessons=0)
        if self.renaming is not None:
            return SymmetryGuess(self.smaller, renames=self.renames)
        if self.renames and prod(factorial(len(threads)) for threads in self.partition) <= EXCHANGES:
            return replace(self, renaming=Renaming(), smaller=contradiction.partition, lessons=0)
        return SymmetryGuess(contradiction.partition, renames=self.renames)
