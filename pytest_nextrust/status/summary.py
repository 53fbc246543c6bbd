"""The summary of the status log: one plain value from which both projections are drawn.

A function of the log as read, the phases, and a few facts of the file system (which markers and expected files exist)
that ``observe`` looks up: no clock, so that drawing it again gives the same bytes. A phase is shown at the commit of
the newest run that had anything to do with it.

``LogState`` is kept up to date record by record: drawing it costs what it shows, not what the log holds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.compiler_issues import load_known_issues
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.phases import Phase, Phases, read_done
from pytest_nextrust.status.journal import JournalView, Problem, Record
from pytest_nextrust.status.records import (
    BAD,
    SATISFYING,
    Item,
    ItemKey,
    PhaseCheck,
    PhaseDone,
    RunItems,
    RunStart,
    counts,
    moment,
)
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.status.trend import trend

__all__ = [
    "ACTIVITIES",
    "INCOMPLETE",
    "SCHEMA",
    "TREND",
    "LogState",
    "ProjectFacts",
    "displayed_folder",
    "observe",
    "summarize",
]

SCHEMA = "nextrust/pipeline-log/1"

ACTIVITIES = 500
"""How many of the newest entries a projection holds; the log alone is complete."""

TREND = 10
"""How many of the newest runs a projection's trend is taken over."""

INCOMPLETE = 50
"""How many of the newest runs without an end a projection holds."""

_DAY = 86400.0
_PLACES = {cell.id: place for place, cell in enumerate(Matrix().cells)}


@dataclass(frozen=True)
class ProjectFacts:
    """What is not in the log: ids of phases with a marker, expected files that exist, the log's folder, and the
    titles of known issues by id."""

    done: frozenset[str] = frozenset()
    existing: frozenset[str] = frozenset()
    status_dir: str = "docs/ci-status"
    issues: Mapping[str, str] = field(default_factory=dict)


def displayed_folder(root: Path, folder: Path) -> str:
    """The log's folder as messages and expected files name it: relative to ``root`` where it lies inside."""
    inside = folder.resolve().is_relative_to(root.resolve())
    return folder.resolve().relative_to(root.resolve()).as_posix() if inside else folder.as_posix()


def observe(root: Path, phases: Phases, folder: Path) -> ProjectFacts:
    """Look the facts up. Raises nothing."""
    status_dir = displayed_folder(root, folder)
    files = {path for phase in phases for path in phase.files(status_dir)}
    absent = {path for phase in phases for path in phase.absent(root, status_dir)}
    try:
        issues = {issue.id: issue.title for issue in load_known_issues().values()}
    except ConfigError:
        issues = {}
    return ProjectFacts(read_done(root, phases), frozenset(files - absent), status_dir, issues)


def summarize(view: JournalView, phases: Phases, facts: ProjectFacts | None = None) -> dict[str, Any]:
    """The whole summary as plain types; ``schemas/pipeline-log.json`` describes it."""
    state = LogState()
    for record in view.records:
        state.add(record)
    return state.summary(phases, facts, view.problems)


class LogState:
    """Everything the projections show, of a log that is added record by record."""

    def __init__(self) -> None:
        self.store = RunStore()
        self._count = 0
        self._recent: list[tuple[float, int, Record]] = []
        self._finished: dict[str, str] = {}
        self._checks: dict[tuple[str, str], dict[str, PhaseCheck]] = {}

    def __len__(self) -> int:
        """How many records there are."""
        return self._count

    def resume(self, count: int, runs: int, began: Mapping[str, str]) -> None:
        """Records were left out, all before what comes now: so many there are with them, and so many runs, and then
        work on each phase began."""
        self._count = count
        self.store.resume(runs, began)

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        self._count += 1
        # By time, since entries of another machine or an older log come late; ``_count`` keeps the order of
        # equals and spares the comparison of records.
        time = moment(record.time)
        entry = (float("-inf") if time is None else time, self._count, record)
        (heapq.heappush if len(self._recent) < ACTIVITIES else heapq.heappushpop)(self._recent, entry)
        self.store.add(record)
        if (check := PhaseCheck.read(record)) is not None:
            self._checks.setdefault((check.phase, check.commit), {})[check.criterion] = check
        elif (done := PhaseDone.read(record)) is not None:
            self._finished[done.phase] = record.time

    def summary(
        self,
        phases: Phases,
        facts: ProjectFacts | None = None,
        problems: Sequence[Problem] = (),
        *,
        runs: int | None = None,
    ) -> dict[str, Any]:
        """The summary now; the trend is taken over the last ``runs`` runs (TREND)."""
        facts = facts or ProjectFacts()
        store = self.store
        recent = [entry[-1] for entry in sorted(self._recent)]
        newest = {phase.id: self._newest(phase) for phase in phases}
        items = [item for verdicts in newest.values() for item in verdicts.values()]
        each = [self._phase(phase, phases, facts, newest[phase.id], recent) for phase in phases]
        current = phases.current(facts.done)
        now = next((p for p in each if current is not None and p["id"] == current.id), each[-1] if each else None)
        course = trend(store, runs or TREND)
        return {
            "schema": SCHEMA,
            "updated": recent[-1].time if recent else None,
            "current_phase": now and {key: now[key] for key in ("id", "name", "status", "expected_files")},
            "phases": each,
            "counts": {
                "records": self._count,
                "runs": len(store),
                "problems": len(problems),
                "verdicts": counts(items),
            },
            "failures": [_failure(item) for item in sorted(items, key=lambda item: item.key) if item.verdict in BAD],
            "known_issues": _known_issues(items, facts),
            "metrics": _metrics(items, each, course),
            "trend": course,
            "incomplete_runs": [
                {"run": run.id, "started": run.started, "missing": len(run.missing)}
                for run in store.unfinished(INCOMPLETE)
            ],
            "problems": [{"line": p.line, "offset": p.offset, "message": p.message} for p in problems[:INCOMPLETE]],
            "activities": [_activity(record) for record in recent],
        }

    def _newest(self, phase: Phase) -> dict[ItemKey, Item]:
        run = self.store.newest_run(phase.id)
        if run is None:
            return {}
        return {key: item for key, item in self.store.verdicts(commit=run.commit).items() if key.phase == phase.id}

    def _phase(
        self,
        phase: Phase,
        phases: Phases,
        facts: ProjectFacts,
        newest: Mapping[ItemKey, Item],
        recent: Sequence[Record],
    ) -> dict[str, Any]:
        run = self.store.newest_run(phase.id)
        announced = [] if run is None else [k for k in self.store.announced(commit=run.commit) if k.phase == phase.id]
        by_cell: dict[str, list[ItemKey]] = {}
        for key in sorted(announced):
            by_cell.setdefault(key.cell, []).append(key)
        cells = [_cell(cell, by_cell[cell], newest) for cell in sorted(by_cell, key=_place)]
        satisfied = sum(item.verdict in SATISFYING for item in newest.values())
        began, ended = run.spans.get(phase.id, (0.0, 0.0)) if run is not None else (0.0, 0.0)
        return {
            "id": phase.id,
            "name": phase.name,
            "status": _status(phase, cells, facts),
            "ready": phase in phases.ready(facts.done),
            "beside": list(phases.beside(phase.id, facts.done)),
            "depends": list(phase.depends),
            "parallel_group": phase.parallel_group,
            "expected_duration_days": phase.expected_duration_days,
            **self._time(phase, facts, recent),
            "deliverables": list(phase.deliverables),
            "success_criteria": [criterion.text for criterion in phase.criteria],
            "criteria": self._criteria(phase, run.commit if run is not None else "", facts),
            "expected_files": [
                {"path": path, "exists": path in facts.existing} for path in phase.files(facts.status_dir)
            ],
            "commit": None if run is None else run.commit,
            "seconds": round(sum(max(item.seconds, 0.0) for item in newest.values()), 6),
            "elapsed_seconds": round(max(ended - began, 0.0), 6),
            "progress": {"satisfied": satisfied, "total": len(announced)},
            "cells": cells,
        }

    def _time(self, phase: Phase, facts: ProjectFacts, recent: Sequence[Record]) -> dict[str, Any]:
        """When work on a phase began, when it was done, and for how many days it went on (as far as the log goes)."""
        began = self.store.began(phase.id) or None
        finished = self._finished.get(phase.id) if phase.id in facts.done else None
        first = moment(began) if began else None
        last = moment(finished or (recent[-1].time if recent else ""))
        days = None if first is None or last is None else round(max(last - first, 0.0) / _DAY, 3)
        late = days is not None and phase.expected_duration_days is not None and days > phase.expected_duration_days
        return {"started": began, "finished": finished, "days": days, "overdue": late}

    def _criteria(self, phase: Phase, commit: str, facts: ProjectFacts) -> list[dict[str, Any]]:
        known = self._checks.get((phase.id, commit), {})
        found = []
        for criterion in phase.criteria:
            check = known.get(criterion.text) if criterion.kind else None
            holds = check.holds if check is not None else None
            message = check.message if check is not None else ""
            text = criterion.check.replace("{status_dir}", facts.status_dir)
            found.append({"text": criterion.text, "check": text, "holds": holds, "message": message})
        return found


def _known_issues(items: Iterable[Item], facts: ProjectFacts) -> list[dict[str, Any]]:
    """The known issues that failures were expected for, each with what showed it."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if item.known_issue:
            groups.setdefault(item.known_issue, []).append(item)
    return [
        {
            "id": issue,
            "title": facts.issues.get(issue, ""),
            "items": len(group),
            "expected": sum(item.verdict == "expected-failure" for item in group),
            "phases": sorted({item.phase for item in group}),
            "scenarios": sorted({item.scenario for item in group}),
            "cells": sorted({item.cell for item in group}, key=_place),
        }
        for issue, group in sorted(groups.items())
    ]


def _metrics(items: Sequence[Item], phases: Iterable[Mapping[str, Any]], course: Mapping[str, Any]) -> dict[str, Any]:
    judged = [item for item in items if item.verdict != "skipped"]
    satisfied = sum(item.verdict in SATISFYING for item in judged)
    return {
        "items": len(items),
        "pass_rate": round(satisfied / len(judged), 6) if judged else None,
        "phases_done": sum(phase["status"] == "done" for phase in phases),
        "seconds": round(sum(max(item.seconds, 0.0) for item in items), 6),
        "flaky": len(course["flaky"]),
        "repeated": course["repeated"],
    }


def _place(cell: str) -> tuple[int, str]:
    """Cells in the order of the matrix, then those that are not in it."""
    return (_PLACES.get(cell, len(_PLACES)), cell)


def _status(phase: Phase, cells: Iterable[Mapping[str, Any]], facts: ProjectFacts) -> str:
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
        "verdicts": counts(items),
    }


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


def _finite(value: Any) -> Any:
    """The value without infinities: JSON can say 1e400, and would write it back as what is no JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _activity(record: Record) -> dict[str, Any]:
    details = _finite(dict(record.details))
    if record.type in (RunStart.TYPE, RunItems.TYPE) and isinstance(details.get("items"), list):
        details["items"] = len(details["items"])  # hundreds of them, once per run: the log has the list
    return {
        "seq": record.seq,
        "timestamp": record.time,
        "type": record.type,
        "run": record.run,
        "details": details,
    }
