"""Budgets: what a day (UTC) and a phase have cost so far, all sessions together, against ``[hooks.usage]``.

Tokens without a price count at the dearest known prices, and the message says so. A budget whose use is not fully known
neither warns nor blocks, and its message says so too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.usage.cost import Totals, totals
from pytest_nextrust.usage.marks import PromptMarks
from pytest_nextrust.usage.transcripts import UsageMessage

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.settings import UsageRules

__all__ = ["BudgetState", "ledger_file", "standing", "today", "wanted"]


@dataclass(frozen=True)
class BudgetState:
    """One limit. ``scope``: ``2026-01-31 (UTC)`` or a phase's id; ``limit`` and ``spent`` in US dollars."""

    scope: str
    limit: float
    spent: float
    unpriced: Mapping[str, int]
    complete: bool = True

    @property
    def over(self) -> bool:
        return self.spent >= self.limit

    def near(self, warn_at: float) -> bool:
        """Whether enough of it is used for a warning."""
        return self.spent >= self.limit * warn_at

    def __str__(self) -> str:
        """One line for the user."""
        part = self.spent / self.limit
        text = f"budget for {self.scope}: ${self.spent:,.2f} of ${self.limit:,.2f} used ({part:.0%})"
        if self.unpriced:
            number = sum(self.unpriced.values())
            text += f"; {number:,} tokens of {', '.join(self.unpriced)} have no price and count at the dearest known"
        return text if self.complete else f"{text}; not all transcripts have been read yet"


def today(clock: datetime | None = None) -> str:
    """The day that is counted, ``YYYY-MM-DD`` in UTC."""
    return (clock or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%d")


def wanted(rules: UsageRules, phase: str) -> bool:
    """Whether there is any limit that concerns this phase."""
    return rules.daily > 0 or any(budget.id == phase for budget in rules.phases)


def standing(
    rules: UsageRules,
    messages: Iterable[UsageMessage],
    marks: PromptMarks,
    *,
    day: str,
    phase: str,
    complete: bool = True,
) -> list[BudgetState]:
    """The budgets that concern ``day`` and ``phase``. ``messages``: each once, at least those of both."""
    known = list(messages)
    found = []
    if rules.daily > 0:
        found.append(_budget(f"{day} (UTC)", rules.daily, totals(m for m in known if m.day == day), complete))
    for budget in rules.phases:
        if budget.id == phase:
            spent = totals(m for m in known if marks.phase(m) == phase)
            found.append(_budget(phase, budget.money, spent, complete))
    return found


def _budget(scope: str, limit: float, spent: Totals, complete: bool) -> BudgetState:
    return BudgetState(scope, limit, spent.cost + spent.assumed, spent.unpriced, complete)


def ledger_file(root: Path, *, keep: bool) -> Path | None:
    """Where the ledger of a project is; None where nothing may be written."""
    from pytest_nextrust.base.private_folders import private_folder
    from pytest_nextrust.usage.ledger import NAME

    if not keep:
        return None
    file = root / NAME
    private_folder(str(file.parent))
    return file
