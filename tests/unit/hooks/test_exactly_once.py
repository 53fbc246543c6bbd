"""Deliveries of events from many processes, killed at random: each event is handled once, and has one answer."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROCESSES = 8
EVENTS = 100
DELIVERIES = 1000

WORKER = """
import os, random, sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
from pytest_nextrust.guards.idempotency import Claims, event_key
folder, name, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
handled, answers = folder / "handled", folder / f"answers-{name}"

def append(path, line):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode() + b"\\n")
    os.close(fd)

def happened(event):
    return handled.exists() and f"{event}\\n" in handled.read_text()

claims = Claims(Database(folder / ".nextrust" / "state.sqlite"))
done = answers.read_text().count("\\n") if answers.exists() else 0
for event in sys.argv[4].split(",")[done:]:
    key = event_key("post", {"tool_use_id": event}, session="s", commit="c", run_id="1", attempt=1)
    with claims.claim(key, wait=60) as claim:
        if claim.first:
            decision = claim.decide({"event": event, "by": f"{name}-{os.getpid()}"})
            claim.effect(lambda: happened(event), lambda: append(handled, event))
            claim.finish(decision)
        append(answers, f"{event} {claim.answer['event']} {claim.answer['by']}")
"""


def start(folder: Path, index: int, deliveries: list[str]) -> subprocess.Popen[bytes]:
    arguments = [str(folder), str(index), str(index), ",".join(deliveries)]
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments])


def share(seed: int) -> list[list[str]]:
    """Every event ten times, in random order, dealt out."""
    order = [f"e{number % EVENTS}" for number in range(DELIVERIES)]
    random.Random(seed).shuffle(order)
    return [order[index::PROCESSES] for index in range(PROCESSES)]


def judge(folder: Path, shares: list[list[str]]) -> None:
    handled = Counter((folder / "handled").read_text().split())
    assert handled == Counter(f"e{number}" for number in range(EVENTS))
    answered: dict[str, set[str]] = {}
    delivered = 0
    for index, deliveries in enumerate(shares):
        lines = (folder / f"answers-{index}").read_text().splitlines()
        assert [line.split()[0] for line in lines] == deliveries
        delivered += len(lines)
        for line in lines:
            event, told, by = line.split()
            assert told == event
            answered.setdefault(event, set()).add(by)
    assert delivered == DELIVERIES
    assert {len(by) for by in answered.values()} == {1}


def test_a_thousand_deliveries_of_a_hundred_events(tmp_path: Path) -> None:
    """From eight processes at once: every event is handled exactly once, and all ten deliveries get one answer."""
    shares = share(1)
    children = [start(tmp_path, index, deliveries) for index, deliveries in enumerate(shares)]
    assert [child.wait(120) for child in children] == [0] * PROCESSES
    judge(tmp_path, shares)


def kills() -> int:
    return 300 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 30


@pytest.mark.campaign
def test_a_thousand_deliveries_under_kills(tmp_path: Path) -> None:
    """The same while processes are killed at random moments and started again with the delivery they were at.

    As many rounds of a thousand as the kills need.
    """
    rng, left, number = random.Random(3), kills(), 0
    while left > 0:
        number += 1
        left -= round_of_kills(tmp_path / str(number), rng, left)


def round_of_kills(folder: Path, rng: random.Random, most: int) -> int:
    """One round; returns how many processes were killed in it."""
    folder.mkdir()
    shares, killed = share(rng.randrange(1000)), 0
    children = [start(folder, index, deliveries) for index, deliveries in enumerate(shares)]
    while any(child.poll() is None for child in children):
        # A pause of random length: the signal never comes.
        signal.sigtimedwait({signal.SIGRTMAX}, rng.uniform(0.005, 0.05))
        running = [index for index, child in enumerate(children) if child.poll() is None]
        if running and killed < most:
            index = rng.choice(running)
            children[index].kill()
            if children[index].wait(60) == -signal.SIGKILL:
                killed += 1
                children[index] = start(folder, index, shares[index])
    assert [child.returncode for child in children] == [0] * PROCESSES
    judge(folder, shares)
    return killed


WINDOWS = ("before-decide", "after-decide", "after-effect", "after-finish")

KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_nextrust.base.state_database import Database
from pytest_nextrust.guards.idempotency import Claims
folder, window, by = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
handled = folder / "handled"
def at(name):
    if name == window:
        os.kill(os.getpid(), signal.SIGKILL)
def append():
    with open(handled, "a") as stream:
        stream.write("once\\n")
with Claims(Database(folder / ".nextrust" / "state.sqlite")).claim("key", wait=30) as claim:
    if claim.first:
        at("before-decide")
        decision = claim.decide(by)
        at("after-decide")
        claim.effect(lambda: handled.exists() and "once" in handled.read_text(), append)
        at("after-effect")
        claim.finish(decision)
        at("after-finish")
    print(claim.answer)
"""


@pytest.mark.parametrize("window", WINDOWS)
def test_killed_in_every_window(tmp_path: Path, window: str) -> None:
    """Wherever the first is killed: the effect is there once, and a decision that was stored is the answer."""

    def run(window: str, by: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(tmp_path), window, by]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert run(window, "first").returncode == -signal.SIGKILL
    second, third = run("", "second"), run("", "third")
    assert (second.stderr, third.stderr) == ("", "")
    assert second.stdout == third.stdout == ("second\n" if window == "before-decide" else "first\n")
    assert (tmp_path / "handled").read_text() == "once\n"
