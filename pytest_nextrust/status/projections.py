"""The projections: ``pipeline-log.json`` for tools, ``pipeline-log.md`` for people, both drawn from one summary.

Rendering is pure: the same journal, phases and facts give the same bytes. Writing replaces each file atomically, under
a lock of its own, so that of two writers the one that read less cannot come last.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.files import Lock, atomic_replace, make_folder
from pytest_nextrust.phases import Phases
from pytest_nextrust.status.journal import Journal, JournalView
from pytest_nextrust.status.summary import Facts, observe, summarize

__all__ = ["JSON_NAME", "MARKDOWN_NAME", "Projector", "rebuild", "render_json", "render_markdown"]

JSON_NAME = "pipeline-log.json"
MARKDOWN_NAME = "pipeline-log.md"

_LONGEST = 300


def render_json(view: JournalView, phases: Phases, facts: Facts | None = None) -> bytes:
    """``pipeline-log.json``."""
    return _draw_json(summarize(view, phases, facts))


def render_markdown(view: JournalView, phases: Phases, facts: Facts | None = None) -> bytes:
    """``pipeline-log.md``."""
    return _draw_markdown(summarize(view, phases, facts))


def _draw_json(summary: Mapping[str, Any]) -> bytes:
    return json.dumps(summary, indent=2).encode("ascii") + b"\n"


def _draw_markdown(summary: Mapping[str, Any]) -> bytes:
    head = ["# Pipeline status", f"*Last updated: {_time(summary['updated'])}*"]
    parts = ("\n".join(part(summary)) for part in (_current, _checklist, _failures, _incomplete, _activities))
    return "\n\n".join([*head, *filter(None, parts), ""]).removesuffix("\n").encode("utf-8", "replace")


def rebuild(
    folder: Path, phases: Phases, *, root: Path | None = None, lock: Lock | None = None
) -> tuple[JournalView, tuple[Path, Path]]:
    """Draw both projections in ``folder`` anew from its journal; returns what was read and the files written.

    ``root`` is the project (for markers and expected files); the current folder by default. Raises StatusError.
    """
    root = root or Path.cwd()
    written = (folder / JSON_NAME, folder / MARKDOWN_NAME)
    try:
        make_folder(folder)
        with lock or Lock(folder / "projections.lock"):
            view = Journal(folder).read()
            summary = summarize(view, phases, observe(root, phases, folder))
            for path, draw in zip(written, (_draw_json, _draw_markdown), strict=True):
                atomic_replace(path, draw(summary))
    except OSError as error:
        raise StatusError(
            "status log",
            f"a projection cannot be written: {error.strerror or error}",
            place=str(folder),
            remedy="use a folder that this user may read and write (--dir); the journal itself is whole",
        ) from error
    return view, written


class Projector:
    """Keeps the projections fresh during a run: at most once in ``interval`` seconds, and once at its end.

    Drawing reads the whole journal, so a long one is drawn less often: it takes at most a tenth of the run's time.
    """

    def __init__(
        self,
        folder: Path,
        phases: Phases,
        *,
        root: Path | None = None,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._phases = phases
        self._root = root
        self._interval = interval
        self._clock = clock
        self._next = float("-inf")

    def refresh(self) -> bool:
        """Draw them if it is time; True if so. Somebody else who is drawing them counts as done."""
        now = self._clock()
        if now < self._next:
            return False
        try:
            rebuild(self._folder, self._phases, root=self._root, lock=Lock(self._lock_path, timeout=0))
        except LockTimeout:
            return False
        finally:
            self._next = now + max(self._interval, 10 * (self._clock() - now))
        return True

    def finish(self) -> None:
        """Draw them now. Raises StatusError."""
        rebuild(self._folder, self._phases, root=self._root)

    @property
    def _lock_path(self) -> Path:
        return self._folder / "projections.lock"


def _time(stamp: object) -> str:
    """``2026-01-01T02:03:04.000000Z`` as ``2026-01-01 02:03:04 UTC``."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z", stamp if isinstance(stamp, str) else "")
    return f"{match[1]} {match[2]} UTC" if match else "never" if stamp is None else _text(stamp)


def _text(value: object, longest: int = _LONGEST) -> str:
    """Any text as one line of Markdown that shows it literally."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(str(value).split()))
    line = line if len(line) <= longest else line[: longest - 3] + "..."
    return re.sub(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w))", r"\\\1", line)


def _code(value: object) -> str:
    """Any text as one code span; not shortened: a reproduction line that lost its end reproduces nothing."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(str(value).split()))
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if "`" in line else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _verdict(verdict: object, stand_in: object) -> str:
    # An asterisk between a letter and a space opens nothing in Markdown: it can stand as it is.
    return f"{_text(verdict)}*" if stand_in is True else _text(verdict)


def _current(summary: Mapping[str, Any]) -> Iterator[str]:
    phase = summary["current_phase"]
    if phase is None:
        yield "## Current phase: none"
        return
    yield f"## Current phase: {_text(phase['id'])} - {_text(phase['name'])} ({phase['status'].replace('_', ' ')})"
    if phase["expected_files"]:
        yield ""
    for file in phase["expected_files"]:
        yield f"- [{'x' if file['exists'] else ' '}] {_code(file['path'])}"


def _checklist(summary: Mapping[str, Any]) -> Iterator[str]:
    yield "## Phases"
    yield ""
    stand_in = False
    for phase in summary["phases"]:
        mark = "x" if phase["status"] == "done" else " "
        commit = f", commit {_code(phase['commit'][:12])}" if phase["commit"] else ""
        status = phase["status"].replace("_", " ")
        yield f"- [{mark}] {_text(phase['id'])}: {_text(phase['name'])} ({status}{commit})"
        for cell in phase["cells"]:
            stand_in = stand_in or cell["stand_in"]
            counts = ", ".join(f"{n} {verdict}" for verdict, n in cell["verdicts"].items())
            pending = f"{cell['pending']} pending" if cell["pending"] else ""
            passed = "x" if cell["status"] == "passed" else " "
            tally = ", ".join(part for part in (counts, pending) if part)
            yield f"  - [{passed}] {_text(cell['cell'])}: {_verdict(cell['status'], cell['stand_in'])} ({tally})"
    if stand_in:
        yield ""
        yield "`*` stand-in: run on another operating system than the cell's."


def _failures(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["failures"]:
        return
    yield "## Failures"
    yield ""
    for item in summary["failures"]:
        where = f"{_text(item['phase'])} {_text(item['scenario'])} in {_text(item['cell'])}"
        message = f": {_text(item['message'])}" if item["message"] else ""
        yield f"- {where}: {_verdict(item['verdict'], item['stand_in'])}{message}"
        if item["reproduction"]:
            yield f"  - reproduce: {_code(item['reproduction'])}"


def _incomplete(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["incomplete_runs"] and not summary["problems"]:
        return
    yield "## Incomplete"
    yield ""
    for run in summary["incomplete_runs"]:
        yield f"- run {_code(run['run'])} of {_time(run['started'])} has no end; not reported: {run['missing']}"
    for problem in summary["problems"]:
        yield f"- journal line {problem['line']} was skipped or is doubtful: {_text(problem['message'])}"


def _activities(summary: Mapping[str, Any]) -> Iterator[str]:
    yield "## Recent activities"
    yield ""
    if not summary["activities"]:
        yield "Nothing recorded yet."
    for activity in reversed(summary["activities"]):
        yield f"- {_time(activity['timestamp'])} - {_text(activity['type'])}: {_sentence(activity)}"


def _sentence(activity: Mapping[str, Any]) -> str:
    """One activity in words; an entry of another shape than its type promises is shown as it is."""
    details = activity["details"]
    try:
        return _WORDS[activity["type"]](details)
    except (KeyError, TypeError, AttributeError, ValueError):
        return _text(details["message"] if "message" in details else json.dumps(details))


def _start(details: Mapping[str, Any]) -> str:
    commit = f", commit {_code(details['commit'][:12])}" if details["commit"] else ""
    forced = ", forced" if details.get("forced") is True else ""
    host = f", on {_text(details['host'])}" if details["host"] else ""
    return f"{_text(details['phase'])}, items: {details['items']}{commit}{host}{forced}"


def _item(details: Mapping[str, Any]) -> str:
    where = f"{_text(details['phase'])} {_text(details['scenario'])} in {_text(details['cell'])}"
    verdict = _verdict(details["verdict"], details["stand_in"])
    message = f": {_text(details['message'])}" if details["message"] else ""
    return f"{where}: {verdict} ({float(details['seconds']):.2f} s){message}"


def _end(details: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{n} {_text(verdict)}" for verdict, n in details["counts"].items()) or "nothing reported"
    return f"exit status {_text(details['exit'])}: {counts}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "run-start": _start,
    "item": _item,
    "run-end": _end,
    "phase-done": lambda details: _text(details["phase"]),
}
