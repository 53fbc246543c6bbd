"""Which records of the room can be changed."""

from __future__ import annotations

from pytest_nextrust import explore
from tests.unit.values import changeable


def test_what_can_be_changed() -> None:
    """Requests, answers and steps are values; what a search is at work on changes."""
    assert changeable(explore) == {"Graph", "Local", "Node", "Sample", "_Run", "_Thread"}
