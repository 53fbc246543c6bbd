"""Findings as answers have them: of a call alone, and of a history, with the run that shows it and a token.

For a token the history's machine code and objects are written into the runtime's image, which is then a program like
any other: ``nextrust replay`` runs it without a compiler and without this module's knowledge of runtimes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.build import Runtime
from pytest_nextrust.atomics.calls import History
from pytest_nextrust.atomics.conformance import CallFinding
from pytest_nextrust.base.convert import to_plain
from pytest_nextrust.explore import store, text
from pytest_nextrust.explore.answer import Finding
from pytest_nextrust.explore.replay import token_of
from pytest_nextrust.explore.request import ExploreRequest, Variant

__all__ = ["about_call", "about_history", "run_of", "saved", "standalone"]

LINES = 40
"""Lines of a history's run that the text shows."""

AROUND = (24, 10)
"""Instructions of a call before and after its first wrong step that the text shows; the JSON answer has more."""


def standalone(runtime: Runtime, variant: Variant) -> ExploreRequest:
    """A variant as a program of its own."""
    return replace(variant.request, program=macho.write_executable(runtime.patched(variant)))


def saved(runtime: Runtime, variant: Variant, folder: Path | None) -> ExploreRequest:
    """The same, saved if there is a folder. Raises UsageFault where it cannot be."""
    request = standalone(runtime, variant)
    if folder is not None:
        store.save(folder, request)
    return request


def run_of(request: ExploreRequest, finding: Finding, *, replayable: bool) -> dict[str, Any]:
    """The keys of a finding that say what its run is; with a token where the program has been saved."""
    token = token_of(request, finding) if replayable else ""
    plain = text.finding_plain(finding, token, f"nextrust replay {token}" if token else "")
    alone = len(request.threads) == 1 and not request.signals
    lines = text.render(finding, len(request.threads), full=alone)
    plain["lines"] = lines if len(lines) <= LINES else [lines[0], "  ...", *lines[-LINES:]]
    return {key: value for key, value in plain.items() if key not in ("kind", "routine", "message")}


def about_history(history: History, kind: str, message: str) -> dict[str, Any]:
    """A finding about a history, without its run."""
    called = list(dict.fromkeys(call.name for call in (*history.calls, *history.before)))
    return {
        "kind": kind,
        "routine": called[0],
        "routines": called,
        "size": history.calls[0].size,
        "message": f"{history.name}: {message}",
        "history": history.name,
        "trace": [],
        "token": "",
        "command": "",
    }


def about_call(found: CallFinding, run: dict[str, Any]) -> dict[str, Any]:
    """A finding about a call alone; ``run`` is that of the same call as a history, if it shows there."""
    plain: dict[str, Any] = {"trace": [], "token": "", "command": "", **run}
    plain |= {"kind": found.kind, "routine": found.routine, "size": found.call.size, "message": found.message}
    if found.trace:
        plain.pop("parted", None)
        plain["trace"] = [text.step_plain(step) for step in found.trace]
        plain["lines"] = call_lines(found)
        if found.loop:
            plain["loop"] = [text.step_plain(step) for step in found.loop]
        if found.first_wrong_step is not None:
            plain["parted"] = to_plain(found.first_wrong_step)
    return plain


def call_lines(found: CallFinding) -> list[str]:
    """What the text shows: all of a short call, of a longer one what is around the first wrong step."""
    steps, wrong = found.trace, found.first_wrong_step
    middle = wrong.step if wrong is not None else len(steps) - 1
    first, last = max(0, middle - AROUND[0]), min(len(steps), middle + AROUND[1] + 1)
    lines = [f"  ... {first} instructions before"] if first else []
    if wrong is not None:
        wrong = replace(wrong, step=wrong.step - first)
    lines += text.trace_lines(steps[first:last], 1, full=True, wrong=wrong)
    lines += [f"  ... {len(steps) - last} instructions after"] if last < len(steps) else []
    if found.loop:
        lines.append(f"the last {len(found.loop)} instructions repeat for ever")
    return lines
