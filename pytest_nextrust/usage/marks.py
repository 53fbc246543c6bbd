"""In which phase, at which commit and after which prompt a message was sent: what the audit of prompts recorded.

A message belongs to the last prompt of its session that was on record before it. Without one its phase is unknown, and
reported as that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.usage.audit import TYPE
from pytest_nextrust.usage.transcripts import UsageMessage

__all__ = ["PromptMark", "PromptMarks", "read_marks"]


@dataclass(frozen=True, slots=True, order=True)
class PromptMark:
    """A prompt on record. ``time`` as in UsageMessage."""

    time: str
    session: str = ""
    phase: str = ""
    commit: str = ""
    sha256: str = ""


class PromptMarks:
    """The prompts on record, by session."""

    def __init__(self, marks: Iterable[PromptMark] = ()) -> None:
        self._sessions: dict[str, list[PromptMark]] = {}
        for mark in sorted(marks):
            self._sessions.setdefault(mark.session, []).append(mark)

    def of(self, message: UsageMessage) -> PromptMark | None:
        """The prompt that a message answers; None where that is not on record."""
        marks = self._sessions.get(message.session, [])
        at = bisect_right(marks, message.time, key=lambda mark: mark.time) if message.time else 0
        return marks[at - 1] if at else None

    def phase(self, message: UsageMessage) -> str:
        """Its phase; empty where it is unknown."""
        mark = self.of(message)
        return mark.phase if mark is not None else ""


def read_marks(folder: Path) -> PromptMarks:
    """The prompts in the status log at ``folder``. Raises StatusError where it cannot be read."""
    from pytest_nextrust.status.archive import read_log

    found = []
    for record in read_log(folder).records:
        if record.type == TYPE:
            details = {key: str(record.details.get(key) or "") for key in ("session", "phase", "commit", "sha256")}
            found.append(PromptMark(record.time, **details))
    return PromptMarks(found)
