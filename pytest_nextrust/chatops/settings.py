"""``[chatops]`` of the project's settings: where messages go, who may ask from a chat, and what is carried out where.

URLs and secrets are not in the file: it names the environment variables that hold them. A Discord application's public
key is public, and is in the file.

Boundary: reads and checks the table; knows which variables, not what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.chatops.notices import KINDS, NAMES
from pytest_nextrust.errors import Fault
from pytest_nextrust.project.documents import load_project

__all__ = ["PERMISSIONS", "ChatUser", "ChatopsSettings", "DiscordApp", "SlackApp", "Webhook", "load_chatops"]

PERMISSIONS = ("read", "write")
"""What a user of a chat may do: ask, or also act."""

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"


@dataclass(frozen=True)
class Webhook:
    """One place where messages go. ``url_env`` and ``secret_env`` are names of environment variables; the secret signs
    what a ``generic`` one is sent. ``templates`` are words of its own for an event."""

    name: str = option(pattern=_NAME, remedy="letters, digits, _ . and -")
    kind: str = option(choices=("slack", "discord", "generic"))
    url_env: str = option(pattern=_VARIABLE, remedy="the name of an environment variable that holds the URL")
    secret_env: str = option(default="", pattern=f"({_VARIABLE})?", remedy="the name of an environment variable")
    events: tuple[str, ...] = option(default=KINDS, choices=KINDS)
    templates: dict[str, str] = field(default_factory=dict)

    def document_faults(self) -> Iterator[Fault]:
        """A secret where it is needed and nowhere else; templates with the names that there are."""
        if (self.kind == "generic") != bool(self.secret_env):
            remedy = "name the variable whose value signs" if self.kind == "generic" else "take it away"
            yield Fault("secret_env", "a generic webhook is signed, and no other", remedy)
        for event, text in self.templates.items():
            template = Template(text)
            if event not in KINDS:
                yield Fault(f"templates.{event}", "no such event", f"one of {', '.join(KINDS)}")
            elif not template.is_valid():
                yield Fault(f"templates.{event}", "a $ that begins no name", "write $$ for a dollar")
            elif unknown := sorted(set(template.get_identifiers()) - set(NAMES)):
                yield Fault(f"templates.{event}", f"no such name ${unknown[0]}", f"one of {', '.join(NAMES)}")


@dataclass(frozen=True)
class SlackApp:
    """The Slack app whose requests are taken. ``team`` is the workspace; ``responses`` is what the address of an answer
    begins with."""

    team: str = option(pattern=r"[TE][A-Z0-9]{2,30}", remedy="the id of the workspace, such as T0123ABCD")
    secret_env: str = option(default="SLACK_SIGNING_SECRET", pattern=_VARIABLE)
    responses: str = option(default="https://hooks.slack.com/", pattern=r"https?://[^/\s]+/(.*/)?")


@dataclass(frozen=True)
class DiscordApp:
    """The Discord application whose interactions are taken. ``api`` is where answers go."""

    public_key: str = option(pattern=r"[0-9a-fA-F]{64}", remedy="the application's public key: 64 hexadecimal digits")
    api: str = option(default="https://discord.com/api/v10", pattern=r"https?://[^/\s]+(/.*)?[^/]")


@dataclass(frozen=True)
class ChatUser:
    """Somebody who may ask. ``slack`` and ``discord`` are ids, not names: a name can be taken by somebody else."""

    name: str = option(pattern=_NAME, remedy="letters, digits, _ . and -")
    permission: str = option(choices=PERMISSIONS)
    slack: str = option(default="", pattern=r"([UW][A-Z0-9]{2,30})?", remedy="the member id, such as U0123ABCD")
    discord: str = option(default="", pattern=r"([0-9]{5,25})?", remedy="the user id: digits")


@dataclass(frozen=True)
class ChatopsSettings:
    """``[chatops]``. ``within_hours``: what is older is told nobody. ``run``: commands from a chat are carried out by
    this machine (``local``) or by a workflow (``dispatch``)."""

    within_hours: float = option(default=24.0, minimum=0.1, maximum=8760)
    run: str = option(default="local", choices=("local", "dispatch"))
    webhooks: tuple[Webhook, ...] = option(default=(), name="webhook", remedy="write [[chatops.webhook]] tables")
    users: tuple[ChatUser, ...] = option(default=(), name="user", remedy="write [[chatops.user]] tables")
    slack: SlackApp | None = None
    discord: DiscordApp | None = None

    def document_faults(self) -> Iterator[Fault]:
        """Names and ids that stand twice."""
        yield from _twice("webhook", "name", [webhook.name for webhook in self.webhooks])
        for key in ("name", "slack", "discord"):
            yield from _twice("user", key, [getattr(user, key) for user in self.users])

    def user(self, service: str, identity: str) -> ChatUser | None:
        """Who an id of ``slack`` or ``discord`` is."""
        return next((user for user in self.users if identity and getattr(user, service) == identity), None)

    def named(self, name: str) -> ChatUser | None:
        """The user of that name."""
        return next((user for user in self.users if user.name == name), None)


def load_chatops(root: Path) -> ChatopsSettings:
    """The table of the project at ``root``. Raises ConfigError with every fault."""
    project = load_project(root)
    path = f"{project.prefix}.chatops" if project.prefix else "chatops"
    place = str(project.source or "")
    return read_document(ChatopsSettings, project.chatops, subject="project settings", place=place, path=path)


def _twice(table: str, key: str, values: list[str]) -> Iterator[Fault]:
    for number, value in enumerate(values):
        if value and value in values[:number]:
            yield Fault(f"{table}[{number}].{key}", f"{value} stands twice", "once for each")
