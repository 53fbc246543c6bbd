"""The section at the end of a run: a table scenario x cell, counts per verdict, a line per failure to repeat it.

``write_items`` writes to whatever has ``section``, ``write_line`` and a width; the rest is text from recorded items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_nextrust.status.records import BAD, Item, counts

__all__ = ["expected", "failures", "summary", "table", "write_items"]

GAP = "  "
NOTHING = "."


def write_items(
    reporter: Any, items: list[Item], *, order: list[str], notes: list[str], faults: list[str], title: str
) -> None:
    """The table, expected failures by their cause, remarks, counts; for every failure the line that does it again."""
    reporter.section(title, sep="=")
    width = reporter._tw.fullwidth if hasattr(reporter, "_tw") else 80
    for line in table(items, width=width, order=order):
        reporter.write_line(line)
    for line in (*expected(items), *notes):
        reporter.write_line(line)
    bad = any(item.verdict in BAD for item in items) or bool(faults)
    reporter.write_line(summary(items), red=bad, green=not bad)
    for what, line in failures(items):
        reporter.write_line("")
        reporter.write_line(what, red=True)
        reporter.write_line(f"  {line}")
    for fault in faults:
        reporter.write_line(f"the run itself: {fault}", red=True)


def _starred(item: Item) -> str:
    """A verdict as the table has it: ``passed*`` for a stand-in."""
    return f"{item.verdict}*" if item.stand_in and item.verdict == "passed" else item.verdict


def table(items: Iterable[Item], *, width: int, order: Sequence[str]) -> Iterator[str]:
    """Lines of the table; cells in the order given, in as many blocks as the width asks for."""
    verdicts = {(item.phase, item.scenario, item.cell): _starred(item) for item in items}
    rows = list(dict.fromkeys((phase, scenario) for phase, scenario, _ in verdicts))
    there = {cell for _, _, cell in verdicts}
    cells = [cell for cell in order if cell in there] + sorted(there.difference(order))
    name_width = max([len(scenario) for _, scenario in rows] + [len("scenario")])
    for block in _blocks(cells, verdicts, max(width - name_width, 20)):
        yield from _block(block, rows, verdicts, name_width)


def _column(cell: str, verdicts: dict[tuple[str, str, str], str]) -> int:
    words = [word for (_, _, where), word in verdicts.items() if where == cell]
    return max(len(word) for word in [*words, *_headings(cell)])


def _headings(cell: str) -> list[str]:
    """A cell's id in three lines: os, profile, cpu (an id of another shape stays whole)."""
    parts = cell.rsplit("-", 2)
    return parts if len(parts) == 3 else [cell, "", ""]


def _blocks(cells: Sequence[str], verdicts: dict[tuple[str, str, str], str], room: int) -> Iterator[list[str]]:
    block: list[str] = []
    used = 0
    for cell in cells:
        needed = len(GAP) + _column(cell, verdicts)
        if block and used + needed > room:
            yield block
            block, used = [], 0
        block.append(cell)
        used += needed
    if block:
        yield block


def _block(
    cells: Sequence[str],
    rows: Sequence[tuple[str, str]],
    verdicts: dict[tuple[str, str, str], str],
    name_width: int,
) -> Iterator[str]:
    widths = [_column(cell, verdicts) for cell in cells]

    def line(first: str, words: Iterable[str]) -> str:
        padded = (word.ljust(size) for word, size in zip(words, widths, strict=True))
        return GAP.join([first.ljust(name_width), *padded]).rstrip()

    for index, label in enumerate(("", "", "scenario")):
        yield line(label, (_headings(cell)[index] for cell in cells))
    phase = None
    for row in rows:
        words = [verdicts.get((*row, cell), NOTHING) for cell in cells]
        if all(word == NOTHING for word in words):
            continue
        if row[0] != phase:
            phase = row[0]
            yield f"{phase or '(no phase)'}:"
        yield line(row[1], words)
    yield ""


def summary(items: Sequence[Item]) -> str:
    """The counts in one line."""
    standins = sum(item.stand_in and item.verdict == "passed" for item in items)
    parts = []
    for verdict, number in counts(items).items():
        note = f" (* {standins} of them for another host)" if verdict == "passed" and standins else ""
        parts.append(f"{number} {verdict}{note}")
    return ", ".join(parts) or "nothing ran"


def failures(items: Iterable[Item]) -> Iterator[tuple[str, str]]:
    """For every item that fails the run: what happened in one line, and the line that does it again."""
    for item in items:
        if item.verdict in BAD:
            first = item.message.split("\n", 1)[0]
            where = f"{item.scenario}[{item.cell}]" if item.cell else item.scenario
            yield f"{item.verdict} {where}: {first}".rstrip(": "), item.reproduction


def expected(items: Iterable[Item]) -> Iterator[str]:
    """A line per known issue that items failed by, as expected: its id, the scenarios, and how many items."""
    scenarios: dict[str, Counter[str]] = {}
    for item in items:
        if item.verdict == "expected-failure":
            scenarios.setdefault(item.known_issue or item.message, Counter())[item.scenario] += 1
    for issue in sorted(scenarios):
        names = ", ".join(sorted(scenarios[issue]))
        yield f"expected by {issue}: {names} ({scenarios[issue].total()} in all)"
