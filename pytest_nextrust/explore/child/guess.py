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
from collections.abc import Callable, Iterable, Sequence

from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import PC, pack, register_of
from pytest_nextrust.explore.child.critical_sections import Lock, lock_move
from pytest_nextrust.explore.child.execute import Executed, ScheduleExecutor
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.step_options import ThreadStart

__all__ = ["ProtectingLocks", "Widening", "both_touch", "runs_side_by_side"]

ALONE = 3_000
"""Instructions of each thread, run alone."""

RUNS, SIDE_BY_SIDE = 4, 2_000
"""Runs of all threads by lot, and the instructions of each."""

NOTHING_NEW = 500
"""Instructions after which a run ends in which no thread has come to code or memory that is new to it."""

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
    """A few runs of all threads, each of a new executor; one in which threads only spin ends early."""
    rng = random.Random(0)
    done = []
    for _ in range(runs):
        threads, run = executor(), list[Executed]()
        touched, last_new = set[tuple[int, int]](), 0
        while len(run) < instructions and len(run) - last_new < NOTHING_NEW and (moving := threads.running):
            thread = rng.choice(moving)
            for _ in range(rng.choice(SLICES)):
                if threads.can_move(thread):
                    step = threads.step(thread, rng.randrange(threads.choices(thread)))
                    run.append(step)
                    new = {(thread, address) for _, address, _, _ in step.touches} | {(thread, step.pc)}
                    if not new <= touched:
                        touched |= new
                        last_new = len(run)
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
        self._locks: set[Lock] = set()
        self._no_locks: set[Lock] = set()
        self._holders: dict[Lock, int] = {}
        self._held_for: dict[int, set[Lock]] = {}
        self._foreign: dict[int, set[Lock]] = {}

    def note(self, run: Iterable[Executed]) -> None:
        """Take one run, from its start."""
        self._memory.clear()
        self._holders.clear()
        for done in run:
            touched = [byte for _, at, size, _ in done.touches for byte in range(at, at + size)]
            self._accessed(done.thread, self._shared.intersection(touched))
            writes = [(at, size) for writes, at, size, _ in done.touches if writes]
            if writes:
                self._changed(done, writes)

    def protected(self) -> dict[int, Lock]:
        """The lock of each protected byte."""
        locks = self._locks - self._no_locks
        places = {address + at for address, size in locks for at in range(size)}
        found = {byte: (own & locks) - self._foreign[byte] for byte, own in self._held_for.items()}
        return {byte: min(own) for byte, own in found.items() if own and byte not in places}

    def _accessed(self, thread: int, shared: Iterable[int]) -> None:
        """Take an access to these bytes."""
        if not shared:
            return
        held = {lock for lock, holder in self._holders.items() if holder == thread}
        others = {lock for lock in self._locks - held if any(self._read(*lock))}
        for byte in shared:
            self._foreign.setdefault(byte, set()).update(others)
            if held:
                self._held_for[byte] = self._held_for.get(byte, held) & held

    def _changed(self, done: Executed, writes: Sequence[tuple[int, int]]) -> None:
        """Take what an instruction wrote: locks that were taken or given back, and what is no lock after all."""
        accesses = [touch[:3] for touch in done.touches]
        looked_at = {(at, size) for is_write, at, size in accesses if not is_write}
        self._locks |= {lock for lock in looked_at.intersection(writes) if not any(self._read(*lock))}
        near = [lock for lock in self._locks if any(at < sum(lock) and lock[0] < at + size for at, size in writes)]
        before = {lock: self._read(*lock) for lock in near}
        for is_write, address, size, value in done.touches:
            if is_write:
                self._memory.update(enumerate(value.to_bytes(size, "big"), address))
        for lock in near:
            is_held = self._holders.get(lock) == done.thread
            move = lock_move(lock, accesses, before[lock], self._read(*lock), is_held=is_held)
            if move == "taken":
                self._holders[lock] = done.thread
            elif move == "given back":
                del self._holders[lock]
            elif move == "broken":
                self._no_locks.add(lock)

    def _read(self, address: int, size: int) -> bytes:
        memory, places = self._memory, range(address, address + size)
        return bytes(memory[at] if at in memory else self._original(at) for at in places)


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
