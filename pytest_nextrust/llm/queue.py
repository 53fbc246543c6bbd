"""The queue on disk: a request is written here, durably, before anything is sent, and taken away by ``recording`` when
its answer is in the status log.

A request's id is made of what makes it the same request (``identity``), so that asking twice is asking once: it is
looked for in the queue, among those put aside, and in the status log. Its ticket (``design-001``) is the next number,
given under the queue's lock; a number may be left out where a process was killed, and is never given twice in one
project folder.

Boundary: keeps requests; who sends them is ``sending``.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.llm.paths import Paths, read_json, write_json

if TYPE_CHECKING:
    from pytest_nextrust.status.journal import Record

__all__ = [
    "DECISIONS",
    "DROPPED",
    "REQUESTS",
    "Draft",
    "Listing",
    "Queue",
    "QueuedRequest",
    "identifier",
    "load_entry",
    "log_records",
]

REQUESTS = {"design": "design_request", "review": "review_request"}
"""The type of the status log's entry for a request that was queued, by kind."""

DECISIONS = {"design": "design_decision", "review": "review"}
"""The type of the status log's entry for an answer, by kind."""

DROPPED = "external_dropped"
"""The type of the status log's entry for a request that somebody took away."""

_ENDS = frozenset({*DECISIONS.values(), DROPPED})
_LOCK_SECONDS = 10.0
_TICKET = re.compile(r"(design|review)-[0-9]{3,9}")


@dataclass(frozen=True)
class Draft:
    """A request before it has a ticket. ``identity``: what makes two of them the same one; ``subject`` is one line.

    Everything in it has been through the redactor.
    """

    identity: str
    subject: str
    instructions: str
    text: str
    kind: str = option(choices=("design", "review"))
    phase: str = ""
    commit: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class QueuedRequest(Draft):
    """A queued request. Times are seconds since 1970; ``not_before``: do not send it earlier."""

    id: str = option(default="", pattern=r"[0-9a-f]{32}")
    ticket: str = option(default="", pattern=_TICKET.pattern)
    created: float = 0.0
    attempts: int = 0
    not_before: float = 0.0
    last_error: str = ""


@dataclass(frozen=True)
class Listing:
    """What is in the queue, oldest ticket first; ``faults`` name the files that are no requests."""

    entries: tuple[QueuedRequest, ...] = ()
    faults: tuple[str, ...] = ()


def identifier(identity: str) -> str:
    """The id of a request: 32 hexadecimal digits that depend on nothing but what makes it the same request."""
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def log_records(paths: Paths) -> tuple[Record, ...]:
    """Everything in the status log, what was rotated away too. Raises StatusError."""
    from pytest_nextrust.status.archive import read_log

    return read_log(paths.status_dir).records


class Queue:
    """The requests of one project. ``clock`` is wall time in seconds."""

    def __init__(self, paths: Paths, *, clock: Callable[[], float] = time.time) -> None:
        self.paths = paths
        self._clock = clock

    def add(self, draft: Draft) -> tuple[str, bool]:
        """Queue a request that is not there yet; its ticket, and whether it was queued now. Durable when this returns.

        One that the status log announces, and that was neither answered nor dropped nor is here, was lost with its
        folder (a fresh checkout): it is queued again, under its ticket. Raises StatusError (LockTimeout too) and
        OSError; then the request is whole in the queue, or not at all.
        """
        self.paths.prepare()
        with self.paths.lock("queue", timeout=_LOCK_SECONDS):
            records = log_records(self.paths)
            name = identifier(draft.identity)
            logged = [record for record in records if record.details.get("request") == name]
            ticket = self._kept(name) or next((_ticket(r) for r in logged if r.type in _ENDS), "")
            new = not ticket
            if new:
                ticket = next(filter(None, map(_ticket, logged)), "") or self._next(draft.kind, records)
                entry = QueuedRequest(**asdict(draft), id=name, ticket=ticket, created=self._clock())
                write_json(self.paths.entry(name), asdict(entry))
            if not logged:
                # Here too where it was kept: the process that wrote it may have been killed before this.
                self._announce(draft, name, ticket)
            return ticket, new

    def listing(self, *, failed: bool = False) -> Listing:
        """What is queued; with ``failed`` what was put aside."""
        entries, faults = [], []
        with contextlib.suppress(FileNotFoundError):
            for file in sorted((self.paths.failed if failed else self.paths.queue).glob("*.json")):
                try:
                    entries.append(load_entry(file))
                except (OSError, ValueError, ConfigError) as error:
                    if file.exists():
                        faults.append(f"{file}: {str(error).replace(chr(10), ' ')[:300]}")
        return Listing(tuple(sorted(entries, key=lambda entry: (entry.created, entry.ticket))), tuple(faults))

    def put_off(self, entry: QueuedRequest, why: str, *, until: float, tried: bool) -> QueuedRequest:
        """Note a failed attempt, and when to try again. Raises OSError."""
        later = replace(entry, attempts=entry.attempts + tried, not_before=until, last_error=why[:1000])
        write_json(self.paths.entry(entry.id), asdict(later))
        return later

    def put_aside(self, entry: QueuedRequest, why: str) -> None:
        """Take a request out of the queue that will not be answered; it is kept. Raises OSError."""
        write_json(self.paths.failed / f"{entry.id}.json", asdict(replace(entry, last_error=why[:1000])))
        self.remove(entry)

    def bring_back(self, entry: QueuedRequest) -> None:
        """Queue a request again that was put aside. Raises OSError."""
        write_json(self.paths.entry(entry.id), asdict(replace(entry, attempts=0, not_before=0.0)))
        (self.paths.failed / f"{entry.id}.json").unlink(missing_ok=True)

    def drop(self, entry: QueuedRequest) -> None:
        """Take a request away, queued or put aside."""
        self.remove(entry)
        (self.paths.failed / f"{entry.id}.json").unlink(missing_ok=True)

    def remove(self, entry: QueuedRequest) -> None:
        """Take a request out of the queue."""
        self.paths.entry(entry.id).unlink(missing_ok=True)

    def _kept(self, name: str) -> str:
        """The ticket of the request in the queue or among those put aside; empty where it is in neither."""
        for file in (self.paths.entry(name), self.paths.failed / f"{name}.json"):
            try:
                return load_entry(file).ticket
            except FileNotFoundError:
                continue
            except (ValueError, ConfigError):
                # Nothing can be sent from it: the request is made anew in its place.
                file.unlink(missing_ok=True)
        return ""

    def _announce(self, draft: Draft, name: str, ticket: str) -> None:
        from pytest_nextrust.status.journal import Journal

        details = {
            "message": f"{ticket} queued: {draft.subject}",
            "ticket": ticket,
            "request": name,
            "phase": draft.phase,
            "commit": draft.commit,
            "fingerprint": draft.fingerprint,
        }
        Journal(self.paths.status_dir).append(REQUESTS[draft.kind], details)

    def _next(self, kind: str, records: Iterable[Record]) -> str:
        file = self.paths.folder / "tickets.json"
        try:
            counted = read_json(file)
        except ValueError:
            counted = {}
        queued = [entry.ticket for failed in (False, True) for entry in self.listing(failed=failed).entries]
        decided = [path.stem for path in self.paths.decisions.glob(f"{kind}-*.md")]
        logged = map(_ticket, records)
        last = counted.get(kind)
        highest = max(
            [last if isinstance(last, int) else 0, *(number(kind, ticket) for ticket in [*queued, *decided, *logged])]
        )
        write_json(file, {**counted, kind: highest + 1})
        return f"{kind}-{highest + 1:03}"


def number(kind: str, ticket: str) -> int:
    """The number in a ticket of this kind; 0 for anything else."""
    match = re.fullmatch(rf"{kind}-(\d{{3,9}})", ticket)
    return int(match[1]) if match else 0


def load_entry(file: Path) -> QueuedRequest:
    """A request from its file. Raises FileNotFoundError, ValueError, ConfigError, OSError."""
    plain = read_json(file)
    if not plain:
        raise FileNotFoundError(file)
    entry = read_document(QueuedRequest, plain, subject="queued request", place=file)
    if entry.id != file.stem or identifier(entry.identity) != entry.id:
        raise ValueError("is not the request that its name says")
    return entry


def _ticket(record: Record) -> str:
    """The ticket that an entry of the status log is about; empty for one about none."""
    ticket = record.details.get("ticket", "")
    return ticket if isinstance(ticket, str) and _TICKET.fullmatch(ticket) else ""
