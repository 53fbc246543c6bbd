"""What an exploration is asked: plain frozen dataclasses, the same on both sides of the sandbox.

Boundary: nothing here imports the emulator. Places in the program are symbols as its symbol table spells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytest_nextrust.emu.records import Address

__all__ = [
    "FAIRNESS",
    "MEMORY",
    "CheckpointFiles",
    "ExploreBatch",
    "ExploreRequest",
    "Fairness",
    "Method",
    "OperationMarks",
    "Variant",
]

Method = Literal["graph", "random", "pct", "compact"]
"""All states, schedules that are drawn by lot or by priorities, or all states as hashes."""

Fairness = Literal["strong", "weak", "none"]
FAIRNESS: tuple[Fairness, ...] = ("strong", "weak", "none")
"""What is assumed of the scheduler: a thread that can move again and again does so, one that can always move does, or
nothing. The first two differ where threads wait without running."""

MEMORY = 7 << 29
"""Bytes that an exploration may hold where nobody says otherwise: 3.5 GiB."""


@dataclass(frozen=True, slots=True)
class OperationMarks:
    """Where operation number ``i`` (its position) is called and has returned in its thread's code.

    ``reads`` are (symbol, size) pairs of bytes that the operation hands back through memory.
    """

    thread: int
    call: str
    returned: str
    reads: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """Where a search is put aside, and from where it goes on, each an absolute path or empty.

    ``identity``: the hash of program and settings that a checkpoint must have.
    """

    identity: str
    write: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """One exploration.

    ``threads`` are the functions that run side by side (twice the same name: two threads of it), each on its own stack;
    ``setup`` runs before them alone, ``check`` after them and answers 0 in d0 where the final state is right.
    ``monitor`` names a function (``module:function`` of this package) that makes the judge of histories from
    ``history``, a plain value. ``objects`` are the (symbol, size) pairs whose bytes a final state is compared by.
    ``daemons``: the threads, by number, that the program does not wait for: it has ended when all others have returned.
    ``spurious_wakeups``: who waits for a condition may wake without a signal.
    ``fairness``: under which scheduler a run must end; under none, only what can never end is looked for.
    Where threads repeat (``loop``) they wait for their turn from ``doorway`` on, or from their first shared access.
    ``signals`` deliveries of ``handler`` may interrupt each thread. ``schedule`` replays: (thread, instructions)
    slices, where 0 instructions are a signal's delivery, from ``loop_from`` on a loop; ``kind`` is the finding it must
    show. ``seed``: by which schedules are drawn, and the keys of hashes. ``choices`` are those made in each slice;
    sampling draws them by ``choose_seed``. ``max_memory``: bytes that the process may hold. ``spill``: the folder for
    states that do not fit. ``checkpoint``: of a search by ``graph``. ``jobs``: the processes that a large one goes on
    in, without ``spill`` and ``checkpoint``.

    ``split``: the addresses of instructions that write in a step of their own after they have read; what is found then
    is no run of the program and has neither trace nor schedule.

    Without ``threads`` the program runs whole, from its own start; it makes its threads itself.
    """

    program: bytes
    cpu: str
    name: str
    threads: tuple[str, ...]
    setup: str | None = None
    check: str | None = None
    operations: tuple[OperationMarks, ...] = ()
    monitor: str | None = None
    history: Any = None
    objects: tuple[tuple[str, int], ...] = ()
    method: Method = "graph"
    daemons: tuple[int, ...] = ()
    spurious_wakeups: bool = False
    fairness: Fairness = "strong"
    reduce: bool = True
    loop: bool = False
    doorway: str | None = None
    handler: str | None = None
    signals: int = 0
    nested: bool = False
    seed: int = 0
    choose_seed: int = 0
    depth: int = 3
    schedules: int = 10_000
    max_states: int = 50_000_000
    max_seconds: float = 60.0
    max_wall: float | None = None
    max_memory: int = MEMORY
    spill: str = ""
    jobs: int = 1
    checkpoint: CheckpointFiles | None = None
    schedule: tuple[tuple[int, int], ...] | None = None
    choices: tuple[tuple[int, ...], ...] = ()
    loop_from: int = -1
    kind: str = ""
    split: tuple[int, ...] = ()

    @property
    def is_program(self) -> bool:
        """Whether the program runs whole, from its own start, and makes its threads itself."""
        return not self.threads


@dataclass(frozen=True, slots=True)
class Variant:
    """An exploration of a program with other bytes in it and more symbols, as C spells them, at places that it has.

    ``request.program`` is left empty.
    """

    request: ExploreRequest
    patches: tuple[tuple[Address, bytes], ...] = ()
    symbols: tuple[tuple[str, Address], ...] = ()


@dataclass(frozen=True, slots=True)
class ExploreBatch:
    """Explorations of one program, one after another; none is begun once ``max_seconds``, or ``max_wall``, are over."""

    program: bytes
    cpu: str
    variants: tuple[Variant, ...]
    max_seconds: float
    max_wall: float | None = None
