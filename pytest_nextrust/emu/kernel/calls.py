"""What the tables of traps and of messages to the kernel are made of.

Boundary: types shared by who serves them and the tables.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.kernel.mach.message_items import BOOLEAN, INTEGER, PORT, MessageItem
from pytest_nextrust.emu.kernel.mach.ports import PortKind

__all__ = ["TASK", "THREAD", "WORDS", "MessageRoutine", "Result", "Syscall", "signed", "table"]

Result = int | tuple[int, int]
"""d0, or d0 and d1."""


@dataclass(frozen=True, slots=True)
class Syscall:
    """One call: its number, name, how many arguments it takes, and what serves it (the task, then the arguments).

    ``note`` is what the reference says about it.
    """

    number: int
    name: str
    takes: int
    serve: Callable[..., Result]
    note: str


WORDS = {"int": INTEGER, "bool": BOOLEAN, "port": PORT}
"""The type words of the items a request may hold; ``ports`` and ``bytes`` are out of line besides,
``integers`` many and inline."""

TASK = frozenset({PortKind.TASK})
THREAD = frozenset({PortKind.THREAD})


@dataclass(frozen=True, slots=True)
class MessageRoutine:
    """One message the kernel answers: id, name, the items it takes, what serves it (the task, of a thread's its slot,
    then the items).

    ``targets`` are the ports it may be sent to; ``note`` is what the reference says about it.
    """

    number: int
    name: str
    takes: tuple[str, ...]
    serve: Callable[..., tuple[MessageItem, ...]]
    note: str
    targets: frozenset[PortKind] = TASK


def table(*calls: Syscall) -> dict[int, Syscall]:
    """The calls by number. Raises ValueError for a number that occurs twice."""
    found = {call.number: call for call in calls}
    if len(found) != len(calls):
        raise ValueError("two calls have the same number")
    return found


def signed(value: int) -> int:
    """A 32-bit register as a C int."""
    value &= 0xFFFF_FFFF
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value
