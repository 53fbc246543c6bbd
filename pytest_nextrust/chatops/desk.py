"""A request of a chat, carried out or refused: once, one at a time, by the table of slash commands, and on record.

In this order: who it is, what the grammar and the table say, whether they may, what the log has against it (it was
carried out before, too soon). Then it is carried out here, or handed to a workflow as a ``repository_dispatch``, which
comes back to a desk of its own on a runner: it asks all of it again, and by the settings of the default branch.

There is no pull request: a command is about the commit that is checked out where it is carried out.

Boundary: knows no HTTP. Raises StatusError where the log cannot be written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.chatops.asks import ChatAsk
from pytest_nextrust.errors import NextrustError, UsageFault
from pytest_nextrust.github.markdown import code
from pytest_nextrust.hookapi.context import commit_at
from pytest_nextrust.hookapi.slash import SlashCall
from pytest_nextrust.slash.grammar import Line, parse, safe
from pytest_nextrust.slash.ledger import Claim, Held
from pytest_nextrust.slash.service import check_lines, run_lines

if TYPE_CHECKING:
    from pytest_nextrust.chatops.settings import ChatopsSettings, ChatUser
    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.slash import SlashCommand
    from pytest_nextrust.slash.ledger import Ledger

__all__ = ["EVENT", "ChatDesk", "DeskAnswer", "read_dispatch"]

EVENT = "nextrust-chatops"
"""The ``event_type`` of a ``repository_dispatch``."""

OLDEST_DISPATCH = 86400.0
"""Seconds after which a workflow no longer carries out what was asked."""

_OF_PULL_REQUESTS = frozenset({"clear-cache"})
_KEPT = 20_000


@dataclass(frozen=True)
class DeskAnswer:
    """What came of a request. ``state``: done, failed or refused; ``text`` is the answer in Markdown."""

    state: str
    text: str


class _Declined(Exception):
    """Why a request is refused."""


class _NoGithub:
    """In the place of a client where there is no token: whatever is asked of it says so."""

    def __getattr__(self, name: str) -> Any:
        raise UsageFault("GITHUB_TOKEN", "is not set", remedy="give the process that serves a token of GitHub's")


@dataclass
class ChatDesk:
    """Carries out what users of ``settings`` ask for. ``dispatch``: by a workflow, which takes ``github``."""

    context: Context
    settings: ChatopsSettings
    ledger: Ledger
    commands: Mapping[str, SlashCommand]
    github: GithubClient | None = None
    dispatch: bool = False
    now: Callable[[], float] = time.time

    def handle(self, ask: ChatAsk) -> DeskAnswer:
        """Carry one request out, or refuse it."""
        user = self.settings.user(ask.service, ask.identity)
        return self._handle(ask.key, f"{ask.service}:{ask.identity}", user, ask.line)

    def handle_dispatch(self, payload: Mapping[str, Any]) -> DeskAnswer:
        """The same for what another desk has handed on."""
        name, line, asked = str(payload.get("user")), str(payload.get("line")), payload.get("asked")
        key = f"dispatch-{safe(str(payload.get('key')), 80)}"
        user = self.settings.named(name)
        late = not isinstance(asked, (int, float)) or abs(self.now() - asked) > OLDEST_DISPATCH
        return self._handle(key, safe(name, 80), user, line, "it was asked for more than a day ago" if late else "")

    def _handle(self, key: str, who: str, user: ChatUser | None, text: str, wrong: str = "") -> DeskAnswer:
        who = user.name if user is not None else who
        commit = commit_at(self.context.folder)
        details: dict[str, object] = {"text": safe(text), "commit": commit, "commands": []}
        with self.ledger.alone():
            try:
                if wrong:
                    raise _Declined(wrong)
                line = self._admit(user, text)
                held = self.ledger.look(key, who)
                if held is not None:
                    raise _Declined(held.reason)
            except _Declined as declined:
                self.ledger.refuse(key, who, details | {"reason": str(declined), "answered": True})
                return DeskAnswer("refused", _refusal(str(declined)))
            details["commands"] = [safe(str(line))]
            claim = self.ledger.claim(key, who, details)
            if isinstance(claim, Held):
                return DeskAnswer("refused", _refusal(claim.reason))
            return self._carry_out(line, claim, commit, details)

    def _admit(self, user: ChatUser | None, text: str) -> Line:
        """The command. Raises _Declined."""
        if user is None:
            raise _Declined("only those in [[chatops.user]] may ask")
        parsed = parse(text)
        if parsed.refused or len(parsed.lines) != 1:
            raise _Declined(parsed.refused or "not one command")
        (line,) = parsed.lines
        try:
            acting = check_lines([line], self.commands)
        except UsageFault as error:
            raise _Declined(" ".join(str(error).split())) from error
        if acting and user.permission != "write":
            raise _Declined(f'this takes permission = "write" in [[chatops.user]], and {user.name} has not')
        if line.name in _OF_PULL_REQUESTS:
            raise _Declined("it is about a pull request: write it there")
        return line

    def _carry_out(self, line: Line, claim: Claim, commit: str, details: Mapping[str, object]) -> DeskAnswer:
        state = "done"
        try:
            text = self._hand_on(line, claim) if self.dispatch else ""
        except NextrustError as error:
            state, text = "failed", f"It could not be done: {code(self.context.redactor.text(str(error)), 1000)}"
        if not self.dispatch:
            call = SlashCall(
                self.context,
                "",
                claim.user,
                claim.key,
                self.commands,
                commit=commit,
                github=self.github if self.github is not None else _NoGithub(),
                again=claim.again,
            )
            text, well = run_lines([line], call)
            state = "done" if well else "failed"
        self.ledger.end(state, claim, {**details, "answer": text[:_KEPT], "answered": True})
        return DeskAnswer(state, text)

    def _hand_on(self, line: Line, claim: Claim) -> str:
        github = self.github if self.github is not None else _NoGithub()
        payload = {"key": claim.key, "user": claim.user, "line": str(line), "asked": int(self.now())}
        github.dispatch(EVENT, payload)
        return f"{code(str(line))} is with GitHub Actions now."


def read_dispatch(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What a desk has handed on, from the event of a workflow. Raises UsageFault."""
    name, path = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_EVENT_PATH", "")
    remedy = f"run it in a workflow with on: repository_dispatch, types: [{EVENT}]"
    if name != "repository_dispatch":
        raise UsageFault("GITHUB_EVENT_NAME", f"{name[:40]!r} is not repository_dispatch", remedy=remedy)
    try:
        plain = json.loads(Path(path).read_bytes())
        if plain["action"] != EVENT:
            raise UsageFault("GITHUB_EVENT_PATH", f"not the event {EVENT}", place=path, remedy=remedy)
        payload = plain["client_payload"]
        if not isinstance(payload, dict):
            raise TypeError("client_payload is no object")
    except OSError as error:
        raise UsageFault("GITHUB_EVENT_PATH", error.strerror or str(error), place=path, remedy=remedy) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        fault = f"no repository_dispatch: {type(error).__name__}: {error}"
        raise UsageFault("GITHUB_EVENT_PATH", fault, place=path, remedy=remedy) from error
    return payload


def _refusal(reason: str) -> str:
    return f"Nothing was done: {code(reason, 600)}"
