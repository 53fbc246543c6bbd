"""What the tables of message routines are made of.

Boundary: types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_nextrust.emu.kernel.mach.items import BOOLEAN, INTEGER, PORT, Item
from pytest_nextrust.emu.kernel.mach.ports import Kind

__all__ = ["TASK", "TASK_OR_THREAD", "THREAD", "WORDS", "Routine"]

WORDS = {"int": INTEGER, "bool": BOOLEAN, "port": PORT}
"""The type words of the items a request may hold; ``ports`` and ``bytes`` are out of line besides."""

TASK = frozenset({Kind.TASK})
THREAD = frozenset({Kind.THREAD})
TASK_OR_THREAD = TASK | THREAD


@dataclass(frozen=True, slots=True)
class Routine:
    """One message the kernel answers: id, name, the items it takes, what serves it (the task, then the items).

    ``targets`` are the ports it may be sent to; ``note`` is what the reference says about it.
    """

    number: int
    name: str
    takes: tuple[str, ...]
    serve: Callable[..., tuple[Item, ...]]
    note: str
    targets: frozenset[Kind] = TASK
