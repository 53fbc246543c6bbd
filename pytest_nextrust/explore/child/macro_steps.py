"""What a thread does from a local state: legs of instructions up to its next shared access, executed once each.

A *leg* is the instruction that makes a shared access, followed by all instructions up to the next one that does;
nothing in it but its first instruction can be told apart by another thread, so only legs are interleaved. The memo of a
local state is a decision tree: the shared bytes its first instruction reads, in order, with the values memory held, and
at the leaf what it writes and the local state after. A lookup follows the current memory, and only where it leaves the
tree is anything executed. Without the reduction a leg is one instruction.

Boundary: threads and bytes; the graph over whole states is ``graph``'s, the emulator ``emu.child.stepper``'s.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_nextrust.emu.child.thread_state import A7, PC, ccr_of, pack, register_of, with_ccr
from pytest_nextrust.explore.child.accesses import Access, Accesses, Reclassified
from pytest_nextrust.explore.child.local_states import (
    Leg,
    Local,
    OperationEvent,
    Private,
    ThreadLocals,
    Tree,
    grow,
    leaf,
    walk,
)
from pytest_nextrust.explore.child.traps import BASE, KERNEL, Interrupts, Served, deliver, interruptible, serve

__all__ = ["SENTINEL", "Engine", "Mark", "Options", "Step", "ThreadStart"]

SENTINEL = 0xFFFF_F000
"""Where a thread returns to when its function is done: no memory is there, and nothing is executed."""

LONG_RUN = 64
"""Instructions without a shared access after which a leg is watched for a repeated state."""

_RESULT = struct.Struct(">II")
_D0_D1 = struct.Struct("=II")


class Step(Protocol):
    """What the engine needs of the emulator; see ``emu.child.stepper``."""

    events: list[Access]

    def original(self, address: int) -> int: ...
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...
    def load(self, state: bytes) -> None: ...
    def state(self) -> bytes: ...
    def step(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class ThreadStart:
    """Where a thread begins: its function, and its stack pointer, at which the return address is stored.

    ``floor`` is the lowest address of its stack; without it nothing below the stack pointer is taken for dead.
    """

    entry: int
    sp: int
    floor: int | None = None

    @property
    def stack(self) -> range:
        """What is below the stack pointer when the thread begins."""
        return range(self.sp if self.floor is None else self.floor, self.sp)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a thread's code between two instructions: operation ``operation`` is called, or has returned.

    On a return d0 and d1 are taken as its result, followed by the bytes at ``reads`` ((address, size) pairs).
    """

    returns: bool
    operation: int
    reads: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How legs are made. ``reduce``: up to the next shared access, else one instruction; ``loop``: threads repeat.

    At ``doorways`` a thread that repeats begins to wait for its turn; without any, with its first shared access.
    """

    reduce: bool = True
    loop: bool = False
    doorways: frozenset[int] = frozenset()
    interrupts: Interrupts | None = None
    max_leg: int = 1_000_000


class Engine:
    """The legs of all threads over one image, under one guess of what is shared. Most calls raise Reclassified."""

    def __init__(
        self,
        step: Step,
        threads: Sequence[ThreadStart],
        accesses: Accesses,
        marks: Mapping[int, Mark] | None = None,
        options: Options = Options(),
    ) -> None:
        self._step = step
        self._starts = tuple(threads)
        self._accesses = accesses
        self._marks = dict(marks or {})
        self.options = options
        self._reduce = options.reduce
        self.interrupts = options.interrupts is not None
        self.reduces_deliveries = self.interrupts and options.reduce and not options.loop
        self._overlay: dict[int, int] = {}
        self._here: list[set[int]] = [set() for _ in threads]
        self.order = tuple(sorted(accesses.shared))
        self._position = {address: index for index, address in enumerate(self.order)}
        self.vectors: list[bytes] = []
        self._vector_ids: dict[bytes, int] = {}
        self.executed = 0
        stacks = [start.stack if options.reduce else range(0) for start in threads]
        self.threads = [ThreadLocals(index, self._original, stack) for index, stack in enumerate(stacks)]
        self.initial_shared = self._intern_vector(bytes(self._original(address) for address in self.order))
        self.initial_events: list[tuple[OperationEvent, ...]] = []
        self.initial_locals = tuple(self._begin(thread) for thread in self.threads)

    def leg(self, index: int, local_id: int, shared_id: int) -> Leg:
        """What the thread's next leg does from a local and a shared state."""
        thread = self.threads[index]
        local = thread.table[local_id]
        leg = local.quick.get(shared_id)
        if leg is None:
            end = walk(local.tree, self.vectors[shared_id]) or self._execute(thread, local, shared_id)
            # What reads nothing shared has a leaf for a tree.
            private = bool(local.tree[0]) and not end[2]
            leg = local.quick[shared_id] = Leg(end[1], self._written(shared_id, end[2]), end[3], private)
        return leg

    def interruption(self, index: int, local_id: int, shared_id: int) -> Leg | None:
        """A signal's delivery to the thread at this boundary; None where no more are due."""
        interrupts = self.options.interrupts
        thread = self.threads[index]
        local = thread.table[local_id]
        if interrupts is None or local.kind not in ("ready", "done"):
            return None
        leg = local.interrupted.get(shared_id)
        if leg is None:
            if local.delivered is None:
                local.delivered = self._deliver(interrupts, thread, local, shared_id)
            end = local.delivered
            if not end:
                return None
            leg = Leg(end[1], self._written(shared_id, end[2]), end[3], not end[2])
            local.interrupted[shared_id] = leg
        return leg

    def _deliver(self, interrupts: Interrupts, thread: ThreadLocals, local: Local, shared_id: int) -> Tree:
        """The delivery's leaf, which no shared byte has a part in; False where there is none."""
        values = self._materialise(thread, local.private, self.vectors[shared_id])
        delivered = deliver(self._step, interrupts, local.state, values)
        if delivered is None:
            return False
        self._accesses.note(thread.index, delivered.accesses)
        writes = self._shared_effects(delivered.accesses, {})[1]
        self._absorb(thread.index, delivered.accesses, values)
        run = _Run(thread, delivered.state, values, (*local.pending, -1), local.entered, [])
        self._step.load(run.state)
        after = self._run_on(run)
        return leaf(thread.intern(after), writes, tuple(run.events))

    # -- shared memory -------------------------------------------------------------------------------------------------

    def _original(self, address: int) -> int:
        return 0 if address >= BASE else self._step.original(address)

    def _intern_vector(self, vector: bytes) -> int:
        known = self._vector_ids.get(vector)
        if known is None:
            known = self._vector_ids[vector] = len(self.vectors)
            self.vectors.append(vector)
        return known

    def _written(self, shared_id: int, writes: tuple[tuple[int, int], ...]) -> int:
        if not writes:
            return shared_id
        vector = bytearray(self.vectors[shared_id])
        for position, value in writes:
            vector[position] = value
        return self._intern_vector(bytes(vector))

    # -- memory --------------------------------------------------------------------------------------------------------

    def _materialise(self, thread: ThreadLocals, private: Private, shared: bytes) -> dict[int, int]:
        """Make memory what this thread sees; answers its private bytes by address."""
        values = thread.unpack(private)
        wanted = values.copy()
        for address in KERNEL:
            wanted.pop(address, None)
        here = self._here[thread.index]
        current = self._overlay
        # What other threads have in private may stay where it is: this one does not touch it, or contradicts that.
        for address in here - wanted.keys():
            self._step.write(address, bytes((self._step.original(address),)))
            del current[address]
        self._here[thread.index] = set(wanted)
        wanted.update(zip(self.order, shared, strict=True))
        changed = wanted.items() - current.items()
        for address, value in changed:
            self._step.write(address, bytes((value,)))
        current.update(changed)
        return values

    def _absorb(self, thread: int, accesses: Sequence[Access], values: dict[int, int]) -> None:
        """Take what was written into the record of memory and into the thread's private bytes."""
        here = self._here[thread]
        for writes, address, size in accesses:
            if not writes:
                continue
            for byte, value in enumerate(self._step.read(address, size), address):
                self._overlay[byte] = value
                if byte not in self._position:
                    values[byte] = value
                    here.add(byte)

    def _undo(self) -> None:
        """Take back what the last instruction wrote."""
        for writes, address, size in self._step.events:
            if writes:
                for byte in range(address, address + size):
                    value = self._overlay.get(byte)
                    old = self._step.original(byte) if value is None else value
                    self._step.write(byte, bytes((old,)))

    def _shared_effects(
        self, accesses: Sequence[Access], before: Mapping[int, int]
    ) -> tuple[list[tuple[tuple[int, ...], bytes]], tuple[tuple[int, int], ...]]:
        """The shared bytes that were read, with what memory held, and those written, with what it holds now."""
        reads: list[tuple[tuple[int, ...], bytes]] = []
        written: dict[int, int] = {}
        for writes, address, size in accesses:
            positions = [self._position[byte] for byte in range(address, address + size) if byte in self._position]
            if writes:
                # A cas that fails raises a write event too: what counts is what memory holds afterwards.
                written.update((position, self._step.read(self.order[position], 1)[0]) for position in positions)
            else:
                fresh = tuple(position for position in positions if position not in written)
                if fresh:
                    reads.append((fresh, bytes(before[self.order[position]] for position in fresh)))
        return reads, tuple(written.items())

    # -- execution -----------------------------------------------------------------------------------------------------

    def _begin(self, thread: ThreadLocals) -> int:
        start = self._starts[thread.index]
        state = pack(start.entry, start.sp)
        values = self._materialise(thread, (b"", b""), self.vectors[self.initial_shared])
        self._step.load(state)
        events: list[OperationEvent] = []
        local = self._run_on(_Run(thread, state, values, (-1,), False, events))
        self.initial_events.append(tuple(events))
        return thread.intern(local)

    def _execute(self, thread: ThreadLocals, local: Local, shared_id: int) -> Tree:
        values = self._materialise(thread, local.private, self.vectors[shared_id])
        before = dict(self._overlay)
        run = _Run(thread, local.state, values, local.pending, local.entered, [])
        self._step.load(local.state)
        accesses, stop = self._one(run)
        visible = self._accesses.note(thread.index, accesses)
        reads, writes = self._shared_effects(accesses, before)
        if stop is None:
            self._absorb(thread.index, accesses, values)
            if visible and run.pending[-1] >= 0:
                run.events.append(("call", run.pending[-1], b""))
                run.pending = (*run.pending[:-1], -1)
            run.entered = run.entered or (self.options.loop and visible and not self.options.doorways)
            after = self._run_on(run)
        else:
            after = run.end("fault", stop)
        end = leaf(thread.intern(after), writes, tuple(run.events))
        local.tree = grow(local.tree, reads, end)
        return end

    def _one(self, run: _Run) -> tuple[Sequence[Access], Any]:
        """Execute one instruction, or the kernel's part of a trap; answers its accesses and why it stopped, if so."""
        self.executed += 1
        run.untrapped = None
        stop = self._step.step()
        self._known(run, self._step.events)
        if stop is None:
            run.state = self._step.state()
            return self._step.events, None
        run.untrapped = (run.values.copy(), run.pending, run.resumed)
        served: Served | None = serve(self._step, stop.vector, run.state, run.values)
        if served is None:
            return self._step.events, stop
        self._known(run, served.accesses)
        run.state = served.state
        if served.returned:
            run.pending, run.resumed = run.pending[:-1], True
        self._step.load(run.state)
        return served.accesses, None

    def _known(self, run: _Run, accesses: Sequence[Access]) -> None:
        """Raise Reclassified where a byte is read that was taken for dead: it is shared from then on, hence kept."""
        unknown = run.thread.unknown(accesses, run.values, self._position)
        if unknown:
            raise Reclassified(unknown)

    def _stops(self, values: Mapping[int, int]) -> bool:
        """Whether this boundary counts by itself: without the reduction, or because a signal may come."""
        interrupts = self.options.interrupts
        return not self._reduce or (interrupts is not None and interruptible(interrupts, values))

    def _run_on(self, run: _Run) -> Local:
        """Execute until the next instruction makes a shared access; answers the local state before it.

        ``run.events`` collects calls and returns passed on the way: a call is passed on only with the operation's first
        shared access, or with its return where it has none, so that operations overlap as little as accesses allow.
        """
        watched: tuple[bytes, dict[int, int]] | None = None
        for count in range(self.options.max_leg):
            pc = register_of(run.state, PC)
            run.entered = run.entered or pc in self.options.doorways
            if pc in self._marks and not run.resumed:
                self._pass(self._marks[pc], run)
            # A handler that ends where a mark stands interrupted its thread after the mark had been passed.
            run.resumed = False
            if pc == SENTINEL:
                if not self.options.loop:
                    return run.end("done")
                self._repeat(run)
                continue
            if self._stops(run.values):
                return run.end("ready")
            if count >= LONG_RUN:
                if watched == (run.state, run.values):
                    return run.end("diverges")
                if count & (count - 1) == 0:
                    watched = (run.state, dict(run.values))
            before = run.state
            accesses, stop = self._one(run)
            if stop is not None:
                return run.end("fault", stop)
            if self._accesses.note(run.thread.index, accesses):
                self._undo()
                run.state = before
                if run.untrapped is not None:
                    run.values, run.pending, run.resumed = run.untrapped
                return run.end("ready")
            self._absorb(run.thread.index, accesses, run.values)
        return run.end("unfinished")

    def _repeat(self, run: _Run) -> None:
        start = self._starts[run.thread.index]
        run.events.append(("round", -1, b""))
        run.state, run.entered = pack(start.entry, start.sp), False
        self._step.load(run.state)

    def _pass(self, mark: Mark, run: _Run) -> None:
        if not mark.returns:
            run.pending = (*run.pending[:-1], mark.operation)
            return
        if run.pending[-1] == mark.operation:
            run.events.append(("call", mark.operation, b""))
        result = _RESULT.pack(*_D0_D1.unpack_from(run.state))
        result += b"".join(self._step.read(address, size) for address, size in mark.reads)
        run.events.append(("return", mark.operation, result))
        run.pending = (*run.pending[:-1], -1)


@dataclass(slots=True)
class _Run:
    """A thread on its way: what changes from instruction to instruction.

    ``untrapped``: what the kernel's part of the last instruction changed, as it was before.
    """

    thread: ThreadLocals
    state: bytes
    values: dict[int, int]
    pending: tuple[int, ...]
    entered: bool
    events: list[OperationEvent]
    resumed: bool = False
    untrapped: tuple[dict[int, int], tuple[int, ...], bool] | None = None

    def end(self, kind: str, fault: Any = None) -> Local:
        private = self.thread.pack(self.values, register_of(self.state, A7))
        # Equal flags in one form: else states that nothing tells apart would stay apart.
        state = with_ccr(self.state, ccr_of(self.state))
        return Local(state, private, kind, self.pending, self.entered, fault)
