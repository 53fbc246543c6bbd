"""Names the known issue that a failing scenario's report looks like. The verdict is not this module's, and stays.

Boundary: plain values in, one or two lines out; whoever verifies calls it only for what has failed already.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pytest_nextrust.failures.issues.match import Facts, match
from pytest_nextrust.failures.issues.table import Table, load_table

__all__ = ["explain"]

_MOST = 2


def explain(facts: Facts, root: Path | None = None, status_dir: Path | str = "docs/ci-status") -> str:
    """A line for each of the likeliest issues, with the score and why; empty where none is likely. Never raises.

    ``root`` is the project whose own issues count beside the shipped ones.
    """
    matched = match(_table(root, str(status_dir)).issues, facts)
    lines = []
    for one in matched.matches[:_MOST]:
        name = one.issue.fault or one.issue.id
        sure = "known issue" if one.sure else "possibly known issue"
        lines.append(f"{sure} {name}: {one.issue.title} (score {one.score:.2f}: {'; '.join(one.reasons)})")
    return "\n".join(lines)


@lru_cache(maxsize=4)
def _table(root: Path | None, status_dir: str) -> Table:
    """Read once for a process: hundreds of scenarios may fail in one run. A faulty document of a project's is left out;
    ``nextrust issues check`` tells of it."""
    return load_table(root, status_dir)
