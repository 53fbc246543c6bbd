"""Is an error new? By its fingerprint: what is left of it when paths, numbers, addresses and times are taken out.

An error is not new where a known issue matches it, where a request about it waits, or where a decision about it is on
record and it has not come back often since: then the earlier decision is the answer.

Boundary: reads the status log and the queue; decides, and sends nothing. Whether a known issue matches is found by the
matcher of ``failures.issues``, which hands in the ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_nextrust.llm.queue import DECISIONS, REQUESTS

if TYPE_CHECKING:
    from pytest_nextrust.status.journal import Record

__all__ = ["Attempt", "PastDecisions", "fingerprint", "past_decisions"]

_LINES = 12
"""Lines of an error that make its fingerprint: later ones are mostly consequences of the first."""

_LINE = 300
_SCANNED = 5_000
_SIGNS = ("error", "undefined", "fatal", "panicked", "failed", "cannot ", "illegal instruction", "fault", "assert")
_RULES = (
    (re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]"), ""),
    (re.compile(r"0x[0-9a-fA-F]+|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b"), "H"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]?(\d\d:\d\d(:\d\d)?)?(\.\d+)?Z?"), "T"),
    # A folder; the name at its end stays, since it says which file it is.
    (re.compile(r"(?<![\w.-])(?:[\w.+-]*/)+"), ""),
    (re.compile(r"(?<![\w.-])\d+(?:[.:]\d+)*\b"), "N"),
    (re.compile(r"(?<=:)\d+"), "N"),
    (re.compile(r"\s+"), " "),
)
_FIELDS = ("error", "excerpt", "message")


@dataclass(frozen=True)
class Attempt:
    """One time the same error was met: when, of what type the entry was, and what was run."""

    time: str
    type: str
    what: str


@dataclass(frozen=True)
class PastDecisions:
    """What is on record about an error. ``ticket``: the newest decision about it; ``decided``: how many there are;
    ``since``: how often it came back after the newest; ``decision``: that decision's details."""

    attempts: tuple[Attempt, ...] = ()
    ticket: str = ""
    decided: int = 0
    since: int = 0
    decision: Mapping[str, Any] | None = None


def fingerprint(error: str) -> str:
    """16 hexadecimal digits that are the same for the same error elsewhere, at another time, on another line."""
    lines = [line for line in error.splitlines() if line.strip()]
    telling = [line for line in lines if any(sign in line.lower() for sign in _SIGNS)]
    # The status alone says nothing: every failure of make is "Exit code 2".
    chosen = [line for line in telling or lines if not re.fullmatch(r"\s*Exit code \d+\s*", line)] or lines
    # Each once: an excerpt of a long log repeats lines of it, and is about the same error.
    text = "\n".join(islice(dict.fromkeys(_plain(line[:_LINE]) for line in chosen[:_SCANNED]), _LINES))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(line: str) -> str:
    for pattern, name in _RULES:
        line = pattern.sub(name, line)
    return line.strip().lower()


def past_decisions(mark: str, records: Iterable[Record]) -> PastDecisions:
    """What the status log, oldest entry first, has about errors of this fingerprint."""
    attempts: list[Attempt] = []
    decision: Mapping[str, Any] | None = None
    decided = since = 0
    for record in records:
        details = record.details
        if record.type == DECISIONS["design"]:
            if details.get("fingerprint") == mark:
                decision, decided, since = details, decided + 1, 0
        elif record.type not in REQUESTS.values() and _about(mark, details):
            attempts.append(Attempt(record.time, record.type, _what(details)))
            since += 1
    ticket = str(decision.get("ticket", "")) if decision else ""
    return PastDecisions(tuple(attempts), ticket, decided, since, decision)


def _about(mark: str, details: Mapping[str, Any]) -> bool:
    if "fingerprint" in details:
        return bool(details["fingerprint"] == mark)
    return any(isinstance(details.get(name), str) and fingerprint(details[name]) == mark for name in _FIELDS)


def _what(details: Mapping[str, Any]) -> str:
    named: Sequence[Any] = [details.get(name) for name in ("command", "fix", "scenario", "message")]
    return next((text[:200] for text in named if isinstance(text, str) and text), "")
