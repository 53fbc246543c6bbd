"""``nextrust chatops serve``: a process of its own, requests over a socket, signed as Slack and Discord document it.

What it answers with later arrives at a server of the test. Every negative has a twin that is let through.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from nacl.signing import SigningKey

from tests.integration.status_answers import schema
from tests.unit import servers
from tests.unit.chatops.chats import (
    ADA,
    ADA_ON_DISCORD,
    BOB,
    STRANGER,
    TEAM,
    discord_command,
    discord_headers,
    slack_form,
    slack_headers,
)

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
KEY = SigningKey(b"k" * 32)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Served:
    """A running server, the project it serves, and the answers that arrived later: ``arrived`` counts them."""

    def __init__(
        self,
        root: Path,
        process: subprocess.Popen[str],
        port: int,
        url: str,
        later: list[bytes],
        arrived: threading.Semaphore,
    ) -> None:
        self.root, self.process, self.port = root, process, port
        self.url, self.later, self.arrived = url, later, arrived

    def ask(
        self, path: str, body: bytes, headers: dict[str, str], *, kind: str = FORM, method: str = "POST"
    ) -> tuple[int, str]:
        """Status and text of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": kind, **headers})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def slack(self, text: str, *, user: str = ADA, away: int = 0, secret: str = SECRET, **more: str) -> tuple[int, str]:
        """A slash command of Slack's, ``away`` seconds from now."""
        body = slack_form(text, user=user, reply=f"{self.url}/commands/hush", **more)
        return self.ask("/slack", body, slack_headers(secret, body, int(time.time()) + away))

    def discord(self, body: bytes, *, away: int = 0, key: SigningKey = KEY) -> tuple[int, str]:
        return self.ask("/discord", body, discord_headers(key, body, int(time.time()) + away), kind=JSON)

    def answer(self) -> dict[str, Any]:
        """The body of the next answer that arrives."""
        assert self.arrived.acquire(timeout=30)
        found: dict[str, Any] = json.loads(self.later[-1].partition(b"\r\n\r\n")[2])
        return found

    def end(self) -> dict[str, list[dict[str, Any]]]:
        """End it; the entries of its log by type."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        found: dict[str, list[dict[str, Any]]] = {"slash": [], "chat-request": []}
        file = self.root / "docs/ci-status/journal.jsonl"
        for line in file.read_text().splitlines() if file.exists() else []:
            entry = json.loads(line)
            jsonschema.validate(entry, schema("journal"))
            assert "hush" not in line
            found.setdefault(entry["type"], []).append(entry["details"])
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    arrived = threading.Semaphore(0)

    def taken(connection: socket.socket, over: threading.Event) -> None:
        servers.plain("ok", kind="text/plain")(connection, over)
        arrived.release()

    with servers.raw_server(taken) as (url, later):
        (tmp_path / "nextrust.toml").write_text(
            f"""
[chatops.slack]
team = "{TEAM}"
secret_env = "TEST_SIGNING_SECRET"
responses = "{url}/"
[chatops.discord]
public_key = "{bytes(KEY.verify_key).hex()}"
api = "{url}/api/v10"
[[chatops.user]]
name = "ada"
permission = "write"
slack = "{ADA}"
discord = "{ADA_ON_DISCORD}"
[[chatops.user]]
name = "bob"
permission = "read"
slack = "{BOB}"
"""
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_nextrust.cli", "chatops", "serve", "--port", "0"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TEST_SIGNING_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"listening at http://127\.0\.0\.1:(\d+)\n", line)
            assert match is not None, line + process.stdout.read()
            yield Served(tmp_path, process, int(match[1]), url, later, arrived)
        finally:
            process.kill()
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()


def test_slack_and_discord_ask(served: Served) -> None:
    """A command is acknowledged, carried out, answered where it was asked, and recorded; an address can be tried."""
    challenge = b'{"type": "url_verification", "challenge": "3eZb"}'
    tried = served.ask("/slack", challenge, slack_headers(SECRET, challenge, int(time.time())), kind=JSON)
    assert tried == (200, '{"challenge":"3eZb"}')
    assert served.discord(b'{"type": 1}') == (200, '{"type":1}')
    status, text = served.slack("status", user=BOB)
    assert status == 200
    assert "`/ci-status` is being looked at." in text
    answer = served.answer()
    assert answer["response_type"] == "ephemeral"
    assert "No failures." in answer["text"]
    status, text = served.discord(discord_command("help"))
    assert (status, json.loads(text)) == (200, {"type": 5, "data": {"flags": 64}})
    second = served.answer()
    assert "/ci-retry-job JOB" in second["content"]
    assert served.later[1].startswith(b"PATCH /api/v10/webhooks/775799577604522054/A_UNIQUE_TOKEN/messages/@original ")
    found = served.end()
    assert [(each["state"], each["user"]) for each in found["slash"]] == [
        ("claimed", "bob"),
        ("done", "bob"),
        ("claimed", "ada"),
        ("done", "ada"),
    ]
    assert found["chat-request"] == []


def test_who_may_not_is_told_and_recorded(served: Served) -> None:
    """A stranger is told at once, a reader who acts by the answer; each is on record and nothing is done."""
    status, text = served.slack("reset-phase phase-1", user=STRANGER)
    assert (status, "you are not in [[chatops.user]] (U0EVE)" in json.loads(text)["text"]) == (200, True)
    status, text = served.discord(discord_command("help", user="99999999999999999"))
    assert (status, json.loads(text)["type"], "not in" in text) == (200, 4, True)
    assert served.slack("reset-phase phase-1", user=BOB)[0] == 200
    answer = served.answer()
    assert 'permission = "write"' in answer["text"]
    found = served.end()
    assert [(each["state"], each["user"]) for each in found["slash"]] == [("refused", "bob")]
    assert sorted(each["reason"] for each in found["chat-request"]) == [
        "a user that is not in [[chatops.user]]: 99999999999999999",
        "a user that is not in [[chatops.user]]: U0EVE",
    ]


def test_what_is_not_believed(served: Served) -> None:
    """Wrong keys, old and future times, replays, sizes, types, paths, methods: each is refused, none is carried out."""
    body = slack_form("help", reply=f"{served.url}/hush")
    right = slack_headers(SECRET, body, int(time.time()))
    assert served.slack("help", secret="another") == (401, "a wrong signature\n")
    assert served.slack("help", away=-301) == (401, "too old or too new\n")
    assert served.slack("help", away=330) == (401, "too old or too new\n")
    assert served.slack("help", team_id="T0OTHER") == (400, "from another workspace\n")
    assert served.ask("/slack", body, {})[0] == 401
    assert served.ask("/slack", body + b"&x=1", right) == (401, "a wrong signature\n")
    assert served.ask("/slack", body, right, kind="text/plain") == (415, "another content type\n")
    assert served.ask("/slack", b"a" * 65_537, right) == (413, "a body too large\n")
    assert served.ask("/slack", body, right, method="GET")[0] == 405
    assert served.ask("/slack", body, right, method="PUT")[0] == 405
    for path in ("/", "/slack/", "/slack/commands", "/docs", "/openapi.json", "/slack%00", "/../slack"):
        assert served.ask(path, body, right)[0] in (404, 307)
    ping = b'{"type": 1}'
    assert served.discord(ping, key=SigningKey(b"o" * 32)) == (401, "a wrong signature\n")
    assert served.discord(ping, away=-301) == (401, "too old or too new\n")
    assert served.ask("/discord", ping, discord_headers(KEY, ping, int(time.time())))[0] == 415
    assert served.ask("/discord", body, discord_headers(KEY, body, int(time.time())), kind=JSON)[0] == 400
    assert served.ask("/slack", body, right)[0] == 200
    assert served.ask("/slack", body, right) == (409, "it came before\n")
    served.answer()
    found = served.end()
    assert [each["state"] for each in found["slash"]] == ["claimed", "done"]
    assert sum(each["count"] for each in found["chat-request"]) == 13
    assert len(served.later) == 1


def test_a_body_without_a_length(served: Served) -> None:
    """A body in pieces is cut off at its bound, also where nobody says how long it is going to be."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    pieces = iter([b"a" * 30_000] * 3)
    headers = {"Content-Type": FORM, **slack_headers(SECRET, b"", int(time.time()))}
    connection.request("POST", "/slack", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert served.slack("help")[0] == 200


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """Without a chat, and without the secret, nothing is served: status 2, and what to do."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for text, expected in (("", "no chat is set up"), (f'[chatops.slack]\nteam = "{TEAM}"\n', "SLACK_SIGNING_SECRET")):
        (tmp_path / "nextrust.toml").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest_nextrust.cli", "chatops", "serve", "--port", "0"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert expected in done.stderr
