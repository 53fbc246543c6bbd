"""The section at the end of a pytest run. Writes to whatever has ``section``, ``line`` and a width."""

from __future__ import annotations

from typing import Any

from pytest_nextrust.report.table import expected, failures, summary, table
from pytest_nextrust.status.records import BAD, Item

__all__ = ["write_items"]


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
