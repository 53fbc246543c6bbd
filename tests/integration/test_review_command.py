"""``nextrust review``: what is due, one phase by hand, and sending."""

from __future__ import annotations

from pathlib import Path

from tests.integration.test_escalate_command import nextrust
from tests.unit.control.external import servers, support


def test_due_and_by_hand(tmp_path: Path) -> None:
    """A finished phase is asked for once, one by its id once for a commit; both are sent; an unknown one is refused."""
    with servers.raw_server(servers.plain(support.gemini_answer())) as (url, requests):
        support.project(tmp_path, review=url)
        assert nextrust(tmp_path, "request", command="review")[1]["asked"] == []
        marker = tmp_path / "artifacts" / "phase" / "phase-1.done"
        marker.parent.mkdir(parents=True)
        marker.write_text("{}")
        asked = nextrust(tmp_path, "request", command="review")[1]["asked"]
        assert asked == [{"phase": "phase-1", "state": "queued", "ticket": "review-001"}]
        assert nextrust(tmp_path, "request", command="review")[1]["asked"] == []
        for state in ("queued", "waiting"):
            asked = nextrust(tmp_path, "request", "phase-2", command="review")[1]["asked"]
            assert asked == [{"phase": "phase-2", "state": state, "ticket": "review-002"}]
        status, answer = nextrust(tmp_path, "request", "phase-99", command="review")
        assert (status, "no phase" in answer["errors"][0]["message"]) == (2, True)
        support.add(support.context_of(tmp_path), support.draft())
        status, answer = nextrust(tmp_path, "send", command="review")
        assert [(one["ticket"], one["state"]) for one in answer["sent"]] == [
            ("review-001", "recorded"),
            ("review-002", "recorded"),
        ]
        assert marker.is_file()
    assert len(requests) == 2
    context = support.context_of(tmp_path)
    assert [review["phase"] for review in support.log(context, "review")] == ["phase-1", "phase-2"]
    assert [entry.kind for entry in support.queued(context)] == ["design"]
