"""Sending: what is queued is sent once, in order, and leaves the queue only when its answer is on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_nextrust.control.external.asking import paths_of
from tests.unit.control.external import support


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
    assert support.sent(support.context_of(root, **{name: "1"})) == []
    assert httpserver.log == []
    assert len(support.queued(support.context_of(root))) == 1
    assert len(support.sent(support.context_of(root))) == 1
    assert len(httpserver.log) == 1
