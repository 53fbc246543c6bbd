"""What is explored: a program loaded for one request, where its operations begin and end, and who judges what it does.

Faults of the program under test are findings and left to the search; what cannot be explored at all (a program without
the functions asked for, a setup that does not return, a call of the kernel) is NotRunnable or HarnessFault.

Boundary: child process only. Knows nothing of how the states are searched.
"""

from __future__ import annotations

import importlib
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from typing import Protocol

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import KEPT
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault, NotRunnable
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.critical_sections import CriticalSections, Lock
from pytest_nextrust.explore.child.dead_registers import DeadRegisters
from pytest_nextrust.explore.child.execute import Executed, ScheduleExecutor, shared_bytes
from pytest_nextrust.explore.child.final_check import FinalCheck
from pytest_nextrust.explore.child.guess import ProtectingLocks, both_touch, runs_side_by_side
from pytest_nextrust.explore.child.image import CheckedProgram, Stopped, heaps_of, prepared
from pytest_nextrust.explore.child.kept_registers import SYMBOL, KeptRegisters
from pytest_nextrust.explore.child.linearize import Explanations, Linearizability
from pytest_nextrust.explore.child.macro_steps import LEFT_AS_THEY_WERE, RESULT, Engine
from pytest_nextrust.explore.child.program_calls import ProgramKernel
from pytest_nextrust.explore.child.step_options import Mark, Options
from pytest_nextrust.explore.child.trace import is_call, stop_text, trap_text
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem
from pytest_nextrust.explore.child.traps import Interrupts
from pytest_nextrust.explore.request import ExploreRequest, Variant
from pytest_nextrust.explore.symmetry_guess import Partition, SymmetryGuess

__all__ = ["FEWEST_SLOTS", "Host", "Subject", "unserved"]

WHOLE_PROGRAM = 10_000
"""Instructions of each run of a whole program, by which it is guessed what its threads share."""

FEWEST_SLOTS = 2
"""Threads at once that a whole program is given at first."""

THREADS_BEGIN = (
    "nextrust_thread_begin",
    "nextrust_pthread_begin",
    "nextrust_thrd_begin",
    "nextrust_cthread_begin",
)
"""Where the threads of a whole program begin."""

MONITORS = {"pytest_nextrust.atomics.history": "pytest_nextrust.atomics.child.monitor"}
"""Where a module of a request's monitor is now. A token's hash covers the name, so tokens keep the first one."""


class Host(Protocol):
    """What the sandbox's child offers."""

    @property
    def ending(self) -> bool: ...
    def cpu(self, name: str) -> Cpu: ...
    def report(self, line: str, /) -> None: ...


class Subject:
    """The program of one request, on one CPU, after its setup. Raises NotRunnable, HarnessFault; ``close`` it.

    ``slots``: how many threads a whole program may have at once.
    """

    def __init__(self, variant: Variant, program: CheckedProgram, cpu: Cpu, slots: int = FEWEST_SLOTS) -> None:
        self.slots = slots
        self.request = request = variant.request
        self.cpu = cpu
        handler = request.handler if request.signals else None
        self.kernel: ProgramKernel | None = None
        self.protected: dict[int, Lock] = {}
        """The lock of each byte that one is taken to protect."""
        if request.is_program:
            image = program.whole(slots, request.name)
        else:
            image = program.image(request.threads, handler, variant.patches, variant.symbols)
        if request.is_program or program.makes_thread_calls:
            starts = image.starts
            stacks, heaps = tuple(start.sp for start in starts), heaps_of(len(starts))
            self.kernel = ProgramKernel(stacks, heaps, request.is_program, request.spurious_wakeups)
        # A setup that fails is described by the names of the image as it was before.
        self.image = image
        self.image = prepared(image, cpu, request.setup, self._setup_failed, self.kernel)
        self.interrupts: Interrupts | None = None
        if self.image.handler is not None:
            self.interrupts = Interrupts(self.image.handler, request.signals, request.nested)
        self.check = FinalCheck(self.image, request.check, self.kernel) if request.check is not None else None
        self.monitor = _monitor(request)
        self.marks = self._marks()
        self.kept = self._kept()
        self.objects = tuple((self.image.address(name), size) for name, size in request.objects)
        self.doorways = frozenset() if request.doorway is None else frozenset({self.image.address(request.doorway)})

    def close(self) -> None:
        if self.check is not None:
            self.check.close()

    @cached_property
    def registers(self) -> DeadRegisters:
        """What is dead where, found out when it is first asked for: nobody does in a replay, or with too few slots."""
        begun_at = list(map(self.image.known, THREADS_BEGIN)) if self.kernel is not None else []
        entries = [start.entry for start in self.image.starts] + [entry for entry in begun_at if entry is not None]
        return DeadRegisters(self.image.code, entries, self._looked_at())

    # -- running it ----------------------------------------------------------------------------------------------------

    @contextmanager
    def stepper(self) -> Iterator[Stepper]:
        """The CPU with the image in memory. One at a time."""
        stepper = Stepper(self.cpu, self.image.regions)
        try:
            yield stepper
        finally:
            stepper.close()

    @contextmanager
    def executor(self) -> Iterator[ScheduleExecutor]:
        """What runs the threads under a given schedule, from the start."""
        with self.stepper() as stepper:
            yield ScheduleExecutor(stepper, self.image.starts, self.interrupts, self.request.loop, self.kernel)

    def system(
        self, stepper: Stepper, shared: frozenset[int], guess: SymmetryGuess, choices: int = 1
    ) -> TransitionSystem:
        """The states of the threads under a guess of what is shared and who is symmetric.

        ``choices``: the most that there are from one local state. Raises Reclassified, Asymmetric, Unprotected,
        MoreChoices, MoreThreads.
        """
        options = Options(self.request.reduce, self.request.loop, self.doorways, self.interrupts, kept=self.kept)
        options = replace(options, daemons=frozenset(self.request.daemons), kernel=self.kernel, choices=choices)
        if self.protected:
            options = replace(options, sections=CriticalSections(self.protected))
        options = replace(options, registers=self.registers, split=frozenset(self.request.split))
        engine = Engine(stepper, self.image.starts, Accesses(shared), self.marks, options)
        dead = self.image.stacks if self.request.reduce else ()

        @cache  # Where schedules are drawn, thousands end in the same few states.
        def judge(state: State) -> bool:
            message = self.final_message(system.memory(state), system.monitors[state[-1]], dead)
            self.look_at_daemons(engine)
            return message is None

        wanted = self.check is not None or bool(self.monitor is not None and self.objects)
        system = TransitionSystem(
            engine, self.monitor, judge if wanted else None, guess.partition, renaming=guess.renaming
        )
        return system

    def alike_threads(self) -> Partition:
        """The first guess of who is symmetric: everybody but daemons, or in a history those who make the same calls."""
        if self.request.is_program:
            return ()
        threads = [thread for thread in range(len(self.request.threads)) if thread not in self.request.daemons]
        if self.monitor is None or not self.request.operations:
            return (tuple(threads),)
        calls: list[list[int]] = [[] for _ in self.request.threads]
        for number, operation in enumerate(self.request.operations):
            calls[operation.thread].append(number)
        same = self.monitor.same_meaning
        classes = [
            tuple(n for n in threads if len(calls[n]) == len(own) and all(map(same, calls[n], own))) for own in calls
        ]
        return tuple(threads for threads in dict.fromkeys(classes) if len(threads) > 1)

    def guess(self, stepper: Stepper) -> frozenset[int]:
        """The first guess of what is shared: what threads touch alone and side by side; of a history, the objects and
        what is touched alone.

        A history's operations begin with their first access to its objects. Of one thread and its handler nothing is
        shared otherwise, and an interrupted operation would seem to begin after the handler that has seen its effect.
        """
        if self.monitor is not None:
            objects = frozenset(byte for start, size in self.objects for byte in range(start, start + size))
            return objects | both_touch(stepper, enumerate(self.image.starts))

        def threads() -> ScheduleExecutor:
            stepper.restore()
            return ScheduleExecutor(stepper, self.image.starts, loop=self.request.loop, kernel=self.kernel)

        if self.request.is_program:
            runs = runs_side_by_side(threads, instructions=WHOLE_PROGRAM)
            shared = frozenset[int]()
        else:
            runs = runs_side_by_side(threads)
            shared = both_touch(stepper, enumerate(self.image.starts))
        shared = shared.union(*map(shared_bytes, runs))
        self._note_locks(runs, shared)
        return shared

    def unprotect(self, addresses: Iterable[int]) -> None:
        """Take these bytes for protected by no lock from now on."""
        for address in addresses:
            self.protected.pop(address, None)

    def _note_locks(self, runs: Iterable[Sequence[Executed]], shared: frozenset[int]) -> None:
        locks = ProtectingLocks(shared, self.image.byte)
        for run in runs:
            locks.note(run)
        self.protected = locks.protected()

    # -- judging -------------------------------------------------------------------------------------------------------

    def final_message(self, memory: Mapping[int, int], watched: Hashable, dead: Container[int] = ()) -> str | None:
        """What is wrong with memory at the end, by the monitor and the check; None where nothing is.

        Raises HarnessFault; Reclassified where the check reads a byte of ``dead`` that is not in ``memory``.
        """
        message = self._unexplained(memory, watched)
        if message is not None or self.check is None:
            return message
        name = self.request.check
        try:
            answer = self.check.answer(memory, dead)
        except Stopped as stopped:
            if stopped.stop is None:
                return f"{name} does not return"
            if is_call(stopped.stop):
                raise unserved(f"{name} makes {trap_text(stopped.stop, stopped.d0)}") from stopped
            return f"{name} at {self.image.symbol(stopped.pc)} died of {stop_text(self.image, stopped.stop)}"
        return None if answer == 0 else f"{name} answers {answer - (1 << 32) if answer >> 31 else answer}, not 0"

    def look_at_daemons(self, engine: Engine) -> None:
        """Raise Reclassified where the check reads what a daemon writes and no thread does besides: the program may end
        before that as well as after it, so when it is written is to be observed.
        """
        if self.check is not None and self.request.daemons:
            observed = self.check.reads & engine.written_alone(self.request.daemons)
            if observed:
                raise Reclassified(observed)

    def _unexplained(self, memory: Mapping[int, int], watched: Hashable) -> str | None:
        """Whether the objects are, in the end, what some order of the operations leaves."""
        if self.monitor is None or not self.objects:
            return None
        assert isinstance(watched, Explanations)
        found = bytes(
            memory.get(at, self.image.byte(at)) for start, size in self.objects for at in range(start, start + size)
        )
        if self.monitor.explains(watched, found):
            return None
        return f"memory is 0x{found.hex()} in the end, and no order of the operations leaves that"

    def _marks(self) -> dict[Address, Mark]:
        """Where operations begin and end."""
        marks: dict[Address, Mark] = {}
        for number, operation in enumerate(self.request.operations):
            reads = tuple((self.image.address(name), size) for name, size in operation.reads)
            marks[self.image.address(operation.call)] = Mark(False, number)
            marks[self.image.address(operation.returned)] = Mark(True, number, reads)
        return marks

    def _looked_at(self) -> dict[Address, int]:
        """The registers that are looked at where operations have returned."""
        looked_at = RESULT | (0 if self.kept is None else LEFT_AS_THEY_WERE)
        return {place: looked_at for place, mark in self.marks.items() if mark.returns}

    def _kept(self) -> KeptRegisters | None:
        """What operations must leave in registers, where the program says what that is."""
        at = self.image.known(SYMBOL) if self.request.operations else None
        if at is None:
            return None
        return KeptRegisters.parsed(bytes(self.image.byte(at + n) for n in range(4 * len(KEPT))))

    def _setup_failed(self, stopped: Stopped) -> Exception:
        name = self.request.setup
        where = f"at {self.image.symbol(stopped.pc)}"
        remedy = f"make {name} return: it runs alone, before the threads"
        if stopped.stop is None:
            return NotRunnable("program", f"{name} does not return: {where}", place=self.request.name, remedy=remedy)
        if is_call(stopped.stop):
            return unserved(f"{name} makes {trap_text(stopped.stop, stopped.d0)}")
        died = f"{name} dies {where} of {stop_text(self.image, stopped.stop)}"
        return NotRunnable("program", died, place=self.request.name, remedy=remedy)


def unserved(what: str) -> HarnessFault:
    """The fault of a program that calls the kernel."""
    return HarnessFault(
        "explore", f"{what}, which exploration does not have", remedy="keep calls of the kernel out of the threads"
    )


def _monitor(request: ExploreRequest) -> Linearizability | None:
    """The judge of histories that a request names."""
    if request.monitor is None:
        return None
    module, _, function = request.monitor.partition(":")
    if not module.startswith("pytest_nextrust."):
        raise HarnessFault("explore", f"not a function of this package: {request.monitor}")
    made: Linearizability = getattr(importlib.import_module(MONITORS.get(module, module)), function)(request.history)
    return made
