"""Signs of life during long work."""

from __future__ import annotations

import os
import threading

from pytest_nextrust.report.progress import Progress, Terminal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_speaks_after_an_interval_without_an_end() -> None:
    """Nothing for quick items; for a slow one a line per interval: what runs, since when, how far the run is."""
    clock, said = Clock(), list[str]()
    progress = Progress(said.append, interval=15, clock=clock)
    progress.begin("x::quick[c]", 3)
    clock.now += 10
    progress.end("x::quick[c]")
    progress.begin("x::slow[c]", 3)
    clock.now += 14
    assert not progress.tick()
    clock.now += 2
    assert progress.tick()
    assert said == ["\nnextrust: 1 of 3 done; running slow[c] for 16 s\n"]
    assert not progress.tick()
    clock.now += 15
    assert progress.tick()


def test_it_is_silent_where_nothing_runs() -> None:
    """Between items there is nothing to say."""
    clock, said = Clock(), list[str]()
    progress = Progress(said.append, interval=15, clock=clock)
    clock.now += 100
    assert not progress.tick()
    assert said == []


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nextrust-progress"]


def test_the_thread_ends() -> None:
    """Stopping joins the thread; stopping one that never started does nothing."""
    Progress(lambda _: None).stop()
    progress = Progress(lambda _: None)
    progress.start()
    (thread,) = watchers()
    progress.stop()
    assert not thread.is_alive()
    assert watchers() == []


def test_a_terminal_that_went_away() -> None:
    """Writing to a closed pipe fails nothing."""
    reader, writer = os.pipe()
    terminal = Terminal(writer)
    terminal.write("x")
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)
    terminal.write("y")
    terminal.write("z")
    terminal.close()
