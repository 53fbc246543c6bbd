"""The one thread that carries out what chats ask for, one request at a time, while the server answers within seconds.

What was turned away before it became a request (a wrong signature, a body too large, somebody unknown) is counted, and
recorded at most once a minute for each reason: whoever can reach the server could else fill the disk. No count is lost.

Boundary: a queue, a thread, and where the answer goes; what is carried out is ``desk``'s.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.delivery import Delivery, post
from pytest_nextrust.chatops.messages import chat_payload, for_slack, shown
from pytest_nextrust.errors import ExternalError, NextrustError
from pytest_nextrust.status.journal import Journal

if TYPE_CHECKING:
    from pytest_nextrust.chatops.asks import ChatAsk
    from pytest_nextrust.chatops.desk import DeskAnswer

__all__ = ["ENTRY", "MOST", "ChatWorker", "chat_answer"]

ENTRY = "chat-request"
MOST = 32
"""Requests that wait at most."""

EVERY = 60.0
"""Seconds between two records of what was turned away."""

_REASONS = 200
_ANSWER = 8000


class ChatWorker:
    """A thread from ``start`` to ``stop``. ``handle`` carries one request out; ``send`` posts an answer; ``report``
    takes what went wrong, for whoever runs the server; ``stopping`` is set when nothing is taken in any more."""

    def __init__(
        self,
        handle: Callable[[ChatAsk], DeskAnswer],
        journal: Journal,
        redactor: Redactor,
        *,
        send: Callable[[Delivery], None] = post,
        report: Callable[[str], object] = print,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handle, self._journal, self._redactor = handle, journal, redactor
        self._send, self._report, self._clock = send, report, clock
        self._queue: queue.Queue[ChatAsk | None] = queue.Queue()
        self._waiting = 0
        self._away: Counter[tuple[str, str]] = Counter()
        self._recorded = float("-inf")
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nextrust-chatops")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the request that is being carried out; those that wait are told that nothing was done."""
        self.stopping.set()
        self._queue.put(None)
        self._thread.join()

    def offer(self, ask: ChatAsk) -> bool:
        """Take a request in; False where too many wait."""
        with self._lock:
            if self._waiting >= MOST or self.stopping.is_set():
                return False
            self._waiting += 1
        self._queue.put(ask)
        return True

    def turn_away(self, service: str, reason: str) -> None:
        """Count what does not become a request."""
        with self._lock:
            known = (service, reason) in self._away or len(self._away) < _REASONS
            self._away[service, reason if known else "something else"] += 1

    def _work(self) -> None:
        while True:
            try:
                ask = self._queue.get(timeout=1.0)
            except queue.Empty:
                self._record_away()
                continue
            if ask is None:
                break
            with self._lock:
                self._waiting -= 1
            self._one(ask)
            self._record_away()
        self._record_away(now=True)

    def _one(self, ask: ChatAsk) -> None:
        if self.stopping.is_set():
            self.turn_away(ask.service, "the server ended before its turn")
            self._answer(ask, "Nothing was done: the server ended. Ask again.")
            return
        try:
            text = self._handle(ask).text
        except NextrustError as error:
            text = "It could not be done: the status log cannot be used."
            self._report(self._redactor.text(str(error)))
        self._answer(ask, text)

    def _answer(self, ask: ChatAsk, text: str) -> None:
        if not ask.reply:
            return
        body = json.dumps(chat_answer(ask.service, self._redactor.text(text))).encode()
        try:
            self._send(Delivery(ask.reply, body, self._redactor, method=ask.method, subject=ask.service))
        except ExternalError as error:
            # What was done is on record; the chat shows that no answer came.
            self._report(self._redactor.text(str(error)))

    def _record_away(self, *, now: bool = False) -> None:
        if not now and self._clock() - self._recorded < EVERY:
            return
        with self._lock:
            away, self._away = self._away, Counter()
        if not away:
            return
        self._recorded = self._clock()
        for (service, reason), count in away.items():
            times = f" ({count} times)" if count > 1 else ""
            details = {"message": f"{service}: {reason}{times}", "service": service, "reason": reason, "count": count}
            try:
                self._journal.append(ENTRY, details)
            except NextrustError as error:
                self._report(self._redactor.text(str(error)))


def chat_answer(service: str, text: str) -> dict[str, object]:
    """An answer in Markdown as the chat takes it, for the one who asked. Text from outside is in code there already."""
    plain = shown(text, _ANSWER)
    if service == "discord":
        return chat_payload("discord", plain)
    marked = for_slack(plain.replace("```text\n", "```\n"))
    return {"response_type": "ephemeral", "replace_original": False, **chat_payload("slack", marked)}
