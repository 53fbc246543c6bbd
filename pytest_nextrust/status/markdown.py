"""``pipeline-log.md``: the summary for people, as Markdown that shows any text literally, each entry on its own line.

Boundary: pure text from the plain summary; never raises for what an entry says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_nextrust.base.text import counted

__all__ = ["draw_markdown", "draw_trend"]

_LONGEST = 300


def draw_markdown(summary: Mapping[str, Any]) -> bytes:
    """The whole page."""
    sections = (_current, _checklist, _failures, _expected, _trend_section, _incomplete, _activities)
    head = ["# Pipeline status", f"*Last updated: {_time(summary['updated'])}*"]
    parts = ("\n".join(part(summary)) for part in sections)
    return "\n\n".join([*head, *filter(None, parts), ""]).removesuffix("\n").encode("utf-8", "replace")


def draw_trend(course: Mapping[str, Any]) -> str:
    """The trend alone, as text for a terminal and as a section of the page."""
    return "\n".join(_trend(course)) + "\n"


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
    for phase in summary["phases"]:
        mark = "x" if phase["status"] == "done" else " "
        yield f"- [{mark}] {_text(phase['id'])}: {_text(phase['name'])} ({', '.join(_standing(phase))})"
        for criterion in phase["criteria"] if phase["status"] != "not_started" or phase["ready"] else ():
            yield f"  - {_criterion(criterion, mark)}"
        for cell in phase["cells"]:
            counts = ", ".join(f"{n} {verdict}" for verdict, n in cell["verdicts"].items())
            pending = f"{cell['pending']} pending" if cell["pending"] else ""
            passed = "x" if cell["status"] == "passed" else " "
            tally = ", ".join(part for part in (counts, pending) if part)
            yield f"  - [{passed}] {_text(cell['cell'])}: {_verdict(cell['status'], cell['stand_in'])} ({tally})"
    if any(cell["stand_in"] for phase in summary["phases"] for cell in phase["cells"]):
        yield ""
        yield "`*` stand-in: run on another operating system than the cell's."


def _standing(phase: Mapping[str, Any]) -> Iterator[str]:
    """How a phase stands, in a few words each."""
    yield phase["status"].replace("_", " ")
    if phase["commit"]:
        yield f"commit {_code(phase['commit'][:12])}"
    if phase["progress"]["total"]:
        yield f"{phase['progress']['satisfied']} of {phase['progress']['total']}"
        yield f"{phase['elapsed_seconds']:.1f} s"
    if phase["days"] is not None and phase["expected_duration_days"] is not None:
        late = ", overdue" if phase["overdue"] else ""
        yield f"{phase['days']:.1f} of {counted(phase['expected_duration_days'], 'day')}{late}"
    if phase["ready"] and phase["beside"]:
        yield f"may run beside {', '.join(_text(other) for other in phase['beside'])}"


def _criterion(criterion: Mapping[str, Any], done: str) -> str:
    """A criterion with a check has its own mark; one for a person goes with its phase."""
    if not criterion["check"]:
        return f"[{done}] {_text(criterion['text'])}"
    mark = "x" if criterion["holds"] else " "
    why = f": {_text(criterion['message'])}" if criterion["holds"] is False and criterion["message"] else ""
    return f"[{mark}] {_text(criterion['text'])} ({_code(criterion['check'])}){why}"


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


def _expected(summary: Mapping[str, Any]) -> Iterator[str]:
    """Failures that a known issue explains: one line for each issue, however many items show it."""
    if not summary["known_issues"]:
        return
    yield "## Expected failures"
    yield ""
    for issue in summary["known_issues"]:
        title = f" {_text(issue['title'])}" if issue["title"] else ""
        number = f"{counted(issue['items'], 'item')} in {counted(len(issue['cells']), 'cell')}"
        names = ", ".join(_text(name) for name in issue["scenarios"])
        yield f"- {_code(issue['id'])}{title}: {number} ({names})"


def _trend_section(summary: Mapping[str, Any]) -> Iterator[str]:
    if summary["trend"]["runs"]:
        yield from _trend(summary["trend"])


def _trend(course: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Trend of the last {counted(len(course['runs']), 'run')}"
    yield ""
    yield "| run | started | commit | phase | passed | time | time per phase |"
    yield "|---|---|---|---|---|---|---|"
    for run in course["runs"]:
        yield f"| {' | '.join(_trend_row(run))} |"
    yield ""
    flaky = course["flaky"]
    if not course["repeated"]:
        yield "No item ran twice at one commit: nothing is known of flakiness."
    elif not flaky:
        yield f"No flaky item: {course['repeated']} ran more than once at one commit, each with the same result."
    else:
        yield f"{len(flaky)} flaky of {course['repeated']} that ran more than once at one commit:"
        yield ""
    for item in flaky:
        where = f"{_text(item['phase'])} {_text(item['scenario'])} in {_text(item['cell'])}"
        results = ", ".join(f"{_text(each['verdict'])} in run {_code(each['run'])}" for each in item["results"])
        yield f"- {where} at {_code(item['commit'][:12])}: {results}"
        if item["reproduction"]:
            yield f"  - reproduce: {_code(item['reproduction'])}"


def _trend_row(run: Mapping[str, Any]) -> Iterator[str]:
    yield _code(run["run"])
    yield _time(run["started"])
    yield _code(run["commit"][:12]) if run["commit"] else "none"
    yield _text(run["phase"])
    rate = "nothing" if run["pass_rate"] is None else f"{100 * run['pass_rate']:.1f}%"
    yield f"{rate} ({run['satisfied']} of {run['items']})" + ("" if run["complete"] else ", incomplete")
    yield "-" if run["seconds"] is None else f"{run['seconds']:.1f} s"
    yield ", ".join(f"{_text(phase)} {seconds:.1f} s" for phase, seconds in run["phase_seconds"].items()) or "-"


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
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
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


def _holds(details: Mapping[str, Any]) -> str:
    found = f" ({_text(details['message'])})" if details["message"] else ""
    return ("holds" if details["holds"] is True else "does not hold") + found


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "run-start": _start,
    "run-items": lambda details: f"items: {details['items']} more",
    "item": _item,
    "run-end": _end,
    "phase-check": lambda details: f"{_text(details['phase'])} {_text(details['criterion'])}: {_holds(details)}",
    "phase-done": lambda details: _text(details["phase"]),
}
