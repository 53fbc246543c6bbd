"""A proposal to revert a commit, as the text of a pull request: title, body in Markdown, the command. Only words.

It is made where the evidence is whole: the commit's runs were bad each time, more than once, and the commit before it
was good. Subjects, authors and messages are a stranger's: they stand in code, where nothing of them mentions, links,
refers or breaks out.

Boundary: writes nothing and sends nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_nextrust.base.text import counted
from pytest_nextrust.history.bisect import Bisection, Step

__all__ = ["Proposal", "propose"]

PATHS = 20
MESSAGE_LINES = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """``title`` and ``body`` of a pull request, and the ``command`` that makes what it proposes."""

    title: str
    body: str
    command: str


def propose(found: Bisection, reproduction: str) -> Proposal | str:
    """The proposal, or in words why there is none. ``reproduction`` is the line that shows the finding."""
    commit = found.first_bad
    if commit is None:
        return "no single first bad commit was found"
    there, before = found.step(commit.commit), found.step(commit.parents[0]) if commit.parents else None
    if there is None or len(there.runs) < 2:
        return "its verdict was not repeated: give --reruns 1 or more"
    if before is None or before.judged != "good":
        return "the commit before it was not tried, or is not good"
    mainline = "-m 1 " if len(commit.parents) > 1 else ""
    command = f"git revert {mainline}{commit.commit}"
    body = [
        f"{_code(reproduction)} fails since {commit.commit}.",
        "",
        f"* commit: {_code(commit.subject)}, by {_code(commit.author)}, {_code(commit.date)}",
        f"* verdict there: {_runs(there)}",
        f"* verdict before it, at {before.commit}: {_runs(before)}",
        f"* {_taken_back(found)}",
        "",
        f"It changes {counted(len(commit.paths), 'path')}:",
        "",
        *(f"* {_code(path)}" for path in commit.paths[:PATHS]),
        *([f"* and {len(commit.paths) - PATHS} more"] if len(commit.paths) > PATHS else []),
    ]
    if there.message:
        body += ["", "What it says there:", "", *_block(there.message)]
    body += ["", "Every step:", "", "| commit | verdict | judged |", "|---|---|---|"]
    body += [f"| {step.commit[:12]} | {_runs(step)} | {step.judged} |" for step in found.steps]
    body += ["", "To make this revert:", "", *_block(command)]
    return Proposal(f'Revert "{_line(commit.subject)}"', "\n".join(body) + "\n", command)


def _taken_back(found: Bisection) -> str:
    if found.reverted is None:
        return f"taken back at {found.bad}: not tried, or others have built on it and git reports conflicts"
    return f"taken back at {found.bad}: {_runs(found.reverted)}"


def _runs(step: Step) -> str:
    return (
        f"{step.verdict} in {len(step.runs)} of {counted(len(step.runs), 'run')}"
        if step.verdict in step.runs
        else (f"{step.verdict}: {', '.join(step.runs)}")
    )


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _code(text: str) -> str:
    """Any text as one code span."""
    line = _line(text)
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if "`" in line else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _block(text: str) -> list[str]:
    """Any text as a code block that it cannot end."""
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()][:MESSAGE_LINES]
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return [f"{fence}text", *lines, fence]
