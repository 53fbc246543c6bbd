"""Where a witness is known to be wrong, or lacks an instruction, or the manual leaves the result open: one table.

A difference that is in it is counted and named, not taken for a fault of the machine. How each was decided is in its
reason; docs/machine.md shows the table.

Boundary: matching by instruction, CPU and registers. Sources: M68000 Family Programmer's Reference Manual; MC68881/882
User's Manual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.isa.decode import Decoded

__all__ = ["KNOWN", "Case", "Known", "find", "open_codes", "refused"]

N, Z, V, C = 8, 4, 2, 1

Kind = Literal["absent", "wrong", "open"]


@dataclass(frozen=True)
class Case:
    """One instruction on one engine, in the state it starts from."""

    engine: str
    cpu: str
    code: bytes
    decoded: Decoded | None
    before: MachineState

    @property
    def opcode(self) -> int:
        """Its first word."""
        return int.from_bytes(self.code[:2], "big")

    @property
    def extension(self) -> int:
        """Its second word."""
        return int.from_bytes(self.code[2:4], "big")

    @cached_property
    def name(self) -> str:
        """What the decoder calls it."""
        return self.decoded.name if self.decoded is not None else ""


@dataclass(frozen=True, slots=True)
class Known:
    """A difference with a name. ``absent``: the engine is not asked; ``wrong``: it is, and its answer is not believed;
    ``open``: the manual does not say what is right."""

    id: str
    engine: Literal["musashi", "qemu", "any"]
    kind: Kind
    what: str
    reason: str
    matches: Callable[[Case], bool]


def _coprocessor(case: Case) -> bool:
    return case.opcode & 0xFE00 == 0xF200


def _decimal(case: Case) -> bool:
    return case.name in ("abcd", "sbcd", "nbcd")


KNOWN: tuple[Known, ...] = (
    Known(
        "decimal-digits",
        "any",
        "open",
        "`abcd`, `sbcd`, `nbcd`",
        "of operands that are no decimal digits the manual defines no result",
        _decimal,
    ),
    Known(
        "musashi-fpu",
        "musashi",
        "absent",
        "the floating-point unit",
        "it ends its process on addressing modes and operations it lacks, and rounds through doubles: it is no witness",
        _coprocessor,
    ),
)
"""In the order in which they are tried."""


def find(case: Case) -> Known | None:
    """The known difference that a difference at this instruction is, if it is one."""
    for known in KNOWN:
        if known.kind != "absent" and known.engine in (case.engine, "any") and known.matches(case):
            return known
    return None


def refused(case: Case) -> Known | None:
    """Why this engine is not to be asked for this instruction, if it is not."""
    for known in KNOWN:
        if known.kind == "absent" and known.engine in (case.engine, "any") and known.matches(case):
            return known
    return None


def open_codes(case: Case, after: MachineState) -> int:
    """The condition codes that the manual leaves undefined after this instruction."""
    if case.name in ("abcd", "sbcd", "nbcd", "cmp2/chk2"):
        return N | V
    if case.name == "chk":
        return N | Z | V | C
    if case.name in ("divu", "divs", "div.l") and after.registers.sr & V:
        return N | Z
    return 0
