"""``nextrust escalate``: ask, list, send, retry, drop; by hand, and by a process that outlives the hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from pytest_nextrust.status.archive import read_log
from tests.unit import servers
from tests.unit.llm import support

SCHEMAS = Path(pytest_nextrust.__file__).parent / "schemas"
ERROR = "ld: error: undefined reference to `__sync_fetch_and_add_4'\n"


def nextrust(
    root: Path, *arguments: str, given: str = "", command: str = "escalate", **environ: str
) -> tuple[int, dict[str, Any]]:
    """Run it in a process of its own; the exit status and the JSON answer, which fits its schema."""
    kept = {"PATH": support.path(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", command, *arguments, "--json", "-"],
        cwd=root,
        env={**kept, "HOME": str(root), "OPENAI_API_KEY": support.KEY, "GEMINI_API_KEY": support.GEMINI_KEY, **environ},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{command}.json").read_text(encoding="utf-8")))
    assert answer["exit"] == done.returncode
    return done.returncode, answer


def test_from_an_error_to_a_decision(tmp_path: Path) -> None:
    """Asked, listed, sent, listed again: the decision is on record, the money is counted, and asking again gives it."""
    with servers.raw_server(servers.plain(support.openai_answer("Link the runtime."))) as (url, requests):
        support.project(tmp_path, design=url)
        status, answer = nextrust(tmp_path, "request", "-", "--command", "make", given=ERROR)
        assert (status, answer["request"]["state"], answer["request"]["ticket"]) == (0, "queued", "design-001")
        status, answer = nextrust(tmp_path, "list")
        assert [(r["ticket"], r["state"]) for r in answer["requests"]] == [("design-001", "queued")]
        status, answer = nextrust(tmp_path, "send")
        assert (status, [one["state"] for one in answer["sent"]]) == (0, ["recorded"])
        status, answer = nextrust(tmp_path, "list")
        assert answer["requests"] == []
        assert answer["spent"]["calls"] == 1
        assert answer["spent"]["usd"] > 0
        status, answer = nextrust(tmp_path, "request", "-", given=ERROR)
        assert answer["request"]["state"] == "decided"
        assert "Link the runtime." in (tmp_path / answer["request"]["file"]).read_text()
    assert len(requests) == 1


def test_put_aside_retried_and_dropped(tmp_path: Path) -> None:
    """A refused request is put aside with exit status 1; retry queues it again, drop takes it away for good."""
    with servers.raw_server(servers.plain({"error": {"message": "too long"}}, status="400 Bad")) as (url, _):
        support.project(tmp_path, design=url)
        assert nextrust(tmp_path, "request", "-", given=ERROR)[0] == 0
        status, answer = nextrust(tmp_path, "send")
        assert (status, answer["sent"][0]["state"]) == (1, "failed")
        assert "too long" in answer["sent"][0]["message"]
        assert nextrust(tmp_path, "list")[1]["requests"][0]["state"] == "failed"
        assert nextrust(tmp_path, "retry", "design-001")[0] == 0
        assert nextrust(tmp_path, "list")[1]["requests"][0]["state"] == "queued"
        assert nextrust(tmp_path, "drop", "design-001")[0] == 0
        assert nextrust(tmp_path, "list")[1]["requests"] == []
    types = [record.type for record in read_log(tmp_path / "docs" / "ci-status").records]
    assert types == ["design_request", "external_failure", "external_dropped"]


@pytest.mark.parametrize("name", ["SKIP_EXTERNAL_APIS", "DRY_RUN"])
def test_nothing_is_sent(tmp_path: Path, name: str) -> None:
    """With either variable nothing leaves, and the answer says why."""
    with servers.raw_server(servers.plain(support.openai_answer())) as (url, requests):
        support.project(tmp_path, design=url)
        assert nextrust(tmp_path, "request", "-", given=ERROR)[0] == 0
        status, answer = nextrust(tmp_path, "send", **{name: "1"})
        assert (status, answer["sent"], answer["offline"]) == (0, [], f"{name} is set")
        assert requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["request", "no-such-file"], "cannot be read"),
        (["request", "-"], "empty"),
        (["send", "design-009"], "no request"),
        (["send", "--limit", "0"], "not above 0"),
        (["retry", "design-009"], "no request"),
        (["drop", "../x"], "no request"),
    ],
    ids=["missing", "empty", "send", "limit", "retry", "drop"],
)
def test_bad_usage(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Exit status 2 with a message, and nothing done: what is queued stays as it is, and nothing is sent or written."""
    with servers.raw_server(servers.plain(support.openai_answer())) as (url, requests):
        support.project(tmp_path, design=url)
        assert nextrust(tmp_path, "request", "-", given=ERROR)[0] == 0
        before = files(tmp_path)
        status, answer = nextrust(tmp_path, *arguments)
        assert (status, answer["ok"]) == (2, False)
        assert said in answer["errors"][0]["message"]
        assert files(tmp_path) == before
        assert requests == []
        assert [one["state"] for one in nextrust(tmp_path, "list")[1]["requests"]] == ["queued"]


def files(root: Path) -> dict[Path, bytes]:
    """Every file below a folder and what it holds, git's own left out."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".git" not in path.parts}


def test_settings_out_of_range(tmp_path: Path) -> None:
    """Every fault of the table is told with its path."""
    (tmp_path / "nextrust.toml").write_text(
        '[hooks.external]\nsend = "now"\nusd_per_day = -1\n[hooks.external.design]\nendpoint = "ftp://x"\n'
    )
    status, answer = nextrust(tmp_path, "list")
    assert status == 2
    paths = {error["path"] for error in answer["errors"]}
    assert paths == {"hooks.external.send", "hooks.external.usd_per_day", "hooks.external.design.endpoint"}


def test_the_sender_outlives_its_hook(tmp_path: Path) -> None:
    """With send = "background" a Stop event ends at once, and the answer is on record a moment later."""
    with servers.raw_server(servers.plain(support.openai_answer())) as (url, requests):
        support.project(tmp_path, design=url, send="background")
        support.add(support.context_of(tmp_path), support.draft())
        kept = {"PATH": support.path(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        done = subprocess.run(
            [sys.executable, "-m", "pytest_nextrust.cli", "hook", "Stop"],
            cwd=tmp_path,
            env={**kept, "HOME": str(tmp_path), "OPENAI_API_KEY": support.KEY, "CLAUDE_PROJECT_DIR": str(tmp_path)},
            input=json.dumps({"session_id": "s", "hook_event_name": "Stop", "stop_hook_active": False}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, "")
        context = support.context_of(tmp_path)
        end = time.monotonic() + 60
        while not support.log(context, "design_decision") and time.monotonic() < end:
            os.sched_yield()
        assert len(support.log(context, "design_decision")) == 1
        assert len(requests) == 1
        while support.queued(context) and time.monotonic() < end:
            os.sched_yield()
