"""From an answer to a decision on record, in steps that may each be done again: killed between any two of them, the
next sender goes on, and nothing is on record twice.

1. the answer is written beside the queue, durably, as soon as it is there: from now on nothing is sent again;
2. the decision is written to ``artifacts/nextrust/decisions/TICKET.md``;
3. it is appended to the status log, unless an entry with the request's id is there;
4. its cost is recorded;
5. the request leaves the queue, then the answer file goes.

Boundary: called under the sender's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.files import atomic_replace, make_folder
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.llm.budget import CallBudget, cost_of
from pytest_nextrust.llm.paths import Paths, read_json, write_json
from pytest_nextrust.llm.queue import DECISIONS, Queue, QueuedRequest, log_records
from pytest_nextrust.llm.replies import ModelReply, Usage

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor

__all__ = ["keep_answer", "kept_answer", "record"]

LONGEST = 20_000
"""Characters of an answer that go into the status log; the decision's file has all of it."""


def keep_answer(paths: Paths, entry: QueuedRequest, reply: ModelReply, redactor: Redactor) -> ModelReply:
    """Step 1; returns the answer as it was kept, without secrets. Raises OSError."""
    clean: dict[str, Any] = redactor.plain(to_plain(reply))
    write_json(paths.answer(entry.id), clean)
    return from_plain(ModelReply, clean)


def kept_answer(paths: Paths, entry: QueuedRequest) -> ModelReply | None:
    """The answer that somebody kept before, or None. A damaged one is None too: then it is asked for again."""
    try:
        plain = read_json(paths.answer(entry.id))
        return from_plain(ModelReply, plain) if plain else None
    except (ValueError, ConfigError):
        return None


def record(
    paths: Paths, entry: QueuedRequest, reply: ModelReply, budget: CallBudget, *, asked: str, again: bool
) -> Mapping[str, Any]:
    """Steps 2 to 5; the details of the status log's entry. ``asked``: the model that was asked for; ``again``: somebody
    may have done part of it before. Raises StatusError, OSError."""
    from pytest_nextrust.status.journal import Journal

    # The model that answered, where it is named: an alias may have led to another one, with another price or none.
    cost = cost_of(budget.price(reply.model or asked), reply.usage)
    details = _details(entry, reply, asked, cost)
    make_folder(paths.decisions)
    atomic_replace(paths.decisions / f"{entry.ticket}.md", _markdown(entry, reply, details).encode())
    journal = Journal(paths.status_dir)
    kind = DECISIONS[entry.kind]
    if not (again and any(r.type == kind and r.details.get("request") == entry.id for r in log_records(paths))):
        journal.append(kind, details)
    budget.record(entry.id, cost)
    Queue(paths).remove(entry)
    paths.answer(entry.id).unlink(missing_ok=True)
    return details


def _details(entry: QueuedRequest, reply: ModelReply, asked: str, cost: float | None) -> dict[str, Any]:
    return {
        "message": f"{entry.ticket} answered by {reply.model or asked}: {entry.subject}",
        "ticket": entry.ticket,
        "request": entry.id,
        "subject": entry.subject,
        "phase": entry.phase,
        "commit": entry.commit,
        "fingerprint": entry.fingerprint,
        "model": reply.model or asked,
        "via": reply.via,
        "response_id": reply.response_id,
        "complete": reply.complete,
        "note": reply.note,
        "usage": to_plain(reply.usage),
        "cost_usd": cost,
        "file": f"artifacts/nextrust/decisions/{entry.ticket}.md",
        "response": reply.text[:LONGEST],
    }


def _markdown(entry: QueuedRequest, reply: ModelReply, details: Mapping[str, Any]) -> str:
    usage = reply.usage or Usage()
    cost = "unpriced" if details["cost_usd"] is None else f"${details['cost_usd']:.4f}"
    facts = [
        f"# {entry.ticket}: {entry.subject}",
        "",
        f"* phase {entry.phase or '-'}, commit {entry.commit[:12] or '-'}",
        f"* answered by {details['model']} ({reply.via}), {reply.response_id or 'no id'}",
        f"* tokens {usage.input} in ({usage.cached} cached), {usage.output} out ({usage.reasoning} reasoning): {cost}"
        if reply.usage is not None
        else f"* tokens not told: {cost}",
    ]
    if reply.note:
        facts.append(f"* **{reply.note}**")
    return "\n".join([*facts, "", "## Answer", "", reply.text.strip(), "", "## Request", "", _quoted(entry.text), ""])


def _quoted(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
