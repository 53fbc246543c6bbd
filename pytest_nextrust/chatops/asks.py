"""What is asked in a request of a chat: by whom, which command, and where the answer goes.

In Slack a command ``/ci-NAME`` has its argument as text; any other (``/nextrust``) has both, ``NAME ARGUMENT``. In
Discord a command ``ci-NAME`` has its argument as its one option; any other has a sub-command ``NAME``, and that has the
option. Either way it becomes one line, which is read by the grammar of comments.

Boundary: reads bodies whose signature was right; decides nothing. Raises UsageFault for what is none of these.
Sources: docs.slack.dev "Enabling interactivity with Slash commands", "url_verification"; docs.discord.com "Receiving
and Responding to Interactions".
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from pytest_nextrust.chatops.settings import DiscordApp, SlackApp
from pytest_nextrust.errors import UsageFault

__all__ = ["ChatAsk", "challenge_of", "discord_ask", "is_discord_ping", "slack_ask"]

_PING, _COMMAND = 1, 2
_SUB_COMMAND, _STRING = 1, 3
_NAME = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(frozen=True)
class ChatAsk:
    """One request. ``identity`` is the user's id in ``service``; ``line`` is the command as in a comment; ``key`` names
    the request; ``reply`` is the address of the answer (empty: there is none), to which it goes by ``method``."""

    service: str
    identity: str
    line: str
    key: str
    reply: str = field(default="", repr=False)
    method: str = "POST"


def challenge_of(body: bytes) -> str:
    """The challenge by which Slack tries an address. Raises UsageFault for another event."""
    plain = _object(body, "slack")
    challenge = plain.get("challenge")
    if plain.get("type") != "url_verification" or not isinstance(challenge, str) or len(challenge) > 500:
        raise UsageFault("slack", "an event that nobody asked for", remedy="subscribe to no events")
    return challenge


def slack_ask(body: bytes, key: str, app: SlackApp) -> ChatAsk:
    """A slash command of Slack's. Raises UsageFault."""
    try:
        form = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=50)
    except ValueError as error:
        raise UsageFault("slack", f"no form: {error}", remedy="set it up as a slash command") from error
    if any(len(values) > 1 for values in form.values()):
        raise UsageFault("slack", "a field that stands twice", remedy="set it up as a slash command")
    given = {name: values[0] for name, values in form.items()}
    if not given.get("command", "").startswith("/") or not given.get("user_id"):
        raise UsageFault("slack", "no slash command", remedy="set it up as a slash command")
    if given.get("team_id") != app.team:
        raise UsageFault("slack", "from another workspace", remedy="set [chatops.slack] team")
    reply = given.get("response_url", "")
    if reply and not reply.startswith(app.responses):
        raise UsageFault("slack", "its answer would go elsewhere", remedy="set [chatops.slack] responses")
    # Slack writes these three as entities, and nothing else.
    text = html.unescape(re.sub(r"&(?!amp;|lt;|gt;)", "&amp;", given.get("text", "")))
    name = given["command"].removeprefix("/")
    return ChatAsk("slack", given["user_id"], _line(name, text), key, reply)


def is_discord_ping(body: bytes) -> bool:
    """Whether Discord only tries the address. Raises UsageFault for what is no interaction."""
    return _object(body, "discord").get("type") == _PING


def discord_ask(body: bytes, key: str, app: DiscordApp) -> ChatAsk:
    """A command of Discord's. Raises UsageFault."""
    plain = _object(body, "discord")
    try:
        if plain.get("type") != _COMMAND:
            raise ValueError("not a command")
        member = plain.get("member")
        user = (member if isinstance(member, dict) else plain)["user"]["id"]
        application, token = plain["application_id"], plain["token"]
        if not re.fullmatch(r"[0-9]{5,25}", application) or not re.fullmatch(
            r"[A-Za-z0-9_-][A-Za-z0-9_.-]{1,400}", token
        ):
            raise ValueError("no application or token")
        data = plain["data"]
        name, text = data["name"], _option(data)
        if not name.startswith("ci-"):
            (inner,) = data["options"]
            if inner["type"] != _SUB_COMMAND or not _NAME.fullmatch(inner["name"]):
                raise ValueError("no sub-command")
            text = f"{inner['name']} {_option(inner)}"
        line = _line(name, text)
        return ChatAsk(
            "discord", str(user), line, key, f"{app.api}/webhooks/{application}/{token}/messages/@original", "PATCH"
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fault = f"no command that is one: {type(error).__name__}: {error}"
        raise UsageFault(
            "discord", fault[:200], remedy="register it with one string option, or sub-commands"
        ) from error


def _option(given: dict[str, Any]) -> str:
    """The one string that a command was given; empty for none. Raises ValueError."""
    options = [each for each in given.get("options") or [] if each["type"] != _SUB_COMMAND]
    if len(options) > 1 or any(each["type"] != _STRING for each in options):
        raise ValueError("more than one string")
    return str(options[0]["value"]) if options else ""


def _line(name: str, text: str) -> str:
    """As it is written in a comment. What is odd in it stays odd: the grammar refuses it, and says why."""
    words = text.strip(" ")
    if name.startswith("ci-"):
        return f"/{name} {words}".rstrip(" ")
    return "/ci-" + (words.removeprefix("/").removeprefix("ci-") or "help")


def _object(body: bytes, service: str) -> dict[str, Any]:
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageFault(service, "not JSON", remedy="set the address up where the chat sends JSON") from error
    if not isinstance(plain, dict):
        raise UsageFault(service, "no object", remedy="set the address up where the chat sends JSON")
    return plain
