"""What the log says of commits and phases, put back where a runner looks for it: failures that count, and markers.

The database of the guards and the markers stay on one machine; the log travels (``status.branch``). So each failure
that counts is an entry, ``commit-failure``, and ``backoff-cleared`` names the entries that it clears. A failure counts
as long as no entry clears it: whichever way logs are merged, one that happened beside a clearing still counts, and a
clearing that arrives late clears what it saw and nothing else. Of a phase the newest entry counts.

Boundary: pure of git and the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.guards.backoff import Backoff, CommitFailure
from pytest_nextrust.guards.override import CLEARED, record_clear
from pytest_nextrust.project.phases import Phases, clear_done, done_path, mark_done
from pytest_nextrust.status.records import PhaseDone, PhaseReopened, moment

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.status.journal import Record

__all__ = ["FAILURE", "CommitHistory", "Restored", "clear_failures", "read_history", "record_failure", "restore"]

FAILURE = "commit-failure"


@dataclass(frozen=True)
class CommitHistory:
    """``counting``: for each commit its failures that count, by occasion; ``cleared``: occasions that no longer do.

    ``entries`` are the names (``LOG:SEQ``) of a commit's entries that count: what a clearing has to name.
    """

    counting: Mapping[str, Mapping[str, CommitFailure]]
    cleared: Mapping[str, frozenset[str]]
    entries: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Restored:
    """What was changed: failures added and taken away, phases marked as done and reopened."""

    failures: int = 0
    cleared: int = 0
    done: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()


def record_failure(
    folder: Path, commit: str, *, occasion: str, what: str, run: str = "", redactor: Redactor | None = None
) -> Record:
    """Record a failure that counts in the log in ``folder``; durable. Raises StatusError."""
    from pytest_nextrust.status.journal import Journal

    details = {"message": f"{commit[:12]} failed: {what}", "commit": commit, "occasion": occasion, "what": what}
    return Journal(folder, redactor=redactor).append(FAILURE, details, run=run)


def read_history(records: Iterable[Record]) -> CommitHistory:
    """What the log says of commits. Entries that are none of these, or lack what they need, say nothing."""
    failures: dict[str, tuple[Record, str, str]] = {}
    cleared: set[str] = set()
    for record in records:
        if record.type == FAILURE:
            commit, occasion = record.details.get("commit"), record.details.get("occasion")
            if isinstance(commit, str) and commit and isinstance(occasion, str):
                failures[_name(record)] = (record, commit, occasion)
        elif record.type == CLEARED and isinstance(named := record.details.get("entries"), list):
            cleared.update(name for name in named if isinstance(name, str))
    counting: dict[str, dict[str, CommitFailure]] = {}
    gone: dict[str, set[str]] = {}
    entries: dict[str, tuple[str, ...]] = {}
    for name, (record, commit, occasion) in failures.items():
        if name in cleared:
            gone.setdefault(commit, set()).add(occasion)
            continue
        failure = CommitFailure(commit, occasion, moment(record.time) or 0.0, str(record.details.get("what", ""))[:500])
        counting.setdefault(commit, {}).setdefault(occasion, failure)
        entries[commit] = (*entries.get(commit, ()), name)
    still = {commit: frozenset(each - counting.get(commit, {}).keys()) for commit, each in gone.items()}
    return CommitHistory(counting, still, entries)


def restore(root: Path, phases: Phases, records: Iterable[Record]) -> Restored:
    """Put back, at ``root``, what the log says. Doing it again changes nothing. Raises GuardError, OSError."""
    records = tuple(records)
    history = read_history(records)
    added = cleared = 0
    if history.counting or history.cleared:
        failures = [failure for each in history.counting.values() for failure in each.values()]
        gone = [(commit, occasion) for commit, each in history.cleared.items() for occasion in each]
        with Database(state_path(root)) as database:
            added, cleared = Backoff(database).replace(failures, gone)
    done, reopened = _restore_markers(root, phases, records)
    return Restored(added, cleared, done, reopened)


def clear_failures(
    database: Database,
    folder: Path,
    commit: str,
    *,
    environ: Mapping[str, str],
    reason: str = "",
    by: str = "",
    redactor: Redactor | None = None,
) -> int:
    """Forget the failures of ``commit``, here and in the log in ``folder``; how many there were. Where there was none
    nothing is recorded. ``by`` is the user where it is not who runs this. Raises GuardError, StatusError."""
    from pytest_nextrust.status.archive import read_log

    backoff = Backoff(database)
    history = read_history(read_log(folder).records)
    here = {failure.occasion for failure in backoff.standing(commit).failures}
    failures = len(here | history.counting.get(commit, {}).keys())
    if failures:
        # The record first: killed in between, the commit is still refused and the command is given again.
        entries = history.entries.get(commit, ())
        record_clear(
            folder, commit, failures, environ=environ, reason=reason, by=by, entries=entries, redactor=redactor
        )
        backoff.clear(commit)
    return failures


def _restore_markers(root: Path, phases: Phases, records: Iterable[Record]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    newest: dict[str, PhaseDone | PhaseReopened] = {}
    for record in records:
        entry = PhaseDone.read(record) or PhaseReopened.read(record)
        if entry is not None:
            newest[entry.phase] = entry
    done, reopened = [], []
    for phase, entry in newest.items():
        if phase not in phases:
            continue
        there = done_path(root, phase).is_file()
        if isinstance(entry, PhaseDone) and not there:
            # Byte for byte what the run wrote that finished it: by its bytes a review knows this completion again.
            mark_done(root, phase, {"commit": entry.commit, "run": entry.run, "criteria": list(entry.criteria)})
            done.append(phase)
        elif isinstance(entry, PhaseReopened) and there:
            clear_done(root, phase)
            reopened.append(phase)
    return tuple(done), tuple(reopened)


def _name(record: Record) -> str:
    return f"{record.log}:{record.seq}"
