"""The watch over workers: who is ended, when, and who is not."""

from __future__ import annotations

from pathlib import Path

from pytest_nextrust.plugin.heartbeat import INTERVAL, Heartbeat, Watch


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """Two workers, a and b, under a limit of ten seconds; ``killed`` are the processes ended."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.killed: list[int] = []
        self.watch = Watch(10.0, clock=self.clock, kill=self.killed.append)
        self.beats = {name: Heartbeat(folder / name) for name in "ab"}
        self.watch.add("a", 11, folder / "a")
        self.watch.add("b", 12, folder / "b")

    def seconds(self, number: int, *alive: str) -> list[str]:
        """So many seconds pass, with a look in each; who is ``alive`` beats."""
        ended = []
        for _ in range(number):
            self.clock.now += INTERVAL
            for name in alive:
                self.beats[name].beat()
            ended += self.watch.look()
        return ended


def test_a_worker_without_a_beat_is_ended_once(tmp_path: Path) -> None:
    """At the limit, not before; it is named with the reason; the other goes on however long its item takes."""
    watched = Watched(tmp_path)
    assert watched.seconds(100, "a", "b") == []
    assert watched.seconds(9, "a") == []
    assert watched.seconds(1, "a") == ["b"]
    assert watched.killed == [12]
    assert watched.watch.ended == {"b": "made no progress for 10 s and was ended (--nextrust-worker-timeout)"}
    assert watched.seconds(100, "a") == []


def test_a_beat_in_time_begins_anew(tmp_path: Path) -> None:
    """Nine silent seconds, a beat, and nine again end nobody."""
    watched = Watched(tmp_path)
    for _ in range(5):
        assert watched.seconds(9) == []
        assert watched.seconds(1, "a", "b") == []


def test_one_that_never_began_is_ended(tmp_path: Path) -> None:
    """A worker that is stopped before its first beat is silent as well."""
    watched = Watched(tmp_path)
    assert watched.seconds(10, "a") == ["b"]


def test_time_in_which_nobody_looked_does_not_count(tmp_path: Path) -> None:
    """After Ctrl-Z of the whole run, or a machine asleep, workers have their whole limit again."""
    watched = Watched(tmp_path)
    watched.seconds(1, "a", "b")
    watched.clock.now += 10_000
    assert watched.watch.look() == []
    assert watched.seconds(3) == []


def test_who_has_ended_is_not_looked_at(tmp_path: Path) -> None:
    """A worker that handed over its results, and all after the stop, are let be."""
    watched = Watched(tmp_path)
    watched.watch.remove("a")
    assert watched.seconds(10) == ["b"]
    watched = Watched(tmp_path)
    watched.watch.stop()
    assert watched.seconds(20) == []


def test_one_that_died_in_between(tmp_path: Path) -> None:
    """A process that is gone when it is to be ended is nobody's fault."""

    def kill(process: int) -> None:
        raise ProcessLookupError(process)

    clock = Clock()
    watch = Watch(1.0, clock=clock, kill=kill)
    watch.add("a", 11, tmp_path / "a")
    clock.now += INTERVAL
    assert watch.look() == ["a"]
    assert watch.look() == []
