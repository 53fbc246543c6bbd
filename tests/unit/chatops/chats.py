"""Slack and Discord as the server sees them: requests that are signed by a way of their own, not by the server's."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from nacl.signing import SigningKey

TEAM, ADA, BOB, STRANGER = "T0123ABCD", "U0ADA", "U0BOB", "U0EVE"
ADA_ON_DISCORD = "80351110224678912"


def slack_headers(secret: str, body: bytes, time: int) -> dict[str, str]:
    """The signature as Slack documents it."""
    digest = hmac.new(secret.encode(), f"v0:{time}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(time), "X-Slack-Signature": f"v0={digest}"}


def discord_headers(key: SigningKey, body: bytes, time: int) -> dict[str, str]:
    """The signature as Discord documents it."""
    return {
        "X-Signature-Timestamp": str(time),
        "X-Signature-Ed25519": key.sign(str(time).encode() + body).signature.hex(),
    }


def slack_form(text: str = "", *, command: str = "/nextrust", user: str = ADA, reply: str = "", **more: str) -> bytes:
    """The body of a slash command, with the fields that Slack documents."""
    fields = {
        "token": "deprecated",
        "team_id": TEAM,
        "channel_id": "C0123",
        "user_id": user,
        "user_name": "whatever",
        "command": command,
        "text": text,
        "response_url": reply,
        "trigger_id": "1.2.3",
    }
    return urlencode(fields | more).encode()


def discord_command(name: str, argument: str = "", *, user: str = ADA_ON_DISCORD, **more: Any) -> bytes:
    """The body of an interaction with the command ``ci-NAME``."""
    options = [{"name": "argument", "type": 3, "value": argument}] if argument else []
    plain = {
        "id": "1",
        "type": 2,
        "application_id": "775799577604522054",
        "token": "A_UNIQUE_TOKEN",
        "member": {"user": {"id": user, "username": "whatever"}},
        "data": {"id": "2", "name": f"ci-{name}", "type": 1, "options": options},
    }
    return json.dumps(plain | more).encode()
