"""Reading answers: every form the two APIs give, and none that is half an answer presented as a whole one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.hookapi.settings import DesignRules, ReviewRules
from pytest_nextrust.llm import gemini_api, openai
from pytest_nextrust.llm.replies import ModelReply
from tests.unit.llm.support import gemini_answer, openai_answer

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "content": list(parts)}


def test_the_text_is_not_the_first_item() -> None:
    """Reasoning before and between messages is passed over; all parts of all messages are taken, in order."""
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hidden"}]},
        message({"type": "output_text", "text": "one"}, {"type": "output_text", "text": "two"}),
        {"type": "web_search_call"},
        message({"type": "output_text", "text": "three"}),
    ]
    reply = openai.parse(openai_answer(output=output))
    assert reply.text == "one\n\ntwo\n\nthree"
    assert reply.complete


def test_usage_with_its_details() -> None:
    """Cached, cache-write and reasoning tokens are read; without a usage it is not known, and not 0."""
    details = {"cached_tokens": 4, "cache_write_tokens": 5}
    table = {
        "input_tokens": 10,
        "input_tokens_details": details,
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 6},
    }
    usage = openai.parse(openai_answer(usage=table)).usage
    assert usage is not None
    assert (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning) == (10, 4, 5, 7, 6)
    assert openai.parse(openai_answer(usage=None)).usage is None


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_a_cut_answer_is_marked(reason: str) -> None:
    """An incomplete answer with text is given with its reason; one without text is an error that names it."""
    cut = openai_answer(status="incomplete", incomplete_details={"reason": reason})
    reply = openai.parse(cut)
    assert (reply.complete, reply.note) == (False, f"cut off: {reason}")
    with pytest.raises(ExternalError, match=reason) as caught:
        openai.parse(cut | {"output": [{"type": "reasoning"}]})
    assert caught.value.kind == "final"
    assert caught.value.charged


@pytest.mark.parametrize(
    ("code", "kind"), [("server_error", "later"), ("rate_limit_exceeded", "later"), ("invalid_prompt", "final")]
)
def test_a_failed_response(code: str, kind: str) -> None:
    """The error of a response with status 200 is an error, for later or for good by its code."""
    with pytest.raises(ExternalError, match=code) as caught:
        openai.parse(openai_answer(status="failed", error={"code": code, "message": "m"}))
    assert caught.value.kind == kind


def test_a_refusal_is_an_answer_that_says_so() -> None:
    """A refusal's text is kept, and it is not complete."""
    reply = openai.parse(openai_answer(output=[message({"type": "refusal", "refusal": "I will not."})]))
    assert (reply.text, reply.complete, reply.note) == ("I will not.", False, "the model refused")


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled", None, 3])
def test_another_status_is_no_answer(status: object) -> None:
    """What is not finished is not taken for finished, whatever text it holds."""
    with pytest.raises(ExternalError):
        openai.parse(openai_answer(status=status))


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com", "https://api.openai.com/v1/responses"),
        ("https://x.example/v1/", "https://x.example/v1/responses"),
    ],
)
def test_the_endpoint(base: str, wanted: str) -> None:
    """With or without /v1 it is the same; O3_ENDPOINT goes before the setting."""
    assert openai.url(DesignRules(endpoint=base), {}) == wanted
    assert openai.url(DesignRules(), {"O3_ENDPOINT": base}) == wanted


def test_keys() -> None:
    """O3_TOKEN goes before OPENAI_API_KEY, an empty one counts as none, and none is a fault of the set-up."""
    assert openai.key({"O3_TOKEN": " a ", "OPENAI_API_KEY": "b"}) == "a"
    assert openai.key({"O3_TOKEN": " ", "OPENAI_API_KEY": "b"}) == "b"
    for ask in (openai.key, gemini_api.key):
        with pytest.raises(ExternalError) as caught:
            ask({})
        assert caught.value.kind == "setup"


def test_thoughts_are_no_text() -> None:
    """Parts marked as thoughts are left out of the text, and their tokens are output."""
    reply = gemini_api.parse(gemini_answer("A finding."))
    assert reply.text == "A finding."
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.cached, reply.usage.output, reply.usage.reasoning) == (2000, 500, 500, 400)


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"])
def test_a_candidate_that_was_cut(reason: str) -> None:
    """A finish reason other than STOP marks the answer; without text it is an error."""
    cut = gemini_answer()
    cut["candidates"][0]["finishReason"] = reason
    assert not gemini_api.parse(cut).complete
    cut["candidates"][0]["content"] = {}
    with pytest.raises(ExternalError, match=reason):
        gemini_api.parse(cut)


def test_a_blocked_prompt() -> None:
    """No candidates and a block reason: refused for good."""
    with pytest.raises(ExternalError, match="PROHIBITED") as caught:
        gemini_api.parse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert caught.value.kind == "final"


def test_the_key_is_not_in_the_url() -> None:
    """The URL has the model and nothing secret."""
    url = gemini_api.url(ReviewRules())
    assert url == "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent"


@given(PLAIN, st.sampled_from(["output", "error", "usage", "incomplete_details", "model", "id", "status"]))
def test_any_shape_from_openai(value: Any, name: str) -> None:
    """Whatever stands in a field, the outcome is a ModelReply with text or an ExternalError."""
    try:
        reply = openai.parse(openai_answer(**{name: value}))
    except ExternalError:
        return
    assert isinstance(reply, ModelReply)
    assert reply.text.strip()
    json.dumps(reply.text)


@given(PLAIN, st.sampled_from(["candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"]))
def test_any_shape_from_gemini(value: Any, name: str) -> None:
    """The same for the other API."""
    try:
        reply = gemini_api.parse(gemini_answer(**{name: value}))
    except ExternalError:
        return
    assert reply.text.strip()
