"""A call made once more, instruction by instruction, to show what each left and which is the first wrong step.

Runs in the child process only: the checker has made the call at full speed and found it wrong; here it begins again
from the same registers and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_nextrust.atomics.child.first_wrong_step import (
    NAMES,
    Step,
    Touch,
    Wanted,
    WrongStep,
    first_wrong_step,
    left_behind,
)
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import A7, PC, ccr_of, register_of
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import AccessRecord, FirstWrongStep, TraceStep
from pytest_nextrust.explore.child.image import CheckedProgram
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.trace import flags
from pytest_nextrust.explore.child.traps import WORDS, serve, word_at
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble

__all__ = ["CallStart", "Retracer", "retrace"]

STEPS = 2000
ENDLESS = 400
"""Instructions of a call that are executed again at most; of one that never returns, which goes wrong in its first
rounds or is seen to repeat, fewer."""
KEPT = (200, 100)
"""Instructions before and after the first wrong step that are handed on."""
LONGEST = 24
"""Bytes of the longest instruction there is, rounded up."""


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call before its first instruction: the state, every writable byte as (address, bytes), what the kernel keeps
    for the thread, and what is wanted of the call."""

    state: bytes
    memory: tuple[tuple[int, bytes], ...]
    kernel: Mapping[int, int]
    wanted: Wanted


def retrace(stepper: Stepper, start: CallStart, cpu: str, most: int = STEPS) -> tuple[list[Step], int]:
    """Execute the call again from ``start``: its steps, and from which of them on they repeat (-1: none)."""
    for address, data in start.memory:
        stepper.write(address, data)
    state = start.state
    stepper.load(state)
    values: dict[int, int] = {}
    kernel = dict(start.kernel)
    steps: list[Step] = []
    texts: dict[int, str] = {}
    seen: dict[tuple[bytes, frozenset[tuple[int, int]]], int] = {}
    while len(steps) < most:
        pc = Address(register_of(state, PC))
        if pc == SENTINEL:
            break
        if steps and pc <= steps[-1].pc:
            key = state, frozenset((values | kernel).items())
            if key in seen:
                return steps, seen[key]
            seen[key] = len(steps)
        stop = stepper.step()
        after = state if stop is not None else stepper.state()
        touches = () if stop is not None else _touches(stepper, start, values)
        changed: tuple[tuple[str, int, int], ...] = ()
        if stop is not None:
            earlier = dict(kernel)
            served = serve(stepper, stop.vector, state, kernel)
            if served is not None:
                stop, after = None, served.state
                stepper.load(after)
                words = ((what, word_at(earlier, place), word_at(kernel, place)) for place, what in WORDS.items())
                changed = tuple(word for word in words if word[1] != word[2])
        if pc not in texts:
            texts[pc] = _text(stepper, pc, cpu)
        if not texts[pc]:
            break
        registers = _registers(state), _registers(after)
        steps.append(Step(pc, texts[pc], *registers, flags(ccr_of(after)), touches, stop is None, changed))
        if stop is not None:
            break
        state = after
    return steps, -1


def _touches(stepper: Stepper, start: CallStart, values: dict[int, int]) -> tuple[Touch, ...]:
    found = []
    events = tuple(stepper.events)
    fresh: dict[int, int] = {}
    for write, address, size in events:
        old = bytes(_byte(stepper, start, values, byte) for byte in range(address, address + size))
        value = stepper.read(address, size) if write else old
        if write:
            fresh.update(zip(range(address, address + size), value, strict=True))
        found.append(Touch(write, address, size, int.from_bytes(value, "big"), int.from_bytes(old, "big")))
    values.update(fresh)
    return tuple(found)


def _byte(stepper: Stepper, start: CallStart, values: Mapping[int, int], address: int) -> int:
    """A byte as it was before the instruction that has just been executed."""
    if address in values:
        return values[address]
    for first, data in start.memory:
        if first <= address < first + len(data):
            return data[address - first]
    return stepper.read(address, 1)[0]


def _registers(state: bytes) -> tuple[int, ...]:
    return tuple(register_of(state, number) for number in range(A7 + 1))


def _text(stepper: Stepper, pc: int, cpu: str) -> str:
    data = b""
    for size in range(LONGEST, 0, -2):
        try:
            data = stepper.read(pc, size)
            break
        except KeyError:
            continue
    if not data:
        return ""
    decoded = decode(data, pc)
    return disassemble(data[: decoded.length if decoded is not None else 2], pc, cpu)


Place = tuple[str, Address, int]
"""A name, "" for bytes that go by their address, the first address, and how many."""


class Retracer:
    """Calls of one program made again, with the names of its symbols and source lines."""

    def __init__(self, stepper: Stepper, program: CheckedProgram) -> None:
        self._stepper = stepper
        self._program = program

    def trace(
        self, start: CallStart, kind: str, places: Sequence[Place], own: Sequence[tuple[int, int]] | None = None
    ) -> tuple[tuple[TraceStep, ...], tuple[TraceStep, ...], FirstWrongStep | None]:
        """The call's instructions around its first wrong step, those that repeat for ever, and that step.

        ``own``: of a call that returns and leaves something behind, the runtime's data as (start, end).
        """
        most = ENDLESS if own is None and kind == "deadlock" else STEPS
        steps, again = retrace(self._stepper, start, self._program.cpu, most)
        wrong: WrongStep | None
        wrong = first_wrong_step(kind, steps, start.wanted, again) if own is None else left_behind(steps, own)
        middle = wrong[0] if wrong is not None else len(steps) - 1
        first = max(0, middle - KEPT[0])
        loop = steps[again:][: sum(KEPT)] if again >= 0 else []
        kept, repeated = (
            tuple(self._step(step, places) for step in some) for some in (steps[first : middle + KEPT[1]], loop)
        )
        return kept, repeated, None if wrong is None else FirstWrongStep(wrong[0] - first, steps[wrong[0]].pc, wrong[1])

    def _step(self, step: Step, places: Sequence[Place]) -> TraceStep:
        changed = ((name, new) for name, old, new in zip(NAMES, step.before, step.after, strict=True) if old != new)
        return TraceStep(
            thread=0,
            pc=step.pc,
            function=self._symbol(step.pc, ()),
            line=self._program.lines.at(step.pc),
            instruction=step.text,
            access=tuple(
                AccessRecord(touch.write, touch.address, touch.size, touch.value, self._symbol(touch.address, places))
                for touch in step.touches
            ),
            registers=tuple(changed),
            flags=step.flags,
        )

    def _symbol(self, address: int, places: Sequence[Place]) -> str:
        for name, start, size in places:
            if start <= address < start + size:
                return f"0x{address:x}" if not name else f"{name}+0x{address - start:x}" if address > start else name
        return self._program.file.describe(address).removeprefix("_") or f"0x{address:x}"
