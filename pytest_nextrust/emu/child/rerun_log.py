"""What happened to a run from outside its CPU, so that its last instructions can be executed again and looked at.

Between two entries a run is the CPU's alone and repeats itself exactly. What the kernel did is noted as its effects
(memory and registers), so a rerun needs no kernel: no file is read or written twice. From time to time the whole state
is kept and older notes are dropped, which bounds both the notes and the time a rerun takes.

Boundary: knows the CPU and memory, not the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child.backing import Change, ChangeRecorder, UnicornBacking, apply
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.registers import Registers

__all__ = ["Diverged", "RerunLog"]

HEAVY = 32 << 20
"""Bytes of notes after which the state is kept instead."""
EVERY = 1.0
"""Seconds between two kept states, at least."""
LARGEST = 256 << 20
"""Bytes of guest memory above which the state is not kept any more."""
NOTE = 400
"""About what one note costs, in bytes."""
CONTEXT = 4000
"""About what one saved state costs, in bytes."""
LONGEST = 32
"""No instruction is longer, in bytes."""


class Diverged(Exception):
    """A rerun did not do what the run did."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """At ``count`` instructions: changes of memory, then these registers, or the whole state of another thread.

    ``after`` is the count to go on from.
    """

    count: int
    after: int
    changes: list[Change]
    registers: Registers | None
    flush: bool
    context: Any = None


@dataclass(frozen=True, slots=True)
class _State:
    """Everything at ``count``: the CPU, every region with its bytes, and the number of entries before it."""

    count: int
    cpu: Any
    memory: tuple[tuple[int, int, int, bytes], ...]
    entries: int


class RerunLog:
    """The log of one run. ``now`` answers seconds; it decides only how long a rerun takes, never what it finds."""

    def __init__(self, cpu: Cpu, recorder: ChangeRecorder, now: Callable[[], float]) -> None:
        self._cpu = cpu
        self._recorder = recorder
        self._now = now
        self._entries: list[_Entry] = []
        self._dropped = 0
        self._weight = 0
        self._states = [self._state(0)]
        self._kept_at = now()

    def note(self, count: int, after: int, registers: Registers | None, *, flush: bool = False) -> None:
        """Note what the kernel changed at ``count`` instructions; the run goes on from ``after``."""
        changes = self._recorder.take()
        kept = registers.copy() if registers is not None else None
        self._entries.append(_Entry(count, after, changes, kept, flush))
        self._weight += NOTE + sum(len(value) for operation, _, value, _ in changes if operation == "write")

    def note_context(self, count: int, context: Any) -> None:
        """Note that another thread goes on at ``count`` instructions, from a state that the CPU saved."""
        changes = self._recorder.take()
        self._entries.append(_Entry(count, count, changes, None, flush=False, context=context))
        self._weight += CONTEXT + sum(len(value) for operation, _, value, _ in changes if operation == "write")

    def maybe_keep(self, count: int) -> None:
        """Keep the state at this instruction boundary if it is time to."""
        if self._weight < HEAVY and self._now() - self._kept_at < EVERY:
            return
        if sum(end - start + 1 for start, end, _ in self._cpu.uc.mem_regions()) > LARGEST:
            return
        self._states.append(self._state(count))
        if len(self._states) > 2:
            del self._states[0]
            gone = self._states[0].entries - self._dropped
            del self._entries[:gone]
            self._dropped += gone
        self._weight = 0
        self._kept_at = self._now()

    def last(self, total: int, wanted: int) -> list[tuple[int, bytes]]:
        """Execute up to ``total`` instructions again; the pc and the bytes at it of the last ``wanted`` of them.

        The CPU and its memory are left as they were at that point. Raises Diverged.
        """
        first = max(0, total - wanted)
        state = next((state for state in reversed(self._states) if state.count <= first), self._states[0])
        self._go_back(state)
        backing = UnicornBacking(self._cpu.uc, self._cpu.code_changed)
        seen: list[tuple[int, bytes]] = []
        position = state.count
        for entry in self._entries[state.entries - self._dropped :]:
            if entry.count > total:
                break
            position = self._advance(position, entry.count, first, seen)
            if entry.after > entry.count:
                seen.append(self._look())
            apply(entry.changes, backing)
            if entry.context is not None:
                self._cpu.restore(entry.context)
            if entry.registers is not None:
                self._cpu.load(entry.registers)
            if entry.flush:
                self._cpu.flush()
            position = entry.after
        if position < total:
            self._advance(position, total, first, seen)
        return seen[-wanted:] if wanted else []

    def _advance(self, position: int, to: int, first: int, seen: list[tuple[int, bytes]]) -> int:
        while position < to:
            step = 1 if position >= first else min(to, first) - position
            if step == 1:
                seen.append(self._look())
            stop = self._cpu.run(step)
            if stop.executed != step:
                raise Diverged(f"{stop.kind} after {position + stop.executed} of {to} instructions")
            position += step
        return position

    def _look(self) -> tuple[int, bytes]:
        pc = self._cpu.pc()
        for start, end, _ in self._cpu.uc.mem_regions():
            if start <= pc <= end:
                return pc, bytes(self._cpu.uc.mem_read(pc, min(LONGEST, end + 1 - pc)))
        return pc, b""

    def _state(self, count: int) -> _State:
        uc = self._cpu.uc
        memory = tuple(
            (start, end - start + 1, prot, bytes(uc.mem_read(start, end - start + 1)))
            for start, end, prot in uc.mem_regions()
        )
        return _State(count, self._cpu.save(), memory, self._dropped + len(self._entries))

    def _go_back(self, state: _State) -> None:
        self._cpu.reset()
        for start, size, prot, data in state.memory:
            self._cpu.uc.mem_map(start, size, prot)
            self._cpu.uc.mem_write(start, data)
        self._cpu.restore(state.cpu)
