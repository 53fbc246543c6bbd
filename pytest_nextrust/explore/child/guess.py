"""What is shared, as it is guessed before the first round and after one that was contradicted.

The first guess is what two threads touch, one of them writing, each run alone and all run side by side for a while, in
an order by lot that is the same in every exploration. A round that was contradicted says what is shared besides; where
that comes to bytes of the same object a second time, the whole object is taken for shared, for it will be an array of
which each round would find another element. To take more for shared than is loses no states, and costs some. The same
runs say which lock protects what, as far as they go.

Boundary: child process only. Nothing here is believed: see ``accesses``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import D0, D1, PC, pack, register_of
from pytest_nextrust.emu.kernel.threads import ThreadCall
from pytest_nextrust.explore.child.critical_sections import FREE, WORD
from pytest_nextrust.explore.child.execute import Executed, ScheduleExecutor
from pytest_nextrust.explore.child.macro_steps import SENTINEL, ThreadStart

__all__ = ["ProtectingLocks", "Widening", "both_touch", "runs_side_by_side"]

ALONE = 3_000
"""Instructions of each thread, run alone."""

RUNS, SIDE_BY_SIDE = 4, 2_000
"""Runs of all threads by lot, and the instructions of each."""

SLICES = (1, 1, 2, 4, 8, 24)
"""Instructions that a thread is left to run, one of these by lot."""

WIDEST = 4_096
"""Bytes of an object that is taken for shared as a whole; of a larger one, those around."""


def both_touch(stepper: Stepper, threads: Iterable[tuple[int, ThreadStart]]) -> frozenset[int]:
    """The bytes that two threads, by number, touch when each runs alone from the image for a while, one writing.

    A number may come several times: what that thread may be.
    """
    readers: dict[int, int] = {}
    writers: dict[int, int] = {}
    for thread, start in threads:
        stepper.restore()
        state = pack(start.entry, start.sp)
        stepper.load(state)
        for _ in range(ALONE):
            if register_of(state, PC) == SENTINEL or stepper.step() is not None:
                break
            state = stepper.state()
            for writes, address, size in stepper.events:
                table = writers if writes else readers
                for byte in range(address, address + size):
                    table[byte] = table.get(byte, 0) | 1 << thread
    both = {byte: mask | readers.get(byte, 0) for byte, mask in writers.items()}
    return frozenset(byte for byte, mask in both.items() if mask & (mask - 1))


def runs_side_by_side(
    executor: Callable[[], ScheduleExecutor], runs: int = RUNS, instructions: int = SIDE_BY_SIDE
) -> list[list[Executed]]:
    """A few runs of all threads; each is of a new executor."""
    rng = random.Random(0)
    done = []
    for _ in range(runs):
        threads, run = executor(), list[Executed]()
        while len(run) < instructions and (moving := threads.running):
            thread = rng.choice(moving)
            for _ in range(rng.choice(SLICES)):
                if threads.can_move(thread):
                    run.append(threads.step(thread, rng.randrange(threads.choices(thread))))
        done.append(run)
    return done


class ProtectingLocks:
    """The lock of every shared byte that runs access only while its thread holds it, or nobody does.

    See ``critical_sections``. ``original``: a byte of memory before a run.
    """

    def __init__(self, shared: frozenset[int], original: Callable[[int], int]) -> None:
        self._shared = shared
        self._original = original
        self._memory: dict[int, int] = {}
        self._locks: set[int] = set()
        self._held_for: dict[int, set[int]] = {}
        self._foreign: dict[int, set[int]] = {}

    def note(self, run: Iterable[Executed]) -> None:
        """Take one run, from its start."""
        self._memory.clear()
        for done in run:
            if done.touches and register_of(done.before, D0) == ThreadCall.ACQUIRE:
                self._locks.add(register_of(done.before, D1))
            touched = [byte for _, at, size, _ in done.touches for byte in range(at, at + size)]
            self._accessed(done.thread, self._shared.intersection(touched))
            for writes, address, size, value in done.touches:
                if writes:
                    self._memory.update(enumerate(value.to_bytes(size, "big"), address))

    def _accessed(self, thread: int, shared: Iterable[int]) -> None:
        """Take an access to these bytes."""
        if not shared:
            return
        held = {lock for lock in self._locks if self._holder(lock) == thread + 1}
        others = {lock for lock in self._locks - held if self._holder(lock) != FREE}
        for byte in shared:
            self._foreign.setdefault(byte, set()).update(others)
            if held:
                self._held_for[byte] = self._held_for.get(byte, held) & held

    def protected(self) -> dict[int, int]:
        """The address of the lock of each protected byte."""
        words = {lock + at for lock in self._locks for at in range(WORD)}
        found = {byte: own - self._foreign[byte] for byte, own in self._held_for.items() if byte not in words}
        return {byte: min(own) for byte, own in found.items() if own}

    def _holder(self, lock: int) -> int:
        places = range(lock, lock + WORD)
        memory = self._memory
        return int.from_bytes(bytes(memory[at] if at in memory else self._original(at) for at in places), "big")


class Widening:
    """Makes more of what contradicted a guess. ``extent`` answers the addresses of the object that a byte is of."""

    def __init__(self, extent: Callable[[int], range]) -> None:
        self._extent = extent
        self._contradicted: set[range] = set()

    def widened(self, addresses: frozenset[int]) -> frozenset[int]:
        """What is to be taken for shared after these contradicted."""
        found = set(addresses)
        objects = {self._extent(address): address for address in addresses}
        for place, address in objects.items():
            if place in self._contradicted:
                around = range(address - WIDEST // 2, address + WIDEST // 2)
                whole = len(place) <= WIDEST
                found.update(place if whole else (byte for byte in around if byte in place))
        self._contradicted |= objects.keys()
        return frozenset(found)
