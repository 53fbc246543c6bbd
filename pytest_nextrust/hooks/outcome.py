"""The outcome of an event: one answer joined from the handlers', failures judged, and records of both.

A failure (a handler that hung, crashed or lacked a command, an event or settings that cannot be read) refuses a
PreToolUse unless ``[hooks] fail_open`` is set: a broken gate stays closed. It never blocks any other event.
Refusals, failures and skipped events are entries of the status log; every call is a line of the event's own log. Where
the project has metrics, ``measuring`` sends them in a process of its own.

Boundary: runs in the parent, after the handlers; nothing here judges the event itself.
"""

from __future__ import annotations

import contextlib
import time

from pytest_nextrust.hookapi.context import commit_at, flag, project_root
from pytest_nextrust.hookapi.decisions import Joined, Reply, join, render
from pytest_nextrust.hookapi.events import LOG_SIZE, LOGS_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hookapi.snapshot import Snapshot
    from pytest_nextrust.hooks.supervisor import HandlerFailure, SupervisedRun

__all__ = ["facts_of", "facts_of_event", "let_pass", "prepare", "reply_to", "skipped"]

OTHERS = "others"
"""The log of the events that are not known."""

_NAME = 100
_SINKS = ("STATSD_HOST", "NEXTRUST_METRICS_FILE")
_OVERRIDE = "SKIP_HOOKS=1 skips all hooks and leaves a record; [hooks] fail_open = true lets such calls pass"


def prepare(run: SupervisedRun) -> None:
    """Load what ``reply_to`` will need, while the handlers are at work: the log's writer, and with a refusal the status
    log, which takes longer than most decisions."""
    import pytest_nextrust.base.redaction
    import pytest_nextrust.hooks.logs

    if any(answer.kind == "deny" for answer in run.answers):
        import pytest_nextrust.status.journal  # noqa: F401


def facts_of(snapshot: Snapshot) -> dict[str, Any]:
    """What the parent needs of the settings, in plain values."""
    settings = snapshot.settings
    return {
        "metrics": snapshot.metrics,
        "fail_open": settings.fail_open,
        "channel": settings.channel,
        "status_dir": settings.status_dir,
        "logs": [settings.logs.size, settings.logs.keep],
        "secrets": [list(settings.secrets.variables), settings.secrets.minimum],
    }


def facts_of_event(event: Event) -> dict[str, Any]:
    """What the parent needs of the event, in plain values."""
    return {
        "form": event.form,
        "session": event.session_id,
        "tool": event.tool_name,
        "id": event.identity,
        "notes": list(event.notes),
        "called": event.called,
    }


class _Writer:
    """Where and how this call is written down."""

    def __init__(self, name: str, environ: Mapping[str, str], facts: Mapping[str, Any]) -> None:
        self.name = name
        self.environ = environ
        self.metrics = facts.get("metrics", {})
        self.root = facts["root"] if "root" in facts else project_root(environ)
        self.size, self.keep = facts.get("logs", (LOG_SIZE, LOGS_KEPT))
        from pytest_nextrust.base.redaction import MINIMUM, Redactor

        variables, minimum = facts.get("secrets", ((), MINIMUM))
        self.redactor = Redactor(environ, names=variables, minimum=minimum)
        self.status_dir = f"{self.root}/{facts.get('status_dir', 'docs/ci-status')}"
        self.dry_run = flag(environ, "DRY_RUN")
        self.debug = flag(environ, "NEXTRUST_DEBUG", "HOOK_DEBUG")

    def log(self, entry: Mapping[str, Any]) -> str:
        """Append to the event's log; returns what went wrong with that, for stderr."""
        if self.dry_run:
            return ""
        from pytest_nextrust.hooks.logs import write_log

        try:
            write_log(self.root, self.name, self.redactor.plain(entry), size=self.size, keep=self.keep)
        except (OSError, RecursionError) as error:
            return f"nextrust hook: no log was written: {error}\n"
        return ""

    def measure(self, decision: str, seconds: float, actions: Sequence[tuple[str, str]]) -> None:
        """Count and time this call, where there is a sink for metrics; else nothing is loaded."""
        if self.dry_run or not (self.metrics or any(self.environ.get(name) for name in _SINKS)):
            return
        from pytest_nextrust.hooks.measuring import apart, measure

        def work() -> None:
            faults = measure(
                self.root,
                self.metrics,
                self.environ,
                event=self.name,
                decision=decision,
                seconds=seconds,
                actions=actions,
            )
            if faults:
                self.log({"outcome": "not measured", "faults": faults})

        with contextlib.suppress(OSError):
            apart(work)

    def override(self) -> str:
        """Record who skipped this event, and why; returns what went wrong with that, for stderr."""
        if self.dry_run:
            return ""
        from pathlib import Path

        from pytest_nextrust.errors import NextrustError
        from pytest_nextrust.guards.override import record_override

        commit, reason = commit_at(self.root), f"{self.name} was not looked at"
        try:
            record_override(
                Path(self.status_dir),
                "hooks",
                "SKIP_HOOKS=1",
                environ=self.environ,
                commit=commit,
                reason=reason,
                redactor=self.redactor,
            )
        except (NextrustError, OSError) as error:
            return f"nextrust hook: not in the status log: {error}\n"
        return ""

    def record(self, type: str, details: Mapping[str, Any]) -> str:
        """Append to the status log; returns what went wrong with that, for stderr: the answer stands all the same."""
        if self.dry_run:
            return ""
        from pathlib import Path

        from pytest_nextrust.errors import NextrustError
        from pytest_nextrust.status.journal import Journal

        try:
            Journal(Path(self.status_dir)).append(type, self.redactor.plain({"event": self.name, **details}))
        except (NextrustError, OSError) as error:
            return f"nextrust hook: not in the status log: {error}\n"
        return ""


def skipped(name: str, data: bytes, environ: Mapping[str, str]) -> Reply:
    """SKIP_HOOKS: no handler is called, and an override is recorded, with who and why."""
    import hashlib

    began = time.monotonic()
    writer = _Writer(name, environ, _facts_where_readable(environ))
    warnings = writer.override() + writer.log({"outcome": "skipped", "digest": hashlib.sha256(data).hexdigest()})
    writer.measure("skipped", time.monotonic() - began, [("hooks", "overridden")])
    return Reply(0, "", warnings)


def let_pass(called: str, environ: Mapping[str, str]) -> Reply:
    """An event of an assistant that this package does not know: nothing is judged, and its name is in a log."""
    writer = _Writer(OTHERS, environ, _facts_where_readable(environ))
    return Reply(0, "", writer.log({"outcome": "not known", "called": called[:_NAME]}))


def _facts_where_readable(environ: Mapping[str, str]) -> dict[str, Any]:
    """The facts from the settings; none where they are faulty: skipping must work then too."""
    from pytest_nextrust.errors import NextrustError
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    try:
        return facts_of(load_snapshot(project_root(environ), keep=False))
    except NextrustError:
        return {}


def reply_to(name: str, data: bytes, environ: Mapping[str, str], run: SupervisedRun) -> Reply:
    """What the process prints for the event, and its exit status; the event is recorded."""
    writer = _Writer(name, environ, run.facts)
    joined = join(name, run.answers)
    refusing = [failure for failure in run.failures if name == "PreToolUse" and not run.facts.get("fail_open", False)]
    if refusing:
        joined = _refused(joined, refusing)
    elif run.failures:
        note = "\n".join(filter(None, [joined.note, *map(_describe, run.failures)]))
        joined = Joined(joined.verdict, joined.reason, joined.context, note)
    joined = Joined(
        *(writer.redactor.text(text) for text in (joined.verdict, joined.reason, joined.context, joined.note))
    )
    facts = run.facts
    form, channel, called = facts.get("form", "2026-08"), facts.get("channel", "auto"), facts.get("called", "")
    reply = render(name, joined, form=form, channel=channel, called=called)
    warnings = _write(writer, data, run, joined, reply)
    repeated = [("idempotency", "repeated")] if run.facts.get("repeated") else []
    decision = joined.verdict or ("error" if run.failures else "passed")
    writer.measure(decision, time.monotonic() - run.began, repeated)
    return Reply(reply.status, reply.stdout, reply.stderr + warnings)


def _refused(joined: Joined, failures: list[HandlerFailure]) -> Joined:
    own = "\n".join(map(_describe, failures))
    reasons = [joined.reason] if joined.verdict == "deny" else []
    reason = "\n".join([*reasons, f"The call was not checked, so it is refused.\n{own}\n{_OVERRIDE}"])
    return Joined("deny", reason, joined.context, joined.note)


def _describe(failure: HandlerFailure) -> str:
    who = f"handler {failure.handler}" if failure.handler else "hook"
    return f"nextrust {who}: {failure.message} (status {failure.status})"


def _write(writer: _Writer, data: bytes, run: SupervisedRun, joined: Joined, reply: Reply) -> str:
    facts = run.facts
    warnings = ""
    repeated = facts.get("repeated", False)
    if joined.verdict == "deny" and not repeated:
        who = sorted({answer.handler for answer in run.answers if answer.kind == "deny"})
        details = {"tool": facts.get("tool", ""), "handlers": who, "session": facts.get("session", "")}
        warnings += writer.record("hook_block", {"message": joined.reason, **details})
    for failure in run.failures:
        warnings += writer.record(
            "hook_error", {"code": failure.status, "context": failure.handler, "message": failure.message}
        )
    entry = {
        "outcome": joined.verdict or "passed",
        "exit": reply.status,
        "seconds": round(time.monotonic() - run.began, 4),
        **{
            key: facts[key]
            for key in ("tool", "session", "id", "form", "called", "notes", "repeated", "guard")
            if facts.get(key)
        },
        "answers": [{"handler": a.handler, "kind": a.kind, "text": a.text} for a in run.answers],
        # The key that logs have had since 0.1.
        "mishaps": [{"handler": f.handler, "status": f.status, "message": f.message} for f in run.failures],
    }
    if run.printed and (writer.debug or run.failures):
        entry["printed"] = run.printed.decode("utf-8", "replace")
    if writer.debug:
        entry["stdin"] = data[:1_000_000].decode("utf-8", "replace")
        warnings += (
            f"nextrust hook: {entry['outcome']} in {entry['seconds']:.3f} s, handlers {', '.join(run.finished)}\n"
        )
    return warnings + writer.log(entry)
