"""How macro-steps are to be made: where threads begin, where operations do, and what is assumed.

Boundary: plain values. What they come to is ``macro_steps``'.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.critical_sections import CriticalSections
from pytest_nextrust.explore.child.dead_registers import DeadRegisters
from pytest_nextrust.explore.child.kept_registers import KeptRegisters
from pytest_nextrust.explore.child.program_calls import ProgramKernel
from pytest_nextrust.explore.child.traps import Interrupts

__all__ = ["Mark", "MoreChoices", "Options", "ThreadStart"]


class MoreChoices(Exception):
    """There is a local state with more choices than were counted on: so many."""

    def __init__(self, choices: int) -> None:
        super().__init__(choices)
        self.choices = choices


@dataclass(frozen=True, slots=True)
class ThreadStart:
    """Where a thread begins: its function, and its stack pointer, at which the return address is stored.

    ``floor`` is the lowest address of its stack; without it nothing below the stack pointer is taken for dead.
    """

    entry: Address
    sp: Address
    floor: Address | None = None

    @property
    def stack(self) -> range:
        """What is below the stack pointer when the thread begins."""
        return range(self.sp if self.floor is None else self.floor, self.sp)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a thread's code between two instructions: operation ``operation`` is called, or has returned.

    On a return d0 and d1 are taken as its result, followed by the bytes at ``reads`` ((address, size) pairs).
    """

    returns: bool
    operation: int
    reads: tuple[tuple[Address, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How macro-steps are made. ``reduce``: up to the next shared access, else single instructions; ``loop``: threads
    repeat.

    At ``doorways`` a thread that repeats begins to wait for its turn; without any, with its first shared access.
    ``kept``: the registers that an operation must leave as they were. ``daemons``: threads that the program does not
    wait for. ``kernel``: who serves the calls of a whole program. ``sections``: which locks protect what. ``choices``:
    the most that there are from one local state; a state with more raises MoreChoices. ``registers``: which are dead
    where; none are where signals are delivered. ``split``: the addresses of instructions that read shared memory in one
    macro-step and write it in the next (see ``split_steps``); no signal comes between the two.
    """

    reduce: bool = True
    loop: bool = False
    doorways: frozenset[Address] = frozenset()
    interrupts: Interrupts | None = None
    max_instructions: int = 1_000_000
    kept: KeptRegisters | None = None
    daemons: frozenset[int] = frozenset()
    kernel: ProgramKernel | None = None
    choices: int = 1
    sections: CriticalSections | None = None
    registers: DeadRegisters | None = None
    split: frozenset[int] = frozenset()
