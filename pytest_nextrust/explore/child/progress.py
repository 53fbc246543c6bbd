"""How far a search is, in a line: how fast it is, what is still before it, and, once that shrinks, for how long.

How many states there will be is not known before they are there. While the frontier grows nothing is said of it; where
it shrinks, what is left is taken to shrink as fast as it did since the last line.

Boundary: figures in, text out.
"""

from __future__ import annotations

from pytest_nextrust.explore.child.search import SearchFigures

__all__ = ["SearchProgress"]


class SearchProgress:
    """The lines of one exploration; each is about what has happened since the one before it."""

    def __init__(self) -> None:
        self._last = SearchFigures(0, 0, 0)
        self._seconds = 0.0
        self._round = 0

    def line(self, figures: SearchFigures, seconds: float, rounds: int) -> str:
        """How far it is after so many seconds of CPU time."""
        last = self._last if rounds == self._round else SearchFigures(0, 0, 0)
        passed = seconds - self._seconds
        self._last, self._seconds, self._round = figures, seconds, rounds
        line = f"{figures.met:,} states after {seconds:.0f} s (round {rounds}): "
        line += f"frontier {figures.frontier:,}, depth {figures.depth}"
        if passed <= 0:
            return line
        line += f", {(figures.met - last.met) / passed:,.0f} states/s"
        shrunk = last.frontier - figures.frontier
        if shrunk <= 0:
            return f"{line}, growing"
        return f"{line}, about {figures.frontier / shrunk * passed:,.0f} s more"
