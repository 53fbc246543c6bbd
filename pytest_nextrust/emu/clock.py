"""Guest time: a function of how many instructions have run, so that two runs of one program see the same times.

Boundary: arithmetic only. A call that sleeps moves the clock forward by ``skip`` instead of waiting.

The rate is a decision, not a measurement: ten instructions per microsecond lies between a 25 MHz 68030 and a 25 MHz
68040, and is the same for both so that a program's alarms do not move with the CPU it is checked on.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["DEFAULT_EPOCH_US", "INSTRUCTIONS_PER_MICROSECOND", "VirtualClock"]

INSTRUCTIONS_PER_MICROSECOND = 10
"""How many instructions one microsecond of guest time holds."""

DEFAULT_EPOCH_US = 725_846_400_000_000
"""Guest time at the first instruction: 1993-01-01 00:00:00 UTC, in microseconds since 1970."""


class VirtualClock:
    """Time in microseconds. ``instructions`` answers how many instructions the guest has completed so far."""

    def __init__(self, instructions: Callable[[], int], epoch_us: int = DEFAULT_EPOCH_US) -> None:
        self._instructions = instructions
        self._epoch_us = epoch_us
        self._skipped_us = 0

    @property
    def instructions(self) -> int:
        """Instructions completed so far."""
        return self._instructions()

    @property
    def skipped_us(self) -> int:
        """Microseconds that passed in sleeping calls."""
        return self._skipped_us

    @property
    def now_us(self) -> int:
        """Microseconds since 1970, sleep included."""
        return self._epoch_us + self._skipped_us + self.cpu_us

    @property
    def cpu_us(self) -> int:
        """Microseconds of execution since the start, sleep not included."""
        return self._instructions() // INSTRUCTIONS_PER_MICROSECOND

    def skip(self, microseconds: int) -> None:
        """Let time pass without instructions. Raises ValueError for a negative time."""
        if microseconds < 0:
            raise ValueError(f"time cannot go back by {-microseconds} microseconds")
        self._skipped_us += microseconds

    def count_at(self, now_us: int) -> int:
        """The instruction count at which ``now_us`` will be reached, if nothing sleeps meanwhile."""
        return self.count_at_cpu(now_us - self._epoch_us - self._skipped_us)

    def count_at_cpu(self, cpu_us: int) -> int:
        """The instruction count at which ``cpu_us`` will be reached."""
        return max(0, cpu_us) * INSTRUCTIONS_PER_MICROSECOND
