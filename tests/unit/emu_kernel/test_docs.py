"""docs/kernel.md lists exactly the calls there are, with the limits the tables state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from pytest_nextrust.emu.kernel.call_names import MACH_TRAPS, unix_name
from pytest_nextrust.emu.kernel.dispatch import UNIX_TABLE
from pytest_nextrust.emu.kernel.mach.message_server import ROUTINES
from pytest_nextrust.emu.kernel.mach.traps import MACH_TABLE

PAGE = Path(__file__).parents[3] / "docs" / "kernel.md"
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| (.*?) ?\|$", re.MULTILINE)


class Listed(Protocol):
    """What a table's entries have in common."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def note(self) -> str: ...


@pytest.mark.parametrize(
    ("heading", "table"),
    [("## UNIX calls", UNIX_TABLE), ("## Mach traps", MACH_TABLE), ("## Messages to the kernel", ROUTINES)],
)
def test_the_page_lists_every_call(heading: str, table: Mapping[int, Listed]) -> None:
    """Number, name and limits of each call, in order, none missing and none too many."""
    section = PAGE.read_text().split(heading + "\n", 1)[1].split("\n## ", 1)[0]
    rows = [(int(number), name, note) for number, name, note in ROW.findall(section)]
    assert rows == [(number, table[number].name, table[number].note) for number in sorted(table)]


def test_every_call_is_under_its_own_number() -> None:
    """The name a call is served under is the name its number has in the kernel's own table."""
    assert all(unix_name(number) == call.name and call.number == number for number, call in UNIX_TABLE.items())
    assert all(MACH_TRAPS[number] == call.name and call.number == number for number, call in MACH_TABLE.items())
