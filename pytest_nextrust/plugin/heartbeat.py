"""Workers that show that they live, and the controller that ends those which do not.

A worker writes a count into a file of its own, once a second, from a thread. The controller looks at these files: where
a count stands still for longer than the limit the process is stopped or stuck as a whole, and it is ended by SIGKILL,
which a stopped process cannot put off. How long an *item* may take is not judged here: its own limits (budgets of
scenarios, the machine's wall time) end it, and a worker whose item is long goes on counting.

The time in which the controller itself did not look (it was stopped, the machine slept) does not count.

Boundary: files, process ids and a clock; neither pytest nor xdist.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INTERVAL", "Heartbeat", "Watch"]

INTERVAL = 1.0
"""Seconds between two beats, and between two looks."""


class Heartbeat:
    """A worker's side: ``start`` begins a thread that counts up in ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._count = 0
        self._stop = threading.Event()

    def start(self) -> None:
        """Beat now, and then once a second until the process ends or ``stop`` is called."""
        self.beat()
        threading.Thread(target=self._go_on, name="nextrust-heartbeat", daemon=True).start()

    def _go_on(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self.beat()
            except OSError:
                return  # the controller has ended and taken its folder with it

    def beat(self) -> None:
        """Count one up. Raises OSError."""
        self._count += 1
        self._file.write_text(str(self._count), encoding="ascii")

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()


@dataclass
class _Worker:
    process: int
    file: Path
    count: str = ""
    silent: float = 0.0


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


class Watch:
    """The controller's side. ``limit`` in seconds; ``ended`` says why a worker was ended, by its id."""

    def __init__(
        self,
        limit: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        kill: Callable[[int], None] = _kill,
    ) -> None:
        self.limit = limit
        self.ended: dict[str, str] = {}
        self._clock = clock
        self._kill = kill
        self._workers: dict[str, _Worker] = {}
        self._last = clock()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def add(self, worker: str, process: int, file: Path) -> None:
        """Look at this worker from now on; it need not have begun to beat."""
        with self._lock:
            self._workers[worker] = _Worker(process, file)

    def remove(self, worker: str) -> None:
        """Look at it no more."""
        with self._lock:
            self._workers.pop(worker, None)

    def look(self) -> list[str]:
        """Look once; the workers that were ended."""
        with self._lock:
            now = self._clock()
            passed, self._last = min(now - self._last, 2 * INTERVAL), now
            silent = [name for name, worker in self._workers.items() if self._is_silent(worker, passed)]
            for name in silent:
                self.ended[name] = f"made no progress for {self.limit:g} s and was ended (--nextrust-worker-timeout)"
                try:
                    self._kill(self._workers.pop(name).process)
                except ProcessLookupError:
                    continue  # it died in between: that is noticed as for every other
            return silent

    def _is_silent(self, worker: _Worker, passed: float) -> bool:
        try:
            count = worker.file.read_text(encoding="ascii")
        except OSError:
            count = ""
        if count and count != worker.count:
            worker.count, worker.silent = count, 0.0
        else:
            worker.silent += passed
        return worker.silent >= self.limit

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
