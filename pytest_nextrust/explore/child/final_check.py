"""``nextrust_check`` on final states: executed once for all that agree in the bytes it reads.

What the check reads, in order, with the values it found, leads down a decision tree to its answer; it is executed only
where memory leads out of the tree. Boundary: child process only; has a CPU of its own, so that the search's memory
stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import D0, PC, pack, register_of
from pytest_nextrust.explore.child.accesses import Access, Reclassified
from pytest_nextrust.explore.child.decision_tree import Read, Tree, grow, walk
from pytest_nextrust.explore.child.image import MemoryImage, Stopped
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.program_calls import ProgramKernel
from pytest_nextrust.explore.child.traps import serve

__all__ = ["FinalCheck"]

LIMIT = 1_000_000
"""Instructions that a check may take."""


class FinalCheck:
    """``function`` of the image; answers are d0 when it returns. It calls ``kernel``. Call ``close`` at the end."""

    def __init__(self, image: MemoryImage, function: str, kernel: ProgramKernel | None = None) -> None:
        self._kernel = kernel
        self._entry = image.address(function)
        self._sp = image.spare
        self._stepper = Stepper(Cpu(image.program.cpu), image.regions)
        self._tree: Tree[int | Stopped] = None
        self._dead: Container[int] = ()

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
        changed = dict(memory)
        for address, value in changed.items():
            step.write(address, bytes((value,)))
        reads: list[Read] = []
        written: set[int] = set()
        try:
            return reads, self._until_it_returns(lambda a, s: self._read(reads, written, memory, a, s), written)
        except Stopped as stopped:
            return reads, stopped
        finally:
            for address in changed.keys() | written:
                step.write(address, bytes((step.original(address),)))

    def _until_it_returns(self, read: Callable[[int, int], None], written: set[int]) -> int:
        state, values = pack(self._entry, self._sp), dict[int, int]()
        self._stepper.load(state)
        for _ in range(LIMIT):
            pc = register_of(state, PC)
            if pc == SENTINEL:
                return register_of(state, D0)
            stop = self._stepper.step()
            accesses: Sequence[Access] = self._stepper.events
            if stop is None:
                state = self._stepper.state()
            else:
                served = serve(self._stepper, stop.vector, state, values)
                if served is None and self._kernel is not None:
                    served = self._kernel.serve_alone(self._stepper, stop.vector, state, values)
                if served is None:
                    raise Stopped(stop, pc, register_of(state, D0))
                state, accesses = served.state, served.accesses
                self._stepper.load(state)
            for writes, address, size in accesses:
                if writes:
                    written.update(range(address, address + size))
                else:
                    read(address, size)
        raise Stopped(None, register_of(state, PC))

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
        if place:
            reads.append((place, bytes(self._byte(memory, byte) for byte in place)))
