"""How long a failing run may be made shorter: a share of its own of the CPU time, at most what the search took so far.

A bad state that is met early in a huge graph is then shown soon, by a run that is a little longer than it would have to
be. Which run is shown is all that depends on it: not whether there is one, nor the state that is named.

Boundary: clocks. What is done with the time is ``counterexample``'s.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LEAST", "UNBOUNDED", "Effort"]

LEAST = 0.75
"""CPU seconds that a failing run may be shortened for in any case."""


class Effort:
    """``share`` seconds from now on, by a clock; none once somebody waits for an answer (``ending``)."""

    def __init__(self, clock: Callable[[], float], ending: Callable[[], bool], share: float) -> None:
        self._clock, self._ending = clock, ending
        self._began = clock()
        self._share = share

    def is_over(self, part: float = 1.0) -> bool:
        """Whether this part of the share has been spent."""
        return self._ending() or self._clock() - self._began > part * self._share

    @property
    def may_begin_again(self) -> bool:
        """Whether so little has been done that a guess that turns out wrong now may begin it all again."""
        return self._share <= LEAST and not self._ending()


UNBOUNDED = Effort(lambda: 0.0, lambda: False, LEAST)
"""Whatever it takes."""
