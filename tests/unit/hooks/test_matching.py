"""Matchers mean what the assistant's own do."""

from __future__ import annotations

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hooks.handler_index import matches


@pytest.mark.parametrize(
    ("matcher", "name", "expected"),
    [
        (None, "Bash", True),
        ("", "Bash", True),
        ("*", "Bash", True),
        ("Bash", "Bash", True),
        ("Bash", "BashOutput", False),
        ("bash", "Bash", False),
        ("Edit|Write", "Write", True),
        ("Edit, Write", "Write", True),
        ("Edit|Write", "NotebookEdit", False),
        ("Edit.*", "NotebookEdit", True),
        ("^Edit", "NotebookEdit", False),
        ("mcp__server", "mcp__server__tool", False),
        ("mcp__server__.*", "mcp__server__tool", True),
    ],
)
def test_matchers(matcher: str | None, name: str, expected: bool) -> None:
    """Names and lists are exact; anything else is an unanchored expression."""
    assert matches(matcher, name) is expected


def test_a_matcher_that_cannot_be_read() -> None:
    """It is a fault, with the expression, and not a matcher that matches nothing."""
    with pytest.raises(UsageFault, match=r"\(Edit"):
        matches("(Edit", "Edit")
