"""A call's instructions as a finding shows them: with functions, source lines, the names of what is read and written.

Boundary: the parent's side; plain values from ``retrace`` in, trace records, lines and plain values out.
"""

from __future__ import annotations

from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.build import OBJECT_ROOM, Runtime
from pytest_nextrust.explore.answer import AccessRecord, FirstWrongStep, TraceStep
from pytest_nextrust.explore.text import first_wrong_step_plain, step_plain, trace_lines

__all__ = ["Narrator"]

SHOWN = (24, 10)
"""Instructions before and after the first wrong step that the text shows; the JSON answer has more."""


class Narrator:
    """Names the places of one linked program."""

    def __init__(self, runtime: Runtime) -> None:
        file = macho.read(macho.write_executable(runtime.image))
        self._file = macho.select_member(file, runtime.cpu)
        self._lines = macho.SourceLines(self._file)
        self._room = runtime.objects

    def told(self, found: dict[str, Any]) -> dict[str, Any]:
        """The keys of a finding that say what happened; takes the raw ``steps``, ``loop`` and ``parted`` out of
        ``found``."""
        steps = [self._step(raw, found["places"]) for raw in found.pop("steps", [])]
        loop = [self._step(raw, found["places"]) for raw in found.pop("loop", [])]
        found.pop("places", None)
        raw = found.pop("parted", None)
        if not steps:
            return {}
        wrong = FirstWrongStep(raw[0], steps[raw[0]].pc, raw[1]) if raw else None
        answer: dict[str, Any] = {"trace": [step_plain(step) for step in steps], "lines": _lines(steps, loop, wrong)}
        if loop:
            answer["loop"] = [step_plain(step) for step in loop]
        if wrong is not None:
            answer["parted"] = first_wrong_step_plain(wrong)
        return answer

    def _step(self, raw: list[Any], places: list[list[Any]]) -> TraceStep:
        pc, text, flags, changed, touches = raw
        return TraceStep(
            thread=0,
            pc=pc,
            function=self._symbol(pc, []),
            line=self._lines.at(pc),
            instruction=text,
            access=tuple(
                AccessRecord(write, address, size, value, self._symbol(address, places))
                for write, address, size, value, _ in touches
            ),
            registers=tuple((name, value) for name, value in changed),
            flags=flags,
        )

    def _symbol(self, address: int, places: list[list[Any]]) -> str:
        for name, start, size in places:
            if start <= address < start + size:
                return f"{name}+0x{address - start:x}" if address != start else str(name)
        if self._room <= address < self._room + OBJECT_ROOM:
            return f"0x{address:x}"
        return self._file.describe(address).removeprefix("_") or f"0x{address:x}"


def _lines(steps: list[TraceStep], loop: list[TraceStep], wrong: FirstWrongStep | None) -> list[str]:
    """What the text shows: all of a short call, of a longer one what is around the first wrong step."""
    middle = wrong.step if wrong is not None else len(steps) - 1
    first, last = max(0, middle - SHOWN[0]), min(len(steps), middle + SHOWN[1] + 1)
    lines = [f"  ... {first} instructions before"] if first else []
    if wrong is not None:
        wrong = FirstWrongStep(wrong.step - first, wrong.pc, wrong.message)
    lines += trace_lines(steps[first:last], 1, full=True, wrong=wrong)
    lines += [f"  ... {len(steps) - last} instructions after"] if last < len(steps) else []
    if loop:
        lines.append(f"the last {len(loop)} instructions repeat for ever")
    return lines
