"""What the status log amounts to: one plain value from which both projections are drawn.

A pure function of the journal as read, the phases, and a few facts of the file system (which markers and expected files
exist) that ``observe`` looks up: no clock, so that drawing it again gives the same bytes. A phase is shown at the
commit of the newest run that had anything to do with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.matrix import Matrix
from pytest_nextrust.phases import Phase, Phases, read_done
from pytest_nextrust.status.journal import JournalView, Record
from pytest_nextrust.status.records import BAD, SATISFYING, VERDICTS, Item, ItemKey, RunStart
from pytest_nextrust.status.runs import RunStore

__all__ = ["ACTIVITIES", "SCHEMA", "Facts", "observe", "shown_folder", "summarize"]

SCHEMA = "nextrust/pipeline-log/1"

ACTIVITIES = 500
"""How many of the newest entries a projection holds; the journal alone is complete."""

_INCOMPLETE = 50


@dataclass(frozen=True)
class Facts:
    """What the journal does not know: ids of phases with a marker, expected files that exist, the log's folder."""

    done: frozenset[str] = frozenset()
    existing: frozenset[str] = frozenset()
    status_dir: str = "docs/ci-status"


def shown_folder(root: Path, folder: Path) -> str:
    """The log's folder as messages and expected files name it: relative to ``root`` where it lies inside."""
    inside = folder.resolve().is_relative_to(root.resolve())
    return folder.resolve().relative_to(root.resolve()).as_posix() if inside else folder.as_posix()


def observe(root: Path, phases: Phases, folder: Path) -> Facts:
    """Look the facts up. Raises nothing."""
    status_dir = shown_folder(root, folder)
    files = {path for phase in phases for path in phase.files(status_dir)}
    absent = {path for phase in phases for path in phase.absent(root, status_dir)}
    return Facts(read_done(root, phases), frozenset(files - absent), status_dir)


def summarize(view: JournalView, phases: Phases, facts: Facts | None = None) -> dict[str, Any]:
    """The whole summary as plain types; ``schemas/pipeline-log.json`` describes it."""
    facts = facts or Facts()
    store = RunStore(view)
    each = [_phase(phase, store, facts) for phase in phases]
    current = phases.current(facts.done)
    shown = next((p for p in each if current is not None and p["id"] == current.id), each[-1] if each else None)
    newest = [item for phase in phases for item in _newest(phase, store).values()]
    return {
        "schema": SCHEMA,
        "updated": view.records[-1].time if view.records else None,
        "current_phase": shown and {key: shown[key] for key in ("id", "name", "status", "expected_files")},
        "phases": each,
        "counts": {
            "records": len(view.records),
            "runs": len(store.runs),
            "problems": len(view.problems),
            "verdicts": _counts(newest),
        },
        "failures": [_failure(item) for item in sorted(newest, key=lambda item: item.key) if item.verdict in BAD],
        "incomplete_runs": [
            {"run": run.id, "started": run.started, "missing": len(run.missing)}
            for run in store.runs
            if run.start is not None and run.end is None
        ][-_INCOMPLETE:],
        "problems": [{"line": p.line, "offset": p.offset, "message": p.message} for p in view.problems[:_INCOMPLETE]],
        "activities": [_activity(record) for record in view.records[-ACTIVITIES:]],
    }


def _commit(phase: Phase, store: RunStore) -> str | None:
    for run in reversed(store.runs):
        if any(key.phase == phase.id for key in (*run.items, *run.expected)):
            return run.commit
    return None


def _newest(phase: Phase, store: RunStore) -> dict[ItemKey, Item]:
    commit = _commit(phase, store)
    if commit is None:
        return {}
    return {key: item for key, item in store.verdicts(commit=commit).items() if key.phase == phase.id}


def _phase(phase: Phase, store: RunStore, facts: Facts) -> dict[str, Any]:
    commit = _commit(phase, store)
    newest = _newest(phase, store)
    announced = [] if commit is None else [k for k in store.announced(commit=commit) if k.phase == phase.id]
    by_cell: dict[str, list[ItemKey]] = {}
    for key in sorted(announced):
        by_cell.setdefault(key.cell, []).append(key)
    cells = [_cell(cell, by_cell[cell], newest) for cell in sorted(by_cell, key=_place)]
    return {
        "id": phase.id,
        "name": phase.name,
        "status": _status(phase, cells, facts),
        "depends": list(phase.depends),
        "parallel_group": phase.parallel_group,
        "expected_duration_days": phase.expected_duration_days,
        "deliverables": list(phase.deliverables),
        "success_criteria": list(phase.success_criteria),
        "expected_files": [{"path": path, "exists": path in facts.existing} for path in phase.files(facts.status_dir)],
        "commit": commit,
        "seconds": round(sum(item.seconds for item in newest.values()), 6),
        "cells": cells,
    }


def _place(cell: str) -> tuple[int, str]:
    """Cells in the order of the matrix, then those that are not in it."""
    known = [each.id for each in Matrix().cells]
    return (known.index(cell) if cell in known else len(known), cell)


def _status(phase: Phase, cells: Iterable[Mapping[str, Any]], facts: Facts) -> str:
    if phase.id in facts.done:
        return "done"
    states = {cell["status"] for cell in cells}
    if "failed" in states:
        return "failed"
    return "in_progress" if states else "not_started"


def _cell(cell: str, keys: list[ItemKey], newest: Mapping[ItemKey, Item]) -> dict[str, Any]:
    items = [newest[key] for key in keys if key in newest]
    if any(item.verdict in BAD for item in items):
        status = "failed"
    elif len(items) < len(keys):
        status = "pending"
    elif any(item.verdict in SATISFYING for item in items):
        status = "passed"
    else:
        status = "skipped"
    return {
        "cell": cell,
        "stand_in": any(item.stand_in for item in items),
        "status": status,
        "total": len(keys),
        "pending": len(keys) - len(items),
        "verdicts": _counts(items),
    }


def _counts(items: Iterable[Item]) -> dict[str, int]:
    counted: Counter[str] = Counter(item.verdict for item in items)
    return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}


def _failure(item: Item) -> dict[str, Any]:
    return {
        "phase": item.phase,
        "scenario": item.scenario,
        "cell": item.cell,
        "verdict": item.verdict,
        "stand_in": item.stand_in,
        "message": item.message,
        "reproduction": item.reproduction,
        "run": item.run,
    }


def _activity(record: Record) -> dict[str, Any]:
    details = dict(record.details)
    if record.type == RunStart.TYPE and isinstance(details.get("items"), list):
        details["items"] = len(details["items"])  # hundreds of them, once per run: the journal has the list
    return {
        "seq": record.seq,
        "timestamp": record.time,
        "type": record.type,
        "run": record.run,
        "details": details,
    }
