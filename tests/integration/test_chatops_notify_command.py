"""``nextrust chatops notify``: what the log has that was not sent yet, by a process of its own to a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.integration.status_answers import schema
from tests.unit import servers
from tests.unit.chatops.support import LogFile

SETTINGS = """
[[chatops.webhook]]
name = "team"
kind = "slack"
url_env = "TEAM_URL"
events = ["finding"]
[chatops.webhook.templates]
finding = "$scenario is $verdict: $message"
"""


def notify(root: Path, *arguments: str, **environ: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, answer and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "chatops", "notify", *arguments, "--json", "-"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(root), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, schema("chatops"))
    return done.returncode, answer, done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    import time

    (tmp_path / "nextrust.toml").write_text(SETTINGS)
    LogFile(tmp_path / "docs" / "ci-status", time.time()).run("r1", "failed", message="<!here> 3 & 4")
    return tmp_path


def test_sent_once(root: Path) -> None:
    """A dry run sends nothing; the first run sends the message as Slack takes it; the second has nothing to tell."""
    with servers.raw_server(servers.plain("ok", kind="text/plain")) as (url, requests):
        environ = {"TEAM_URL": f"{url}/services/T0/B0/hush"}
        status, answer, _ = notify(root, "--dry-run", **environ)
        assert (status, [message["state"] for message in answer["messages"]], requests) == (0, ["due"], [])
        status, answer, _ = notify(root, **environ)
        assert (status, [message["state"] for message in answer["messages"]]) == (0, ["sent"])
        status, answer, _ = notify(root, **environ)
        assert (status, answer["messages"]) == (0, [])
    (request,) = requests
    assert json.loads(request.partition(b"\r\n\r\n")[2])["text"] == "s0 is failed: &lt;!here&gt; 3 &amp; 4"
    entries = [json.loads(line) for line in (root / "docs/ci-status/journal.jsonl").read_text().splitlines()]
    notices = [entry for entry in entries if entry["type"] == "notice"]
    assert [entry["details"]["state"] for entry in notices] == ["sending", "sent"]
    for entry in notices:
        jsonschema.validate(entry, schema("journal"))
        assert "hush" not in json.dumps(entry)


def test_a_failing_webhook_changes_no_status(root: Path) -> None:
    """It is noted on stderr, in the answer and in the log; the exit status stays 0."""
    with servers.raw_server(servers.plain("no_service", status="404 Not Found")) as (url, _):
        status, answer, errors = notify(root, TEAM_URL=f"{url}/services/T0/B0/hush")
    assert (status, [message["state"] for message in answer["messages"]]) == (0, ["failed"])
    assert "webhook team: " in errors
    assert "status 404" in answer["notes"][0]
    assert "hush" not in errors + json.dumps(answer)


def test_a_variable_that_is_not_set(root: Path) -> None:
    """Without the variable nothing is sent; it is said which one is missing."""
    status, answer, errors = notify(root)
    assert (status, answer["messages"]) == (0, [])
    assert "TEAM_URL is not set" in errors


def test_faulty_settings_are_refused(root: Path) -> None:
    """A fault of the table is status 2, with its path."""
    (root / "nextrust.toml").write_text(SETTINGS.replace('"slack"', '"irc"'))
    status, answer, errors = notify(root)
    assert status == 2
    assert "chatops.webhook[0].kind" in errors
    assert answer["errors"][0]["path"] == "chatops.webhook[0].kind"
