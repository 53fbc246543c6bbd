"""Which records of the room can be changed."""

from __future__ import annotations

from pytest_nextrust import macho
from tests.unit.values import changeable


def test_what_can_be_changed() -> None:
    """A file that was read stays as it was; only the writer's plan of a segment is filled in."""
    assert changeable(macho) == {"_Plan"}
