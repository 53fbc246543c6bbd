"""Workers that show that they live and what they do, and the controller that ends those which do not get on.

A worker sends a beat once a second, from a thread: a count, and the item that it runs with that item's bound. The
controller ends a worker where

* the count stands still for longer than the limit: the process is stopped or stuck as a whole, its machine is gone, or
  nothing comes through any more;
* it beats, but is longer with an item than that item's bound: the item hangs.

The time in which the controller itself did not look (it was stopped, the machine slept) does not count.

Boundary: beats as plain values and a clock; how they travel, and how a worker is ended, is the caller's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["INTERVAL", "Beat", "Heartbeat", "Watch"]

INTERVAL = 1.0
"""Seconds between two beats, and between two looks."""


class Beat(NamedTuple):
    """``tick``: counts up; ``number``: of the item among those that the worker began, 0 for none; ``bound`` in
    seconds."""

    tick: int
    number: int = 0
    bound: float = 0.0
    item: str = ""


NO_BEAT = Beat(0)


class Heartbeat:
    """A worker's side: ``start`` begins a thread that sends beats, as lists of plain values."""

    def __init__(self, send: Callable[[list[object]], None]) -> None:
        self._send = send
        self._ticks = 0
        self._begun = 0
        self._now = NO_BEAT
        self._stop = threading.Event()

    def start(self) -> None:
        """Beat now, and then once a second until the process ends or ``stop`` is called. Raises OSError."""
        self.beat()
        threading.Thread(target=self._go_on, name="nextrust-heartbeat", daemon=True).start()

    def _go_on(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self.beat()
            except OSError:
                return  # the controller has ended, or has ended this worker

    def begin(self, item: str, bound: float) -> None:
        """An item begins."""
        self._begun += 1
        self._now = Beat(0, self._begun, bound, item)

    def end(self) -> None:
        """It has ended."""
        self._now = NO_BEAT

    def beat(self) -> None:
        """Count one up. Raises OSError where nothing can be sent."""
        self._ticks += 1
        self._send(list(self._now._replace(tick=self._ticks)))

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()


@dataclass
class _Worker:
    end: Callable[[], None]
    beat: Beat = NO_BEAT
    tick: int = 0
    number: int = 0
    silent: float = 0.0
    spent: float = 0.0


class Watch:
    """The controller's side. ``limit`` in seconds; ``ended`` says why a worker was ended, by its id."""

    def __init__(self, limit: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.ended: dict[str, str] = {}
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._last = clock()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def add(self, worker: str, end: Callable[[], None]) -> None:
        """Look at this worker from now on; it need not have begun to beat. ``end`` ends it, dead or alive."""
        with self._lock:
            self._workers[worker] = _Worker(end)

    def heard(self, worker: str, beat: Sequence[object]) -> None:
        """A beat arrived, as it was sent."""
        with self._lock:
            if worker in self._workers:
                self._workers[worker].beat = Beat(*beat)  # type: ignore[arg-type]

    def remove(self, worker: str) -> None:
        """Look at it no more."""
        with self._lock:
            self._workers.pop(worker, None)

    def look(self) -> list[str]:
        """Look once; the workers that were ended."""
        with self._lock:
            now = self._clock()
            passed, self._last = min(now - self._last, 2 * INTERVAL), now
            reasons = {name: self._reason(worker, passed) for name, worker in self._workers.items()}
            ending = {name: self._workers.pop(name) for name, reason in reasons.items() if reason}
            self.ended |= {name: reasons[name] for name in ending}
        for worker in ending.values():
            worker.end()
        return list(ending)

    def _reason(self, worker: _Worker, passed: float) -> str:
        """Why the worker is to be ended; empty where it is not."""
        beat = worker.beat
        worker.silent = 0.0 if beat.tick != worker.tick else worker.silent + passed
        worker.spent = worker.spent + passed if beat.number == worker.number else 0.0
        worker.tick, worker.number = beat.tick, beat.number
        if worker.silent >= self.limit:
            return f"made no progress for {self.limit:g} s and was ended (--nextrust-worker-timeout)"
        if beat.number and worker.spent >= beat.bound:
            return f"took more than {beat.bound:g} s for {beat.item} and was ended (--nextrust-item-timeout)"
        return ""

    def start(self) -> None:
        """Look once a second, in a thread of its own."""
        threading.Thread(target=self._go_on, name="nextrust-watch", daemon=True).start()

    def _go_on(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.look()

    def stop(self) -> None:
        """End the thread: after this nothing is ended."""
        self._stop.set()
        with self._lock:
            self._workers.clear()
