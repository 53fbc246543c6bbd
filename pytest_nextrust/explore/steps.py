"""What a thread does from a local state: runs of instructions up to its next shared access, executed once each.

A *local state* is a thread's registers and the bytes only it uses. A *leg* is the instruction that makes a shared
access, followed by all instructions up to the next one that does; nothing in it but its first instruction can be told
apart by another thread, so only legs are interleaved. The memo of a local state is a decision tree: the shared bytes its first
instruction reads, in order, with the values memory held, and at the leaf what it writes and the local state after. A
lookup follows the current memory, and only where it leaves the tree is anything executed.

Which bytes are shared is not declared. ``Accesses`` starts from a guess; the first access that contradicts it raises
``Reclassified``, and the caller starts again from the initial state with those bytes shared. Until nothing
contradicts it, no result is used. A byte is private as long as no other thread accesses it while any thread writes it.

Boundary: threads and bytes; the graph over whole states is ``graph``'s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Accesses", "Engine", "Leg", "Local", "Mark", "OperationEvent", "Reclassified", "Step", "ThreadStart"]

OperationEvent = tuple[str, int, bytes]
"""``call`` or ``return``, the operation's number, and on a return its result as the machine left it."""

SENTINEL = 0xFFFF_F000
"""Where a thread returns to when its function is done: no memory is there, and nothing is executed."""

LONG_RUN = 4096
"""Instructions without a shared access after which a leg is watched for a repeated state."""


class Reclassified(Exception):
    """Bytes taken for private turned out to be shared."""

    def __init__(self, addresses: Iterable[int]) -> None:
        super().__init__()
        self.addresses = frozenset(addresses)


class Step(Protocol):
    """What the engine needs of the emulator; see ``emu.stepper``."""

    events: list[tuple[bool, int, int]]

    def original(self, address: int) -> int: ...
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...
    def initial(self, pc: int, sp: int) -> bytes: ...
    def load(self, state: bytes) -> None: ...
    def state(self) -> bytes: ...
    def step(self, pc: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class ThreadStart:
    """Where a thread begins: its function and its stack pointer (the return address is stored there)."""

    entry: int
    sp: int


@dataclass(slots=True)
class Local:
    """An interned local state. ``kind`` is ``ready``, ``done``, ``fault`` or ``diverges``; ``tree`` is the memo."""

    state: bytes
    private: bytes
    kind: str
    operation: int
    fault: Any = None
    tree: Any = None
    quick: dict[int, Leg] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leg:
    """The result of a leg: the local state after, the shared state after, and the calls and returns on the way."""

    local: int
    shared: int
    events: tuple[OperationEvent, ...]


class Accesses:
    """Who read and who wrote each byte so far, and which bytes are shared."""

    def __init__(self, shared: Iterable[int] = ()) -> None:
        self.shared = frozenset(shared)
        self._readers: dict[int, int] = {}
        self._writers: dict[int, int] = {}

    def note(self, thread: int, events: Sequence[tuple[bool, int, int]]) -> bool:
        """Record one instruction's accesses; True where one is to a shared byte. Raises Reclassified."""
        bit = 1 << thread
        others = ~bit
        visible = False
        contradicted: list[int] = []
        for writes, address, size in events:
            for byte in range(address, address + size):
                if byte in self.shared:
                    visible = True
                    continue
                writers = self._writers.get(byte, 0)
                readers = self._readers.get(byte, 0)
                if (writers | readers if writes else writers) & others:
                    contradicted.extend(range(address, address + size))
                    break
                if writes:
                    self._writers[byte] = writers | bit
                else:
                    self._readers[byte] = readers | bit
        if contradicted:
            raise Reclassified(contradicted)
        return visible


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a thread's code between two instructions: operation ``operation`` is called, or has returned.

    On a return d0 and d1 are taken as its result, followed by the bytes at ``reads`` ((address, size) pairs).
    """

    returns: bool
    operation: int
    reads: tuple[tuple[int, int], ...] = ()


class _Thread:
    """A thread's local states and the slots of its private bytes, in the order in which they were first written."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.slots: list[int] = []
        self.slot_of: dict[int, int] = {}
        self.initial = bytearray()
        self.locals: list[Local] = []
        self.ids: dict[tuple[bytes, bytes, int, str], int] = {}


class Engine:
    """The legs of all threads over one image, under one guess of what is shared. Raises Reclassified from ``leg``.

    ``marks`` maps addresses to the operations that begin or end there. ``traps`` serves a trap of a thread: it gets the
    vector and the state and answers the state after it, or None where exploration cannot go on.
    """

    def __init__(
        self,
        step: Step,
        threads: Sequence[ThreadStart],
        accesses: Accesses,
        marks: Mapping[int, Mark] | None = None,
        max_leg: int = 1_000_000,
        reduce: bool = True,
    ) -> None:
        self._step = step
        self._accesses = accesses
        self._marks = dict(marks or {})
        self._max_leg = max_leg
        self._reduce = reduce
        self.order = tuple(sorted(accesses.shared))
        self._position = {address: index for index, address in enumerate(self.order)}
        self.vectors: list[bytes] = []
        self._vector_ids: dict[bytes, int] = {}
        self._overlay: dict[int, int] = {}
        self.executed = 0
        self.threads = [_Thread(index) for index in range(len(threads))]
        self.initial_shared = self._intern_vector(bytes(self._step.original(address) for address in self.order))
        self.initial_locals = tuple(self._begin(index, start) for index, start in enumerate(threads))

    # -- interning -----------------------------------------------------------------------------------------------------

    def _intern_vector(self, vector: bytes) -> int:
        known = self._vector_ids.get(vector)
        if known is None:
            known = self._vector_ids[vector] = len(self.vectors)
            self.vectors.append(vector)
        return known

    def _intern_local(self, thread: _Thread, local: Local) -> int:
        key = (local.state, local.private, local.operation, local.kind)
        known = thread.ids.get(key)
        if known is None:
            known = thread.ids[key] = len(thread.locals)
            thread.locals.append(local)
        return known

    def _slot(self, thread: _Thread, address: int) -> int:
        slot = thread.slot_of.get(address)
        if slot is None:
            slot = thread.slot_of[address] = len(thread.slots)
            thread.slots.append(address)
            thread.initial.append(self._step.original(address))
        return slot

    def _private(self, thread: _Thread, values: dict[int, int]) -> bytes:
        """Private bytes as a vector over the slots, without the tail that is still as in the initial image.

        Slots are only ever added at the end, so a state met before a slot existed and one met after it are equal where
        their bytes are.
        """
        vector = bytearray(thread.initial)
        for address, value in values.items():
            vector[self._slot_in(thread, vector, address)] = value
        initial = thread.initial
        end = len(vector)
        while end and vector[end - 1] == initial[end - 1]:
            end -= 1
        return bytes(vector[:end])

    def _slot_in(self, thread: _Thread, vector: bytearray, address: int) -> int:
        slot = self._slot(thread, address)
        if slot == len(vector):
            vector.append(thread.initial[slot])
        return slot

    # -- memory --------------------------------------------------------------------------------------------------------

    def _materialise(self, thread: _Thread, private: bytes, shared: bytes) -> dict[int, int]:
        """Make memory what this thread sees; answers its private bytes by address."""
        values = dict(zip(thread.slots, private, strict=False))
        wanted = dict(zip(self.order, shared, strict=True))
        wanted.update(values)
        current = self._overlay
        for address in current.keys() - wanted.keys():
            self._step.write(address, bytes((self._step.original(address),)))
        for address, value in wanted.items():
            if current.get(address) != value:
                self._step.write(address, bytes((value,)))
        self._overlay = wanted
        return values

    # -- execution -----------------------------------------------------------------------------------------------------

    def _begin(self, index: int, start: ThreadStart) -> int:
        thread = self.threads[index]
        state = self._step.initial(start.entry, start.sp)
        vector = self.vectors[self.initial_shared]
        values = self._materialise(thread, b"", vector)
        self._step.load(state)
        events: list[OperationEvent] = []
        local = self._run_on(thread, state, values, -1, events)
        if events:
            raise ValueError("an operation ended before its thread made a shared access")
        return self._intern_local(thread, local)

    def leg(self, index: int, local_id: int, shared_id: int) -> Leg:
        """What the thread's next leg does from a local and a shared state. Raises Reclassified."""
        thread = self.threads[index]
        local = thread.locals[local_id]
        leg = local.quick.get(shared_id)
        if leg is None:
            leg = self._follow(local.tree, shared_id)
            if leg is None:
                leg = self._execute(thread, local, shared_id)
            local.quick[shared_id] = leg
        return leg

    def _follow(self, tree: Any, shared_id: int) -> Leg | None:
        vector = self.vectors[shared_id]
        while tree is not None:
            if tree[0]:
                _, local, writes, events = tree
                return Leg(local, self._written(shared_id, writes), events)
            _, positions, branches = tree
            tree = branches.get(bytes([vector[position] for position in positions]))
        return None

    def _written(self, shared_id: int, writes: tuple[tuple[int, int], ...]) -> int:
        if not writes:
            return shared_id
        vector = bytearray(self.vectors[shared_id])
        for position, value in writes:
            vector[position] = value
        return self._intern_vector(bytes(vector))

    def _execute(self, thread: _Thread, local: Local, shared_id: int) -> Leg:
        values = self._materialise(thread, local.private, self.vectors[shared_id])
        before = dict(self._overlay)
        self._step.load(local.state)
        stop = self._step.step(_pc(local.state))
        self.executed += 1
        if stop is not None:
            raise AssertionError("an instruction that made its access before has stopped now")
        self._accesses.note(thread.index, self._step.events)
        reads, writes = self._shared_effects(self._step.events, before)
        self._absorb(values)
        events: list[OperationEvent] = []
        if local.operation >= 0:
            events.append(("call", local.operation, b""))
        after = self._run_on(thread, self._step.state(), values, -1, events)
        leaf = (True, self._intern_local(thread, after), writes, tuple(events))
        local.tree = _grow(local.tree, reads, leaf)
        return Leg(leaf[1], self._written(shared_id, writes), leaf[3])

    def _shared_effects(
        self, events: Sequence[tuple[bool, int, int]], before: Mapping[int, int]
    ) -> tuple[list[tuple[tuple[int, ...], bytes]], tuple[tuple[int, int], ...]]:
        """The shared bytes an instruction read, with what memory held, and those it wrote, with what it holds now."""
        reads: list[tuple[tuple[int, ...], bytes]] = []
        written: dict[int, int] = {}
        for writes, address, size in events:
            span = [byte for byte in range(address, address + size) if byte in self._position]
            if not span:
                continue
            if writes:
                for byte in span:
                    written[self._position[byte]] = self._step.read(byte, 1)[0]
            else:
                fresh = tuple(self._position[byte] for byte in span if self._position[byte] not in written)
                reads.append((fresh, bytes(before[self.order[position]] for position in fresh)))
        return reads, tuple(written.items())

    def _absorb(self, values: dict[int, int]) -> None:
        """Take what the last instruction wrote into the record of memory and into the thread's private bytes."""
        for writes, address, size in self._step.events:
            if not writes:
                continue
            for byte, value in enumerate(self._step.read(address, size), address):
                self._overlay[byte] = value
                if byte not in self._position:
                    values[byte] = value

    def _undo(self) -> None:
        """Take back what the last instruction wrote."""
        for writes, address, size in self._step.events:
            if writes:
                for byte in range(address, address + size):
                    value = self._overlay.get(byte)
                    old = self._step.original(byte) if value is None else value
                    self._step.write(byte, bytes((old,)))

    def _run_on(
        self, thread: _Thread, state: bytes, values: dict[int, int], pending: int, events: list[OperationEvent]
    ) -> Local:
        """Execute until the next instruction makes a shared access; answers the local state before it.

        ``pending`` is the operation that was called and has made no shared access yet. ``events`` collects calls and
        returns passed on the way: a call is passed on only with the operation's first shared access, or with its
        return where it has none, so that operations overlap as little as the accesses allow.
        """
        watched: tuple[bytes, dict[int, int]] | None = None
        for count in range(self._max_leg):
            pc = _pc(state)
            mark = self._marks.get(pc)
            if mark is not None:
                pending = self._pass(mark, pending, state, events)
            if pc == SENTINEL:
                return self._local(thread, state, values, "done", -1)
            if count >= LONG_RUN:
                if watched == (state, values):
                    return self._local(thread, state, values, "diverges", pending)
                if count & (count - 1) == 0:
                    watched = (state, dict(values))
            stop = self._step.step(pc)
            self.executed += 1
            if stop is not None:
                return self._local(thread, state, values, "fault", pending, stop)
            if self._accesses.note(thread.index, self._step.events):
                self._undo()
                return self._local(thread, state, values, "ready", pending)
            self._absorb(values)
            state = self._step.state()
        return self._local(thread, state, values, "unfinished", pending)

    def _pass(self, mark: Mark, pending: int, state: bytes, events: list[OperationEvent]) -> int:
        if not mark.returns:
            return mark.operation
        if pending == mark.operation:
            events.append(("call", mark.operation, b""))
        result = _RESULT.pack(*_D0_D1.unpack_from(state))
        result += b"".join(self._step.read(address, size) for address, size in mark.reads)
        events.append(("return", mark.operation, result))
        return -1

    def _local(
        self, thread: _Thread, state: bytes, values: dict[int, int], kind: str, operation: int, fault: Any = None
    ) -> Local:
        return Local(state, self._private(thread, values), kind, operation, fault)


_RESULT = struct.Struct(">II")
_D0_D1 = struct.Struct("=II")
_PC = struct.Struct("=I")


def _pc(state: bytes) -> int:
    return int(_PC.unpack_from(state, 64)[0])


def _grow(tree: Any, reads: Sequence[tuple[tuple[int, ...], bytes]], leaf: Any) -> Any:
    """The decision tree with one more path. Raises AssertionError where the same values led elsewhere before."""
    if not reads:
        if tree is not None and tree != leaf:
            raise AssertionError("the same instruction from the same state had two effects")
        return leaf
    (positions, values), rest = reads[0], reads[1:]
    if tree is None:
        tree = (False, positions, {})
    if tree[0] or tree[1] != positions:
        raise AssertionError("the same instruction from the same state read two places")
    tree[2][values] = _grow(tree[2].get(values), rest, leaf)
    return tree
