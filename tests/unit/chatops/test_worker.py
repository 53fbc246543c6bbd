"""The worker: one request at a time, each answered, none lost when it stops, and a flood that fills no disk."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.asks import ChatAsk
from pytest_nextrust.chatops.delivery import Delivery
from pytest_nextrust.chatops.desk import DeskAnswer
from pytest_nextrust.chatops.worker import MOST, ChatWorker
from pytest_nextrust.errors import ExternalError, StatusError
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal


class Bench:
    """A worker whose requests wait until they are let go, and what it sent and said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: list[Delivery] = []
        self.reported: list[str] = []
        self.order: list[str] = []
        self.at_work = 0
        self.most_at_work = 0
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.fault: Exception | None = None
        self.worker = ChatWorker(
            self._handle, Journal(folder), Redactor({}), send=self._send, report=self.reported.append, clock=lambda: 0.0
        )

    def _handle(self, ask: ChatAsk) -> DeskAnswer:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.begun.release()
        assert self.go.wait(30)
        self.order.append(ask.line)
        self.at_work -= 1
        if self.fault is not None:
            raise self.fault
        return DeskAnswer("done", f"answer to {ask.line} <!here> @all")

    def _send(self, delivery: Delivery) -> None:
        if delivery.url.endswith("/broken"):
            raise ExternalError("slack", "status 404", kind="setup")
        self.sent.append(delivery)

    def offer(self, line: str, service: str = "slack", reply: str = "https://hooks.slack.com/1") -> bool:
        method = "PATCH" if service == "discord" else "POST"
        return self.worker.offer(ChatAsk(service, "U1", line, line, reply, method))

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(delivery.body) for delivery in self.sent]

    def away(self) -> list[dict[str, Any]]:
        return [dict(record.details) for record in read_log(self.folder).records if record.type == "chat-request"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_one_at_a_time_in_order(bench: Bench) -> None:
    """Requests are carried out as they came, never two at once, and each is answered where it was asked."""
    bench.go.set()
    bench.worker.start()
    lines = [f"/ci-{number}" for number in range(10)]
    for number, line in enumerate(lines):
        assert bench.offer(line, "discord" if number % 2 else "slack")
    for _ in lines:
        assert bench.begun.acquire(timeout=30)
    bench.worker.stop()
    assert bench.order == lines
    assert bench.most_at_work == 1
    assert [delivery.method for delivery in bench.sent] == ["POST", "PATCH"] * 5
    slack, discord = bench.bodies()[:2]
    assert slack["text"] == "answer to /ci-0 &lt;!here&gt; @\u200ball"
    assert slack["response_type"] == "ephemeral"
    assert discord["content"] == "answer to /ci-1 <!here> @all"
    assert discord["allowed_mentions"] == {"parse": []}


def test_no_more_than_fit(bench: Bench) -> None:
    """What is too much is not taken in."""
    bench.worker.start()
    assert bench.offer("/ci-first")
    assert bench.begun.acquire(timeout=30)
    assert [bench.offer(f"/ci-{number}") for number in range(MOST + 1)] == [True] * MOST + [False]
    bench.go.set()
    bench.worker.stop()


def test_stopping_leaves_nobody_without_an_answer(bench: Bench) -> None:
    """What is being carried out is finished; those that wait are told that nothing was done, which is recorded."""
    bench.worker.start()
    for line in ("/ci-first", "/ci-second", "/ci-third"):
        assert bench.offer(line)
    assert bench.begun.acquire(timeout=30)
    stopper = threading.Thread(target=bench.worker.stop)
    stopper.start()
    assert bench.worker.stopping.wait(30)
    assert not bench.offer("/ci-late")
    bench.go.set()
    stopper.join()
    assert bench.order == ["/ci-first"]
    assert [body["text"][:12] for body in bench.bodies()[1:]] == ["Nothing was "] * 2
    assert {each["reason"] for each in bench.away()} == {"the server ended before its turn"}
    assert sum(each["count"] for each in bench.away()) == 2


def test_a_flood_is_counted(bench: Bench) -> None:
    """Ten thousand that are turned away are a few records, in which none is missing; reasons are bounded too."""
    bench.go.set()
    for number in range(5000):
        bench.worker.turn_away("slack", "a wrong signature")
        bench.worker.turn_away("discord", f"a user that is not in [[chatops.user]]: {number}")
    bench.worker.start()
    bench.worker.stop()
    found = bench.away()
    assert len(found) <= 202
    assert sum(each["count"] for each in found) == 10_000
    assert {"service": "slack", "reason": "a wrong signature", "count": 5000}.items() <= found[0].items()
    assert found[0]["message"] == "slack: a wrong signature (5000 times)"


def test_faults_do_not_end_it(bench: Bench) -> None:
    """An answer that cannot be sent and a log that cannot be written are told, and the next request is carried out."""
    bench.go.set()
    bench.worker.start()
    bench.offer("/ci-one", reply="https://hooks.slack.com/broken")
    assert bench.begun.acquire(timeout=30)
    bench.offer("/ci-two", reply="")
    assert bench.begun.acquire(timeout=30)
    bench.fault = StatusError("journal", "no room")
    bench.offer("/ci-three")
    assert bench.begun.acquire(timeout=30)
    bench.worker.stop()
    assert [report.partition(":")[0] for report in bench.reported] == ["slack", "journal"]
    assert [body["text"] for body in bench.bodies()] == ["It could not be done: the status log cannot be used."]
