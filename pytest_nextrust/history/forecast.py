"""Which items are likely to fail now: earlier runs from the log, and what changed since the newest of them.

What changed is what differs between the base (the commit of the newest recorded run, or one that is named) and the
commit that is checked out, and what is not committed. Boundary: brings ``past`` and ``likely`` together for a work
tree; what is done with it is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.history.likely import Likelihood, Prediction
from pytest_nextrust.history.past import observe_past
from pytest_nextrust.history.repository import Repository
from pytest_nextrust.status.records import ItemKey
from pytest_nextrust.status.runs import RunStore

__all__ = ["Forecast", "forecast"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """``predictions``, most likely first; ``new`` is the chance of an item that never reported.

    ``base`` is empty where no run has a commit; ``changed`` is None where what changed since ``base`` is not known
    (a shallow clone). ``runs`` is how many runs were learnt from.
    """

    predictions: tuple[Prediction, ...]
    new: float
    base: str
    changed: frozenset[str] | None
    runs: int


def forecast(
    store: RunStore, root: Path, keys: Iterable[ItemKey] | None = None, *, base: str | None = None
) -> Forecast:
    """Look at the project at ``root``; ``keys`` are the items asked about, by default all that ever reported.

    Raises UsageFault for a ``base`` that is no commit, HistoryError where git fails.
    """
    repository = Repository(root)
    head = repository.commit("HEAD", "HEAD")
    past = observe_past(store, repository)
    since = repository.commit(base, "--base") if base is not None else past[-1].commit if past else ""
    changed = repository.differences([(since, head)])[0]
    if changed is not None:
        changed |= repository.uncommitted()
    likelihood = Likelihood(past)
    asked = likelihood.known if keys is None else dict.fromkeys(keys)
    found = likelihood.predictions(asked, changed or ())
    ordered = tuple(sorted(found, key=lambda each: -each.chance))
    return Forecast(ordered, likelihood.new(), since, changed, len(past))
