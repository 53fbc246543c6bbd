"""Sending: what is queued is sent once, in order, and leaves the queue only when its answer is on record."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_nextrust.llm.asking import paths_of
from pytest_nextrust.llm.budget import CallBudget
from pytest_nextrust.llm.queue import Queue
from tests.unit.hooks.support import unnamed
from tests.unit.llm import support


@pytest.fixture
def root(tmp_path: Path, httpserver: HTTPServer) -> Path:
    base = httpserver.url_for("").rstrip("/")
    return support.project(tmp_path, design=base + "/v1", review=base)


def test_a_design_request_from_queue_to_record(root: Path, httpserver: HTTPServer) -> None:
    """The answer is in the status log with ticket, tokens and cost, in a file, and the queue is empty."""
    context = support.context_of(root)
    entry = support.add(context, support.draft())[0]
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        request.get_data()
        seen.append(request)
        return Response(json.dumps(support.openai_answer()), content_type="application/json; charset=utf-8")

    httpserver.expect_request("/v1/responses", method="POST").respond_with_handler(answer)
    assert support.sent(context)[0].state == "recorded"
    request = seen[0]
    assert request.headers["Authorization"] == f"Bearer {support.KEY}"
    assert request.headers["Idempotency-Key"] == entry.id
    body = json.loads(request.get_data())
    assert (body["model"], body["input"], body["reasoning"]) == ("o3", "text 1", {"effort": "high"})
    assert "temperature" not in body
    decision = support.log(context, "design_decision")
    assert len(decision) == 1
    assert (decision[0]["ticket"], decision[0]["response"], decision[0]["response_id"]) == (
        "design-001",
        "Use a lock.",
        "resp_1",
    )
    assert decision[0]["usage"] == {"input": 1000, "cached": 400, "cache_write": 0, "output": 500, "reasoning": 300}
    assert decision[0]["cost_usd"] == pytest.approx((600 * 2 + 400 * 0.5 + 500 * 8) / 1e6)
    assert "Use a lock." in (root / "artifacts/nextrust/decisions/design-001.md").read_text()
    assert support.queued(context) == []
    assert list((paths_of(context).folder / "answers").iterdir()) == []
    assert support.sent(context) == []
    assert len(seen) == 1


def test_a_review_by_the_api(root: Path, httpserver: HTTPServer) -> None:
    """Without a Gemini CLI the API is asked, with the key in the header and never in the URL."""
    context = support.context_of(root)
    support.add(context, support.draft(kind="review"))
    httpserver.expect_request("/v1beta/models/gemini-2.5-pro:generateContent", method="POST").respond_with_json(
        support.gemini_answer()
    )
    outcome = support.sent(context)[0]
    assert outcome.state == "recorded", outcome.message
    request, _ = httpserver.log[0]
    assert request.headers["x-goog-api-key"] == support.GEMINI_KEY
    assert support.GEMINI_KEY not in request.url
    review = support.log(context, "review")[0]
    assert review["response"] == "No findings."
    assert review["cost_usd"] == pytest.approx((1500 * 1.25 + 500 * 0.125 + 500 * 10) / 1e6)


def test_in_order_and_each_once(root: Path, httpserver: HTTPServer) -> None:
    """Several requests are sent in the order of their tickets, each one time."""
    context = support.context_of(root)
    support.add(context, *(support.draft(number) for number in range(1, 6)))
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    assert [one.ticket for one in support.sent(context)] == [f"design-00{n}" for n in range(1, 6)]
    assert [json.loads(request.get_data())["input"] for request, _ in httpserver.log] == [
        f"text {n}" for n in range(1, 6)
    ]


@pytest.mark.parametrize("name", ["SKIP_EXTERNAL_APIS", "DRY_RUN"])
def test_nothing_is_sent_where_it_must_not_be(root: Path, httpserver: HTTPServer, name: str) -> None:
    """SKIP_EXTERNAL_APIS and DRY_RUN keep the request queued; without them it is sent, once."""
    support.add(support.context_of(root), support.draft())
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    assert support.sent(support.context_of(root, {name: "1"})) == []
    assert httpserver.log == []
    assert len(support.queued(support.context_of(root))) == 1
    assert len(support.sent(support.context_of(root))) == 1
    assert len(httpserver.log) == 1


def test_an_answer_that_tells_no_usage(root: Path, httpserver: HTTPServer) -> None:
    """It is recorded as unpriced, without tokens, and the budget counts it at its worst."""
    context = support.context_of(root)
    support.add(context, support.draft())
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer(usage=None))
    assert support.sent(context)[0].state == "recorded"
    decision = support.log(context, "design_decision")[0]
    assert (decision["usage"], decision["cost_usd"]) == (None, None)
    spent = CallBudget(paths_of(context), context.settings.external, clock=lambda: support.NOW).today()
    assert spent.usd > 0.1
    assert spent.unpriced == 1


def test_another_model_than_asked_for(root: Path, httpserver: HTTPServer) -> None:
    """The record names the model that answered; one without a price is unpriced, not priced as the one asked for."""
    context = support.context_of(root)
    support.add(context, support.draft())
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer(model="o3-2099-01-01"))
    support.sent(context)
    decision = support.log(context, "design_decision")[0]
    assert (decision["model"], decision["cost_usd"]) == ("o3-2099-01-01", None)


def test_what_fails_waits_longer_and_is_put_aside_at_last(root: Path, httpserver: HTTPServer) -> None:
    """Each failed try puts the next one off further; after the last the request is put aside, kept, and on record."""
    settings = root / "nextrust.toml"
    settings.write_text(settings.read_text().replace("[hooks.external]", "[hooks.external]\nattempts = 3", 1))
    context = support.context_of(root)
    support.add(context, support.draft())
    httpserver.expect_request("/v1/responses").respond_with_data("", status=503)
    now, waits = support.NOW, []
    for number in (1, 2):
        assert support.sent(context, now=now)[0].state == "queued"
        entry = support.queued(context)[0]
        assert entry.attempts == number
        waits.append(entry.not_before - now)
        assert support.sent(context, now=entry.not_before - 1) == []
        now = entry.not_before
    assert 150 <= waits[0] <= 300 <= waits[1] <= 600
    assert support.sent(context, now=now)[0].state == "failed"
    assert support.queued(context) == []
    assert "503" in support.put_aside(context)[0].last_error
    assert support.log(context, "external_failure")[0]["ticket"] == "design-001"
    assert unnamed("external_failure", support.log(context, "external_failure")[0]) == set()


def test_a_fault_of_the_set_up_costs_no_try(root: Path, httpserver: HTTPServer) -> None:
    """Without a key nothing of that kind is tried further, no try is lost, other kinds are sent, and once there is a
    key all is sent."""
    support.add(support.context_of(root), support.draft(1), support.draft(2), support.draft(3, "review"))
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    httpserver.expect_request("/v1beta/models/gemini-2.5-pro:generateContent").respond_with_json(
        support.gemini_answer()
    )
    without = support.context_of(root, OPENAI_API_KEY="")
    outcomes = {one.ticket: one for one in support.sent(without)}
    assert [outcomes[t].state for t in ("design-001", "design-002", "review-001")] == ["queued", "queued", "recorded"]
    assert "no key" in outcomes["design-002"].message
    assert [entry.attempts for entry in support.queued(without)] == [0, 0]
    with_key = support.context_of(root)
    assert [one.state for one in support.sent(with_key, now=support.NOW + 3600)] == ["recorded", "recorded"]


def test_a_clock_that_was_set_back(root: Path, httpserver: HTTPServer) -> None:
    """A time to wait for that is days away is no reason to wait: nothing waits longer than a day."""
    context = support.context_of(root)
    entry = support.add(context, support.draft())[0]
    Queue(paths_of(context)).put_off(entry, "why", until=support.NOW + 10 * 86400, tried=True)
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    assert support.sent(context)[0].state == "recorded"


@pytest.mark.parametrize("name", ["stamina", "urllib3"])
def test_without_the_extra(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without its libraries nothing is lost: queued, with what to install."""
    context = support.context_of(root)
    support.add(context, support.draft())
    monkeypatch.setitem(sys.modules, name, None)
    outcome = support.sent(context)[0]
    assert outcome.state == "queued"
    assert "pytest-nextrust[external]" in outcome.message


def test_what_is_queued_meanwhile_is_sent_too(root: Path, httpserver: HTTPServer) -> None:
    """A request that is queued while the sender is at work does not wait for another sender."""
    context = support.context_of(root)
    support.add(context, support.draft(1))

    def answer(request: Request) -> Response:
        Queue(paths_of(context)).add(support.draft(2))
        return Response(json.dumps(support.openai_answer()), content_type="application/json")

    httpserver.expect_request("/v1/responses").respond_with_handler(answer)
    assert [one.ticket for one in support.sent(context, now=time.time() + 5)] == ["design-001", "design-002"]


def test_a_damaged_answer_is_asked_for_again(root: Path, httpserver: HTTPServer) -> None:
    """An answer file that holds none is not taken for one, and does not stop the request."""
    context = support.context_of(root)
    entry = support.add(context, support.draft())[0]
    paths_of(context).answer(entry.id).write_text('{"text": 3}')
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    assert support.sent(context)[0].state == "recorded"


def counted(root: Path) -> list[str]:
    file = root / "m.prom"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return sorted(line for line in text.splitlines() if line.startswith("nextrust_external_calls_total"))


def test_calls_are_measured(root: Path, httpserver: HTTPServer) -> None:
    """One call for each request that went out, with its retries, by service and outcome; none without key or budget."""
    with (root / "nextrust.toml").open("a", encoding="utf-8") as stream:
        stream.write('[metrics]\nfile = "m.prom"\n')
    context = support.context_of(root)
    support.add(context, support.draft())
    support.add(context, support.draft(kind="review"))
    support.sent(support.context_of(root, OPENAI_API_KEY="", GEMINI_API_KEY=""))
    assert counted(root) == []
    rules = (root / "nextrust.toml").read_text(encoding="utf-8")
    spent = rules.replace("[hooks.external]\n", "[hooks.external]\ncalls_per_day = 0\n")
    (root / "nextrust.toml").write_text(spent, encoding="utf-8")
    support.sent(support.context_of(root), force=True)
    assert counted(root) == []
    (root / "nextrust.toml").write_text(rules, encoding="utf-8")
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    httpserver.expect_request(re.compile("/.*generateContent")).respond_with_data("busy", status=503)
    support.sent(context, force=True)
    assert counted(root) == [
        'nextrust_external_calls_total{service="design",outcome="ok"} 1',
        'nextrust_external_calls_total{service="review",outcome="failed"} 1',
    ]


def test_faulty_metrics_keep_no_request(root: Path, httpserver: HTTPServer) -> None:
    """A table of sinks that cannot be read is another's business."""
    with (root / "nextrust.toml").open("a", encoding="utf-8") as stream:
        stream.write("[metrics]\nfile = 3\n")
    context = support.context_of(root)
    support.add(context, support.draft())
    httpserver.expect_request("/v1/responses").respond_with_json(support.openai_answer())
    assert support.sent(context)[0].state == "recorded"
