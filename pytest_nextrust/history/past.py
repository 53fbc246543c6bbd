"""The journal's runs as observations: what had changed since the run before, and which items were bad then.

What changed is what differs between a run's commit and that of the run before, whichever way they lie to each other:
verdicts are about trees. What was refused, skipped, or ended for want of room or a compiler is
no evidence, as for the trend.

Boundary: joins ``status.runs`` with ``repository``; what follows from it is ``likely``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from pytest_nextrust.history.repository import Repository
from pytest_nextrust.status.records import BAD, ItemKey
from pytest_nextrust.status.runs import Run, RunStore
from pytest_nextrust.status.trend import is_evidence

__all__ = ["RUNS", "Observation", "observe_past"]

RUNS = 200
"""How many of the newest runs are looked at."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One run. ``changed``: the paths, None where that is not known; ``bad``: each item that gave evidence, in the
    order in which the run announced them; ``seconds``: how long each took."""

    run: str
    commit: str
    changed: frozenset[str] | None
    bad: Mapping[ItemKey, bool]
    seconds: Mapping[ItemKey, float] = field(default_factory=dict)


def observe_past(store: RunStore, repository: Repository, count: int = RUNS) -> list[Observation]:
    """The last ``count`` announced runs that have a commit, oldest first. Raises HistoryError."""
    runs = [run for run in store.newest_runs(count) if run.commit]
    pairs = [(before.commit, run.commit) for before, run in pairwise(runs)]
    changes = [None, *repository.differences(pairs)] if runs else []
    return [_observation(store, run, changed) for run, changed in zip(runs, changes, strict=True)]


def _observation(store: RunStore, run: Run, changed: frozenset[str] | None) -> Observation:
    verdicts = store.verdicts(run=run.id)
    keys = dict.fromkeys([*run.expected, *verdicts])
    items = [verdicts[key] for key in keys if key in verdicts and is_evidence(verdicts[key])]
    return Observation(
        run.id,
        run.commit,
        changed,
        {item.key: item.verdict in BAD for item in items},
        {item.key: max(item.seconds, 0.0) for item in items},
    )
