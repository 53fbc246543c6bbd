"""A request at the desk: carried out once by who may, refused else, on record either way; or handed to a workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.chatops.asks import ChatAsk
from pytest_nextrust.chatops.desk import EVENT, ChatDesk, DeskAnswer, read_dispatch
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.github.client import GithubClient
from pytest_nextrust.hookapi.context import Context
from pytest_nextrust.hookapi.slash import SlashArgument, SlashCall, SlashCommand
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.slash.ledger import RATE, Ledger
from pytest_nextrust.slash.table import commands_of
from pytest_nextrust.status.archive import read_log
from tests.github_api import StandIn, standing_in
from tests.unit.chatops.chats import ADA, ADA_ON_DISCORD, BOB, STRANGER
from tests.unit.chatops.support import NOW, settings

USERS = [
    {"name": "ada", "permission": "write", "slack": ADA, "discord": ADA_ON_DISCORD},
    {"name": "bob", "permission": "read", "slack": BOB},
]


class Office:
    """A desk over a project, with the command ``/ci-act``, a clock, and the requests that were carried out."""

    def __init__(self, root: Path, github: GithubClient | None = None, *, dispatch: bool = False) -> None:
        self.calls: list[SlashCall] = []
        self.now = NOW
        context = Context(str(root), load_snapshot(str(root), keep=False), {}, deadline=float("inf"))
        self.folder = context.status_dir
        ledger = Ledger(self.folder, clock=lambda: datetime.fromtimestamp(self.now, UTC))
        board = SlashArgument("BOARD", "a board", required=False)
        commands = commands_of([SlashCommand("act", "act", self._act, board, acting=True)])
        self.desk = ChatDesk(context, settings(user=USERS), ledger, commands, github, dispatch, lambda: self.now)

    def _act(self, call: SlashCall) -> str:
        self.calls.append(call)
        return "acted"

    def ask(self, line: str, *, user: str = ADA, service: str = "slack", key: str = "k1") -> DeskAnswer:
        return self.desk.handle(ChatAsk(service, user, line, key))

    def records(self) -> list[dict[str, Any]]:
        return [dict(record.details) for record in read_log(self.folder).records if record.type == "slash"]

    def states(self) -> list[str]:
        return [record["state"] for record in self.records()]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_who_may(office: Office) -> None:
    """A user with the right acts, and the record says who, what and what came of it."""
    assert office.ask("/ci-act m68k") == DeskAnswer("done", "`/ci-act m68k`\n\nacted")
    (call,) = office.calls
    assert (call.user, call.argument, call.key, call.pull) == ("ada", "m68k", "k1", 0)
    assert office.states() == ["claimed", "done"]
    assert office.records()[1]["commands"] == ["/ci-act m68k"]


REFUSED = {
    "a stranger": (STRANGER, "/ci-help", "only those in [[chatops.user]] may ask"),
    "a reader who acts": (BOB, "/ci-act", "permission"),
    "no such command": (ADA, "/ci-no-such", "there is no such command"),
    "two at once": (ADA, "/ci-help\n\n/ci-status", "not one command"),
    "a wrong argument": (ADA, "/ci-act ../etc", "BOARD is not a board"),
    "odd letters": (ADA, "/ci-a\u0441t", ""),
    "an injection": (ADA, "/ci-act $(id)", "BOARD is not a board"),
    "about a pull request": (ADA, "/ci-clear-cache", "it is about a pull request"),
    "nothing": (ADA, "", "not one command"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_who_may_not(office: Office, case: str) -> None:
    """Each is refused with its reason and recorded, and nothing is carried out."""
    user, line, reason = REFUSED[case]
    answer = office.ask(line, user=user)
    assert answer.state == "refused"
    assert reason in answer.text
    assert office.calls == []
    assert office.states() == ["refused"]
    assert reason in office.records()[0]["reason"]


def test_a_reader_may_ask(office: Office) -> None:
    """A command that does not act takes no more than to be known."""
    answer = office.ask("/ci-help", user=BOB)
    assert answer.state == "done"
    assert "`/ci-act [BOARD]`" in answer.text


def test_one_user_in_two_chats(office: Office) -> None:
    """A user waits between two requests, whichever chat they come from; another user does not."""
    assert office.ask("/ci-act", key="k1").state == "done"
    late = office.ask("/ci-act", user=ADA_ON_DISCORD, service="discord", key="k2")
    assert (late.state, "30 s between two" in late.text) == ("refused", True)
    assert office.ask("/ci-help", user=BOB, key="k3").state == "done"
    office.now += timedelta(seconds=RATE + 1).total_seconds()
    assert office.ask("/ci-act", user=ADA_ON_DISCORD, service="discord", key="k4").state == "done"


def test_the_same_again(office: Office, tmp_path: Path) -> None:
    """A request that comes again, also to another process and later, is not carried out again."""
    office.ask("/ci-act")
    other = Office(tmp_path)
    other.now = NOW + 3600
    answer = other.ask("/ci-act")
    assert (answer.state, "it was carried out before" in answer.text) == ("refused", True)
    assert (len(office.calls), other.calls) == (1, [])


def test_without_a_token(office: Office) -> None:
    """What takes GitHub is not done, and the answer says what is missing."""
    answer = office.ask("/ci-get-logs build")
    assert (answer.state, "GITHUB_TOKEN" in answer.text) == ("failed", True)
    assert office.states() == ["claimed", "failed"]


@pytest.fixture
def github() -> Iterator[StandIn]:
    with standing_in() as served:
        yield served


def test_by_a_workflow(tmp_path: Path, github: StandIn) -> None:
    """The request goes out as one repository_dispatch, is carried out on a runner by its own settings, once."""
    (tmp_path / "server").mkdir()
    (tmp_path / "runner").mkdir()
    server = Office(tmp_path / "server", GithubClient.from_environment(github.environ), dispatch=True)
    assert "is with GitHub Actions now" in server.ask("/ci-act m68k").text
    assert server.ask("/ci-act m68k", key="k1").state == "refused"
    assert server.ask("/ci-act", user=BOB, key="k2").state == "refused"
    (sent,) = github.resources.dispatched
    assert sent == {
        "event_type": EVENT,
        "client_payload": {"key": "k1", "user": "ada", "line": "/ci-act m68k", "asked": int(NOW)},
    }
    assert server.calls == []
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": EVENT, "client_payload": sent["client_payload"]}))
    environ = {"GITHUB_EVENT_NAME": "repository_dispatch", "GITHUB_EVENT_PATH": str(event)}
    runner = Office(tmp_path / "runner")
    assert runner.desk.handle_dispatch(read_dispatch(environ)).state == "done"
    assert runner.desk.handle_dispatch(read_dispatch(environ)).state == "refused"
    assert [call.argument for call in runner.calls] == ["m68k"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": "eve"}, "only those in"),
        ({"user": "bob"}, "permission"),
        ({"asked": NOW - 86401}, "more than a day ago"),
        ({"asked": "now"}, "more than a day ago"),
        ({"line": "/ci-act; id"}, ""),
        ({"line": None}, "not one command"),
    ],
)
def test_a_dispatch_is_asked_everything_again(office: Office, change: dict[str, Any], reason: str) -> None:
    """Whoever may send such an event has no more rights by that."""
    payload = {"key": "k", "user": "ada", "line": "/ci-act", "asked": NOW} | change
    answer = office.desk.handle_dispatch(payload)
    assert (answer.state, office.calls) == ("refused", [])
    assert reason in answer.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("issue_comment", "{}"),
        ("repository_dispatch", "{}"),
        ("repository_dispatch", '{"action": "other", "client_payload": {}}'),
        ("repository_dispatch", '{"action": "nextrust-chatops", "client_payload": []}'),
        ("repository_dispatch", "["),
    ],
)
def test_another_event(tmp_path: Path, name: str, text: str) -> None:
    """What is no such event is refused."""
    file = tmp_path / "event.json"
    file.write_text(text)
    with pytest.raises(UsageFault):
        read_dispatch({"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)})
