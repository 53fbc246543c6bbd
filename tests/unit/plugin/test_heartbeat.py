"""The watch over workers: who is ended, when, and who is not."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_nextrust.plugin.bounds import bound_of, sender
from pytest_nextrust.plugin.heartbeat import INTERVAL, Heartbeat, Watch
from pytest_nextrust.project.run_settings import RunBudget, Settings
from pytest_nextrust.scenario.model import Limits, Scenario


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """Two workers, a and b, under a limit of ten seconds; ``killed`` are those ended."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.killed: list[str] = []
        self.watch = Watch(10.0, clock=self.clock)
        self.beats = {name: Heartbeat(partial(self.watch.heard, name)) for name in "ab"}
        for name in "ab":
            self.watch.add(name, partial(self.killed.append, name))

    def seconds(self, number: int, *alive: str) -> list[str]:
        """So many seconds pass, with a look in each; who is ``alive`` beats."""
        ended = []
        for _ in range(number):
            self.clock.now += INTERVAL
            for name in alive:
                self.beats[name].beat()
            ended += self.watch.look()
        return ended


def test_a_worker_without_a_beat_is_ended_once() -> None:
    """At the limit, not before; it is named with the reason; the other goes on however long its item takes."""
    watched = Watched()
    assert watched.seconds(100, "a", "b") == []
    assert watched.seconds(9, "a") == []
    assert watched.seconds(1, "a") == ["b"]
    assert watched.killed == ["b"]
    assert watched.watch.ended == {"b": "made no progress for 10 s and was ended (--nextrust-worker-timeout)"}
    assert watched.seconds(100, "a") == []


def test_a_beat_in_time_begins_anew() -> None:
    """Nine silent seconds, a beat, and nine again end nobody."""
    watched = Watched()
    for _ in range(5):
        assert watched.seconds(9) == []
        assert watched.seconds(1, "a", "b") == []


def test_one_that_never_began_is_ended() -> None:
    """A worker that is stopped before its first beat is silent as well."""
    watched = Watched()
    assert watched.seconds(10, "a") == ["b"]


def test_time_in_which_nobody_looked_does_not_count() -> None:
    """After Ctrl-Z of the whole run, or a machine asleep, workers have their whole limit again."""
    watched = Watched()
    watched.seconds(1, "a", "b")
    watched.clock.now += 10_000
    assert watched.watch.look() == []
    assert watched.seconds(3) == []


def test_who_has_ended_is_not_looked_at() -> None:
    """A worker that handed over its results, and all after the stop, are let be."""
    watched = Watched()
    watched.watch.remove("a")
    assert watched.seconds(10) == ["b"]
    watched = Watched()
    watched.watch.stop()
    assert watched.seconds(20) == []


def test_a_worker_that_hangs_in_an_item_is_ended() -> None:
    """It beats, and its item does not end: at the item's bound, not before; it is named with the item."""
    watched = Watched()
    watched.beats["a"].begin("t.py::test_a", 30.0)
    watched.beats["b"].begin("t.py::test_b", 300.0)
    assert watched.seconds(30, "a", "b") == []
    assert watched.seconds(1, "a", "b") == ["a"]
    assert watched.killed == ["a"]
    assert watched.watch.ended == {
        "a": "took more than 30 s for t.py::test_a and was ended (--nextrust-item-timeout)",
    }
    assert watched.seconds(269, "b") == []
    assert watched.seconds(1, "b") == ["b"]


def test_each_item_has_its_own_bound() -> None:
    """Many items that each end in time end nobody, however long they take together; nor does waiting for the next."""
    watched = Watched()
    for number in range(10):
        watched.beats["a"].begin(f"t.py::test_it[{number}]", 30.0)
        assert watched.seconds(25, "a", "b") == []
        watched.beats["a"].end()
    assert watched.seconds(1000, "a", "b") == []


def test_the_same_item_again_begins_anew() -> None:
    """An item that is run twice has its bound each time."""
    watched = Watched()
    for _ in range(3):
        watched.beats["a"].begin("t.py::test_it", 30.0)
        assert watched.seconds(25, "a", "b") == []


def test_a_beat_of_who_is_not_looked_at() -> None:
    """One that comes late, from a worker that was ended, is nobody's."""
    watched = Watched()
    watched.watch.remove("a")
    watched.watch.heard("a", [1, 0, 0.0, ""])
    assert watched.seconds(9, "b") == []


def settings(**given: Any) -> Settings:
    return Settings(root=Path(), **given)


def scenario(**given: Any) -> Scenario:
    return Scenario("x", Path(), schema=1, title="x", phase="phase-1", stage="hello", **given)


@pytest.mark.parametrize(
    ("limits", "given", "bound"),
    [
        (None, {}, 1800.0),
        (None, {"item_timeout": 5.0}, 5.0),
        (Limits(), {}, 1800.0),
        (Limits(wall=1.0), {}, 1800.0),
        (Limits(wall=600.0), {}, 6000.0),
        (Limits(wall=600.0), {"item_timeout": 7.0}, 7.0),
        (Limits(), {"budget": RunBudget("20m", seconds=1200.0)}, 12000.0),
    ],
)
def test_the_bound_of_an_item(limits: Limits | None, given: dict[str, Any], bound: float) -> None:
    """Far above its own limits, half an hour at least; the option says another, for every item."""
    assert bound_of(None if limits is None else scenario(limits=limits), settings(**given)) == bound


class Socket:
    """A connection that takes one byte after the other, and lets others run in between."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def write(self, data: bytes) -> None:
        for index in range(len(data)):
            self.taken.append(data[index : index + 1])
            time.sleep(0)


def test_messages_of_two_threads_do_not_mix_on_a_socket() -> None:
    """A report and a beat: each arrives whole, in one order or the other."""
    io = Socket()
    io.sock = None  # type: ignore[attr-defined]
    gateway = SimpleNamespace(_io=io)
    send = sender(SimpleNamespace(gateway=gateway, send=lambda beat: gateway._io.write(b"b" * 50)))
    other = threading.Thread(target=lambda: [send([]) for _ in range(20)])
    other.start()
    for _ in range(20):
        gateway._io.write(b"r" * 50)
    other.join()
    whole = b"".join(io.taken)
    assert {whole[at : at + 50] for at in range(0, len(whole), 50)} == {b"b" * 50, b"r" * 50}
