"""The projections: ``pipeline-log.json`` for tools, ``pipeline-log.md`` for people, both drawn from one summary.

Rendering is pure: the same log, phases and facts give the same bytes. Writing replaces each file atomically, under a
lock of its own, so that of two writers the one that read less cannot come last.
"""

from __future__ import annotations

import contextlib
import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.base.files import Lock, atomic_replace, make_folder
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import Log
from pytest_nextrust.status.journal import NO_ROOM, JournalView, Problem
from pytest_nextrust.status.markdown import draw_markdown
from pytest_nextrust.status.summary import LogState, ProjectFacts, observe, summarize

__all__ = ["JSON_NAME", "MARKDOWN_NAME", "Follower", "Projector", "rebuild", "render_json", "render_markdown"]

JSON_NAME = "pipeline-log.json"
MARKDOWN_NAME = "pipeline-log.md"


def render_json(view: JournalView, phases: Phases, facts: ProjectFacts | None = None) -> bytes:
    """``pipeline-log.json``."""
    return _draw_json(summarize(view, phases, facts))


def render_markdown(view: JournalView, phases: Phases, facts: ProjectFacts | None = None) -> bytes:
    """``pipeline-log.md``."""
    return draw_markdown(summarize(view, phases, facts))


def _draw_json(summary: Mapping[str, Any]) -> bytes:
    return json.dumps(summary, indent=2).encode("ascii") + b"\n"


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection: reading a long log makes no cycles, and a third of its time went into looking."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Follower:
    """A log and its state, kept up to date: catching up costs what was added since the last time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = LogState()
        self.problems: tuple[Problem, ...] = ()
        self._log = Log(folder)

    def catch_up(self) -> LogState:
        """Read what was added. Raises StatusError where the log cannot be read."""
        with _no_collection():
            change = self._log.poll()
            if change.fresh:
                self.state = LogState()
            for record in change.records:
                self.state.add(record)
        self.problems = change.problems
        return self.state

    def draw(self, phases: Phases, *, root: Path, lock: Lock) -> tuple[Path, Path]:
        """Catch up and write both projections; the files written. Raises StatusError."""
        written = (self.folder / JSON_NAME, self.folder / MARKDOWN_NAME)
        try:
            make_folder(self.folder)
            with lock:
                summary = self.catch_up().summary(phases, observe(root, phases, self.folder), self.problems)
                for path, draw in zip(written, (_draw_json, draw_markdown), strict=True):
                    atomic_replace(path, draw(summary))
        except OSError as error:
            raise StatusError(
                "status log",
                f"a projection cannot be written: {error.strerror or error}",
                place=str(self.folder),
                remedy=NO_ROOM.get(error.errno or 0, "use a folder that this user may read and write (--dir)")
                + "; the journal itself is whole",
            ) from error
        return written


def rebuild(
    folder: Path, phases: Phases, *, root: Path | None = None, lock: Lock | None = None
) -> tuple[Follower, tuple[Path, Path]]:
    """Draw both projections in ``folder`` anew from its whole log; returns what was read and the files written.

    ``root`` is the project (for markers and expected files); the current folder by default. Raises StatusError.
    """
    follower = Follower(folder)
    written = follower.draw(phases, root=root or Path.cwd(), lock=lock or Lock(folder / "projections.lock"))
    return follower, written


class Projector:
    """Keeps the projections fresh during a run: at most once in ``interval`` seconds, and once at its end.

    The first drawing reads the whole log, each later one what was added. One that takes long all the same is done less
    often: drawing takes at most a tenth of the run's time.
    """

    def __init__(
        self,
        folder: Path,
        phases: Phases,
        *,
        root: Path | None = None,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        follower: Follower | None = None,
    ) -> None:
        self.follower = follower or Follower(folder)
        self._lock_path = folder / "projections.lock"
        self._phases = phases
        self._root = root or Path.cwd()
        self._interval = interval
        self._clock = clock
        self._next = float("-inf")

    def refresh(self) -> bool:
        """Draw them if it is time; True if so. Somebody else who is drawing them counts as done."""
        now = self._clock()
        if now < self._next:
            return False
        try:
            self.follower.draw(self._phases, root=self._root, lock=Lock(self._lock_path, timeout=0))
        except LockTimeout:
            return False
        finally:
            self._next = now + max(self._interval, 10 * (self._clock() - now))
        return True

    def finish(self) -> None:
        """Draw them now. Raises StatusError."""
        self.follower.draw(self._phases, root=self._root, lock=Lock(self._lock_path))
