"""Killed at any point between queueing and record: the decision is on record once, and nothing is lost.

A child process queues one request and sends it; it kills itself (SIGKILL) before its n-th call that changes a file, for
every n there is. Then whoever comes next asks for the same and sends: one ticket, one decision, an empty queue.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_nextrust.hooks.handlers.stop import review
from pytest_nextrust.llm.asking import paths_of
from pytest_nextrust.llm.budget import CallBudget
from pytest_nextrust.llm.queue import Queue
from tests.unit.hooks.support import event_of
from tests.unit.llm import support

WRITING = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "socket.connect"}


def run_killed(work: Callable[[], None], at: int) -> tuple[bool, int]:
    """Do ``work`` in a child that dies before its ``at``-th change; whether it died, and its exit status."""
    child = os.fork()
    if child == 0:
        count = 0

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            if event == "open":
                flags = arguments[2]
                if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
                    return
            elif event not in WRITING:
                return
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), os.waitstatus_to_exitcode(status)


class Service:
    """Answers each Idempotency-Key once, and again with the same answer; counts what it really worked on."""

    def __init__(self, *, remembers: bool = True) -> None:
        self.remembers = remembers
        self.known: dict[str, str] = {}
        self.worked = 0
        self.asked = 0

    def __call__(self, request: Request) -> Response:
        request.get_data()
        self.asked += 1
        key = request.headers["Idempotency-Key"]
        if key not in self.known or not self.remembers:
            self.worked += 1
            self.known[key] = json.dumps(support.openai_answer(f"Answer {self.worked}."))
        return Response(self.known[key], content_type="application/json")


@pytest.fixture
def service(httpserver: HTTPServer) -> Service:
    service = Service()
    httpserver.expect_request("/v1/responses").respond_with_handler(service)
    return service


def queue_and_send(root: Path) -> Callable[[], None]:
    def work() -> None:
        context = support.context_of(root)
        Queue(paths_of(context)).add(support.draft())
        support.sent(context)

    return work


def test_a_review_is_queued_once_wherever_stop_is_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Killed at each change between the phase's marker and its mark: the next Stop leaves one request, one announcement
    and the mark, and never none. Every third point by default, every one in a campaign."""
    for at in range(1, 200, 1 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 3):
        root = support.project(tmp_path_factory.mktemp("r"), history=False)
        phases = root / "artifacts" / "phase"
        phases.mkdir(parents=True)
        (phases / "phase-1.done").write_text("{}")
        (phases / "phase-2.review").touch()

        def stop(root: Path = root) -> None:
            review.nextrust_stop(event=event_of("Stop"), context=support.context_of(root))

        died, status = run_killed(stop, at)
        assert died or status == 0
        stop()
        context = support.context_of(root)
        assert sorted(entry.phase for entry in support.queued(context)) == ["phase-1", "phase-2"]
        requests = support.log(context, "review_request")
        assert sorted(request["phase"] for request in requests) == ["phase-1", "phase-2"]
        assert len({request["ticket"] for request in requests}) == 2
        assert (phases / "phase-1.done").exists()
        assert (phases / "phase-1.reviewed").exists()
        assert not (phases / "phase-2.review").exists()
        if not died:
            break
    assert at >= 15


def settled(root: Path) -> None:
    """One decision, one announcement, one ticket, nothing left over."""
    context = support.context_of(root)
    decisions, requests = support.log(context, "design_decision"), support.log(context, "design_request")
    assert [d["request"] for d in decisions] == [d["request"] for d in requests]
    assert len(decisions) == 1
    assert decisions[0]["ticket"] == requests[0]["ticket"]
    assert support.queued(context) == []
    assert support.put_aside(context) == []
    assert list((paths_of(context).folder / "answers").iterdir()) == []
    tickets = [file.stem for file in paths_of(context).decisions.glob("*.md")]
    assert tickets == [decisions[0]["ticket"]]


def test_once_wherever_it_is_killed(
    tmp_path_factory: pytest.TempPathFactory, httpserver: HTTPServer, service: Service
) -> None:
    """At each of its changes in turn: after the next sender there is one decision, and the service worked once."""
    points = 0
    for at in range(1, 200):
        root = support.project(tmp_path_factory.mktemp("p"), design=httpserver.url_for("/v1"), history=False)
        service.known.clear()
        service.worked = 0
        died, status = run_killed(queue_and_send(root), at)
        assert died or status == 0
        queue_and_send(root)()
        settled(root)
        assert service.worked == 1
        if not died:
            break
        points += 1
    else:
        raise AssertionError("it never got to its end")
    assert points >= 15


def test_asked_again_only_before_the_answer_was_kept(
    tmp_path: Path, httpserver: HTTPServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that keeps no ids works once too, unless the kill came between its answer and the answer's file."""
    service.remembers = False
    support.project(tmp_path, design=httpserver.url_for("/v1"))
    context = support.context_of(tmp_path)
    support.add(context, support.draft())

    def died(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pytest_nextrust.llm.sending.record", died)
        with pytest.raises(KeyboardInterrupt):
            support.sent(context)
    assert service.worked == 1
    assert support.sent(context)[0].state == "recorded"
    assert service.worked == 1
    support.add(context, support.draft(2))
    with monkeypatch.context() as patch:
        patch.setattr("pytest_nextrust.llm.sending.keep_answer", died)
        with pytest.raises(KeyboardInterrupt):
            support.sent(context)
    assert support.sent(context)[0].state == "recorded"
    assert service.worked == 3
    assert [d["response"] for d in support.log(context, "design_decision")] == ["Answer 1.", "Answer 3."]


def test_two_senders_at_once(tmp_path: Path, httpserver: HTTPServer, service: Service) -> None:
    """Of several senders one sends; every request is asked for once, and recorded once."""
    support.project(tmp_path, design=httpserver.url_for("/v1"))
    context = support.context_of(tmp_path)
    support.add(context, *(support.draft(number) for number in range(1, 7)))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                support.sent(support.context_of(tmp_path))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    support.sent(context)
    assert service.asked == 6
    assert len(support.log(context, "design_decision")) == 6
    assert support.queued(context) == []


def test_killed_while_the_model_thinks(tmp_path: Path, httpserver: HTTPServer) -> None:
    """A sender that dies with its request on the way: the next one asks under the same id, the service works once, and
    one decision is on record."""
    service = Service()
    sender: list[int] = []

    def fatal(request: Request) -> Response:
        while sender:
            os.kill(sender.pop(), signal.SIGKILL)
        return service(request)

    httpserver.expect_request("/v1/responses").respond_with_handler(fatal)
    support.project(tmp_path, design=httpserver.url_for("/v1"), history=False)
    context = support.context_of(tmp_path)
    Queue(paths_of(context)).add(support.draft())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read, 1)
        support.sent(support.context_of(tmp_path))
        os._exit(0)
    sender.append(child)
    os.write(write, b"x")
    _, status = os.waitpid(child, 0)
    os.close(read)
    os.close(write)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert len(support.queued(context)) == 1
    support.sent(context)
    settled(tmp_path)
    assert (service.asked, service.worked) == (2, 1)
    spent = CallBudget(paths_of(context), context.settings.external, clock=lambda: support.NOW).today()
    assert spent.calls == 2
    assert spent.usd > support.log(context, "design_decision")[0]["cost_usd"]
