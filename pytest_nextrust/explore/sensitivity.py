"""Which atomicity a proof rests on: it is tried once more for each instruction that reads and writes in one step.

In each further search one such instruction is split into its read and its write (see ``child.split_steps``), all others
are as they are. A search that still finds nothing says that the proof never used that this instruction is atomic; it
says nothing about two of them at once.

Boundary: the parent's side; records in, records, lines and plain values out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_nextrust.base.rust_names import beside, readable
from pytest_nextrust.explore.answer import ExploreAnswer, SharedUpdate
from pytest_nextrust.explore.client import Caller, OnProgress, explore
from pytest_nextrust.explore.request import ExploreRequest

__all__ = ["Sensitivity", "judged", "sensitivities", "sensitivity_lines", "sensitivity_plain"]

NONE = "atomicity: no instruction reads shared memory and writes it in one step"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """An instruction and what the proof has of its atomicity: ``kind`` is the finding of the search with it split,
    ``note`` why there is no verdict."""

    update: SharedUpdate
    verdict: Literal["used", "never used", "no verdict"]
    kind: str = ""
    note: str = ""


def sensitivities(
    machine: Caller, request: ExploreRequest, answer: ExploreAnswer, on_progress: OnProgress
) -> tuple[Sensitivity, ...]:
    """Of every instruction that a proof met, each within the budget of the request. Raises as ``explore`` does."""
    found = []
    for number, update in enumerate(answer.updates, 1):
        on_progress(f"atomicity of {_described(update)}: {number} of {len(answer.updates)}")
        split = replace(request, split=(int(update.pc),), checkpoint=None, spill="")
        found.append(judged(update, explore(machine, split, on_progress)))
    return tuple(found)


def judged(update: SharedUpdate, answer: ExploreAnswer) -> Sensitivity:
    """What the answer of the search with this instruction split says."""
    if answer.finding is not None:
        return Sensitivity(update, "used", answer.finding.kind)
    if answer.verdict == "passed":
        return Sensitivity(update, "never used")
    return Sensitivity(update, "no verdict", note=answer.note)


def sensitivity_lines(found: Sequence[Sensitivity]) -> list[str]:
    """A line for each instruction."""
    return [f"atomicity of {_described(one.update)}: {_said(one)}" for one in found] or [NONE]


def _described(update: SharedUpdate) -> str:
    line = f" ({update.line})" if update.line else ""
    return f"{update.instruction} at {readable(update.function)}{line}"


def _said(one: Sensitivity) -> str:
    if one.verdict == "used":
        return f"the proof rests on it (with its read and its write apart: {one.kind})"
    if one.verdict == "never used":
        return "never used (with its read and its write apart it is proved too)"
    return f"no verdict: {one.note}"


def sensitivity_plain(found: Sequence[Sensitivity]) -> list[dict[str, Any]]:
    """The instructions as JSON answers have them."""
    return [
        beside(
            {
                "pc": int(one.update.pc),
                "function": one.update.function,
                "line": one.update.line,
                "instruction": one.update.instruction,
                "verdict": one.verdict,
                "kind": one.kind,
                "note": one.note,
            },
            "function",
        )
        for one in found
    ]
