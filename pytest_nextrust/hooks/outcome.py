"""The end of an event: one answer made of all, faults judged, and what happened written down.

A mishap (a handler that hung, crashed or lacked a command, an event or settings that cannot be read) refuses a
PreToolUse unless ``[hooks] fail_open`` is set: a gate that is broken is closed. It never blocks any other event.
Refusals, mishaps and skipped events are entries of the status log; every call is a line of the event's own log. Where
a project measures, ``measuring`` does that apart.

Boundary: runs in the parent, after the work; nothing here decides on the merits.
"""

from __future__ import annotations

import contextlib
import time

from pytest_nextrust.base.redaction import MINIMUM, Redactor
from pytest_nextrust.hookapi.context import commit_at, flag, project_root
from pytest_nextrust.hookapi.decisions import Joined, Reply, join, render
from pytest_nextrust.hookapi.events import LOG_SIZE, LOGS_KEPT
from pytest_nextrust.hooks.logs import write_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hookapi.snapshot import Snapshot
    from pytest_nextrust.hooks.supervisor import Mishap, Run

__all__ = ["closed", "facts_of", "facts_of_event", "skipped"]

_SINKS = ("STATSD_HOST", "NEXTRUST_METRICS_FILE")
_OVERRIDE = "SKIP_HOOKS=1 skips all hooks and leaves a record; [hooks] fail_open = true lets such calls pass"


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
    }


class _Writer:
    """Where and how this call is written down."""

    def __init__(self, name: str, environ: Mapping[str, str], facts: Mapping[str, Any]) -> None:
        self.name = name
        self.environ = environ
        self.metrics = facts.get("metrics", {})
        self.root = facts["root"] if "root" in facts else project_root(environ)
        self.size, self.keep = facts.get("logs", (LOG_SIZE, LOGS_KEPT))
        variables, minimum = facts.get("secrets", ((), MINIMUM))
        self.redactor = Redactor(environ, names=variables, minimum=minimum)
        self.status_dir = f"{self.root}/{facts.get('status_dir', 'docs/ci-status')}"
        self.dry_run = flag(environ, "DRY_RUN")
        self.debug = flag(environ, "NEXTRUST_DEBUG", "HOOK_DEBUG")

    def log(self, entry: Mapping[str, Any]) -> str:
        """A line of the event's log; what went wrong with that, for stderr."""
        if self.dry_run:
            return ""
        try:
            write_log(self.root, self.name, self.redactor.plain(entry), size=self.size, keep=self.keep)
        except (OSError, RecursionError) as error:
            return f"nextrust hook: no log was written: {error}\n"
        return ""

    def measure(self, decision: str, seconds: float, actions: Sequence[tuple[str, str]]) -> None:
        """Count and time this call, where somebody is to be told; else nothing is loaded."""
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
        """The entry that says who skipped this event, and why; what went wrong with that, for stderr."""
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
        """An entry of the status log; what went wrong with that, for stderr: the answer stands all the same."""
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
    """SKIP_HOOKS: the event passes unseen, and that is on record, with who and why."""
    import hashlib

    began = time.monotonic()
    writer = _Writer(name, environ, _facts_where_readable(environ))
    said = writer.override() + writer.log({"outcome": "skipped", "digest": hashlib.sha256(data).hexdigest()})
    writer.measure("skipped", time.monotonic() - began, [("hooks", "overridden")])
    return Reply(0, "", said)


def _facts_where_readable(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the settings say; nothing where they are faulty: skipping is the way out of that too."""
    from pytest_nextrust.errors import NextrustError
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    try:
        return facts_of(load_snapshot(project_root(environ), keep=False))
    except NextrustError:
        return {}


def closed(name: str, data: bytes, environ: Mapping[str, str], run: Run) -> Reply:
    """What the process says to all that came of the work."""
    writer = _Writer(name, environ, run.facts)
    joined = join(name, run.answers)
    refusing = [m for m in run.mishaps if name == "PreToolUse" and not run.facts.get("fail_open", False)]
    if refusing:
        joined = _refused(joined, refusing)
    elif run.mishaps:
        note = "\n".join(filter(None, [joined.note, *map(_told, run.mishaps)]))
        joined = Joined(joined.verdict, joined.reason, joined.context, note)
    joined = Joined(
        *(writer.redactor.text(text) for text in (joined.verdict, joined.reason, joined.context, joined.note))
    )
    reply = render(name, joined, form=run.facts.get("form", "2026-08"), channel=run.facts.get("channel", "auto"))
    said = _write(writer, data, run, joined, reply)
    repeated = [("idempotency", "repeated")] if run.facts.get("repeated") else []
    decision = joined.verdict or ("error" if run.mishaps else "passed")
    writer.measure(decision, time.monotonic() - run.began, repeated)
    return Reply(reply.status, reply.stdout, reply.stderr + said)


def _refused(joined: Joined, mishaps: list[Mishap]) -> Joined:
    own = "\n".join(map(_told, mishaps))
    reasons = [joined.reason] if joined.verdict == "deny" else []
    reason = "\n".join([*reasons, f"The call was not checked, so it is refused.\n{own}\n{_OVERRIDE}"])
    return Joined("deny", reason, joined.context, joined.note)


def _told(mishap: Mishap) -> str:
    who = f"handler {mishap.handler}" if mishap.handler else "hook"
    return f"nextrust {who}: {mishap.message} (status {mishap.status})"


def _write(writer: _Writer, data: bytes, run: Run, joined: Joined, reply: Reply) -> str:
    facts = run.facts
    said = ""
    repeated = facts.get("repeated", False)
    if joined.verdict == "deny" and not repeated:
        who = sorted({answer.handler for answer in run.answers if answer.kind == "deny"})
        details = {"tool": facts.get("tool", ""), "handlers": who, "session": facts.get("session", "")}
        said += writer.record("hook_block", {"message": joined.reason, **details})
    for mishap in run.mishaps:
        said += writer.record(
            "hook_error", {"code": mishap.status, "context": mishap.handler, "message": mishap.message}
        )
    entry = {
        "outcome": joined.verdict or "passed",
        "exit": reply.status,
        "seconds": round(time.monotonic() - run.began, 4),
        **{
            key: facts[key] for key in ("tool", "session", "id", "form", "notes", "repeated", "guard") if facts.get(key)
        },
        "answers": [{"handler": a.handler, "kind": a.kind, "text": a.text} for a in run.answers],
        "mishaps": [{"handler": m.handler, "status": m.status, "message": m.message} for m in run.mishaps],
    }
    if run.noise and (writer.debug or run.mishaps):
        entry["printed"] = run.noise.decode("utf-8", "replace")
    if writer.debug:
        entry["stdin"] = data[:1_000_000].decode("utf-8", "replace")
        said += f"nextrust hook: {entry['outcome']} in {entry['seconds']:.3f} s, handlers {', '.join(run.over)}\n"
    return said + writer.log(entry)
