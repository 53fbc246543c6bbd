"""What a table of calls is made of.

Boundary: types shared by the dispatcher and the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Call", "Result", "signed", "table"]

Result = int | tuple[int, int]
"""d0, or d0 and d1."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its number, name, how many arguments it takes, and what serves it (the task, then the arguments).

    ``note`` is what the reference says about it.
    """

    number: int
    name: str
    takes: int
    serve: Callable[..., Result]
    note: str


def table(*calls: Call) -> dict[int, Call]:
    """The calls by number. Raises ValueError for a number that occurs twice."""
    found = {call.number: call for call in calls}
    if len(found) != len(calls):
        raise ValueError("two calls have the same number")
    return found


def signed(value: int) -> int:
    """A 32-bit register as a C int."""
    value &= 0xFFFF_FFFF
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value
