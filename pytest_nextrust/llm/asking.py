"""Asking: from an error or a finished phase to a queued request, or to the reason why there is none.

Boundary: queues and, where the settings say so, starts a sender that outlives the hook; sends nothing itself.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.hookapi.context import flag
from pytest_nextrust.llm import novelty, request
from pytest_nextrust.llm.paths import Paths
from pytest_nextrust.llm.queue import Queue, log_records

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_nextrust.hookapi.context import Context

__all__ = [
    "Asked",
    "ask_review",
    "due_reviews",
    "offline",
    "queue_design",
    "queue_review",
    "request_design",
    "start_sender",
]


@dataclass(frozen=True)
class Asked:
    """``state``: ``queued`` (new), ``waiting`` (queued before), ``decided`` (see ``file``), ``known`` (a known issue)
    or ``dry-run``; ``ticket`` is empty for the last two. ``message`` is one line for people."""

    state: str
    message: str
    ticket: str = ""
    fingerprint: str = ""
    file: str = ""


def offline(context: Context) -> str:
    """Why nothing may be sent now; empty where it may."""
    if context.dry_run:
        return "DRY_RUN is set"
    if flag(context.environ, "SKIP_EXTERNAL_APIS"):
        return "SKIP_EXTERNAL_APIS is set"
    return "[hooks.external] offline is set" if context.settings.external.offline else ""


def paths_of(context: Context) -> Paths:
    """Where this project keeps requests."""
    return Paths(context.root, context.status_dir)


def request_design(
    context: Context, error: str, *, command: str = "", issues: Sequence[str] = (), force: bool = False
) -> Asked:
    """Escalate an error unless it is a known issue (``issues``: ids that match it) or has been asked about already.

    Returns at once: what is new is queued, and sent later. ``command`` is what failed. ``force`` asks all the same.
    Raises StatusError and OSError where the request cannot be made durable.
    """
    asked = queue_design(context, error, command=command, issues=issues, force=force)
    if asked.state in ("queued", "waiting"):
        start_sender(context)
    return asked


def queue_design(
    context: Context, error: str, *, command: str = "", issues: Sequence[str] = (), force: bool = False
) -> Asked:
    """The same, and have nobody send it."""
    # The clean text has the same fingerprint wherever it is taken: in the status log there is no other.
    error = context.redactor.text(error)
    mark = novelty.fingerprint(error)
    if issues and not force:
        return Asked("known", f"a known issue explains it: {', '.join(issues)}", fingerprint=mark)
    rules, paths = context.settings.external, paths_of(context)
    past = novelty.past_decisions(mark, log_records(paths))
    if past.decision is not None and past.since < rules.again_after and not force:
        file = str(past.decision.get("file", ""))
        return Asked("decided", f"{past.ticket} was about this error: {file}", past.ticket, mark, file)
    if context.dry_run:
        return Asked("dry-run", "it would be escalated; a dry run queues nothing", fingerprint=mark)
    phase = context.current_phase
    draft = request.design_draft(
        context,
        error,
        mark,
        past,
        command=context.redactor.text(command),
        phase=phase.id if phase is not None else "",
        largest=rules.largest,
    )
    ticket, new = Queue(paths).add(draft)
    if new:
        return Asked("queued", f"{ticket} is queued for the design model", ticket, mark)
    return Asked("waiting", f"{ticket} is about this error, and waits for its answer", ticket, mark)


def due_reviews(context: Context) -> list[tuple[str, str, str]]:
    """Phases whose review is due and has not been requested: id, name, and an identifier of this completion.

    A phase is due that has its marker ``ID.done`` and no ``ID.reviewed`` that was written for it, or for which a file
    ``ID.review`` asks once more.
    """
    due = []
    for phase in context.phases:
        done, again = _marker(context, phase.id, "done"), _marker(context, phase.id, "review")
        if done.is_file():
            occasion = hashlib.sha256(done.read_bytes()).hexdigest()[:16]
            if _read(_marker(context, phase.id, "reviewed")) != occasion:
                due.append((phase.id, phase.name, occasion))
        if again.is_file():
            due.append((phase.id, phase.name, f"asked-{again.stat().st_mtime_ns}"))
    return due


def ask_review(context: Context, phase: str, name: str, occasion: str) -> Asked:
    """Queue a review once for each occasion; then, and only then, mark that it was. Raises StatusError, OSError."""
    if context.dry_run:
        return Asked("dry-run", f"a review of {phase} would be requested; a dry run queues nothing")
    asked = queue_review(context, phase, name, occasion)
    _mark_as_asked(context, phase, occasion)
    start_sender(context)
    return asked


def queue_review(
    context: Context, phase: str, name: str, occasion: str, *, kind: str = "review", commit: str = ""
) -> Asked:
    """Queue a review once for each occasion, and have nobody send it: by the model that ``kind`` names, of ``commit``
    (a full hash; default: what is checked out). Raises StatusError, OSError."""
    rules = context.settings.external
    draft = request.review_draft(
        context,
        phase,
        name,
        occasion,
        base=rules.review.base,
        largest=rules.largest,
        kind=kind,
        commit=commit,
    )
    ticket, new = Queue(paths_of(context)).add(draft)
    if new:
        return Asked("queued", f"{ticket}: a review of {phase} is queued", ticket)
    return Asked("waiting", f"{ticket} is the review of {phase}", ticket)


def _mark_as_asked(context: Context, phase: str, occasion: str) -> None:
    """The request is on disk: note that beside the phase's marker, and remove the marker that asked for a review."""
    again = _marker(context, phase, "review")
    if occasion.startswith("asked-"):
        # Asked once more meanwhile: that file is another occasion, and stays.
        if again.is_file() and f"asked-{again.stat().st_mtime_ns}" == occasion:
            again.unlink()
    elif _marker(context, phase, "done").is_file():
        atomic_replace(_marker(context, phase, "reviewed"), occasion.encode() + b"\n")


def _marker(context: Context, phase: str, kind: str) -> Path:
    return context.root / "artifacts" / "phase" / f"{phase}.{kind}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def start_sender(context: Context) -> bool:
    """Start a process that sends what is queued and outlives this one; False where the settings say otherwise.

    It has no terminal and prints nowhere: the outcome is in the status log. A second one ends at once.
    """
    if context.settings.external.send != "background" or offline(context):
        return False
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    environ = {**context.environ, "CLAUDE_PROJECT_DIR": context.folder}
    # -P: a folder of the project must not stand in for this package.
    command = [sys.executable, "-P", "-m", "pytest_nextrust.cli", "escalate", "send"]
    try:
        os.posix_spawn(sys.executable, command, environ, file_actions=null, setsid=True)
    except OSError:
        # The request is queued, and is sent the next time.
        return False
    return True
