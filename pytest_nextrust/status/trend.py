"""How things go: pass rate and time per phase over the last runs, and whether the same commit gave the same result.

An item is flaky where two runs of one commit, with the same toolchain, gave verdicts of which one satisfies a
dependency and the other is bad. What was refused, skipped, or ended for want of room or a compiler is no evidence.

Boundary: a pure function of what ``runs`` gathered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from pytest_nextrust.status.records import BAD, SATISFYING, Item, ItemKey
from pytest_nextrust.status.runs import Run, RunStore

__all__ = ["is_evidence", "trend"]

_SILENT = frozenset({"skipped", "infra-error"})
_REFUSED = "refused: "


def is_evidence(item: Item) -> bool:
    """Whether a verdict says anything about what was verified."""
    return item.verdict not in _SILENT and not item.message.startswith(_REFUSED)


def trend(store: RunStore, count: int) -> dict[str, Any]:
    """The trend over the last ``count`` announced runs, oldest first; ``schemas/pipeline-log.json`` describes it.

    ``repeated`` is the number of items that one commit showed in more than one run; ``flaky`` those that differ.
    """
    runs = store.newest_runs(count)
    flaky, repeated = _flaky(store, runs)
    return {
        "runs": [_run(store, run) for run in runs],
        "repeated": repeated,
        "flaky": flaky,
    }


def _run(store: RunStore, run: Run) -> dict[str, Any]:
    items = [item for item in store.verdicts(run=run.id).values() if item.verdict != "skipped"]
    satisfied = sum(item.verdict in SATISFYING for item in items)
    return {
        "run": run.id,
        "started": run.started,
        "commit": run.commit,
        "phase": run.start.phase if run.start else "",
        "complete": run.end is not None,
        "exit": run.end.exit if run.end else None,
        "items": len(items),
        "satisfied": satisfied,
        "bad": sum(item.verdict in BAD for item in items),
        "pass_rate": round(satisfied / len(items), 6) if items else None,
        "seconds": round(max(run.end.seconds, 0.0), 6) if run.end else None,
        "phase_seconds": {phase: round(last - first, 6) for phase, (first, last) in sorted(run.spans.items())},
    }


def _flaky(store: RunStore, runs: Iterable[Run]) -> tuple[list[dict[str, Any]], int]:
    seen: dict[tuple[str, ItemKey], dict[str, Item]] = {}
    for run in runs:
        if not run.commit:
            continue  # without a commit no two runs are known to have seen the same
        for key, item in store.verdicts(run=run.id).items():
            if is_evidence(item):
                seen.setdefault((run.commit, key), {})[run.id] = item
    repeated = {key: tuple(results.values()) for key, results in seen.items() if len(results) > 1}
    found = []
    for (commit, key), results in sorted(repeated.items(), key=lambda pair: pair[0]):
        pair = _differing(results)
        if pair is not None:
            found.append(
                {
                    "phase": key.phase,
                    "scenario": key.scenario,
                    "cell": key.cell,
                    "commit": commit,
                    "results": [{"run": item.run, "verdict": item.verdict} for item in pair],
                    "reproduction": next(item.reproduction for item in pair if item.verdict in BAD),
                }
            )
    return found, len(repeated)


def _differing(results: Sequence[Item]) -> tuple[Item, Item] | None:
    """The first two comparable results of which one is good and one is bad; None where all agree."""
    for earlier, later in combinations(results, 2):
        # What crashed before it could say with what it was built may be compared with anything.
        same = all(
            one == other or not one or not other
            for one, other in ((earlier.toolchain, later.toolchain), (earlier.version, later.version))
        )
        if same and (earlier.verdict in BAD) != (later.verdict in BAD):
            return earlier, later
    return None
