"""Limits: a handler that hangs, crashes, exits or prints costs itself, and the answer is there in time."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hookapi.decisions import Answer, deny, note
from pytest_nextrust.hooks.supervisor import CRASHED, MISSING, TIMED_OUT, Over, Run, Tell, supervise, tried


def supervised(*handlers: tuple[str, Callable[[], list[Answer]]], limit: float = 10.0) -> Run:
    """The handlers in a child, each once."""

    def work(tell: Tell, over: Over) -> None:
        for name, call in handlers:
            if name not in over:
                tried(name, tell, call)

    return supervise(work, limit=limit)


def good() -> list[Answer]:
    return [note("good")]


def speaking() -> list[Answer]:
    print("seen")
    return []


def raising() -> list[Answer]:
    raise ZeroDivisionError("boom")


def leaving() -> list[Answer]:
    sys.exit(0)


def killed() -> list[Answer]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return []


def missing() -> list[Answer]:
    subprocess.run(["no-such-command-here"])
    return []


def no_file() -> list[Answer]:
    Path("/no/such/file").read_text(encoding="utf-8")
    return []


def slow_command() -> list[Answer]:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.05)
    return []


def faulty() -> list[Answer]:
    raise UsageFault("thing", "is wrong")


@pytest.mark.parametrize(
    ("handler", "status", "message"),
    [
        (raising, CRASHED, "ZeroDivisionError: boom"),
        (leaving, CRASHED, "SystemExit"),
        (killed, 128 + signal.SIGSEGV, "signal 11"),
        (missing, MISSING, "no-such-command-here"),
        (no_file, CRASHED, "/no/such/file"),
        (slow_command, TIMED_OUT, "ran out of its"),
        (faulty, CRASHED, "thing: is wrong"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_handler_that_fails_costs_itself(handler: Callable[[], list[Answer]], status: int, message: str) -> None:
    """Its mishap has a status of its own; those before and after it are heard, each once."""
    run = supervised(("first", good), ("bad", handler), ("last", lambda: [deny("no")]))
    assert [(answer.handler, answer.kind) for answer in run.answers] == [("first", "note"), ("last", "deny")]
    assert [(mishap.handler, mishap.status) for mishap in run.mishaps] == [("bad", status)]
    assert message in run.mishaps[0].message
    assert run.done


def hanging() -> list[Answer]:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(1)  # it stands for a handler that waits for ever


def test_a_hung_handler_is_stopped_in_time() -> None:
    """The limit holds for a handler that blocks every signal; what was answered before stands."""
    began = time.monotonic()
    run = supervised(("first", good), ("hung", hanging), ("never", good), limit=1.0)
    assert time.monotonic() - began < 1.0
    assert [(mishap.handler, mishap.status) for mishap in run.mishaps] == [("hung", TIMED_OUT)]
    assert [answer.handler for answer in run.answers] == ["first"]
    assert not run.done


def test_what_a_hung_handler_started_ends_with_it() -> None:
    """The whole process group is killed at the limit: nobody is left who holds the pipe that its command was given."""
    source, sink = os.pipe()

    def starting() -> list[Answer]:
        subprocess.run(["sh", "-c", "echo started; sleep 600"], stdout=sink)
        return []

    supervised(("starting", starting), limit=2.0)
    os.close(sink)
    with os.fdopen(source, "rb") as stream:
        seen = b""
        while select.select([stream], [], [], 60)[0]:
            data = os.read(source, 100)
            if not data:
                break
            seen += data
        else:
            pytest.fail("the command is still running")
    assert seen == b"started\n"


def test_what_is_printed_is_kept_apart(capfd: pytest.CaptureFixture[str]) -> None:
    """stdout and stderr of handlers, and of what they run, are captured and bounded."""

    def printing() -> list[Answer]:
        print("by print")
        subprocess.run(["echo", "by a command"])
        os.write(2, b"x" * 1_000_000)
        return []

    run = supervised(("printing", printing))
    assert run.done
    assert len(run.noise) == 65_536
    assert supervised(("once", speaking)).noise == b"seen\n"
    assert capfd.readouterr() == ("", "")


def test_a_process_left_behind_does_not_hold_the_answer_up() -> None:
    """A command in the background that keeps stdout open is not waited for."""

    def leaving_one() -> list[Answer]:
        subprocess.Popen(["sleep", "600"])
        return good()

    began = time.monotonic()
    assert supervised(("one", leaving_one), limit=20).done
    assert time.monotonic() - began < 10


def test_the_limit_may_be_told() -> None:
    """What the work tells as its limit holds from then on."""

    def work(tell: Tell, over: Over) -> None:
        tell("limit", 0.5)
        tried("hung", tell, hanging)

    began = time.monotonic()
    run = supervise(work, limit=60.0)
    assert time.monotonic() - began < 5
    assert run.mishaps[0].status == TIMED_OUT


def test_a_crash_outside_handlers_ends_the_work() -> None:
    """It is a mishap without a handler, and nothing is done again."""

    def work(tell: Tell, over: Over) -> None:
        raise KeyError("own")

    run = supervise(work, limit=10)
    assert [(mishap.handler, mishap.status) for mishap in run.mishaps] == [("", CRASHED)]
    assert not run.done


def test_a_second_child_knows_what_was_answered() -> None:
    """After a crash the work is given the answers of the handlers that are over."""
    seen: list[Answer] = []

    def work(tell: Tell, over: Over) -> None:
        if "bad" in over:
            tell("fact", {"before": [answer.text for answers in over.values() for answer in answers]})
            return
        seen.extend(tried("first", tell, good))
        tried("bad", tell, raising)

    assert supervise(work, limit=10).facts == {"before": ["good"]}
