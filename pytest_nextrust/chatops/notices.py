"""What there is to tell, found in the status log: a phase is done, a finding is new, a budget is spent, a commit is
refused from now on, a command was carried out.

Each has a key that is the same whenever, and on whatever runner, the log is read: by it nothing is told twice.

* A phase is told when its marker is written and it was not done before: a run that finds it done still says nothing.
* A finding is new where the item's last verdict before was none; once for an item and a commit.
* A commit is refused with the failure that reaches the limit (``[backoff] limit``); again after it was cleared.

Boundary: pure; reads records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_nextrust.guards.backoff import COUNTED, LIMIT
from pytest_nextrust.guards.override import CLEARED
from pytest_nextrust.guards.restore import FAILURE
from pytest_nextrust.status.journal import Record
from pytest_nextrust.status.records import Item, ItemKey, PhaseDone, PhaseReopened, RunStart, moment

__all__ = ["KINDS", "NAMES", "Notice", "find_notices"]

KINDS = ("phase-done", "finding", "budget", "backoff", "command")
"""The events that a webhook may be told."""

NAMES = (
    "event", "message", "phase", "scenario", "cell", "verdict", "commit", "run", "reproduction", "user",
    "answer", "time",
)  # fmt: skip
"""What a template may name. Where an event has no such thing it is empty."""

FINDINGS = COUNTED - {"budget"}
"""Verdicts that are a defect in the code under test."""

_COMMAND_ENDS = frozenset({"done", "failed"})


@dataclass(frozen=True)
class Notice:
    """One thing to tell. ``time`` is in seconds since 1970; ``fields`` has a value for each of NAMES, as in the log."""

    kind: str
    key: str
    time: float
    fields: Mapping[str, str]


def find_notices(records: Iterable[Record], *, limit: int = LIMIT) -> list[Notice]:
    """Everything in a log that there is to tell, in the log's order. ``limit``: failures of a commit."""
    reader = _Reader(limit)
    return [notice for record in records for notice in reader.read(record)]


class _Reader:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._commits: dict[str, str] = {}
        self._done: set[str] = set()
        self._verdicts: dict[ItemKey, str] = {}
        self._told: set[str] = set()
        self._failures: dict[str, dict[str, set[str]]] = {}
        self._cleared: dict[str, int] = {}

    def read(self, record: Record) -> Iterator[Notice]:
        """What one entry adds."""
        details = record.details
        if record.type == RunStart.TYPE:
            self._commits[record.run] = str(details.get("commit", ""))
        elif record.type == PhaseReopened.TYPE:
            self._done.discard(str(details.get("phase", "")))
        elif record.type == CLEARED:
            self._clear(details)
        elif record.type == PhaseDone.TYPE:
            yield from self._phase(record)
        elif record.type == Item.TYPE:
            yield from self._item(record)
        elif record.type == FAILURE:
            yield from self._failure(record)
        elif record.type == "budget":
            yield _notice(record, "budget", _name(record), message=str(details.get("message", "")))
        elif record.type == "slash" and details.get("state") in _COMMAND_ENDS:
            said = {name: str(details.get(name, "")) for name in ("message", "user", "commit", "answer")}
            yield _notice(record, "command", _name(record), **said)

    def _phase(self, record: Record) -> Iterator[Notice]:
        done = PhaseDone.read(record)
        if done is None or done.phase in self._done:
            return
        self._done.add(done.phase)
        yield from self._once(
            record,
            "phase-done",
            f"{done.phase} {done.commit or done.run}",
            message=f"{done.phase} is done",
            phase=done.phase,
            commit=done.commit,
        )

    def _item(self, record: Record) -> Iterator[Notice]:
        item = Item.read(record)
        if item is None:
            return
        before = self._verdicts.get(item.key)
        self._verdicts[item.key] = item.verdict
        if item.verdict not in FINDINGS or before in FINDINGS:
            return
        commit = self._commits.get(item.run, "")
        yield from self._once(
            record,
            "finding",
            f"{item.key} {commit or item.run}",
            message=item.message,
            phase=item.phase,
            scenario=item.scenario,
            cell=item.cell,
            verdict=item.verdict,
            commit=commit,
            reproduction=item.reproduction,
        )

    def _failure(self, record: Record) -> Iterator[Notice]:
        commit, occasion = str(record.details.get("commit", "")), str(record.details.get("occasion", ""))
        occasions = self._failures.setdefault(commit, {})
        new = occasion not in occasions
        occasions.setdefault(occasion, set()).add(f"{record.log}:{record.seq}")
        if commit and new and len(occasions) == self._limit:
            what = str(record.details.get("what", ""))
            yield from self._once(
                record,
                "backoff",
                f"{commit} {self._cleared.get(commit, 0)}",
                message=f"it has failed {self._limit} times and is refused; the last: {what}",
                commit=commit,
            )

    def _clear(self, details: Mapping[str, Any]) -> None:
        commit, named = str(details.get("commit", "")), details.get("entries")
        self._cleared[commit] = self._cleared.get(commit, 0) + 1
        gone = set(named) if isinstance(named, list) else set()
        left = {occasion: names - gone for occasion, names in self._failures.get(commit, {}).items()}
        self._failures[commit] = {occasion: names for occasion, names in left.items() if names}

    def _once(self, record: Record, kind: str, key: str, **fields: str) -> Iterator[Notice]:
        notice = _notice(record, kind, key, **fields)
        if notice.key not in self._told:
            self._told.add(notice.key)
            yield notice


def _notice(record: Record, kind: str, key: str, **fields: str) -> Notice:
    common = {"event": kind, "time": record.time, "run": record.run}
    # Hashed: what the log's redactor could take for a secret, and change, would be no key.
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    return Notice(kind, f"{kind}-{digest}", moment(record.time) or 0.0, dict.fromkeys(NAMES, "") | common | fields)


def _name(record: Record) -> str:
    """An entry of a log without a name is known by its time as well."""
    return f"{record.log}:{record.seq}" if record.log else f"{record.time}:{record.seq}"
