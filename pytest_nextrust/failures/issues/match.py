"""Which known issues a failure is, how sure that is, and why: in words, and in an order that does not depend on chance.

An issue is out where the phase or the cell is known and not among its own, where its error pattern is not found, or
where a condition does not hold. Otherwise its score is its confidence, times UNKNOWN for each of phase and CPU that the
issue names and that is unknown of the failure, times NO_CONTEXT where it has context patterns and none is found. Of
issues with the same score the one with more conditions comes first, then the one that matched more text, then by id.

Boundary: judges; ``failure`` decides what is done about a match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pytest_nextrust.failures.issues.patterns import LIMIT, PatternSearch, SearchResult, search, shorten
from pytest_nextrust.failures.issues.table import IssuePattern

__all__ = ["NO_CONTEXT", "SURE", "UNKNOWN", "FailureFacts", "Match", "Matched", "Miss", "match", "name_issues"]

UNKNOWN = 0.9
NO_CONTEXT = 0.6
SURE = 0.7
"""Score from which a fix is offered; below it the issue is named as a possible one."""

_NAMED = 2
"""Issues that a scenario's report names."""


@dataclass(frozen=True)
class FailureFacts:
    """What is known of a failure. Empty is unknown. ``known_phases`` are the ids that the project has."""

    text: str
    command: str = ""
    phase: str = ""
    known_phases: tuple[str, ...] = ()
    os: str = ""
    profile: str = ""
    cpu: str = ""
    toolchain: str = ""
    scenario: str = ""
    files: tuple[str, ...] = ()

    def context(self) -> str:
        """What context patterns are searched for in: a line for each fact, and the output."""
        lines = [f"command: {self.command}"] if self.command else []
        for name in ("phase", "os", "profile", "cpu", "toolchain", "scenario"):
            if getattr(self, name):
                lines.append(f"{name}: {getattr(self, name)}")
        lines += [f"file: {file}" for file in self.files[:200]]
        return "\n".join([*lines, shorten(self.text)])


@dataclass(frozen=True)
class Match:
    """An issue that the failure may be. ``score`` 0 to 1; ``matched`` is the text that its pattern found."""

    issue: IssuePattern
    score: float
    reasons: tuple[str, ...]
    matched: str = ""
    conditions: int = 0

    @property
    def sure(self) -> bool:
        return self.score >= SURE

    def explain(self) -> str:
        """The score in one line."""
        return f"{self.issue.id}: {self.score:.2f}: " + "; ".join(self.reasons)


@dataclass(frozen=True)
class Miss:
    """An issue that the failure is not, and why. ``fault``: a pattern could not be searched for."""

    issue: IssuePattern
    why: str
    fault: bool = False


@dataclass(frozen=True)
class Matched:
    """All that matches, the likeliest first, and all that does not, in the order of the table."""

    matches: tuple[Match, ...] = ()
    misses: tuple[Miss, ...] = ()

    @property
    def best(self) -> Match | None:
        return self.matches[0] if self.matches else None

    @property
    def faults(self) -> tuple[Miss, ...]:
        return tuple(miss for miss in self.misses if miss.fault)


@dataclass
class _Open:
    """An issue that is still in, and what speaks for it."""

    issue: IssuePattern
    score: float
    reasons: list[str] = field(default_factory=list)
    conditions: int = 0
    matched: str = ""


def match(issues: Iterable[IssuePattern], facts: FailureFacts, *, limit: float = LIMIT) -> Matched:
    """Compare a failure with ``issues``; ``limit`` is CPU time in seconds for each pattern. Never raises."""
    misses: dict[str, Miss] = {}
    order = list(issues)
    open_ = [one for issue in order if (one := _placed(issue, facts, misses)) is not None]
    text = shorten(facts.text)
    for one, found in zip(
        open_, search([PatternSearch(o.issue.error_pattern, text) for o in open_], limit=limit), strict=True
    ):
        if found.span is None:
            why = found.fault or "its error pattern is not found"
            fault = bool(found.fault)
            misses[one.issue.id] = Miss(one.issue, f"error_pattern: {why}" if fault else why, fault)
        else:
            one.matched = text[slice(*found.span)][:200]
    open_ = [one for one in open_ if one.issue.id not in misses]
    _judge_context(open_, facts.context(), limit, misses)
    matches = [
        Match(one.issue, round(one.score, 4), tuple(one.reasons), one.matched, one.conditions)
        for one in open_
        if one.issue.id not in misses
    ]
    matches.sort(key=lambda m: (-m.score, -m.conditions, -len(m.matched), m.issue.id))
    return Matched(tuple(matches), tuple(misses[issue.id] for issue in order if issue.id in misses))


def _placed(issue: IssuePattern, facts: FailureFacts, misses: dict[str, Miss]) -> _Open | None:
    """Phase and cell: what is known and does not fit ends it, what is not known lessens the score."""
    one = _Open(issue, issue.sure, [f"confidence {issue.sure:.2f}"])
    phases = issue.phases
    if facts.known_phases and phases and not set(phases) & set(facts.known_phases):
        one.reasons.append(f"its phase {', '.join(phases)} is none of this project's: x{UNKNOWN}")
        one.score *= UNKNOWN
        phases = ()
    places = (
        ("phase", facts.phase, phases, True),
        ("cpu", facts.cpu, issue.cpu_variants, True),
        ("os", facts.os, issue.os, False),
        ("profile", facts.profile, issue.profiles, False),
    )
    for name, value, wanted, counts in places:
        if not wanted:
            continue
        if value in wanted:
            one.reasons.append(f"{name} {value} is one of its own")
            one.conditions += 1
        elif value:
            misses[issue.id] = Miss(issue, f"{name} {value} is none of {', '.join(wanted)}")
            return None
        elif counts:
            one.reasons.append(f"{name} not known: x{UNKNOWN}")
            one.score *= UNKNOWN
    return one


def _judge_context(open_: Sequence[_Open], context: str, limit: float, misses: dict[str, Miss]) -> None:
    jobs = [(one, key, pattern) for one in open_ for key, pattern in one.issue.patterns() if key != "error_pattern"]
    if not jobs:
        return
    found = search([PatternSearch(pattern, context) for _, _, pattern in jobs], limit=limit)
    for one in open_:
        own = [(key, pattern, result) for (o, key, pattern), result in zip(jobs, found, strict=True) if o is one]
        why = next(_against(own), None)
        if why is not None:
            misses[one.issue.id] = Miss(one.issue, *why)
            continue
        conditions = [pattern for key, pattern, _ in own if key.startswith(("requires", "excludes"))]
        one.conditions += len(conditions)
        one.reasons += [f"condition {pattern!r} holds" for pattern in conditions]
        if one.issue.context_patterns:
            _weigh(one, [(pattern, result) for key, pattern, result in own if key.startswith("context")])


def _against(own: Iterable[tuple[str, str, SearchResult]]) -> Iterator[tuple[str, bool]]:
    for key, pattern, result in own:
        if result.fault:
            yield f"{key}: {result.fault}", True
        elif key.startswith("requires") and not result:
            yield f"{pattern!r} is not in the context", False
        elif key.startswith("excludes") and result:
            yield f"{pattern!r} is in the context", False


def _weigh(one: _Open, found: Sequence[tuple[str, SearchResult]]) -> None:
    seen = [pattern for pattern, result in found if result]
    if seen:
        one.conditions += len(seen)
        one.reasons.append("context seen: " + ", ".join(map(repr, seen)))
    else:
        one.score *= NO_CONTEXT
        one.reasons.append(f"none of its {len(found)} contexts seen: x{NO_CONTEXT}")


def name_issues(issues: Iterable[IssuePattern], facts: FailureFacts) -> str:
    """For a failing scenario's report: a line for each of the likeliest issues, with score and reasons; empty where
    none is likely. Never raises."""
    lines = []
    for one in match(issues, facts).matches[:_NAMED]:
        sure = "known issue" if one.sure else "possibly known issue"
        name = one.issue.fault or one.issue.id
        lines.append(f"{sure} {name}: {one.issue.title} (score {one.score:.2f}: {'; '.join(one.reasons)})")
    return "\n".join(lines)
