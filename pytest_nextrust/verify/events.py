"""Carrying out a scenario of events: every step by the real command, its answer compared, then log and artifacts.

Events do not depend on the CPU: the scenario is carried out once in a process, and every cell has that outcome.

The artifacts are drawn with a clock, an id and places of their own, so that they are the same bytes each time: entries
get a second each from a fixed start, and what belongs to this run of this machine (scratch folder, server's address,
durations, users, hosts) is replaced. The entries and their order are not touched.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_nextrust.project.documents import load_project
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.scenario.events import EventPlan, EventStep
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import JournalView
from pytest_nextrust.status.projections import render_json, render_markdown
from pytest_nextrust.status.summary import observe
from pytest_nextrust.verify.events_surroundings import Done, Server, World
from pytest_nextrust.verify.outcome import CheckResult, Mismatch
from pytest_nextrust.verify.services import Services

__all__ = ["FILES", "EventRun", "artifacts", "carry_out", "run_events"]

SNAPSHOT = "snapshot"
"""The folder in a scenario's own that holds the expected artifacts."""

FILES = ("pipeline-log.json", "pipeline-log.md")
"""The artifacts."""

_STATUS_DIR = "docs/ci-status"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_VOLATILE: Mapping[str, Any] = {"seconds": 0.0, "duration_ms": 0, "pid": 0, "host": "host", "user": "user"}
_LOG_NAMES = (r"\d{8}T\d{6}[\dZ.]*(-[0-9a-f]+)?", "LOG")
"""The names that logs of output get from the clock."""


class EventRun:
    """The results of a scenario's steps, its requests to the outside, the types of the log's entries, the artifacts."""

    def __init__(self, done: list[Done], requests: list[str], types: list[str], drawn: dict[str, bytes]) -> None:
        self.done = done
        self.requests = requests
        self.types = types
        self.drawn = drawn


def run_events(scenario: Scenario, cell: Cell, services: Services, work: Path) -> CheckResult:
    """Carry a scenario out, once in a process. Raises HarnessFault, OSError."""
    key = f"events:{scenario.file}"
    if key not in services.checked:
        plan = scenario.events
        assert plan is not None
        run = carry_out(plan, work)
        services.checked[key] = (cell.id, (*_judged(plan, run), *_snapshot(scenario.folder, run)))
    first, found = services.checked[key]
    shared = "" if first == cell.id else f", shared with {first}"
    steps = len(scenario.events.steps) if scenario.events is not None else 0
    return CheckResult(f"{steps} steps{shared}", found)


def carry_out(plan: EventPlan, work: Path) -> EventRun:
    """Do every step in a world made below ``work``. Raises HarnessFault, OSError."""
    server = Server(plan.answers)
    try:
        world = World(work, plan, server.url)
        done = []
        requests: list[str] = []
        served = called = 0
        for number, step in enumerate(plan.steps, 1):
            done.append(_step(world, step, number))
            calls = world.called()
            requests += [*server.requests[served:], *calls[called:]]
            served, called = len(server.requests), len(calls)
        status_dir = world.project / _STATUS_DIR
        types = [record.type for record in read_log(status_dir).records]
        places = {str(work): "/scratch", str(work.resolve()): "/scratch", server.url: "http://server"}
        return EventRun(done, requests, types, artifacts(world.project, status_dir, places))
    finally:
        server.close()


def _step(world: World, step: EventStep, number: int) -> Done:
    world.write(step.files)
    for name in step.remove:
        (world.project / name).unlink(missing_ok=True)
    if step.event is None:
        return world.nextrust(*step.run, environ=step.environ)
    payload = {**_given(step.event, number, world), **step.payload}
    data = json.dumps({key: value for key, value in payload.items() if value != "(absent)"}).encode()
    return world.nextrust("hook", step.event, stdin=data, environ=step.environ)


def _given(event: str, number: int, world: World) -> dict[str, Any]:
    """What every event has, in the form of August 2026; ids are the step's number. ``"(absent)"`` takes a key away."""
    table: dict[str, Any] = {
        "session_id": "session-1",
        "transcript_path": str(world.home / "transcript.jsonl"),
        "cwd": str(world.project),
        "hook_event_name": event,
        "permission_mode": "default",
        "prompt_id": f"prompt-{number}",
    }
    if "ToolUse" in event:
        table |= {"tool_name": "Bash", "tool_use_id": f"toolu_{number}"}
    if event == "Stop":
        table["stop_hook_active"] = False
    return table


def _judged(plan: EventPlan, run: EventRun) -> Iterator[Mismatch]:
    for number, (step, done) in enumerate(zip(plan.steps, run.done, strict=True), 1):
        for fault in _faults(step, done):
            name = step.event or f"nextrust {' '.join(step.run)}"
            yield Mismatch("check", f"step {number} ({name}): {fault}")
    for what, expected, found in (("log", plan.journal, run.types), ("outside", plan.requests, run.requests)):
        if list(expected) != found:
            yield Mismatch(
                "check", f"{what}: expected {', '.join(expected) or 'nothing'}; {', '.join(found) or 'nothing'}"
            )


def _faults(step: EventStep, done: Done) -> Iterator[str]:
    if done.status != step.exit:
        yield f"exit status {done.status}, expected {step.exit}: {done.stderr.strip()[:500]}"
    if step.silent and done.stdout:
        yield f"expected nothing on stdout: {done.stdout[:500]}"
    output = done.stdout + done.stderr
    if step.event is not None:
        try:
            body = json.loads(done.stdout) if done.stdout else {}
        except ValueError:
            yield f"stdout is not JSON: {done.stdout[:500]}"
            return
        special = body.get("hookSpecificOutput", {})
        decision = special.get("permissionDecision") or body.get("decision", "")
        if decision != step.decision:
            yield f"decision {decision or 'none'}, expected {step.decision or 'none'}: {done.stdout[:500]}"
        output = "\n".join(str(text) for text in (*body.values(), *special.values()) if isinstance(text, str))
        output += done.stderr
    for text in step.says:
        if text not in output:
            yield f"does not say {text!r}; it says: {output[:1000]}"


def _snapshot(folder: Path, run: EventRun) -> Iterator[Mismatch]:
    """Where the scenario has a snapshot, every artifact is as in it, to the byte."""
    for name in FILES if (folder / SNAPSHOT).is_dir() else ():
        file = folder / SNAPSHOT / name
        expected = file.read_bytes() if file.is_file() else b""
        found = run.drawn[name]
        if expected != found:
            before, after = (data.decode("utf-8", "replace").splitlines() for data in (expected, found))
            difference = "\n".join(
                list(difflib.unified_diff(before, after, "expected", "found", lineterm="", n=1))[:60]
            )
            yield Mismatch("check", f"{SNAPSHOT}/{name} differs from what was drawn:\n{difference}")


def artifacts(project: Path, status_dir: Path, places: Mapping[str, str]) -> dict[str, bytes]:
    """Each of FILES. ``places``: texts of this machine and what replaces each, the longest first."""
    records = []
    for number, record in enumerate(read_log(status_dir).records):
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
