"""Which thread runs next and for how many instructions, and which way a call goes that may go several.

* ``RoundRobin``: each thread that can run in turn, for the same number of instructions.
* ``Drawn``: the next thread and its share are drawn by a seed. Half of the shares are short, since what two threads do
  to each other depends on a few instructions.
* ``Followed``: as an exploration found it.

A wait that may end at any time (a *timed* one) ends under turns only where no thread could run otherwise: no time
passes while something happens. Drawn, it is as likely as another thread's turn.

Boundary: slots and numbers. Which threads there are and what they wait for is ``task_threads``'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from pytest_nextrust.emu.kernel.threads import SLOTS
from pytest_nextrust.emu.records import RunRequest, Schedule, Slice

if TYPE_CHECKING:
    from random import Random

__all__ = ["Drawn", "Followed", "RoundRobin", "Scheduler", "scheduler_of"]

QUANTUM = 10_000
"""Instructions of a turn."""
LONGEST_BITS = 12
"""Instructions of a share that is drawn: up to a power of two, the smaller of two that are drawn first, 1 to 4,096."""


class Scheduler(Protocol):
    """``follows``: it says which thread runs whether or not that can, and which way timed waits go too."""

    follows: bool

    def asked(self) -> int | None:
        """The thread that must run next; None: any may."""
        ...

    def next(self, current: int, ready: Sequence[int], timed: Sequence[int]) -> int:
        """The thread that runs next, of those that can, or of those whose wait ends by it; there is one."""
        ...

    def share(self) -> int:
        """For how many instructions it runs, at least 1."""
        ...

    def choose(self, ways: int) -> int:
        """Which way a call goes."""
        ...


class RoundRobin:
    """Turns. ``seed``: by which ways are drawn; the first always for 0."""

    follows = False

    def __init__(self, seed: int = 0) -> None:
        self._ways = _random(seed) if seed else None

    def asked(self) -> None:
        """Any may."""

    def next(self, current: int, ready: Sequence[int], timed: Sequence[int]) -> int:
        """The one after the current one."""
        return min(ready or timed, key=lambda slot: (slot - current - 1) % SLOTS)

    def share(self) -> int:
        """The same for all."""
        return QUANTUM

    def choose(self, ways: int) -> int:
        """The first, or one that is drawn."""
        return 0 if self._ways is None else self._ways.randrange(ways)


class Drawn(RoundRobin):
    """Turns of random length in random order, by ``seed``; ways by ``ways_seed``."""

    def __init__(self, seed: int, ways_seed: int) -> None:
        super().__init__(ways_seed)
        self._turns = _random(seed)

    def next(self, current: int, ready: Sequence[int], timed: Sequence[int]) -> int:
        """Any."""
        del current
        return self._turns.choice(sorted((*ready, *timed)))

    def share(self) -> int:
        """Short ones are likely."""
        bits = min(self._turns.randint(0, LONGEST_BITS), self._turns.randint(0, LONGEST_BITS))
        return self._turns.randint(1, 1 << bits)


class Followed:
    """The slices of a schedule, and turns where it is over."""

    follows = True

    def __init__(self, schedule: Schedule) -> None:
        self._slices = _slices(schedule)
        self._slice = Slice(0, 0)
        self._choices: Iterator[int] = iter(())
        self._turns = RoundRobin()

    def asked(self) -> int | None:
        """The next slice's."""
        piece = next(self._slices, None)
        self.follows = piece is not None
        self._slice = piece or Slice(0, QUANTUM)
        self._choices = iter(self._slice.choices)
        return None if piece is None else piece.thread

    def next(self, current: int, ready: Sequence[int], timed: Sequence[int]) -> int:
        """In turn."""
        return self._turns.next(current, ready, timed)

    def share(self) -> int:
        """The slice's length."""
        return self._slice.instructions

    def choose(self, ways: int) -> int:
        """The slice's next choice."""
        return min(next(self._choices, 0), ways - 1)


def _slices(schedule: Schedule) -> Iterator[Slice]:
    yield from schedule.slices
    repeated = schedule.slices[schedule.loop_from :] if schedule.loop_from >= 0 else ()
    while any(piece.instructions for piece in repeated):
        yield from repeated


def _random(seed: int) -> Random:
    # Loaded where it is asked for: the machine starts without it.
    from random import Random

    return Random(seed)


def scheduler_of(request: RunRequest) -> Scheduler:
    """The scheduler that a run asks for."""
    if request.schedule is not None:
        return Followed(request.schedule)
    if request.schedule_seed is not None:
        return Drawn(request.schedule_seed, request.choose_seed)
    return RoundRobin(request.choose_seed)
