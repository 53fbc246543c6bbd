"""Carrying out a scenario of events: every step by the real command, its answer compared, then log and artifacts.

Events do not depend on the CPU: the scenario is carried out once in a process, and every cell has that outcome.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.scenario.events import EventPlan, Step
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.verify.events_artifacts import FILES, artifacts, entries
from pytest_nextrust.verify.events_surroundings import Done, Server, World
from pytest_nextrust.verify.outcome import Mismatch
from pytest_nextrust.verify.services import Services

__all__ = ["Happened", "carry_out", "run_events"]

SNAPSHOT = "snapshot"
"""The folder in a scenario's own with the artifacts that must come of it."""

_STATUS_DIR = "docs/ci-status"


class Happened:
    """What came of a scenario: the answers of its steps, requests to the outside, the log's types, the artifacts."""

    def __init__(self, done: list[Done], requests: list[str], types: list[str], drawn: dict[str, bytes]) -> None:
        self.done = done
        self.requests = requests
        self.types = types
        self.drawn = drawn


def run_events(scenario: Scenario, cell: Cell, services: Services, work: Path) -> tuple[str, list[Mismatch]]:
    """A line about what happened, and the mismatches. Raises HarnessFault, OSError."""
    key = f"events:{scenario.file}"
    if key not in services.checked:
        plan = scenario.events
        assert plan is not None
        happened = carry_out(plan, work)
        services.checked[key] = (cell.id, [*_judged(plan, happened), *_snapshot(scenario.folder, happened)])
    first, found = services.checked[key]
    shared = "" if first == cell.id else f", shared with {first}"
    steps = len(scenario.events.steps) if scenario.events is not None else 0
    return f"{steps} steps{shared}", found


def carry_out(plan: EventPlan, work: Path) -> Happened:
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
        types = [record.type for record in entries(status_dir).records]
        places = {str(work): "/scratch", str(work.resolve()): "/scratch", server.url: "http://server"}
        return Happened(done, requests, types, artifacts(world.project, status_dir, places))
    finally:
        server.close()


def _step(world: World, step: Step, number: int) -> Done:
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


def _judged(plan: EventPlan, happened: Happened) -> Iterator[Mismatch]:
    for number, (step, done) in enumerate(zip(plan.steps, happened.done, strict=True), 1):
        for fault in _faults(step, done):
            name = step.event or f"nextrust {' '.join(step.run)}"
            yield Mismatch("check", f"step {number} ({name}): {fault}")
    for what, expected, found in (("log", plan.journal, happened.types), ("outside", plan.requests, happened.requests)):
        if list(expected) != found:
            yield Mismatch(
                "check", f"{what}: expected {', '.join(expected) or 'nothing'}; {', '.join(found) or 'nothing'}"
            )


def _faults(step: Step, done: Done) -> Iterator[str]:
    if done.status != step.exit:
        yield f"exit status {done.status}, expected {step.exit}: {done.stderr.strip()[:500]}"
    if step.silent and done.stdout:
        yield f"expected nothing on stdout: {done.stdout[:500]}"
    told = done.stdout + done.stderr
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
        told = "\n".join(str(text) for text in (*body.values(), *special.values()) if isinstance(text, str))
        told += done.stderr
    for text in step.says:
        if text not in told:
            yield f"does not say {text!r}; it says: {told[:1000]}"


def _snapshot(folder: Path, happened: Happened) -> Iterator[Mismatch]:
    """Where the scenario has a snapshot, every artifact is as in it, to the byte."""
    for name in FILES if (folder / SNAPSHOT).is_dir() else ():
        file = folder / SNAPSHOT / name
        expected = file.read_bytes() if file.is_file() else b""
        found = happened.drawn[name]
        if expected != found:
            before, after = (data.decode("utf-8", "replace").splitlines() for data in (expected, found))
            difference = "\n".join(
                list(difflib.unified_diff(before, after, "expected", "found", lineterm="", n=1))[:60]
            )
            yield Mismatch("check", f"{SNAPSHOT}/{name} is not what came of it:\n{difference}")
