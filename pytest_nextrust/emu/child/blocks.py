"""What must not be left to the emulator, found in each block of code before its first execution.

The static check cannot see what a program reaches through pointers it computes. So every block that the emulator has
translated is decoded here once, before it runs. Two things are looked for: the first *suspect*, an instruction that the
emulator would execute although the CPU would not, or as another one, so that the run must stop in front of it; and
*sites* (see ``sites``), which are executed by ``emu.exact`` where the emulator would be wrong.

Boundary: inspects bytes; ``cpu`` stops, ``guest_run`` decides what becomes of the guest.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child.sites import Site, site_of
from pytest_nextrust.isa.decode import CPU_BITS, Decoded, decode
from pytest_nextrust.isa.operands import NONE

__all__ = ["MARGIN", "Block", "BlockInspector", "Suspect", "missing_vector"]

ADDRESS, ILLEGAL, LINE_A, LINE_F = 3, 4, 10, 11

MARGIN = 24
"""Bytes to look at beyond a block: the emulator may have taken its last instruction for a shorter one."""

REMEMBERED = 1 << 16
"""Blocks whose result is kept."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """The instruction ``offset`` bytes and ``steps`` instructions into a block: its exception, or why it cannot run."""

    offset: int
    steps: int
    name: str
    vector: int
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """What was found in a block: where its instructions begin, up to the suspect if there is one, and its sites.

    ``code``: its bytes, and up to MARGIN more.
    """

    offsets: tuple[int, ...]
    suspect: Suspect | None
    sites: tuple[Site, ...]
    code: bytes = b""


class BlockInspector:
    """Inspects blocks for one CPU, and remembers the results by their bytes."""

    def __init__(self, cpu: str) -> None:
        self._cpu = cpu
        self._bit = CPU_BITS[cpu]
        self._known: dict[tuple[bytes, int], Block] = {}

    def inspect(self, pc: int, data: bytes, size: int) -> Block:
        """The block of ``size`` bytes at ``pc``; ``data`` goes up to MARGIN bytes beyond it."""
        if pc & 1:
            return Block((), Suspect(0, 0, "odd address", ADDRESS), ())
        key = (data, size)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._look(data, size)
        return self._known[key]

    def _look(self, data: bytes, size: int) -> Block:
        at = 0
        offsets: list[int] = []
        sites: list[Site] = []
        suspect = None
        while at < size and suspect is None:
            here = data[at : at + MARGIN]
            instruction = decode(here, at)
            if instruction is None:
                # Where the bytes end early the emulator reads on, and faults.
                if len(here) == MARGIN:
                    suspect = Suspect(at, len(offsets), "undefined", missing_vector(here))
                break
            offsets.append(at)
            site = site_of(here, self._cpu)
            if site is not None:
                sites.append(site.moved(at))
            if site is None or site.kind != "always":
                suspect = self._suspect(at, len(offsets) - 1, instruction, here)
            at += instruction.length
        return Block(tuple(offsets), suspect, tuple(sites), data)

    def _suspect(self, at: int, steps: int, instruction: Decoded, here: bytes) -> Suspect | None:
        name = instruction.name
        if instruction.limit:
            return Suspect(at, steps, name, ILLEGAL, instruction.limit)
        if not instruction.cpus & self._bit:
            return Suspect(at, steps, name, ILLEGAL if instruction.cpus == NONE else missing_vector(here))
        if instruction.vector is not None:
            return Suspect(at, steps, name, instruction.vector)
        return None


def missing_vector(data: bytes) -> int:
    """The exception for an instruction that a CPU does not have."""
    line = data[0] >> 4
    return LINE_A if line == 10 else LINE_F if line == 15 else ILLEGAL
