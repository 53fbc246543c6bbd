"""What a thread does from a local state: macro-steps of instructions up to its next shared access, executed once each.

A *macro-step* is the instruction that makes a shared access, followed by all instructions up to the next one that does;
no other thread can observe anything in it but its first instruction, so only macro-steps are interleaved. The memo of a
local state is a decision tree over the shared bytes that this instruction reads, in order, with the values that memory
held; a leaf has what it writes and the local state after. Only where current memory leads out of the tree is anything
executed. Without the reduction a macro-step is one instruction.

Boundary: threads and bytes; whole states are ``transition_system``'s, the emulator ``emu.child.stepper``'s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pytest_nextrust.emu.child.cpu_exceptions import ACCESS
from pytest_nextrust.emu.child.stepper import StepStop
from pytest_nextrust.emu.child.thread_state import A7, D0, D1, KEPT, PC, ccr_of, pack, register_of
from pytest_nextrust.emu.kernel.threads import SENTINEL, suspended_at
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Access, Accesses, Reclassified
from pytest_nextrust.explore.child.critical_sections import NONE_HELD, Held, lock_reads
from pytest_nextrust.explore.child.dead_registers import without
from pytest_nextrust.explore.child.decision_tree import Leaf, Read, grow, walk
from pytest_nextrust.explore.child.local_states import (
    Local,
    MacroStep,
    OperationEvent,
    Private,
    StepEffect,
    ThreadLocals,
)
from pytest_nextrust.explore.child.program_calls import UNBORN, BadAddress, ProgramKernel
from pytest_nextrust.explore.child.split_steps import stores, updates_shared
from pytest_nextrust.explore.child.step_options import Mark, MoreChoices, Options, ThreadStart
from pytest_nextrust.explore.child.traps import BASE, KERNEL, Interrupts, Served, deliver, interruptible, serve
from pytest_nextrust.isa.register_use import EVERYTHING

__all__ = [
    "LEFT_AS_THEY_WERE",
    "LONG_RUN",
    "RESULT",
    "SENTINEL",
    "Engine",
    "SingleStepper",
    "ThreadBegun",
]

LONG_RUN = 64
"""Instructions without a shared access after which a macro-step is watched for a repeated state."""

RESULT = 1 << D0 | 1 << D1
LEFT_AS_THEY_WERE = sum(1 << register for register in KEPT)
"""What is looked at where an operation has returned, as bits of registers."""

_RESULT = struct.Struct(">II")
_D0_D1 = struct.Struct("=II")


class SingleStepper(Protocol):
    """What the engine needs of the emulator; see ``emu.child.stepper``."""

    events: list[Access]

    @property
    def unused_floats(self) -> bytes: ...
    def original(self, address: int) -> int: ...
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...
    def load(self, state: bytes) -> None: ...
    def state(self) -> bytes: ...
    def step(self) -> StepStop | None: ...


@dataclass(frozen=True, slots=True)
class ThreadBegun:
    """A thread's local state before its first shared access, and the calls and returns on the way there."""

    local: int
    events: tuple[OperationEvent, ...]


class Engine:
    """The macro-steps of all threads over one image, under a guess of what is shared. Most calls raise Reclassified."""

    def __init__(
        self,
        stepper: SingleStepper,
        threads: Sequence[ThreadStart],
        accesses: Accesses,
        marks: Mapping[Address, Mark] | None = None,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> None:
        self._stepper = stepper
        self._starts = tuple(threads)
        self._accesses = accesses
        self._marks = dict(marks or {})
        self.options = options
        self._reduce = options.reduce
        one_by_one = options.interrupts or options.loop or options.daemons or options.split or marks
        self.sections = options.sections if options.reduce and not one_by_one else None
        """Which locks protect what; None where sections are not looked at: where signals may come in them, operations
        are judged by when they overlap, threads repeat, the program may end while a daemon is inside, or the taking of
        a lock may be split.
        """
        self.updates: set[int] = set()
        """The addresses of the instructions executed so far that read shared bytes and write them."""
        self.is_unsplit = False
        """Whether an instruction stayed whole that was to be split, since others may stop its thread in between."""
        self._registers = options.registers if options.reduce and options.interrupts is None else None
        self.interrupts = options.interrupts is not None
        self.reduces_deliveries = self.interrupts and options.reduce and not options.loop
        self._overlay: dict[int, int] = {}
        self._here: list[set[int]] = [set() for _ in threads]
        self.order = tuple(sorted(accesses.shared))
        self._position = {address: index for index, address in enumerate(self.order)}
        self.vectors: list[bytes] = []
        self._vector_ids: dict[bytes, int] = {}
        self.executed = self.delivered = 0
        self._stops: tuple[bool, ...] = (False,) * len(threads)
        if options.kernel is not None:
            self._stops = tuple(suspended_at(index) in accesses.shared for index in range(len(threads)))
            for index in range(len(threads)):
                # Each thread looks, before every instruction: who writes there contradicts that it is its own.
                accesses.note(index, ((False, Address(suspended_at(index)), 1),))
        self.has_ended = False
        """Whether there is a local state with which the whole program has ended."""
        stacks = [start.stack if options.reduce else range(0) for start in threads]
        self.threads = [ThreadLocals(index, self.original, stack) for index, stack in enumerate(stacks)]
        self.initial_shared = self.intern_vector(bytes(self.original(address) for address in self.order))
        self.initial = tuple(self.begin(index, start.entry) for index, start in enumerate(self._starts))

    def macro_step(self, index: int, local_id: int, shared_id: int, choice: int = 0) -> MacroStep:
        """The thread's next macro-step from a local and a shared state, by one of its choices."""
        if choice:
            return self._chosen(index, local_id, shared_id, choice)
        thread = self.threads[index]
        local = thread.table[local_id]
        known = local.quick.get(shared_id)
        if known is None:
            leaf = walk(local.tree, self.vectors[shared_id].__getitem__)
            effect = self._execute(thread, local, shared_id) if leaf is None else leaf.effect
            # What reads nothing shared has a leaf for a tree.
            private = isinstance(local.tree, Leaf) and not effect.writes
            known = local.quick[shared_id] = self._applied(effect, shared_id, private)
        return known

    def _chosen(self, index: int, local_id: int, shared_id: int, choice: int) -> MacroStep:
        """A macro-step by a later choice: there are few, so that a table is memo enough."""
        thread = self.threads[index]
        local = thread.table[local_id]
        known = local.others.get((choice, shared_id))
        if known is None:
            effect = self._effect(thread, local, shared_id, choice)[0]
            known = local.others[choice, shared_id] = self._applied(effect, shared_id, private=False)
        return known

    def interruption(self, index: int, local_id: int, shared_id: int) -> MacroStep | None:
        """A signal's delivery to the thread at this boundary; None where no more are due."""
        interrupts = self.options.interrupts
        thread = self.threads[index]
        local = thread.table[local_id]
        if interrupts is None or local.unstored or local.kind not in ("ready", "done"):
            return None
        known = local.interrupted.get(shared_id)
        if known is None:
            if local.delivery is None:
                local.delivery = self._deliver(interrupts, thread, local, shared_id)
            for effect in local.delivery:
                known = local.interrupted[shared_id] = self._applied(effect, shared_id, not effect.writes)
        return known

    def _applied(self, effect: StepEffect, shared_id: int, private: bool) -> MacroStep:
        after = self._written(shared_id, effect.writes)
        return MacroStep(effect.local, after, effect.events, private and not effect.blocked, effect.blocked)

    def _deliver(
        self, interrupts: Interrupts, thread: ThreadLocals, local: Local, shared_id: int
    ) -> tuple[StepEffect, ...]:
        """The effect of a delivery, which no shared byte has a part in; none where none may come."""
        self.delivered += 1
        values = self._materialise(thread, local.private, self.vectors[shared_id])
        delivered = deliver(self._stepper, interrupts, local.state, values)
        if delivered is None:
            return ()
        self._accesses.note(thread.index, delivered.accesses)
        writes = self._shared_effects(delivered.accesses, {})[1]
        self._record_writes(thread.index, delivered.accesses, values)
        run = _Run(thread, delivered.state, values, (*local.pending, -1), local.entered, [])
        self._stepper.load(run.state)
        after = self._run_on(run)
        return (StepEffect(thread.intern(after), writes, tuple(run.events)),)

    def written_alone(self, threads: Iterable[int]) -> frozenset[int]:
        """The bytes taken for private that one of these threads has written so far."""
        return self._accesses.written_by(threads)

    # -- shared memory -------------------------------------------------------------------------------------------------

    def original(self, address: int) -> int:
        """A byte of the image; of a thread's state that the CPU does not hold, 0."""
        return 0 if address >= BASE else self._stepper.original(address)

    def intern_vector(self, vector: bytes) -> int:
        """The number of a shared state; equal ones have one."""
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
        return self.intern_vector(bytes(vector))

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
            self._stepper.write(address, bytes((self._stepper.original(address),)))
            del current[address]
        self._here[thread.index] = set(wanted)
        wanted.update(zip(self.order, shared, strict=True))
        changed = wanted.items() - current.items()
        for address, value in changed:
            self._stepper.write(address, bytes((value,)))
        current.update(changed)
        return values

    def _record_writes(self, thread: int, accesses: Sequence[Access], values: dict[int, int]) -> None:
        """Take what was written into the record of memory and into the thread's private bytes."""
        here = self._here[thread]
        for writes, address, size in accesses:
            if not writes:
                continue
            for byte, value in enumerate(self._stepper.read(address, size), address):
                self._overlay[byte] = value
                if byte not in self._position:
                    values[byte] = value
                    here.add(byte)

    def _undo(self, accesses: Sequence[Access]) -> None:
        """Take back what the last instruction wrote."""
        for writes, address, size in accesses:
            if writes:
                for byte in range(address, address + size):
                    value = self._overlay.get(byte)
                    old = self._stepper.original(byte) if value is None else value
                    self._stepper.write(byte, bytes((old,)))

    def _shared_effects(
        self, accesses: Sequence[Access], before: Mapping[int, int]
    ) -> tuple[list[Read], tuple[tuple[int, int], ...]]:
        """The shared bytes that were read, with what memory held, and those written, with what it holds now."""
        reads: list[Read] = []
        written: dict[int, int] = {}
        for writes, address, size in accesses:
            positions = [self._position[byte] for byte in range(address, address + size) if byte in self._position]
            if writes:
                # A cas that fails raises a write event too: what counts is what memory holds afterwards.
                written.update((position, self._stepper.read(self.order[position], 1)[0]) for position in positions)
            else:
                fresh = tuple(position for position in positions if position not in written)
                if fresh:
                    reads.append((fresh, bytes(before[self.order[position]] for position in fresh)))
        return reads, tuple(written.items())

    # -- execution -----------------------------------------------------------------------------------------------------

    def begin(self, index: int, entry: Address) -> ThreadBegun:
        """The thread before its first shared access, begun at any function: it may be one of many that share the memo.

        Raises Reclassified.
        """
        thread = self.threads[index]
        state = pack(entry, self._starts[index].sp)
        values = self._materialise(thread, (b"", b""), self.vectors[self.initial_shared])
        self._stepper.load(state)
        events: list[OperationEvent] = []
        local = self._run_on(_Run(thread, state, values, (-1,), False, events))
        return ThreadBegun(thread.intern(local), tuple(events))

    def _execute(self, thread: ThreadLocals, local: Local, shared_id: int) -> StepEffect:
        effect, reads = self._effect(thread, local, shared_id, 0)
        local.tree = grow(local.tree, reads, effect)
        return effect

    def _effect(self, thread: ThreadLocals, local: Local, shared_id: int, choice: int) -> tuple[StepEffect, list[Read]]:
        """What a macro-step does, and the shared bytes that it reads."""
        values = self._materialise(thread, local.private, self.vectors[shared_id])
        before = dict(self._overlay)
        run = _Run(thread, local.state, values, local.pending, local.entered, [], local.dropped, local.held)
        run.begun = True
        self._stepper.load(local.state)
        if local.unstored:
            return self._stored(run, local.unstored), []
        accesses, stop = self._one(run, choice)
        # Whether it is stopped is what a thread looks at first, whatever it does then.
        run.accesses = list(self._looked(run)) if self._stops[thread.index] else []
        visible = self._begins(run, accesses)
        if run.blocked:
            reads, _ = self._shared_effects(run.accesses, before)
            return StepEffect(thread.intern(local), (), (), blocked=True), reads
        if run.ends:
            self.has_ended = True
            after = self._end(run, run.ends)
        elif stop is None:
            self._record_writes(thread.index, accesses, values)
            if visible and run.pending[-1] >= 0:
                run.events.append(("call", run.pending[-1], b""))
                run.pending = (*run.pending[:-1], -1)
            run.entered = run.entered or (self.options.loop and visible and not self.options.doorways)
            if self._is_split(Address(register_of(local.state, PC)), run, accesses):
                reads, writes = self._shared_effects(run.accesses, before)
                after = replace(self._end(run, "ready"), unstored=writes)
                return StepEffect(thread.intern(after), (), tuple(run.events)), reads
            after = self._run_on(run)
        else:
            after = self._end(run, "fault", stop)
        reads, writes = self._shared_effects(run.accesses, before)
        return StepEffect(thread.intern(after), writes, tuple(run.events)), reads

    def _stored(self, run: _Run, unstored: tuple[tuple[int, int], ...]) -> StepEffect:
        """What the second half of a split instruction does, and what follows it."""
        for position, value in unstored:
            address = self.order[position]
            self._stepper.write(address, bytes((value,)))
            self._overlay[address] = value
        after = self._run_on(run)
        return StepEffect(run.thread.intern(after), unstored, tuple(run.events))

    def _is_split(self, pc: Address, run: _Run, accesses: Sequence[Access]) -> bool:
        """Whether the instruction just executed is to write in a macro-step of its own."""
        if not self._updates(pc, run, accesses) or pc not in self.options.split:
            return False
        self.is_unsplit = self.is_unsplit or self._stops[run.thread.index]
        return not self._stops[run.thread.index]

    def _updates(self, pc: Address, run: _Run, accesses: Sequence[Access]) -> bool:
        """Whether the instruction just executed has read and written the same shared bytes; it is noted then."""
        if run.called or run.untrapped is not None:
            return False
        if not updates_shared(accesses, self._position):
            return False
        opcode = int.from_bytes(self._stepper.read(pc, 2), "big")
        if not stores(opcode, ccr_of(run.state)):
            return False
        self.updates.add(pc)
        return True

    def _begins(self, run: _Run, accesses: Sequence[Access]) -> bool:
        """Take the accesses of the instruction that begins a macro-step; whether others see it. Raises Reclassified,
        Unprotected.
        """
        visible = self._accesses.note(run.thread.index, accesses)
        run.accesses += self._with_locks(run, accesses)
        return visible

    def _ends_before(self, pc: Address, run: _Run, accesses: Sequence[Access]) -> bool:
        """Whether others would see an instruction, so that the macro-step ends before it; else it is part of that.
        Raises Reclassified, Unprotected.
        """
        visible = self._accesses.note(run.thread.index, accesses)
        sections = self.sections
        if sections is None:
            return visible
        if visible:
            if not (run.begun and sections.are_inside(run.held, accesses, self._accesses.shared)):
                return True
            self._updates(pc, run, accesses)
        own = self._with_locks(run, accesses)
        if run.begun:
            run.accesses += own
        return False

    def _with_locks(self, run: _Run, accesses: Sequence[Access]) -> list[Access]:
        """Note which locks the thread takes and gives back; its accesses, the locks read before a write."""
        if self.sections is None:
            return list(accesses)
        reads = lock_reads(self.sections.concerned(run.held, accesses))
        # A lock that only its holder has touched so far would be private to it, and look free to all others.
        self._accesses.note(run.thread.index, reads)
        run.held = self.sections.after(run.held, accesses, self._read_before, self._stepper.read)
        first_write = next((at for at, access in enumerate(accesses) if access[0]), len(accesses))
        return [*accesses[:first_write], *reads, *accesses[first_write:]]

    def _read_before(self, address: int, size: int) -> bytes:
        """Memory before the last instruction."""
        overlay, places = self._overlay, range(address, address + size)
        return bytes(overlay[byte] if byte in overlay else self.original(byte) for byte in places)

    def _one(self, run: _Run, choice: int | None = None) -> tuple[Sequence[Access], StepStop | None]:
        """Execute one instruction, or the kernel's part of a trap; answers its accesses and why it stopped, if so.

        A thread that waits, or that ends the program, is as it was, and ``run`` says so. So is one that may go several
        ways where no ``choice`` is given.
        """
        self.executed += 1
        run.untrapped, run.blocked, run.ends, run.choices, run.called = None, False, "", 1, False
        kernel = self.options.kernel
        if kernel is not None and self._stops[run.thread.index]:
            accesses = self._stopped(kernel, run)
            if accesses is not None:
                return accesses, None
            own, stop = self._unstopped(run, choice)
            run.called = True
            return (*self._looked(run), *own), stop
        return self._unstopped(run, choice)

    def _stopped(self, kernel: ProgramKernel, run: _Run) -> Sequence[Access] | None:
        """What a thread does that is suspended, or was terminated; None: it goes on."""
        before = (run.values.copy(), run.pending, run.resumed)
        served = kernel.stopped(self._stepper, run.thread.index, run.state, run.values)
        if served is None:
            return None
        run.untrapped, run.called = before, True
        return self._take(run, served)

    @staticmethod
    def _looked(run: _Run) -> tuple[Access, ...]:
        return ((False, Address(suspended_at(run.thread.index)), 1),)

    def _unstopped(self, run: _Run, choice: int | None) -> tuple[Sequence[Access], StepStop | None]:
        """As ``_one``, of a thread that nobody stops."""
        kernel = self.options.kernel
        if kernel is not None and register_of(run.state, PC) == UNBORN:
            run.called = True
            return self._take(run, kernel.begin(self._stepper, run.thread.index)), None
        if run.dropped and self._registers is not None:
            use = self._registers.use(register_of(run.state, PC))
            self._look(run, use.reads)
            run.dropped &= ~use.overwrites
        stop = self._stepper.step()
        self._known(run, self._stepper.events)
        if stop is None:
            run.state = self._stepper.state()
            return self._stepper.events, None
        run.untrapped = (run.values.copy(), run.pending, run.resumed)
        served = serve(self._stepper, stop.vector, run.state, run.values)
        if served is None and kernel is not None:
            run.called = True
            if choice is None:
                run.choices = kernel.choices(stop.vector, run.state)
                if run.choices > 1:
                    return (), None
            try:
                served = kernel.serve(self._stepper, run.thread.index, stop.vector, run.state, run.values, choice or 0)
            except BadAddress as error:
                return (), StepStop(ACCESS, error.address)
        return (self._there(self._stepper.events), stop) if served is None else (self._take(run, served), None)

    def _there(self, accesses: Sequence[Access]) -> Sequence[Access]:
        """Those to memory that is there: what an instruction died of is no byte that threads share."""

        def is_there(byte: int) -> bool:
            try:
                self.original(byte)
            except KeyError:
                return False
            return True

        return [access for access in accesses if all(map(is_there, range(access[1], access[1] + access[2])))]

    def _take(self, run: _Run, served: Served) -> Sequence[Access]:
        """Make what the kernel answered the thread's; its accesses."""
        self._known(run, served.accesses)
        run.blocked, run.ends = served.blocked, served.ends
        own = suspended_at(run.thread.index)
        if not self._stops[run.thread.index] and any(a <= own < a + size for w, a, size in served.accesses if w):
            # It stops itself: from now on it looks.
            raise Reclassified((own,))
        if not served.blocked:
            run.state = served.state
        if register_of(run.state, PC) == UNBORN:
            run.dropped = 0
        if served.returned:
            run.pending, run.resumed = run.pending[:-1], True
        self._stepper.load(run.state)
        return served.accesses

    def _known(self, run: _Run, accesses: Sequence[Access]) -> None:
        """Raise Reclassified where a byte is read that was taken for dead: it is shared from then on, hence kept."""
        unknown = run.thread.unknown(accesses, run.values, self._position)
        if unknown:
            raise Reclassified(unknown)

    def _look(self, run: _Run, registers: int) -> None:
        """Raise Reclassified where one of these registers was taken for dead: it is kept from then on."""
        missing = run.dropped & registers
        if missing and self._registers is not None:
            self._registers.keep(missing)
            raise Reclassified(())

    def _end(self, run: _Run, kind: str, fault: StepStop | None = None) -> Local:
        """The local state in which the thread is now."""
        if self._registers is not None:
            if kind == "done":
                run.dropped = EVERYTHING & ~(1 << A7)
            elif kind == "ready":
                run.dropped |= self._registers.at(register_of(run.state, PC))
        private = run.thread.pack(run.values, register_of(run.state, A7))
        # Equal flags in one form: else states with the same future would stay apart.
        state = without(run.state, run.dropped)
        called = run.called
        own = run.dropped, run.held
        return Local(state, private, kind, run.pending, run.entered, fault, *own, choices=run.choices, may_wait=called)

    def _ends_here(self, values: Mapping[int, int]) -> bool:
        """Whether a macro-step ends at this boundary in any case: without the reduction, or where a signal may come."""
        interrupts = self.options.interrupts
        return not self._reduce or (interrupts is not None and interruptible(interrupts, values))

    def _run_on(self, run: _Run) -> Local:
        """Execute until the next instruction makes a shared access; answers the local state before it.

        ``run.events`` collects calls and returns passed on the way: a call is passed on only with the operation's first
        shared access, or with its return where it has none, so that operations overlap as little as accesses allow.
        """
        watched: tuple[bytes, dict[int, int], list[int]] | None = None
        for count in range(self.options.max_instructions):
            pc = Address(register_of(run.state, PC))
            run.entered = run.entered or pc in self.options.doorways
            if pc in self._marks and not run.resumed:
                self._pass(self._marks[pc], run)
                if self._clobbered(self._marks[pc], run):
                    return self._end(run, "clobbered")
            # A handler that ends where a mark stands interrupted its thread after the mark had been passed.
            run.resumed = False
            if pc == SENTINEL:
                if not self.options.loop:
                    return self._end(run, "done")
                self._repeat(run)
                continue
            if self._ends_here(run.values):
                if self.options.kernel is not None:
                    run.choices = self.options.kernel.choices_at(self._stepper, run.state)
                    run.called = True
                return self._at_boundary(run)
            if count >= LONG_RUN:
                if watched is not None and watched[:2] == (run.state, run.values) and watched[2] == self._shared_now():
                    return self._end(run, "diverges")
                if count & (count - 1) == 0:
                    watched = (run.state, dict(run.values), self._shared_now())
            before, dropped, held = run.state, run.dropped, run.held
            accesses, stop = self._one(run)
            if stop is not None:
                return self._end(run, "fault", stop)
            visible = self._ends_before(pc, run, accesses)
            if visible or run.blocked or run.ends or run.choices > 1:
                self._undo(accesses)
                run.state, run.dropped, run.held = before, dropped, held
                if run.untrapped is not None:
                    run.values, run.pending, run.resumed = run.untrapped
                return self._at_boundary(run)
            self._record_writes(run.thread.index, accesses, run.values)
        return self._end(run, "unfinished")

    def _shared_now(self) -> list[int]:
        """Shared memory as the thread has left it so far: it may write to what a lock protects."""
        return [] if self.sections is None else [self._overlay[byte] for byte in self.order]

    def _at_boundary(self, run: _Run) -> Local:
        """The local state from which the next macro-step begins, or one of several. Raises MoreChoices."""
        if run.choices > self.options.choices:
            raise MoreChoices(run.choices)
        return self._end(run, "ready")

    def _repeat(self, run: _Run) -> None:
        start = self._starts[run.thread.index]
        run.events.append(("round", -1, b""))
        run.state, run.entered, run.dropped = pack(start.entry, start.sp), False, 0
        self._stepper.load(run.state)

    def _clobbered(self, mark: Mark, run: _Run) -> bool:
        """Whether an operation that has just returned, and not in a handler, changed what it must leave."""
        kept = self.options.kept
        if kept is None or not mark.returns or len(run.pending) > 1:
            return False
        self._look(run, LEFT_AS_THEY_WERE)
        return bool(kept.changed(run.state, self._stepper.unused_floats))

    def _pass(self, mark: Mark, run: _Run) -> None:
        if not mark.returns:
            run.pending = (*run.pending[:-1], mark.operation)
            return
        if run.pending[-1] == mark.operation:
            run.events.append(("call", mark.operation, b""))
        self._look(run, RESULT)
        result = _RESULT.pack(*_D0_D1.unpack_from(run.state))
        result += b"".join(self._stepper.read(address, size) for address, size in mark.reads)
        run.events.append(("return", mark.operation, result))
        run.pending = (*run.pending[:-1], -1)


@dataclass(slots=True)
class _Run:
    """A thread on its way: what changes from instruction to instruction.

    ``dropped``: registers whose value is missing, since they were taken for dead. ``untrapped``: what the kernel's part
    of the last instruction changed, as it was before. ``blocked``: it waits. ``ends``: what the program ended by with
    it. ``choices``: in how many ways it may be taken. ``called``: it was, or may be, a call of the kernel that may
    wait. ``held``: the locks that the thread holds. ``begun``: a macro-step is under way, and ``accesses`` are those
    that are part of its effect.
    """

    thread: ThreadLocals
    state: bytes
    values: dict[int, int]
    pending: tuple[int, ...]
    entered: bool
    events: list[OperationEvent]
    dropped: int = 0
    held: Held = NONE_HELD
    resumed: bool = False
    untrapped: tuple[dict[int, int], tuple[int, ...], bool] | None = None
    blocked: bool = False
    ends: str = ""
    choices: int = 1
    called: bool = False
    begun: bool = False
    accesses: list[Access] = field(default_factory=list)
