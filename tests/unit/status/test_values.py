"""Which records of the room can be changed."""

from __future__ import annotations

from pytest_nextrust import status
from tests.unit.values import changeable


def test_what_can_be_changed() -> None:
    """Entries of the log and what is made of them are values; only the index grows."""
    assert changeable(status) == {"Index", "_RunFacts"}
