"""``nextrust review``: what is due, one phase by hand, and sending."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_escalate_command import nextrust
from tests.unit import servers
from tests.unit.llm import support


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


def stopped(root: Path) -> tuple[int, dict[str, Any], str]:
    """The answer to a Stop event: exit status, stdout's object, stderr."""
    kept = {"PATH": support.path(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "hook", "Stop"],
        cwd=root,
        env={**kept, "HOME": str(root), "CLAUDE_PROJECT_DIR": str(root)},
        input=json.dumps({"session_id": "s", "hook_event_name": "Stop", "stop_hook_active": False}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.mark.parametrize("broken", [False, True], ids=["sound", "broken"])
def test_stop_asks_and_never_blocks(tmp_path: Path, broken: bool) -> None:
    """The end of a turn queues the review and tells the user; where it cannot be queued the turn ends all the same, the
    fault is shown and on record, and nothing is marked."""
    support.project(tmp_path)
    marker = tmp_path / "artifacts" / "phase" / "phase-1.done"
    marker.parent.mkdir(parents=True)
    marker.write_text("{}")
    if broken:
        (tmp_path / ".nextrust").mkdir()
        (tmp_path / ".nextrust" / "external").write_text("in the way")
    status, answer, _ = stopped(tmp_path)
    assert status == 0
    assert "decision" not in answer
    assert ("review" if broken else "review-001") in answer["systemMessage"]
    assert marker.with_name("phase-1.reviewed").exists() is not broken
    assert len(support.log(support.context_of(tmp_path), "hook_error")) == broken
