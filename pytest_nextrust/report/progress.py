"""Progress during long work: what runs, since when, and how far the run is.

pytest prints a dot when an item ends; building a Rust library takes half a minute before the first. After ``interval``
seconds without an end, one line names what is running, and again after each further interval.

Writes to a copy of the terminal's descriptor, taken while pytest captures nothing: during a test the descriptor itself
leads into the capture.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

__all__ = ["Progress", "Terminal", "line"]


def line(running: dict[str, float], done: int, total: int, now: float) -> str:
    """``nextrust: 3 of 40 done; for 21 s: hello-rust[...]`` with the longest running first."""
    longest = sorted(running.items(), key=lambda pair: pair[1])
    names = ", ".join(f"{nodeid.rsplit('::', 1)[-1]} for {now - since:.0f} s" for nodeid, since in longest[:4])
    more = f" and {len(longest) - 4} more" if len(longest) > 4 else ""
    return f"nextrust: {done} of {total} done; running {names}{more}"


class Progress:
    """Watches starts and ends; ``start`` begins a thread that reports, ``stop`` ends it."""

    def __init__(
        self, write: Callable[[str], object], *, interval: float = 15.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._interval = interval
        self._clock = clock
        self._running: dict[str, float] = {}
        self._done = 0
        self._total = 0
        self._last = clock()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, nodeid: str, total: int) -> None:
        """An item started."""
        with self._lock:
            self._total = total
            self._running[nodeid] = self._clock()
            if len(self._running) == 1:
                self._last = self._clock()

    def end(self, nodeid: str) -> None:
        """An item ended."""
        with self._lock:
            self._done += self._running.pop(nodeid, None) is not None
            self._last = self._clock()

    def tick(self) -> bool:
        """Report what is running, if it is time; True if so."""
        with self._lock:
            now = self._clock()
            if not self._running or now - self._last < self._interval:
                return False
            self._last = now
            text = line(self._running, self._done, self._total, now)
        self._write(f"\n{text}\n")
        return True

    def start(self) -> None:
        """Look once a second, in a thread of its own."""
        self._thread = threading.Thread(target=self._watch, name="nextrust-progress", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(1.0):
            self.tick()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()


class Terminal:
    """A writer to a copy of a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)

    def write(self, text: str) -> None:
        """Write now; a terminal that has gone away is no reason to fail."""
        try:
            os.write(self._descriptor, text.encode("utf-8", "replace"))
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the copy, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
