"""What is due is sent once: again and again, by many at a time, killed half way, from runner to runner."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.chatops.delivery import Delivery
from pytest_nextrust.chatops.notify import MOST, Message, Notifier
from pytest_nextrust.errors import ExternalError, StatusError
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.branch import StatusBranch
from tests.unit.chatops.support import NOW, LogFile, settings, webhook
from tests.unit.status.test_branch import bare, branch_of, clone, log_of, no_wait

ENVIRON = {"HOOK_URL": "https://hooks.example.org/hush-hush", "HOOK_SECRET": "shared-secret"}


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    return LogFile(tmp_path)


class Receiver:
    """What arrived; ``faults`` are raised first, one for each message."""

    def __init__(self, *faults: ExternalError) -> None:
        self.got: list[Delivery] = []
        self._faults = list(faults)
        self._lock = threading.Lock()

    def __call__(self, delivery: Delivery) -> None:
        with self._lock:
            if self._faults:
                raise self._faults.pop(0)
            self.got.append(delivery)


def notifier(log: LogFile | Path, send: Callable[[Delivery], None], *hooks: dict[str, Any], **given: Any) -> Notifier:
    folder = log if isinstance(log, Path) else log.folder
    table = {"webhook": hooks or (webhook(),), **given.pop("table", {})}
    return Notifier(settings(**table), folder, given.pop("environ", ENVIRON), now=lambda: NOW, send=send, **given)


def states(messages: Sequence[Message]) -> list[str]:
    return [message.state for message in messages]


def recorded(folder: Path) -> list[str]:
    return [str(r.details["state"]) for r in read_log(folder).records if r.type == "notice"]


def fault(*, charged: bool = False, kind: str = "later") -> ExternalError:
    words = "no answer from https://hooks.example.org/hush-hush"
    return ExternalError("webhook", words, place="https://hooks.example.org", kind=kind, charged=charged)


def test_each_is_sent_once(log: LogFile) -> None:
    """What was sent is not sent again; what came since is."""
    receiver = Receiver()
    log.run("r1", "failed", "passed", "failed")
    assert states(notifier(log, receiver).run()) == ["sent", "sent"]
    assert notifier(log, receiver).run() == []
    log.run("r2", "failed", "failed", "failed", commit="b" * 40)
    assert states(notifier(log, receiver).run()) == ["sent"]
    assert len(receiver.got) == 3
    assert recorded(log.folder) == ["sending", "sending", "sent", "sent", "sending", "sent"]


def test_each_webhook_has_its_own(log: LogFile) -> None:
    """Two webhooks each get what they asked for; one that is added later is told what is not too old."""
    log.run("r1", "failed")
    log.note("budget", message="spent", scope="day", spent=5.0, limit=5.0, level="over")
    one, other = webhook(events=["budget"]), webhook("discord")
    receiver = Receiver()
    assert [m.webhook for m in notifier(log, receiver, one).run()] == ["slack"]
    assert [m.webhook for m in notifier(log, receiver, one, other).run()] == ["discord", "discord"]


def test_old_news_is_no_news(log: LogFile) -> None:
    """What is older than ``within_hours`` is told nobody: a webhook that is new is not flooded with the past."""
    log.now = NOW - 25 * 3600
    log.run("r1", "failed")
    log.now = NOW - 23 * 3600
    log.run("r2", "passed", "failed")
    receiver = Receiver()
    assert len(notifier(log, receiver).run()) == 1
    assert len(notifier(log, receiver, table={"within_hours": 48}).run()) == 1


def test_a_failing_webhook_is_noted_and_tried_again(log: LogFile) -> None:
    """Its messages stay due, the others are sent, nothing is raised, and no secret of its URL is in any record."""
    log.run("r1", "failed", "failed")
    hooks = webhook(), webhook("discord")
    first = notifier(log, receiver := Receiver(fault()), *hooks)
    assert states(first.run()) == ["failed", "failed", "sent", "sent"]
    assert len(receiver.got) == 2
    (note,) = first.notes
    assert note.startswith("webhook slack: ")
    written = (log.folder / "journal.jsonl").read_text()
    assert "hush-hush" not in written + note
    assert "no answer" in written
    assert states(notifier(log, receiver, *hooks).run()) == ["sent", "sent"]


def test_what_may_have_arrived_is_not_repeated_to_a_chat(log: LogFile) -> None:
    """It is uncertain for good; to a generic webhook it goes again under the same name."""
    log.run("r1", "failed")
    assert states(notifier(log, Receiver(fault(charged=True))).run()) == ["uncertain"]
    assert notifier(log, Receiver()).run() == []
    hook = webhook("generic")
    names: list[str] = []

    def broken(delivery: Delivery) -> None:
        names.append(delivery.identity)
        if len(names) == 1:
            raise fault(charged=True)

    assert states(notifier(log, broken, hook).run()) == ["failed"]
    assert states(notifier(log, broken, hook).run()) == ["sent"]
    assert names[0] == names[1]


def test_killed_while_it_sends(log: LogFile) -> None:
    """A process that is killed over a message has told it, for all that is known."""
    log.run("r1", "failed", "failed")

    class Killed(BaseException):
        pass

    def killed(delivery: Delivery) -> None:
        raise Killed

    with pytest.raises(Killed):
        notifier(log, killed).run()
    assert recorded(log.folder) == ["sending", "sending"]
    assert notifier(log, Receiver()).run() == []


def test_many_are_one(log: LogFile) -> None:
    """Behind the first MOST one message stands for all the rest, and they are told by that."""
    log.run("r1", *["failed"] * 500)
    receiver = Receiver()
    messages = notifier(log, receiver).run()
    assert len(messages) == len(receiver.got) == MOST + 1
    assert len({key for message in messages for key in message.events}) == 500
    assert b"480 notices more in the status log: 480 finding." in receiver.got[-1].body
    assert notifier(log, receiver).run() == []


def test_a_variable_that_is_not_set(log: LogFile) -> None:
    """Nothing is sent there, which is noted and not recorded: a laptop has no such variable."""
    log.run("r1", "failed")
    for environ, name in (({}, "HOOK_URL"), ({"HOOK_URL": "https://example.org"}, "HOOK_SECRET")):
        quiet = notifier(log, Receiver(), webhook("generic"), environ=environ)
        assert quiet.run() == []
        assert quiet.notes == [f"webhook generic: {name} is not set: nothing is sent there"]
    assert recorded(log.folder) == []


def test_a_preview_does_nothing(log: LogFile) -> None:
    """It shows what would be sent, without the variables, and changes nothing."""
    log.run("r1", "failed")
    before = (log.folder / "journal.jsonl").read_bytes()
    (message,) = notifier(log, Receiver(), environ={}).preview()
    assert (message.state, message.webhook) == ("due", "slack")
    assert b"New finding in first: s0" in message.body
    assert (log.folder / "journal.jsonl").read_bytes() == before


def test_many_at_once_on_one_machine(log: LogFile) -> None:
    """Eight at a time send each message once."""
    log.run("r1", *["failed"] * 10)
    receiver = Receiver()
    threads = [threading.Thread(target=notifier(log, receiver).run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Counter(delivery.identity for delivery in receiver.got).values()) == [1] * 10


def test_a_claim_that_was_not_pushed_is_given_up(tmp_path: Path) -> None:
    """Where the branch cannot be pushed nothing is sent, and it is due again."""
    hub = bare(tmp_path)
    one = clone(tmp_path, "one")
    LogFile(log_of(one)).run("r1", "failed")
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    receiver = Receiver()
    with pytest.raises(StatusError):
        notifier(log_of(one), receiver, branch=StatusBranch(one, limit=0, sleep=no_wait)).run()
    assert receiver.got == []
    hook.unlink()
    assert states(notifier(log_of(one), receiver, branch=branch_of(one)).run()) == ["sent"]


def test_runners_tell_each_other(tmp_path: Path) -> None:
    """Of runners that start afresh and have the same log by the branch, at once or one after the other, one sends."""
    bare(tmp_path)
    first = clone(tmp_path, "first")
    LogFile(log_of(first)).run("r1", "failed", "failed", "failed")
    branch_of(first).push(log_of(first))
    receiver = Receiver()
    clones = [clone(tmp_path, f"runner-{number}") for number in range(3)]
    made = [notifier(log_of(each), receiver, branch=branch_of(each)) for each in clones]
    threads = [threading.Thread(target=each.run) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late = clone(tmp_path, "late")
    assert notifier(log_of(late), receiver, branch=branch_of(late)).run() == []
    assert sorted(Counter(delivery.identity for delivery in receiver.got).values()) == [1, 1, 1]
