"""Who may ask for what, once, and how it is answered and recorded; hostile comments do nothing."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.errors import GithubError, UsageFault
from pytest_nextrust.hookapi.slash import SlashCall, SlashCommand
from pytest_nextrust.slash.event import read_comment, read_event
from tests.github_api import Fault, StandIn
from tests.github_api.webhooks import comment_events
from tests.unit.slash.conftest import SHA, Desk
from tests.unit.slash.hostile import texts

DONE: list[str] = []


def note(call: SlashCall) -> str:
    DONE.append(f"{call.key} {call.argument} {call.commit}")
    return "noted @all #1"


ACTING = SlashCommand("note", "note it", note, acting=True)
READING = SlashCommand("peek", "peek at it", note)


@pytest.fixture
def desk(desk: Desk, project: Any, github: StandIn) -> Desk:
    """With a command that acts and one that reads, both of which leave a trace."""
    DONE.clear()
    return Desk(project, github, [ACTING, READING])


def test_a_command_is_carried_out_recorded_and_answered(desk: Desk) -> None:
    """Claimed before, done after, at the commit of the pull request; one answer, with the comment's mark."""
    outcome = desk.say("/ci-note")
    assert (outcome.state, outcome.commands, outcome.answered) == ("done", ("/ci-note",), True)
    assert [f"comment-1  {SHA}"] == DONE
    (answer,) = desk.answers()
    assert answer.startswith("`/ci-note`\n\nnoted")
    assert answer.endswith("<!-- nextrust:slash:comment-1 -->")
    claimed, done = desk.records()
    assert (claimed["state"], done["state"], done["claim"]) == ("claimed", "done", claimed["claim"])
    assert (done["user"], done["commit"], done["pull"], done["answered"]) == ("someone", SHA, 7, True)


def test_entries_are_by_the_schema(desk: Desk) -> None:
    """Those of what was carried out, refused and failed."""
    schema = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "journal.json").read_text())
    for text in ("/ci-note", "/ci-nothing", "/ci-get-logs nowhere"):
        desk.say(text)
    lines = (desk.context.status_dir / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["details"]["state"] for line in lines] == [
        "claimed",
        "done",
        "refused",
        "claimed",
        "failed",
    ]
    for line in lines:
        jsonschema.validate(json.loads(line), schema)


def test_a_delivery_again_does_nothing(desk: Desk) -> None:
    """The same comment, also a day later: refused, recorded, not answered again."""
    desk.clock.pass_by(60)
    event = desk.event("/ci-note")
    assert desk.deliver(event).state == "done"
    for seconds in (0, 40, 3600):
        desk.clock.pass_by(seconds)
        again = desk.deliver(event)
        assert (again.state, again.reason) == ("refused", "it was carried out before")
    assert (len(DONE), len(desk.answers())) == (1, 1)
    assert [record["state"] for record in desk.records()] == ["claimed", "done", *["refused"] * 3]


def test_a_user_waits_between_two(desk: Desk) -> None:
    """30 s after one that was carried out; not after a refused one, nor somebody else's. Too early is not answered."""
    assert desk.say("/ci-nothing").state == "refused"
    desk.clock.pass_by(1)
    assert desk.deliver(desk.event("/ci-peek")).state == "done"
    desk.clock.pass_by(10)
    early = desk.deliver(desk.event("/ci-peek"))
    assert (early.state, early.reason) == ("refused", "30 s between two requests: again in 20 s")
    assert desk.deliver(desk.event("/ci-peek", user="boss")).state == "done"
    assert len(desk.answers()) == 3
    desk.clock.pass_by(20.5)
    assert desk.deliver(desk.event("/ci-peek")).state == "done"


@pytest.mark.parametrize(
    ("user", "state"), [("someone", "done"), ("boss", "done"), ("reader", "refused"), ("stranger", "refused")]
)
def test_who_may_act(desk: Desk, user: str, state: str) -> None:
    """The permission is asked of GitHub, whatever the event says of the author; the answer says who may."""
    outcome = desk.say("/ci-note", user=user)
    assert outcome.state == state
    assert bool(DONE) == (state == "done")
    if state == "refused":
        assert "this takes the right to write to the repository: ask somebody who has it" in outcome.reason
        assert "`/ci-help` lists them." in desk.answers()[0]
    assert desk.say("/ci-peek", user=user).state == "done"


@pytest.mark.parametrize("association", ["NONE", "CONTRIBUTOR", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN"])
def test_strangers_may_not_even_read(desk: Desk, association: str) -> None:
    """The author's association comes first; no permission is asked for, though this one could write."""
    outcome = desk.say("/ci-peek", comment__author_association=association)
    assert outcome.reason == "only OWNER, MEMBER, COLLABORATOR of the repository may ask"
    assert (DONE, len(desk.answers())) == ([], 1)
    assert desk.github.sent("permission") == []


def test_a_branch_that_moved_refuses_what_acts(desk: Desk) -> None:
    """The head's first workflow run is younger than the comment; what only reads is answered for the new head."""
    moved = "f" * 40
    desk.github.resources.pulls[7]["head"]["sha"] = moved
    desk.github.resources.add_run(moved, created_at="2026-03-04T06:00:00Z")
    assert "the branch has moved to ffffffffffff since" in desk.say("/ci-note").reason
    assert desk.say("/ci-peek").state == "done"
    desk.clock.pass_by(3600)
    assert desk.say("/ci-note").state == "done"


def test_a_commit_of_unknown_age_refuses_what_acts(desk: Desk) -> None:
    """Without a workflow run nothing but the commit itself says when it came."""
    desk.github.resources.runs.clear()
    assert f"no workflow has run at {SHA[:12]}" in desk.say("/ci-note").reason
    assert DONE == []


def test_a_closed_pull_request(desk: Desk) -> None:
    """As the event has it, and as GitHub has it now."""
    assert desk.say("/ci-note", issue__state="closed").reason == "the pull request is closed"
    desk.github.resources.pulls[7]["state"] = "closed"
    assert desk.say("/ci-note").reason == "the pull request is closed"
    assert DONE == []


STRANGE: dict[str, dict[str, Any]] = {
    "edited": {"action": "edited", "changes": {"body": {"from": "hello"}}},
    "deleted": {"action": "deleted"},
    "bot": {"comment__user__type": "Bot"},
    "bot by name": {"comment__user__login": "helper[bot]"},
    "organization": {"comment__user__type": "Organization"},
    "sent by another": {"sender__id": 1},
    "another repository": {"repository__full_name": "other/place"},
    "an issue": {"issue__pull_request": None},
}


@pytest.mark.parametrize("fields", STRANGE.values(), ids=STRANGE)
def test_what_is_no_persons_new_comment(desk: Desk, fields: dict[str, Any]) -> None:
    """Edits, bots, other repositories, issues: refused and recorded, and nobody is answered."""
    desk.clock.pass_by(60)
    event = desk.event("/ci-note")
    for path, value in fields.items():
        *folders, name = path.split("__")
        place = event
        for folder in folders:
            place = place[folder]
        place[name] = value
    outcome = desk.deliver(event)
    assert outcome.state == "refused"
    assert outcome.reason
    assert (DONE, desk.answers()) == ([], [])
    assert desk.records()[-1]["reason"] == outcome.reason


def test_an_app_is_no_person(desk: Desk) -> None:
    """What a person's account wrote by an app is the app's."""
    event = desk.event("/ci-note")
    event["comment"]["performed_via_github_app"] = {"id": 1}
    assert desk.deliver(event).reason == "written by an app"


def test_an_old_event_is_a_replay(desk: Desk) -> None:
    """A comment that was written more than a day ago, or will be."""
    for created in ("2026-03-02T05:06:07Z", "2026-03-06T05:06:07Z"):
        assert "older than a day" in desk.say("/ci-note", comment__created_at=created).reason
    assert DONE == []


def test_every_hostile_comment_is_refused_and_recorded(desk: Desk) -> None:
    """By somebody who may do everything: none is carried out, each has a reason on record, its text made safe."""
    hostile = list(dict.fromkeys(texts()))
    assert len(hostile) >= 250
    events = [desk.event(text, user="boss") for text in hostile]
    outcomes = [desk.deliver(event) for event in events]
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    assert DONE == []
    assert {outcome.state for outcome in outcomes} == {"refused", "nothing"}
    assert len(refused) >= 475
    assert all(outcome.reason for outcome in refused)
    records = desk.records()
    assert len(records) == len(refused)
    assert len(desk.answers()) <= 1
    for record in records:
        assert record["reason"]
        assert (record["state"], record["claim"], record["commands"]) == ("refused", "", [])
        assert str(record["text"]).isascii()
        assert str(record["text"]).isprintable()
        assert len(record["text"]) < 2300


def test_conversation_leaves_no_trace(desk: Desk) -> None:
    """Not even GitHub's own examples do: no lock, no record, no request."""
    for event in comment_events():
        assert read_comment("issue_comment", event, repository="x/y", now=desk.clock.now) is None
    assert desk.say("hello").state == "nothing"
    assert desk.records() == []
    assert desk.github.received == []


def test_one_command_that_fails_does_not_stop_the_next(desk: Desk) -> None:
    """Both are answered; the whole is a failure."""
    outcome = desk.say("/ci-get-logs nowhere\n/ci-note")
    assert outcome.state == "failed"
    assert "It could not be done: `JOB: no job 'nowhere' at commit" in outcome.answer
    assert "noted" in outcome.answer


def test_an_answer_that_did_not_arrive_is_given_by_the_next_delivery(desk: Desk) -> None:
    """What was done is recorded and not done again; the answer is given once."""
    desk.clock.pass_by(60)
    event = desk.event("/ci-note")
    desk.github.fail("POST .*/comments", *[Fault.server()] * 3)
    with pytest.raises(GithubError):
        desk.deliver(event)
    assert desk.records()[-1]["answered"] is False
    assert desk.deliver(event).state == "done"
    assert desk.deliver(event).state == "refused"
    assert (len(DONE), len(desk.answers())) == (1, 1)


def test_a_claim_of_a_killed_process_is_taken_over(desk: Desk) -> None:
    """Not before its lease is over; then the command is told that it comes again."""
    event = desk.event("/ci-note")
    desk.ledger.claim("comment-1", "someone", {})
    assert desk.deliver(event).reason == "it is being carried out"
    desk.clock.pass_by(1801)
    assert desk.deliver(event).state == "done"
    assert len(DONE) == 1


def test_without_a_token_nothing_acts(desk: Desk) -> None:
    """What reads is answered by the command itself."""
    desk.service.github = None
    assert "GITHUB_TOKEN is not set" in desk.say("/ci-note").reason
    outcome = desk.say("/ci-peek")
    assert (outcome.state, outcome.answered) == ("done", False)


def test_events_that_are_none(desk: Desk, tmp_path: Any) -> None:
    """No file, no JSON, no object, another event, a field that is missing: one message each."""
    file = tmp_path / "event.json"
    for path, content, fault in (
        ("", None, "is not set"),
        (str(file), None, "No such file"),
        (str(file), b"{", "not JSON"),
        (str(file), b"[" * 100_000, "not JSON"),
        (str(file), b"[]", "not an object"),
    ):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UsageFault, match=fault):
            read_event(path)
    with pytest.raises(UsageFault, match="'push' has no comment"):
        desk.deliver({}, name="push")
    event = desk.event("/ci-note")
    del event["comment"]["author_association"]
    with pytest.raises(UsageFault, match="not an issue_comment: KeyError: 'author_association'"):
        desk.deliver(event)
