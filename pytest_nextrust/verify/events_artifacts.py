"""The status artifacts of a scenario of events, with a clock, an id and places of their own: the same bytes each time.

The log is read, entries get a second each from a fixed start, and what belongs to this run of this machine (scratch
folder, server's address, durations, users, hosts) stands for itself no longer; then it is drawn as always. What the
log says in which order is not touched.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_nextrust.project.documents import load_project
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import JournalView
from pytest_nextrust.status.projections import render_json, render_markdown
from pytest_nextrust.status.summary import observe

__all__ = ["FILES", "artifacts", "entries"]

FILES = ("pipeline-log.json", "pipeline-log.md")

_START = datetime(2026, 1, 1, tzinfo=UTC)
_VOLATILE: Mapping[str, Any] = {"seconds": 0.0, "duration_ms": 0, "pid": 0, "host": "host", "user": "user"}
_LOG_NAMES = (r"\d{8}T\d{6}[\dZ.]*(-[0-9a-f]+)?", "LOG")
"""The names that logs of output get from the clock."""


def entries(status_dir: Path) -> JournalView:
    """The log as it is."""
    return read_log(status_dir)


def artifacts(project: Path, status_dir: Path, places: Mapping[str, str]) -> dict[str, bytes]:
    """Each of FILES. ``places``: text of this machine to what stands for it, the longest first."""
    records = []
    for number, record in enumerate(entries(status_dir).records):
        time = (_START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        details = _steady(record.details, places)
        records.append(dataclasses.replace(record, time=time, log="0" * 16, seq=number + 1, details=details))
    view = JournalView(tuple(records))
    phases = Phases.from_config(load_project(project))
    facts = observe(project, phases, status_dir)
    return {FILES[0]: render_json(view, phases, facts), FILES[1]: render_markdown(view, phases, facts)}


def _steady(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for place, name in places.items():
            value = value.replace(place, name)
        return re.sub(*_LOG_NAMES, value)
    if isinstance(value, Mapping):
        return {key: _VOLATILE.get(key, _steady(item, places)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_steady(item, places) for item in value]
    return value
