"""Asking the sandbox to explore: a single program, many variants of one, or a run again.

Boundary: the parent's side; the work is ``child.worker``'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.explore.answer import ExploreAnswer, ExploreAnswers
from pytest_nextrust.explore.request import ExploreBatch, ExploreRequest, Variant

__all__ = ["BUSY", "GRACE", "Caller", "OnProgress", "explore", "explore_batch", "rerun"]

WORKER = "pytest_nextrust.explore.child.worker:"
RERUN_SECONDS = 600.0
BUSY, GRACE = 20.0, 60.0
"""Seconds on the clock for a second of budget, which is CPU time, on a host that does much else; and on top of it."""

OnProgress = Callable[[str], None]
"""Is given a line about how far the work is."""


class Caller(Protocol):
    """The sandbox, as far as it is used here."""

    def call(self, function: str, payload: Any, timeout: float, *, on_progress: OnProgress = ...) -> Any: ...


def _silent(line: str) -> None:
    del line


def explore(machine: Caller, request: ExploreRequest, on_progress: OnProgress = _silent) -> ExploreAnswer:
    """Explore one program. Raises NotRunnable, HarnessFault."""
    variant = Variant(dataclasses.replace(request, program=b""))
    batch = ExploreBatch(request.program, request.cpu, (variant,), request.max_seconds)
    return explore_batch(machine, batch, on_progress).answers[0]


def explore_batch(machine: Caller, batch: ExploreBatch, on_progress: OnProgress = _silent) -> ExploreAnswers:
    """Explore variants of one program; fewer answers where the batch's time was over. Raises as ``explore`` does."""
    limit = BUSY * batch.max_seconds + GRACE
    plain = machine.call(WORKER + "explore", to_plain(batch), limit, on_progress=on_progress)
    return from_plain(ExploreAnswers, plain)


def rerun(machine: Caller, request: ExploreRequest, on_progress: OnProgress = _silent) -> ExploreAnswer:
    """Run the request's ``schedule``. Raises HarnessFault where it does not show the finding that it names."""
    plain = machine.call(WORKER + "replay", to_plain(request), RERUN_SECONDS, on_progress=on_progress)
    return from_plain(ExploreAnswer, plain)
