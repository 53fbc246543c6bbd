"""States in files where memory is short: the system pages them in and out, and the search goes on as it was.

States and edges are only ever added at the end, so they can lie in files that are mapped; what finds a state by its
value stays in memory. The files have no names: they are gone with the process, however it ends.

Boundary: child process only; the compiled search's arrays. Room in the files is taken before it is used: where there is
none, the search ends as where memory is used up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO, Protocol

__all__ = ["Spill"]

PAUSES = 64
"""Pauses of a search between two looks at how much memory is held."""


class _Spilling(Protocol):
    """A search that can."""

    def spill(self, files: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> bool: ...


class Spill:
    """Moves a search's states into files in ``folder`` once ``held`` is more than so many bytes.

    ``report`` is told so. ``done``: the search that was looked at last has its states there.
    """

    def __init__(self, folder: str, limit: int, held: Callable[[], int], report: Callable[[str], None]) -> None:
        self._folder, self._limit, self._held, self._report = folder, limit, held, report
        self._pauses = 0
        self._search: _Spilling | None = None
        self._tried = False
        self.done = False

    def look(self, search: _Spilling, *, coming: int = 0) -> None:
        """See whether it is time to; ``coming``: bytes that it is about to take."""
        if search is not self._search:
            self._search, self._tried, self.done, self._pauses = search, False, False, 0
        looked, self._pauses = self._pauses, self._pauses + 1
        if self._tried or looked % PAUSES or self._held() + coming <= self._limit:
            return
        self._tried = True
        try:
            files = self._file(), self._file(), self._file()
        except OSError as error:
            self._report(f"no states could be put in {self._folder}: {error.strerror}")
            return
        self.done = search.spill(files)
        self._report(f"states are {'' if self.done else 'not '}in {self._folder} from now on")

    def _file(self) -> IO[bytes]:
        return tempfile.TemporaryFile(prefix="nextrust-states-", dir=self._folder)
