"""Logs with something to tell, settings of chats, and a clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import read_document
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.chatops.settings import ChatopsSettings
from pytest_nextrust.status.journal import Journal, Record
from pytest_nextrust.status.records import Entry, Item, RunStart

NOW = 1_800_000_000.0
COMMIT = "c0ffee" + "0" * 34
CELL = "ubuntu-latest-release-m68040"


def settings(**table: Any) -> ChatopsSettings:
    """``[chatops]`` as read from a file."""
    return read_document(ChatopsSettings, table, subject="project settings")


def webhook(kind: str = "slack", **table: Any) -> dict[str, Any]:
    """A table ``[[chatops.webhook]]``."""
    secret = {"secret_env": "HOOK_SECRET"} if kind == "generic" else {}
    return {"name": kind, "kind": kind, "url_env": "HOOK_URL", **secret, **table}


class LogFile:
    """The log in a folder, written at ``now``."""

    def __init__(self, folder: Path, now: float = NOW) -> None:
        self.folder = folder
        self.now = now
        self._journal = Journal(folder, clock=lambda: datetime.fromtimestamp(self.now, UTC), redactor=Redactor({}))

    def add(self, *entries: Entry) -> list[Record]:
        """Record entries of runs."""
        return [self._journal.append(entry.TYPE, entry.details(), run=entry.run) for entry in entries]

    def note(self, type: str, **details: Any) -> Record:
        """Record an entry of any type."""
        return self._journal.append(type, details)

    def run(self, run: str, *verdicts: Any, commit: str = COMMIT, message: str = "expected 4, found 3") -> None:
        """A run of the scenarios ``s0``, ``s1`` ... that came to these verdicts."""
        self.add(RunStart(run, phase="first", commit=commit))
        for number, verdict in enumerate(verdicts):
            self.add(item(run, f"s{number}", verdict, message))

    def failures(self, *occasions: str, commit: str = COMMIT) -> list[Record]:
        """Failures of a commit that count."""
        what = {"message": f"{commit[:12]} failed: s0", "commit": commit, "what": "s0"}
        return [self.note("commit-failure", occasion=occasion, **what) for occasion in occasions]


def item(run: str, scenario: str, verdict: Any, message: str = "") -> Item:
    return Item(
        run,
        phase="first",
        scenario=scenario,
        cell=CELL,
        verdict=verdict,
        message=message,
        reproduction=f"pytest --nextrust-scenario {scenario}",
    )
