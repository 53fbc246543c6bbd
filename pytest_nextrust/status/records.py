"""The types of the journal's entries: a run starts, its items report, it ends; a phase is checked, and done.

Each kind is a frozen dataclass with the ``TYPE`` it is recorded under; ``details`` makes the entry's details and
``read`` gives the dataclass back, or None for an entry that is not one (another type, or written by something else).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self, get_args

from pytest_nextrust.base.convert import from_plain, option, to_plain
from pytest_nextrust.errors import ConfigError
from pytest_nextrust.status.journal import Journal, Record

__all__ = [
    "BAD",
    "ENTRIES",
    "SATISFYING",
    "VERDICTS",
    "Entry",
    "Item",
    "ItemKey",
    "PhaseCheck",
    "PhaseDone",
    "PhaseReopened",
    "RunEnd",
    "RunItems",
    "RunStart",
    "Shard",
    "Verdict",
    "check_details",
    "counts",
    "moment",
    "month",
]

Verdict = Literal[
    "passed", "failed", "crashed", "infra-error", "budget", "skipped", "expected-failure", "unexpected-pass"
]

VERDICTS: tuple[str, ...] = get_args(Verdict)

SATISFYING = frozenset({"passed", "expected-failure"})
"""Verdicts that satisfy a dependency."""

BAD = frozenset({"failed", "crashed", "infra-error", "budget", "unexpected-pass"})
"""Verdicts that fail a run. ``skipped`` is neither: nothing was verified."""


_LONGEST = 1e12
"""Seconds: what is beyond (JSON can say 1e400, which Python reads as infinity) is no time anything took."""


def _seconds() -> Any:
    return option(default=0.0, minimum=-_LONGEST, maximum=_LONGEST, remedy="the seconds it took")


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """What an item verifies: a scenario (or a marked test) of a phase in a cell, by ids."""

    phase: str
    scenario: str
    cell: str

    def __str__(self) -> str:
        return f"{self.phase} {self.scenario}[{self.cell}]"


@dataclass(frozen=True, slots=True)
class Entry:
    """What all kinds have: the run they belong to."""

    TYPE: ClassVar[str]

    run: str

    def details(self) -> dict[str, Any]:
        """The entry as plain types."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def append_to(self, journal: Journal) -> Record:
        """Record the entry, durably. Raises StatusError."""
        return journal.append(self.TYPE, self.details(), run=self.run)

    @classmethod
    def read(cls, record: Record) -> Self | None:
        """The entry in a record; unknown keys are ignored (a newer writer may have more to say)."""
        if record.type != cls.TYPE:
            return None
        try:
            return from_plain(cls, record.details)
        except ConfigError:
            return None


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of a whole a run is: the ``index``-th, from 1, of ``of``.

    ``whole`` is a hash of everything the whole has, ``cut`` one of what is in which shard.
    """

    index: int
    of: int
    whole: str
    cut: str


@dataclass(frozen=True, slots=True)
class RunStart(Entry):
    """A run began. ``items``: everything it is going to report on; ``phase``: what was asked for.

    ``commit`` is empty where there is none (no git, or no commit yet); ``forced`` says that refusals were overridden;
    ``shard`` which part of a whole it is, where the whole was cut.
    """

    TYPE: ClassVar[str] = "run-start"

    phase: str
    commit: str = ""
    attempt: int = 1
    host: str = ""
    job: str = ""
    items: tuple[ItemKey, ...] = ()
    argv: tuple[str, ...] = ()
    forced: bool = False
    shard: Shard | None = None

    def details(self) -> dict[str, Any]:
        """The entry as plain types; a run that is a whole says nothing of shards."""
        plain = super(RunStart, self).details()  # the class with slots is another than the one being defined
        if self.shard is None:
            del plain["shard"]
        return plain


@dataclass(frozen=True, slots=True)
class RunItems(Entry):
    """More of what a run is going to report on: what did not fit into its start, which an entry's size bounds."""

    TYPE: ClassVar[str] = "run-items"

    items: tuple[ItemKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Item(Entry):
    """One item reported. ``seconds`` is wall time; ``program_sha256`` is empty where no program was run."""

    TYPE: ClassVar[str] = "item"

    phase: str
    scenario: str
    cell: str
    verdict: Verdict
    stand_in: bool = False
    seconds: float = _seconds()
    message: str = ""
    program_sha256: str = ""
    toolchain: str = ""
    version: str = ""
    provenance: str = ""
    known_issue: str = ""
    reproduction: str = ""
    nodeid: str = ""
    worker: str = ""

    @property
    def key(self) -> ItemKey:
        return ItemKey(self.phase, self.scenario, self.cell)


@dataclass(frozen=True, slots=True)
class RunEnd(Entry):
    """A run ended in order: its exit status and how many items have which verdict."""

    TYPE: ClassVar[str] = "run-end"

    exit: int
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = _seconds()


@dataclass(frozen=True, slots=True)
class PhaseCheck(Entry):
    """One success criterion of a phase was checked. ``criterion`` is its text, ``message`` what was found."""

    TYPE: ClassVar[str] = "phase-check"

    phase: str
    criterion: str
    holds: bool
    commit: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class PhaseDone(Entry):
    """A phase's marker was written. ``criteria``: the texts of those that were checked and held."""

    TYPE: ClassVar[str] = "phase-done"

    phase: str
    commit: str = ""
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseReopened(Entry):
    """A phase's marker was taken away: it is no longer complete (``why``), or somebody (``user``) asked for that."""

    TYPE: ClassVar[str] = "phase-reopened"

    phase: str
    commit: str = ""
    why: str = ""
    user: str = ""


def counts(items: Iterable[Item]) -> dict[str, int]:
    """How many items have which verdict; only verdicts that occur, in the order of ``VERDICTS``."""
    found: Counter[str] = Counter(item.verdict for item in items)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


ENTRIES: Mapping[str, type[Entry]] = {
    kind.TYPE: kind for kind in (RunStart, RunItems, Item, RunEnd, PhaseCheck, PhaseDone, PhaseReopened)
}


def check_details(type: str, details: Mapping[str, Any]) -> None:
    """Raise ConfigError, with every fault, where ``details`` are not what readers expect of an entry of this type.

    A type that is nobody's in particular may say what it likes.
    """
    kind = ENTRIES.get(type)
    if kind is not None:
        from_plain(kind, details, subject=f"{type} entry")


@lru_cache(maxsize=64)
def moment(time: str) -> float | None:
    """A record's time in seconds since 1970; None for what is no time. Without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(time)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def month(time: str) -> str | None:
    """The month in UTC that a record's time is in, as YYYY-MM; None for no time or no year that there is."""
    seconds = moment(time)
    try:
        return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m}".rjust(7, "0")
    except (ValueError, OverflowError, OSError):  # a zone may lead out of the years that there are
        return None
