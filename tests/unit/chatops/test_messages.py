"""Messages: templates put names in and carry nothing out; what is put in can do nothing where it arrives."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.messages import chat_payload, for_discord, for_slack, message_body, more_body
from pytest_nextrust.chatops.notices import KINDS, NAMES, Notice
from pytest_nextrust.errors import ConfigError
from tests.unit.chatops.support import settings, webhook

HOSTILE = (
    "<!here> <!channel> <!subteam^S1> <@U123> <#C1> <https://evil.test|click> @here @everyone @channel &lt;!here&gt;",
    "<@123456789012345678> <@&1> <#1> [click](https://evil.example) **bold** `code` ||spoiler|| # big\n> quote",
    "$message ${scenario} {0.__class__} %s $$",
    "\u202egpj.exe \u200b\x00\x1b[31m",
)
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def notice(kind: str = "finding", **fields: str) -> Notice:
    return Notice(kind, f"{kind}-1", 0.0, dict.fromkeys(NAMES, "") | {"event": kind} | fields)


def sent(kind: str, note: Notice, environ: dict[str, str] | None = None, **table: Any) -> dict[str, Any]:
    (hook,) = settings(webhook=[webhook(kind, **table)]).webhooks
    plain: dict[str, Any] = json.loads(message_body(hook, note, Redactor(environ or {})))
    return plain


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_words(kind: str) -> None:
    """Each event has a text of its own without a name left in it, and no empty lines where fields are empty."""
    text = sent("slack", notice(kind, message="what it is"))["text"]
    assert "what it is" in text or kind == "phase-done"
    assert "$" not in text
    assert "\n\n" not in text.strip()


def test_slack_shows_and_does_nothing() -> None:
    """Nothing put in is a mention, a link or an entity of Slack's; the text is still all there."""
    text = sent("slack", notice(message=HOSTILE[0]))["text"]
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)|@(?!\u200b)", text)
    unescaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u200b", "")
    assert HOSTILE[0] in unescaped


def test_discord_shows_and_does_nothing() -> None:
    """No mention is allowed, no mark of Markdown is left, no address is one, and nothing gets a preview."""
    body = sent("discord", notice(message=HOSTILE[1]), templates={"finding": "$message"})
    assert body["allowed_mentions"] == {"parse": []}
    assert body["flags"] == 4
    assert not re.search(r"(?<!\\)[*_~`|>#\[\]()<]", body["content"])
    assert "://" not in body["content"].replace("\\", "")
    assert "@everyone" not in body["content"]


@pytest.mark.parametrize("kind", ["slack", "discord", "generic"])
def test_values_are_no_templates(kind: str) -> None:
    """What is put in is not looked at for names again, nor formatted."""
    body = sent(kind, notice(message=HOSTILE[2], scenario="s"), templates={"finding": "[$message]"})
    text = str(body.get("text", body.get("content"))).replace("\\", "")
    assert text == f"[{HOSTILE[2]}]"


@pytest.mark.parametrize("kind", ["slack", "discord", "generic"])
def test_what_is_not_seen_is_not_sent(kind: str) -> None:
    """Controls and marks that reorder letters are blanks in the text for people."""
    body = sent(kind, notice(message=HOSTILE[3]), templates={"finding": "$message"})
    assert not re.search(r"[\u202e\x00\x1b]", str(body.get("text", body.get("content"))))


@given(text=st.text(max_size=300))
def test_any_text_is_harmless(text: str) -> None:
    """Whatever the text is, Slack gets no angle bracket and no name behind an @, Discord no mark unescaped."""
    slack, discord = for_slack(text), for_discord(text)
    assert not re.search(r"[<>]|@(?!\u200b)", slack)
    assert not re.search(r"@(?!\u200b)", discord)
    marks = re.sub(r"\\[\\*_~`|>#\[\]()<:@-]", "", discord)
    assert not re.search(r"[\\*_~`|>#\[\]()<]", marks)


@pytest.mark.parametrize("kind", ["slack", "discord", "generic"])
def test_secrets_are_taken_out(kind: str) -> None:
    """A secret by its look and one by its variable's value are in no message, also where the text is cut at it."""
    environ = {"DEPLOY_TOKEN": "correct-horse-battery"}
    message = "x" * 590 + f" {SECRET} and correct-horse-battery"
    text = json.dumps(sent(kind, notice(message=message, reproduction=message), environ))
    assert "ghp_" not in text
    assert "horse" not in text
    assert "x" * 590 in text


@pytest.mark.parametrize(("kind", "most"), [("slack", 3000), ("discord", 2000)])
def test_messages_are_bounded(kind: str, most: int) -> None:
    """A text is cut to what the chat takes."""
    templates = {"finding": "$message " * 40}
    body = sent(kind, notice(message="<" * 100_000), templates=templates)
    assert len(str(body.get("text", body.get("content")))) <= most
    long = chat_payload(kind, "y" * 9999)
    assert len(str(long.get("text", long.get("content")))) == most


def test_generic_has_every_field() -> None:
    """A program gets the fields as they are, beside the text."""
    body = sent("generic", notice(message="a < b", scenario="s"))
    assert (body["schema"], body["event"], body["key"]) == ("nextrust/notice/1", "finding", "finding-1")
    assert set(body["fields"]) == set(NAMES)
    assert body["fields"]["message"] == "a < b"


@pytest.mark.parametrize("kind", ["slack", "discord", "generic"])
def test_many_in_one(kind: str) -> None:
    """One message says how many there are of each event."""
    (hook,) = settings(webhook=[webhook(kind)]).webhooks
    body = json.loads(more_body(hook, [notice(), notice(), notice("budget")]))
    expected = "3 notices more in the status log: 2 finding, 1 budget."
    assert body.get("text", body.get("content")) == expected


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no such name": ({"templates": {"finding": "$password"}}, "no such name $password"),
    "an attribute": ({"templates": {"finding": "${message.__class__}"}}, "a $ that begins no name"),
    "no such event": ({"templates": {"failure": "x"}}, "no such event"),
    "a URL in the file": ({"url_env": "https://hooks.slack.com/services/T/B/x"}, "url_env"),
    "a secret for a chat": ({"secret_env": "S"}, "a generic webhook is signed, and no other"),
    "an event that is none": ({"events": ["failure"]}, "events"),
    "a kind that is none": ({"kind": "irc"}, "kind"),
    "a key that is none": ({"url": "x"}, "unknown key"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_webhook_is_refused(case: str) -> None:
    """Each fault of the table is a fault of the configuration, by its path."""
    table, expected = FAULTS[case]
    with pytest.raises(ConfigError, match=r"webhook\[0\]") as caught:
        settings(webhook=[webhook() | table])
    assert expected in str(caught.value)


def test_a_generic_webhook_needs_its_secret() -> None:
    """Without the name of a secret nothing would be signed."""
    with pytest.raises(ConfigError, match="a generic webhook is signed"):
        settings(webhook=[webhook("generic", secret_env="")])


def test_names_and_ids_stand_once() -> None:
    """Two webhooks of one name, or two users of one id, could be taken for each other."""
    users = [{"name": name, "permission": "read", "slack": "U0123"} for name in ("ada", "bob")]
    with pytest.raises(ConfigError, match="U0123 stands twice"):
        settings(user=users)
    with pytest.raises(ConfigError, match="slack stands twice"):
        settings(webhook=[webhook(), webhook()])
