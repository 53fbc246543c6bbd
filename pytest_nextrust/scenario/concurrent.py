"""What a scenario says of threads: ``[concurrent]``, a program to explore, and ``[atomics]``, routines to check.

Boundary: tables with their rules; ``scenarios`` reads them, ``verify`` does what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_nextrust.base.convert import option
from pytest_nextrust.errors import Fault

__all__ = ["DEFECTS", "FINDINGS", "KINDS", "Atomics", "Concurrent"]

FINDINGS = ("final", "fault", "deadlock", "livelock", "divergence", "endless", "starvation")
"""What exploring a concurrent test can find."""

DEFECTS = (
    "history",
    "final",
    "fault",
    "deadlock",
    "livelock",
    "divergence",
    "endless",
    "result",
    "neighbour",
    "register",
    "outside",
)
"""What checking atomic routines can find."""

KINDS = ("same", "overlap", "straddle", "shared-lock")
"""How the objects of two calls may lie to each other."""


@dataclass(frozen=True)
class Concurrent:
    """How the program's threads are explored, and what that must come to: ``passed``, or a kind of finding.

    ``daemons``: threads, by number, whose return the program does not wait for. ``spurious_wakeups``: who waits for a
    condition may wake without a signal. ``fairness``: what is assumed of the
    scheduler. ``signals`` deliveries of ``nextrust_signal`` to each thread; ``states`` and ``seconds`` bound the
    search. With ``loop``, ``overtaking`` is how many rounds of others may at most pass a thread that waits.
    """

    expect: str = option(choices=("passed", *FINDINGS))
    signals: int = option(default=0, minimum=0, maximum=16)
    nested: bool = False
    loop: bool = False
    daemons: tuple[int, ...] = option(default=(), minimum=0, maximum=7)
    spurious_wakeups: bool = False
    fairness: Literal["strong", "weak", "none"] = "strong"
    overtaking: int | None = option(default=None, minimum=0)
    reduce: bool = True
    states: int | None = option(default=None, minimum=1)
    seconds: float | None = option(default=None, minimum=0.01)

    def document_faults(self) -> Iterator[Fault]:
        if self.nested and not self.signals:
            yield Fault("nested", "no signals are delivered", "give signals too")
        if self.expect == "starvation" and not self.loop:
            yield Fault("expect", "threads that end cannot starve", "give loop = true too")
        if self.expect == "endless" and (self.loop or self.fairness == "none"):
            yield Fault("expect", "endless runs are not looked for", 'leave loop and fairness = "none" out')
        if self.daemons and self.loop:
            yield Fault("daemons", "threads that repeat for ever all go on", "leave daemons or loop out")
        if self.overtaking is not None and not (self.loop and self.expect == "passed"):
            yield Fault("overtaking", "bounds what passes with loop", 'give loop = true and expect = "passed" too')


@dataclass(frozen=True)
class Atomics:
    """Which atomic routines are checked, how far, and what that must come to: ``passed``, or a kind of finding.

    The routines are those of the scenario's ``[program]``, of the shipped ``runtime``, or what ``compiler`` makes of
    every atomic operation. ``require``: "all" or names of routines that must be there. ``conformance``: each routine
    alone. ``pairs``: two calls, by how their objects lie; of these, where ``sizes`` (bytes) is given, only those in
    which all objects are of one of these sizes. ``crowds``: "THREADSxCALLS". ``signals``: deliveries of a handler to
    each interrupted call. ``fairness``: what is assumed of the scheduler. ``states`` and ``seconds`` bound the search,
    ``seconds`` all of it; ``first`` ends it soon after the first finding.
    """

    expect: str = option(choices=("passed", *DEFECTS))
    runtime: str | None = option(default=None, choices=("cas", "spinlock"))
    compiler: str | None = option(
        default=None, pattern=r"gnu|clang(-[1-9][0-9]?)?|rust", remedy="gnu, clang, clang-N or rust"
    )
    level: str | None = option(default=None, choices=("0", "1", "2", "3", "s", "z"))
    require: tuple[str, ...] = ()
    overlap: str = option(default="same-size", choices=("same-size", "mixed"))
    conformance: bool = True
    pairs: tuple[str, ...] = option(default=KINDS, choices=KINDS)
    sizes: tuple[int, ...] = option(default=(), minimum=1, maximum=1024)
    crowds: tuple[str, ...] = option(
        default=("2x3", "3x2"), pattern=r"[1-4]x([1-9]|1[0-6])", remedy="THREADSxCALLS, such as 2x3; 4x16 at most"
    )
    signals: int = option(default=0, minimum=0, maximum=16)
    fairness: Literal["strong", "weak", "none"] = "strong"
    states: int | None = option(default=None, minimum=1)
    seconds: float | None = option(default=None, minimum=0.01)
    seed: int = option(default=1, minimum=0)
    first: bool = False

    def document_faults(self) -> Iterator[Fault]:
        if self.runtime is not None and self.compiler is not None:
            yield Fault("compiler", "given beside runtime", "check them in two scenarios")
        if self.compiler is not None and self.require:
            yield Fault("require", "has no meaning beside compiler", "its functions are made, not required")
        if not (self.conformance or self.pairs or self.crowds or self.signals):
            yield Fault("(table)", "nothing is left to check", "keep one of conformance, pairs, crowds and signals")
        if self.first and self.expect == "passed":
            yield Fault("first", "a check that must pass has no first finding", "take it away")

    @property
    def parties(self) -> tuple[tuple[int, int], ...]:
        """``crowds`` as (threads, calls of each)."""
        found = (re.fullmatch(r"(\d+)x(\d+)", crowd) for crowd in self.crowds)
        return tuple((int(match[1]), int(match[2])) for match in found if match)
