"""Checks drawn from the status log: one for each cell and one for each phase at a commit.

The summary has the counts, and for each failure the line that reproduces it; the text has each failure's message; the
annotations show it at a line of the project. What does not fit is left out from the end, and counted.

Boundary: pure values from the log's state; ``sending`` sends them. Sources: GitHub's OpenAPI description (lengths,
``annotation_level``); docs.github.com/rest/checks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.github.conclusions import PENDING, STATES, conclusion
from pytest_nextrust.github.markdown import block, cell, code, fit, link, plain_field, shortened, visible
from pytest_nextrust.github.places import place_of
from pytest_nextrust.status.records import BAD, Item, ItemKey
from pytest_nextrust.status.runs import RunStore

__all__ = ["Annotation", "Check", "CheckSource", "draw_checks"]

NAMES = {"cell": "nextrust cell ", "phase": "nextrust phase "}
_MESSAGE, _TITLE = 60_000, 255
_LISTED = 4000


@dataclass(frozen=True)
class Annotation:
    """A remark at a line. ``level``: notice, warning, failure; ``reproduction`` is to be copied, and stays as it is."""

    path: str
    line: int
    level: str
    title: str
    message: str
    reproduction: str = ""

    def plain(self) -> dict[str, Any]:
        """As the API takes it: what is no Markdown, and not too long."""
        message = plain_field(self.message, _MESSAGE - _LISTED) or "(no message)"
        if self.reproduction:
            message += f"\n\nto reproduce:\n{visible(shortened(self.reproduction, _LISTED // 4))}"
        return {
            "path": self.path,
            "start_line": self.line,
            "end_line": self.line,
            "annotation_level": self.level,
            "title": plain_field(" ".join(self.title.split()), _TITLE),
            "message": message,
        }


@dataclass(frozen=True)
class Check:
    """One check run as it is to be."""

    name: str
    conclusion: str
    title: str
    summary: str
    text: str
    annotations: tuple[Annotation, ...] = ()
    details_url: str = ""

    def external_id(self, head: str) -> str:
        """The same for the same check at the same commit, and for no other: by it one that was sent is found again."""
        what = [head, self.name, self.conclusion, self.title, self.summary, self.text]
        what += [json.dumps(each.plain()) for each in self.annotations]
        return f"nextrust:{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:40]}"


@dataclass(frozen=True)
class CheckSource:
    """What checks are drawn from. ``job`` is the status of the job that ran; ``details_url`` its page; ``links`` are
    artifacts and pages by name."""

    store: RunStore
    commit: str
    root: Path
    job: str = "success"
    details_url: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    phase_names: Mapping[str, str] = field(default_factory=dict)


def draw_checks(
    source: CheckSource, *, cells: Sequence[str] = (), phases: Sequence[str] = (), kinds: Iterable[str] = NAMES
) -> tuple[Check, ...]:
    """The checks of these ``kinds`` (cell, phase). ``cells`` and ``phases`` narrow it to these, and one of them of
    which nothing is recorded has a check that says so."""
    verdicts = source.store.verdicts(commit=source.commit)
    keys = sorted(source.store.announced(commit=source.commit))
    keys = [key for key in keys if (not cells or key.cell in cells) and (not phases or key.phase in phases)]
    found = []
    for kind in kinds:
        groups: dict[str, list[ItemKey]] = {name: [] for name in (cells if kind == "cell" else phases)}
        for key in keys:
            groups.setdefault(getattr(key, kind), []).append(key)
        found += [_check(source, kind, name, groups[name], verdicts) for name in groups]
    return tuple(found)


def _check(
    source: CheckSource, kind: str, name: str, keys: Sequence[ItemKey], verdicts: Mapping[ItemKey, Item]
) -> Check:
    items = [verdicts.get(key) for key in keys]
    states = [item.verdict if item is not None else PENDING for item in items]
    bad = [item for item in items if item is not None and item.verdict in BAD]
    lost = [key for key, item in zip(keys, items, strict=True) if item is None]
    expected = [item for item in items if item is not None and item.known_issue and item.verdict not in BAD]
    shown = [item for item in items if item is not None]
    more = "{number} more paragraphs are left out here: see the status log."
    return Check(
        name=plain_field(NAMES[kind] + " ".join(name.split()), 120),
        conclusion=conclusion(states, source.job),
        title=plain_field(_title(states, source.job), _TITLE),
        summary=fit([*_head(source, kind, name, states), *_links(source), *_failures(bad, lost)], more),
        text=fit([*_details(bad), *_expected(expected), *_programs(shown)], more),
        annotations=tuple(_annotations(source, bad, lost, expected)),
        details_url=source.details_url,
    )


def _title(states: Sequence[str], job: str) -> str:
    number = Counter(states)
    counts = ", ".join(f"{number[state]} {state}" for state in STATES if number[state]) or "nothing recorded"
    return counts if job in ("success", "failure") and states else f"{counts}; job {job}"


def _head(source: CheckSource, kind: str, name: str, states: Sequence[str]) -> Iterator[str]:
    number = Counter(states)
    where = f"{kind.capitalize()} {code(name)} at commit {code(source.commit[:12] or 'none')}"
    yield f"{where}: {counted(len(states), 'item')}."
    if kind == "phase" and (title := source.phase_names.get(name)):
        yield f"{code(title)}"
    if not states:
        yield f"Nothing is recorded of it, and its job ended with status {code(source.job)}: see the job's log."
        return
    rows = [f"| {state} | {number[state]} |" for state in STATES if number[state]]
    yield "\n".join(["| verdict | items |", "|---|---|", *rows])


def _failures(bad: Sequence[Item], lost: Sequence[ItemKey]) -> Iterator[str]:
    """A line for each, with the line that reproduces it."""
    if bad or lost:
        yield "### To reproduce"
    for item in bad:
        yield f"- **{item.verdict}** {code(str(item.key), 300)}\n\n  {code(item.reproduction or 'no line is recorded')}"
    for key in lost:
        yield f"- **{PENDING}** {code(str(key), 300)}: announced, and nothing was reported"


def _links(source: CheckSource) -> Iterator[str]:
    if source.links:
        yield "### Artifacts"
        yield "\n".join(f"- {link(name, url)}" for name, url in source.links.items())


def _details(bad: Sequence[Item]) -> Iterator[str]:
    for item in bad:
        yield f"### {item.verdict}: {code(str(item.key), 300)}"
        yield block(item.message or "no message")


def _expected(items: Sequence[Item]) -> Iterator[str]:
    if items:
        yield "### Expected by known issues"
        yield "\n".join(f"- {code(item.known_issue)}: {code(str(item.key), 300)}" for item in items)


def _programs(items: Sequence[Item]) -> Iterator[str]:
    """The hash of every program that was run, a few rows at a time, so that many of them are cut and not left out."""
    rows = [
        f"| {cell(str(item.key))} | {cell(item.program_sha256)} | {cell(f'{item.toolchain} {item.version}'.strip())} |"
        for item in items
        if item.program_sha256
    ]
    for first in range(0, len(rows), 100):
        heading = "### Programs\n\n" if not first else ""
        yield "\n".join([f"{heading}| item | SHA-256 | toolchain |", "|---|---|---|", *rows[first : first + 100]])


def _annotations(
    source: CheckSource, bad: Iterable[Item], lost: Iterable[ItemKey], expected: Iterable[Item]
) -> Iterator[Annotation]:
    for item in bad:
        place = place_of(item, source.root)
        level = "warning" if item.verdict in ("budget", "infra-error") else "failure"
        title = f"{item.verdict}: {item.key}"
        yield Annotation(place.path, place.line, level, title, item.message[:_LISTED], item.reproduction)
    for key in lost:
        place = place_of(Item("", key.phase, key.scenario, key.cell, "crashed"), source.root)
        yield Annotation(place.path, place.line, "failure", f"{PENDING}: {key}", "announced, and nothing was reported")
    for item in expected:
        place = place_of(item, source.root)
        title = f"{item.verdict}: {item.key}"
        yield Annotation(place.path, place.line, "notice", title, f"known issue {item.known_issue}")
