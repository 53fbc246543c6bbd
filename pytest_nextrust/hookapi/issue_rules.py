"""``[hooks.issues]``: what a failed command leads to.

Boundary: values and their rules only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_nextrust.errors import Fault

__all__ = ["AUTO_FIX", "LARGE", "IssueRules"]

AUTO_FIX = ("offer", "apply", "off")
LARGE = 16_000


@dataclass(frozen=True)
class IssueRules:
    """``auto_fix``: ``offer`` names the command that mends a known issue, ``apply`` runs it within the event's time,
    ``off`` does neither. An error that nobody knows is escalated from its ``escalate_after``-th failure in a row (0:
    never). ``large``: characters of output from which it is summarised and kept on disk. ``keep``: how many such logs.
    """

    auto_fix: str = "offer"
    escalate_after: int = 2
    large: int = LARGE
    keep: int = 50

    def document_faults(self) -> Iterator[Fault]:
        """Values out of range."""
        if self.auto_fix not in AUTO_FIX:
            yield Fault("auto_fix", f"no such value {self.auto_fix!r}", f"one of {', '.join(AUTO_FIX)}")
        if not 0 <= self.escalate_after <= 1000:
            yield Fault("escalate_after", f"{self.escalate_after} is out of range", "0 (never) to 1000")
        if self.large < 1000:
            yield Fault("large", f"{self.large} is too small", "at least 1000 characters")
        if not 1 <= self.keep <= 10_000:
            yield Fault("keep", f"{self.keep} is out of range", "1 to 10000")
