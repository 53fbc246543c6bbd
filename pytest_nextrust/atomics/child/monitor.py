"""Histories as the judge of linearizability takes them: the table's meanings over the union of the objects' bytes.

Operations of a signal handler are those of a process of their own per interrupted thread.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from pytest_nextrust.atomics.calls import HistoryModel, OperationModel
from pytest_nextrust.atomics.table import ROUTINES, Args, Kind, Routine, apply, returned
from pytest_nextrust.base.convert import from_plain
from pytest_nextrust.explore.child.linearize import Apply, Explanations, Linearizability

__all__ = ["AtomicsMonitor", "monitor"]

_REGISTERS = struct.Struct(">II")


class AtomicsMonitor(Linearizability):
    """Judges one history; ``initial``, ``advance`` and ``explains`` as the search wants them."""

    def __init__(self, model: HistoryModel) -> None:
        operations = model.operations
        position: dict[int, int] = {}
        for at, size in model.covered:
            for byte in range(at, at + size):
                position[byte] = len(position)
        # Operation numbers as the marks have them; a handler's has one more number for every further thread.
        self._handlers = [number for number, operation in enumerate(operations) if operation.handler]
        numbered = list(operations)
        for _ in range(1, model.threads):
            numbered += [operations[number] for number in self._handlers]
        self._plain = len(operations)
        self._routines = [operation.routine for operation in operations]
        self._numbered = numbered
        meanings = [_meaning(operation, position) for operation in numbered]
        readers = [_reader(operation) for operation in numbered]
        super().__init__(meanings, model.initial, lambda number, result: readers[number](result))

    def same_meaning(self, one: int, other: int) -> bool:
        """Whether two operations are the same call of the same routine on the same object."""
        return self._numbered[one] == self._numbered[other]

    def advance(
        self, state: Explanations, thread: int, events: tuple[tuple[str, int, bytes], ...]
    ) -> Explanations | None:
        """The explanations that are left after these events, or None."""
        if thread and self._handlers:
            first = self._handlers[0]
            shift = self._plain + (thread - 1) * len(self._handlers) - first
            events = tuple((kind, n + shift if n >= first else n, result) for kind, n, result in events)
        return super().advance(state, thread, events)

    def describe(self, operation: int, thread: int, result: bytes) -> str:
        """An operation's answer by the routine's name; what it hands back by pointer comes after its result."""
        routine = ROUTINES[self._routines[operation]]
        value = returned(routine, *_REGISTERS.unpack_from(result))
        answers = [f"answers 0x{value:x}"] if value is not None else []
        answers += [f"hands back 0x{result[_REGISTERS.size :].hex()}"] if result[_REGISTERS.size :] else []
        who = f"a handler on thread {thread}" if operation in self._handlers else f"thread {thread}"
        return f"{routine.name} by {who} {' and '.join(answers) or 'returns'}"


def monitor(model: Any) -> AtomicsMonitor:
    """The judge of the history that a HistoryModel, as plain values, describes."""
    return AtomicsMonitor(from_plain(HistoryModel, model))


def _meaning(operation: OperationModel, position: dict[int, int]) -> Apply:
    routine = ROUTINES[operation.routine]
    size = operation.size
    args = Args(operation.value, operation.expected)
    start = position[operation.at] if size else 0

    def meaning(memory: bytes) -> tuple[bytes, bytes]:
        effect = apply(routine, memory[start : start + size], args)
        answer = b"" if effect.result is None else effect.result.to_bytes(8, "big")
        if routine.has(Kind.OUTPUT):
            answer += effect.output or b""
        if routine.has(Kind.EXPECTED):
            answer += args.expected if effect.expected is None else effect.expected
        return memory[:start] + effect.memory + memory[start + size :], answer

    return meaning


def _reader(operation: OperationModel) -> Callable[[bytes], bytes]:
    routine: Routine = ROUTINES[operation.routine]
    silent = routine.stem == "__atomic_is_lock_free"

    def read(raw: bytes) -> bytes:
        value = returned(routine, *_REGISTERS.unpack_from(raw))
        return (b"" if value is None or silent else value.to_bytes(8, "big")) + raw[8:]

    return read
