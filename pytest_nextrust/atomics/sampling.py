"""Sampling histories whose graph is too large: schedules drawn at random, and what that is worth.

First every thread is as likely as any other, then by probabilistic concurrency testing (``explore.child.sample``),
whose guarantee goes into the record. A finding is one like any other, with the run and a token; without one there is no
verdict, however many schedules were drawn.

Boundary: the parent's side; ``explore`` draws the schedules, in the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_nextrust.explore.answer import Finding
from pytest_nextrust.explore.client import Caller, explore
from pytest_nextrust.explore.request import ExploreRequest, Method

__all__ = ["DEPTH", "SCHEDULES", "Sampled", "sample"]

SCHEDULES = 20_000
"""Schedules of each method, where the time allows."""
DEPTH = 3
"""Ordering constraints among threads that a defect may need for the guarantee to speak of it."""
METHODS: tuple[Method, ...] = ("random", "pct")


@dataclass(frozen=True, slots=True)
class Sampled:
    """What sampling came to; ``request`` is the one that found it, or else the last."""

    request: ExploreRequest
    schedules: int = 0
    seconds: float = 0.0
    guarantee: str = ""
    finding: Finding | None = None


def sample(machine: Caller, request: ExploreRequest, seconds: float, seed: int) -> Sampled:
    """Draw schedules by each method until one fails, for about so many seconds. Raises HarnessFault."""
    request = replace(request, seed=seed, depth=DEPTH, schedules=SCHEDULES, max_seconds=seconds / len(METHODS))
    out = Sampled(request)
    for method in METHODS:
        if out.finding is None:
            request = replace(request, method=method)
            answer = explore(machine, request)
            out = Sampled(
                request,
                out.schedules + answer.schedules,
                out.seconds + answer.seconds,
                answer.guarantee or out.guarantee,
                answer.finding,
            )
    return out
