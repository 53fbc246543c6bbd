"""What is asked: one line for the grammar from the bodies that Slack and Discord document, nothing from any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_nextrust.chatops.asks import ChatAsk, challenge_of, discord_ask, is_discord_ping, slack_ask
from pytest_nextrust.chatops.settings import DiscordApp, SlackApp
from pytest_nextrust.errors import UsageFault
from tests.unit.chatops.chats import ADA, ADA_ON_DISCORD, TEAM, discord_command, slack_form

SLACK, DISCORD = SlackApp(TEAM), DiscordApp("a" * 64)
REPLY = "https://hooks.slack.com/commands/T0123ABCD/1/hush"


def slack(body: bytes) -> ChatAsk:
    return slack_ask(body, "key", SLACK)


def discord(body: bytes) -> ChatAsk:
    return discord_ask(body, "key", DISCORD)


@pytest.mark.parametrize(
    ("command", "text", "line"),
    [
        ("/ci-status", "", "/ci-status"),
        ("/ci-retry-job", " build (ubuntu-latest, release) ", "/ci-retry-job build (ubuntu-latest, release)"),
        ("/nextrust", "", "/ci-help"),
        ("/nextrust", "status", "/ci-status"),
        ("/nextrust", "ci-status", "/ci-status"),
        ("/nextrust", "/ci-get-logs a &amp; b &lt;c&gt; &copy;", "/ci-get-logs a & b <c> &copy;"),
        ("/nextrust", "status\n/ci-help", "/ci-status\n/ci-help"),
    ],
)
def test_slack(command: str, text: str, line: str) -> None:
    """A command of its own or one for all; Slack's entities are what they stand for, and what is odd stays odd."""
    ask = slack(slack_form(text, command=command, reply=REPLY))
    assert ask == ChatAsk("slack", ADA, line, "key", REPLY, "POST")
    assert "hush" not in repr(ask)


def test_discord() -> None:
    """A command with its option, and the address at which its answer is changed."""
    ask = discord(discord_command("get-logs", "build"))
    where = "https://discord.com/api/v10/webhooks/775799577604522054/A_UNIQUE_TOKEN/messages/@original"
    assert ask == ChatAsk("discord", ADA_ON_DISCORD, "/ci-get-logs build", "key", where, "PATCH")
    option = {"type": 3, "name": "job", "value": "build"}
    data = {"name": "nextrust", "options": [{"type": 1, "name": "get-logs", "options": [option]}]}
    assert discord(discord_command("x", data=data)).line == "/ci-get-logs build"
    bare = {"name": "nextrust", "options": [{"type": 1, "name": "status"}]}
    alone = discord(changed(data=bare, member=None, user={"id": "5" * 17}))
    assert (alone.identity, alone.line) == ("5" * 17, "/ci-status")


NOT_SLACK: dict[str, bytes] = {
    "another workspace": slack_form("status", team_id="T0999"),
    "no user": slack_form("status", user=""),
    "no command": slack_form("status", command="status"),
    "an answer elsewhere": slack_form("status", reply="https://evil.example/hooks.slack.com/"),
    "an answer at a look-alike": slack_form("status", reply="https://hooks.slack.com.evil.example/x"),
    "a field twice": slack_form("status") + b"&user_id=U0EVE",
    "no form": b"\xff\xfe",
    "not a form": b"status",
    "nothing": b"",
    "many fields": b"&".join(b"a%d=1" % number for number in range(100)),
}


@pytest.mark.parametrize("case", NOT_SLACK)
def test_not_slacks(case: str) -> None:
    """A body that is no slash command of this workspace is refused."""
    with pytest.raises(UsageFault):
        slack(NOT_SLACK[case])


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(discord_command("status")) | fields).encode()


NOT_DISCORD: dict[str, bytes] = {
    "a button": changed(type=3),
    "no user": changed(member=None),
    "a token with a path": changed(token="../../channels/1"),
    "a token of dots": changed(token=".."),
    "an application that is none": changed(application_id="1/2"),
    "no data": changed(data=None),
    "two options": changed(data={"name": "ci-x", "options": [{"type": 3, "name": "a", "value": "b"}] * 2}),
    "a number": changed(data={"name": "ci-x", "options": [{"type": 4, "name": "a", "value": 4}]}),
    "no sub-command": changed(data={"name": "nextrust"}),
    "an odd sub-command": changed(data={"name": "nextrust", "options": [{"type": 1, "name": "a b\n"}]}),
    "not JSON": b"{",
    "deep": b"[" * 60_000,
    "a list": b"[]",
}


@pytest.mark.parametrize("case", NOT_DISCORD)
def test_not_discords(case: str) -> None:
    """A body that is no command is refused."""
    with pytest.raises(UsageFault):
        discord(NOT_DISCORD[case])


def test_addresses_that_are_tried() -> None:
    """Slack's challenge is given back, Discord's ping is one; another event, and another interaction, is not."""
    assert challenge_of(b'{"type": "url_verification", "challenge": "3eZb"}') == "3eZb"
    assert is_discord_ping(b'{"type": 1}')
    assert not is_discord_ping(b'{"type": 2}')
    for body in (b'{"type": "event_callback", "challenge": "3eZb"}', b'{"type": "url_verification", "challenge": 3}'):
        with pytest.raises(UsageFault):
            challenge_of(body)
