"""Which records of the room can be changed."""

from __future__ import annotations

from pytest_nextrust.emu import kernel
from tests.unit.values import changeable


def test_what_can_be_changed() -> None:
    """What the kernel keeps changes; what it hands out does not."""
    assert changeable(kernel) == {"_Inode", "_Timer", "Pipe", "Port", "SignalState", "Thread"}
