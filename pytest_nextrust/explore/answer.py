"""What an exploration answers: plain frozen dataclasses, the same on both sides of the sandbox.

Boundary: nothing here imports the emulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pytest_nextrust.emu.records import Address, Slice
from pytest_nextrust.explore.request import Fairness

__all__ = [
    "INTERRUPTED",
    "AccessRecord",
    "ExploreAnswer",
    "ExploreAnswers",
    "Finding",
    "FirstWrongStep",
    "HashedStates",
    "SharedUpdate",
    "Slice",
    "TraceStep",
]


INTERRUPTED = "it was interrupted"
"""What the note of an answer says of a search that SIGINT or SIGTERM ended."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One access of one instruction: ``value`` is what was read or written, as an unsigned number of ``size`` bytes."""

    write: bool
    address: Address
    size: int
    value: int
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One instruction of a failing run, in the order in which they happened.

    ``registers`` are those that it changed, with what it left in them; ``flags`` the condition codes after it, XNZVC
    with - for what is clear.
    """

    thread: int
    pc: Address
    function: str
    line: str
    instruction: str
    access: tuple[AccessRecord, ...] = ()
    note: str = ""
    registers: tuple[tuple[str, int], ...] = ()
    flags: str = ""


@dataclass(frozen=True, slots=True)
class FirstWrongStep:
    """The first step at which the code does other than its meaning: its number in the trace, the instruction's address,
    and a sentence about it."""

    step: int
    pc: Address
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect: what kind, in words, the schedule that shows it, and the run under that schedule.

    ``kind`` is history, final, fault, register, deadlock, livelock, divergence, endless, starvation or overtaking. The
    schedule repeats for ever from slice ``loop_from`` on (-1: nothing does). ``state`` is the number under which the
    search met it: of a state, or of a schedule where they are drawn. ``switches`` are the schedule's context switches,
    ``shortest``: nothing shorter was missed for want of time. ``holds`` says who waits for what. ``first_wrong_step``
    is given where it can be determined.
    """

    kind: str
    message: str
    slices: tuple[Slice, ...]
    trace: tuple[TraceStep, ...]
    loop: tuple[TraceStep, ...] = ()
    state: int = 0
    shortest: bool = True
    loop_from: int = -1
    switches: int = 0
    holds: tuple[str, ...] = ()
    first_wrong_step: FirstWrongStep | None = None

    @property
    def threads(self) -> int:
        """How many threads its schedule needs. The first may wait for ever where it begins, and have none to run."""
        return 1 + max((piece.thread for piece in self.slices), default=0)


@dataclass(frozen=True, slots=True)
class SharedUpdate:
    """An instruction that reads shared memory and writes it in one step."""

    pc: Address
    function: str
    line: str
    instruction: str


@dataclass(frozen=True, slots=True)
class HashedStates:
    """What was kept of states: hashes of so many ``bits``, by keys of ``seed``.

    ``omission``: the probability, at most, of leaving a state out and ending with no more states than were seen. It
    assumes nothing but that the keys are random.
    """

    bits: int
    seed: int
    omission: float


@dataclass(frozen=True, slots=True)
class ExploreAnswer:
    """What an exploration found. ``exhausted``: every reachable state was seen, a proof where there is no finding.

    ``hashed``: that was by the hashes of states alone, and nothing is proved. ``note`` says why there is no verdict.
    ``overtaking``, where threads repeat: per thread the most rounds that others complete while it waits for its turn;
    None: no bound. ``fairness`` is what was assumed of the scheduler, ``threads`` how many there were at once.
    ``updates``: the instructions met that are atomic reads and writes.
    """

    name: str
    verdict: Literal["passed", "failed", "budget"]
    method: Literal["proof", "sample", "compact"]
    exhausted: bool
    states: int
    transitions: int
    instructions: int
    seconds: float
    rounds: int = 1
    shared: tuple[int, ...] = ()
    schedules: int = 0
    guarantee: str = ""
    finding: Finding | None = None
    overtaking: tuple[int | None, ...] = field(default=())
    note: str = ""
    fairness: Fairness = "strong"
    threads: int = 0
    checkpoint: str = ""
    updates: tuple[SharedUpdate, ...] = ()
    hashed: HashedStates | None = None

    @property
    def complete(self) -> bool:
        """Whether this is a proof."""
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True)
class ExploreAnswers:
    """The answers of a batch, in order; fewer than its explorations where its time was over.

    ``seconds``: of CPU time, all of the batch, with what is loaded before a search begins.
    """

    answers: tuple[ExploreAnswer, ...]
    seconds: float = 0.0
