"""Local states: a thread's registers and the bytes that only it uses, interned, with the memo of what follows them.

A thread's private bytes are a vector over *slots*, addresses in the order in which the thread first wrote them. Slots
are only ever added at the end and the vector's tail is cut where it equals the initial image, so a state met before a
slot existed and one met after it are equal where their bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Leg", "Local", "OperationEvent", "ThreadLocals", "Tree", "grow", "leaf", "walk"]

OperationEvent = tuple[str, int, bytes]
"""``call`` or ``return`` of an operation by number, on a return with its result as the machine left it; ``round`` when
a repeating thread starts again."""

Tree = Any
"""None, a leaf ``(True, local, writes, events)`` or a branch ``(False, positions, {bytes read: Tree})``."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The result of a leg: the local state after, the shared state after, and the calls and returns on the way."""

    local: int
    shared: int
    events: tuple[OperationEvent, ...]


@dataclass(slots=True)
class Local:
    """A local state. ``kind`` is ``ready``, ``done``, ``fault``, ``diverges`` or ``unfinished``.

    ``pending`` holds, innermost last, the operation that was called and has made no shared access yet (-1: none) of the
    thread and of each handler it is in. ``entered``: a shared access was made since the thread's round began.
    """

    state: bytes
    private: bytes
    kind: str
    pending: tuple[int, ...] = (-1,)
    entered: bool = False
    fault: Any = None
    tree: Tree = None
    quick: dict[int, Leg] = field(default_factory=dict)
    interrupted: dict[int, Leg] = field(default_factory=dict)


class ThreadLocals:
    """The local states of one thread. ``original`` answers a byte of the initial image."""

    def __init__(self, index: int, original: Callable[[int], int]) -> None:
        self.index = index
        self.table: list[Local] = []
        self.slots: list[int] = []
        self._original = original
        self._slot_of: dict[int, int] = {}
        self._initial = bytearray()
        self._ids: dict[tuple[bytes, bytes, str, tuple[int, ...], bool], int] = {}

    def intern(self, local: Local) -> int:
        """The number of this local state; equal states have one."""
        key = (local.state, local.private, local.kind, local.pending, local.entered)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.table)
            self.table.append(local)
        return known

    def unpack(self, private: bytes) -> dict[int, int]:
        """Private bytes by address."""
        return dict(zip(self.slots, private, strict=False))

    def pack(self, values: Mapping[int, int]) -> bytes:
        """Private bytes as a vector; an address that has none gets a slot."""
        for address in values:
            if address not in self._slot_of:
                self._slot_of[address] = len(self.slots)
                self.slots.append(address)
                self._initial.append(self._original(address))
        initial = self._initial
        vector = bytearray(initial)
        for address, value in values.items():
            vector[self._slot_of[address]] = value
        end = len(vector)
        while end and vector[end - 1] == initial[end - 1]:
            end -= 1
        return bytes(vector[:end])


def leaf(local: int, writes: tuple[tuple[int, int], ...], events: tuple[OperationEvent, ...]) -> Tree:
    """What a leg ends in: the local state after, (position, byte) writes to shared memory, and events."""
    return (True, local, writes, events)


def grow(tree: Tree, reads: Sequence[tuple[tuple[int, ...], bytes]], end: Tree) -> Tree:
    """The tree with one more path. Raises AssertionError where the same values led elsewhere before."""
    if not reads:
        if tree is not None and tree != end:
            raise AssertionError("the same instruction from the same state had two effects")
        return end
    positions, values = reads[0]
    if tree is None:
        tree = (False, positions, {})
    if tree[0] or tree[1] != positions:
        raise AssertionError("the same instruction from the same state read two places")
    tree[2][values] = grow(tree[2].get(values), reads[1:], end)
    return tree


def walk(tree: Tree, vector: bytes) -> Tree:
    """The leaf that shared memory ``vector`` leads to, or None where nothing has been executed for it."""
    while tree is not None and not tree[0]:
        tree = tree[2].get(bytes([vector[position] for position in tree[1]]))
    return tree
