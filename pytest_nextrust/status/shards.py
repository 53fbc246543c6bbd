"""Whether a run that was cut into shards is whole: each of them reported, and all of them made the same cut.

A shard says in its run's start which one it is, of how many, of which whole and by which cut (``records.Shard``). Of a
whole that was run more than once, one complete set is enough. Looked at is the newest commit that has shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_nextrust.status.records import Shard
from pytest_nextrust.status.runs import Run, RunStore

__all__ = ["missing_shards"]


def missing_shards(store: RunStore) -> list[str]:
    """A sentence for each run of the newest commit that has shards of which some did not report; none where all did."""
    cut = [(run.start.phase, run.start.shard, run) for run in store.runs if run.start and run.start.shard]
    if not cut:
        return []
    commit = cut[-1][2].commit
    groups: dict[tuple[str, int, str], list[tuple[Shard, Run]]] = {}
    newest: dict[str, int] = {}
    for phase, shard, run in cut:
        if run.commit == commit:
            groups.setdefault((phase, shard.of, shard.whole), []).append((shard, run))
            newest[phase] = shard.of
    return [
        message
        for (phase, of, _), members in groups.items()
        if of == newest[phase]
        for message in _missing(phase, of, commit, members)
    ]


def _missing(phase: str, of: int, commit: str, members: Sequence[tuple[Shard, Run]]) -> list[str]:
    ended: dict[str, set[int]] = {}
    begun: dict[str, set[int]] = {}
    for shard, run in members:
        begun.setdefault(shard.cut, set()).add(shard.index)
        ended.setdefault(shard.cut, set()).update({shard.index} if run.end is not None else ())
    every = set(range(1, of + 1))
    if any(indexes >= every for indexes in ended.values()):
        return []
    where = f"of the run of {phase} in {of} shards" + (f" at {commit[:12]}" if commit else "")
    if len(begun) > 1 and set().union(*begun.values()) == every:
        return [
            f"{where}: the shards were cut differently, so items may be in none of them; they knew other durations: "
            "give all of them the same status log, and run them again"
        ]
    seen = max(ended.values(), key=len)
    silent = sorted(every - seen)
    broken = [index for index in silent if any(index in indexes for indexes in begun.values())]
    how = f" ({_numbers(broken)} began and did not end)" if broken else ""
    return [f"{where}: nothing is here of {'shard' if len(silent) == 1 else 'shards'} {_numbers(silent)}{how}"]


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))
