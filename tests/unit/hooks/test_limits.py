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
from typing import Any

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hookapi.decisions import Answer, deny, note
from pytest_nextrust.hooks.supervisor import (
    CRASHED,
    MISSING,
    TIMED_OUT,
    Finished,
    Report,
    SupervisedRun,
    call_handler,
    supervise,
)


def supervised(
    *handlers: tuple[str, Callable[[], list[Answer]]], limit: float = 10.0, clock: Callable[[], float] = time.monotonic
) -> SupervisedRun:
    """The handlers in a child, each once."""

    def work(report: Report, finished: Finished) -> None:
        for name, call in handlers:
            if name not in finished:
                call_handler(name, report, call)

    return supervise(work, limit=limit, clock=clock)


class Waits:
    """How long the supervisor waits at most for something to read, and which of these waits were in vain."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._select = select.select
        self.at_most: list[float] = []
        self.in_vain: list[float] = []
        patch.setattr(select, "select", self)

    def __call__(self, *given: Any) -> Any:
        found = self._select(*given)
        if given[3] > 0:
            self.at_most.append(given[3])
            self.in_vain += [] if found[0] else [given[3]]
        return found


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return Waits(monkeypatch)


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
    subprocess.run(["no-such-command-here"], check=True)
    return []


def no_file() -> list[Answer]:
    Path(__file__).with_name("no-such-file").read_text(encoding="utf-8")
    return []


def slow_command() -> list[Answer]:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.05, check=True)
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
        (no_file, CRASHED, "no-such-file"),
        (slow_command, TIMED_OUT, "ran out of its"),
        (faulty, CRASHED, "thing: is wrong"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_handler_that_fails_costs_itself(handler: Callable[[], list[Answer]], status: int, message: str) -> None:
    """Its failure has a status of its own; those before and after it are heard, each once."""
    run = supervised(("first", good), ("bad", handler), ("last", lambda: [deny("no")]))
    assert [(answer.handler, answer.kind) for answer in run.answers] == [("first", "note"), ("last", "deny")]
    assert [(failure.handler, failure.status) for failure in run.failures] == [("bad", status)]
    assert message in run.failures[0].message
    assert run.done


def hanging() -> list[Answer]:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(1)  # it stands for a handler that waits for ever


@pytest.mark.parametrize(("limit", "most"), [(1.0, 0.9), (0.5, 0.45)], ids=str)
def test_a_hung_handler_is_stopped_in_time(waits: Waits, limit: float, most: float) -> None:
    """A tenth before the limit, also a handler that blocks every signal; what was answered before stands."""
    run = supervised(("first", good), ("hung", hanging), ("never", good), limit=limit, clock=lambda: 0.0)
    assert [(failure.handler, failure.status) for failure in run.failures] == [("hung", TIMED_OUT)]
    assert [answer.handler for answer in run.answers] == ["first"]
    assert not run.done
    assert waits.at_most == pytest.approx([most] * len(waits.at_most))
    assert waits.in_vain == pytest.approx([most])


def test_what_a_hung_handler_started_ends_with_it() -> None:
    """The whole process group is killed at the limit: nobody is left who holds the pipe."""
    reading, writing = os.pipe()

    def starting() -> list[Answer]:
        started = subprocess.Popen(["sleep", "600"], pass_fds=[writing])
        os.write(writing, b"started")
        print("look at the clock", flush=True)
        started.wait()
        return []

    def clock() -> float:
        return 1000.0 if select.select([reading], [], [], 0)[0] else 0.0

    run = supervised(("starting", starting), limit=100, clock=clock)
    os.close(writing)
    assert run.failures[0].status == TIMED_OUT
    assert os.read(reading, 100) == b"started"
    assert select.select([reading], [], [], 60)[0]
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_what_is_printed_is_kept_apart(capfd: pytest.CaptureFixture[str]) -> None:
    """stdout and stderr of handlers, and of what they run, are captured and bounded."""

    def printing() -> list[Answer]:
        print("by print")
        subprocess.run(["echo", "by a command"], check=True)
        os.write(2, b"x" * 1_000_000)
        return []

    run = supervised(("printing", printing))
    assert run.done
    assert len(run.printed) == 65_536
    assert supervised(("once", speaking)).printed == b"seen\n"
    assert capfd.readouterr() == ("", "")


def test_what_is_kept_begins_with_a_line() -> None:
    """Of a long output the end is kept, without the half of a line: half a secret would have no shape."""

    def printing() -> list[Answer]:
        os.write(1, b"0123456789abcdef\n" * 10_000)
        return []

    noise = supervised(("printing", printing)).printed
    assert 65_000 < len(noise) < 65_536
    assert noise.startswith(b"0123456789abcdef\n")


def test_a_process_left_behind_does_not_hold_the_answer_up(waits: Waits) -> None:
    """A command in the background that keeps stdout open is not waited for."""

    def leaving_one() -> list[Answer]:
        subprocess.Popen(["sleep", "600"])
        return good()

    assert supervised(("one", leaving_one), limit=20).done
    assert waits.at_most != []
    assert waits.in_vain == []


def test_the_limit_may_be_reported(waits: Waits) -> None:
    """What the work reports as its limit holds from then on."""

    def work(report: Report, finished: Finished) -> None:
        report("limit", 0.5)
        call_handler("hung", report, hanging)

    run = supervise(work, limit=60.0, clock=lambda: 0.0)
    assert [(failure.status, failure.message) for failure in run.failures] == [
        (TIMED_OUT, "out of time: stopped within 0.5 s")
    ]
    assert waits.at_most[0] == pytest.approx(59.5)
    assert waits.in_vain == pytest.approx([0.45])


def test_a_crash_outside_handlers_ends_the_work() -> None:
    """It is a failure without a handler, and nothing is done again."""

    def work(report: Report, finished: Finished) -> None:
        raise KeyError("own")

    run = supervise(work, limit=10)
    assert [(failure.handler, failure.status) for failure in run.failures] == [("", CRASHED)]
    assert not run.done


def test_a_second_child_knows_what_was_answered() -> None:
    """After a crash the work is given the answers of the handlers that are finished."""
    seen: list[Answer] = []

    def work(report: Report, finished: Finished) -> None:
        if "bad" in finished:
            report("fact", {"before": [answer.text for answers in finished.values() for answer in answers]})
            return
        seen.extend(call_handler("first", report, good))
        call_handler("bad", report, raising)

    assert supervise(work, limit=10).facts == {"before": ["good"]}
