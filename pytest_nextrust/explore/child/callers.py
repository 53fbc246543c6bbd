"""Who called what is executed in a library: the calls that every thread is within, followed along a run.

A library has no source lines, and a stub of it says little by its own name. Its place in a run is therefore the last
call that was made where there are lines: the function that was called, and the caller with its line.

Boundary: child process only. A run as it was executed; calls are told by their instructions and by where the stack
pointer is, so that what leaves several functions at once (longjmp) is followed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_nextrust.emu.child.thread_state import A7, PC, register_of
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.execute import Executed

__all__ = ["Callers", "LibraryCall"]

BSR, JSR = range(0x6100, 0x6200), range(0x4E80, 0x4EC0)


@dataclass(frozen=True, slots=True)
class LibraryCall:
    """The instruction at ``site`` called the function at ``target``. ``sp``: where the return address is."""

    site: Address
    target: Address
    sp: int


class Callers:
    """``opcode``: the first 16 bits of an instruction; ``has_line``: whether there is a source line for it."""

    def __init__(self, opcode: Callable[[int], int], has_line: Callable[[int], bool]) -> None:
        self._opcode = opcode
        self._has_line = has_line
        self._within: dict[int, list[LibraryCall]] = {}
        self._known: dict[int, LibraryCall] = {}

    def follow(self, run: Iterable[Executed]) -> None:
        """Take a run from its start; it is to be kept as long as anything is asked about it."""
        for done in run:
            within = self._within.setdefault(done.thread, [])
            caller = self.of_thread(done.thread, done.pc, register_of(done.before, A7))
            if caller is not None:
                self._known[id(done)] = caller
            opcode = self._opcode(done.pc)
            sp = register_of(done.after, A7)
            if done.stop is None and not done.delivery and (opcode in BSR or opcode in JSR):
                within.append(LibraryCall(done.pc, Address(register_of(done.after, PC)), sp))

    def of_step(self, done: Executed) -> LibraryCall | None:
        """The call in which an instruction of the run was executed; None where it has a line of its own."""
        return self._known.get(id(done))

    def of_thread(self, thread: int, pc: int, sp: int) -> LibraryCall | None:
        """The call in which a thread is now; None where its next instruction has a line of its own."""
        within = self._within.get(thread, [])
        while within and within[-1].sp < sp:
            within.pop()
        if self._has_line(pc):
            return None
        return next((call for call in reversed(within) if self._has_line(call.site)), None)
