"""The three interval timers, counted in guest time, which is counted in instructions: so they fire at the same place.

Boundary: when a timer falls due and what it posts; waiting and delivery are in ``state``.

Sources: 4.3BSD setitimer(2) and ``kern_time.c``: a value under the clock's tick is one tick, a value out of range is
EINVAL. The tick is a decision: NeXT's is longer, but a short one lets a program be interrupted often (inferred).
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.clock import VirtualClock
from pytest_nextrust.emu.kernel.signals import Signal

__all__ = ["ITIMER_PROF", "ITIMER_REAL", "ITIMER_VIRTUAL", "TICK_US", "Timers"]

ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF = 0, 1, 2
_SIGNALS = (Signal.SIGALRM, Signal.SIGVTALRM, Signal.SIGPROF)

TICK_US = 1000
"""The shortest time a timer can be set to, in microseconds."""


@dataclass(slots=True)
class _Timer:
    due_us: int | None = None
    interval_us: int = 0


class Timers:
    """``real`` runs on while the process sleeps; ``virtual`` and ``prof`` count execution only."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._timers = (_Timer(), _Timer(), _Timer())

    def _now(self, which: int) -> int:
        return self._clock.now_us if which == ITIMER_REAL else self._clock.cpu_us

    def get(self, which: int) -> tuple[int, int]:
        """Interval and time left, in microseconds; 0 left means not running."""
        timer = self._timers[which]
        left = max(1, timer.due_us - self._now(which)) if timer.due_us is not None else 0
        return timer.interval_us, left

    def set(self, which: int, interval_us: int, value_us: int) -> None:
        """Start the timer, or stop it for a value of 0. A time below the tick becomes the tick."""
        timer = self._timers[which]
        timer.interval_us = max(interval_us, TICK_US) if interval_us else 0
        timer.due_us = self._now(which) + max(value_us, TICK_US) if value_us else None

    def expired(self) -> list[Signal]:
        """The signals of the timers that have fallen due, which start again where they have an interval."""
        signals = []
        for which, timer in enumerate(self._timers):
            now = self._now(which)
            if timer.due_us is None or timer.due_us > now:
                continue
            signals.append(_SIGNALS[which])
            if timer.interval_us:
                timer.due_us += ((now - timer.due_us) // timer.interval_us + 1) * timer.interval_us
            else:
                timer.due_us = None
        return signals

    @property
    def real_due_us(self) -> int | None:
        """When the real timer falls due, in guest time."""
        return self._timers[ITIMER_REAL].due_us

    def next_count(self) -> int | None:
        """The instruction count at which the next timer falls due, if nothing sleeps meanwhile."""
        counts = []
        for which, timer in enumerate(self._timers):
            if timer.due_us is not None:
                at = self._clock.count_at if which == ITIMER_REAL else self._clock.count_at_cpu
                counts.append(at(timer.due_us))
        return min(counts, default=None)
