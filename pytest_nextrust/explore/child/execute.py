"""One run of the threads under a given schedule, instruction by instruction over one memory, without memo or reduction.

It is the second opinion on everything the search says: a failing schedule is replayed here, from the program and the
schedule alone, before it is reported, and the trace is what happened here.

Boundary: child process only. Symbols and text are ``trace``'s, judgement ``confirm``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_nextrust.emu.child.cpu_exceptions import ACCESS
from pytest_nextrust.emu.child.stepper import Stepper, StepStop
from pytest_nextrust.emu.child.thread_state import PC, pack, register_of
from pytest_nextrust.emu.kernel.threads import is_dying, suspended_at
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import Slice
from pytest_nextrust.explore.child.accesses import Access
from pytest_nextrust.explore.child.critical_sections import NONE_HELD, CriticalSections, Held
from pytest_nextrust.explore.child.kept_registers import KeptRegisters
from pytest_nextrust.explore.child.linearize import Explanations, Linearizability
from pytest_nextrust.explore.child.macro_steps import LONG_RUN, SENTINEL
from pytest_nextrust.explore.child.program_calls import UNBORN, BadAddress, ProgramKernel
from pytest_nextrust.explore.child.step_options import Mark, ThreadStart
from pytest_nextrust.explore.child.traps import Interrupts, Served, deliver, interruptible, serve

__all__ = ["LOOP_LIMIT", "Executed", "ObservedHistory", "ScheduleExecutor", "Touch", "shared_bytes", "slices_of"]

Touch = tuple[bool, Address, int, int]
"""Whether it writes, its address, its width in bytes, and the value read or written."""

LOOP_LIMIT = 100_000
"""Instructions that threads go on for in turn until a state must have come back."""


@dataclass(frozen=True, slots=True)
class Executed:
    """One instruction of a thread, or a signal's delivery (``delivery``), with what it touched.

    ``returned``: it ended a handler. ``ends``: what the whole program ended by with it.

    ``before`` is the thread's state before it, ``after`` the one after. ``stop`` is why it did not complete.
    """

    thread: int
    pc: Address
    before: bytes
    after: bytes
    touches: tuple[Touch, ...] = ()
    stop: StepStop | None = None
    delivery: bool = False
    returned: bool = False
    ends: str = ""


@dataclass(slots=True)
class _Thread:
    state: bytes
    values: dict[int, int] = field(default_factory=dict)
    stopped: bool = False
    held: Held = NONE_HELD


class ScheduleExecutor:
    """The threads over ``stepper``, which it owns from now on. ``kernel``: who serves the calls of a whole program.

    ``ended``: what the whole program ended by; empty as long as it goes on.
    """

    def __init__(
        self,
        stepper: Stepper,
        starts: Sequence[ThreadStart],
        interrupts: Interrupts | None = None,
        loop: bool = False,
        kernel: ProgramKernel | None = None,
    ) -> None:
        self._stepper = stepper
        self._kernel = kernel
        self.ended = ""
        self.sections: CriticalSections | None = None
        """Which locks protect what, where macro-steps do not end at that."""
        self._starts = tuple(starts)
        self._interrupts = interrupts
        self._loop = loop
        self._threads = [_Thread(pack(start.entry, start.sp)) for start in starts]
        self.memory: dict[int, int] = {}
        """Every byte that was written, with what it holds."""

    def byte(self, address: int) -> int:
        """A byte of memory now."""
        known = self.memory.get(address)
        return self._stepper.original(address) if known is None else known

    def finished(self, thread: int) -> bool:
        """Whether the thread has returned; never where threads repeat."""
        return not self._loop and register_of(self._threads[thread].state, PC) == SENTINEL

    def stopped(self, thread: int) -> bool:
        """Whether the thread has faulted."""
        return self._threads[thread].stopped

    def waits_for(self, thread: int) -> tuple[int, int] | None:
        """The address and width of the word that the thread waits for; None where it can go on."""
        if self._kernel is None:
            return None
        try:
            return self._kernel.blocks(self._stepper, thread, self._threads[thread].state)
        except KeyError:
            return None  # Its next step is a fault.

    def is_begun(self, thread: int) -> bool:
        """Whether the thread has begun, and has not ended."""
        return self.pc(thread) != UNBORN

    def can_move(self, thread: int) -> bool:
        """Whether the thread can take an instruction."""
        gone = self.ended or self.finished(thread) or self.stopped(thread)
        return not gone and self.waits_for(thread) is None

    @property
    def running(self) -> list[int]:
        """The threads that can take an instruction."""
        return [thread for thread in range(len(self._threads)) if self.can_move(thread)]

    @property
    def waiting(self) -> list[int]:
        """The threads that have begun and wait for a word of memory."""
        return [
            thread
            for thread in range(len(self._threads))
            if not self.ended and self.is_begun(thread) and self.waits_for(thread) is not None
        ]

    def choices(self, thread: int) -> int:
        """How many ways the thread may go."""
        if self._kernel is None or is_dying(self._stepper, thread):
            return 1
        return self._kernel.choices_at(self._stepper, self._threads[thread].state)

    def read(self, address: int, size: int) -> bytes:
        """Memory now. Raises KeyError where none is."""
        return self._stepper.read(address, size)

    def pc(self, thread: int) -> Address:
        """The thread's program counter."""
        return Address(register_of(self._threads[thread].state, PC))

    def register(self, thread: int, number: int) -> int:
        """A register of the thread: d0-d7, a0-a7, pc."""
        return register_of(self._threads[thread].state, number)

    def changed_registers(self, thread: int, kept: KeptRegisters) -> str:
        """Which of these registers the thread has changed, in words; "" where none."""
        return kept.changed(self._threads[thread].state, self._stepper.unused_floats)

    @property
    def count(self) -> int:
        """How many threads there are."""
        return len(self._threads)

    def whole(self) -> tuple[object, ...]:
        """The whole state, comparable: threads, and memory where it differs from the image."""
        changed = frozenset((a, v) for a, v in self.memory.items() if v != self._stepper.original(a))
        return (*self._states(), changed)

    def _states(self) -> tuple[object, ...]:
        return tuple(self._one(index, own) for index, own in enumerate(self._threads))

    def _one(self, index: int, own: _Thread) -> object:
        state = own.state
        if self._loop and register_of(state, PC) == SENTINEL:
            # It begins again from fresh registers: the same as not having begun.
            state = pack(self._starts[index].entry, self._starts[index].sp)
        return state, frozenset(own.values.items())

    def step(self, thread: int, choice: int = 0) -> Executed:
        """Execute the thread's next instruction, by one of its choices. Raises Unprotected by ``sections``."""
        done = self._execute(thread, choice)
        self._follow_locks(self._threads[thread], [touch[:3] for touch in done.touches])
        return done

    def _execute(self, thread: int, choice: int) -> Executed:
        own = self._threads[thread]
        pc = self.pc(thread)
        if self._loop and pc == SENTINEL:
            start = self._starts[thread]
            own.state, pc = pack(start.entry, start.sp), start.entry
        before = own.state
        if self._kernel is not None:
            stopped = self._kernel.stopped(self._stepper, thread, before, own.values)
            if stopped is not None:
                own.state = stopped.state
                return Executed(thread, pc, before, own.state, self._touch(stopped.accesses))
        if self._kernel is not None and pc == UNBORN:
            begun = self._kernel.begin(self._stepper, thread)
            own.state = begun.state
            return Executed(thread, pc, before, own.state, self._touch(begun.accesses))
        self._stepper.load(own.state)
        stop = self._stepper.step()
        if stop is None:
            own.state = self._stepper.state()
            return Executed(thread, pc, before, own.state, self._touch(tuple(self._stepper.events)))
        served = self._served(thread, stop, choice)
        if isinstance(served, StepStop):
            own.stopped = True
            return Executed(thread, pc, before, before, (), served)
        own.state, self.ended = served.state, served.ends
        touches = self._touch(served.accesses)
        return Executed(thread, pc, before, own.state, touches, returned=served.returned, ends=served.ends)

    def _served(self, thread: int, stop: StepStop, choice: int) -> Served | StepStop:
        """What the kernel does for a trap, or why the thread does not go on."""
        own = self._threads[thread]
        served = serve(self._stepper, stop.vector, own.state, own.values)
        if served is None and self._kernel is not None:
            try:
                served = self._kernel.serve(self._stepper, thread, stop.vector, own.state, own.values, choice)
            except BadAddress as error:
                return StepStop(ACCESS, error.address)
        return served or stop

    def deliver(self, thread: int) -> Executed | None:
        """Deliver a signal to the thread; None where it takes no more."""
        own = self._threads[thread]
        if self._interrupts is None:
            return None
        before, pc = own.state, self.pc(thread)
        served = deliver(self._stepper, self._interrupts, before, own.values)
        if served is None:
            return None
        own.state, own.stopped = served.state, False
        return Executed(thread, pc, before, own.state, self._touch(served.accesses), delivery=True)

    def run(self, schedule: Iterable[Slice], note: Callable[[Executed], None] | None = None) -> list[Executed]:
        """Execute a schedule; it ends early where a thread cannot take an instruction that is asked of it.

        ``note`` is given each instruction as it has been executed.
        """
        note = note or (lambda _: None)
        done: list[Executed] = []
        for piece in schedule:
            if not piece.instructions:
                delivery = self.deliver(piece.thread)
                if delivery is None:
                    return done
                done.append(delivery)
                note(delivery)
            choices = iter(piece.choices)
            for _ in range(piece.instructions):
                if piece.choices and self.choices(piece.thread) > 1:
                    done.append(self.step(piece.thread, next(choices, 0)))
                elif self.can_move(piece.thread):
                    done.append(self.step(piece.thread))
                else:
                    return done
                note(done[-1])
        return done

    def turn(self) -> tuple[list[Executed], list[Executed]]:
        """Go on with every thread in turn until a whole state comes back: the way there and the loop.

        The loop is empty where the program ended, faulted, or did not repeat itself within a limit. A state is looked
        for among those after 0, 1, 3, 7, ... turns (Brent, "An improved Monte Carlo factorization algorithm", BIT 20,
        1980).
        """
        done: list[Executed] = []
        kept, kept_at, turns, most = self.whole(), 0, 0, 1
        while self.running and len(done) < LOOP_LIMIT:
            for thread in range(len(self._threads)):
                if self.can_move(thread):
                    done.append(self.step(thread))
            turns += 1
            # Whole states are only put together where no register tells them apart.
            if self._states() == kept[:-1] and self.whole() == kept:
                return done[:kept_at], done[kept_at:]
            if turns == most:
                kept, kept_at, turns, most = self.whole(), len(done), 0, 2 * most
        return done, []

    def macro_step(self, thread: int, shared: frozenset[int], first: bool, choice: int = 0) -> int:
        """Execute up to before the next access to a shared byte, the next of several ways, or where a signal may come,
        after one instruction by ``choice`` unless ``first``; what ``sections`` protect does not end it. Answers the
        number of instructions.
        """
        count = 0 if first else 1
        if not first:
            self.step(thread, choice)
        looks = self._kernel is not None and suspended_at(thread) in shared
        watched: tuple[bytes, object] | None = None
        while self.can_move(thread) and self.choices(thread) == 1:
            own = self._threads[thread]
            if self._interrupts is not None and interruptible(self._interrupts, own.values):
                return count
            kept, old, held = own.state, dict(own.values), own.held
            done = self.step(thread)
            if done.ends or looks or self._is_visible(done, held, shared, first=first):
                own.state, own.values, own.held, self.ended = kept, old, held, ""
                self._restore()
                return count
            count += 1
            if count >= LONG_RUN and count & (count - 1) == 0:
                watched = own.state, self.whole()
            elif watched is not None and watched[0] == own.state and watched[1] == self.whole():
                return count
        return count

    def _is_visible(self, done: Executed, held: Held, shared: frozenset[int], *, first: bool) -> bool:
        """Whether an instruction touched a shared byte that no lock protects which its thread held before it."""
        accesses = [touch[:3] for touch in done.touches]
        if self.sections is not None and not first:
            return not self.sections.are_inside(held, accesses, shared)
        return any(byte in shared for _, address, size in accesses for byte in range(address, address + size))

    def _follow_locks(self, own: _Thread, accesses: Sequence[Access]) -> None:
        if self.sections is not None:
            own.held = self.sections.after(own.held, accesses, self._before, self._stepper.read)

    def _before(self, address: int, size: int) -> bytes:
        """Memory before the last instruction."""
        values = [self._old.get(byte, self.byte(byte)) for byte in range(address, address + size)]
        return bytes(self._stepper.original(at) if v is None else v for at, v in enumerate(values, address))

    def _touch(self, accesses: Sequence[Access]) -> tuple[Touch, ...]:
        self._old: dict[int, int | None] = {}
        touches = []
        for writes, address, size in accesses:
            place = range(address, address + size)
            if writes:
                data = self._stepper.read(address, size)
                for byte, value in zip(place, data, strict=True):
                    self._old.setdefault(byte, self.memory.get(byte))
                    self.memory[byte] = value
            else:
                data = bytes(self.byte(byte) for byte in place)
            touches.append((writes, address, size, int.from_bytes(data, "big")))
        return tuple(touches)

    def _restore(self) -> None:
        for byte, value in self._old.items():
            if value is None:
                del self.memory[byte]
                value = self._stepper.original(byte)
            else:
                self.memory[byte] = value
            self._stepper.write(byte, bytes((value,)))


class ObservedHistory:
    """The calls and returns of a concrete run, judged along the way as the search judges them.

    A call counts from the operation's first access to a byte of ``shared``. ``state`` is the monitor's; ``refuted``
    says what no order explains any more, ``clobbered`` whose operation changed which register that
    it must leave.
    """

    def __init__(
        self,
        executor: ScheduleExecutor,
        marks: Mapping[Address, Mark],
        shared: frozenset[int],
        monitor: Linearizability | None,
        kept: KeptRegisters | None = None,
    ) -> None:
        self._executor = executor
        self._marks = marks
        self._kept = kept
        self._shared = shared
        self._monitor = monitor
        self.state: Explanations | None = None if monitor is None else monitor.initial
        self.refuted: str | None = None
        self.clobbered: tuple[int, str] | None = None
        self._pending = [[-1] for _ in range(executor.count)]
        if monitor is not None:
            for thread in range(executor.count):
                self._pass(thread, executor.pc(thread))

    def note(self, done: Executed) -> None:
        """Take what the instruction means for the history."""
        if self._monitor is None or self.refuted is not None:
            return
        pending = self._pending[done.thread]
        if done.delivery:
            pending.append(-1)
        elif done.returned:
            pending.pop()
            return
        elif pending[-1] >= 0 and any(t[1] + i in self._shared for t in done.touches for i in range(t[2])):
            self._event(done.thread, ("call", pending[-1], b""))
            pending[-1] = -1
        if done.stop is None:
            self._pass(done.thread, self._executor.pc(done.thread))

    def _pass(self, thread: int, pc: Address) -> None:
        mark = self._marks.get(pc)
        if mark is None:
            return
        pending = self._pending[thread]
        if not mark.returns:
            pending[-1] = mark.operation
            return
        if self._kept is not None and len(pending) == 1 and self.clobbered is None:
            changed = self._executor.changed_registers(thread, self._kept)
            if changed:
                self.clobbered = thread, changed
        if pending[-1] == mark.operation:
            self._event(thread, ("call", mark.operation, b""))
        result = b"".join(self._executor.register(thread, n).to_bytes(4, "big") for n in (0, 1))
        result += b"".join(self._executor.read(address, size) for address, size in mark.reads)
        self._event(thread, ("return", mark.operation, result))
        pending[-1] = -1

    def _event(self, thread: int, event: tuple[str, int, bytes]) -> None:
        if self._monitor is None or self.state is None:
            return
        self.state = self._monitor.advance(self.state, thread, (event,))
        if self.state is None:
            answer = self._monitor.describe(event[1], thread, event[2])
            self.refuted = f"no order of the operations explains that {answer}"


def shared_bytes(run: Iterable[Executed]) -> frozenset[int]:
    """The bytes that two threads touched in this run, one of them writing."""
    who: dict[int, int] = {}
    wrote: set[int] = set()
    for done in run:
        for writes, address, size, _ in done.touches:
            for byte in range(address, address + size):
                who[byte] = who.get(byte, 0) | 1 << done.thread
                if writes:
                    wrote.add(byte)
    return frozenset(byte for byte in wrote if who[byte] & (who[byte] - 1))


def slices_of(
    executor: ScheduleExecutor,
    moves: Sequence[int],
    count: int,
    signals_from: int,
    shared: frozenset[int],
    reduced: bool,
    finish: Sequence[int],
    begun: set[int],
) -> list[Slice]:
    """A path of the graph as slices of instructions: what each move executes, joined where the thread stays.

    Moves of ``count`` threads: macro-steps by their first choice, by their second, and so on, from ``signals_from`` on
    signals.
    ``reduced``: a move is a macro-step, else one instruction. ``finish``: threads whose instructions before their first
    shared access are executed in the end if no move did; ``begun`` are those whose have been.
    """
    slices: list[Slice] = []

    def add(thread: int, instructions: int, choices: tuple[int, ...] = ()) -> None:
        if slices and slices[-1].thread == thread and instructions and slices[-1].instructions:
            last = slices.pop()
            instructions, choices = last.instructions + instructions, last.choices + choices
        slices.append(Slice(thread, instructions, choices))

    for move in moves:
        thread = move % count
        if move >= signals_from:
            executor.deliver(thread)
            add(thread, 0)
            begun.add(thread)
            instructions = executor.macro_step(thread, shared, first=True) if reduced else 0
            if instructions:
                add(thread, instructions)
            continue
        instructions = 0
        if reduced and thread not in begun:
            instructions = executor.macro_step(thread, shared, first=True)
        begun.add(thread)
        choice = move // count
        chosen = (choice,) if executor.choices(thread) > 1 else ()
        if reduced:
            instructions += executor.macro_step(thread, shared, first=False, choice=choice)
        else:
            executor.step(thread, choice)
            instructions += 1
        add(thread, instructions, chosen)
    for thread in finish:
        if reduced and thread not in begun:
            begun.add(thread)
            instructions = executor.macro_step(thread, shared, first=True)
            if instructions:
                add(thread, instructions)
    return slices
