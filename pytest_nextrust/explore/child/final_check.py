"""``nextrust_check`` on final states: executed once for all that agree in the bytes it reads.

What the check reads, in order, with the values it found, leads down a decision tree to its answer; it is executed only
where memory leads out of the tree. Boundary: child process only; has a CPU of its own, so that the search's memory
stays as it is.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import D0, register_of
from pytest_nextrust.explore.child.accesses import Access, Reclassified
from pytest_nextrust.explore.child.decision_tree import Read, Tree, grow, walk
from pytest_nextrust.explore.child.image import MemoryImage, Stopped, call
from pytest_nextrust.explore.child.program_calls import ProgramKernel

__all__ = ["FinalCheck"]

LIMIT = 1_000_000
"""Instructions that a check may take."""


class FinalCheck:
    """``function`` of the image; answers are d0 when it returns. It calls ``kernel``. Call ``close`` at the end."""

    def __init__(self, image: MemoryImage, function: str, kernel: ProgramKernel | None = None) -> None:
        self._kernel = kernel
        self._entry = image.address(function)
        self._sp = image.spare
        self._cpu = Cpu(image.program.cpu)
        self._stepper = Stepper(self._cpu, image.regions)
        self._tree: Tree[int | Stopped] = None
        self._dead: Container[int] = ()
        self._held: dict[int, int] = {}
        """What memory differs from the image by."""
        self.reads: set[int] = set()
        """Every byte that it has read so far of memory as it was given."""

    def close(self) -> None:
        self._stepper.close()

    def answer(self, memory: Mapping[int, int], dead: Container[int] = ()) -> int:
        """What it answers where these bytes differ from the image. Raises Stopped.

        Bytes of ``dead`` that are not in ``memory`` are unknown: Reclassified where it reads one.
        """
        self._dead = dead
        leaf = walk(self._tree, lambda address: self._byte(memory, address))
        if leaf is None:
            reads, result = self._run(memory)
            self._tree = grow(self._tree, reads, result)
        else:
            result = leaf.effect
        if isinstance(result, Stopped):
            raise result
        return result

    def _byte(self, memory: Mapping[int, int], address: int) -> int:
        value = memory.get(address)
        if value is not None:
            return value
        if address in self._dead:
            raise Reclassified([address])
        return self._stepper.original(address)

    def _run(self, memory: Mapping[int, int]) -> tuple[list[Read], int | Stopped]:
        step = self._stepper
        for address in self._held.keys() - memory.keys():
            step.write(address, bytes((step.original(address),)))
        for address, value in memory.items() - self._held.items():
            step.write(address, bytes((value,)))
        self._held = dict(memory)
        reads: list[Read] = []
        written: set[int] = set()

        def note(accesses: Sequence[Access]) -> None:
            for writes, address, size in accesses:
                if writes:
                    written.update(range(address, address + size))
                else:
                    self._read(reads, written, memory, address, size)

        try:
            state = call(self._cpu, step, self._entry, self._sp, LIMIT, self._kernel, note)
            return reads, register_of(state, D0)
        except Stopped as stopped:
            return reads, stopped
        finally:
            for address in written:
                self._held.pop(address, None)
                step.write(address, bytes((step.original(address),)))

    def _read(
        self,
        reads: list[Read],
        written: set[int],
        memory: Mapping[int, int],
        address: int,
        size: int,
    ) -> None:
        """Note what was read of the memory as it was given, not of what the check wrote itself."""
        place = tuple(byte for byte in range(address, address + size) if byte not in written)
        self.reads.update(place)
        if place:
            reads.append((place, bytes(self._byte(memory, byte) for byte in place)))
