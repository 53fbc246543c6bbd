"""Sampling histories whose graph is too large: schedules drawn at random, and what that is worth.

First every thread is as likely as any other, then by probabilistic concurrency testing (``explore.child.sample``),
whose guarantee goes into the record. A finding is one like any other, with the run and a token; without one there is no
verdict, however many schedules were drawn.

Boundary: the parent's side; ``explore`` draws the schedules, in the sandbox.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.campaign import Caller, Item, Outcome, Sampler, Target, found_in
from pytest_nextrust.atomics.driver import Driven
from pytest_nextrust.atomics.findings import request_of
from pytest_nextrust.explore import store, text
from pytest_nextrust.explore.answer import ExploreAnswer, Finding
from pytest_nextrust.explore.replay import explore, token_of
from pytest_nextrust.explore.request import ExploreRequest, Method

__all__ = ["DEPTH", "SCHEDULES", "sampler"]

SCHEDULES = 20_000
"""Schedules of each method, where the time allows."""
DEPTH = 3
"""Ordering constraints among threads that a defect may need for the guarantee to speak of it."""
METHODS: tuple[Method, ...] = ("random", "pct")
LINES = 40


def sampler(sandbox: Caller, folder: Path, seed: int = 1) -> Sampler:
    """What samples histories, with their programs saved in ``folder`` before.

    Raises UsageFault where nothing can be saved, HarnessFault where the sandbox fails.
    """

    def sample(out: Outcome, target: Target, item: Item, driven: Driven, seconds: float) -> None:
        if seconds <= 0:
            return
        record = out.explorations[-1]
        request = dataclasses.replace(
            request_of(target, item.history, driven),
            seed=seed,
            depth=DEPTH,
            schedules=SCHEDULES,
            max_seconds=seconds / len(METHODS),
        )
        store.save(folder, request)
        record |= {"method": "sample", "schedules": 0, "guarantee": ""}
        for method in METHODS:
            request = dataclasses.replace(request, method=method)
            answer = explore(sandbox, request)
            record["schedules"] += answer.schedules
            record["seconds"] = round(record["seconds"] + answer.seconds, 4)
            record["guarantee"] = answer.guarantee or record["guarantee"]
            if answer.finding is not None:
                _take(out, item, request, answer, answer.finding)
                return

    return sample


def _take(out: Outcome, item: Item, request: ExploreRequest, answer: ExploreAnswer, finding: Finding) -> None:
    record = out.explorations[-1]
    found: dict[str, Any] = found_in(item.history, finding.kind, finding.message)
    if item.note:
        record["verdict"] = "note"
        out.notes.append({**found, "note": item.note})
        return
    record["verdict"] = answer.verdict
    token = token_of(request, finding)
    plain = text.finding_plain(finding, token, f"nextrust replay {token}")
    lines = text.render(finding, len(request.threads))
    shown = lines if len(lines) <= LINES else [lines[0], "  ...", *lines[-LINES:]]
    kept = {key: plain[key] for key in plain if key not in ("routine", "message")}
    out.findings.append({**found, **kept, "lines": shown})
