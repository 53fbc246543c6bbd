"""Linearizability, judged along the way: is there an order of the operations that explains what was seen so far?

The objects of a history overlap, so locality does not hold and they are one byte array over the union of the bytes that
the operations touch. A monitor state is the set of all explanations still possible: the byte array, and the operations
that have taken effect in it but not returned, with their results. A call opens an operation; a return keeps only the
explanations in which the operation has taken effect with the result that was seen. No explanation left refutes it.

Sources: Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 12(3), 1990; the
set of explanations is the subset construction of Wing and Gong's search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Apply", "Explanations", "Linearizability"]

Apply = Callable[[bytes], tuple[bytes, bytes]]
"""An operation's sequential meaning: bytes of the array before, to the bytes after and the result as it is observed."""

Config = tuple[bytes, tuple[tuple[int, bytes], ...]]


@dataclass(frozen=True, slots=True)
class Explanations:
    """A monitor state: operations called and not returned, and every configuration that explains the past."""

    open: frozenset[int]
    configs: frozenset[Config]


def _as_it_is(operation: int, result: bytes) -> bytes:
    del operation
    return result


class Linearizability:
    """A monitor for one history. ``operations[i]`` is the meaning of operation i; ``initial`` the array at the start.

    ``observed(i, result)`` turns what the machine left (d0, d1 and the bytes written back) into the form that the
    meaning answers, so that bits which the calling convention leaves undefined do not count.
    """

    def __init__(
        self, operations: Sequence[Apply], initial: bytes, observed: Callable[[int, bytes], bytes] | None = None
    ) -> None:
        self._operations = operations
        self._observed = observed or _as_it_is
        self.initial = Explanations(frozenset(), frozenset({(initial, ())}))

    def advance(
        self, state: Explanations, thread: int, events: tuple[tuple[str, int, bytes], ...]
    ) -> Explanations | None:
        """The explanations that are left after these events, or None."""
        del thread
        for kind, operation, result in events:
            if kind == "call":
                state = Explanations(state.open | {operation}, state.configs)
                continue
            kept = self._returned(state, operation, self._observed(operation, result))
            if not kept:
                return None
            state = Explanations(state.open - {operation}, frozenset(kept))
        return state

    def describe(self, operation: int, thread: int, result: bytes) -> str:
        """What an operation answers, as a clause of a sentence; ``result`` is what the machine left."""
        return f"operation {operation} by thread {thread} answers 0x{self._observed(operation, result).hex()}"

    def same_meaning(self, one: int, other: int) -> bool:
        """Whether two operations mean the same."""
        return self._operations[one] is self._operations[other]

    def seen(self, operation: int, result: bytes) -> bytes:
        """What counts of a result as the machine left it."""
        return self._observed(operation, result)

    def renamed(self, state: Explanations, names: Mapping[int, int]) -> Explanations:
        """The state in which every operation that is a key of ``names`` has the other's name."""
        opened = frozenset(names.get(operation, operation) for operation in state.open)
        configs = frozenset(
            (array, tuple(sorted((names.get(operation, operation), answer) for operation, answer in effective)))
            for array, effective in state.configs
        )
        return Explanations(opened, configs)

    def explains(self, state: Explanations, memory: bytes) -> bool:
        """Whether memory as it is in the end is what some explanation says."""
        return any(array == memory for array, pending in state.configs if not pending)

    def reachable(self, state: Explanations) -> frozenset[bytes]:
        """Every array that memory may hold now: some, all or none of the open operations have taken effect in it."""
        seen = set(state.configs)
        todo = list(state.configs)
        while todo:
            for config in self._after(state, todo.pop()):
                if config not in seen:
                    seen.add(config)
                    todo.append(config)
        return frozenset(array for array, _ in seen)

    def _after(self, state: Explanations, config: Config) -> list[Config]:
        """The configurations in which one more of the open operations has taken effect."""
        array, effective = config
        found = []
        for candidate in state.open - dict(effective).keys():
            after, answer = self._operations[candidate](array)
            found.append((after, tuple(sorted([*effective, (candidate, answer)]))))
        return found

    def _returned(self, state: Explanations, operation: int, result: bytes) -> set[Config]:
        kept: set[Config] = set()
        seen = set(state.configs)
        todo = list(state.configs)
        while todo:
            array, effective = todo.pop()
            taken = dict(effective)
            if operation in taken:
                if taken.pop(operation) == result:
                    kept.add((array, tuple(sorted(taken.items()))))
                continue
            for config in self._after(state, (array, effective)):
                if config not in seen:
                    seen.add(config)
                    todo.append(config)
        return kept
