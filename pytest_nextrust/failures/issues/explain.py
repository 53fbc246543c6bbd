"""Names the known issue that a failing scenario's report looks like. The verdict is not this module's, and stays.

Boundary: plain values in, one or two lines out; whoever verifies calls it only for what has failed already.
"""

from __future__ import annotations

from pytest_nextrust.failures.issues.match import FailureFacts, match
from pytest_nextrust.failures.issues.table import IssueTable

__all__ = ["explain"]

_MOST = 2


def explain(facts: FailureFacts, table: IssueTable) -> str:
    """A line for each of the likeliest issues, with the score and why; empty where none is likely. Never raises."""
    matched = match(table.issues, facts)
    lines = []
    for one in matched.matches[:_MOST]:
        name = one.issue.fault or one.issue.id
        sure = "known issue" if one.sure else "possibly known issue"
        lines.append(f"{sure} {name}: {one.issue.title} (score {one.score:.2f}: {'; '.join(one.reasons)})")
    return "\n".join(lines)
