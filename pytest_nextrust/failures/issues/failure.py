"""What a failed command leads to: recorded, counted, compared with known issues, then mended, explained or escalated.

The decision is one of ``auto-fix`` (a known issue with a fix, sure enough), ``known`` (a known issue), ``escalate`` (a
build that failed again and that no known issue explains) and ``none``. It is part of the record, which is written
before anything is done about it; a repeated event finds that record by its id and writes no second one.

Boundary: called by the handlers of PostToolUse and PostToolUseFailure; never blocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.errors import NextrustError
from pytest_nextrust.failures.issues import output
from pytest_nextrust.failures.issues.counting import count
from pytest_nextrust.failures.issues.match import FailureFacts, Match, Matched, match
from pytest_nextrust.failures.issues.table import AutoFix, IssueTable, load_table
from pytest_nextrust.project.matrix import CPUS

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event

__all__ = ["ExaminedFailure", "cpu_of", "escalate", "examine", "facts_of", "is_build", "recorded"]

_TOOLS = ("cargo", "rustc", "make", "gmake", "cmake", "ninja", "meson", "bazel", "x.py", "tox", "pytest", "nextrust")
_BUILDS = frozenset((*_TOOLS, "cc", "gcc", "g++", "clang", "clang++", "ld", "lld"))
_SCRIPT = re.compile(r"(build|test|check|make|fix|apply|verify|install)[\w.-]{0,60}\.(sh|py|bash)")
_CROSS = re.compile(r"m68k-[\w-]{1,40}-(gcc|g\+\+|ld|as|cpp)(-\d+)?|(gcc|clang|ld)-\d+")
_TAIL = 1 << 18
"""Bytes of the status log that are looked through for an event that was recorded before."""


@dataclass(frozen=True)
class ExaminedFailure:
    """One failed command and what was decided. ``log`` is the whole output on disk, empty where it was short."""

    decision: str
    matched: Matched
    table: IssueTable
    text: str
    command: str
    runs: int
    log: str = ""
    summary: str = ""
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Match | None:
        return self.matched.best


def examine(event: Event, context: Context) -> ExaminedFailure:
    """Look at a failed command: keep its log, count it, compare it, decide, record. Raises StatusError, OSError."""
    clean = context.redactor.text
    text = clean(output.printed(event.tool_response, event.error))
    rules = context.settings.issues
    log = summary = ""
    if len(text) > rules.large:
        summary = output.summarise(text).text()
        if not context.dry_run:
            log = output.keep_log(context.root, text, event.identity, keep=rules.keep)
    status = event.exit_status or 1
    runs, notes = count(event, context, status)
    table = load_table(context.root, context.settings.status_dir)
    notes += [clean(f"known issues of this project are left out: {fault}") for fault in table.faults]
    matched = match(table.issues, facts_of(event, context, text))
    notes += [f"known issue {miss.issue.id}: {miss.why}" for miss in matched.faults]
    decision = _decide(matched, context, is_build(event.command), runs)
    failure = ExaminedFailure(decision, matched, table, text, event.command, runs, log, summary, tuple(notes))
    if not recorded(context.status_dir, event.delivery):
        _record(event, context, failure, status)
    return failure


def _decide(matched: Matched, context: Context, build: bool, runs: int) -> str:
    rules, best = context.settings.issues, matched.best
    if best is not None and best.sure:
        fix = best.issue.auto_fix
        return "auto-fix" if fix is not None and rules.auto_fix != "off" and _is_there(fix, context.root) else "known"
    return "escalate" if build and 0 < rules.escalate_after <= runs else "none"


def _is_there(fix: AutoFix, root: Path) -> bool:
    """Whether the project has what the fix names; a shipped fix names files that most projects do not have."""
    if fix.patches and not fix.script:
        return next(root.glob(fix.patches), None) is not None
    named = fix.script or fix.patch
    return not named or (root / named).is_file()


def facts_of(event: Event, context: Context, text: str) -> FailureFacts:
    """What is known of a failure from its event and the environment."""
    environ = context.environ
    phase = context.current_phase
    return FailureFacts(
        text=text,
        command=context.redactor.text(event.command),
        phase=phase.id if phase is not None else "",
        known_phases=tuple(known.id for known in context.phases),
        os=environ.get("OS_NAME", ""),
        profile=environ.get("RUST_PROFILE", ""),
        cpu=cpu_of(event.command, environ),
    )


def cpu_of(command: str, environ: Mapping[str, str]) -> str:
    """The CPU that a command is about: CPU_VARIANT, else the only one that it names; empty where neither says."""
    given = environ.get("CPU_VARIANT", "")
    if given in CPUS:
        return given
    named = [cpu for cpu in CPUS if cpu in command]
    return named[0] if len(named) == 1 else ""


def is_build(command: str) -> bool:
    """Whether a command builds or tests something: only those are worth somebody else's time."""
    words = re.split(r"[\s;|&()]+", command[:20_000])
    names = [word.rpartition("/")[2] for word in words]
    return any(name in _BUILDS or _SCRIPT.fullmatch(name) or _CROSS.fullmatch(name) for name in names)


def recorded(status_dir: Path, identity: str) -> bool:
    """Whether a record of this event is among the last of the status log."""
    if not identity:
        return False
    from pytest_nextrust.base.files import open_unlinked

    try:
        with open_unlinked(status_dir / "journal.jsonl") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _TAIL))
            tail = stream.read()
    except OSError:
        return False
    import json

    return f'"event_id":{json.dumps(identity)}'.encode() in tail.replace(b'"event_id": ', b'"event_id":')


def _record(event: Event, context: Context, failure: ExaminedFailure, status: int) -> None:
    phase = context.current_phase
    errors = output.summarise(failure.text).first
    error = errors[0][1] if errors else next((line for line in failure.text.splitlines()[1:] if line.strip()), "")
    issues: list[dict[str, Any]] = [
        {"id": m.issue.id, "score": m.score, "why": "; ".join(m.reasons)} for m in failure.matched.matches[:5]
    ]
    # Before it is cut: half a secret has no shape to be known by.
    command = context.redactor.text(event.command)
    kind = "build_failure" if issues or is_build(event.command) else "command_failure"
    named = f" (known issue {issues[0]['id']})" if failure.decision in ("auto-fix", "known") else ""
    context.record(
        kind,
        {
            "message": f"{command[:200]} failed with status {status}{named}",
            "command": command[:2000],
            "status": status,
            "error": error[:500],
            "excerpt": output.excerpt(failure.text),
            "phase": phase.id if phase is not None else "",
            "session": event.session_id,
            "event_id": event.delivery,
            "failures": failure.runs,
            "issues": issues,
            "decision": failure.decision,
            "log": failure.log,
        },
    )


def escalate(failure: ExaminedFailure, context: Context) -> str:
    """Ask the design model about it; the outcome in one line. Never raises for what is outside."""
    from pytest_nextrust.llm import request_design

    try:
        asked = request_design(context, failure.text, command=failure.command)
    except (NextrustError, OSError) as error:
        return f"not escalated: {error}"
    return asked.message
