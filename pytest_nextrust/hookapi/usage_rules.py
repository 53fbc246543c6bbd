"""``[hooks.usage]``: what of a prompt is kept, and what may be spent.

Boundary: values and their rules only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_nextrust.errors import Fault

__all__ = ["PhaseBudget", "UsageRules"]


@dataclass(frozen=True)
class PhaseBudget:
    """``money`` (US dollars) for the phase ``id``, however many days and sessions it takes."""

    id: str
    money: float

    def document_faults(self) -> Iterator[Fault]:
        """A limit that nothing could keep."""
        if not 0 < self.money < 1e9:
            yield Fault("money", f"{self.money:g} is out of range", "US dollars, above 0")


@dataclass(frozen=True)
class UsageRules:
    """``daily``: US dollars for one day (UTC), all sessions together; 0: no limit.

    ``warn_at``: the part of a budget from which it is told. ``block``: refuse prompts once a budget is used up.
    ``store_prompts``: keep the text of prompts, without secrets, beside their hash and length.
    """

    store_prompts: bool = False
    daily: float = 0.0
    phases: tuple[PhaseBudget, ...] = ()
    warn_at: float = 0.8
    block: bool = False

    def document_faults(self) -> Iterator[Fault]:
        """Values out of range, and a phase with two budgets."""
        if not 0 <= self.daily < 1e9:
            yield Fault("daily", f"{self.daily:g} is out of range", "US dollars for a day; 0 for no limit")
        if not 0 < self.warn_at <= 1:
            yield Fault("warn_at", f"{self.warn_at:g} is out of range", "above 0, at most 1")
        names = [phase.id for phase in self.phases]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Fault("phases", f"{name} has two budgets", "keep one")
