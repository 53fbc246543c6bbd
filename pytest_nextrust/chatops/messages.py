"""A notice in the words of a template, as the body of a request that can do nothing where it arrives.

Templates are those of ``string.Template``: names are put in and nothing is carried out. What is put in has lost its
secrets, is bounded, and is escaped for where it goes; the template's own words are the project's and stay as they are.

* Slack: ``& < >`` are written as entities, so that no ``<!here>``, ``<@U1>`` or link comes about; an ``@`` is parted
  from its name, since other programs read these messages too.
* Discord: marks of its Markdown are escaped, ``allowed_mentions`` allows none, addresses get no preview.
* Generic: JSON, with every field as it is.

Boundary: texts and bodies; sends nothing.
Sources: docs.slack.dev "Formatting message text"; docs.discord.com "Execute Webhook", "Allowed Mentions Object".
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from string import Template
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.chatops.notices import Notice

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.chatops.settings import Webhook

__all__ = ["TEMPLATES", "chat_payload", "for_discord", "for_slack", "message_body", "more_body", "shown"]

TEMPLATES = {
    "phase-done": "Phase $phase is done, at commit $commit.",
    "finding": "New finding in $phase: $scenario on $cell $verdict, at commit $commit.\n$message\n$reproduction",
    "budget": "Budget: $message",
    "backoff": "Commit $commit: $message",
    "command": "Command $message\n$answer",
}
"""The words where a webhook has none of its own."""

SCHEMA = "nextrust/notice/1"
_VALUE = 600
"""Characters of one field in a message to people."""

_SLACK, _DISCORD = 3000, 2000
_SUPPRESS_EMBEDS = 1 << 2
_APART = "\u200b"
"""ZERO WIDTH SPACE."""

_MARKS = re.compile(r"([\\*_~`|>#\[\]()<:@-])")


def for_slack(text: str) -> str:
    """A text as Slack's markup shows it."""
    entities = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return entities.replace("@", f"@{_APART}")


def for_discord(text: str) -> str:
    """A text as Discord's Markdown shows it. An address is parted behind its scheme: in it nothing can be escaped."""
    return _MARKS.sub(r"\\\1", text.replace("://", f":{_APART}//")).replace("@", f"@{_APART}")


def shown(text: str, room: int = _VALUE) -> str:
    """A text without characters that are not seen or reorder others, and with as many as there is room for."""
    seen = "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else " " for c in text).strip()
    return seen if len(seen) <= room else f"{seen[:room]} ..."


def chat_payload(kind: str, text: str) -> dict[str, Any]:
    """What a chat is sent: ``text`` is in its own markup already."""
    if kind == "discord":
        return {"content": text[:_DISCORD], "allowed_mentions": {"parse": []}, "flags": _SUPPRESS_EMBEDS}
    return {"text": text[:_SLACK], "unfurl_links": False, "unfurl_media": False}


def message_body(webhook: Webhook, notice: Notice, redactor: Redactor) -> bytes:
    """The request's body for one notice."""
    # Before anything is cut or escaped: half a secret has no shape to be known by.
    fields = {name: redactor.text(value) for name, value in notice.fields.items()}
    template = Template(webhook.templates.get(notice.kind, TEMPLATES[notice.kind]))
    if webhook.kind == "generic":
        text = template.substitute({name: shown(value) for name, value in fields.items()})
        return _generic({"event": notice.kind, "key": notice.key, "text": _tidy(text), "fields": fields})
    escape = _escape(webhook.kind)
    values = {name: escape(shown(value)) for name, value in fields.items()}
    return json.dumps(chat_payload(webhook.kind, _tidy(template.substitute(values)))).encode()


def more_body(webhook: Webhook, notices: Sequence[Notice]) -> bytes:
    """The body of one message for many notices: how many there are of each event."""
    kinds = [notice.kind for notice in notices]
    numbers = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    text = f"{counted(len(notices), 'notice')} more in the status log: {numbers}."
    if webhook.kind == "generic":
        return _generic({"event": "more", "key": "", "text": text, "fields": {}})
    return json.dumps(chat_payload(webhook.kind, text)).encode()


def _generic(plain: dict[str, Any]) -> bytes:
    return json.dumps({"schema": SCHEMA, **plain}).encode()


def _escape(kind: str) -> Callable[[str], str]:
    return for_slack if kind == "slack" else for_discord


def _tidy(text: str) -> str:
    """Without the empty lines that empty fields leave."""
    return "\n".join(line for line in text.splitlines() if line.strip())
