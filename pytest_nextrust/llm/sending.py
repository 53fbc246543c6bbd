"""Sending what is queued: one sender at a time, oldest request first, each until its answer is on record.

A sender that is killed leaves the lock to the next one, which goes on where it stopped: an answer that was kept is
recorded and not asked for again. Killed between sending and that, the request goes out again under the same id
(``Idempotency-Key``, ``X-Client-Request-Id``). So a request is on record once, always, and is worked on once by a
service that keeps ids; by another it may be worked on twice.

Boundary: the clock's, network's and budget's faults end here, as an ``SendOutcome`` each.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_nextrust.errors import ExternalError, LockTimeout
from pytest_nextrust.llm.asking import offline, paths_of
from pytest_nextrust.llm.budget import CallBudget
from pytest_nextrust.llm.providers import Asker
from pytest_nextrust.llm.queue import Queue, QueuedRequest
from pytest_nextrust.llm.recording import keep_answer, kept_answer, record

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.llm.paths import Paths

__all__ = ["SendOutcome", "send"]

_FIRST_WAIT, _LONGEST_WAIT = 300.0, 6 * 3600.0
_SETUP_WAIT = 3600.0
_LEAST = 5.0
"""Seconds without which no request is begun: cut off, it would cost and give nothing."""


@dataclass(frozen=True)
class SendOutcome:
    """The outcome of one request. ``state``: ``recorded``, ``queued`` (see ``message``) or ``failed`` (put aside)."""

    ticket: str
    state: str
    message: str


def send(
    context: Context,
    *,
    limit: float,
    only: str = "",
    force: bool = False,
    clock: Callable[[], float] = time.time,
    ticks: Callable[[], float] = time.monotonic,
) -> Iterator[SendOutcome]:
    """Send what is due, within ``limit`` seconds; each outcome as it comes. ``only``: a ticket, or a kind; ``force``:
    also what is to wait. Nothing where another process sends, or where nothing may be sent.

    Raises StatusError and OSError where the queue, the counts or the status log cannot be written.
    """
    paths = paths_of(context)
    if offline(context) or not paths.queue.is_dir():
        return
    try:
        lock = paths.lock("sender", timeout=0.0)
        lock.acquire()
    except LockTimeout:
        return
    try:
        _sweep(paths)
        sender = _Sender(context, end=ticks() + limit, clock=clock, ticks=ticks)
        yield from sender.all(only, force=force)
    finally:
        lock.release()


def _sweep(paths: Paths) -> None:
    """Take away what a sender left that was killed: half an answer, and answers whose request has left the queue."""
    for file in (paths.folder / "answers").iterdir():
        if file.suffix != ".json" or not paths.entry(file.stem).exists():
            file.unlink(missing_ok=True)


class _Sender:
    """Holds the sender's lock."""

    def __init__(self, context: Context, *, end: float, clock: Callable[[], float], ticks: Callable[[], float]) -> None:
        self._context = context
        self._paths = paths_of(context)
        self._queue = Queue(self._paths, clock=clock)
        self._rules = context.settings.external
        self._budget = CallBudget(self._paths, self._rules, clock=clock)
        self._asker = Asker(context.root, self._rules, context.environ, context.redactor, self._budget)
        self._end, self._clock, self._ticks = end, clock, ticks

    def all(self, only: str, *, force: bool) -> Iterator[SendOutcome]:
        """Until nothing is due. What was queued meanwhile is sent too: its asker may have found this sender at work."""
        tried: set[str] = set()
        stopped: dict[str, str] = {}
        while (entry := self._next(only, tried, force=force)) is not None:
            tried.add(entry.id)
            if entry.kind in stopped:
                yield SendOutcome(entry.ticket, "queued", stopped[entry.kind])
                continue
            if self._end - self._ticks() < _LEAST and kept_answer(self._paths, entry) is None:
                yield SendOutcome(entry.ticket, "queued", "no time left")
                return
            try:
                yield self._one(entry)
            except ExternalError as error:
                if error.kind == "setup":
                    # The next request of this kind would meet the same fault.
                    stopped[entry.kind] = str(error).partition("\n")[0]
                yield self._failed(entry, error)

    def _next(self, only: str, tried: set[str], *, force: bool) -> QueuedRequest | None:
        now = self._clock()
        for entry in self._queue.listing().entries:
            wanted = not only or only in (entry.ticket, entry.kind)
            # A clock that was set back must not keep a request waiting for ever.
            due = force or entry.not_before <= now or entry.not_before > now + 2 * 86400
            if entry.id not in tried and wanted and due:
                return entry
        return None

    def _one(self, entry: QueuedRequest) -> SendOutcome:
        reply = kept_answer(self._paths, entry)
        again = reply is not None
        if reply is None:
            answer = self._asker.ask(entry, limit=self._end - self._ticks())
            reply = keep_answer(self._paths, entry, answer, self._context.redactor)
        details = record(self._paths, entry, reply, self._budget, asked=self._asker.model(entry), again=again)
        return SendOutcome(entry.ticket, "recorded", str(details["message"]))

    def _failed(self, entry: QueuedRequest, error: ExternalError) -> SendOutcome:
        text = self._context.redactor.text(str(error))
        message = text.replace("\n", " ")
        last = error.kind == "later" and error.subject != "budget" and entry.attempts + 1 >= self._rules.attempts
        if error.kind == "final" or last:
            self._record_failure(entry, message)
            self._budget.record(entry.id, None)
            self._queue.put_aside(entry, text)
            return SendOutcome(entry.ticket, "failed", message)
        tried = error.kind == "later" and error.subject != "budget"
        self._queue.put_off(entry, text, until=self._clock() + self._wait(entry, error), tried=tried)
        return SendOutcome(entry.ticket, "queued", message)

    def _wait(self, entry: QueuedRequest, error: ExternalError) -> float:
        """Seconds until the next try: as the other side says, else exponential with full jitter above its half."""
        if error.kind == "setup":
            return _SETUP_WAIT
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(entry.attempts, 20))
        wait *= 0.5 + random.random() / 2
        return max(wait, min(error.after, 86400.0)) if error.after is not None else wait

    def _record_failure(self, entry: QueuedRequest, message: str) -> None:
        from pytest_nextrust.status.journal import Journal

        details = {
            "message": f"{entry.ticket} put aside: {message[:500]}",
            "ticket": entry.ticket,
            "request": entry.id,
            "phase": entry.phase,
            "fingerprint": entry.fingerprint,
        }
        Journal(self._paths.status_dir).append("external_failure", details)
