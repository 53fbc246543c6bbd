"""What a step tells its own workflow without asking the API: annotations on its output, and the job summary.

It is what is left where the token may only read, as in a pull request from a fork.

Sources: docs.github.com/actions, "Workflow commands" (``::error file=...``; GITHUB_STEP_SUMMARY, at most 1 MiB a step),
actions/toolkit ``command.ts`` for what is escaped; docs.github.com/actions, limits: of a step's annotations 10 errors,
10 warnings and 10 notices are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.github.checks import Annotation, Check
from pytest_nextrust.github.markdown import code, fit

__all__ = ["annotation_lines", "append_summary", "command", "draw_summary"]

SHOWN = 10
"""Annotations of one level that GitHub shows of a step."""

LARGEST = 1_000_000
"""Bytes of a step's summary; GitHub shows none of one of more than 1 MiB."""

_LEVELS = {"failure": "error", "warning": "warning", "notice": "notice"}
_LONGEST = 4000


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command on one line, whatever its message holds."""
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


def annotation_lines(annotations: Iterable[Annotation]) -> list[str]:
    """As many as GitHub shows, and one more that says how many are left out, in its level's place."""
    found: dict[str, list[Annotation]] = {name: [] for name in _LEVELS}
    for annotation in annotations:
        found[annotation.level].append(annotation)
    lines = []
    for level, group in found.items():
        kept = group if len(group) <= SHOWN else group[: SHOWN - 1]
        for each in kept:
            plain = each.plain()
            place = {"file": each.path, "line": each.line, "title": plain["title"]}
            lines.append(command(_LEVELS[level], plain["message"][:_LONGEST], **place))
        if len(kept) < len(group):
            rest = counted(len(group) - len(kept), "annotation")
            lines.append(command(_LEVELS[level], f"{rest} more: see the job summary", title="nextrust checks"))
    return lines


def draw_summary(checks: Iterable[Check], notes: Iterable[str] = ()) -> str:
    """The job summary: what each check says, from the worst; ``notes`` are our own words, and stand first."""
    parts = ["## nextrust", *notes]
    number = Counter(check.conclusion for check in checks)
    parts.append(", ".join(f"{number[each]} {each}" for each in number) or "No check: nothing is recorded.")
    for check in checks:
        parts += [f"## {check.conclusion}: {code(check.name)}", check.summary, check.text]
    return fit(
        [part for part in parts if part], "{number} parts more left out here: they are in the status log.", LARGEST
    )


def append_summary(file: Path, text: str) -> None:
    """Add ``text`` to the job summary. Raises UsageFault where that cannot be written."""
    try:
        with file.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(f"{text}\n")
    except OSError as error:
        raise UsageFault(
            "--summary", f"cannot write: {error.strerror}", place=str(file), remedy="name a file that can be written"
        ) from error


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
